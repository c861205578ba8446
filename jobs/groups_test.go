package jobs

import (
	"context"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shadoof/extract"
	"shadoof/offsets"
	"shadoof/storage"
)

// memGroups are consumer groups in memory.
type memGroups struct {
	mu        sync.Mutex
	members   map[string][]extract.Member
	positions map[string]map[int32]extract.Position // by group and topic
	joins     map[string]bool                       // somebody joins right before positions are set
}

func newMemGroups() *memGroups {
	return &memGroups{members: map[string][]extract.Member{}, positions: map[string]map[int32]extract.Position{}, joins: map[string]bool{}}
}

func (g *memGroups) Group(_ context.Context, name string) (*extract.Group, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return &extract.Group{Name: name, Members: g.members[name]}, nil
}

func (g *memGroups) Positions(_ context.Context, group string, t *extract.Topic) (map[int32]extract.Position, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return maps.Clone(g.positions[group+" "+t.Name]), nil
}

func (g *memGroups) SetPositions(_ context.Context, group string, t *extract.Topic, p map[int32]extract.Position) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.joins[group] {
		g.members[group] = []extract.Member{{ID: "m-1", Client: "late", Host: "/h"}}
	}
	if len(g.members[group]) > 0 {
		return extract.ErrGroupActive
	}
	have := g.positions[group+" "+t.Name]
	if have == nil {
		have = map[int32]extract.Position{}
		g.positions[group+" "+t.Name] = have
	}
	maps.Copy(have, p)
	return nil
}

func (w *world) withGroups(g *memGroups) *Env {
	e := w.process(w.store)
	e.groups = g
	return e
}

func TestMirrorWritesWhatTheLogSays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	twoHours(w)
	w.runClean()
	g := newMemGroups()
	for range 2 {
		report, err := w.withGroups(g).Mirror(t.Context(), MirrorRequest{})
		if err != nil || report.ExitCode() != ExitDone {
			t.Fatalf("%+v, %v", report, err)
		}
		want := map[int32]extract.Position{0: {Offset: 24, Metadata: "shadoof v=2"}, 1: {Offset: 5, Metadata: "shadoof v=2"}}
		if d := cmp.Diff(want, g.positions["shadoof-tests orders"]); d != "" {
			t.Errorf("positions (-want +got):\n%s", d)
		}
	}
}

