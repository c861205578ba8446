package jobs

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shadoof/offsets"
	"shadoof/storage/memory"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestOrderOfStoreOperations holds the exact order of what a process asks of the store: the order is what the safety rests on.
func TestOrderOfStoreOperations(t *testing.T) {
	all := append(scenarios(), scenario{
		name:    "nothing to do",
		prepare: func(w *world) { twoHours(w); w.runClean() },
		act:     runOnce,
	}, scenario{
		name:    "recovery",
		prepare: func(w *world) { twoHours(w); crashAt(w, "committed") },
		act:     runOnce,
	}, scenario{
		name: "fenced",
		prepare: func(w *world) {
			t := twoHours(w)
			w.runClean()
			t.add(0, 9, day.Add(3*time.Hour), time.Minute)
		},
		act: func(w *world, e *Env) error {
			e.hook = func(point string) {
				if point == "before-put" {
					e.hook = func(string) {}
					w.sleep(48 * time.Hour)
					if _, err := w.process(w.store).GC(context.Background(), Selection{}, false); err != nil {
						w.t.Error(err)
					}
				}
			}
			return runOnce(w, e)
		},
	})
	for _, sc := range all {
		t.Run(sc.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			sc.prepare(w)
			s := w.store.Attach(memory.Options{})
			if err := sc.act(w, w.process(s)); err != nil {
				t.Fatal(err)
			}
			golden(t, "trace/"+strings.ReplaceAll(sc.name, " ", "-")+".txt", readable(s.Trace()))
		})
	}
}

var attemptIn = regexp.MustCompile(`[0-9a-f]{64}|[0-9a-f]{32}|[0-9a-f]{16}`)

// readable names attempts by the order in which they appear, and sorts operations that run side by side.
func readable(trace string) string {
	names := map[string]string{}
	trace = attemptIn.ReplaceAllStringFunc(trace, func(id string) string {
		if names[id] == "" {
			names[id] = "<" + string(rune('A'+len(names))) + ">"
		}
		return names[id]
	})
	lines := strings.Split(strings.TrimSpace(trace), "\n")
	for i := 0; i < len(lines); {
		j := i + 1
		for j < len(lines) && sideBySide(lines[j]) == sideBySide(lines[i]) {
			j++
		}
		run := lines[i:j]
		sort.SliceStable(run, func(a, b int) bool { return strings.Fields(run[a])[1] < strings.Fields(run[b])[1] })
		i = j
	}
	return strings.ReplaceAll(strings.Join(lines, "\n"), offsets.Dir("orders"), "TOPIC") + "\n"
}

// sideBySide is the kind of work that a line is part of: files are staged side by side, and so are reads, and publications.
func sideBySide(line string) string {
	op, _, _ := strings.Cut(line, " ")
	if op == "part" || op == "finish" {
		return "stage"
	}
	return op
}

// golden compares with testdata/name, or rewrites it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s: (-want +got)\n%s", path, diff)
	}
}
