package testbed_test

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"slices"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/metadata"
	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"shadoof/record"
	"shadoof/writers/sample"
)

// A told is what a file tells of a column of a row group: its statistics and its page index.
type told struct {
	Dictionary bool

	Nulls    int64
	Min, Max []byte // nil where it tells none
	Order    string // of the values, by which readers compare bounds

	FirstRows []int64 // of the pages
	Offsets   []int64
	Sizes     []int64

	Indexed    bool // has a column index
	NullPages  []bool
	NullCounts []int64
	Mins, Maxs [][]byte
	Boundary   string
}

// seen counts what files had in them, so that a test can tell that its random files have everything.
type seen struct {
	mu     sync.Mutex
	counts map[string]int
}

func (s *seen) add(what string, is bool) {
	if is {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.counts[what]++
	}
}

// checkStatistics compares what readers find in the statistics and page indexes of a file with what is in its columns.
func checkStatistics(t *testing.T, name string, f shapedFile, s *seen) {
	t.Helper()
	byParquetGo, err := toldByParquetGo(f.path)
	if err != nil {
		t.Errorf("%s: parquet-go: statistics: %v", name, err)
		return
	}
	byArrowGo, err := toldByArrowGo(f.path)
	if err != nil {
		t.Errorf("%s: arrow-go: statistics: %v", name, err)
		return
	}
	if diff := gocmp.Diff(byParquetGo, byArrowGo, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s: statistics: -by parquet-go +by arrow-go\n%s", name, diff)
	}
	for g, c := range f.groups {
		for i := range c.Leaves {
			for _, wrong := range wrongOf(&c.Leaves[i], c.Rows(), byParquetGo[g][i]) {
				t.Errorf("%s: row group %d, column %v: %s", name, g, c.Leaves[i].Path, wrong)
			}
			v, values := byParquetGo[g][i], int64(c.Leaves[i].Values())
			s.add("several pages", len(v.FirstRows) > 1)
			s.add("several pages of a list", len(v.FirstRows) > 1 && c.Leaves[i].MaxRep > 0)
			s.add("pages of nulls beside others", slices.Contains(v.NullPages, true) && values > 0)
			s.add("no values", values == 0)
			s.add("dictionary", v.Dictionary)
			s.add("no dictionary", !v.Dictionary && values > 1)
			s.add("value over 256 KiB", longest(&c.Leaves[i]) > 256<<10)
			s.add("eight levels of lists and maps", c.Leaves[i].MaxRep >= 8)
			s.add("bounds", v.Min != nil)
			s.add("NaN", values > 0 && !v.Indexed && (c.Leaves[i].Physical == record.PhysFloat || c.Leaves[i].Physical == record.PhysDouble))
		}
	}
}

func longest(c *record.Column) (n int) {
	for i := range c.Ends {
		n = max(n, len(c.Value(i)))
	}
	return n
}

func toldByParquetGo(path string) ([][]told, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	f, err := pq.OpenFile(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, err
	}
	var groups [][]told
	offsets := f.OffsetIndexes()
	for _, g := range f.Metadata().RowGroups {
		var group []told
		for i := range g.Columns {
			s := &g.Columns[i].MetaData.Statistics
			v := told{Dictionary: g.Columns[i].MetaData.DictionaryPageOffset > 0, Nulls: s.NullCount, Min: s.MinValue, Max: s.MaxValue}
			if orders := f.Metadata().ColumnOrders; i < len(orders) {
				if _, ok := orders[i].Value.(*format.TypeDefinedOrder); ok {
					v.Order = "by type"
				}
			}
			for _, p := range offsets[0].PageLocations {
				v.FirstRows, v.Offsets, v.Sizes = append(v.FirstRows, p.FirstRowIndex), append(v.Offsets, p.Offset), append(v.Sizes, int64(p.CompressedPageSize))
			}
			if at := g.Columns[i].ColumnIndexOffset; at > 0 {
				// One by one: File.ColumnIndexes are empty where the first column of the file has none.
				var x format.ColumnIndex
				if err := thrift.Unmarshal(new(thrift.CompactProtocol), b[at:at+int64(g.Columns[i].ColumnIndexLength)], &x); err != nil {
					return nil, err
				}
				v.Indexed, v.NullPages, v.NullCounts, v.Mins, v.Maxs, v.Boundary = true, x.NullPages, x.NullCounts, x.MinValues, x.MaxValues, x.BoundaryOrder.String()
			}
			offsets = offsets[1:]
			group = append(group, v)
		}
		groups = append(groups, group)
	}
	return groups, nil
}

