package avro_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shadoof/record"
	"shadoof/writers"
	"shadoof/writers/avro"
	"shadoof/writers/sample"
)

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, seed)) }

// one is a schema of one nullable column.
func one(k record.Kind) *record.Schema {
	return &record.Schema{Fields: []record.Field{{Name: "v", Type: record.Type{Kind: k}, Nullable: true}}}
}

func identity(ctx context.Context, file []byte) (writers.Identity, error) {
	return avro.NewReader().Identity(ctx, bytes.NewReader(file), int64(len(file)))
}

func TestIdentity(t *testing.T) {
	t.Parallel()
	s := sample.Named(sample.Every())
	for _, compression := range compressions {
		var want record.Digest
		var groups []*record.Columns
		for p := range int32(3) {
			c := record.NewColumns(s)
			sample.Rows(newRand(uint64(p)), c, 700, p-1, 1<<40)
			for i := range int64(700) {
				want.Add(p-1, 1<<40+i)
			}
			groups = append(groups, c)
		}
		id, err := identity(t.Context(), encode(t, newFormat(t, compression), map[string]string{"shadoof.attempt": "x"}, groups...))
		if err != nil {
			t.Fatal(compression, err)
		}
		if id.Rows != 2100 || id.Digest != want || !id.HasKafkaColumns {
			t.Errorf("%s: identity %+v", compression, id)
		}
		if diff := cmp.Diff(map[string]string{"shadoof.attempt": "x"}, id.Meta); diff != "" {
			t.Errorf("metadata (-want +got):\n%s", diff)
		}
		last := int64(1<<40 + 699)
		ranges := []writers.Span{{Partition: -1, First: 1 << 40, Last: last, Rows: 700}, {Partition: 0, First: 1 << 40, Last: last, Rows: 700}, {Partition: 1, First: 1 << 40, Last: last, Rows: 700}}
		if diff := cmp.Diff(ranges, id.Ranges()); diff != "" {
			t.Errorf("ranges (-want +got):\n%s", diff)
		}
	}
}

func TestIdentityOfRandomSchemas(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		r := newRand(seed)
		c := record.NewColumns(sample.Schema(r, 8, int(seed%6)))
		sample.Rows(r, c, 50, 3, 500)
		id, err := identity(t.Context(), encode(t, newFormat(t, compressions[seed%4]), nil, c))
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if id.Rows != 50 || len(id.Ranges()) != 1 || id.Ranges()[0] != (writers.Span{Partition: 3, First: 500, Last: 549, Rows: 50}) {
			t.Errorf("seed %d: identity %+v", seed, id)
		}
	}
}

func TestIdentityWithoutKafkaColumns(t *testing.T) {
	t.Parallel()
	c, _ := fill(newRand(1), one(record.Int64), 7, 0)
	id, err := identity(t.Context(), encode(t, newFormat(t, "snappy"), nil, c))
	if err != nil {
		t.Fatal(err)
	}
	if id.Rows != 7 || id.HasKafkaColumns || !id.Digest.IsZero() {
		t.Errorf("identity %+v", id)
	}
}

func TestIdentityOfAFileWithoutRows(t *testing.T) {
	t.Parallel()
	id, err := identity(t.Context(), encode(t, newFormat(t, "none"), nil, record.NewColumns(sample.Named(sample.Every()))))
	if err != nil {
		t.Fatal(err)
	}
	if id.Rows != 0 || !id.HasKafkaColumns {
		t.Errorf("identity %+v", id)
	}
}

func TestIdentityStopsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := identity(ctx, sampleFile(t, "none")); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func sampleFile(t testing.TB, compression string) []byte {
	t.Helper()
	c := record.NewColumns(sample.Schema(newRand(7), 4, 2))
	sample.Rows(newRand(8), c, 60, 1, 5000)
	return encode(t, newFormat(t, compression), map[string]string{"k": "v"}, c, c)
}

