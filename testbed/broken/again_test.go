package broken_test

import (
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"shadoof/testbed/produce"
	"shadoof/testbed/product"
	"shadoof/testbed/readers"
	"shadoof/testbed/servers"
)

// TestRetryBesideRuns has retries and runs take turns by chance, while there is always more to lift.
func TestRetryBesideRuns(t *testing.T) {
	t.Parallel()
	p := remedies[0].admit(t, 1800)
	p.release()
	few := p.tp.job(t, p.before.Root, "limits: {records: 300}\n")
	few.Must(t, 0, "run")
	l := product.Watch(t, p.before)
	var all sync.WaitGroup
	for i := range 2 {
		all.Go(func() {
			for range 4 {
				j, args := few, []string{"run"}
				if i > 0 {
					j, args = p.after, p.retry()
				}
				if o, err := j.Try(t.Context(), product.Release(t), nil, args...); err != nil || o.Code != 0 {
					t.Errorf("%v: exit %d, %v\n%s%s", args, o.Code, err, o.Stdout, o.Stderr)
				}
			}
		})
	}
	all.Wait()
	p.before.Must(t, 0, "run")
	p.after.Must(t, 0, p.retry()...)
	l.End()
	checkCured(t, p)
	collected(t, p.before)
}

// TestRetryAgain cures one thing after the other: what a retry left is tried by the next, whose bundles are those of the first.
func TestRetryAgain(t *testing.T) {
	t.Parallel()
	p := remedies[0].admit(t, 1500)
	p.before.Must(t, 0, "run")
	p.release()
	for i, step := range []string{"avro, a schema that comes late", "avro, times that were too early", "avro, times that are those of Kafka"} {
		p.r = remedyCalled(step)
		if i > 0 {
			p.cured = p.cured.fixed(t, p.r)
			p.after = newJob(t, noBrokers, p.before.Root, p.tp.Topic, p.tp.f.registry, p.r.job(t, p.tp.f))
		}
		p.after.Must(t, 0, p.retry("--swap", p.r.swap)...)
		checkCured(t, p)
	}
}

// TestStagedFilesOfARetryAreLost has somebody take away what a retry has staged and committed: it is made again, of the files that it replaces,
// or where these are gone of what Kafka has.
func TestStagedFilesOfARetryAreLost(t *testing.T) {
	t.Parallel()
	for k, point := range []struct{ name, swap string }{{"committed", "show-first"}, {"committed", "hide-first"}, {"half-swapped", "hide-first"}} {
		for i, r := range []remedy{remedies[1], remedies[2], remedyCalled("avro, a version of the schema that takes more")} {
			for m, by := range []string{"run", "retry"} {
				if !long() && (m != k%2 || (i == 1) != (k == 1)) {
					continue
				}
				t.Run(strings.Join([]string{point.swap, point.name, r.name, by}, "/"), func(t *testing.T) {
					t.Parallel()
					p := r.admit(t, 900)
					p.before.Must(t, 0, "run")
					p.release()
					if o := hooked(t, p.after, point.name, p.retry("--swap", point.swap)...); o.Code != -1 {
						t.Fatalf("the retry was not killed, it exited %d\n%s%s", o.Code, o.Stdout, o.Stderr)
					}
					if p.before.Root.AbortStaged(t) == 0 {
						t.Fatal("nothing was staged")
					}
					j, args := p.before, []string{"run"}
					if by == "retry" { // with Kafka, and by the settings of before
						args = p.retry()
					}
					if o := hooked(t, j, "", args...); o.Code != 0 {
						t.Fatalf("%v: exit %d\n%s%s", args, o.Code, o.Stdout, o.Stderr)
					}
					p.after.Must(t, 0, p.retry()...)
					checkCured(t, p)
				})
			}
		}
	}
}

// TestRetryAfterADrop drops a data file of a bundle before its quarantine is tried again: its rows do not come back.
func TestRetryAfterADrop(t *testing.T) {
	t.Parallel()
	p := remedies[0].admit(t, 1500)
	p.before.Must(t, 0, "run")
	p.release()
	key := p.before.Root.Keys(t, p.tp.Topic+"/")[0]
	dropped := rowsIn(t, p.before.Root, key)
	p.before.Must(t, 0, "resolve", "--topic", p.tp.Topic, "--drop", key, "--reason", "test")
	for _, at := range dropped {
		o := p.cured.made[at]
		o.reason = skipped
		p.cured.made[at] = o
	}
	p.after.Must(t, 0, p.retry()...)
	checkCured(t, p)
}

// rowsIn are where the rows of a data file were in Kafka.
func rowsIn(t *testing.T, root *product.Root, key string) (out []produce.At) {
	t.Helper()
	b, err := root.Read(t, key)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, path.Base(key)), b, 0o644); err != nil {
		t.Fatal(err)
	}
	rows, err := servers.Readers(t).Rows(t.Context(), readers.Query{Reader: readers.PyArrow, Folder: folder, Columns: readers.DefaultOrder})
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range lines[quarantined](t, strings.Join(rows, "\n")) {
		out = append(out, produce.At{Partition: q.Partition, Offset: q.Offset})
	}
	return out
}
