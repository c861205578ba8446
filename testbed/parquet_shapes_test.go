package testbed_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"shadoof/record"
	"shadoof/writers/parquet"
	"shadoof/writers/sample"
)

var parquetCompressions = []string{"zstd", "snappy", "gzip", "none"}

// A shaped file is what was written: its rows in their comparable form, and the columns of each row group.
type shapedFile struct {
	path   string
	schema *record.Schema
	rows   []map[string]any
	groups []*record.Columns
}

// shapedSchema is a random schema of a seed; every fifth nests lists, maps and structs in each other, up to 15 deep.
func shapedSchema(r *rand.Rand, seed uint64) *record.Schema {
	if seed%5 != 4 {
		return sample.Schema(r, 8, int(seed%5))
	}
	s := sample.Schema(r, 3, 1)
	deep := &s.Fields[0].Type
	for range 3 + r.IntN(13) {
		inner := *deep
		elem := &record.Field{Name: "element", Type: inner, Nullable: r.IntN(2) == 0}
		switch r.IntN(3) {
		case 0:
			*deep = record.Type{Kind: record.List, Elem: elem}
		case 1:
			elem.Name = "value"
			*deep = record.Type{Kind: record.Map, Elem: elem}
		case 2:
			elem.Name = "within"
			*deep = record.Type{Kind: record.Struct, Fields: []record.Field{*elem, {Name: "beside", Type: record.Type{Kind: record.Int32}, Nullable: true}}}
		}
	}
	return s
}

// writeShaped writes a file of one to four row groups, of one to 120 rows. Each column of each has a shape of its own.
func writeShaped(t *testing.T, path string, r *rand.Rand, s *record.Schema, compression string) shapedFile {
	t.Helper()
	f := shapedFile{path: path, schema: s}
	offset := int64(0)
	for range 1 + r.IntN(4) {
		n := []int{1, 2, 9, 40, 120}[r.IntN(5)]
		rows := sample.Rows(r, record.NewColumns(s), n, 0, 0)
		for i := range s.Fields[:len(s.Fields)-3] {
			shape(r, &s.Fields[i], rows, i)
		}
		c := record.NewColumns(s)
		for _, row := range rows {
			sample.Append(c, row)
			c.AppendKafka(7, offset, sample.Timestamp(offset))
			c.EndRow()
			row = append(row, int32(7), offset, sample.Timestamp(offset))
			f.rows = append(f.rows, object(s.Fields, row))
			offset++
		}
		f.groups = append(f.groups, c)
	}
	f.write(t, compression)
	return f
}

func (f *shapedFile) write(t *testing.T, compression string) {
	t.Helper()
	format, err := parquet.New(parquet.Options{Compression: compression})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	e, err := format.NewEncoder(&b, f.schema, map[string]string{"shadoof.topic": "orders"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range f.groups {
		if err := e.WriteRows(c); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(f.path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// shape gives a column of a row group its shape: random values, nothing but nulls, one value, few values, empty lists and maps, text and bytes
// that fill several pages.
func shape(r *rand.Rand, f *record.Field, rows []sample.Row, field int) {
	kind := r.IntN(10)
	long := 0
	for i, row := range rows {
		switch {
		case kind == 0 && f.Nullable:
			row[field] = nil
		case kind == 1:
			row[field] = rows[0][field]
		case kind == 2 || kind == 3:
			row[field] = rows[i%3%len(rows)][field]
		case kind == 4:
			row[field] = emptied(row[field])
		case kind == 5 || kind == 6:
			row[field] = longer(r, f.Type, row[field], &long)
		}
	}
}

func emptied(v any) any {
	switch v := v.(type) {
	case sample.List:
		return sample.List{}
	case sample.Map:
		return sample.Map{}
	case sample.Row:
		for i := range v {
			v[i] = emptied(v[i])
		}
	}
	return v
}

// longer makes the text and bytes in a value longer: to several kilobytes, and some of them to more than any page, until a file has enough of it.
func longer(r *rand.Rand, t record.Type, v any, sum *int) any {
	times := 200
	if r.IntN(10) == 0 {
		times = 20_000
	}
	if *sum > 3<<20 {
		times = 1
	}
	switch v := v.(type) {
	case string:
		if t.Kind == record.String {
			*sum += times * len(v)
			return strings.Repeat(v, times)
		}
	case []byte:
		if t.Kind == record.Bytes {
			*sum += times * len(v)
			return bytes.Repeat(v, times)
		}
	case sample.List:
		for i := range v {
			v[i] = longer(r, t.Elem.Type, v[i], sum)
		}
	case sample.Map:
		for i := range v {
			v[i].Value = longer(r, t.Elem.Type, v[i].Value, sum)
		}
	case sample.Row:
		for i := range v {
			v[i] = longer(r, t.Fields[i].Type, v[i], sum)
		}
	}
	return v
}
