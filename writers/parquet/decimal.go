package parquet

import "fmt"

// resize appends v, a big-endian two's complement number, in exactly size bytes.
func resize(dst, v []byte, size int) ([]byte, error) {
	fill := byte(0)
	if len(v) > 0 && v[0]&0x80 != 0 {
		fill = 0xFF
	}
	for len(v) > size {
		if v[0] != fill || (v[1]^fill)&0x80 != 0 {
			return dst, fmt.Errorf("a decimal of %d bytes does not fit the precision of its column", len(v))
		}
		v = v[1:]
	}
	for range size - len(v) {
		dst = append(dst, fill)
	}
	return append(dst, v...), nil
}
