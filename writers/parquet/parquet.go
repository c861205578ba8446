// Package parquet writes and reads Parquet files: typed columns in, row groups out. Pages are made from the columns as they are, by
// writers of its own; what parquet-go gives are the structures of headers and footers, and the encoding of levels and indexes.
//
// What every reader takes was chosen over what is newest: data pages V1, PLAIN and RLE_DICTIONARY, three-level lists and maps, no
// annotation that some reader refuses. Equal rows make equal files, byte for byte.
package parquet

import (
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"sync"

	"shadoof/record"
	"shadoof/writers"
)

// Extension ends the name of a Parquet file.
const Extension = ".parquet"

// Options of a format.
type Options struct {
	Compression string // zstd (at its fastest level), snappy, gzip, none
}

// New returns the format. The error names the compression that it does not know.
func New(o Options) (writers.Format, error) {
	codec, err := codecByName(o.Compression)
	if err != nil {
		return nil, fmt.Errorf("parquet: %w", err)
	}
	return &format{codec}, nil
}

type format struct{ codec codec }

func (*format) Extension() string { return Extension }

func (f *format) NewEncoder(w io.Writer, s *record.Schema, meta map[string]string) (writers.Encoder, error) {
	if s.Datum != nil {
		return nil, errors.New("parquet: the rows are Avro datums, which go into Avro files only")
	}
	e, err := newEncoder(w, f.codec, s, meta)
	if err != nil {
		return nil, fmt.Errorf("parquet: %w", err)
	}
	return e, nil
}

// createdBy is this program and its version, in the form that readers parse.
var createdBy = sync.OnceValue(func() string {
	version, build := "devel", "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		if v := info.Main.Version; v != "" && v != "(devel)" {
			version = v
		}
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				build = s.Value
			}
		}
	}
	return fmt.Sprintf("shadoof version %s (build %s)", version, build)
})
