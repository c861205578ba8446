package testbed_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	pq "github.com/parquet-go/parquet-go"

	"shadoof/testbed/readers"
	"shadoof/testbed/servers"
	"shadoof/writers/sample"
)

// A bit that turns in the body of any page, a dictionary's too, is found by its checksum.
func TestParquetReadersFindDamagedPages(t *testing.T) {
	t.Parallel()
	env := servers.Readers(t)
	folder := t.TempDir()
	// Not compressed: nothing else would find it.
	f := writeShaped(t, filepath.Join(folder, "file.parquet"), rand.New(rand.NewPCG(5, 26)), sample.Schema(rand.New(rand.NewPCG(5, 26)), 8, 2), "none")
	compareRows(t, env, "whole", readers.PyArrow, folder, f.schema, f.rows)
	whole, err := os.ReadFile(f.path)
	if err != nil {
		t.Fatal(err)
	}
	file, err := pq.OpenFile(bytes.NewReader(whole), int64(len(whole)))
	if err != nil {
		t.Fatal(err)
	}
	damaged := 0
	for _, g := range file.Metadata().RowGroups {
		for _, c := range g.Columns {
			m := &c.MetaData
			start := m.DataPageOffset
			if m.DictionaryPageOffset > 0 {
				start = m.DictionaryPageOffset
				damaged += damage(t, env, f, whole, m.DataPageOffset-1)
			}
			damaged += damage(t, env, f, whole, start+m.TotalCompressedSize-1)
		}
	}
	if damaged < 10 {
		t.Errorf("only %d pages", damaged)
	}
}

// damage turns the last bit of the page that ends at an offset.
func damage(t *testing.T, env *readers.Env, f shapedFile, whole []byte, last int64) int {
	t.Helper()
	b := bytes.Clone(whole)
	b[last] ^= 1
	if err := os.WriteFile(f.path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := readParquetGo(f.path); !errors.Is(err, pq.ErrCorrupted) {
		t.Errorf("parquet-go: byte %d is another: %v", last, err)
	}
	if _, err := env.Rows(t.Context(), readers.Query{Reader: readers.PyArrow, Folder: filepath.Dir(f.path)}); err == nil || !strings.Contains(err.Error(), "CRC") {
		t.Errorf("pyarrow: byte %d is another: %v", last, err)
	}
	return 1
}
