//go:build long

package hdfsfaults_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	mathrand "math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"shadoof/offsets"
	"shadoof/storage"
	"shadoof/storage/hdfs"
	"shadoof/testbed/hdfsbed"
)

// The register is the log of a topic with nothing in its records but who wrote them. Racing workers create slots 1, 2, 3, … of it as
// the commit loop does, and tell what they learn of each.

// An entry is the content of a slot.
type entry struct {
	V       int64  `json:"v"`
	ID      string `json:"id"`
	Worker  string `json:"worker"`
	Padding string `json:"padding"`
}

// A verdict is what a worker concluded about a slot.
type verdict struct {
	Worker  string    `json:"worker"`
	V       int64     `json:"v"`
	ID      string    `json:"id"`      // that it proposed
	Owner   string    `json:"owner"`   // id of the record in the slot; "" when it was told to stop before it knew
	Puts    int       `json:"puts"`    // requests to create it
	Unclear int       `json:"unclear"` // of them without an answer
	Resent  bool      `json:"resent"`  // the slot was empty after an unclear answer
	Time    time.Time `json:"time"`
}

// A worker proposes a record of its own for the slot after the last that it sees, again and again, until ctx ends.
type worker struct {
	name  string
	topic string
	store storage.Store
	tell  func(verdict)
}

func (w *worker) run(ctx context.Context) {
	for v := int64(1); ctx.Err() == nil; v++ {
		if w.propose(ctx, v) {
			pause(ctx, time.Duration(mathrand.Int64N(int64(40*time.Millisecond)))) // the others are to catch up, and to contend
			continue
		}
		for {
			if _, err := read(ctx, w.store, offsets.LogName(w.topic, v+1)); err != nil {
				break
			}
			v++
		}
	}
}

// propose says whether the worker's record stands in the slot.
func (w *worker) propose(ctx context.Context, v int64) bool {
	d := verdict{Worker: w.name, V: v, ID: newID()}
	data, _ := json.Marshal(entry{V: v, ID: d.ID, Worker: w.name, Padding: strings.Repeat("x", 2000)})
	defer func() { d.Time = time.Now(); w.tell(d) }()
	name := offsets.LogName(w.topic, v)
	for {
		d.Puts++
		put, _ := w.store.PutNew(ctx, name, data)
		if put == storage.Created {
			d.Owner = d.ID
			return true
		}
		if put == storage.PutUnknown && ctx.Err() == nil {
			d.Unclear++
		}
		for {
			owner, err := w.durable(ctx, name)
			if err == nil {
				d.Owner = owner
				return owner == d.ID
			}
			if ctx.Err() != nil {
				return false
			}
			if errors.Is(err, fs.ErrNotExist) {
				d.Resent = true
				break // the same bytes again
			}
			pause(ctx, 50*time.Millisecond)
		}
	}
}

// durable reads who owns a slot for ever.
func (w *worker) durable(ctx context.Context, name string) (owner string, err error) {
	if _, err := read(ctx, w.store, name); err != nil {
		return "", err
	}
	if d, err := w.store.Confirm(ctx, name); d != storage.Durable {
		return "", fmt.Errorf("%v: %w", d, errors.Join(err, errUnclear))
	}
	e, err := read(ctx, w.store, name)
	return e.ID, err
}

var errUnclear = errors.New("not durable")

// read reads a slot once, whole.
func read(ctx context.Context, s storage.Store, name string) (e entry, err error) {
	o, err := s.Open(ctx, name, 0, -1)
	if err != nil {
		return e, err
	}
	defer o.Close()
	b, err := io.ReadAll(o)
	if err != nil {
		return e, err
	}
	if err := json.Unmarshal(b, &e); err != nil || e.ID == "" {
		return e, fmt.Errorf("%s is torn: %q", name, b)
	}
	return e, nil
}

