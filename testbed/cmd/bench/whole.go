package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// What the sketch took on another machine, for 5 M records of 625 bytes in JSON and 363 in Avro, into one file per hour: microseconds of
// CPU time a record. Only its proportions to fetch and to the struct of the same run can be compared. It had no offsets, no commit, no
// fsync, no page index and no memory budget.
type sketch struct {
	format, codec        string
	fetch, whole, static float64 // static: the program for one Go struct
	peak                 int     // MB
}

var sketches = []sketch{
	{jsonFormat, "snappy", 0.71, 1.87, 6.8, 1002},
	{avroFormat, "snappy", 0.45, 1.40, 2.75, 901},
	{avroFormat, "zstd", 0.45, 1.62, 0, 896},
}

const (
	wholeMemory  = "256MiB"
	goalOfSketch = 1.2 // of its CPU time
	goalOfMemory = 400 // MB
)

// whole measures the product as a user runs it, with little memory, beside what the sketch took.
func (b *bed) whole(ctx context.Context) error {
	r := newReport(b)
	for round := range b.o.rounds {
		for _, s := range sketches {
			if !slices.Contains(b.formats, s.format) {
				continue
			}
			for _, name := range s.programs() {
				fmt.Fprintf(os.Stderr, "round %d of %d: %s to %s, %s\n", round+1, b.o.rounds, s.format, s.codec, name)
				m, err := b.wholeRun(ctx, s, name)
				if err != nil {
					return fmt.Errorf("%s, %s: %w", s.format, name, err)
				}
				r.add(s.format, s.codecOf(name), name, m)
			}
		}
	}
	if len(r.Rows) == 0 {
		return errors.New("the sketch took none of these formats: ask for json or avro, or for more programs")
	}
	r.settle()
	return b.o.print(os.Stdout, r, r.printWhole)
}

// programs are what is run for a line of the sketch. Fetching is the same for all codecs.
func (s sketch) programs() []string {
	if s.static == 0 {
		return []string{shadoof}
	}
	return []string{fetchOnly, shadoof, ofStructs}
}

func (s sketch) codecOf(program string) string {
	if program == fetchOnly {
		return ""
	}
	return s.codec
}

func (b *bed) wholeRun(ctx context.Context, s sketch, name string) (measurement, error) {
	if name != shadoof {
		return b.floor(ctx, task{Program: name, Format: s.format, Codec: s.codec})
	}
	return b.liftToDisk(ctx, lift{format: s.format, memory: wholeMemory, output: "{compression: " + s.codec + "}"})
}

func (r *report) printWhole(w io.Writer, markdown bool) error {
	fmt.Fprintf(w, "%s; %s; %s; %s\n%s; memory: %s\n\n", r.Machine, r.Go, r.Broker, strings.Join(r.Modules, ", "), r.load(), wholeMemory)
	return errors.Join(r.wholeTable().print(w, markdown), newline(w), r.sketchTable().print(w, markdown))
}

func (r *report) wholeTable() *table {
	t := &table{head: []string{"format", "codec", "program", "CPU s", "from to", "µs/record", "wall s", "peak MB", "output MB", "bytes/record", "files", "sketch's µs/record"}}
	for _, at := range r.Rows {
		m := at.Median
		t.add(at.Format, at.Codec, at.Program, decimals(2, m.CPU), at.spread(), decimals(2, m.CPU/float64(m.Records)*1e6), decimals(2, m.Wall), decimals(0, float64(m.Memory)/1e6),
			megabytes(m.Output), decimals(1, float64(m.Output)/float64(m.Records)), whole(int64(m.Files)), decimals(2, sketched(at)))
	}
	return t
}

// sketched is what a program took beside the sketch, which stands for the product.
func sketched(at *row) float64 {
	for _, s := range sketches {
		switch {
		case s.format != at.Format:
		case at.Program == fetchOnly:
			return s.fetch
		case s.codec == at.Codec && at.Program == ofStructs:
			return s.static
		case s.codec == at.Codec:
			return s.whole
		}
	}
	return 0
}

// sketchTable compares proportions. The struct's program is the same work on both machines; so is fetching, but for the broker.
func (r *report) sketchTable() *table {
	t := &table{head: []string{"format", "codec", "shadoof / fetch", "sketch's", "struct / shadoof", "sketch's", "CPU against the sketch, by fetch", "by struct", "goal", "peak MB", "sketch's", "goal"}}
	for _, s := range sketches {
		at := r.row(s.format, s.codec, shadoof)
		if at == nil {
			continue
		}
		byFetch := at.Median.CPU / r.cpu(s.format, fetchOnly)
		var static float64
		if other := r.row(s.format, s.codec, ofStructs); other != nil {
			static = other.Median.CPU / at.Median.CPU
		}
		t.add(s.format, s.codec, decimals(2, byFetch), decimals(2, s.whole/s.fetch), decimals(2, static), decimals(2, s.static/s.whole),
			decimals(2, byFetch*s.fetch/s.whole), decimals(2, s.static/s.whole/static), "≤ "+decimals(1, goalOfSketch),
			decimals(0, float64(at.Median.Memory)/1e6), whole(int64(s.peak)), "≤ "+whole(goalOfMemory))
	}
	return t
}
