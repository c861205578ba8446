package record_test

import (
	"encoding/json"
	"math/rand/v2"
	"testing"

	"shadoof/record"
)

// The values are part of the format: files that were written years ago carry them.
func TestDigestNeverChanges(t *testing.T) {
	t.Parallel()
	var d record.Digest
	for _, c := range []struct {
		partition int32
		offset    int64
		want      string
	}{
		{0, 0, "48218226ff3cd4bfad0bd8352fa01dd4"},
		{0, 1, "e622e25039707fb6ef387ce282ebf5ae"},
		{7, 1 << 40, "ed84b791a32c54250620996d7d680f86"},
		{1<<31 - 1, 1<<63 - 1, "951adb4e6f9189c81336425963b7e263"},
	} {
		d.Add(c.partition, c.offset)
		if got := d.String(); got != c.want {
			t.Errorf("after %d/%d: %s, want %s", c.partition, c.offset, got, c.want)
		}
	}
}

func TestDigestIsOfTheSet(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	var want, a, b record.Digest
	for p := range int32(8) {
		for o := range int64(500) {
			want.Add(p, o)
		}
	}
	for _, i := range r.Perm(4000) {
		part := &a
		if r.IntN(2) == 0 {
			part = &b
		}
		part.Add(int32(i/500), int64(i%500))
	}
	a.Merge(b)
	if a != want || a.IsZero() {
		t.Errorf("in another order, in two parts: %s, want %s", a, want)
	}
	twice := want
	twice.Add(3, 3)
	twice.Add(3, 3)
	moved := want
	moved.Add(500, 0)
	swapped := record.Digest{}
	for p := range int64(8) {
		for o := range int32(500) {
			swapped.Add(o, p)
		}
	}
	if twice == want || moved == want || swapped == want {
		t.Error("other sets have the same digest")
	}
}

// No two records of a hundred thousand have the same part in either lane.
func TestDigestOfOneRecordIsItsOwn(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for p := range int32(100) {
		for o := range int64(1_000) {
			var d record.Digest
			d.Add(p, o<<(p%32))
			for _, lane := range []string{"a" + d.String()[:16], "b" + d.String()[16:]} {
				if seen[lane] {
					t.Fatalf("%d/%d: %s is there", p, o, lane)
				}
				seen[lane] = true
			}
		}
	}
}

func TestDigestText(t *testing.T) {
	t.Parallel()
	var d, back record.Digest
	d.Add(1, 2)
	b, err := json.Marshal(map[string]any{"d": d})
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]record.Digest
	if err := json.Unmarshal(b, &m); err != nil || m["d"] != d {
		t.Errorf("%s came back as %v, %v", b, m, err)
	}
	if back, err = record.ParseDigest(d.String()); err != nil || back != d {
		t.Errorf("%s came back as %s, %v", d, back, err)
	}
	for _, bad := range []string{"", "12", d.String() + "0", "x" + d.String()[1:]} {
		if _, err := record.ParseDigest(bad); err == nil {
			t.Errorf("%q is a digest", bad)
		}
	}
}

func BenchmarkDigest(b *testing.B) {
	var d record.Digest
	for i := range b.N {
		d.Add(3, int64(i))
	}
	if d.IsZero() {
		b.Fatal()
	}
}
