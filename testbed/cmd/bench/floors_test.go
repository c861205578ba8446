package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"shadoof/internal/kafkatest"
	"shadoof/record"
	product "shadoof/writers/parquet"
)

// The floors take the rows, the order and the row groups of the product's files, so that what they cost and how large their files are
// can be compared.
func TestFloorsWriteTheRowsOfTheFilesThatAreThere(t *testing.T) {
	t.Parallel()
	cluster, err := kafkatest.Start(kafkatest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	work := task{Brokers: cluster.Brokers(), Format: avroFormat, Topic: "events", Codec: "zstd", Records: 3000, Like: t.TempDir()}
	if err := produceEvents(t.Context(), work); err != nil {
		t.Fatal(err)
	}
	writeLikeness(t, work)
	want := describe(t, work.Like)
	for _, name := range []string{encodeOnly, byArrow} {
		work.Out = t.TempDir()
		m, err := children[name](t.Context(), work)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if m.Records != work.Records || m.CPU <= 0 {
			t.Errorf("%s: %d records of %d in %v s", name, m.Records, work.Records, m.CPU)
		}
		if diff := cmp.Diff(want, describe(t, work.Out)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// writeLikeness writes two files as the product could: the second has two row groups, and odd partitions come first in it.
func writeLikeness(t *testing.T, work task) {
	t.Helper()
	k, err := keep(t.Context(), work)
	if err != nil {
		t.Fatal(err)
	}
	dec, err := decoder(work.Format)
	if err != nil {
		t.Fatal(err)
	}
	group := func(parts ...[]record.Raw) *record.Columns {
		c := record.NewColumns(dec.Schema().WithKafkaColumns())
		for _, records := range parts {
			if err := decodeInto(c, dec, records); err != nil {
				t.Fatal(err)
			}
		}
		return c
	}
	p := &k.partitions
	files := [][]*record.Columns{{group(p[0], p[2])}, {group(p[1], p[3], p[5], p[7]), group(p[4], p[6])}}
	format, err := product.New(product.Options{Compression: work.Codec})
	if err != nil {
		t.Fatal(err)
	}
	for i, groups := range files {
		if err := encodeFile(format, partName(work.Like, i), groups); err != nil {
			t.Fatal(err)
		}
	}
}

// describe is every row of every row group of the files in a folder, as text.
func describe(t *testing.T, folder string) map[string][]string {
	t.Helper()
	rows := map[string][]string{}
	err := walkFiles(folder, func(path string, size int64) {
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		f, err := parquet.OpenFile(file, size)
		if err != nil {
			t.Fatal(err)
		}
		for i, g := range f.RowGroups() {
			name := fmt.Sprint(filepath.Base(path), " row group ", i)
			r := g.Rows()
			buffer := make([]parquet.Row, g.NumRows())
			for n := 0; n < len(buffer); {
				more, err := r.ReadRows(buffer[n:])
				if n += more; more == 0 {
					t.Fatalf("%s: row %d: %v", name, n, err)
				}
			}
			for _, row := range buffer {
				rows[name] = append(rows[name], fmt.Sprintf("%+v", row))
			}
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}
