package record

import (
	"encoding/hex"
	"fmt"
	"math/bits"
)

// A Digest stands for a set of records, by partition and offset. It does not depend on the order they were added in, and the digests
// of two parts merge into that of the whole, so that files can be compared with what a log says of them without sorting anything.
//
// It is the sum, modulo 2^64, of a 64-bit mix of each pair, in two lanes of different mixes. A sum and not an exclusive or: a
// record that is there twice must not look like one that is not there. The digest finds mistakes; it does not withstand somebody
// who picks offsets to fool it. Its value is part of the format: it never changes.
type Digest struct{ a, b uint64 }

// Add adds a record.
func (d *Digest) Add(partition int32, offset int64) {
	p, o := uint64(uint32(partition)), uint64(offset)
	d.a += mixA(o ^ mixA(p+0x9e3779b97f4a7c15))
	d.b += mixB(o + mixB(p^0xd1b54a32d192ed03))
}

// Merge adds the records of another digest.
func (d *Digest) Merge(o Digest) { d.a, d.b = d.a+o.a, d.b+o.b }

// IsZero is true for the digest of no records.
func (d Digest) IsZero() bool { return d == Digest{} }

// String is 32 hex digits: the two lanes, big-endian.
func (d Digest) String() string { return fmt.Sprintf("%016x%016x", d.a, d.b) }

// MarshalText is String.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText is ParseDigest.
func (d *Digest) UnmarshalText(b []byte) (err error) {
	*d, err = ParseDigest(string(b))
	return err
}

// ParseDigest reads what String wrote.
func ParseDigest(s string) (Digest, error) {
	var b [16]byte
	if len(s) != 32 {
		return Digest{}, fmt.Errorf("digest %q: want 32 hex digits", s)
	}
	if _, err := hex.Decode(b[:], []byte(s)); err != nil {
		return Digest{}, fmt.Errorf("digest %q: %w", s, err)
	}
	var d Digest
	for i := range 8 {
		d.a, d.b = d.a<<8|uint64(b[i]), d.b<<8|uint64(b[8+i])
	}
	return d, nil
}

// mixA is the finalizer of splitmix64 in Stafford's variant 13.
func mixA(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// mixB is Pelle Evensen's rrmxmx: rotations instead of the first shift, other constants.
func mixB(x uint64) uint64 {
	x ^= bits.RotateLeft64(x, -49) ^ bits.RotateLeft64(x, -24)
	x *= 0x9fb21c651e98df25
	x ^= x >> 28
	x *= 0x9fb21c651e98df25
	return x ^ x>>28
}
