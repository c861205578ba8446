package main

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
)

// A report is all measurements of one run, in the order in which programs came.
type report struct {
	Machine string   `json:"machine"`
	Go      string   `json:"go"`
	Broker  string   `json:"broker"`
	Modules []string `json:"modules"`
	Records int      `json:"records"`
	Rounds  int      `json:"rounds"`
	Rows    []*row   `json:"rows"`
	Ratios  []ratio  `json:"ratios,omitempty"`
}

// A row is one program on one format: the median of each figure.
type row struct {
	Format  string        `json:"format"`
	Codec   string        `json:"codec,omitempty"`
	Program string        `json:"program"`
	Median  measurement   `json:"median"`
	All     []measurement `json:"all"`
}

func newReport(b *bed) *report {
	r := &report{Machine: machine(), Go: runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH, Broker: b.broker.name, Records: b.o.records, Rounds: b.o.rounds}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if slices.Contains(shownModules, m.Path) {
				r.Modules = append(r.Modules, m.Path+" "+m.Version)
			}
		}
	}
	return r
}

var shownModules = []string{
	"github.com/apache/arrow-go/v18", "github.com/bytedance/sonic", "github.com/parquet-go/parquet-go", "github.com/twmb/avro", "github.com/twmb/franz-go",
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

func (r *report) row(format, codec, program string) *row {
	for _, have := range r.Rows {
		if have.Format == format && have.Codec == codec && have.Program == program {
			return have
		}
	}
	return nil
}

func (r *report) add(format, codec, program string, m measurement) {
	at := r.row(format, codec, program)
	if at == nil {
		at = &row{Format: format, Codec: codec, Program: program}
		r.Rows = append(r.Rows, at)
	}
	at.All = append(at.All, m)
}

// settle computes the medians.
func (r *report) settle() {
	for _, at := range r.Rows {
		at.Median = measurement{
			Records: at.All[0].Records,
			CPU:     median(at.All, func(m measurement) float64 { return m.CPU }),
			Wall:    median(at.All, func(m measurement) float64 { return m.Wall }),
			Memory:  median(at.All, func(m measurement) int64 { return m.Memory }),
			Output:  median(at.All, func(m measurement) int64 { return m.Output }),
			Files:   median(at.All, func(m measurement) int { return m.Files }),
		}
		for name := range at.All[0].Figures {
			if at.Median.Figures == nil {
				at.Median.Figures = map[string]float64{}
			}
			at.Median.Figures[name] = median(at.All, func(m measurement) float64 { return m.Figures[name] })
		}
	}
}

// median is the middle one, or what lies between the two in the middle.
func median[V int | int64 | float64](all []measurement, of func(measurement) V) V {
	var values []V
	for _, m := range all {
		values = append(values, of(m))
	}
	slices.Sort(values)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}

// cpu is the median CPU time of a program; NaN when it was not measured.
func (r *report) cpu(format, program string) float64 {
	return r.of(format, program, func(m measurement) float64 { return m.CPU })
}

func (r *report) output(format, program string) float64 {
	return r.of(format, program, func(m measurement) float64 { return float64(m.Output) })
}

func (r *report) figure(format, program, name string) float64 {
	return r.of(format, program, func(m measurement) float64 {
		v, ok := m.Figures[name]
		if !ok {
			return math.NaN()
		}
		return v
	})
}

func (r *report) of(format, program string, what func(measurement) float64) float64 {
	for _, at := range r.Rows {
		if at.Format == format && at.Program == program {
			return what(at.Median)
		}
	}
	return math.NaN()
}
