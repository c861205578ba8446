package jobs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shadoof/extract"
	"shadoof/offsets"
	"shadoof/storage"
	"shadoof/storage/memory"
)

// healthy is an examiner to whom all is well, and who remembers what it was asked.
type healthy struct {
	mu   sync.Mutex
	uses map[string]extract.Use
}

func (h *healthy) ExamineCluster(context.Context) []storage.Finding {
	return one(storage.Good, "cluster", "id c")
}

func (h *healthy) ExamineTopic(_ context.Context, u extract.Use) []storage.Finding {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.uses == nil {
		h.uses = map[string]extract.Use{}
	}
	h.uses[u.Topic] = u
	return one(storage.Good, "ACL READ", "read")
}

// doctors are those of a healthy world.
func (w *world) doctors() Doctors {
	return Doctors{
		Kafka: &healthy{},
		Open:  func(context.Context) (storage.Store, error) { return w.store, nil },
		Check: func(context.Context, func() (storage.Store, error)) []storage.Finding {
			return one(storage.Good, "of many that create at once one wins", "32 racers")
		},
		Patience: 5 * time.Second, ContractPatience: 5 * time.Second,
	}
}

// visited is what a doctor finds, as lines "area topic: grade name".
func (w *world) visited(d Doctors, sel Selection) (*DoctorReport, []string) {
	w.t.Helper()
	r, err := w.process(nil).Doctor(w.t.Context(), d, sel)
	if err != nil {
		w.t.Fatal(err)
	}
	var lines []string
	for _, c := range r.Checks {
		lines = append(lines, strings.TrimSpace(c.Area+" "+c.Topic)+": "+c.Grade+" "+c.Name)
		if c.Detail == "" {
			w.t.Errorf("%s has no detail", c.Name)
		}
	}
	return r, lines
}

// finds fails the test unless a check has this grade and name, and says this.
func finds(t *testing.T, r *DoctorReport, grade storage.Grade, name, says string) {
	t.Helper()
	for _, c := range r.Checks {
		if c.Name == name && c.Grade == grade.String() && strings.Contains(c.Detail, says) {
			return
		}
	}
	t.Errorf("no check %q is %s and says %q; there are:", name, grade, says)
	for _, c := range r.Checks {
		t.Logf("%-7s %-8s %-11s %-25s %s", c.Area, c.Topic, c.Grade, c.Name, c.Detail)
	}
}

func TestADoctorMarksANewRootThatIsFit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.source.create("orders", "id-1", 1).add(0, 10, day, time.Second)
	r, lines := w.visited(w.doctors(), Selection{})
	want := []string{
		"config: ok job tests", "kafka: ok cluster", "store: ok opens", "store: ok root", "store: ok of many that create at once one wins", "store: ok _shadoof/store.json",
		"topic orders: ok settings", "topic orders: ok ACL READ", "topic orders: ok commit log", "topic orders: ok staged leftovers",
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if r.ExitCode() != ExitDone {
		t.Errorf("exit %d", r.ExitCode())
	}
	if diff := cmp.Diff([]string{storeName}, w.store.Objects()); diff != "" {
		t.Errorf("written (-want +got):\n%s", diff)
	}

	// A run need not probe what the doctor found fit; and the next doctor changes nothing.
	written := string(w.store.Bytes(storeName))
	e := w.process(w.store)
	e.drivers.Probe = func(context.Context, storage.Store) error { return errors.New("probed again") }
	if code := w.run(e).ExitCode(); code != ExitDone {
		t.Errorf("the run exits %d", code)
	}
	r, _ = w.visited(w.doctors(), Selection{})
	finds(t, r, storage.Good, "root", "layout 1, id ")
	finds(t, r, storage.Good, "commit log", "all is published")
	finds(t, r, storage.Good, "committed offsets", "at the end")
	if got := string(w.store.Bytes(storeName)); got != written {
		t.Errorf("store.json was %s and is %s", written, got)
	}
}

func TestADoctorDoesNotMarkARootThatIsUnfit(t *testing.T) {
	t.Parallel()
	for grade, code := range map[storage.Grade]int{storage.Bad: ExitHalted, storage.Absent: ExitFailed} {
		w := newWorld(t)
		w.source.create("orders", "id-1", 1)
		d := w.doctors()
		d.Check = func(context.Context, func() (storage.Store, error)) []storage.Finding {
			return one(grade, "one wins", "no")
		}
		r, _ := w.visited(d, Selection{})
		finds(t, r, storage.Unseen, storeName, "not written")
		if r.ExitCode() != code || len(w.store.Objects()) > 0 {
			t.Errorf("%s: exit %d, want %d; %q", grade, r.ExitCode(), code, w.store.Objects())
		}
	}
}

