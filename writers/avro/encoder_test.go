package avro_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"shadoof/record"
	"shadoof/writers/sample"
)

// brokenWriter takes so many bytes.
type brokenWriter struct{ room int }

var errFull = errors.New("the disk is full")

func (w *brokenWriter) Write(b []byte) (int, error) {
	if len(b) > w.room {
		n := w.room
		w.room = 0
		return n, errFull
	}
	w.room -= len(b)
	return len(b), nil
}

func TestErrorsOfTheWriterAreKept(t *testing.T) {
	t.Parallel()
	c, _ := fill(newRand(1), one(record.Int64), 10, 0)
	f := newFormat(t, "none")
	if _, err := f.NewEncoder(&brokenWriter{10}, c.Schema, nil); !errors.Is(err, errFull) {
		t.Errorf("header: %v", err)
	}
	e, err := f.NewEncoder(&brokenWriter{500}, c.Schema, nil)
	if err != nil {
		t.Fatal(err)
	}
	var first error
	for range 100 {
		if first = e.WriteRows(c); first != nil {
			break
		}
	}
	if !errors.Is(first, errFull) || e.Written() != 500 {
		t.Errorf("rows: %v after %d bytes", first, e.Written())
	}
	if err := e.WriteRows(c); !errors.Is(err, errFull) {
		t.Errorf("rows after an error: %v", err)
	}
	if err := e.Close(); !errors.Is(err, errFull) {
		t.Errorf("close after an error: %v", err)
	}
}

// Files are finished in parallel, with one format, and may be of the same columns.
func TestFilesAreWrittenAtTheSameTime(t *testing.T) {
	t.Parallel()
	for _, compression := range compressions {
		f := newFormat(t, compression)
		c := trackingEvents(6000)
		want := encode(t, f, nil, c)
		var g errgroup.Group
		for range 8 {
			g.Go(func() error {
				var b bytes.Buffer
				s := *c.Schema // another schema in the place where the last one is kept
				e, err := f.NewEncoder(&b, &s, nil)
				if err == nil {
					err = errors.Join(e.WriteRows(c), e.Close())
				}
				if err == nil && !bytes.Equal(b.Bytes(), want) {
					err = errors.New("another file")
				}
				return err
			})
		}
		if err := g.Wait(); err != nil {
			t.Errorf("%s: %v", compression, err)
		}
	}
}

func TestNothingIsWrittenAfterClose(t *testing.T) {
	t.Parallel()
	c, _ := fill(newRand(1), one(record.Int64), 10, 0)
	e, err := newFormat(t, "none").NewEncoder(io.Discard, c.Schema, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if err := e.WriteRows(c); err == nil {
		t.Error("rows are written after Close")
	}
}

// Columns that break the rules of levels are an error, not a file that cannot be read.
func TestColumnsThatDoNotFitAreAnError(t *testing.T) {
	t.Parallel()
	list := func(k record.Kind) record.Type {
		return record.Type{Kind: record.List, Elem: &record.Field{Name: "element", Nullable: true, Type: record.Type{Kind: record.Struct, Fields: []record.Field{
			{Name: "a", Type: record.Type{Kind: k}}, {Name: "b", Type: record.Type{Kind: k}, Nullable: true}}}}}
	}
	s := &record.Schema{Fields: []record.Field{
		{Name: "id", Type: record.Type{Kind: record.Int64}},
		{Name: "list", Type: list(record.Int32)},
		{Name: "color", Type: record.Type{Kind: record.Enum, Symbols: []string{"RED", "GREEN"}}},
	}}
	for name, c := range map[string]struct {
		damage func(c *record.Columns)
		want   string
	}{
		"a value too many":       {func(c *record.Columns) { c.Leaves[0].Int64s = append(c.Leaves[0].Int64s, 1) }, "column id: it has 3 of 2 rows"},
		"a value too few":        {func(c *record.Columns) { c.Leaves[1].Int32s = c.Leaves[1].Int32s[:1] }, "column list.list.element.a: it has 2 of 2 rows, 1 of 2 values"},
		"a row too many":         {func(c *record.Columns) { c.Leaves[1].AppendLevels(0, 0) }, "column list.list.element.a: it has 3 of 2 rows"},
		"entries of one leaf":    {func(c *record.Columns) { c.Leaves[2].AppendLevels(1, 1) }, "column list.list.element.b: its levels do not fit"},
		"entries of the first":   {func(c *record.Columns) { c.Leaves[1].AppendLevels(1, 1); c.Leaves[1].AppendLevels(1, 1) }, "avro: "},
		"another schema":         {func(c *record.Columns) { c.Leaves = c.Leaves[1:] }, "rows of 3 columns for a file of 4"},
		"a symbol of another":    {func(c *record.Columns) { c.Leaves[3].Data = []byte("REDBLUES") }, `an enum's value "BLUES" is none of its symbols`},
		"a symbol in lower case": {func(c *record.Columns) { c.Leaves[3].Data = []byte("redGREEN") }, `an enum's value "red" is none of its symbols`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			columns := record.NewColumns(s)
			for _, row := range []sample.Row{
				{int64(1), sample.List{sample.Row{int32(1), nil}}, "RED"},
				{int64(2), sample.List{sample.Row{int32(1), int32(2)}}, "GREEN"},
			} {
				sample.Append(columns, row)
				columns.EndRow()
			}
			c.damage(columns)
			e, err := newFormat(t, "none").NewEncoder(io.Discard, s, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := e.WriteRows(columns); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
			if err := e.Close(); err == nil {
				t.Error("the file is closed as if nothing was wrong with it")
			}
		})
	}
}
