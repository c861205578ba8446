package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
)

// ratios measures programs in turn and prints which goals hold.
func (b *bed) ratios(ctx context.Context, chosen []program) error {
	r := newReport(b)
	for round := range b.o.rounds {
		for _, p := range chosen {
			for _, f := range p.formats {
				if !slices.Contains(b.formats, f) {
					continue
				}
				fmt.Fprintf(os.Stderr, "round %d of %d: %s, %s\n", round+1, b.o.rounds, f, p.name)
				m, err := p.run(ctx, b, f)
				if err != nil {
					return fmt.Errorf("%s, %s: %w", f, p.name, err)
				}
				r.add(f, "", p.name, m)
			}
		}
	}
	if len(r.Rows) == 0 {
		return errors.New("none of these programs takes these formats")
	}
	r.settle()
	r.Ratios = r.ratios()
	return b.o.print(os.Stdout, r, r.printRatios)
}

// print prints a report in the form that was asked for.
func (o options) print(w io.Writer, r *report, forPeople func(io.Writer, bool) error) error {
	if o.json {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(r)
	}
	return forPeople(w, o.markdown)
}

func (r *report) printRatios(w io.Writer, markdown bool) error {
	fmt.Fprintf(w, "%s; %s; %s; %s\n%s\n\n", r.Machine, r.Go, r.Broker, strings.Join(r.Modules, ", "), r.load())
	err := errors.Join(r.programTable().print(w, markdown), newline(w), r.figureTable().print(w, markdown), newline(w), r.ratioTable().print(w, markdown))
	if missed := r.missed(); err == nil && missed > 0 {
		_, err = fmt.Fprintf(w, "\n%d goals are missed.\n", missed)
	}
	return err
}

func newline(w io.Writer) error {
	_, err := fmt.Fprintln(w)
	return err
}

func (r *report) load() string {
	return fmt.Sprintf("%d records per topic; medians of %d runs each, in turn", r.Records, r.Rounds)
}

func (r *report) missed() (n int) {
	for _, q := range r.Ratios {
		if q.OK != nil && !*q.OK {
			n++
		}
	}
	return n
}

// programTable are the programs that have a CPU time.
func (r *report) programTable() *table {
	t := &table{head: []string{"format", "program", "CPU s", "from to", "µs/record", "wall s", "peak MiB", "output MB", "files", "CPU / fetch", "CPU / afternoon"}}
	for _, at := range r.Rows {
		m := at.Median
		if m.CPU == 0 {
			continue
		}
		t.add(at.Format, at.Program, decimals(2, m.CPU), at.spread(), decimals(2, m.CPU/float64(m.Records)*1e6), decimals(2, m.Wall), whole(m.Memory>>20),
			megabytes(m.Output), whole(int64(m.Files)), decimals(2, m.CPU/r.cpu(at.Format, fetchOnly)), decimals(2, m.CPU/r.cpu(at.Format, ofMaps)))
	}
	return t
}

func (at *row) spread() string {
	by := func(a, b measurement) int { return int(1e6 * (a.CPU - b.CPU)) }
	return decimals(2, slices.MinFunc(at.All, by).CPU) + "-" + decimals(2, slices.MaxFunc(at.All, by).CPU)
}

// figureTable are the programs that find out something else.
func (r *report) figureTable() *table {
	t := &table{head: []string{"format", "program", "figure", "median"}}
	for _, at := range r.Rows {
		for _, name := range slices.Sorted(maps.Keys(at.Median.Figures)) {
			t.add(at.Format, at.Program, name, significant(at.Median.Figures[name]))
		}
	}
	return t
}

func (r *report) ratioTable() *table {
	t := &table{head: []string{"#", "ratio", "figure", "goal", ""}}
	for _, q := range r.Ratios {
		sign, goal, figure, verdict := "≤ ", "", "not measured", ""
		if q.AtLeast {
			sign = "≥ "
		}
		if q.Goal > 0 {
			goal = sign + decimals(3, q.Goal)
		}
		if q.Figure != nil {
			figure = decimals(3, *q.Figure)
		}
		if q.OK != nil {
			verdict = map[bool]string{true: "ok", false: "MISSED"}[*q.OK]
		}
		t.add(q.ID, q.What, figure, goal, verdict)
	}
	return t
}
