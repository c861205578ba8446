package avro_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	oracle "github.com/twmb/avro"
	"github.com/twmb/avro/ocf"
	"pgregory.net/rapid"

	"shadoof/record"
	"shadoof/writers"
	"shadoof/writers/avro"
	"shadoof/writers/sample"
)

var compressions = []string{"zstd", "snappy", "gzip", "none"}

func newFormat(t testing.TB, compression string) writers.Format {
	t.Helper()
	f, err := avro.New(avro.Options{Compression: compression})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// encode writes one file of these row groups.
func encode(t testing.TB, f writers.Format, meta map[string]string, groups ...*record.Columns) []byte {
	t.Helper()
	var b bytes.Buffer
	e, err := f.NewEncoder(&b, groups[0].Schema, meta)
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range groups {
		if err := e.WriteRows(g); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if e.Written() != int64(b.Len()) {
		t.Fatalf("Written says %d, and %d bytes are there", e.Written(), b.Len())
	}
	return b.Bytes()
}

func open(t testing.TB, file []byte) *ocf.Reader {
	t.Helper()
	r, err := ocf.NewReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// readRows lists the rows that another decoder finds in a file, in the form of wantRow.
func readRows(t testing.TB, s *record.Schema, file []byte) []any {
	t.Helper()
	r := open(t, file)
	var rows []any
	for {
		var v any
		err := r.Decode(&v)
		if errors.Is(err, io.EOF) {
			return rows
		}
		if err != nil {
			t.Fatalf("row %d: %v", len(rows), err)
		}
		rows = append(rows, got(&record.Type{Kind: record.Struct, Fields: s.Fields}, v))
	}
}

// A value is compared as nil, a text, a list, or a map by name or key.

func want(t *record.Type, v any) any {
	switch v := v.(type) {
	case nil:
		return nil
	case sample.Row:
		o := make(map[string]any)
		for i := range v {
			o[t.Fields[i].Name] = want(&t.Fields[i].Type, v[i])
		}
		return o
	case sample.List:
		list := []any{}
		for _, e := range v {
			list = append(list, want(&t.Elem.Type, e))
		}
		return list
	case sample.Map:
		o := make(map[string]any)
		for _, e := range v {
			o[e.Key] = want(&t.Elem.Type, e.Value)
		}
		return o
	case []byte:
		if t.Kind == record.Decimal {
			return new(big.Rat).SetFrac(sample.Number(v), pow10(t.Scale)).FloatString(t.Scale)
		}
		return fmt.Sprintf("%x", v)
	case float32:
		return fmt.Sprintf("%x", math.Float32bits(v))
	case float64:
		return fmt.Sprintf("%x", math.Float64bits(v))
	}
	return fmt.Sprint(v)
}

func got(t *record.Type, v any) any {
	switch v := v.(type) {
	case nil:
		return nil
	case map[string]any:
		o := make(map[string]any)
		if t.Kind == record.Map {
			for k, e := range v {
				o[k] = got(&t.Elem.Type, e)
			}
			return o
		}
		for i := range t.Fields {
			f := &t.Fields[i]
			e, ok := v[f.Name]
			if !ok {
				e = "(missing)"
			}
			o[f.Name] = got(&f.Type, e)
		}
		return o
	case []any:
		list := []any{}
		for _, e := range v {
			list = append(list, got(&t.Elem.Type, e))
		}
		return list
	case []byte:
		return fmt.Sprintf("%x", v)
	case float32:
		return fmt.Sprintf("%x", math.Float32bits(v))
	case float64:
		return fmt.Sprintf("%x", math.Float64bits(v))
	case *big.Rat:
		return v.FloatString(t.Scale)
	case time.Duration:
		if t.Kind == record.TimeMillis {
			return fmt.Sprint(v.Milliseconds())
		}
		return fmt.Sprint(v.Microseconds())
	case time.Time:
		return timeText(t.Kind, v)
	}
	if r := reflect.ValueOf(v); r.Kind() == reflect.Array {
		return fmt.Sprintf("%x", v)
	}
	return fmt.Sprint(v)
}

func timeText(k record.Kind, v time.Time) string {
	switch k {
	case record.Date:
		return fmt.Sprint(v.Unix() / 86_400)
	case record.TimestampMillis, record.LocalMillis:
		return fmt.Sprint(v.UnixMilli())
	case record.TimestampMicros, record.LocalMicros:
		return fmt.Sprint(v.UnixMicro())
	}
	return fmt.Sprint(v.UnixNano())
}

func pow10(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

// fill makes columns with random rows, and says what must be read of them.
func fill(r *rand.Rand, s *record.Schema, n int, first int64) (*record.Columns, []any) {
	c := record.NewColumns(s)
	var rows []any
	for i, row := range sample.Rows(r, c, n, 7, first) {
		if s.HasKafkaColumns() {
			row = append(row, int32(7), first+int64(i), sample.Timestamp(first+int64(i)))
		}
		rows = append(rows, want(&record.Type{Kind: record.Struct, Fields: s.Fields}, row))
	}
	return c, rows
}

func TestRowsAreReadBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "seed")
		compression := rapid.SampledFrom(compressions).Draw(rt, "compression")
		r := rand.New(rand.NewPCG(seed, 0))
		s := sample.Schema(r, 6, rapid.IntRange(0, 5).Draw(rt, "depth"))
		var groups []*record.Columns
		var wanted []any
		for _, n := range rapid.SliceOfN(rapid.IntRange(1, 100), 1, 3).Draw(rt, "rows") {
			c, rows := fill(r, s, n, int64(1000*len(groups)))
			groups, wanted = append(groups, c), append(wanted, rows...)
		}
		if diff := cmp.Diff(wanted, readRows(t, s, encode(t, newFormat(t, compression), nil, groups...))); diff != "" {
			rt.Fatalf("rows (-want +got):\n%s", diff)
		}
	})
}

