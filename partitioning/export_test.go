package partitioning

// DoubleToMilli is doubleToMilli with the unit's name.
func DoubleToMilli(v float64, unit string) (int64, bool) { return doubleToMilli(v, perMilli[unit]) }

// DecimalToMilli is decimalToMilli with the unit's name.
func DecimalToMilli(b []byte, scale int, unit string) (int64, bool) {
	return decimalToMilli(b, scale, perMilli[unit])
}
