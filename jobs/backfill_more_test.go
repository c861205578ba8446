package jobs

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"shadoof/offsets"
	"shadoof/storage/memory"
)

// versionsOf is a topic that was lifted in so many versions, of nine records each.
func versionsOf(w *world, n int) *memTopic {
	t := w.source.create("orders", strings.Repeat("ab", 16), 2)
	for i := range n {
		t.add(0, 6, day.Add(time.Duration(i)*time.Hour), time.Minute)
		t.add(1, 3, day.Add(time.Duration(i)*time.Hour), time.Minute)
		w.runClean()
	}
	return t
}

// A large replace is several records, each of a few bundles; stopped and asked for again with the same version it goes on where it stood.
func TestAReplaceThatIsStoppedGoesOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	versionsOf(w, 5)
	w.configure(testConfig + "    commit_every: {bytes: 150}\n") // two bundles
	ctx, stop := context.WithCancel(context.Background())
	e, commits := w.process(w.store), 0
	e.hook = func(p string) {
		if p == "committed" {
			if commits++; commits == 2 {
				stop()
			}
		}
	}
	first, err := e.Backfill(ctx, BackfillRequest{Topic: "orders", From: "0", Replace: true, Hard: context.Background()})
	if err != nil || ExitCode(first.Result.Err) != ExitPartial || len(first.Result.Versions) != 2 {
		t.Fatalf("%v: %+v", err, first.Result)
	}
	w.checkExact("after it was stopped")
	rest := w.backfill(BackfillRequest{From: "0", Replace: true, At: first.Plan.At})
	if len(rest.Plan.Bundles) != 1 || rest.Result.Rows != 9 {
		t.Errorf("%+v", rest.Plan)
	}
	w.checkExact("after it went on")
}

// A bundle whose partition does not answer is left as it is; the others are replaced.
func TestAPartitionThatNeverAnswersHoldsUpOnlyItsBundles(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		topic := w.source.create("orders", strings.Repeat("ab", 16), 2)
		for p := range 2 {
			topic.add(p, 9, day, time.Minute)
			w.runClean()
		}
		w.source.stalled = map[int32]bool{1: true}
		report, err := backfillBy(w.process(w.store), BackfillRequest{From: "0", Replace: true})
		if ExitCode(err) != ExitPartial || !strings.Contains(err.Error(), "orders/1[0,9): not one record in 15m0s: no leader") || report.Result.Rows != 9 {
			t.Errorf("exit %d: %v: %+v", ExitCode(err), err, report)
		}
		if n := len(w.store.Staged()); n != 0 {
			t.Errorf("%d staged files are left", n)
		}
		w.source.stalled = nil
		if got := w.backfill(BackfillRequest{From: "0", Replace: true, At: report.Plan.At}); got.Result.Rows != 9 {
			t.Errorf("%+v", got.Result)
		}
		w.checkExact("when it answers again")
	})
}

func TestShardsDivideABackfill(t *testing.T) {
	t.Parallel()
	for _, r := range []BackfillRequest{{From: "0"}, {From: "0", Replace: true}} {
		w := newWorld(t)
		topic := w.source.create("orders", strings.Repeat("ab", 16), 6)
		for p := range 6 {
			topic.add(p, 20, day, time.Minute)
			topic.parts[p].open = 12
			e := w.process(w.store)
			if _, err := e.Run(context.Background(), RunOptions{Shard: 1, Shards: p + 1}); err != nil {
				t.Fatal(err)
			}
		}
		w.runClean()
		for p := range 6 {
			topic.parts[p].open = 0
			if _, err := w.process(w.store).Skip(context.Background(), "orders", int32(p), 20, byTest); err != nil {
				t.Fatal(err)
			}
		}
		rows := int64(0)
		for i := range 3 {
			r.Shard, r.Shards = i, 3
			rows += w.backfill(r).Result.Rows
		}
		if want := map[bool]int64{false: 72, true: 48}[r.Replace]; rows != want {
			t.Errorf("replace %v: %d rows, want %d", r.Replace, rows, want)
		}
		w.backfill(BackfillRequest{From: "0"})
		w.checkExact("after all shards")
	}
}

