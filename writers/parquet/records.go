package parquet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	pqformat "github.com/parquet-go/parquet-go/format"

	"shadoof/record"
)

// Records implements [writers.RecordReader]. It holds one page of each column, and asks for a column of a row group in pieces of 1 MiB.
func (reader) Records(ctx context.Context, r io.ReaderAt, size int64, each func(*record.Raw, *record.BadRecord) error) (err error) {
	var stopped error
	defer recovered(&err)
	err = records(ctx, r, size, func(raw *record.Raw, bad *record.BadRecord) error {
		stopped = each(raw, bad)
		return stopped
	})
	if err != nil && stopped == nil {
		return fmt.Errorf("parquet: %w", err)
	}
	return err
}

func records(ctx context.Context, r io.ReaderAt, size int64, each func(*record.Raw, *record.BadRecord) error) error {
	meta, err := readFooter(r, size)
	if err != nil {
		return err
	}
	want, err := schemaElements(record.QuarantineSchema())
	if err != nil {
		return err
	}
	if !slices.EqualFunc(meta.Schema, want, sameElement) {
		return errors.New("its columns are not those of a quarantine file")
	}
	rows := int64(0)
	for i := range meta.RowGroups {
		g := &meta.RowGroups[i]
		rows += g.NumRows
		if err := recordsOf(ctx, r, size, g, each); err != nil {
			return fmt.Errorf("row group %d: %w", i, err)
		}
	}
	if rows != meta.NumRows {
		return fmt.Errorf("the footer says %d rows, and its row groups %d", meta.NumRows, rows)
	}
	return nil
}

// sameElement compares what decides how a column is read.
func sameElement(a, b pqformat.SchemaElement) bool {
	return a.Name == b.Name && a.Type == b.Type && a.NumChildren == b.NumChildren && repetition(a) == repetition(b)
}

// repetition of the root may be left out.
func repetition(e pqformat.SchemaElement) pqformat.FieldRepetitionType {
	if e.RepetitionType == (thrift.Null[pqformat.FieldRepetitionType]{}) {
		return pqformat.Required
	}
	return e.RepetitionType.V
}

// The leaves of a quarantine file.
const (
	partitionLeaf = iota
	offsetLeaf
	timeLeaf
	keyLeaf
	valueLeaf
	headerKeyLeaf
	headerValueLeaf
	reasonLeaf
	detailLeaf
	quarantineLeaves
)

func recordsOf(ctx context.Context, r io.ReaderAt, size int64, g *pqformat.RowGroup, each func(*record.Raw, *record.BadRecord) error) error {
	if len(g.Columns) != quarantineLeaves || g.NumRows < 0 {
		return fmt.Errorf("%d columns and %d rows", len(g.Columns), g.NumRows)
	}
	var leaves [quarantineLeaves]*leaf
	for i, c := range record.NewColumns(record.QuarantineSchema()).Leaves {
		var err error
		if leaves[i], err = newLeaf(r, size, &g.Columns[i].MetaData, c.MaxRep, c.MaxDef); err != nil {
			return fmt.Errorf("column %d: %w", i, err)
		}
	}
	q := quarantined{leaves: leaves}
	for n := range g.NumRows {
		if n%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if err := q.next(); err != nil {
			return fmt.Errorf("row %d: %w", n, err)
		}
		if err := each(&q.raw, &q.bad); err != nil {
			return err
		}
	}
	for i, l := range leaves {
		if !l.done() {
			return fmt.Errorf("column %d has more values than the row group has rows", i)
		}
	}
	return nil
}

// quarantined puts rows together.
type quarantined struct {
	leaves [quarantineLeaves]*leaf
	raw    record.Raw
	bad    record.BadRecord
}

func (q *quarantined) next() (err error) {
	number := func(leaf int) (v int64) {
		if err == nil {
			v, err = q.leaves[leaf].number()
		}
		return v
	}
	text := func(leaf int) (b []byte) {
		if err == nil {
			b, _, err = q.leaves[leaf].bytes()
		}
		return b
	}
	q.raw.Partition, q.raw.Offset, q.raw.Timestamp = int32(number(partitionLeaf)), number(offsetLeaf), number(timeLeaf)
	q.raw.Key, q.raw.Value = text(keyLeaf), text(valueLeaf)
	q.bad = record.BadRecord{Reason: record.Reason(text(reasonLeaf)), Detail: string(text(detailLeaf))}
	if err != nil {
		return err
	}
	return q.headers()
}

// headers reads a list: an entry for each header, or one of an empty list.
func (q *quarantined) headers() error {
	keys, values := q.leaves[headerKeyLeaf], q.leaves[headerValueLeaf]
	q.raw.Headers = q.raw.Headers[:0]
	for first := true; ; first = false {
		if !first && !keys.continues() {
			return nil
		}
		key, there, err := keys.bytes()
		if err != nil {
			return err
		}
		value, def, err := values.bytes()
		if err != nil {
			return err
		}
		switch {
		case there == 0 && first && def == 0: // the list is empty
		case there == 1 && def >= 1:
			q.raw.Headers = append(q.raw.Headers, record.Header{Key: string(key), Value: value})
		default:
			return errMalformed
		}
	}
}
