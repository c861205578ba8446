package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/twmb/avro/ocf"
)

// avrorows FOLDER FILE writes what another reader finds in the Avro files of a folder: the schema of each, and its rows.
func avroRows(ts *testscript.TestScript, _ bool, args []string) {
	names, err := filepath.Glob(filepath.Join(ts.MkAbs(args[0]), "*.avro"))
	ts.Check(err)
	slices.Sort(names)
	var out strings.Builder
	for _, name := range names {
		f, err := os.Open(name)
		ts.Check(err)
		ts.Defer(func() { f.Close() })
		r, err := ocf.NewReader(f)
		ts.Check(err)
		fmt.Fprintf(&out, "%s\n", r.Metadata()["avro.schema"])
		for {
			var row any
			err := r.Decode(&row)
			if errors.Is(err, io.EOF) {
				break
			}
			ts.Check(err)
			line, err := json.Marshal(row)
			ts.Check(err)
			fmt.Fprintf(&out, "%s\n", line)
		}
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(out.String()), 0o644))
}
