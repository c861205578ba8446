// Package parquet writes and reads Parquet files: typed columns in, row groups out, by the page and column writers of
// parquet-go.
//
// What every reader takes was chosen over what is newest: data pages V1, PLAIN and RLE_DICTIONARY, three-level lists and maps,
// no annotation that some reader refuses. See [newSchema] for types, and [footer] for what is put right at the end of a file.
package parquet

import (
	"fmt"
	"io"
	"runtime/debug"
	"sync"

	"github.com/parquet-go/parquet-go/compress"

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

type format struct{ codec compress.Codec }

func (*format) Extension() string { return Extension }

func (f *format) NewEncoder(w io.Writer, s *record.Schema, meta map[string]string) (writers.Encoder, error) {
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