// Behind a skip it is not known of which epoch what lies before the position is.
func TestMirrorKnowsNoEpochBehindASkip(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.source.create("orders", strings.Repeat("ab", 16), 1).parts[0]
	p.ofEpochs(times(10, 1)...)
	w.runClean()
	p.ofEpochs(times(10, 2)...)
	g := newMemGroups()
	mirrored := func(want extract.Position) {
		t.Helper()
		if _, err := w.withGroups(g).Mirror(t.Context(), MirrorRequest{}); err != nil {
			t.Fatal(err)
		}
		if got := g.positions["shadoof-tests orders"][0]; got.Offset != want.Offset || got.Epoch != want.Epoch {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	mirrored(extract.Position{Offset: 10, Epoch: 1})
	w.skip("orders", 0, 15)
	mirrored(extract.Position{Offset: 15, Epoch: -1})
	w.runClean()
	mirrored(extract.Position{Offset: 20, Epoch: 2})
}

func TestMirrorRefusesWhatIsNotItsOwn(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(w *world, topic *memTopic, g *memGroups)
		code   int
		words  string
	}{
		"a member": {func(_ *world, _ *memTopic, g *memGroups) {
			g.members["shadoof-tests"] = []extract.Member{{ID: "m-1", Client: "billing", Host: "/10.0.0.1"}}
		}, ExitUsage, "m-1 (client billing at /10.0.0.1)"},
		"a member that joins meanwhile": {func(_ *world, _ *memTopic, g *memGroups) { g.joins["shadoof-tests"] = true }, ExitUsage, "client late"},
		"somebody's position": {func(_ *world, _ *memTopic, g *memGroups) {
			g.positions["shadoof-tests orders"] = map[int32]extract.Position{1: {Offset: 3, Metadata: "theirs"}}
		}, ExitUsage, "orders/1: somebody else has put consumer group shadoof-tests at 3, and 5 is committed"},
		"another topic":   {func(w *world, _ *memTopic, _ *memGroups) { w.source.create("orders", strings.Repeat("cd", 16), 2) }, ExitHalted, "was recreated"},
		"another cluster": {func(w *world, _ *memTopic, _ *memGroups) { w.source.cluster = "cluster-b" }, ExitHalted, "was moved"},
		"another batch": {func(w *world, topic *memTopic, _ *memGroups) {
			topic.parts[1].slots[4].val = []byte("another")
		}, ExitHalted, "was recreated"},
		"a cut log": {func(_ *world, topic *memTopic, _ *memGroups) { topic.parts[1].slots = topic.parts[1].slots[:2] }, ExitHalted, "ends at 2, below the committed offset 5"},
	} {
		w := newWorld(t)
		topic := twoHours(w)
		if name == "another batch" {
			topic.id = ""
		}
		w.runClean()
		g := newMemGroups()
		c.change(w, topic, g)
		before := maps.Clone(g.positions["shadoof-tests orders"])
		report, err := w.withGroups(g).Mirror(t.Context(), MirrorRequest{})
		if err != nil || report.ExitCode() != c.code || !strings.Contains(report.Topics[0].Error, c.words) {
			t.Errorf("%s: exit %d, want %d, and %q in: %s (%v)", name, report.ExitCode(), c.code, c.words, report.Topics[0].Error, err)
		}
		if d := cmp.Diff(before, g.positions["shadoof-tests orders"]); d != "" {
			t.Errorf("%s: positions were written (-before +after):\n%s", name, d)
		}
	}
}

func importable(w *world) *memTopic {
	topic := w.source.create("orders", strings.Repeat("ab", 16), 2)
	topic.add(0, 20, day, time.Minute)
	topic.add(1, 5, day, time.Minute)
	return topic
}

var fromFile = ImportRequest{File: []FilePosition{{"orders", 0, 7, 1}, {"orders", 1, 5, 2}}}

func TestAnImportIsAFirstRunsRecord(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	importable(w)
	dry := fromFile
	dry.DryRun = true
	report, err := w.withGroups(nil).Import(t.Context(), dry)
	if err != nil || report.Topics[0].Outcome != Importable || len(w.store.Objects()) > 0 {
		t.Fatalf("a dry run: %+v, %v, and %q", report.Topics, err, w.store.Objects())
	}
	for _, want := range []ImportOutcome{Imported, Unchanged} {
		report, err := w.withGroups(nil).Import(t.Context(), fromFile)
		if err != nil || report.Topics[0].Outcome != want {
			t.Fatalf("%+v, %v; want %s", report.Topics, err, want)
		}
	}
	if r := w.runClean(); r.Topics[0].Rows != 13 {
		t.Errorf("%d rows were lifted, want 13 from offset 7 on", r.Topics[0].Rows)
	}
	w.checkVerified("after the import")
	other := ImportRequest{File: []FilePosition{{"orders", 0, 8, 1}, {"orders", 1, 5, 2}}}
	if _, err := w.withGroups(nil).Import(t.Context(), other); ExitCode(err) != ExitUsage || !strings.Contains(err.Error(), "has a commit log already (version 2)") {
		t.Errorf("an import into a log: %v", err)
	}
}

// Whoever writes the first record decides; the other sees that.
func TestAnImportBesideAFirstRunWinsOrLosesCleanly(t *testing.T) {
	t.Parallel()
	for _, winner := range []string{"run", "import"} {
		w := newWorld(t)
		importable(w)
		e := w.withGroups(nil)
		e.store = &racing{Store: w.store, before: func() {
			if winner == "run" {
				w.runClean()
				return
			}
			if _, err := w.withGroups(nil).Import(context.Background(), fromFile); err != nil {
				t.Error(err)
			}
		}}
		var err error
		if winner == "run" {
			_, err = e.Import(t.Context(), fromFile)
			if ExitCode(err) != ExitUsage || !strings.Contains(err.Error(), "has a commit log already") {
				t.Errorf("an import that lost: %v", err)
			}
		} else if r := w.run(e); r.ExitCode() != ExitDone {
			t.Errorf("a run that lost: %s", reportText(r))
		}
		w.checkVerified("after the race")
		want := map[string]int{"run": 25, "import": 13}[winner]
		if got := len(w.visible("orders")); got != want {
			t.Errorf("%s won: %d rows are visible, want %d", winner, got, want)
		}
	}
}

// racing lets something happen right before the first slot of a log is taken.
type racing struct {
	storage.Store
	before func()
}

func (s *racing) PutNew(ctx context.Context, name string, data []byte) (storage.Put, error) {
	if before := s.before; before != nil && name == offsets.LogName("orders", 1) {
		s.before = nil
		before()
	}
	return s.Store.PutNew(ctx, name, data)
}

func TestAnImportFromAGroup(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.configure(strings.Replace(testConfig, "topics: [orders]", `topics: ["orders|other"]`, 1))
	importable(w)
	w.source.create("other", strings.Repeat("ef", 16), 1).add(0, 3, day, 0)
	g := newMemGroups()
	g.positions["sink orders"] = map[int32]extract.Position{0: {Offset: 7}}
	for want, r := range map[string]ImportRequest{
		"orders/1: no position is given": {Group: "sink"},
		"nobody has no position":         {Group: "nobody"},
		"other/0: no position is given":  {Group: "sink", Missing: "", Selection: Selection{Topics: []string{"other"}}},
	} {
		if _, err := w.withGroups(g).Import(t.Context(), r); ExitCode(err) != ExitUsage || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q: %v", want, err)
		}
	}
	if got := w.store.Objects(); len(got) > 0 {
		t.Fatalf("refused imports wrote %q", got)
	}
	report, err := w.withGroups(g).Import(t.Context(), ImportRequest{Group: "sink", Missing: "earliest"})
	if err != nil {
		t.Fatal(err)
	}
	want := []*ImportTopic{{"orders", "tests", Imported, []ImportPartition{{0, 7, 0, 20, "group"}, {1, 0, 0, 5, "earliest"}}}}
	if d := cmp.Diff(want, report.Topics); d != "" {
		t.Errorf("report (-want +got):\n%s", d)
	}
}

