package jobs

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shadoof/config"
	"shadoof/offsets"
	"shadoof/record"
	"shadoof/storage"
	"shadoof/storage/memory"
	"shadoof/writers"
)

// day is when the tests take place.
var day = time.Date(2026, 11, 20, 13, 0, 0, 0, time.UTC)

// A world is a cluster, a store, and a configuration, in which processes run jobs.
type world struct {
	t      *testing.T
	source *memSource
	store  *memory.Store // as an onlooker sees it
	cfg    *config.Config

	whole bool // quarantine files hold whole records: see wholeLines

	mu  sync.Mutex
	ids uint64
	now time.Time
}

const testConfig = `
kafka: {brokers: ["127.0.0.1:9092"]}
store: {url: "file:///nowhere"}
jobs:
  - name: tests
    topics: [orders]
    value: {format: string}
    partition: {min: 2015-01-01}
    output: {target_size: 1MiB}
`

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, source: newMemSource(), now: day.Add(5 * time.Hour)}
	w.store = memory.New(memory.Options{Clock: w.clock})
	w.configure(testConfig)
	return w
}

func (w *world) configure(doc string) {
	w.t.Helper()
	cfg, err := config.Parse("shadoof.yaml", []byte(doc), func(string) (string, bool) { return "", false })
	if err != nil {
		w.t.Fatal(err)
	}
	w.cfg = cfg
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(time.Millisecond)
	if w.now.UnixMilli()%10 == 0 {
		w.now = w.now.Add(time.Millisecond) // times have as many digits as each other: records of golden traces keep their size
	}
	return w.now
}

