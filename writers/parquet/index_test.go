package parquet_test

import (
	"encoding/binary"
	"fmt"
	"testing"

	pq "github.com/parquet-go/parquet-go"

	"shadoof/record"
	"shadoof/writers/sample"
)

// manyPages are rows whose columns have several pages each, in all shapes that an index tells of.
func manyPages(rows int) *record.Columns {
	kind := func(k record.Kind) record.Type { return record.Type{Kind: k} }
	c := record.NewColumns(&record.Schema{Fields: []record.Field{
		{Name: "up", Type: kind(record.Int64)},
		{Name: "down", Type: kind(record.Int32)},
		{Name: "around", Type: kind(record.Double)},
		{Name: "text", Type: kind(record.String), Nullable: true},
		{Name: "word", Type: kind(record.String)},
		{Name: "amount", Type: record.Type{Kind: record.Decimal, Precision: 20, Scale: 2}, Nullable: true},
		{Name: "flag", Type: kind(record.Boolean)},
		{Name: "list", Type: record.Type{Kind: record.List, Elem: &record.Field{Type: kind(record.Int64), Nullable: true}}},
		{Name: "none", Type: kind(record.Int64), Nullable: true},
	}})
	r := newRand(5)
	for i := range rows {
		row := sample.Row{int64(i), int32(-i), r.NormFloat64(), fmt.Sprintf("%08d", r.IntN(rows)), fmt.Sprint("word ", r.IntN(rows/3)),
			amount(r.Int64N(2000) - 1000), i > rows/2, sample.List{int64(i), nil}, nil}
		if i < 20_000 || r.IntN(5) == 0 {
			row[3], row[5] = nil, nil
		}
		if i%3 == 0 {
			row[7] = sample.List{}
		}
		sample.Append(c, row)
		c.EndRow()
	}
	return c
}

// amount is a decimal of 9 bytes.
func amount(v int64) []byte {
	b := binary.BigEndian.AppendUint64([]byte{0}, uint64(v))
	if v < 0 {
		b[0] = 0xFF
	}
	return b
}

func TestIndexesTellWhatIsInThePages(t *testing.T) {
	t.Parallel()
	const rows = 90_000
	c := manyPages(rows)
	f := open(t, encode(t, newFormat(t, "snappy"), nil, c))
	comparePerLeaf(t, f, c)
	for i, chunk := range f.RowGroups()[0].ColumnChunks() {
		name := c.Leaves[i].Path
		columns, err := chunk.ColumnIndex()
		if err != nil {
			t.Errorf("%v: %v", name, err)
			continue
		}
		offsets, err := chunk.OffsetIndex()
		if err != nil {
			t.Fatal(err)
		}
		compare := chunk.Type().Compare
		if c.Leaves[i].Type.Kind == record.Decimal { // parquet-go takes them for numbers without a sign
			compare = func(a, b pq.Value) int { return sample.Number(a.ByteArray()).Cmp(sample.Number(b.ByteArray())) }
		}
		first := int64(0)
		pages := chunk.Pages()
		ascending, descending := true, true
		n := 0
		for ; ; n++ {
			page, err := pages.ReadPage()
			if err != nil {
				break
			}
			if offsets.FirstRowIndex(n) != first || page.NumRows() > 20_000 {
				t.Errorf("%v, page %d: begins at row %d and not at %d, has %d rows", name, n, offsets.FirstRowIndex(n), first, page.NumRows())
			}
			first += page.NumRows()
			if columns.NullPage(n) != (page.NumNulls() == page.NumValues()) || columns.NullCount(n) != page.NumNulls() {
				t.Errorf("%v, page %d: index says null page %v, %d nulls; it has %d of %d", name, n, columns.NullPage(n), columns.NullCount(n), page.NumNulls(), page.NumValues())
			}
			if columns.NullPage(n) {
				continue
			}
			least, greatest := boundsOfPage(t, page, compare)
			if compare(columns.MinValue(n), least) != 0 || compare(columns.MaxValue(n), greatest) != 0 {
				t.Errorf("%v, page %d: index says %v to %v, it has %v to %v", name, n, columns.MinValue(n), columns.MaxValue(n), least, greatest)
			}
			if n > 0 && !columns.NullPage(n-1) {
				ascending = ascending && compare(columns.MinValue(n-1), least) <= 0 && compare(columns.MaxValue(n-1), greatest) <= 0
				descending = descending && compare(columns.MinValue(n-1), least) >= 0 && compare(columns.MaxValue(n-1), greatest) >= 0
			}
		}
		if first != rows || n != columns.NumPages() || n != offsets.NumPages() || n < rows/20_000 {
			t.Errorf("%v: %d pages of %d rows, the indexes have %d and %d", name, n, first, columns.NumPages(), offsets.NumPages())
		}
		if columns.IsAscending() && !ascending || columns.IsDescending() && !descending {
			t.Errorf("%v: index says ascending %v, descending %v; pages are %v, %v", name, columns.IsAscending(), columns.IsDescending(), ascending, descending)
		}
		if up, down := name[0] == "up", name[0] == "down"; up && !columns.IsAscending() || down && !columns.IsDescending() {
			t.Errorf("%v: the index does not say that it is in order", name)
		}
	}
}

func boundsOfPage(t *testing.T, page pq.Page, compare func(a, b pq.Value) int) (least, greatest pq.Value) {
	t.Helper()
	values := make([]pq.Value, page.NumValues())
	if n, _ := page.Values().ReadValues(values); n != len(values) {
		t.Fatalf("%d of %d values", n, len(values))
	}
	for _, v := range values {
		if v.IsNull() {
			continue
		}
		if least.IsNull() || compare(v, least) < 0 {
			least = v
		}
		if greatest.IsNull() || compare(v, greatest) > 0 {
			greatest = v
		}
	}
	return least, greatest
}

// A dictionary that outgrows its table several times over, and one that is given up in the middle.
func TestLargeDictionaries(t *testing.T) {
	t.Parallel()
	c := record.NewColumns(&record.Schema{Fields: []record.Field{
		{Name: "number", Type: record.Type{Kind: record.Int64}},
		{Name: "text", Type: record.Type{Kind: record.String}},
		{Name: "late", Type: record.Type{Kind: record.String}}, // repeats half of the time
	}})
	const rows = 150_000
	r := newRand(6)
	for i := range rows {
		late := "same"
		if i%2 == 1 {
			late = fmt.Sprintf("this is value number %d of many", i)
		}
		sample.Append(c, sample.Row{r.Int64N(25_000), fmt.Sprint(r.IntN(25_000)), late})
		c.EndRow()
	}
	f := open(t, encode(t, newFormat(t, "none"), nil, c))
	comparePerLeaf(t, f, c)
	for i, want := range []bool{true, true, false} {
		if got := f.Metadata().RowGroups[0].Columns[i].MetaData.DictionaryPageOffset > 0; got != want {
			t.Errorf("%v: dictionary %v, want %v", c.Leaves[i].Path, got, want)
		}
	}
}
