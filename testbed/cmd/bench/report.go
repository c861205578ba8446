package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"text/tabwriter"
)

// A report is all measurements of one run, in the order in which programs came.
type report struct {
	Machine string   `json:"machine"`
	Go      string   `json:"go"`
	Modules []string `json:"modules"`
	Records int      `json:"records"`
	Rows    []*row   `json:"rows"`
}

// A row is one program on one format: the median of each figure.
type row struct {
	Format  string        `json:"format"`
	Program string        `json:"program"`
	Median  measurement   `json:"median"`
	Against float64       `json:"cpu_against_afternoon,omitempty"` // its CPU by that of the afternoon's program
	All     []measurement `json:"all"`
}

func newReport(records int) *report {
	r := &report{Machine: machine(), Go: runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH, Records: records}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if slices.Contains([]string{"github.com/parquet-go/parquet-go", "github.com/twmb/avro", "github.com/twmb/franz-go"}, m.Path) {
				r.Modules = append(r.Modules, m.Path+" "+m.Version)
			}
		}
	}
	return r
}

func machine() string {
	model := "unknown processor"
	text, _ := os.ReadFile("/proc/cpuinfo") // elsewhere the model stays unknown
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			model = strings.TrimSpace(value)
			break
		}
	}
	return fmt.Sprintf("%s, %d cores", model, runtime.NumCPU())
}

func (r *report) row(format, program string) *row {
	for _, have := range r.Rows {
		if have.Format == format && have.Program == program {
			return have
		}
	}
	return nil
}

func (r *report) add(format, program string, m measurement) {
	at := r.row(format, program)
	if at == nil {
		at = &row{Format: format, Program: program}
		r.Rows = append(r.Rows, at)
	}
	at.All = append(at.All, m)
}

func (r *report) settle() {
	for _, at := range r.Rows {
		at.Median = measurement{
			CPU:    median(at.All, func(m measurement) float64 { return m.CPU }),
			Wall:   median(at.All, func(m measurement) float64 { return m.Wall }),
			Memory: median(at.All, func(m measurement) int64 { return m.Memory }),
			Output: median(at.All, func(m measurement) int64 { return m.Output }),
			Files:  median(at.All, func(m measurement) int { return m.Files }),
		}
	}
	for _, at := range r.Rows {
		if other := r.row(at.Format, maps); other != nil && other.Median.CPU > 0 {
			at.Against = at.Median.CPU / other.Median.CPU
		}
	}
}

func median[V int | int64 | float64](all []measurement, of func(measurement) V) V {
	var values []V
	for _, m := range all {
		values = append(values, of(m))
	}
	slices.Sort(values)
	return values[len(values)/2]
}

func (r *report) print(w io.Writer, asJSON bool) error {
	r.settle()
	if asJSON {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(r)
	}
	fmt.Fprintf(w, "%s; %s; %s\n%d records per topic; medians of %d runs each\n\n", r.Machine, r.Go, strings.Join(r.Modules, ", "), r.Records, len(r.Rows[0].All))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "format\tprogram\tCPU s\tfrom to\tµs/record\twall s\tpeak MiB\toutput MB\tfiles\tCPU / afternoon\t")
	for _, at := range r.Rows {
		m := at.Median
		by := func(a, b measurement) int { return int(1000 * (a.CPU - b.CPU)) }
		fmt.Fprintf(t, "%s\t%s\t%.2f\t%.2f-%.2f\t%.2f\t%.2f\t%d\t%.1f\t%d\t%.2f\t\n", at.Format, at.Program, m.CPU, slices.MinFunc(at.All, by).CPU, slices.MaxFunc(at.All, by).CPU,
			m.CPU/float64(r.Records)*1e6, m.Wall, m.Memory>>20, float64(m.Output)/1e6, m.Files, at.Against)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, at := range r.Rows {
		if disk := r.row(at.Format, shadoof); at.Program == onHDFS && disk != nil && disk.Median.CPU > 0 {
			fmt.Fprintf(w, "%s: CPU into HDFS / onto a local disk: %.2f\n", at.Format, at.Median.CPU/disk.Median.CPU)
		}
	}
	return nil
}
