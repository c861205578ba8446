package record

import (
	"encoding/binary"
	"unicode/utf8"
)

// ValidText is utf8.Valid, quicker on the short ASCII texts that most fields hold.
func ValidText(b []byte) bool {
	const highs = 0x8080808080808080
	n := len(b)
	var all uint64
	switch {
	case n >= 8:
		for i := 8; i < n; i += 8 {
			all |= binary.LittleEndian.Uint64(b[i-8:])
		}
		all |= binary.LittleEndian.Uint64(b[n-8:]) // overlaps what came before it
	case n >= 4:
		all = uint64(binary.LittleEndian.Uint32(b) | binary.LittleEndian.Uint32(b[n-4:]))
	default:
		for _, c := range b {
			all |= uint64(c)
		}
	}
	return all&highs == 0 || utf8.Valid(b)
}
