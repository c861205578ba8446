//go:build long

package hdfsfaults_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"shadoof/storage/hdfs"
	"shadoof/testbed/hdfsbed"
)

// A register runs workers and collects what they say.
type register struct {
	t       *testing.T
	c       *hdfsbed.Cluster
	root    string
	topic   string // of the worker's records
	commits string // topic of the committers' records

	stop context.CancelFunc
	done sync.WaitGroup

	mu        sync.Mutex
	verdicts  map[string][]verdict // by topic
	newest    int64                // slot of the topic that has an owner
	committed int                  // records of the committers
}

// crew is how many workers there are.
type crew struct{ workers, committers, processes int }

// store opens a store of its own in the root.
func openStore(t *testing.T, c *hdfsbed.Cluster, root string) *hdfs.Store {
	t.Helper()
	s, err := hdfs.New(t.Context(), storeOptions(c.Authority(), root, c.ConfDir()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func storeOptions(authority, root, conf string) hdfs.Options {
	return hdfs.Options{
		Authority: authority, Path: root, ConfDir: conf, User: hdfsbed.User, Replication: 1,
		NameNodeTimeout: 4 * time.Second, Patience: 10 * time.Second, // faults here last for seconds
	}
}

func race(t *testing.T, c *hdfsbed.Cluster, k crew) *register {
	t.Helper()
	r := &register{t: t, c: c, root: c.NewFolder(t), topic: "register", commits: "commits", verdicts: map[string][]verdict{}}
	ctx, stop := context.WithCancel(t.Context())
	r.stop = stop
	t.Cleanup(func() { stop(); r.done.Wait() })
	for i := range k.workers {
		w := &worker{name: fmt.Sprintf("worker-%d", i), topic: r.topic, store: openStore(t, c, r.root), tell: r.hear(r.topic)}
		r.done.Go(func() { w.run(ctx) })
	}
	for i := range k.committers {
		w := &committer{worker{name: fmt.Sprintf("committer-%d", i), topic: r.commits, store: openStore(t, c, r.root), tell: r.hear(r.commits)}}
		r.done.Go(func() { w.run(ctx) })
	}
	for i := range k.processes {
		r.process(ctx, fmt.Sprintf("process-%d", i))
	}
	return r
}

func (r *register) hear(topic string) func(verdict) {
	return func(d verdict) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.verdicts[topic] = append(r.verdicts[topic], d)
		if topic == r.topic && d.Owner != "" {
			r.newest = max(r.newest, d.V)
		}
		if topic == r.commits && d.V > 0 {
			r.committed++
		}
	}
}

// progress waits until so many more slots have owners, and at least one more record of the committers is there.
func (r *register) progress(slots int64) {
	r.t.Helper()
	begun := time.Now()
	r.mu.Lock()
	from, commits := r.newest, r.committed
	r.mu.Unlock()
	for {
		r.mu.Lock()
		now, moreCommits := r.newest, r.committed
		r.mu.Unlock()
		if now >= from+slots && (commits == 0 || moreCommits > commits) {
			return
		}
		if time.Since(begun) > 45*time.Second {
			r.t.Fatalf("no progress in %s: slot %d of %d, %d committed after %d", time.Since(begun), now, from+slots, moreCommits, commits)
		}
		pause(r.t.Context(), 20*time.Millisecond)
		if r.t.Context().Err() != nil {
			r.t.Fatal(r.t.Context().Err())
		}
	}
}

// variable tells a process of this test binary that it is a worker: authority, root, folder of configuration, topic, name.
const variable = "SHADOOF_REGISTER_WORKER"

func TestMain(m *testing.M) {
	if args := strings.Split(os.Getenv(variable), "|"); len(args) == 5 {
		beWorker(args[0], args[1], args[2], args[3], args[4])
		return
	}
	os.Exit(m.Run())
}

// beWorker is a worker until its standard input ends.
func beWorker(authority, root, conf, topic, name string) {
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	s, err := hdfs.New(ctx, storeOptions(authority, root, conf))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	out := json.NewEncoder(os.Stdout)
	(&worker{name: name, topic: topic, store: s, tell: func(d verdict) { _ = out.Encode(d) }}).run(ctx)
}

func (r *register) process(ctx context.Context, name string) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), variable+"="+strings.Join([]string{r.c.Authority(), r.root, r.c.ConfDir(), r.topic, name}, "|"))
	cmd.Stderr = os.Stderr
	in, errIn := cmd.StdinPipe()
	out, errOut := cmd.StdoutPipe()
	if err := errors.Join(errIn, errOut, cmd.Start()); err != nil {
		r.t.Fatal(err)
	}
	context.AfterFunc(ctx, func() { in.Close() })
	r.done.Go(func() {
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			var d verdict
			if err := json.Unmarshal(lines.Bytes(), &d); err != nil {
				r.t.Errorf("%s: %v in %q", name, err, lines.Bytes())
				continue
			}
			r.hear(r.topic)(d)
		}
		if err := cmd.Wait(); err != nil {
			r.t.Errorf("%s: %v", name, err)
		}
	})
}
