package parquet_test

import (
	"io"
	"strings"
	"testing"

	"shadoof/record"
)

func TestDatumsAreRefused(t *testing.T) {
	t.Parallel()
	s := &record.Schema{Fields: []record.Field{{Name: "f", Type: record.Type{Kind: record.Int64}}}, Datum: &record.Datum{}}
	if _, err := newFormat(t, "zstd").NewEncoder(io.Discard, s, nil); err == nil || !strings.Contains(err.Error(), "Avro files only") {
		t.Errorf("error %v", err)
	}
}
