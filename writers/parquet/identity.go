package parquet

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	pqformat "github.com/parquet-go/parquet-go/format"

	"shadoof/record"
	"shadoof/writers"
)

// NewReader returns a reader of what identifies the rows of our Parquet files. It reads each of the two columns in one piece per
// row group, and insists on the checksums of their pages. A damaged file is an error, never a panic, and takes no more memory
// than its size suggests.
//
// The pages are decoded here and not by parquet-go, which makes room for whatever a damaged length asks for.
func NewReader() writers.Reader { return reader{} }

type reader struct{}

func (reader) Identity(ctx context.Context, r io.ReaderAt, size int64) (id writers.Identity, err error) {
	defer recovered(&err)
	id.Meta = make(map[string]string)
	meta, err := rows(ctx, r, size, id.Add)
	if err != nil {
		return id, fmt.Errorf("parquet: %w", err)
	}
	id.Rows, id.HasKafkaColumns = meta.NumRows, meta.positions
	for _, kv := range meta.KeyValueMetadata {
		id.Meta[kv.Key] = kv.Value
	}
	return id, nil
}

// Find implements [writers.Finder].
func (reader) Find(ctx context.Context, r io.ReaderAt, size int64, partition int32, offset int64) (found, known bool, err error) {
	defer recovered(&err)
	meta, err := rows(ctx, r, size, func(p int32, o int64) { found = found || p == partition && o == offset })
	if err != nil {
		return false, false, fmt.Errorf("parquet: %w", err)
	}
	return found, meta.positions, nil
}

// A footer, and whether the file says where its rows came from.
type identified struct {
	*pqformat.FileMetaData
	positions bool
}

// rows reads the footer, and calls each with the position of every row where the file has the columns.
func rows(ctx context.Context, r io.ReaderAt, size int64, each func(partition int32, offset int64)) (identified, error) {
	meta, err := readFooter(r, size)
	if err != nil {
		return identified{}, err
	}
	leaves, err := topLevel(meta.Schema)
	if err != nil {
		return identified{}, err
	}
	partition, ok := leaves[record.PartitionColumn]
	offset, ok2 := leaves[record.OffsetColumn]
	f := identified{meta, ok && ok2 && partition.kind == pqformat.Int32 && offset.kind == pqformat.Int64}
	rows := int64(0)
	for i := range meta.RowGroups {
		g := &meta.RowGroups[i]
		rows += g.NumRows
		if !f.positions {
			continue
		}
		if err := ctx.Err(); err != nil {
			return f, err
		}
		if err := identify(each, r, size, g, partition.index, offset.index); err != nil {
			return f, fmt.Errorf("row group %d: %w", i, err)
		}
	}
	if rows != meta.NumRows {
		return f, fmt.Errorf("the footer says %d rows, and its row groups %d", meta.NumRows, rows)
	}
	return f, nil
}

// identify gives away the rows of one row group.
func identify(each func(partition int32, offset int64), r io.ReaderAt, size int64, g *pqformat.RowGroup, partition, offset int) error {
	partitions, err := readChunk(r, size, g, partition)
	if err != nil {
		return fmt.Errorf("%s: %w", record.PartitionColumn, err)
	}
	offsets, err := readChunk(r, size, g, offset)
	if err != nil {
		return fmt.Errorf("%s: %w", record.OffsetColumn, err)
	}
	for i := range partitions {
		each(int32(partitions[i]), offsets[i])
	}
	return nil
}

const tailRead = 64 << 10 // of a file, to get the whole footer of most with one request

func readFooter(r io.ReaderAt, size int64) (*pqformat.FileMetaData, error) {
	if size < int64(len(magic)+tailBytes) {
		return nil, fmt.Errorf("%d bytes are no file: %w", size, io.ErrUnexpectedEOF)
	}
	tail, err := readAt(r, size-min(size, tailRead), min(size, tailRead))
	if err != nil {
		return nil, err
	}
	end := tail[len(tail)-tailBytes:]
	if string(end[4:]) != magic {
		return nil, fmt.Errorf("no footer: the file is cut off, or none: %w", io.ErrUnexpectedEOF)
	}
	length := int64(binary.LittleEndian.Uint32(end))
	if length > size-int64(len(magic)+tailBytes) {
		return nil, fmt.Errorf("a footer of %d bytes in a file of %d", length, size)
	}
	if need := length + int64(tailBytes); need > int64(len(tail)) {
		if tail, err = readAt(r, size-need, need); err != nil {
			return nil, err
		}
	}
	meta := new(pqformat.FileMetaData)
	n, err := decode(tail[int64(len(tail)-tailBytes)-length:len(tail)-tailBytes], meta)
	if err == nil && int64(n) != length {
		err = errMalformed
	}
	if err != nil {
		return nil, fmt.Errorf("footer: %w", err)
	}
	return meta, nil
}

func readAt(r io.ReaderAt, from, n int64) ([]byte, error) {
	b := make([]byte, n)
	if k, err := r.ReadAt(b, from); int64(k) < n {
		if errors.Is(err, io.EOF) || err == nil {
			err = io.ErrUnexpectedEOF
		}
		return nil, fmt.Errorf("read %d bytes at %d: %w", n, from, err)
	}
	return b, nil
}

// A topLeaf is a required leaf at the top level of a schema.
type topLeaf struct {
	index int // of the leaf among all
	kind  pqformat.Type
}

// topLevel finds the required leaves at the top level.
func topLevel(schema []pqformat.SchemaElement) (map[string]topLeaf, error) {
	leaves := make(map[string]topLeaf)
	if len(schema) == 0 {
		return nil, errMalformed
	}
	elements, index := schema[1:], 0
	for range schema[0].NumChildren.V {
		if len(elements) == 0 {
			return nil, errMalformed
		}
		e := elements[0]
		if !e.NumChildren.Valid && e.RepetitionType.V == pqformat.Required {
			leaves[e.Name] = topLeaf{index, e.Type.V}
		}
		// All that lies below e: each element stands for itself and asks for its children.
		for open := 1; open > 0; open-- {
			if len(elements) == 0 {
				return nil, errMalformed
			}
			children := int(elements[0].NumChildren.V)
			if children < 0 || children > len(elements) {
				return nil, errMalformed
			}
			if !elements[0].NumChildren.Valid {
				index++
			}
			open += children
			elements = elements[1:]
		}
	}
	return leaves, nil
}
