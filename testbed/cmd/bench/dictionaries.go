package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// What benchDictionaries finds out, of each way to choose dictionaries: by the encoder, and the best that a person could choose.
const (
	nsAutomatic    = "automatic dictionaries, ns a row"
	bytesAutomatic = "automatic dictionaries, bytes a row"
	nsHandMade     = "hand-made dictionaries, ns a row"
	bytesHandMade  = "hand-made dictionaries, bytes a row"
)

// The benchmark of writers/parquet, and how it names the two: only the package itself can tell its encoder which dictionaries to make.
const (
	dictionaryBenchmark = "BenchmarkDictionaries"
	automatic           = "dictionary=auto"
	handMade            = "dictionary=best"
)

// benchDictionaries runs the benchmark of the package that writes Parquet, on its own rows.
func benchDictionaries(ctx context.Context, _ *bed, _ string) (m measurement, err error) {
	dir, err := root(ctx)
	if err != nil {
		return m, err
	}
	cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", "^"+dictionaryBenchmark+"$", "-cpu", "1", "./writers/parquet")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		return m, fmt.Errorf("%s: %w\n%s", dictionaryBenchmark, err, out)
	}
	m.Figures = map[string]float64{}
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		name, figures := parseBenchmark(lines.Text())
		switch {
		case !strings.HasPrefix(name, dictionaryBenchmark+"/"):
		case strings.Contains(name, automatic):
			m.Figures[nsAutomatic], m.Figures[bytesAutomatic] = figures["cpu-ns/row"], figures["B/row"]
		case strings.Contains(name, handMade):
			m.Figures[nsHandMade], m.Figures[bytesHandMade] = figures["cpu-ns/row"], figures["B/row"]
		}
	}
	if len(m.Figures) == 0 {
		fmt.Fprintf(os.Stderr, "writers/parquet has no %s with %s and %s: R7 is not measured\n", dictionaryBenchmark, automatic, handMade)
	}
	return m, nil
}

// parseBenchmark reads a line that a Go benchmark prints: a name, how often it ran, and figures with their units.
func parseBenchmark(line string) (name string, figures map[string]float64) {
	words := strings.Fields(line)
	if len(words) < 4 || !strings.HasPrefix(words[0], "Benchmark") {
		return "", nil
	}
	figures = map[string]float64{}
	for i := 2; i+1 < len(words); i += 2 {
		if v, err := strconv.ParseFloat(words[i], 64); err == nil {
			figures[words[i+1]] = v
		}
	}
	return words[0], figures
}