func TestFewerRowsAreReplacedOnlyOnRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topic := versionsOf(w, 3)
	topic.parts[0].slots[7].kind = aHole // compacted since: version 3 loses a row
	report, err := backfillBy(w.process(w.store), BackfillRequest{From: "0", Replace: true})
	if ExitCode(err) != ExitHalted || !strings.Contains(err.Error(), "bundle 0 of version 3 has 9 rows and quarantined records, and only 8 come back from Kafka") || !strings.Contains(err.Error(), "--allow-fewer") {
		t.Errorf("exit %d: %v", ExitCode(err), err)
	}
	if report.Result.Rows != 18 { // the others are replaced
		t.Errorf("%+v", report.Result)
	}
	w.checkVerified("after the refusal")
	if n := len(w.store.Staged()); n != 0 {
		t.Errorf("%d staged files are left", n)
	}
	w.backfill(BackfillRequest{From: "0", Replace: true, AllowFewer: true, At: report.Plan.At})
	w.checkExact("with --allow-fewer")
}

// Rows of dropped files come back with their bundle. A version all files of which were dropped is left alone: the log has forgotten it.
func TestDroppedFilesComeBackWithTheirBundle(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topic := w.source.create("orders", strings.Repeat("ab", 16), 1)
	topic.add(0, 6, day.Add(50*time.Minute), 4*time.Minute) // two hours
	w.runClean()
	topic.add(0, 6, day, time.Minute)
	w.runClean()
	drop := DropRequest{Topic: "orders", Before: day.Add(time.Hour), Decision: byTest}
	dropped, err := w.process(w.store).DropFiles(context.Background(), drop)
	if err != nil || dropped.Rows != 9 || dropped.Files != 2 || len(dropped.Versions) != 1 {
		t.Fatalf("%v: %+v", err, dropped)
	}
	got := w.backfill(BackfillRequest{From: "0", Replace: true})
	if got.Plan.Dropped != 3 || got.Result.Rows != 6 || len(got.Plan.LeftAlone) != 1 || got.Plan.LeftAlone[0].V != 3 || !strings.Contains(got.Plan.LeftAlone[0].Why, "--into") {
		t.Errorf("%+v", got.Plan)
	}
	w.checkVerified("after the replace")
	again, err := w.process(w.store).DropFiles(context.Background(), drop)
	if err != nil || again.Rows != 3 {
		t.Fatalf("%v: %+v", err, again)
	}
	w.checkVerified("after another drop")
	if got, err := w.process(w.store).DropFiles(context.Background(), drop); err != nil || got.Files != 0 || len(got.Versions) != 0 {
		t.Errorf("%v: %+v", err, got)
	}
}

func TestManyFilesAreDroppedBySeveralRecords(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.configure(strings.Replace(testConfig, "{min: 2015-01-01}", `{min: 2015-01-01, layout: "%Y-%m-%d-%H-%M"}`, 1))
	w.source.create("orders", strings.Repeat("ab", 16), 1).add(0, filesAtOnce+40, day, time.Minute)
	w.sleep(24 * time.Hour)
	w.runClean()
	got, err := w.process(w.store).DropFiles(context.Background(), DropRequest{Topic: "orders", Before: day.Add((filesAtOnce + 20) * time.Minute), Decision: byTest})
	if err != nil || got.Files != filesAtOnce+20 || len(got.Versions) != 2 || len(w.visible("orders")) != 20 {
		t.Fatalf("%v: %d files, versions %v, %d rows are left", err, got.Files, got.Versions, len(w.visible("orders")))
	}
	w.checkVerified("after the drop")
}

// into is a root of its own in the same world.
func (w *world) into() *world {
	other := &world{t: w.t, source: w.source, cfg: w.cfg, ids: 1 << 20, now: w.now}
	other.store = memory.New(memory.Options{Clock: other.clock})
	return other
}

