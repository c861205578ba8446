package parquet

import (
	"context"
	"errors"
	"fmt"
	"io"

	pq "github.com/parquet-go/parquet-go"

	"shadoof/record"
	"shadoof/writers"
)

// NewReader returns a reader of what identifies the rows of Parquet files. It reads files of any writer; a damaged one is an
// error, never a panic.
func NewReader() writers.Reader { return reader{} }

type reader struct{}

const readBuffer = 256 << 10

func (reader) Identity(ctx context.Context, r io.ReaderAt, size int64) (id writers.Identity, err error) {
	defer recovered(&err)
	f, err := pq.OpenFile(r, size, pq.SkipPageIndex(true), pq.SkipBloomFilters(true), pq.ReadBufferSize(readBuffer))
	if err != nil {
		return id, fmt.Errorf("parquet: open: %w", err)
	}
	id.Rows = f.NumRows()
	id.Meta = make(map[string]string)
	for _, kv := range f.Metadata().KeyValueMetadata {
		id.Meta[kv.Key] = kv.Value
	}
	partition, ok := kafkaColumn(f, record.PartitionColumn, pq.Int32)
	offset, ok2 := kafkaColumn(f, record.OffsetColumn, pq.Int64)
	if !ok || !ok2 {
		return id, nil
	}
	id.HasKafkaColumns = true
	rows := int64(0)
	for i, g := range f.RowGroups() {
		if g.NumRows() < 0 {
			return id, fmt.Errorf("parquet: row group %d: it claims %d rows", i, g.NumRows())
		}
		chunks := g.ColumnChunks()
		if err := identify(ctx, &id, chunks[partition], chunks[offset], g.NumRows()); err != nil {
			return id, fmt.Errorf("parquet: row group %d: %w", i, err)
		}
		rows += g.NumRows()
	}
	if rows != id.Rows {
		return id, fmt.Errorf("parquet: the footer says %d rows, and its row groups %d", id.Rows, rows)
	}
	return id, nil
}

// kafkaColumn finds a required top-level column.
func kafkaColumn(f *pq.File, name string, kind pq.Kind) (int, bool) {
	leaf, ok := f.Schema().Lookup(name)
	if !ok || !leaf.Node.Leaf() || !leaf.Node.Required() || leaf.Node.Type().Kind() != kind {
		return 0, false
	}
	return int(leaf.ColumnIndex), true
}

// identify adds the rows of one row group, whose two columns are read side by side.
func identify(ctx context.Context, id *writers.Identity, partitions, offsets pq.ColumnChunk, rows int64) (err error) {
	p, o := newColumnReader(partitions), newColumnReader(offsets)
	defer func() { err = errors.Join(err, p.close(), o.close()) }()
	for left := rows; left > 0; {
		if err := ctx.Err(); err != nil {
			return err
		}
		ps, err := p.peek()
		if err != nil {
			return fmt.Errorf("%s: %w", record.PartitionColumn, err)
		}
		os, err := o.peek()
		if err != nil {
			return fmt.Errorf("%s: %w", record.OffsetColumn, err)
		}
		n := min(len(ps), len(os))
		if int64(n) > left {
			return fmt.Errorf("its columns have more values than the %d rows that the footer says", rows)
		}
		for i := range n {
			id.Add(ps[i].Int32(), os[i].Int64())
		}
		p.skip(n)
		o.skip(n)
		left -= int64(n)
	}
	return nil
}

// A columnReader reads the values of a column chunk, page by page.
type columnReader struct {
	pages  pq.Pages
	page   pq.Page
	values pq.ValueReader
	buffer []pq.Value
	ready  []pq.Value // of buffer
}

func newColumnReader(c pq.ColumnChunk) *columnReader {
	return &columnReader{pages: c.Pages(), buffer: make([]pq.Value, batchValues)}
}

// peek returns values that were not skipped yet, at least one.
func (r *columnReader) peek() ([]pq.Value, error) {
	for len(r.ready) == 0 {
		if r.values == nil {
			page, err := r.pages.ReadPage()
			if err != nil {
				return nil, atEnd(err)
			}
			r.page, r.values = page, page.Values()
		}
		n, err := r.values.ReadValues(r.buffer)
		r.ready = r.buffer[:n]
		if err != nil {
			if !errors.Is(err, io.EOF) {
				return nil, err
			}
			r.drop()
		} else if n == 0 {
			return nil, io.ErrNoProgress
		}
	}
	return r.ready, nil
}

func (r *columnReader) skip(n int) { r.ready = r.ready[n:] }

// drop gives the page up. Values of fixed size do not refer to it.
func (r *columnReader) drop() {
	if r.page != nil {
		pq.Release(r.page)
	}
	r.page, r.values = nil, nil
}

func (r *columnReader) close() error {
	r.drop()
	return r.pages.Close()
}

// atEnd is the error of a column that ends too early.
func atEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("it has fewer values than the row group has rows: %w", io.ErrUnexpectedEOF)
	}
	return err
}
