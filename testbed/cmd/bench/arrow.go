package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/schema"

	"shadoof/record"
)

// encodeByArrow does what encodeColumns does, with arrow-go's writer of columns: the same rows in the same row groups, the same codec,
// otherwise with that writer's own defaults (dictionaries for all columns as long as they are small).
func encodeByArrow(ctx context.Context, t task) (m measurement, err error) {
	files, n, err := preload(ctx, t)
	if err != nil {
		return m, err
	}
	root, err := arrowSchema(files[0].groups[0].Schema)
	if err != nil {
		return m, err
	}
	props := []parquet.WriterProperty{parquet.WithCompression(compress.Codecs.Snappy)}
	if t.Codec == "zstd" {
		props = []parquet.WriterProperty{parquet.WithCompression(compress.Codecs.Zstd), parquet.WithCompressionLevel(1)}
	}
	m.Records = n
	m.CPU, m.Wall, err = timed(func() error {
		w := &arrowWriter{root: root, props: parquet.NewWriterProperties(props...)}
		for i, f := range files {
			if err := w.file(partName(t.Out, i), f.groups); err != nil {
				return err
			}
		}
		return nil
	})
	return m, err
}

type arrowWriter struct {
	root  *schema.GroupNode
	props *parquet.WriterProperties

	def, rep []int16
	bytes    []parquet.ByteArray
}

func (w *arrowWriter) file(name string, groups []*record.Columns) (err error) {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	out, err := file.NewParquetWriterWithError(f, w.root, file.WithWriterProps(w.props))
	if err != nil {
		return errors.Join(err, f.Close())
	}
	for _, c := range groups {
		if err := w.group(out, c); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	return out.Close() // and the file
}

func (w *arrowWriter) group(out *file.Writer, c *record.Columns) error {
	g, err := out.AppendRowGroupChecked()
	if err != nil {
		return err
	}
	for i := range c.Leaves {
		column, err := g.NextColumn()
		if err != nil {
			return err
		}
		if err := w.column(column, &c.Leaves[i]); err != nil {
			return err
		}
		if err := column.Close(); err != nil {
			return err
		}
	}
	return g.Close()
}

func (w *arrowWriter) column(column file.ColumnChunkWriter, c *record.Column) (err error) {
	w.def, w.rep = widen(w.def[:0], c.Def), widen(w.rep[:0], c.Rep)
	switch column := column.(type) {
	case *file.Int32ColumnChunkWriter:
		_, err = column.WriteBatch(c.Int32s, w.def, w.rep)
	case *file.Int64ColumnChunkWriter:
		_, err = column.WriteBatch(c.Int64s, w.def, w.rep)
	case *file.Float64ColumnChunkWriter:
		_, err = column.WriteBatch(c.Doubles, w.def, w.rep)
	case *file.ByteArrayColumnChunkWriter:
		w.bytes = w.bytes[:0]
		for i := range c.Values() {
			w.bytes = append(w.bytes, c.Value(i))
		}
		_, err = column.WriteBatch(w.bytes, w.def, w.rep)
	default:
		err = fmt.Errorf("column %v: no event has a %T", c.Path, column)
	}
	return err
}

// widen turns levels into arrow-go's; none into nil.
func widen(to []int16, levels []uint8) []int16 {
	for _, l := range levels {
		to = append(to, int16(l))
	}
	if len(to) == 0 {
		return nil
	}
	return to
}

// arrowSchema is the schema of the events in arrow-go's form.
func arrowSchema(s *record.Schema) (*schema.GroupNode, error) {
	fields, err := arrowFields(s.Fields)
	if err != nil {
		return nil, err
	}
	return schema.NewGroupNode("schema", parquet.Repetitions.Required, fields, -1)
}

func arrowFields(fields []record.Field) (schema.FieldList, error) {
	var nodes schema.FieldList
	for _, f := range fields {
		repetition := parquet.Repetitions.Required
		if f.Nullable {
			repetition = parquet.Repetitions.Optional
		}
		n, err := arrowField(f, repetition)
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, n)
	}
	return nodes, nil
}

func arrowField(f record.Field, repetition parquet.Repetition) (schema.Node, error) {
	switch f.Type.Kind {
	case record.Struct:
		members, err := arrowFields(f.Type.Fields)
		if err != nil {
			return nil, err
		}
		return schema.NewGroupNode(f.Name, repetition, members, -1)
	case record.List:
		element := *f.Type.Elem
		element.Name = "element"
		return arrowRepeated(f.Name, repetition, "list", schema.NewListLogicalType(), element)
	case record.Map:
		value := *f.Type.Elem
		value.Name = "value"
		return arrowRepeated(f.Name, repetition, "key_value", schema.MapLogicalType{}, record.Field{Name: "key", Type: record.Type{Kind: record.String}}, value)
	}
	physical, logical, err := arrowType(f.Type.Kind)
	if err != nil {
		return nil, fmt.Errorf("field %s: %w", f.Name, err)
	}
	return schema.NewPrimitiveNodeLogical(f.Name, repetition, logical, physical, -1, -1)
}

// arrowRepeated is a list or a map: a group around a repeated group around the members.
func arrowRepeated(name string, repetition parquet.Repetition, inner string, logical schema.LogicalType, members ...record.Field) (schema.Node, error) {
	nodes, err := arrowFields(members)
	if err != nil {
		return nil, err
	}
	repeated, err := schema.NewGroupNode(inner, parquet.Repetitions.Repeated, nodes, -1)
	if err != nil {
		return nil, err
	}
	return schema.NewGroupNodeLogical(name, repetition, schema.FieldList{repeated}, logical, -1)
}

func arrowType(k record.Kind) (parquet.Type, schema.LogicalType, error) {
	switch k {
	case record.String, record.Enum:
		return parquet.Types.ByteArray, schema.StringLogicalType{}, nil
	case record.Int32:
		return parquet.Types.Int32, schema.NoLogicalType{}, nil
	case record.Int64:
		return parquet.Types.Int64, schema.NoLogicalType{}, nil
	case record.TimestampMillis:
		return parquet.Types.Int64, schema.NewTimestampLogicalType(true, schema.TimeUnitMillis), nil
	case record.Double:
		return parquet.Types.Double, schema.NoLogicalType{}, nil
	}
	return 0, nil, fmt.Errorf("no event has a %s", k)
}
