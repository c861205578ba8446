package lift_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shadoof/testbed/produce"
	"shadoof/testbed/product"
	"shadoof/testbed/readers"
	"shadoof/testbed/servers"
)

// shared is a topic that tests only read.
var shared struct {
	once sync.Once
	r    *produce.Result
	err  error
}

func sharedTopic(t *testing.T) *produce.Result {
	t.Helper()
	shared.once.Do(func() {
		shared.r, shared.err = produce.PlainTopic(bounded(t), servers.Kafka(t).Brokers(), produce.Spec{Topic: produce.Name("shared"), Records: 6_000, Partitions: 2, Span: 2 * time.Hour, Padding: 700})
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.r
}

// digest is what a reader must find of the sequence numbers.
func digest(t *testing.T, r *produce.Result) readers.Digest {
	t.Helper()
	d := readers.Digest{}
	for _, at := range r.Offsets() {
		if v := r.Records[at].Value; v != nil {
			var body produce.Body
			if err := json.Unmarshal(v, &body); err != nil {
				t.Fatal(err)
			}
			d.Add(at.Partition, at.Offset, body.Seq)
		}
	}
	return d
}

// checkDigest reads the folder with one reader, and has the product verify it.
func checkDigest(t *testing.T, j *product.Job, want readers.Digest) {
	t.Helper()
	got, err := servers.Readers(t).Digest(t.Context(), readers.Query{Reader: readers.PyArrow, Folder: j.Root.Folder(t, j.Topic), Columns: []string{"seq"}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	j.Must(t, 0, "verify", "--deep")
}

// small makes many small commits and files, so that a kill meets work under way; gc may collect at once.
const (
	small       = "output: {target_size: 32KiB}\ncommit_every: {bytes: 250KiB}"
	smallGlobal = "orphan_age: 1ms\n"
)

// mustDie runs the hooked binary until it kills itself at the point. A gc is run again until what it should find is old enough by the
// store's clock, which S3 tells in whole seconds.
func mustDie(t *testing.T, j *product.Job, point string, args ...string) {
	t.Helper()
	var o product.Outcome
	for range 1 + 20*strings.Count(args[0], "gc") {
		if o = runToDie(t, j, point, args...); o.Code == -1 {
			return
		}
		pause(t)
	}
	t.Fatalf("%s: the process was not killed, it exited %d\n%s%s", point, o.Code, o.Stdout, o.Stderr)
}

func pause(t *testing.T) {
	t.Helper()
	select {
	case <-time.After(200 * time.Millisecond):
	case <-t.Context().Done():
		t.Fatal("out of time")
	}
}

// collected runs gc until nothing staged is left.
func collected(t *testing.T, j *product.Job) {
	t.Helper()
	n := -1
	for range 20 {
		j.Must(t, 0, "gc")
		if n = j.Root.Staged(t); n == 0 {
			return
		}
		pause(t)
	}
	t.Errorf("%d staged files are left after gc", n)
}

func runToDie(t *testing.T, j *product.Job, point string, args ...string) product.Outcome {
	t.Helper()
	return j.Run(t, product.Hooked(t), []string{"SHADOOF_KILL_AT=" + point, "SHADOOF_LOST_AFTER=300ms"}, args...)
}

// TestKill kills the real binary, as kill -9 does, at each point of the protocol, with and without a second worker beside it. After
// one clean run all is exact, and a lister that polled all the while never saw a file that no record names.
func TestKill(t *testing.T) {
	t.Parallel()
	run := []string{"run"}
	points := []struct {
		point   string
		prepare func(t *testing.T, j *product.Job)
		args    []string
		race    bool // with a second worker beside it also outside the long suite
	}{
		{"after-init", nil, run, true},
		{"batch:2", nil, run, false}, // in the middle of a file
		{"staged", nil, run, false},
		{"before-put:2", nil, run, true},
		{"put-applied", nil, run, true}, // and not learnt
		{"committed:2", nil, run, false},
		{"mid-publish:3", nil, run, true},
		{"before-marker", nil, run, false},
		{"after-marker", nil, run, false},
		{"fenced", func(t *testing.T, j *product.Job) { mustDie(t, j, "before-put:2", "run") }, []string{"gc"}, false},
		{"repair-staged", takeStaged, run, false},
		{"repair-discarded", takeStaged, run, true},
		{"repair-appended", takeStaged, run, false},
	}
	for name, root := range roots(t) {
		for _, p := range points {
			for _, beside := range []bool{false, true} {
				if beside && !p.race && !long() {
					continue
				}
				t.Run(fmt.Sprintf("%s/%s/beside=%v", name, strings.ReplaceAll(p.point, ":", "-"), beside), func(t *testing.T) {
					t.Parallel()
					topic := sharedTopic(t)
					j := product.NewJob(t, servers.Kafka(t).Brokers(), root(t), topic.Topic, smallGlobal, small)
					l := product.Watch(t, j)
					defer l.End()
					if p.prepare != nil {
						p.prepare(t, j)
					}
					var other sync.WaitGroup
					if beside {
						other.Go(func() {
							// What it finds done and what not depends on the race; only what it leaves behind is judged.
							if _, err := j.Try(t.Context(), product.Hooked(t), []string{"SHADOOF_LOST_AFTER=300ms"}, "run"); err != nil {
								t.Error(err)
							}
						})
						if _, err := j.Try(t.Context(), product.Hooked(t), []string{"SHADOOF_KILL_AT=" + p.point, "SHADOOF_LOST_AFTER=300ms"}, p.args...); err != nil {
							t.Error(err)
						}
					} else {
						mustDie(t, j, p.point, p.args...)
					}
					other.Wait()
					if o := j.Run(t, product.Hooked(t), []string{"SHADOOF_LOST_AFTER=300ms"}, "run"); o.Code != 0 {
						t.Fatalf("the run after it: exit %d\n%s%s", o.Code, o.Stdout, o.Stderr)
					}
					checkDigest(t, j, digest(t, topic))
					collected(t, j)
				})
			}
		}
	}
}

// long says whether this is the long suite.
func long() bool { return os.Getenv("SHADOOF_LONG") != "" }

// takeStaged commits something that is not published, and lets somebody else take the staged bytes away.
func takeStaged(t *testing.T, j *product.Job) {
	t.Helper()
	mustDie(t, j, "committed", "run")
	if j.Root.AbortStaged(t) == 0 {
		t.Fatal("nothing was staged")
	}
}

// TestKillInARemoval kills a drop between giving up the tokens and deleting the file.
func TestKillInARemoval(t *testing.T) {
	t.Parallel()
	for name, root := range roots(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			topic := sharedTopic(t)
			j := product.NewJob(t, servers.Kafka(t).Brokers(), root(t), topic.Topic, smallGlobal, small)
			j.Must(t, 0, "run")
			key := j.Root.Keys(t, j.Topic+"/")[0]
			mustDie(t, j, "mid-removal", "resolve", "--topic", j.Topic, "--drop", key, "--reason", "test")
			j.Must(t, 0, "run")
			for _, k := range j.Root.Keys(t, j.Topic+"/") {
				if k == key {
					t.Errorf("%s was dropped and is still there", key)
				}
			}
			j.Must(t, 0, "verify", "--deep")
		})
	}
}