func toldByArrowGo(path string) ([][]told, error) {
	f, err := file.OpenParquetFile(path, false)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var groups [][]told
	for g := range f.NumRowGroups() {
		pages, err := f.GetPageIndexReader().RowGroup(g)
		if err != nil {
			return nil, err
		}
		var group []told
		for i := range f.RowGroup(g).NumColumns() {
			v, err := toldOfChunk(f, g, i, pages)
			if err != nil {
				return nil, fmt.Errorf("row group %d, column %d: %w", g, i, err)
			}
			group = append(group, v)
		}
		groups = append(groups, group)
	}
	return groups, nil
}

func toldOfChunk(f *file.Reader, g, i int, pages *metadata.RowGroupPageIndexReader) (v told, err error) {
	chunk, err := f.MetaData().RowGroup(g).ColumnChunk(i)
	if err != nil {
		return v, err
	}
	s, err := chunk.Statistics()
	if err != nil {
		return v, err
	}
	v.Dictionary = chunk.HasDictionaryPage()
	if s != nil {
		v.Nulls = s.NullCount()
		if s.HasMinMax() {
			v.Min, v.Max = s.EncodeMin(), s.EncodeMax()
		}
	}
	if f.MetaData().Schema.Column(i).ColumnOrder().TYPE_ORDER != nil {
		v.Order = "by type"
	}
	offsets, err := pages.GetOffsetIndex(i)
	if err != nil {
		return v, err
	}
	for _, p := range offsets.GetPageLocations() {
		v.FirstRows, v.Offsets, v.Sizes = append(v.FirstRows, p.FirstRowIndex), append(v.Offsets, p.Offset), append(v.Sizes, int64(p.CompressedPageSize))
	}
	if chunk.GetColumnIndexLocation() == nil {
		return v, nil
	}
	x, err := pages.GetColumnIndex(i)
	if err != nil {
		return v, err
	}
	v.Indexed, v.NullPages, v.NullCounts, v.Mins, v.Maxs, v.Boundary = true, x.GetNullPages(), x.GetNullCounts(), x.GetMinValues(), x.GetMaxValues(), x.GetBoundaryOrder().String()
	return v, nil
}

// A truth is what statistics of a run of rows must tell.
type truth struct {
	nulls    int64
	values   int64
	min, max []byte // as the column holds them; nil where there is no value
	nan      bool
}