func newID() string {
	var b [8]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// A committer appends records by offsets.Log, as jobs do, until ctx ends.
type committer struct {
	worker
}

func (w *committer) run(ctx context.Context) {
	log := offsets.Open(offsets.Options{Store: w.store, Topic: w.topic, Run: newID(), Writer: offsets.Writer{Host: w.name, Build: "test"}})
	for ctx.Err() == nil {
		attempt := newID()
		r, err := log.Append(ctx, func(s *offsets.State) (offsets.Body, error) {
			return &offsets.Fence{Attempts: []string{attempt}}, nil
		})
		d := verdict{Worker: w.name, ID: attempt, Time: time.Now()}
		switch {
		case err == nil:
			d.V, d.Owner = r.V, attempt
		case errors.Is(err, offsets.ErrUnresolved):
		case errors.Is(err, offsets.ErrDamaged):
			d.V, d.Owner = -1, err.Error()
		default:
			d.V = -2 // nothing of it can stand in the log
		}
		w.tell(d)
		pause(ctx, time.Duration(mathrand.Int64N(int64(20*time.Millisecond))))
	}
}

// A register runs workers and collects what they say.
type register struct {
	t       *testing.T
	c       *hdfsbed.Cluster
	root    string
	topic   string // of the worker's records
	commits string // topic of the committers' records

	stop context.CancelFunc
	done sync.WaitGroup

	mu       sync.Mutex
	verdicts map[string][]verdict // by topic
	newest   int64                // slot of the topic that has an owner
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

// progress waits until so many more slots have owners, and at least one more record of the committers is there.
func (r *register) progress(slots int64) {
	r.t.Helper()
	begun := time.Now()
	r.mu.Lock()
	from, commits := r.newest, len(r.verdicts[r.commits])
	r.mu.Unlock()
	for {
		r.mu.Lock()
		now, moreCommits := r.newest, len(r.verdicts[r.commits])
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

// end stops the workers, and checks what they said against the log that stays.
func (r *register) end() {
	r.t.Helper()
	r.stop()
	r.done.Wait()
	final := r.log(r.topic)
	r.judge(final)
	commits := r.log(r.commits)
	r.judgeCommits(commits)

	// What an active name node shows need not be what stays: only a restart of all of them tells.
	restart(r.t, r.c)
	for topic, before := range map[string][][]byte{r.topic: final, r.commits: commits} {
		after := r.log(topic)
		if len(after) != len(before) {
			r.t.Errorf("%s: %d slots after a restart, %d before", topic, len(after), len(before))
		}
		for i := range min(len(after), len(before)) {
			if !bytes.Equal(after[i], before[i]) {
				r.t.Errorf("%s: slot %d differs after a restart:\n%s\n%s", topic, i+1, before[i], after[i])
			}
		}
	}
}

// log reads all slots, by a client that is not the product's.
func (r *register) log(topic string) (slots [][]byte) {
	r.t.Helper()
	ctx := r.t.Context()
	f, err := r.c.FS(hdfsbed.Superuser).Here(ctx)
	must(r.t, err)
	folder := r.root + "/" + offsets.Dir(topic) + "/log"
	entries, err := f.List(ctx, folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	must(r.t, err)
	for _, s := range entries {
		if strings.HasPrefix(s.Suffix, storage.TemporaryPrefix) {
			continue
		}
		v := int64(len(slots) + 1)
		if s.Path != r.root+"/"+offsets.LogName(topic, v) {
			r.t.Fatalf("%s stands where slot %d should", s.Path, v)
		}
		inside, err := f.List(ctx, s.Path)
		must(r.t, err)
		if len(inside) != 1 {
			r.t.Fatalf("slot %d holds %d files", v, len(inside))
		}
		b, err := f.ReadFile(ctx, inside[0].Path)
		must(r.t, err)
		slots = append(slots, b)
	}
	return slots
}

// judge compares each verdict with the log.
func (r *register) judge(log [][]byte) {
	r.t.Helper()
	ids := map[string]int64{}
	owners := make([]string, len(log)+1)
	for i, b := range log {
		v := int64(i + 1)
		var e entry
		if err := json.Unmarshal(b, &e); err != nil || e.V != v || e.ID == "" {
			r.t.Errorf("slot %d is torn or another's: %v, %.100q", v, err, b)
		}
		if at, twice := ids[e.ID]; twice {
			r.t.Errorf("slots %d and %d have one id", at, v)
		}
		ids[e.ID], owners[v] = v, e.ID
	}
	winners := map[int64]string{}
	proposed := map[string]bool{}
	wins := map[string]int{}
	var lost, unknown, unclear, resent int
	for _, d := range r.verdicts[r.topic] {
		proposed[d.ID] = true
		if d.Resent {
			resent++
		}
		unclear += d.Unclear
		switch {
		case d.Owner == "":
			unknown++
			continue
		case d.V >= int64(len(owners)) || owners[d.V] != d.Owner:
			r.t.Errorf("slot %d: %s concluded at %s that it is %s's (it proposed %s), which is not true", d.V, d.Worker, d.Time.Format("15:04:05.000"), d.Owner, d.ID)
		case d.Owner != d.ID:
			lost++
			continue
		}
		if other, two := winners[d.V]; two {
			r.t.Errorf("slot %d has two winners: %s and %s", d.V, other, d.Worker)
		}
		winners[d.V] = d.Worker
		wins[d.Worker]++
	}
	for v, id := range owners {
		if v > 0 && !proposed[id] {
			r.t.Errorf("slot %d holds %s, which nobody proposed", v, id)
		}
	}
	r.t.Logf("%d slots, won %v; verdicts: %d lost, %d unknown at the end; %d puts without an answer, after %d of them the slot was empty", len(log), wins, lost, unknown, unclear, resent)
	if lost == 0 || len(wins) < 2 {
		r.t.Error("the workers did not contend")
	}
}

// judgeCommits compares what committers were told with the log.
func (r *register) judgeCommits(log [][]byte) {
	r.t.Helper()
	at := map[string]int64{}
	var all []*offsets.Record
	for i, b := range log {
		rec, err := offsets.Decode(b)
		if err != nil {
			r.t.Errorf("record %d: %v", i+1, err)
			continue
		}
		all = append(all, rec)
		id := rec.Body.(*offsets.Fence).Attempts[0]
		if v, twice := at[id]; twice {
			r.t.Errorf("attempt %s stands in slots %d and %d", id, v, rec.V)
		}
		at[id] = rec.V
	}
	if _, err := offsets.FoldAll(func(yield func(*offsets.Record, error) bool) {
		for _, rec := range all {
			if !yield(rec, nil) {
				return
			}
		}
	}); err != nil {
		r.t.Error(err)
	}
	told, failed := 0, 0
	for _, d := range r.verdicts[r.commits] {
		v, there := at[d.ID]
		switch {
		case d.V == -1:
			r.t.Errorf("%s: %s", d.Worker, d.Owner)
		case d.V == -2:
			failed++
			if there {
				r.t.Errorf("%s was told that %s was not appended, and it stands in slot %d", d.Worker, d.ID, v)
			}
		case d.V > 0:
			told++
			if v != d.V {
				r.t.Errorf("%s was told that %s stands in slot %d, and it stands in %d", d.Worker, d.ID, d.V, v)
			}
		}
		delete(at, d.ID)
	}
	for id, v := range at {
		r.t.Errorf("slot %d holds %s, which nobody proposed", v, id)
	}
	r.t.Logf("%d records appended, %d of them told, %d proposals failed", len(log), told, failed)
}
