package parquet_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"shadoof/record"
	"shadoof/writers"
	"shadoof/writers/parquet"
)

// A kept is a record of a quarantine file.
type kept struct {
	Raw record.Raw
	Bad record.BadRecord
}

// randomKept makes records as producers do, and some that are odd.
func randomKept(r *rand.Rand, n int) (all []kept) {
	blob := func(most int) []byte {
		switch r.IntN(6) {
		case 0:
			return nil
		case 1:
			return []byte{}
		case 2:
			return []byte("the same")
		}
		b := make([]byte, r.IntN(most))
		for i := range b {
			b[i] = byte(r.IntN(256))
		}
		return b
	}
	for i := range n {
		k := kept{Raw: record.Raw{Partition: int32(r.IntN(3)), Offset: int64(i) * 7, Timestamp: r.Int64N(1 << 42), Key: blob(20), Value: blob(3000)}}
		for range r.IntN(4) * r.IntN(3) {
			k.Raw.Headers = append(k.Raw.Headers, record.Header{Key: fmt.Sprint("h", r.IntN(3)), Value: blob(9)})
		}
		if r.IntN(300) == 0 {
			k.Raw.Value = bytes.Repeat([]byte{byte(i)}, 3<<20)
		}
		k.Bad = record.BadRecord{Reason: []record.Reason{record.Undecodable, record.Unfit, record.Tombstone}[r.IntN(3)], Detail: strings.Repeat("why ", r.IntN(5))}
		all = append(all, k)
	}
	return all
}

func columnsOf(all []kept) *record.Columns {
	c := record.NewColumns(record.QuarantineSchema())
	for i := range all {
		record.AppendQuarantine(c, &all[i].Raw, &all[i].Bad)
	}
	return c
}

func readKept(t testing.TB, r io.ReaderAt, size int64) (all []kept, err error) {
	err = parquet.NewReader().(writers.RecordReader).Records(t.Context(), r, size, func(raw *record.Raw, bad *record.BadRecord) error {
		k := kept{*raw, *bad}
		k.Raw.Key, k.Raw.Value, k.Raw.Headers = bytes.Clone(raw.Key), bytes.Clone(raw.Value), nil
		for _, h := range raw.Headers {
			k.Raw.Headers = append(k.Raw.Headers, record.Header{Key: h.Key, Value: bytes.Clone(h.Value)})
		}
		all = append(all, k)
		return nil
	})
	return all, err
}

// sameBytes tells nil from empty, and is quick.
var sameBytes = cmp.Comparer(func(a, b []byte) bool { return (a == nil) == (b == nil) && bytes.Equal(a, b) })

func TestQuarantinedRecordsComeBack(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		r := rand.New(rand.NewPCG(seed, 3))
		for _, codec := range []string{"zstd", "snappy", "gzip", "none"} {
			var all []kept
			var groups []*record.Columns
			for range 1 + r.IntN(3) {
				part := randomKept(r, 1+r.IntN(1500))
				all = append(all, part...)
				groups = append(groups, columnsOf(part))
			}
			file := encode(t, newFormat(t, codec), nil, groups...)
			got, err := readKept(t, bytes.NewReader(file), int64(len(file)))
			if err != nil {
				t.Fatalf("seed %d, %s: %v", seed, codec, err)
			}
			if diff := cmp.Diff(all, got, sameBytes); diff != "" {
				t.Fatalf("seed %d, %s: %.2000s", seed, codec, diff)
			}
		}
	}
}

// widest notes the largest piece that was asked for.
type widest struct {
	r    io.ReaderAt
	most int
}

func (w *widest) ReadAt(p []byte, at int64) (int, error) {
	w.most = max(w.most, len(p))
	return w.r.ReadAt(p, at)
}

func TestALargeQuarantineFileIsReadInPieces(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 1))
	var all []kept
	for i := range 3000 {
		value := make([]byte, 8<<10)
		for j := range value {
			value[j] = byte(r.Uint32())
		}
		all = append(all, kept{Raw: record.Raw{Offset: int64(i), Value: value}, Bad: record.BadRecord{Reason: record.Unfit}})
	}
	file := encode(t, newFormat(t, "none"), nil, columnsOf(all))
	w := &widest{r: bytes.NewReader(file)}
	rows := 0
	err := parquet.NewReader().(writers.RecordReader).Records(t.Context(), w, int64(len(file)), func(raw *record.Raw, _ *record.BadRecord) error {
		if rows++; !bytes.Equal(raw.Value, all[raw.Offset].Raw.Value) {
			return fmt.Errorf("row %d has another value", raw.Offset)
		}
		return nil
	})
	if err != nil || rows != 3000 || w.most > 1<<20+1 {
		t.Errorf("%v, %d rows of 3000, %d bytes at once of %d", err, rows, w.most, len(file))
	}
}

func TestWhatIsNoQuarantineFileIsRefused(t *testing.T) {
	t.Parallel()
	s := &record.Schema{Name: "Plain", Fields: []record.Field{{Name: "f", Type: record.Type{Kind: record.Int64}}}}
	c := record.NewColumns(s)
	c.Leaves[0].Int64s = append(c.Leaves[0].Int64s, 1)
	c.EndRow()
	file := encode(t, newFormat(t, "zstd"), nil, c)
	if _, err := readKept(t, bytes.NewReader(file), int64(len(file))); err == nil || !strings.Contains(err.Error(), "not those of a quarantine file") {
		t.Errorf("a data file: %v", err)
	}
	all := randomKept(rand.New(rand.NewPCG(9, 9)), 50)
	file = encode(t, newFormat(t, "zstd"), nil, columnsOf(all))
	enough := errors.New("enough")
	err := parquet.NewReader().(writers.RecordReader).Records(t.Context(), bytes.NewReader(file), int64(len(file)), func(*record.Raw, *record.BadRecord) error { return enough })
	if err == nil || !errors.Is(err, enough) {
		t.Errorf("an error of the caller: %v", err)
	}
}

// smallKept are some that make a small file.
func smallKept(seed uint64) []kept {
	all := randomKept(rand.New(rand.NewPCG(seed, 4)), 12)
	for i := range all {
		all[i].Raw.Value = all[i].Raw.Value[:min(len(all[i].Raw.Value), 40)]
	}
	return all
}

// Every byte of a file that is changed is found, or does not matter.
func TestADamagedQuarantineFileIsAnErrorOrTheSame(t *testing.T) {
	t.Parallel()
	all := smallKept(4)
	file := encode(t, newFormat(t, "zstd"), nil, columnsOf(all))
	for at := 0; at < len(file); at += 3 {
		bad := bytes.Clone(file)
		bad[at] ^= 0x55
		got, err := readKept(t, bytes.NewReader(bad), int64(len(bad)))
		if err == nil {
			if diff := cmp.Diff(all, got, sameBytes); diff != "" {
				t.Fatalf("byte %d of %d: %.1000s", at, len(file), diff)
			}
		}
	}
	for _, n := range []int{0, 3, 8, len(file) / 2, len(file) - 1} {
		if _, err := readKept(t, bytes.NewReader(file[:n]), int64(n)); err == nil {
			t.Errorf("the first %d bytes of %d are taken for a file", n, len(file))
		}
	}
}

func FuzzRecords(f *testing.F) {
	for seed := range uint64(3) {
		f.Add(encode(f, newFormat(f, "zstd"), nil, columnsOf(smallKept(seed))))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		_, _ = readKept(t, bytes.NewReader(file), int64(len(file)))
	})
}
