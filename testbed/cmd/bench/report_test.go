package main

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestGoalsAreJudgedFromMedians(t *testing.T) {
	t.Parallel()
	r := &report{}
	for _, cpu := range []float64{9, 2, 3} {
		r.add(avroFormat, "", shadoof, measurement{CPU: cpu})
		r.add(avroFormat, "", ofMaps, measurement{CPU: 4 * cpu})
		r.add(avroFormat, "", fetchOnly, measurement{CPU: cpu / 3})
		r.add(avroFormat, "", encodeOnly, measurement{CPU: cpu / 3})
		r.add(avroFormat, "", twoWorkers, measurement{Figures: map[string]float64{secondsOne: 19, secondsTwo: 10 + cpu/100}})
	}
	r.settle()
	type verdict struct {
		figure   float64
		measured bool
		ok       string
	}
	got := map[string]verdict{}
	for _, q := range r.ratios() {
		v := verdict{ok: "not judged"}
		if q.Figure != nil {
			v.measured, v.figure = true, math.Round(*q.Figure*1000)/1000
		}
		if q.OK != nil {
			v.ok = map[bool]string{true: "ok", false: "missed"}[*q.OK]
		}
		got[q.ID+" "+q.What] = v
	}
	for name, want := range map[string]verdict{
		"R1 Avro to Parquet / (fetch + encode of preloaded columns)": {1.5, true, "missed"},
		"R2 Avro to Parquet / afternoon":                             {0.25, true, "ok"},
		"R4 JSON to Parquet / Avro to Parquet":                       {0, false, "not judged"},
		"R10 wall time of one worker / of two, decode and encode":    {1.894, true, "ok"},
	} {
		if diff := cmp.Diff(want, got[name], cmp.AllowUnexported(verdict{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestTablesAreMarkdownToo(t *testing.T) {
	t.Parallel()
	table := table{head: []string{"a", "b"}}
	table.add("1", "")
	var out strings.Builder
	if err := table.print(&out, true); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("| a | b |\n| --- | --- |\n| 1 |  |\n", out.String()); diff != "" {
		t.Error(diff)
	}
}

func TestBenchmarksAreParsed(t *testing.T) {
	t.Parallel()
	name, figures := parseBenchmark("BenchmarkDictionaries/dictionary=auto \t      20\t  71407785 ns/op\t       138.5 B/row\t      1428 ns/row")
	if diff := cmp.Diff("BenchmarkDictionaries/dictionary=auto", name); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]float64{"ns/op": 71407785, "B/row": 138.5, "ns/row": 1428}, figures); diff != "" {
		t.Error(diff)
	}
	if name, _ := parseBenchmark("PASS"); name != "" {
		t.Errorf("PASS is a benchmark called %q", name)
	}
}