func TestAPartGoesIntoAnotherRoot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topic := versionsOf(w, 4)
	before := maps.Clone(w.positions())
	other := w.into()
	lift := func(r BackfillRequest) (*BackfillReport, error) {
		r.Into = other.process(other.store)
		r.Into.endpoint = "memory elsewhere"
		return backfillBy(w.process(w.store), r)
	}
	dry, err := lift(BackfillRequest{From: "6", To: "20", DryRun: true})
	if err != nil || dry.Plan.Offsets != 14+6 || len(other.store.Objects()) != 0 {
		t.Fatalf("%v: %+v", err, dry.Plan)
	}
	for i := range 2 { // by two shards
		if _, err := lift(BackfillRequest{From: "6", To: "20", Shard: i, Shards: 2}); err != nil {
			t.Fatal(err)
		}
	}
	want := map[row]int{}
	for o := range int64(14) {
		want[row{0, 6 + o}] = 1
	}
	for o := range int64(6) {
		want[row{1, 6 + o}] = 1
	}
	if diff := cmp.Diff(want, other.visible("orders"), cmp.AllowUnexported(row{})); diff != "" {
		t.Error(diff)
	}
	again, err := lift(BackfillRequest{From: "6", To: "20"})
	if err != nil || again.Result.Commits != 0 {
		t.Errorf("%v: %+v", err, again)
	}
	if _, err := lift(BackfillRequest{From: "2", To: "20"}); ExitCode(err) != ExitUsage || !strings.Contains(err.Error(), "begins at 6, and 2 is 2: a log does not grow backwards") {
		t.Error(err)
	}
	topic.add(0, 5, day.Add(9*time.Hour), time.Minute)
	other.runClean() // a topic that moved: runs go on there
	for r := range other.visible("orders") {
		want[r] = 1
	}
	if n := len(want); n != 14+4+5+6 {
		t.Errorf("%d rows after a run", n)
	}
	other.checkVerified("elsewhere")
	if diff := cmp.Diff(before, w.positions()); diff != "" {
		t.Error(diff)
	}
	if _, err := w.process(w.store).Backfill(context.Background(), BackfillRequest{Topic: "orders", From: "0", Into: w.process(w.store)}); ExitCode(err) != ExitUsage {
		t.Errorf("into its own root: %v", err)
	}
	if _, err := w.process(w.store).Backfill(context.Background(), BackfillRequest{Topic: "orders", From: "0", Into: w.process(other.store), Replace: true}); ExitCode(err) != ExitUsage {
		t.Errorf("into another root as a replace: %v", err)
	}
}

// Whoever lists sees what the swap promises, whenever it looks; whoever reads the feed has each row once, whenever it reads.
func TestListersAndFeedsDuringAReplace(t *testing.T) {
	t.Parallel()
	for swap, never := range map[string]func(w *world) string{offsets.HideFirst: neverTwice, offsets.ShowFirst: neverMissing} {
		w := newWorld(t)
		versionsOf(w, 4)
		w.configure(testConfig + "    commit_every: {bytes: 150}\n")
		entitled := int64(len(w.entitled("orders")))
		looks, wrong, told := 0, "", int64(0)
		live := map[string]int64{}
		var one sync.Mutex // requests come side by side
		s := w.store.Attach(memory.Options{Hook: func(c memory.Call) memory.Verdict {
			one.Lock()
			defer one.Unlock()
			looks++
			if bad := never(w); bad != "" && wrong == "" {
				wrong = fmt.Sprintf("before %s %s: %s", c.Op, c.Name, bad)
			}
			end, err := w.process(w.store).Feed(context.Background(), FeedOptions{Topic: "orders", Since: told}, func(v *FeedVersion) error {
				for _, f := range v.Removed {
					delete(live, f.Key)
				}
				for _, f := range v.Added {
					live[f.Key] = f.Rows
				}
				return nil
			})
			if told = end.V; err != nil {
				wrong = err.Error()
			}
			rows := int64(0)
			for _, n := range live {
				rows += n
			}
			if rows != entitled && wrong == "" {
				wrong = fmt.Sprintf("before %s %s: the feed is at version %d with %d rows of %d", c.Op, c.Name, told, rows, entitled)
			}
			return memory.Proceed
		}})
		report, err := backfillBy(w.process(s), BackfillRequest{From: "0", Replace: true, Swap: swap})
		if err != nil || wrong != "" || len(report.Result.Versions) != 2 || looks < 50 {
			t.Errorf("%s: %v, %s, after %d looks: %+v", swap, err, wrong, looks, report.Result)
		}
		w.checkExact(swap)
	}
}