// A file that is cut off is an error, but between two blocks, where it has fewer rows: that is for the log to see.
func TestACutFileIsAnError(t *testing.T) {
	t.Parallel()
	for _, compression := range compressions {
		file := sampleFile(t, compression)
		marker := markerOf(t, file)
		for n := range len(file) {
			if n > 1500 && n%97 != 0 {
				continue
			}
			id, err := identity(t.Context(), file[:n])
			if bytes.HasSuffix(file[:n], marker) {
				if err != nil || id.Rows >= 120 {
					t.Errorf("%s: %d bytes, whole blocks: %d rows, %v", compression, n, id.Rows, err)
				}
				continue
			}
			if err == nil {
				t.Fatalf("%s: %d bytes of %d are read without an error", compression, n, len(file))
			}
			if !strings.HasPrefix(err.Error(), "avro: ") || strings.Contains(err.Error(), "runtime error") {
				t.Errorf("%s: %d bytes: %v", compression, n, err)
			}
		}
	}
}

// A changed bit in a block is an error where the codec has a checksum, unless it decompresses to the same rows all the same.
func TestADamagedBlockIsAnError(t *testing.T) {
	t.Parallel()
	for _, compression := range compressions {
		file := sampleFile(t, compression)
		start := bytes.Index(file, markerOf(t, file)) + 16
		whole, err := identity(t.Context(), file)
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		for i := start; i < len(file); i++ {
			damaged := bytes.Clone(file)
			damaged[i] ^= 1 << (i % 8)
			id, err := identity(t.Context(), damaged)
			if err != nil && (!strings.HasPrefix(err.Error(), "avro: ") || strings.Contains(err.Error(), "runtime error")) {
				t.Errorf("%s: byte %d: %v", compression, i, err)
			}
			if err != nil {
				found++
			} else if (compression == "snappy" || compression == "zstd") && (id.Rows != whole.Rows || id.Digest != whole.Digest) {
				t.Errorf("%s: byte %d of %d: other rows are read without an error", compression, i, len(file))
			}
		}
		t.Logf("%s: %d of %d are found", compression, found, len(file)-start)
		if all := len(file) - start; (compression == "snappy" || compression == "zstd") && found < all*99/100 {
			t.Errorf("%s: only %d of %d are found", compression, found, all)
		}
	}
}

// counting counts what is asked of a file.
type counting struct {
	*bytes.Reader
	requests int
}

func (c *counting) ReadAt(b []byte, at int64) (int, error) {
	c.requests++
	return c.Reader.ReadAt(b, at)
}

func TestAFileIsReadWithFewRequests(t *testing.T) {
	t.Parallel()
	c := trackingEvents(20_000)
	file := encode(t, newFormat(t, "none"), nil, c, c, c)
	r := &counting{Reader: bytes.NewReader(file)}
	id, err := avro.NewReader().Identity(t.Context(), r, int64(len(file)))
	if err != nil || id.Rows != 60_000 {
		t.Fatalf("%d rows: %v", id.Rows, err)
	}
	if most := 2 + len(file)>>21; r.requests > most {
		t.Errorf("%d requests for %d bytes", r.requests, len(file))
	}
}

// A block that claims to be large is not read before its end was looked at.
func TestADamagedSizeTakesNoMemory(t *testing.T) {
	t.Parallel()
	c := trackingEvents(20_000)
	file := encode(t, newFormat(t, "none"), nil, c, c, c)
	start := bytes.Index(file, markerOf(t, file)) + 16
	damaged := binary.AppendVarint(binary.AppendVarint(bytes.Clone(file[:start]), 100), int64(len(file)-start)*9/10)
	damaged = append(damaged, file[start:]...)
	r := &counting{Reader: bytes.NewReader(damaged)}
	_, err := avro.NewReader().Identity(t.Context(), r, int64(len(damaged)))
	if err == nil || !strings.Contains(err.Error(), "sync marker") {
		t.Errorf("error %v", err)
	}
	if r.requests != 2 {
		t.Errorf("%d requests, want a chunk and the marker", r.requests)
	}
}

func FuzzIdentity(f *testing.F) {
	for _, compression := range compressions {
		c, _ := fill(newRand(9), sample.Schema(newRand(9), 3, 2), 20, 5000)
		file := encode(f, newFormat(f, compression), nil, c) // small, for the fuzzer is slow with large ones
		f.Add(file)
		f.Add(file[:len(file)/2])
		f.Add(file[len(file)/2:])
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, err := identity(ctx, file)
		if errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if err != nil && strings.Contains(err.Error(), "runtime error") {
			t.Error(err)
		}
	})
}
