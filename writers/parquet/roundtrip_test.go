package parquet_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	pq "github.com/parquet-go/parquet-go"
	"pgregory.net/rapid"

	"shadoof/record"
	"shadoof/writers"
	"shadoof/writers/parquet"
	"shadoof/writers/sample"
)

func newFormat(t testing.TB, compression string) writers.Format {
	t.Helper()
	f, err := parquet.New(parquet.Options{Compression: compression})
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

func open(t testing.TB, file []byte) *pq.File {
	t.Helper()
	f, err := pq.OpenFile(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// entries lists what a leaf holds, an entry per level: what the writer was given and what a reader finds must be the same list.
func entries(c *record.Column) []string {
	var list []string
	value := 0
	for i := range c.Levels() {
		def, rep := uint8(0), uint8(0)
		if c.MaxDef > 0 {
			def = c.Def[i]
		}
		if c.MaxRep > 0 {
			rep = c.Rep[i]
		}
		text := "null"
		if def == c.MaxDef {
			text = valueText(c, value)
			value++
		}
		list = append(list, fmt.Sprintf("%d %d %s", rep, def, text))
	}
	return list
}

func valueText(c *record.Column, i int) string {
	switch c.Physical {
	case record.PhysBool:
		return fmt.Sprint(c.Bools[i])
	case record.PhysInt32:
		return fmt.Sprint(c.Int32s[i])
	case record.PhysInt64:
		return fmt.Sprint(c.Int64s[i])
	case record.PhysFloat:
		return fmt.Sprintf("%x", math.Float32bits(c.Floats[i]))
	case record.PhysDouble:
		return fmt.Sprintf("%x", math.Float64bits(c.Doubles[i]))
	}
	if c.Type.Kind == record.Decimal {
		return sample.Number(c.Value(i)).String()
	}
	return fmt.Sprintf("%x", c.Value(i))
}

// readEntries lists what parquet-go finds in a leaf.
func readEntries(t testing.TB, f *pq.File, leaf int, kind record.Kind) []string {
	t.Helper()
	var list []string
	for _, g := range f.RowGroups() {
		pages := g.ColumnChunks()[leaf].Pages()
		for {
			page, err := pages.ReadPage()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("leaf %d: %v", leaf, err)
			}
			buf := make([]pq.Value, page.NumValues())
			n, err := page.Values().ReadValues(buf)
			if err != nil && !errors.Is(err, io.EOF) || n != len(buf) {
				t.Fatalf("leaf %d: %d of %d values: %v", leaf, n, len(buf), err)
			}
			for _, v := range buf {
				list = append(list, fmt.Sprintf("%d %d %s", v.RepetitionLevel(), v.DefinitionLevel(), readText(v, kind)))
			}
		}
		if err := pages.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return list
}

func readText(v pq.Value, kind record.Kind) string {
	switch {
	case v.IsNull():
		return "null"
	case kind == record.Decimal:
		return sample.Number(v.ByteArray()).String()
	case v.Kind() == pq.Float:
		return fmt.Sprintf("%x", math.Float32bits(v.Float()))
	case v.Kind() == pq.Double:
		return fmt.Sprintf("%x", math.Float64bits(v.Double()))
	case v.Kind() == pq.ByteArray || v.Kind() == pq.FixedLenByteArray:
		return fmt.Sprintf("%x", v.ByteArray())
	}
	return v.String()
}

func comparePerLeaf(t testing.TB, f *pq.File, groups ...*record.Columns) {
	t.Helper()
	if got, want := len(f.Schema().Columns()), len(groups[0].Leaves); got != want {
		t.Fatalf("%d leaves, want %d", got, want)
	}
	for i := range groups[0].Leaves {
		c := &groups[0].Leaves[i]
		if diff := cmp.Diff(c.Path, f.Schema().Columns()[i]); diff != "" {
			t.Fatalf("path of leaf %d (-want +got):\n%s", i, diff)
		}
		var want []string
		for _, g := range groups {
			want = append(want, entries(&g.Leaves[i])...)
		}
		if diff := cmp.Diff(want, readEntries(t, f, i, c.Type.Kind)); diff != "" {
			t.Fatalf("leaf %v (-want +got):\n%s", c.Path, diff)
		}
	}
}

func TestRowsAreReadBack(t *testing.T) {
	t.Parallel()
	compressions := []string{"zstd", "snappy", "gzip", "none"}
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "seed")
		compression := rapid.SampledFrom(compressions).Draw(rt, "compression")
		r := rand.New(rand.NewPCG(seed, 0))
		s := sample.Schema(r, 6, rapid.IntRange(0, 4).Draw(rt, "depth"))
		var groups []*record.Columns
		for _, n := range rapid.SliceOfN(rapid.IntRange(1, 100), 1, 3).Draw(rt, "rows") {
			c := record.NewColumns(s)
			sample.Rows(r, c, n, 7, int64(1000*len(groups)))
			groups = append(groups, c)
		}
		file := encode(t, newFormat(t, compression), nil, groups...)
		comparePerLeaf(t, open(t, file), groups...)
	})
}

