package parquet

import (
	"encoding/binary"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	pqformat "github.com/parquet-go/parquet-go/format"
)

const (
	magic     = "PAR1"
	tailBytes = 4 + len(magic) // the length of the footer, and the magic number
)

// tail is what a file ends with: the page index, the footer, its length and the magic number.
//
// All column indexes come first and then all offset indexes, without holes: parquet-go reads each kind as one run of bytes.
func (e *encoder) tail() ([]byte, error) {
	meta := &pqformat.FileMetaData{Version: 2, Schema: e.schema, NumRows: e.rows, KeyValueMetadata: e.meta, CreatedBy: createdBy()}
	for range e.leaves {
		meta.ColumnOrders = append(meta.ColumnOrders, pqformat.ColumnOrder{Value: &pqformat.TypeDefinedOrder{}})
	}
	meta.RowGroups = make([]pqformat.RowGroup, len(e.groups)) // a list, also when it is empty
	for i := range e.groups {
		meta.RowGroups[i] = e.rowGroup(i)
	}
	var out []byte
	place := func(v any, offset *int64, length *int32) error {
		b, err := thrift.Marshal(new(thrift.CompactProtocol), v)
		*offset, *length = e.out.written+int64(len(out)), int32(len(b))
		out = append(out, b...)
		return err
	}
	for g := range e.groups {
		for i := range e.groups[g].chunks {
			if index, ok := e.groups[g].chunks[i].columnIndex(); ok {
				c := &meta.RowGroups[g].Columns[i]
				if err := place(index, &c.ColumnIndexOffset, &c.ColumnIndexLength); err != nil {
					return nil, err
				}
			}
		}
	}
	for g := range e.groups {
		for i := range e.groups[g].chunks {
			c := &meta.RowGroups[g].Columns[i]
			if err := place(e.groups[g].chunks[i].offsetIndex(), &c.OffsetIndexOffset, &c.OffsetIndexLength); err != nil {
				return nil, err
			}
		}
	}
	b, err := thrift.Marshal(new(thrift.CompactProtocol), meta)
	if err != nil {
		return nil, err
	}
	out = append(out, b...)
	out = binary.LittleEndian.AppendUint32(out, uint32(len(b)))
	return append(out, magic...), nil
}

func (e *encoder) rowGroup(i int) pqformat.RowGroup {
	g := &e.groups[i]
	r := pqformat.RowGroup{NumRows: g.rows, Ordinal: int16(i), Columns: make([]pqformat.ColumnChunk, len(g.chunks))}
	for k := range g.chunks {
		m := &g.chunks[k]
		r.Columns[k].MetaData = m.metaData(e.codec.id)
		r.TotalByteSize += m.uncompressed
		r.TotalCompressedSize += m.compressed
	}
	r.FileOffset = g.chunks[0].start()
	return r
}

// start is where a chunk begins.
func (m *chunkMeta) start() int64 {
	if m.dictionaryOffset > 0 {
		return m.dictionaryOffset
	}
	return m.dataOffset
}

func (m *chunkMeta) metaData(codec pqformat.CompressionCodec) pqformat.ColumnMetaData {
	d := pqformat.ColumnMetaData{
		Type: physicalType(m.column.Physical), PathInSchema: m.column.Path, Codec: codec, NumValues: m.values, TotalUncompressedSize: m.uncompressed, TotalCompressedSize: m.compressed,
		DataPageOffset: m.dataOffset, DictionaryPageOffset: m.dictionaryOffset,
		Statistics: pqformat.Statistics{NullCount: m.nulls, MinValue: m.bounds.min, MaxValue: m.bounds.max},
		Encoding:   []pqformat.Encoding{pqformat.Plain, pqformat.RLE},
	}
	data := pqformat.PageEncodingStats{PageType: pqformat.DataPage, Encoding: pqformat.Plain, Count: int32(len(m.pages))}
	if m.dictionaryOffset > 0 {
		d.Encoding = append(d.Encoding, pqformat.RLEDictionary)
		d.EncodingStats = append(d.EncodingStats, pqformat.PageEncodingStats{PageType: pqformat.DictionaryPage, Encoding: pqformat.Plain, Count: 1})
		data.Encoding = pqformat.RLEDictionary
	}
	d.EncodingStats = append(d.EncodingStats, data)
	return d
}

func (m *chunkMeta) offsetIndex() *pqformat.OffsetIndex {
	x := &pqformat.OffsetIndex{PageLocations: make([]pqformat.PageLocation, len(m.pages))}
	for i, p := range m.pages {
		x.PageLocations[i] = pqformat.PageLocation{Offset: p.offset, CompressedPageSize: p.size, FirstRowIndex: p.firstRow}
	}
	return x
}

// columnIndex makes the index by which readers leave out pages, where all pages have bounds or only nulls.
func (m *chunkMeta) columnIndex() (x *pqformat.ColumnIndex, ok bool) {
	if m.unordered {
		return nil, false
	}
	x = &pqformat.ColumnIndex{}
	ascending, descending := true, true
	var last bounds
	for _, p := range m.pages {
		null := p.bounds.min == nil
		x.NullPages = append(x.NullPages, null)
		x.NullCounts = append(x.NullCounts, p.nulls)
		if null {
			p.bounds = bounds{[]byte{}, []byte{}}
		} else {
			if last.min != nil {
				least, greatest := compareBounds(m.column, p.bounds.min, last.min), compareBounds(m.column, p.bounds.max, last.max)
				ascending = ascending && least >= 0 && greatest >= 0
				descending = descending && least <= 0 && greatest <= 0
			}
			last = p.bounds
		}
		x.MinValues = append(x.MinValues, p.bounds.min)
		x.MaxValues = append(x.MaxValues, p.bounds.max)
	}
	switch {
	case ascending:
		x.BoundaryOrder = pqformat.Ascending
	case descending:
		x.BoundaryOrder = pqformat.Descending
	}
	return x, true
}
