// Package varint reads the variable-length numbers that Avro and Protobuf share: seven bits to a byte, the lowest first.
package varint

// Read reads the unsigned form of a variable-length number at p, and returns it with the position after it, or -1 when the data
// ends in it or it has more than 64 bits.
func Read(b []byte, p int) (uint64, int) {
	if p < len(b) && b[p] < 0x80 {
		return uint64(b[p]), p + 1
	}
	return ReadLong(b, p)
}

// ReadLong is Read for numbers that are known to have more than a byte: it is as right for others, and slower.
func ReadLong(b []byte, p int) (uint64, int) {
	var x uint64
	for i, c := range b[p:min(p+10, len(b))] {
		if c < 0x80 {
			if i == 9 && c > 1 {
				return 0, -1
			}
			return x | uint64(c)<<(7*i), p + i + 1
		}
		x |= uint64(c&0x7f) << (7 * i)
	}
	return 0, -1
}

// Signed is the signed number: 0, -1, 1, -2 … are 0, 1, 2, 3 … on the wire.
func Signed(u uint64) int64 { return int64(u>>1) ^ -int64(u&1) }
