package parquet_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	pqformat "github.com/parquet-go/parquet-go/format"

	"shadoof/record"
	"shadoof/writers"
	"shadoof/writers/parquet"
	"shadoof/writers/sample"
)

func identity(ctx context.Context, file []byte) (writers.Identity, error) {
	return parquet.NewReader().Identity(ctx, bytes.NewReader(file), int64(len(file)))
}

func TestIdentity(t *testing.T) {
	t.Parallel()
	s := sample.Every()
	var want record.Digest
	var groups []*record.Columns
	for p := range int32(3) {
		c := record.NewColumns(s)
		sample.Rows(newRand(uint64(p)), c, 150, p, 1<<40)
		for i := range int64(150) {
			want.Add(p, 1<<40+i)
		}
		groups = append(groups, c)
	}
	id, err := identity(t.Context(), encode(t, newFormat(t, "zstd"), map[string]string{"shadoof.attempt": "x"}, groups...))
	if err != nil {
		t.Fatal(err)
	}
	if id.Rows != 450 || id.Digest != want || !id.HasKafkaColumns || id.Meta["shadoof.attempt"] != "x" {
		t.Errorf("identity %+v", id)
	}
	ranges := []writers.Span{{Partition: 0, First: 1 << 40, Last: 1<<40 + 149, Rows: 150}, {Partition: 1, First: 1 << 40, Last: 1<<40 + 149, Rows: 150}, {Partition: 2, First: 1 << 40, Last: 1<<40 + 149, Rows: 150}}
	if diff := cmp.Diff(ranges, id.Ranges()); diff != "" {
		t.Errorf("ranges (-want +got):\n%s", diff)
	}
}

func TestIdentityWithoutKafkaColumns(t *testing.T) {
	t.Parallel()
	c := columns(t, one(record.Int64), sample.Row{int64(1)}, sample.Row{nil})
	id, err := identity(t.Context(), encode(t, newFormat(t, "snappy"), nil, c))
	if err != nil {
		t.Fatal(err)
	}
	if id.Rows != 2 || id.HasKafkaColumns || !id.Digest.IsZero() {
		t.Errorf("identity %+v", id)
	}
}

func TestIdentityOfAFileWithoutRows(t *testing.T) {
	t.Parallel()
	id, err := identity(t.Context(), encode(t, newFormat(t, "none"), nil, record.NewColumns(sample.Every())))
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
	sample.Rows(newRand(8), c, 300, 1, 5000)
	return encode(t, newFormat(t, compression), map[string]string{"k": "v"}, c, c)
}

func TestACutFileIsAnError(t *testing.T) {
	t.Parallel()
	file := sampleFile(t, "zstd")
	for n := range len(file) {
		if n > 200 && n < len(file)-200 && n%97 != 0 {
			continue
		}
		_, err := identity(t.Context(), file[:n])
		if err == nil {
			t.Fatalf("%d bytes of %d are read without an error", n, len(file))
		}
		if !strings.HasPrefix(err.Error(), "parquet: ") || strings.Contains(err.Error(), "runtime error") {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

// A changed bit in the pages that are read is an error: they have checksums. One in the header of a page may go unseen by the
// reader, and then makes another identity, which verify compares with the log.
func TestADamagedPageIsAnError(t *testing.T) {
	t.Parallel()
	file := sampleFile(t, "snappy")
	pages := 0
	for _, group := range open(t, file).Metadata().RowGroups {
		for _, chunk := range group.Columns {
			name := chunk.MetaData.PathInSchema[0]
			if name != record.PartitionColumn && name != record.OffsetColumn {
				continue
			}
			start := chunk.MetaData.DataPageOffset
			if d := chunk.MetaData.DictionaryPageOffset; d > 0 {
				start = d
			}
			for at := start; at < start+chunk.MetaData.TotalCompressedSize; pages++ {
				header, body := pageHeader(t, file[at:])
				for i := at; i < at+header+body; i++ {
					for bit := range 8 {
						if i >= at+header && int64(bit) != i%8 {
							continue // of a page itself one bit per byte is enough
						}
						damaged := bytes.Clone(file)
						damaged[i] ^= 1 << bit
						_, err := identity(t.Context(), damaged)
						if i >= at+header && err == nil {
							t.Errorf("bit %d of byte %d, in the page of %s from %d: no error", bit, i, name, at)
						}
						if err != nil && !strings.HasPrefix(err.Error(), "parquet: ") {
							t.Errorf("bit %d of byte %d: %v", bit, i, err)
						}
					}
				}
				at += header + body
			}
		}
	}
	if pages != 6 { // of two row groups: a page of offsets, a dictionary and a page of partitions
		t.Errorf("%d pages", pages)
	}
}

// pageHeader returns the length of a page's header and that of what follows it.
func pageHeader(t testing.TB, b []byte) (header, body int64) {
	t.Helper()
	var h pqformat.PageHeader
	r := bytes.NewReader(b)
	if err := thrift.NewDecoder(new(thrift.CompactProtocol).NewReader(r)).Decode(&h); err != nil {
		t.Fatal(err)
	}
	return int64(len(b) - r.Len()), int64(h.CompressedPageSize)
}

func FuzzIdentity(f *testing.F) {
	for _, compression := range []string{"none", "zstd", "snappy", "gzip"} {
		c := record.NewColumns((&record.Schema{Fields: one(record.String)}).WithKafkaColumns())
		sample.Rows(newRand(9), c, 20, 1, 5000)
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
	})
}

func TestFilesOfOthersAreRead(t *testing.T) {
	t.Parallel()
	dir, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/parquet-go/parquet-go").Output()
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), "testdata", "*.parquet"))
	if err != nil || len(files) == 0 {
		t.Fatal("the library's own files are not there", err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if id, err := identity(t.Context(), b); err != nil {
			t.Logf("%s: %v", filepath.Base(name), err)
		} else if id.HasKafkaColumns {
			t.Errorf("%s has Kafka columns", filepath.Base(name))
		}
	}
}
