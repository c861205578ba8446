package avro

import "shadoof/record/internal/varint"

func (d *Decoder) short(n *node, p int) int {
	return d.undecodable(n, p, "found the end of the data, expected %s", n.op)
}

func (d *Decoder) badVarint(n *node, p int) int {
	u, q := varint.Read(d.b, p)
	if q < 0 {
		if len(d.b)-p < 10 {
			return d.short(n, p)
		}
		return d.undecodable(n, p, "found a number of more than 64 bits, expected %s", n.op)
	}
	return d.undecodable(n, p, "found %d, expected %s", varint.Signed(u), n.op)
}

func (d *Decoder) badLength(n *node, p int) int {
	u, q := varint.Read(d.b, p)
	if q < 0 {
		return d.badVarint(n, p)
	}
	return d.undecodable(n, p, "found the length %d, expected %s in the %d bytes left", varint.Signed(u), n.op, len(d.b)-q)
}

func (d *Decoder) badIndex(n *node, p int, what string, count int) int {
	u, q := varint.Read(d.b, p)
	if q < 0 {
		return d.badVarint(n, p)
	}
	return d.undecodable(n, p, "found the index %d of a %s, expected one below %d", varint.Signed(u), what, count)
}

func (d *Decoder) badBranch(n *node, p int) int {
	return d.undecodable(n, p, "found the branch byte %#x, expected 0 or 2, a union of null and a type", d.b[p])
}

func (d *Decoder) badBool(n *node, p int) int {
	return d.undecodable(n, p, "found the byte %#x, expected 0 or 1, a boolean", d.b[p])
}

func (d *Decoder) badBlock(n *node, at, p, end int) int {
	return d.undecodable(n, at, "found a block that ends at byte %d, expected byte %d by its size", p, end)
}

// String is what an error says was expected.
func (o op) String() string {
	return [...]string{
		opBool: "a boolean", opInt: "an int of 32 bits", opLong: "a long", opFloat: "a float", opDouble: "a double", opString: "a string",
		opBytes: "bytes", opFixed: "a fixed", opEnum: "an enum", opUUID: "a UUID of 16 bytes", opDecimal: "a decimal",
		opFixedDecimal: "a decimal", opTimeMillis: "a time of day", opTimeMicros: "a time of day", opMillis: "a long", opRecord: "a record",
		opUnion: "a union", opList: "a block of entries", opNull: "null",
		opMember: "a type of a union", opRefuse: "a type of a union", opDropped: "a record", opMissing: "a record", opJSON: "a value", opRescale: "a decimal", opSomeSymbols: "an enum",
		opTextOfBytes: "bytes", opIntTimeMicros: "a time of day", opIntLong: "an int of 32 bits", opIntFloat: "an int of 32 bits",
		opIntDouble: "an int of 32 bits", opLongFloat: "a long", opLongDouble: "a long", opFloatDouble: "a float",
	}[o]
}