func TestEveryKindIsReadBack(t *testing.T) {
	t.Parallel()
	s := sample.Named(sample.Every())
	for _, compression := range compressions {
		c, rows := fill(rand.New(rand.NewPCG(2, 2)), s, 150, 0)
		file := encode(t, newFormat(t, compression), nil, c)
		if diff := cmp.Diff(rows, readRows(t, s, file)); diff != "" {
			t.Errorf("%s: rows (-want +got):\n%s", compression, diff)
		}
	}
}

// Rows far larger than a block, and blocks of many small ones.
func TestLargeRowsAreReadBack(t *testing.T) {
	t.Parallel()
	s := &record.Schema{Fields: []record.Field{
		{Name: "text", Type: record.Type{Kind: record.String}, Nullable: true},
		{Name: "list", Type: record.Type{Kind: record.List, Elem: &record.Field{Name: "element", Type: record.Type{Kind: record.Int64}}}},
	}}
	for _, compression := range compressions {
		c := record.NewColumns(s)
		var wanted []any
		for i := range 20_000 {
			row := sample.Row{nil, sample.List{}}
			switch {
			case i%10_000 == 5:
				row[0] = string(bytes.Repeat([]byte{byte('a' + i%26)}, 2<<20))
			case i%10_000 == 6:
				l := make(sample.List, 100_000)
				for k := range l {
					l[k] = int64(i * k)
				}
				row[1] = l
			case i > 15_000:
				row[0] = fmt.Sprint("text ", i)
			}
			sample.Append(c, row)
			c.EndRow()
			wanted = append(wanted, want(&record.Type{Kind: record.Struct, Fields: s.Fields}, row))
		}
		file := encode(t, newFormat(t, compression), nil, c)
		if !reflect.DeepEqual(wanted, readRows(t, s, file)) {
			t.Errorf("%s: other rows are read", compression)
		}
		if id, err := identity(t.Context(), file); err != nil || id.Rows != 20_000 {
			t.Errorf("%s: %d rows: %v", compression, id.Rows, err)
		}
	}
}