func wrongOf(c *record.Column, rows int, v told) (wrong []string) {
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if v.Order != "by type" {
		say("its order is %q", v.Order)
	}
	whole := truthOf(c, 0, rows)
	if v.Nulls != whole.nulls {
		say("%d nulls, it has %d", v.Nulls, whole.nulls)
	}
	if why := wrongBounds(c, whole, v.Min, v.Max); why != "" {
		say("%s", why)
	}
	if len(v.FirstRows) == 0 || v.FirstRows[0] != 0 {
		return append(wrong, fmt.Sprintf("pages begin at the rows %v", v.FirstRows))
	}
	if want := hasOrder(c, whole); v.Indexed != want && whole.values > 0 && !uncut(c, whole) {
		say("has a column index: %v, want %v", v.Indexed, want)
	}
	if n := len(v.FirstRows); v.Indexed && (len(v.NullPages) != n || len(v.NullCounts) != n || len(v.Mins) != n || len(v.Maxs) != n) {
		return append(wrong, fmt.Sprintf("%d pages, and a column index of %d, %d, %d, %d", n, len(v.NullPages), len(v.NullCounts), len(v.Mins), len(v.Maxs)))
	}
	for p, from := range v.FirstRows {
		to := int64(rows)
		if p+1 < len(v.FirstRows) {
			to = v.FirstRows[p+1]
			if v.Offsets[p]+v.Sizes[p] != v.Offsets[p+1] {
				say("page %d ends at %d, and the next begins at %d", p, v.Offsets[p]+v.Sizes[p], v.Offsets[p+1])
			}
		}
		if to <= from {
			say("page %d has the rows from %d to %d", p, from, to)
			return wrong
		}
		if !v.Indexed {
			continue
		}
		page := truthOf(c, int(from), int(to))
		if v.NullCounts[p] != page.nulls || v.NullPages[p] != (page.values == 0) {
			say("page %d: %d nulls, nothing else: %v; it has %d, and %d values", p, v.NullCounts[p], v.NullPages[p], page.nulls, page.values)
		}
		least, greatest := v.Mins[p], v.Maxs[p]
		if page.values == 0 {
			least, greatest = nil, nil
		}
		if why := wrongBounds(c, page, least, greatest); why != "" {
			say("page %d: %s", p, why)
		}
	}
	return append(wrong, wrongBoundary(c, v)...)
}

// hasOrder tells whether a column of such values has bounds. Blobs have none, because nobody looks for them, and a NaN has no place in an order.
func hasOrder(c *record.Column, v truth) bool {
	return c.Type.Kind != record.Bytes && c.Type.Kind != record.Fixed && !v.nan
}

// uncut tells of text that is too long for statistics, and of which nothing shorter is greater.
func uncut(c *record.Column, v truth) bool {
	return c.Physical == record.PhysByteArray && len(v.max) > 64 && bytes.HasPrefix(v.max, []byte("\U0010FFFF"))
}

func wrongBounds(c *record.Column, v truth, least, greatest []byte) string {
	if v.values == 0 || !hasOrder(c, v) {
		if least != nil || greatest != nil {
			return fmt.Sprintf("bounds %q to %q of what has none", least, greatest)
		}
		return ""
	}
	if least == nil || greatest == nil {
		if uncut(c, v) {
			return ""
		}
		return "no bounds"
	}
	exact := bytes.Equal(least, v.min) && bytes.Equal(greatest, v.max)
	if c.Physical == record.PhysByteArray {
		short := len(least) <= 64 && len(greatest) <= 64 && utf8.Valid(least) && utf8.Valid(greatest)
		around := bytes.Compare(least, v.min) <= 0 && bytes.Compare(greatest, v.max) >= 0
		// What is short is not cut, and what is cut keeps all but its end.
		near := (len(v.min) > 64 && bytes.HasPrefix(v.min, least) && len(least) > 60 || bytes.Equal(least, v.min)) &&
			(len(v.max) > 64 && len(greatest) > 0 && !bytes.HasPrefix(v.max, greatest) || bytes.Equal(greatest, v.max))
		exact = short && around && near
	}
	if !exact {
		return fmt.Sprintf("bounds %q to %q, it has %q to %q", least, greatest, v.min, v.max)
	}
	return ""
}

func wrongBoundary(c *record.Column, v told) []string {
	ascending, descending, last := true, true, -1
	for p := range v.Mins {
		if v.NullPages[p] {
			continue
		}
		if last >= 0 {
			least, greatest := comparePlain(c, v.Mins[last], v.Mins[p]), comparePlain(c, v.Maxs[last], v.Maxs[p])
			ascending, descending = ascending && least <= 0 && greatest <= 0, descending && least >= 0 && greatest >= 0
		}
		last = p
	}
	want := "UNORDERED"
	switch {
	case !v.Indexed:
		want = ""
	case ascending:
		want = "ASCENDING"
	case descending:
		want = "DESCENDING"
	}
	if v.Boundary != want {
		return []string{fmt.Sprintf("bounds of its pages are %s, and told to be %s", want, v.Boundary)}
	}
	return nil
}