func TestAnImportNeverOverlooksAnotherToolsFiles(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	importable(w)
	if _, err := w.store.PutNew(t.Context(), "orders/part-00000.parquet", []byte("theirs")); err != nil {
		t.Fatal(err)
	}
	if _, err := w.withGroups(nil).Import(t.Context(), fromFile); ExitCode(err) != ExitHalted || !strings.Contains(err.Error(), "orders/part-00000.parquet") {
		t.Errorf("an import beside another tool's files: %v", err)
	}
	accepted := fromFile
	accepted.Existing = &offsets.Decision{By: "ann", Reason: "files of connect"}
	if _, err := w.withGroups(nil).Import(t.Context(), accepted); err != nil {
		t.Fatal(err)
	}
	if r := w.runClean(); r.Topics[0].Rows != 13 {
		t.Errorf("%d rows were lifted, want 13", r.Topics[0].Rows)
	}
	w.checkVerified("beside another tool's files")
}

func FuzzParsePositions(f *testing.F) {
	f.Add("# comment\n\"a.b\",0,5\n\n c , 1 , 2\r\nd,1;3\n")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ParsePositions("f", strings.NewReader(text))
		if (err == nil) != (len(got) > 0) {
			t.Fatalf("%v, %v", got, err)
		}
		seen := map[string]bool{}
		for _, p := range got {
			key := OffsetName{p.Topic, p.Partition, 0}.String()
			if !isTopic(p.Topic) || p.Partition < 0 || p.Offset < 0 || p.Line < 1 || seen[key] {
				t.Fatalf("%+v", p)
			}
			seen[key] = true
		}
	})
}
