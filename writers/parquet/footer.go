package parquet

import (
	"encoding/binary"
	"fmt"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	pqformat "github.com/parquet-go/parquet-go/format"

	"shadoof/record"
)

const (
	magic     = "PAR1"
	tailBytes = 4 + len(magic) // the length of the footer, and the magic number
)

// footer takes what parquet-go would end the file with, the page index and the footer, and returns it with the footer put
// right:
//   - bounds of row groups are ours (see [boundsOf]);
//   - column indexes that parquet-go orders or fills wrongly are left out: those of byte arrays (decimals have no sign in it,
//     pages without a value shift the rest) and of columns with a NaN;
//   - the schema says what parquet-java's would: no converted type of a timestamp or time without a zone, because the old ones
//     are all in UTC; no annotation of plain integers; a length for fixed byte arrays alone;
//   - created_by names this program.
//
// column_orders is set by parquet-go, for each column.
func (e *encoder) footer(tail []byte) ([]byte, error) {
	if len(tail) < tailBytes {
		return nil, fmt.Errorf("it ends after %d bytes", len(tail))
	}
	length := int(binary.LittleEndian.Uint32(tail[len(tail)-tailBytes:]))
	if length > len(tail)-tailBytes {
		return nil, fmt.Errorf("%d bytes do not hold a footer of %d", len(tail), length)
	}
	meta := e.writer.File().Metadata()
	if len(meta.RowGroups) != len(e.bounds) || len(meta.ColumnOrders) != len(e.leaves) {
		return nil, fmt.Errorf("it has %d row groups of %d, %d column orders of %d", len(meta.RowGroups), len(e.bounds), len(meta.ColumnOrders), len(e.leaves))
	}
	meta.CreatedBy = createdBy()
	for i := range meta.Schema {
		correct(&meta.Schema[i])
	}
	for g := range meta.RowGroups {
		for i := range meta.RowGroups[g].Columns {
			s := &meta.RowGroups[g].Columns[i].MetaData.Statistics
			s.MinValue, s.MaxValue = e.bounds[g][i].min, e.bounds[g][i].max
		}
	}
	out, err := e.pageIndex(meta, tail[:len(tail)-tailBytes-length])
	if err != nil {
		return nil, err
	}
	b, err := thrift.Marshal(new(thrift.CompactProtocol), meta)
	if err != nil {
		return nil, err
	}
	out = append(out, b...)
	out = binary.LittleEndian.AppendUint32(out, uint32(len(b)))
	return append(out, magic...), nil
}

// pageIndex copies the page index without the column indexes that are hidden, and points the footer at it. It leaves no holes:
// parquet-go reads all column indexes, and then all offset indexes, as one run of bytes.
func (e *encoder) pageIndex(meta *pqformat.FileMetaData, index []byte) ([]byte, error) {
	if len(meta.RowGroups) == 0 {
		return index, nil // it is the beginning of the file
	}
	out := make([]byte, 0, len(index)+outputBuffer)
	start := e.out.written
	move := func(offset *int64, length int32) error {
		from := *offset - start
		if from < 0 || from+int64(length) > int64(len(index)) {
			return fmt.Errorf("a page index lies at %d, outside of where they are", *offset)
		}
		*offset = start + int64(len(out))
		out = append(out, index[from:from+int64(length)]...)
		return nil
	}
	for g := range meta.RowGroups {
		for i := range meta.RowGroups[g].Columns {
			c := &meta.RowGroups[g].Columns[i]
			if e.hidden[i] {
				c.ColumnIndexOffset, c.ColumnIndexLength = 0, 0
			} else if err := move(&c.ColumnIndexOffset, c.ColumnIndexLength); err != nil {
				return nil, err
			}
		}
	}
	for g := range meta.RowGroups {
		for i := range meta.RowGroups[g].Columns {
			c := &meta.RowGroups[g].Columns[i]
			if err := move(&c.OffsetIndexOffset, c.OffsetIndexLength); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

func correct(e *pqformat.SchemaElement) {
	if e.Type.Valid && e.Type.V != pqformat.FixedLenByteArray {
		e.TypeLength.Valid = false
	}
	utc := true
	switch v := e.LogicalType.Value.(type) {
	case *pqformat.TimestampType:
		utc = v.IsAdjustedToUTC
	case *pqformat.TimeType:
		utc = v.IsAdjustedToUTC
	case *pqformat.IntType:
		e.LogicalType.Value = nil
		e.ConvertedType.Valid = false
	}
	if !utc {
		e.ConvertedType.Valid = false
	}
}

// indexed says whether the column index that parquet-go writes for a type is right.
func indexed(k record.Kind) bool {
	switch k {
	case record.Bytes, record.Fixed, record.Decimal:
		return false
	}
	return true
}
