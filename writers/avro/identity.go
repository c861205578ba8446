package avro

import (
	"context"
	"fmt"
	"io"

	"shadoof/writers"
)

// NewReader returns a reader of what identifies the rows of our Avro files. Rows lie one behind the other, so it reads the whole file,
// a few MiB at a time, and walks over all values: also where there are no Kafka columns, to count the rows that are really there.
//
// A damaged file is an error, never a panic, as far as there is something to see it by: sync markers, the checksums of snappy and
// zstd, the structure of rows. A file that was cut off between two blocks is a file with fewer rows: the format does not say how many
// there are to be. It takes no more memory than the file's size and its largest row suggest.
func NewReader() writers.Reader { return reader{} }

type reader struct{}

func (reader) Identity(ctx context.Context, r io.ReaderAt, size int64) (id writers.Identity, err error) {
	defer recovered(&err)
	var positions writers.Identity
	id, err = identity(ctx, r, size, positions.Add)
	positions.Rows, positions.HasKafkaColumns, positions.Meta = id.Rows, id.HasKafkaColumns, id.Meta
	if err != nil {
		return positions, fmt.Errorf("avro: %w", err)
	}
	return positions, nil
}

// Find implements [writers.Finder].
func (reader) Find(ctx context.Context, r io.ReaderAt, size int64, partition int32, offset int64) (found, known bool, err error) {
	defer recovered(&err)
	id, err := identity(ctx, r, size, func(p int32, o int64) { found = found || p == partition && o == offset })
	if err != nil {
		return false, false, fmt.Errorf("avro: %w", err)
	}
	return found, id.HasKafkaColumns, nil
}

// identity is what a file says of itself; its rows go to each.
func identity(ctx context.Context, r io.ReaderAt, size int64, each func(partition int32, offset int64)) (id writers.Identity, err error) {
	f := newFile(ctx, r, size)
	if err := f.header(); err != nil {
		return id, fmt.Errorf("header: %w", err)
	}
	id.Meta = f.meta
	row, err := parseRow(f.schema)
	if err != nil {
		return id, fmt.Errorf("%s: %w", schemaKey, err)
	}
	id.HasKafkaColumns = row.hasKafkaColumns()
	if !id.HasKafkaColumns {
		each = func(int32, int64) {}
	}
	d, err := newDecompressor(ctx, f.codec)
	if err != nil {
		return id, err
	}
	defer d.close()
	for {
		at := f.position()
		rows, b, err := f.block()
		if err == io.EOF {
			return id, nil
		}
		if err == nil {
			err = identify(each, row, d.open(b), rows)
		}
		if err != nil {
			return id, fmt.Errorf("block at %d: %w", at, err)
		}
		id.Rows += rows
	}
}

// identify gives away the rows of a block.
func identify(each func(partition int32, offset int64), row *row, v *values, rows int64) error {
	for n := range rows {
		partition, offset := v.row(row)
		if v.err != nil {
			return fmt.Errorf("row %d of %d: %w", n, rows, v.err)
		}
		each(partition, offset)
	}
	if !v.atEnd() {
		if v.err != nil {
			return v.err
		}
		return fmt.Errorf("bytes after its %d rows", rows)
	}
	return nil
}
