package varint_test

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"

	"shadoof/record/internal/varint"
)

func TestReadsWhatTheStandardLibraryReads(t *testing.T) {
	t.Parallel()
	check := func(b []byte) {
		t.Helper()
		want, n := binary.Uvarint(b)
		got, p := varint.Read(append([]byte{0xff}, b...), 1)
		if n > 0 && (got != want || p != n+1) || n <= 0 && p != -1 {
			t.Errorf("%x: read %d up to %d, want %d in %d bytes", b, got, p, want, n)
		}
	}
	for _, u := range []uint64{0, 1, 127, 128, 1<<14 - 1, 1 << 14, math.MaxUint32, math.MaxInt64, math.MaxUint64} {
		b := binary.AppendUvarint(nil, u)
		check(b)
		check(b[:len(b)-1])
		check(append(b, 1))
		if got, _ := binary.Varint(b); varint.Signed(u) != got {
			t.Errorf("%d is %d, want %d", u, varint.Signed(u), got)
		}
	}
	random := rand.New(rand.NewPCG(1, 1))
	for range 10_000 {
		b := make([]byte, random.IntN(12))
		for i := range b {
			b[i] = byte(random.Uint32()) | byte(random.IntN(2))<<7
		}
		check(b)
	}
}