// truthOf looks at the rows [from, to) of a column.
func truthOf(c *record.Column, from, to int) truth {
	var v truth
	row, value := -1, 0
	levels := c.Levels()
	for i := range levels {
		if c.MaxRep == 0 || c.Rep[i] == 0 {
			row++
		}
		null := c.MaxDef > 0 && c.Def[i] < c.MaxDef
		if from <= row && row < to {
			if null {
				v.nulls++
			} else {
				v.add(c, plainValue(c, value))
			}
		}
		if !null {
			value++
		}
	}
	if c.Physical == record.PhysFloat || c.Physical == record.PhysDouble {
		v.widen()
	}
	return v
}

func (v *truth) add(c *record.Column, b []byte) {
	v.values++
	if v.nan = v.nan || isNaN(c, b); v.nan {
		return
	}
	if v.min == nil || comparePlain(c, b, v.min) < 0 {
		v.min = b
	}
	if v.max == nil || comparePlain(c, b, v.max) > 0 {
		v.max = b
	}
}

// widen makes a zero that bounds floating numbers one of the sign that leaves no zero out.
func (v *truth) widen() {
	zero := func(b []byte) bool {
		return len(b) > 0 && len(bytes.Trim(b[:len(b)-1], "\x00")) == 0 && b[len(b)-1]&0x7F == 0
	}
	if zero(v.min) {
		v.min[len(v.min)-1] = 0x80
	}
	if zero(v.max) {
		v.max = make([]byte, len(v.max))
	}
}

// plainValue is value i of a column as statistics have it.
func plainValue(c *record.Column, i int) []byte {
	switch c.Physical {
	case record.PhysBool:
		if c.Bools[i] {
			return []byte{1}
		}
		return []byte{0}
	case record.PhysInt32:
		return binary.LittleEndian.AppendUint32(nil, uint32(c.Int32s[i]))
	case record.PhysInt64:
		return binary.LittleEndian.AppendUint64(nil, uint64(c.Int64s[i]))
	case record.PhysFloat:
		return binary.LittleEndian.AppendUint32(nil, math.Float32bits(c.Floats[i]))
	case record.PhysDouble:
		return binary.LittleEndian.AppendUint64(nil, math.Float64bits(c.Doubles[i]))
	}
	b := c.Value(i)
	if c.Type.Kind == record.Decimal {
		return b[len(b)-record.DecimalSize(c.Type.Precision):]
	}
	return append([]byte{}, b...)
}

func isNaN(c *record.Column, b []byte) bool {
	switch c.Physical {
	case record.PhysFloat:
		v := math.Float32frombits(binary.LittleEndian.Uint32(b))
		return v != v
	case record.PhysDouble:
		return math.IsNaN(math.Float64frombits(binary.LittleEndian.Uint64(b)))
	}
	return false
}

func comparePlain(c *record.Column, a, b []byte) int {
	switch c.Physical {
	case record.PhysInt32:
		return cmp.Compare(int32(binary.LittleEndian.Uint32(a)), int32(binary.LittleEndian.Uint32(b)))
	case record.PhysInt64:
		return cmp.Compare(int64(binary.LittleEndian.Uint64(a)), int64(binary.LittleEndian.Uint64(b)))
	case record.PhysFloat:
		return cmp.Compare(math.Float32frombits(binary.LittleEndian.Uint32(a)), math.Float32frombits(binary.LittleEndian.Uint32(b)))
	case record.PhysDouble:
		return cmp.Compare(math.Float64frombits(binary.LittleEndian.Uint64(a)), math.Float64frombits(binary.LittleEndian.Uint64(b)))
	}
	if c.Type.Kind == record.Decimal {
		return sample.Number(a).Cmp(sample.Number(b))
	}
	return bytes.Compare(a, b)
}
