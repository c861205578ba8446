package main

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

const (
	steadyAllocations = "allocations per record, steady"
	allAllocations    = "allocations per record, whole run"
)

// countAllocations runs the product over N/2 and over N records, in as many files: what differs is the steady state.
func countAllocations(ctx context.Context, b *bed, format string) (measurement, error) {
	binary, err := b.withHooks(ctx)
	if err != nil {
		return measurement{}, err
	}
	half, err := b.mallocs(ctx, lift{format: format, records: b.o.records / 2, binary: binary})
	if err != nil {
		return measurement{}, err
	}
	whole, err := b.mallocs(ctx, lift{format: format, binary: binary})
	if err != nil {
		return measurement{}, err
	}
	steady := (whole - half) / float64(b.o.records-b.o.records/2)
	return measurement{Figures: map[string]float64{steadyAllocations: steady, allAllocations: whole / float64(b.o.records)}}, nil
}

// mallocs is how many allocations a run makes.
func (b *bed) mallocs(ctx context.Context, l lift) (float64, error) {
	file := filepath.Join(b.dir, "mallocs")
	l.env = append(l.env, "SHADOOF_MALLOCS="+file)
	if _, err := b.liftToDisk(ctx, l); err != nil {
		return 0, err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	return strconv.ParseFloat(strings.TrimSpace(string(text)), 64)
}
