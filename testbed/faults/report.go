package faults

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"shadoof/testbed/faults/timeline"
)

// write leaves in the run's folder what a person needs to understand it.
func (r *Result) write() error {
	var errs []error
	write := func(name string, b []byte) {
		errs = append(errs, os.WriteFile(filepath.Join(r.Options.Folder, name), b, 0o644))
	}
	var text strings.Builder
	errs = append(errs, r.Print(&text))
	for _, v := range r.Violations {
		fmt.Fprintf(&text, "\n%s\n", v)
	}
	write("report.txt", []byte(text.String()))
	for topic, records := range r.History.Logs {
		var b strings.Builder
		for _, rec := range records {
			b.Write(rec.Raw)
		}
		write("log-"+topic+".jsonl", []byte(b.String()))
	}
	title := fmt.Sprintf("seed %d on %s: %d violations", r.Options.Seed, r.Options.Root.Name, len(r.Violations))
	write("timeline.svg", []byte(timeline.Draw(title, r.History, r.Violations)))
	files, err := json.Marshal(r.History.Files)
	errs = append(errs, err)
	write("files.json", files)
	return errors.Join(errs...)
}

// Print prints a run as a table.
func (r *Result) Print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name string, value any) { fmt.Fprintf(t, "%s\t%v\n", name, value) }
	row("seed", r.Options.Seed)
	row("store", r.Options.Root.Name)
	row("minutes of faults", fmt.Sprintf("%.1f", r.Options.For.Minutes()))
	row("took", r.Took.Round(time.Second))
	row("records acknowledged", r.Records)
	row("commits", r.Commits)
	row("files at the end", r.Files)
	strikes := 0
	for _, n := range r.Strikes {
		strikes += n
	}
	row("faults", strikes)
	for _, name := range slices.Sorted(maps.Keys(r.Strikes)) {
		row("  "+name, r.Strikes[name])
	}
	row("processes and their exits", "")
	for _, name := range slices.Sorted(maps.Keys(r.Exits)) {
		row("  "+name, r.Exits[name])
	}
	row("violations", len(r.Violations))
	return t.Flush()
}
