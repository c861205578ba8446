package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"shadoof/record"
	"shadoof/writers"
	"shadoof/writers/parquet"
)

// encodeColumns writes the product's files again from columns that lie ready: with the product's encoder, in the same row groups. It
// measures nothing but that.
func encodeColumns(ctx context.Context, t task) (m measurement, err error) {
	files, n, err := preload(ctx, t)
	if err != nil {
		return m, err
	}
	format, err := parquet.New(parquet.Options{Compression: t.Codec})
	if err != nil {
		return m, err
	}
	m.Records = n
	m.CPU, m.Wall, err = timed(func() error {
		for i, f := range files {
			if err := encodeFile(format, partName(t.Out, i), f.groups); err != nil {
				return err
			}
		}
		return nil
	})
	return m, err
}

func partName(folder string, i int) string {
	return filepath.Join(folder, fmt.Sprintf("%05d.parquet", i))
}

func encodeFile(format writers.Format, name string, groups []*record.Columns) (err error) {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	e, err := format.NewEncoder(f, groups[0].Schema, nil)
	if err != nil {
		return err
	}
	for _, c := range groups {
		if err := e.WriteRows(c); err != nil {
			return err
		}
	}
	return e.Close()
}