// Readers split files at blocks, and hold one in memory.
func TestBlocksAreOfOneMiB(t *testing.T) {
	t.Parallel()
	c := trackingEvents(20_000)
	file := encode(t, newFormat(t, "none"), nil, c)
	marker := markerOf(t, file)
	blocks := bytes.Count(file, marker) - 1
	if least := len(file) / (1<<20 + 2000); blocks < least || blocks > least+1 {
		t.Errorf("%d blocks in %d bytes", blocks, len(file))
	}
}

// markerOf is the end of the file.
func markerOf(t testing.TB, file []byte) []byte {
	t.Helper()
	return file[len(file)-16:]
}

func TestSameRowsMakeTheSameFile(t *testing.T) {
	t.Parallel()
	meta := map[string]string{"shadoof.topic": "orders", "shadoof.attempt": "1a2b3c4d5e6f7a8b", "a": "b"}
	s := sample.Named(sample.Every())
	for _, compression := range compressions {
		var files [2][]byte
		for i := range files {
			c, _ := fill(rand.New(rand.NewPCG(3, 3)), s, 400, 0)
			files[i] = encode(t, newFormat(t, compression), meta, c)
		}
		if !bytes.Equal(files[0], files[1]) {
			t.Errorf("%s: two files of the same rows differ", compression)
		}
	}
}

func TestMetadata(t *testing.T) {
	t.Parallel()
	meta := map[string]string{"shadoof.topic": "orders", "shadoof.attempt": "1a2b3c4d5e6f7a8b", "empty": ""}
	markers := map[string]bool{}
	for compression, codec := range map[string]string{"zstd": "zstandard", "snappy": "snappy", "gzip": "deflate", "none": "null"} {
		c, _ := fill(rand.New(rand.NewPCG(4, 4)), sample.Named(sample.Every()), 3, 0)
		file := encode(t, newFormat(t, compression), meta, c)
		got := map[string]string{}
		for k, v := range open(t, file).Metadata() {
			got[k] = string(v)
		}
		if _, err := oracle.Parse(got["avro.schema"]); err != nil {
			t.Error(err)
		}
		delete(got, "avro.schema")
		want := map[string]string{"avro.codec": codec}
		for k, v := range meta {
			want[k] = v
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: metadata (-want +got):\n%s", compression, diff)
		}
		markers[string(markerOf(t, file))] = true
	}
	c, _ := fill(rand.New(rand.NewPCG(4, 4)), sample.Named(sample.Every()), 3, 0)
	markers[string(markerOf(t, encode(t, newFormat(t, "none"), map[string]string{"shadoof.attempt": "1a2b3c4d5e6f7a8c"}, c)))] = true
	if len(markers) != 5 {
		t.Errorf("%d markers of 5 files that begin differently", len(markers))
	}
	if _, err := newFormat(t, "none").NewEncoder(io.Discard, c.Schema, map[string]string{"avro.codec": "x"}); err == nil || !strings.Contains(err.Error(), "avro.codec") {
		t.Errorf("metadata that is Avro's own: %v", err)
	}
}

func TestAFileWithoutRows(t *testing.T) {
	t.Parallel()
	for _, compression := range compressions {
		file := encode(t, newFormat(t, compression), nil, record.NewColumns(sample.Named(sample.Every())))
		if rows := readRows(t, sample.Named(sample.Every()), file); len(rows) != 0 {
			t.Errorf("%s: %d rows", compression, len(rows))
		}
	}
}

func TestUnknownCompression(t *testing.T) {
	t.Parallel()
	_, err := avro.New(avro.Options{Compression: "lz4"})
	if err == nil || !strings.Contains(err.Error(), `"lz4"`) {
		t.Errorf("error %v", err)
	}
}