func (w *world) sleep(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// Read makes the world the source of ids: each is another one, and the same in every run of a test.
func (w *world) Read(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ids++
	r := rand.New(rand.NewPCG(w.ids, 7))
	for i := range p {
		p[i] = byte(r.Uint32())
	}
	return len(p), nil
}

// fork is the same world as it is now, with a store of its own.
func (w *world) fork() *world {
	f := &world{t: w.t, source: w.source, cfg: w.cfg, whole: w.whole, ids: w.ids, now: w.now}
	f.store = w.store.Clone(memory.Options{Clock: f.clock})
	return f
}

// process is a new process in this world that sees the store as s.
func (w *world) process(s storage.Store) *Env {
	e := New(w.cfg, Deps{
		Store: s, Endpoint: "memory", Source: w.source, Now: w.clock, Rand: w, Log: slog.New(slog.DiscardHandler), Writer: offsets.Writer{Host: "test", Build: "test"},
		Drivers: Drivers{
			Schema: func(config.Value, string) (string, string, error) { return "", "", nil },
			Decoder: func(s *Settings, _ FindSchema) (record.Decoder, error) {
				if s.Format == "bytes" {
					return record.NewBytesDecoder(), nil
				}
				return record.NewStringDecoder(), nil
			},
			Format: func(OutputSettings) (writers.Format, error) {
				if w.whole {
					return wholeLines{}, nil
				}
				return lines{}, nil
			},
			Reader: func(string) (writers.Reader, error) {
				if w.whole {
					return wholeLines{}, nil
				}
				return lines{}, nil
			},
			Probe: func(context.Context, storage.Store) error { return nil },
		},
		Pause: func(ctx context.Context, _ int) error { w.sleep(time.Second); return ctx.Err() },
		Lost:  3 * time.Second,
	})
	e.parallel, e.publishers = 1, 1
	return e
}

// attach is a look at the store that counts.
func (w *world) attach() *memory.Store { return w.store.Attach(memory.Options{}) }

func (w *world) run(e *Env) *RunReport {
	w.t.Helper()
	r, err := e.Run(context.Background(), RunOptions{})
	if err != nil {
		w.t.Fatalf("run: %v", err)
	}
	return r
}

// runClean is a run that must succeed.
func (w *world) runClean() *RunReport {
	w.t.Helper()
	r := w.run(w.process(w.store))
	if got := r.ExitCode(); got != ExitDone {
		w.t.Fatalf("a clean run exits %d: %s", got, reportText(r))
	}
	return r
}

func reportText(r *RunReport) string {
	b, _ := json.MarshalIndent(r, "", " ")
	return string(b)
}

// lines is a file format for tests: a line of partition and offset for each row.
type lines struct{}

func (lines) Extension() string { return ".parquet" }

func (lines) NewEncoder(w io.Writer, _ *record.Schema, _ map[string]string) (writers.Encoder, error) {
	return &lineEncoder{w: w}, nil
}

type lineEncoder struct {
	w io.Writer
	n int64
}

func (e *lineEncoder) WriteRows(c *record.Columns) error {
	var p, o *record.Column
	for i := range c.Leaves {
		switch c.Leaves[i].Path[0] {
		case record.PartitionColumn:
			p = &c.Leaves[i]
		case record.OffsetColumn:
			o = &c.Leaves[i]
		}
	}
	for i := range o.Int64s {
		n, err := fmt.Fprintf(e.w, "%d %d\n", p.Int32s[i], o.Int64s[i])
		if err != nil {
			return err
		}
		e.n += int64(n)
	}
	return nil
}

func (e *lineEncoder) Close() error {
	n, err := io.WriteString(e.w, "end\n")
	e.n += int64(n)
	return err
}
func (e *lineEncoder) Written() int64  { return e.n }
func (e *lineEncoder) Buffered() int64 { return 0 }

func (lines) Identity(_ context.Context, r io.ReaderAt, size int64) (writers.Identity, error) {
	id := writers.Identity{HasKafkaColumns: true}
	b := make([]byte, size)
	if _, err := r.ReadAt(b, 0); err != nil && err != io.EOF {
		return id, err
	}
	rows, err := parseLines(b)
	for _, row := range rows {
		id.Add(row.partition, row.offset)
		id.Rows++
	}
	return id, err
}

type row struct {
	partition int32
	offset    int64
}

func parseLines(b []byte) (rows []row, err error) {
	sc := bufio.NewScanner(bytes.NewReader(b))
	for sc.Scan() {
		if sc.Text() == "end" {
			return rows, nil
		}
		var r row
		if _, err := fmt.Sscan(sc.Text(), &r.partition, &r.offset); err != nil {
			return rows, err
		}
		rows = append(rows, r)
	}
	return rows, fmt.Errorf("no end: %w", io.ErrUnexpectedEOF)
}

// visible reads all rows that a reader of the topic's folder sees, and how often.
func (w *world) visible(topic string) map[row]int {
	w.t.Helper()
	out := map[row]int{}
	for name, data := range w.store.Contents() {
		if !strings.HasPrefix(name, topic+"/") || isSuccess(name) {
			continue
		}
		rows, err := parseLines(data)
		if err != nil {
			w.t.Errorf("%s is visible and not whole: %v", name, err)
		}
		for _, r := range rows {
			out[r]++
		}
	}
	return out
}

// entitled is what readers must see of a topic: each record with a value, once.
func (w *world) entitled(topic string) map[row]int {
	out := map[row]int{}
	for i, p := range w.source.topics[topic].parts {
		for o, slot := range p.slots {
			if slot.kind == aRecord && slot.val != nil && int64(o) >= p.start {
				out[row{int32(i), int64(o)}]++
			}
		}
	}
	return out
}

// checkExact fails the test unless every record is visible once, and the log accounts for every offset.
func (w *world) checkExact(what string) {
	w.t.Helper()
	if diff := cmp.Diff(w.entitled("orders"), w.visible("orders"), cmp.AllowUnexported(row{})); diff != "" {
		w.t.Fatalf("%s: entitled (-) and visible (+) rows differ:\n%s", what, diff)
	}
	w.checkVerified(what)
}

func (w *world) checkVerified(what string) {
	w.t.Helper()
	v, err := w.process(w.store).Verify(context.Background(), Selection{}, true)
	if err != nil {
		w.t.Fatalf("%s: verify: %v", what, err)
	}
	for _, t := range v.Topics {
		if len(t.Differences)+len(t.Pending) > 0 {
			w.t.Fatalf("%s: verify: differences %q, pending %v", what, t.Differences, t.Pending)
		}
	}
}

// named remembers the keys that a record names, by its bytes: they never change.
var named sync.Map

func keysNamedBy(record []byte) []string {
	if keys, ok := named.Load(string(record)); ok {
		return keys.([]string)
	}
	keys := []string{}
	if r, err := offsets.Decode(record); err == nil && r.Lift() != nil {
		for _, b := range r.Lift().Bundles {
			for _, f := range b.Files {
				keys = append(keys, f.Key)
			}
		}
	}
	named.Store(string(record), keys)
	return keys
}

// unnamed lists visible files of the topic's folder that no record of the log names: there must be none at any moment.
func unnamed(s *memory.Store) []string {
	named := map[string]bool{}
	var files []string
	for _, name := range s.Objects() {
		switch {
		case strings.Contains(name, "/log/"):
			for _, key := range keysNamedBy(s.Bytes(name)) {
				named[key] = true
			}
		case isSuccess(name):
		case strings.HasPrefix(name, "orders/"), strings.Contains(name, "/quarantine/"):
			files = append(files, name)
		}
	}
	var out []string
	for _, f := range files {
		if !named[f] {
			out = append(out, f)
		}
	}
	sort.Strings(out)
	return out
}
