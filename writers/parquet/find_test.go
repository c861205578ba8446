package parquet_test

import (
	"bytes"
	"testing"

	"shadoof/record"
	"shadoof/writers"
	"shadoof/writers/parquet"
)

func TestRowsAreFound(t *testing.T) {
	t.Parallel()
	schema := &record.Schema{Name: "Plain", Fields: []record.Field{{Name: "f", Type: record.Type{Kind: record.Int64}}}}
	c, plain := record.NewColumns(schema.WithKafkaColumns()), record.NewColumns(schema)
	for i := range int64(50) {
		for _, c := range []*record.Columns{c, plain} {
			c.Leaves[0].Int64s = append(c.Leaves[0].Int64s, i)
			c.AppendKafka(4, 100+i, 0)
			c.EndRow()
		}
	}
	for _, f := range []struct {
		what         string
		file         []byte
		partition    int32
		offset       int64
		found, known bool
	}{
		{"the first", encode(t, newFormat(t, "zstd"), nil, c), 4, 100, true, true},
		{"the last", encode(t, newFormat(t, "zstd"), nil, c), 4, 149, true, true},
		{"one after it", encode(t, newFormat(t, "zstd"), nil, c), 4, 150, false, true},
		{"of another partition", encode(t, newFormat(t, "zstd"), nil, c), 5, 100, false, true},
		{"without kafka columns", encode(t, newFormat(t, "zstd"), nil, plain), 4, 100, false, false},
	} {
		found, known, err := parquet.NewReader().(writers.Finder).Find(t.Context(), bytes.NewReader(f.file), int64(len(f.file)), f.partition, f.offset)
		if err != nil || found != f.found || known != f.known {
			t.Errorf("%s: found %t, known %t, %v", f.what, found, known, err)
		}
	}
	if _, _, err := parquet.NewReader().(writers.Finder).Find(t.Context(), bytes.NewReader([]byte("no file")), 7, 0, 0); err == nil {
		t.Error("found in no file")
	}
}
