package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"shadoof/record"
	"shadoof/storage"
	"shadoof/storage/local"
	"shadoof/writers"
	"shadoof/writers/parquet"
)

const (
	manyFiles     = 200
	rowsPerSwitch = 1000
)

// What fillFiles finds out.
const (
	nsOneFile   = "one open file, ns a row"
	nsManyFiles = "200 open files, ns a row"
	heapOfRaw   = "200 open files, heap / raw bytes"
)

// fillFiles decodes records into one file, and into many in turn, and writes these: CPU time of both, and the memory of the rows just
// before the many are written.
func fillFiles(ctx context.Context, t task) (m measurement, err error) {
	k, err := keep(ctx, t)
	if err != nil {
		return m, err
	}
	records, raw := k.all(), k.bytes
	k = nil
	m.Records, m.Figures = len(records), map[string]float64{}
	f := &filler{t: t, records: records}
	for range 2 { // the first time pools are filled
		one, _, err := f.fill(ctx, 1, false)
		if err != nil {
			return m, err
		}
		many, _, err := f.fill(ctx, manyFiles, false)
		if err != nil {
			return m, err
		}
		m.Figures[nsOneFile], m.Figures[nsManyFiles] = one, many
	}
	_, heap, err := f.fill(ctx, manyFiles, true)
	m.Figures[heapOfRaw] = float64(heap) / float64(raw)
	runtime.KeepAlive(records)
	return m, err
}

type filler struct {
	t       task
	records []record.Raw
	runs    int
}

// fill returns the CPU time of a row in nanoseconds, or the heap that the rows take when all of them are buffered.
func (f *filler) fill(ctx context.Context, files int, weigh bool) (ns float64, heap int64, err error) {
	set, dec, done, err := f.open(ctx)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, done()) }()
	if weigh {
		before := liveHeap()
		err = f.append(ctx, set, dec, files)
		heap = liveHeap() - before
		return 0, heap, errors.Join(err, set.Abort(ctx))
	}
	cpu, _, err := timed(func() error {
		if err := f.append(ctx, set, dec, files); err != nil {
			return err
		}
		_, err := set.Finish(ctx)
		return err
	})
	return cpu / float64(len(f.records)) * 1e9, 0, err
}

// open makes a set of files in a new folder, which done removes.
func (f *filler) open(ctx context.Context) (set *writers.Set, dec record.Decoder, done func() error, err error) {
	f.runs++
	folder := filepath.Join(f.t.Out, fmt.Sprint(f.runs))
	store, err := openLocal(folder)
	if err != nil {
		return nil, nil, nil, err
	}
	format, err := parquet.New(parquet.Options{Compression: f.t.Codec})
	if err != nil {
		return nil, nil, nil, err
	}
	if dec, err = decoder(f.t.Format); err != nil {
		return nil, nil, nil, err
	}
	set = writers.NewSet(writers.Options{
		Store: store, Format: format, Schema: dec.Schema().WithKafkaColumns(), Budget: writers.NewBudget(1 << 40),
		Topic: "bench", Partition: writers.Several, Attempt: "0123456789abcdef", Folder: "bench", Staging: "_staging",
		RowGroupBytes: 64 << 20,
	})
	return set, dec, func() error { return os.RemoveAll(folder) }, nil
}

func openLocal(folder string) (storage.Store, error) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	return local.New(folder)
}

// append spreads the rows over files, so many of them to each before the next has its turn.
func (f *filler) append(ctx context.Context, set *writers.Set, dec record.Decoder, files int) error {
	for from := 0; from < len(f.records); from += rowsPerSwitch {
		bucket := fmt.Sprintf("dt=2026-11-20/hr=%03d", from/rowsPerSwitch%files)
		for i := from; i < min(from+rowsPerSwitch, len(f.records)); i++ {
			r := &f.records[i]
			file, err := set.File(bucket)
			if err != nil {
				return err
			}
			if err := dec.Decode(file.Columns(), r); err != nil {
				return err
			}
			file.EndRow(r.Partition, r.Offset, r.Timestamp)
		}
		if err := set.Settle(ctx); err != nil {
			return err
		}
	}
	return nil
}

// liveHeap is what is in use once everything unused is collected.
func liveHeap() int64 {
	var m runtime.MemStats
	for range 3 { // what pools keep goes with the second collection
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
