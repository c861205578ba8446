package parquet

import (
	"bytes"
	"hash/crc32"
	"sync"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	pqformat "github.com/parquet-go/parquet-go/format"

	"shadoof/record"
)

// Pages end at a row, after so many rows (as parquet-java's do) or bytes.
const (
	maxPageRows  = 20_000
	maxPageBytes = 256 << 10 // of PLAIN values; larger ones compress no better, and each encoder at work holds two
)

// A chunkWriter writes one column of a row group: a dictionary page, if a dictionary pays, and then its data pages.
type chunkWriter struct {
	column  *record.Column
	rows    int
	codec   codec
	out     *output
	scratch *scratch
	choice  choice
	dict    *dictionary // nil: values are PLAIN
	meta    chunkMeta
}

// A choice is whether a column gets a dictionary. Files are written with the automatic one; the others are what it is measured by.
type choice int

const (
	automatic choice = iota
	always
	never
)

// chunkMeta is what the footer and the page index say of a column chunk.
type chunkMeta struct {
	column           *record.Column // without values
	dictionaryOffset int64          // 0: there is none
	dataOffset       int64
	values           int64 // nulls included
	nulls            int64
	uncompressed     int64
	compressed       int64
	pages            []pageMeta
	bounds           bounds
	unordered        bool // a value has no place in any order
}

// pageMeta is what the page index says of a data page.
type pageMeta struct {
	offset   int64
	size     int32 // compressed, with its header
	firstRow int64
	nulls    int64
	bounds   bounds // both nil: only nulls, or no bounds at all
}

// scratch is memory that is used for one column after the other.
type scratch struct {
	page       []byte
	levels     []byte
	compressed []byte
	indexes    []byte
	dictionary dictionary
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// A span is a run of whole rows of a column: rows, level entries and values that are not null.
type span struct {
	row, rows      int
	entry, entries int
	value, values  int
}

func (w *chunkWriter) write() error {
	c := w.column
	w.meta.column = &record.Column{Path: c.Path, Type: c.Type, Physical: c.Physical}
	if w.choose(c) {
		w.dict = &w.scratch.dictionary
		if err := w.writeDictionary(); err != nil {
			return err
		}
	}
	w.meta.dataOffset = w.out.written
	b := newBounder(c, w.dict)
	for at := (span{}); at.row < w.rows; at = at.after() {
		at = w.cut(at)
		if err := w.writePage(at, b); err != nil {
			return err
		}
	}
	w.meta.bounds, w.meta.unordered = b.chunk()
	return nil
}

// choose says whether the column gets a dictionary, which it has built then.
func (w *chunkWriter) choose(c *record.Column) bool {
	d := &w.scratch.dictionary
	switch d.every = false; w.choice {
	case always:
		d.every = true
	case never:
		return false
	}
	return d.build(c)
}

// after is the empty span behind s.
func (s span) after() span {
	return span{row: s.row + s.rows, entry: s.entry + s.entries, value: s.value + s.values}
}

// cut makes the empty span at the beginning of a page as long as the page is to be.
func (w *chunkWriter) cut(at span) span {
	for rows := min(maxPageRows, w.rows-at.row); ; {
		s := w.take(at, rows)
		size := w.plainSize(s)
		if w.dict != nil || size <= maxPageBytes || rows == 1 {
			return s
		}
		rows = max(1, min(rows-1, int(int64(rows)*maxPageBytes/size)))
	}
}

// take makes the empty span so many rows long.
func (w *chunkWriter) take(at span, rows int) span {
	c := w.column
	at.rows, at.entries = rows, rows
	if c.MaxRep > 0 {
		end, left := at.entry, rows
		for ; end < len(c.Rep); end++ {
			if c.Rep[end] == 0 {
				if left == 0 {
					break
				}
				left--
			}
		}
		at.entries = end - at.entry
	}
	at.values = at.entries
	if c.MaxDef > 0 {
		at.values = bytes.Count(c.Def[at.entry:at.entry+at.entries], []byte{c.MaxDef})
	}
	return at
}

// plainSize is how many bytes the values of a span take in PLAIN, roughly.
func (w *chunkWriter) plainSize(s span) int64 {
	c := w.column
	switch c.Physical {
	case record.PhysBool:
		return int64(s.values / 8)
	case record.PhysInt32, record.PhysFloat:
		return int64(4 * s.values)
	case record.PhysInt64, record.PhysDouble:
		return int64(8 * s.values)
	case record.PhysFixedArray:
		return int64(c.Type.Size * s.values)
	}
	if s.values == 0 {
		return 0
	}
	from := uint32(0)
	if s.value > 0 {
		from = c.Ends[s.value-1]
	}
	return int64(c.Ends[s.value+s.values-1]-from) + int64(4*s.values)
}

func (w *chunkWriter) writeDictionary() (err error) {
	w.meta.dictionaryOffset = w.out.written
	if w.scratch.page, err = w.dict.plain(w.scratch.page[:0], w.column); err != nil {
		return err
	}
	h := pqformat.PageHeader{Type: pqformat.DictionaryPage}
	h.DictionaryPageHeader = thrift.New(pqformat.DictionaryPageHeader{NumValues: int32(w.dict.len()), Encoding: pqformat.Plain})
	_, err = w.emit(&h)
	return err
}

func (w *chunkWriter) writePage(s span, b *bounder) error {
	if err := w.encode(s); err != nil {
		return err
	}
	h := pqformat.PageHeader{Type: pqformat.DataPage}
	h.DataPageHeader = thrift.New(pqformat.DataPageHeader{
		NumValues: int32(s.entries), Encoding: w.encoding(), DefinitionLevelEncoding: pqformat.RLE, RepetitionLevelEncoding: pqformat.RLE,
	})
	p := pageMeta{offset: w.out.written, firstRow: int64(s.row), nulls: int64(s.entries - s.values)}
	var err error
	if p.size, err = w.emit(&h); err != nil {
		return err
	}
	p.bounds = b.page(s)
	w.meta.pages = append(w.meta.pages, p)
	w.meta.values += int64(s.entries)
	w.meta.nulls += p.nulls
	return nil
}

func (w *chunkWriter) encoding() pqformat.Encoding {
	if w.dict != nil {
		return pqformat.RLEDictionary
	}
	return pqformat.Plain
}

// emit compresses and writes the page in the scratch, and returns how many bytes that were.
func (w *chunkWriter) emit(h *pqformat.PageHeader) (int32, error) {
	body := w.scratch.page
	if w.codec.encode != nil {
		var err error
		if w.scratch.compressed, err = w.codec.encode(w.scratch.compressed[:0], body); err != nil {
			return 0, err
		}
		body = w.scratch.compressed
	}
	h.UncompressedPageSize, h.CompressedPageSize = int32(len(w.scratch.page)), int32(len(body))
	h.CRC = int32(crc32.ChecksumIEEE(body))
	header, err := thrift.Marshal(new(thrift.CompactProtocol), h)
	if err != nil {
		return 0, err
	}
	if _, err := w.out.Write(header); err != nil {
		return 0, err
	}
	if _, err := w.out.Write(body); err != nil {
		return 0, err
	}
	w.meta.uncompressed += int64(len(header) + len(w.scratch.page))
	w.meta.compressed += int64(len(header) + len(body))
	return int32(len(header) + len(body)), nil
}