func TestADoctorOpensAStoreForEachRacer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.source.create("orders", "id-1", 1)
	d := w.doctors()
	var opened atomic.Int32
	d.Open = func(context.Context) (storage.Store, error) { opened.Add(1); return w.store, nil }
	d.Check = func(_ context.Context, open func() (storage.Store, error)) []storage.Finding {
		for range 32 {
			if _, err := open(); err != nil {
				t.Error(err)
			}
		}
		return nil
	}
	w.visited(d, Selection{})
	if n := opened.Load(); n != 33 {
		t.Errorf("opened %d times", n)
	}
}

func TestADoctorSaysWhatDoesNotOpenOrAnswer(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err   error
		grade storage.Grade
		code  int
	}{
		"down":    {errors.New("connection refused"), storage.Absent, ExitFailed},
		"refused": {fmt.Errorf("open: %w", fs.ErrPermission), storage.Bad, ExitHalted},
		"unfit":   {fmt.Errorf("open: %w", storage.ErrUnfit), storage.Bad, ExitHalted},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.source.create("orders", "id-1", 1)
			d := w.doctors()
			d.Open = func(context.Context) (storage.Store, error) { return nil, test.err }
			r, _ := w.visited(d, Selection{})
			finds(t, r, test.grade, "opens", test.err.Error())
			finds(t, r, storage.Good, "ACL READ", "read")
			if r.ExitCode() != test.code {
				t.Errorf("exit %d", r.ExitCode())
			}
		})
	}
}

// A store that hangs for ever, and does not heed its context, is unreachable after a while.
func TestAHungStoreIsUnreachable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.source.create("orders", "id-1", 1)
	end := make(chan struct{})
	t.Cleanup(func() { close(end) })
	hang := func(context.Context) (storage.Store, error) { <-end; return nil, nil }
	d := w.doctors()
	d.Patience = 50 * time.Millisecond
	d.Open = hang
	r, _ := w.visited(d, Selection{})
	finds(t, r, storage.Absent, "opens", "it hangs")
	finds(t, r, storage.Good, "cluster", "id c")

	d = w.doctors()
	d.ContractPatience = 50 * time.Millisecond
	d.Check = func(context.Context, func() (storage.Store, error)) []storage.Finding { <-end; return nil }
	r, _ = w.visited(d, Selection{})
	finds(t, r, storage.Absent, "keeps the contract", "it hangs")
	if r.ExitCode() != ExitFailed || len(w.store.Objects()) > 0 {
		t.Errorf("exit %d, %q", r.ExitCode(), w.store.Objects())
	}
}

// deaf is a cluster that does not answer.
type deaf struct{ *memSource }

func (deaf) Topics(context.Context) ([]string, error) { return nil, errors.New("no broker answered") }

func TestWithoutKafkaTheStoreIsExaminedAllTheSame(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.process(nil)
	e.source = deaf{w.source}
	r, err := e.Doctor(t.Context(), w.doctors(), Selection{})
	if err != nil {
		t.Fatal(err)
	}
	finds(t, r, storage.Absent, "topics are listed", "no broker answered")
	finds(t, r, storage.Good, "commit log", "never lifted")
	finds(t, r, storage.Good, "of many that create at once one wins", "")
	if r.ExitCode() != ExitFailed {
		t.Errorf("exit %d", r.ExitCode())
	}
}

func TestADoctorKnowsTheScheduleAndTheBounds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.configure(strings.Replace(testConfig, "partition:", "schedule: \"0 */6 * * *\"\n    partition:", 1))
	w.source.create("orders", "id-1", 1)
	h := &healthy{}
	d := w.doctors()
	d.Kafka = h
	w.visited(d, Selection{})
	got := h.uses["orders"]
	if got.Every != 6*time.Hour || got.MaxFuture != 24*time.Hour || got.Memory < lifterMemory {
		t.Errorf("%+v", got)
	}
}

func TestASelectionThatNamesNothingIsUsage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.source.create("orders", "id-1", 1)
	for _, sel := range []Selection{{Jobs: []string{"nobody"}}, {Topics: []string{"nothing"}}} {
		if _, err := w.process(nil).Doctor(t.Context(), w.doctors(), sel); ExitCode(err) != ExitUsage {
			t.Errorf("%+v: %v", sel, err)
		}
	}
	if len(w.store.Objects()) > 0 {
		t.Errorf("written: %q", w.store.Objects())
	}
}

func TestADoctorLeavesARootOfANewerLayoutAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.source.create("orders", "id-1", 1)
	if _, err := w.store.PutNew(t.Context(), storeName, []byte(`{"layout":2}`)); err != nil {
		t.Fatal(err)
	}
	d := w.doctors()
	d.Check = func(context.Context, func() (storage.Store, error)) []storage.Finding {
		t.Error("the contract was tried")
		return nil
	}
	r, _ := w.visited(d, Selection{})
	finds(t, r, storage.Bad, "root", "layout version 2")
	if r.ExitCode() != ExitHalted {
		t.Errorf("exit %d", r.ExitCode())
	}
}

