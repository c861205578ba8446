package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/parquet-go/parquet-go"

	"shadoof/record"
)

// A preloaded file is the rows of one of the product's files, by row group, decoded into columns.
type preloaded struct {
	groups []*record.Columns
	size   int64 // of the product's file
}

// preload reads from the product's files which rows are in which row group of which file, and decodes the same rows in the same order.
func preload(ctx context.Context, t task) (files []preloaded, records int, err error) {
	k, err := keep(ctx, t)
	if err != nil {
		return nil, 0, err
	}
	dec, err := decoder(t.Format)
	if err != nil {
		return nil, 0, err
	}
	schema := dec.Schema().WithKafkaColumns()
	err = errors.Join(err, walkFiles(t.Like, func(path string, size int64) {
		f := preloaded{size: size}
		if err == nil {
			f.groups, err = k.likeFile(path, dec, schema)
		}
		for _, g := range f.groups {
			records += g.Rows()
		}
		files = append(files, f)
	}))
	return files, records, err
}

func (k *kept) likeFile(path string, dec record.Decoder, schema *record.Schema) ([]*record.Columns, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	f, err := parquet.OpenFile(file, info.Size())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var groups []*record.Columns
	for _, g := range f.RowGroups() {
		c, err := k.likeGroup(f.Schema(), g, dec, schema)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		groups = append(groups, c)
	}
	return groups, nil
}

func (k *kept) likeGroup(names *parquet.Schema, g parquet.RowGroup, dec record.Decoder, schema *record.Schema) (*record.Columns, error) {
	partitions, err := columnOf(names, g, record.PartitionColumn)
	if err != nil {
		return nil, err
	}
	offsets, err := columnOf(names, g, record.OffsetColumn)
	if err != nil {
		return nil, err
	}
	c := record.NewColumns(schema)
	for i := range partitions {
		p, o := partitions[i].Int32(), offsets[i].Int64()
		if err := decodeInto(c, dec, k.partitions[p][o:o+1]); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// columnOf reads all values of a column that has neither nulls nor lists.
func columnOf(names *parquet.Schema, g parquet.RowGroup, name string) ([]parquet.Value, error) {
	leaf, ok := names.Lookup(name)
	if !ok {
		return nil, fmt.Errorf("no column is called %s", name)
	}
	values := make([]parquet.Value, 0, g.NumRows())
	pages := g.ColumnChunks()[leaf.ColumnIndex].Pages()
	defer pages.Close()
	for int64(len(values)) < g.NumRows() {
		page, err := pages.ReadPage()
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", name, err)
		}
		at := len(values)
		values = values[:at+int(page.NumValues())]
		for r := page.Values(); at < len(values); {
			n, err := r.ReadValues(values[at:])
			if at += n; n == 0 {
				return nil, fmt.Errorf("column %s: %w", name, err)
			}
		}
		parquet.Release(page)
	}
	return values, nil
}