func TestEveryKindIsReadBack(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(2, 2))
	c := record.NewColumns(sample.Every())
	sample.Rows(r, c, 500, 0, 0)
	file := encode(t, newFormat(t, "zstd"), nil, c)
	comparePerLeaf(t, open(t, file), c)
}

// Rows with pages of all sizes: a row far larger than a page, many small ones, long runs of nulls.
func TestLargeRowsAreReadBack(t *testing.T) {
	t.Parallel()
	s := &record.Schema{Fields: []record.Field{
		{Name: "text", Type: record.Type{Kind: record.String}, Nullable: true},
		{Name: "list", Type: record.Type{Kind: record.List, Elem: &record.Field{Name: "element", Type: record.Type{Kind: record.Int64}}}},
		{Name: "same", Type: record.Type{Kind: record.String}},
	}}
	c := record.NewColumns(s)
	for i := range 30_000 {
		row := sample.Row{nil, sample.List{}, "same"}
		switch {
		case i%10_000 == 5:
			row[0] = string(bytes.Repeat([]byte{byte('a' + i%26)}, 1<<20))
		case i%10_000 == 6:
			l := make(sample.List, 30_000)
			for k := range l {
				l[k] = int64(i * k)
			}
			row[1] = l
		case i > 20_000:
			row[0] = fmt.Sprint("text ", i)
		}
		sample.Append(c, row)
		c.EndRow()
	}
	file := encode(t, newFormat(t, "snappy"), nil, c)
	comparePerLeaf(t, open(t, file), c)
}

// A dictionary must not take values for equal that have other bits.
func TestDictionariesKeepEveryBit(t *testing.T) {
	t.Parallel()
	s := &record.Schema{Fields: []record.Field{
		{Name: "d", Type: record.Type{Kind: record.Double}},
		{Name: "f", Type: record.Type{Kind: record.Float}},
		{Name: "fixed", Type: record.Type{Kind: record.Fixed, Size: 16}, Nullable: true},
		{Name: "decimal", Type: record.Type{Kind: record.Decimal, Precision: 30, Scale: 2, Size: 16}, Nullable: true},
		{Name: "text", Type: record.Type{Kind: record.String}},
		{Name: "time", Type: record.Type{Kind: record.TimestampMillis}},
	}}
	special := []uint64{0, 1 << 63, math.Float64bits(math.NaN()), 0x7FF8000000000123, 0xFFF8000000000001, math.Float64bits(math.Inf(-1)), math.Float64bits(1.5)}
	c := record.NewColumns(s)
	for i := range 1000 {
		d := math.Float64frombits(special[i%len(special)])
		f := math.Float32frombits(uint32(special[i%len(special)] >> 32))
		fixed := bytes.Repeat([]byte{byte(i % 5)}, 16)
		row := sample.Row{d, f, fixed, bytes.Repeat([]byte{byte(-(i % 2))}, 16), fmt.Sprint(i % 3), int64(i % 4)}
		if i%7 == 0 {
			row[2], row[3] = nil, nil
		}
		sample.Append(c, row)
		c.EndRow()
	}
	f := open(t, encode(t, newFormat(t, "none"), nil, c))
	comparePerLeaf(t, f, c)
	for i, chunk := range f.Metadata().RowGroups[0].Columns {
		if chunk.MetaData.DictionaryPageOffset == 0 {
			t.Errorf("%v has no dictionary", c.Leaves[i].Path)
		}
	}
}

func TestSameRowsMakeTheSameFile(t *testing.T) {
	t.Parallel()
	var files [2][]byte
	for i := range files {
		c := record.NewColumns(sample.Every())
		sample.Rows(rand.New(rand.NewPCG(3, 3)), c, 300, 0, 0)
		files[i] = encode(t, newFormat(t, "zstd"), map[string]string{"shadoof.topic": "orders", "shadoof.attempt": "1a2b3c4d5e6f7a8b", "a": "b"}, c)
	}
	if !bytes.Equal(files[0], files[1]) {
		t.Fatal("two files of the same rows differ")
	}
}

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, seed)) }