func TestADoctorSeesWhatWaitsForARunOrForGC(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topic := w.source.create("orders", "id-1", 1)
	topic.add(0, 10, day, time.Second)
	w.runClean()

	// A run that dies before it publishes, and one that dies before it commits.
	topic.add(0, 10, day.Add(time.Hour), time.Second)
	for _, op := range []memory.Op{memory.OpPublish, memory.OpPutNew} {
		dying, cancel := context.WithCancel(t.Context())
		store := w.store.Attach(memory.Options{Clock: w.clock, Hook: func(c memory.Call) memory.Verdict {
			if c.Op == op && (op == memory.OpPublish || strings.Contains(c.Name, "/log/")) || dying.Err() != nil {
				cancel()
				return memory.Lose
			}
			return memory.Proceed
		}})
		e := w.process(store)
		e.pause = func(ctx context.Context, _ int) error { return context.Canceled }
		_, _ = e.Run(dying, RunOptions{})
		cancel()
		r, _ := w.visited(w.doctors(), Selection{})
		switch op {
		case memory.OpPublish:
			finds(t, r, storage.Doubt, "commit log", "shadoof run --topic orders")
			w.runClean()
			topic.add(0, 10, day.Add(2*time.Hour), time.Second)
		default:
			w.sleep(25 * time.Hour)
			r, _ = w.visited(w.doctors(), Selection{})
			finds(t, r, storage.Doubt, "staged leftovers", "shadoof gc --topic orders")
			finds(t, r, storage.Good, "committed offsets", "10 offsets behind the end")
		}
		if r.ExitCode() != ExitDone {
			t.Errorf("%s: exit %d", op, r.ExitCode())
		}
	}
}

func TestADoctorSeesWhatTheNextRunWouldHaltAt(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		happens func(w *world)
		says    string
	}{
		"recreated": {func(w *world) { w.source.create("orders", "id-2", 1) }, "the topic was recreated"},
		"lost": {func(w *world) {
			p := w.source.topics["orders"].parts[0]
			w.source.topics["orders"].add(0, 20, day, 1)
			p.start = 15
		}, "5 offsets were deleted"},
		"truncated": {func(w *world) { p := w.source.topics["orders"].parts[0]; p.slots = p.slots[:4] }, "6 offsets below"},
	} {
		for policy, grade := range map[string]storage.Grade{"halt": storage.Bad, "record": storage.Doubt} {
			t.Run(name+" "+policy, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				w.configure(testConfig + fmt.Sprintf("    policy: {topic_recreated: %s, lost_records: %s, truncated: %s}\n", policy, policy, policy))
				w.source.create("orders", "id-1", 1).add(0, 10, day, time.Second)
				w.runClean()
				test.happens(w)
				r, _ := w.visited(w.doctors(), Selection{})
				finds(t, r, grade, "committed offsets", test.says)
			})
		}
	}
	w := newWorld(t)
	w.source.create("orders", "id-1", 1)
	if _, err := w.store.PutNew(t.Context(), offsets.LogName("orders", 1), []byte(`{"format":9,"level":9}`+"\n")); err != nil {
		t.Fatal(err)
	}
	r, _ := w.visited(w.doctors(), Selection{})
	finds(t, r, storage.Bad, "commit log", "newer shadoof")
	w = newWorld(t)
	w.source.create("orders", "id-1", 1)
	w.store.Tamper("orders/other.parquet", []byte("x"))
	r, _ = w.visited(w.doctors(), Selection{})
	finds(t, r, storage.Bad, "commit log", "--accept-existing")
}

// examined is a store that looks at itself, and refuses to move files.
type examinedStore struct {
	storage.Store
	moves []storage.Move
}

func (s *examinedStore) Examine(_ context.Context, moves []storage.Move) []storage.Finding {
	s.moves = moves
	return one(storage.Doubt, "lifecycle", "look out")
}

func (s *examinedStore) TryMove(_ context.Context, m storage.Move) error {
	return fmt.Errorf("%w: %s is an encryption zone", storage.ErrUnfit, m.Folder)
}

func TestAStoresOwnFindingsAreTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.source.create("orders", "id-1", 1)
	s := &examinedStore{Store: w.store}
	d := w.doctors()
	d.Open = func(context.Context) (storage.Store, error) { return s, nil }
	r, _ := w.visited(d, Selection{})
	finds(t, r, storage.Doubt, "lifecycle", "look out")
	finds(t, r, storage.Bad, "publishing", "encryption zone")
	finds(t, r, storage.Unseen, storeName, "not written")
	want := []storage.Move{{Staging: "_shadoof/topics/orders/staging", Folder: "orders"}, {Staging: "_shadoof/topics/orders/staging", Folder: "_shadoof/topics/orders/quarantine"}}
	if diff := cmp.Diff(want, s.moves); diff != "" {
		t.Errorf("moves (-want +got):\n%s", diff)
	}
}
