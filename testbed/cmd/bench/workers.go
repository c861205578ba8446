package main

import (
	"context"
	"io"
	"slices"

	"golang.org/x/sync/errgroup"

	"shadoof/record"
	"shadoof/writers"
	"shadoof/writers/parquet"
)

// What compareWorkers finds out.
const (
	secondsOne    = "one worker, wall s"
	secondsTwo    = "two workers, wall s"
	cpuSecondsOne = "one worker, CPU s" // as much as two where they do not disturb each other, whatever else the machine does
	cpuSecondsTwo = "two workers, CPU s"
)

const workerTries = 3

// compareWorkers decodes and encodes the records by one worker, and by two that share nothing, and takes the shortest of some tries of
// each: what comes in between makes wall time longer, never shorter.
func compareWorkers(ctx context.Context, t task) (m measurement, err error) {
	k, err := keep(ctx, t)
	if err != nil {
		return m, err
	}
	var halves [2][]record.Raw
	for i, records := range k.partitions {
		halves[i%2] = append(halves[i%2], records...)
	}
	together := slices.Concat(halves[0], halves[1])
	m.Records, m.Figures = k.records, map[string]float64{}
	for range workerTries {
		cpu, wall, err := work(t, together)
		if err != nil {
			return m, err
		}
		keepShortest(m.Figures, secondsOne, wall)
		keepShortest(m.Figures, cpuSecondsOne, cpu)
		if cpu, wall, err = work(t, halves[0], halves[1]); err != nil {
			return m, err
		}
		keepShortest(m.Figures, secondsTwo, wall)
		keepShortest(m.Figures, cpuSecondsTwo, cpu)
	}
	return m, nil
}

func keepShortest(of map[string]float64, name string, v float64) {
	if have, ok := of[name]; !ok || v < have {
		of[name] = v
	}
}

// work measures workers, one for each share of the records. Their memory is grown before.
func work(t task, shares ...[]record.Raw) (cpu, wall float64, err error) {
	format, err := parquet.New(parquet.Options{Compression: t.Codec})
	if err != nil {
		return 0, 0, err
	}
	var all []*worker
	for _, records := range shares {
		w, err := newWorker(t, format, records)
		if err != nil {
			return 0, 0, err
		}
		all = append(all, w)
	}
	return timed(func() error {
		var g errgroup.Group
		for _, w := range all {
			g.Go(w.run)
		}
		return g.Wait()
	})
}

type worker struct {
	dec     record.Decoder
	columns *record.Columns
	format  writers.Format
	records []record.Raw
}

func newWorker(t task, format writers.Format, records []record.Raw) (*worker, error) {
	dec, err := decoder(t.Format)
	if err != nil {
		return nil, err
	}
	w := &worker{dec: dec, columns: record.NewColumns(dec.Schema().WithKafkaColumns()), format: format, records: records}
	return w, w.decode(0)
}

// decode fills the columns with the records from one on.
func (w *worker) decode(from int) error {
	w.columns.Reset()
	return decodeInto(w.columns, w.dec, w.records[from:min(from+decodeGroup, len(w.records))])
}

func (w *worker) run() error {
	e, err := w.format.NewEncoder(io.Discard, w.columns.Schema, nil)
	if err != nil {
		return err
	}
	for from := 0; from < len(w.records); from += decodeGroup {
		if err := w.decode(from); err != nil {
			return err
		}
		if err := e.WriteRows(w.columns); err != nil {
			return err
		}
	}
	return e.Close()
}
