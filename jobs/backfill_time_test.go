package jobs

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"shadoof/offsets"
)

// outOfOrder is a topic whose records come up to so much later than their time says. Nothing of it is lifted before the offsets that its
// runs begin with.
func outOfOrder(w *world, seed uint64, late time.Duration) *memTopic {
	rng := rand.New(rand.NewPCG(seed, 3))
	t := w.source.create("orders", strings.Repeat("ab", 16), 2)
	for i := range 120 {
		at := day.Add(time.Duration(i) * time.Minute)
		if rng.IntN(3) == 0 {
			at = at.Add(-time.Duration(rng.Int64N(int64(late) + 1)))
		}
		t.add(i%2, 1, at.Truncate(time.Millisecond), 0)
	}
	return t
}

// between lists the records whose time lies in [from, to).
func between(t *memTopic, from, to time.Time) map[row]bool {
	out := map[row]bool{}
	for p := range t.parts {
		for o, slot := range t.parts[p].slots {
			if at := time.UnixMilli(slot.ts); slot.kind == aRecord && !at.Before(from) && at.Before(to) {
				out[row{int32(p), int64(o)}] = true
			}
		}
	}
	return out
}

// A fill by time lifts every record of that time that came no later than the lateness says, wherever it stands.
func TestAFillByTimeMissesNoRecordThatIsNotTooLate(t *testing.T) {
	t.Parallel()
	for seed := range uint64(40) {
		w := newWorld(t)
		w.configure(strings.Replace(testConfig, "topics: [orders]", "topics: [orders]\n    start: latest", 1))
		late := 10 * time.Minute
		topic := outOfOrder(w, seed, late)
		w.runClean()
		from, to := day.Add(time.Duration(20+seed)*time.Minute), day.Add(time.Duration(50+seed)*time.Minute)
		w.backfill(BackfillRequest{From: from.Format(time.RFC3339), To: to.Format(time.RFC3339), Lateness: &late})
		seen := w.visible("orders")
		for r := range between(topic, from, to) {
			if seen[r] != 1 {
				t.Errorf("seed %d: row %v of %s is visible %d times", seed, r, time.UnixMilli(topic.parts[r.partition].slots[r.offset].ts).UTC(), seen[r])
			}
		}
		w.backfill(BackfillRequest{From: "earliest"})
		w.checkExact(fmt.Sprint("seed ", seed))
	}
}

// What comes later than that is missed, and nothing else: the promise is exact.
func TestAFillByTimeMissesWhatIsLaterThanTheLateness(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.configure(strings.Replace(testConfig, "topics: [orders]", "topics: [orders]\n    start: latest", 1))
	topic := w.source.create("orders", strings.Repeat("ab", 16), 1)
	topic.add(0, 30, day, time.Minute)
	topic.add(0, 1, day.Add(5*time.Minute), 0) // offset 30: stands behind the record of 13:29
	topic.add(0, 30, day.Add(30*time.Minute), time.Minute)
	w.runClean()
	hour := BackfillRequest{From: day.Format(time.RFC3339), To: day.Add(10 * time.Minute).Format(time.RFC3339)}
	none, enough := time.Duration(0), 20*time.Minute
	hour.Lateness = &none
	if got := w.backfill(hour); got.Result.Rows != 10 {
		t.Errorf("without lateness: %+v", got.Result)
	}
	hour.Lateness = nil // ten minutes: the record of 13:20 is the first behind them
	if got := w.backfill(hour); got.Result.Rows != 10 || w.visible("orders")[row{0, 30}] != 0 {
		t.Errorf("with the job's lateness: %+v", got.Result)
	}
	hour.Lateness = &enough
	if got := w.backfill(hour); got.Result.Rows != 11 || w.visible("orders")[row{0, 30}] != 1 {
		t.Errorf("with enough lateness: %+v", got.Result)
	}
}

// A replace by time goes by the times of files: it misses no row of that time, however late it came.
func TestAReplaceByTimeMissesNoRow(t *testing.T) {
	t.Parallel()
	for seed := range uint64(40) {
		w := newWorld(t)
		w.configure(testConfig + "    limits: {records: 20}\n") // several versions
		topic := outOfOrder(w, seed, 50*time.Minute)
		for range 8 {
			w.run(w.process(w.store))
		}
		from, to := day.Add(time.Duration(20+seed)*time.Minute), day.Add(time.Duration(50+seed)*time.Minute)
		none := time.Duration(0)
		w.configure(testConfig)
		got := w.backfill(BackfillRequest{From: from.Format(time.RFC3339), To: to.Format(time.RFC3339), Replace: true, Lateness: &none})
		w.checkExact(fmt.Sprint("seed ", seed))
		lifted := func(r row) bool {
			for _, b := range got.Plan.Bundles {
				for _, at := range b.Ranges {
					if at.Partition == r.partition && at.From <= r.offset && r.offset < at.To && b.Replaced > 0 {
						return true
					}
				}
			}
			return false
		}
		for r := range between(topic, from, to) {
			if !lifted(r) {
				t.Errorf("seed %d: row %v was not lifted again", seed, r)
			}
		}
		if len(got.Plan.Bundles) == 0 || len(got.Plan.LeftAlone) > 0 {
			t.Errorf("seed %d: %+v", seed, got.Plan)
		}
	}
}

func TestWhatCannotBeLiftedIsRefusedBeforeItStarts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topic := twoHours(w)
	w.refused(BackfillRequest{From: "earliest"}, "nothing of the topic was lifted below memory yet", "shadoof run")
	w.runClean()
	topic.parts[0].start = 10
	for words, r := range map[string]BackfillRequest{
		"orders/0: bundle 0 of version 2 has offsets [0,24), and Kafka only has [10,24) of the partition": {From: "12", Replace: true},
		"orders has no partition 9: it has 2, from 0 on":                                                  {From: "0", Partitions: []int32{9}},
		"nothing lies at 24 or behind it":                                                                 {From: "24"},
		"offset 1000 was not written in any partition":                                                    {From: "1", To: "1000"},
		"no record is from 2027-01-01 or later: it has offsets [10,24) of partition 0":                    {From: "2027-01-01"},
		"stands before the first one of 2020-01-01":                                                       {From: "earliest", To: "2020-01-01"},
		"nothing lies from 7 to 7":                                                                        {From: "7", To: "7"},
		"nothing lies from latest to latest":                                                              {From: "latest"},
		"nothing lies from 2026-11-21 to 2026-11-20":                                                      {From: "2026-11-21", To: "2026-11-20"},
		`"-5" is no offset`:                                                                               {From: "-5"},
		"want show-first or hide-first":                                                                   {From: "0", Replace: true, Swap: "sideways"},
		"version 17 does not exist":                                                                       {From: "earliest", Replace: true, At: 17},
	} {
		w.refused(r, words)
	}
	if _, err := w.process(w.store).Backfill(t.Context(), BackfillRequest{Topic: "nobody", From: "0"}); ExitCode(err) != ExitUsage || !strings.Contains(err.Error(), `no job claims the topic "nobody"`) {
		t.Error(err)
	}
	// What is there is not taken for missing, whatever Kafka has lost.
	if got := w.backfill(BackfillRequest{From: "0"}); got.Result.Outcome != UpToDate || len(got.Plan.Notes) == 0 {
		t.Errorf("%+v", got)
	}
	// Skipped and lost since.
	if _, err := w.process(w.store).Skip(t.Context(), "orders", 0, 24, byTest); ExitCode(err) != ExitUsage {
		t.Error(err)
	}
	topic.add(0, 10, day.Add(time.Hour), time.Minute)
	if _, err := w.process(w.store).Skip(t.Context(), "orders", 0, 34, byTest); err != nil {
		t.Fatal(err)
	}
	topic.parts[0].start = 30
	for _, from := range []string{"24", "0", day.Format(time.RFC3339)} {
		w.refused(BackfillRequest{From: from}, "orders/0: offsets [24,30) are wanted", "no longer in Kafka, which has [30,34)", "--from earliest` takes what is still there")
	}
	if got := w.backfill(BackfillRequest{From: "earliest"}); got.Result.Rows != 4 {
		t.Errorf("%+v", got.Result)
	}
	if got := w.backfill(BackfillRequest{From: "earliest", Replace: true, DryRun: true}).Plan; len(got.Bundles) != 1 || len(got.LeftAlone) != 1 || !strings.HasPrefix(got.LeftAlone[0].Why, "Kafka no longer has all of it") {
		t.Errorf("%+v", got)
	}
	w.checkVerified("at the end")
}

func TestATopicThatIsAnotherOneIsNotBackfilled(t *testing.T) {
	t.Parallel()
	for _, change := range []func(w *world, topic *memTopic){
		func(w *world, _ *memTopic) {
			w.source.create("orders", strings.Repeat("cd", 16), 2).add(0, 30, day, time.Minute)
		},
		func(_ *world, topic *memTopic) { topic.parts[0].slots = topic.parts[0].slots[:10] },
		func(w *world, _ *memTopic) { w.source.cluster = "cluster-b" },
	} {
		w := newWorld(t)
		topic := twoHours(w)
		w.runClean()
		change(w, topic)
		before := len(w.store.Objects())
		for _, r := range []BackfillRequest{{From: "0", Replace: true}, {From: "0"}} {
			if _, err := backfillBy(w.process(w.store), r); ExitCode(err) != ExitHalted || !strings.Contains(err.Error(), "`shadoof run --topic orders` says what to decide") {
				t.Errorf("exit %d: %v", ExitCode(err), err)
			}
		}
		if len(w.store.Objects()) != before {
			t.Error("something was written")
		}
	}
}

// After a truncation the offsets below are lifted already, in the incarnation before: a fill leaves them alone, and so does a replace.
func TestAFormerIncarnationIsLeftAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topic := twoHours(w)
	w.runClean()
	topic.parts[0].slots = topic.parts[0].slots[:10]
	topic.add(0, 5, day.Add(2*time.Hour), time.Minute)
	w.resolve(Resolution{AcceptTruncation: true, Decision: byTest})
	w.runClean()
	for _, r := range []BackfillRequest{{From: "0"}, {From: "earliest"}} {
		if got := w.backfill(r); got.Result.Commits != 0 {
			t.Errorf("%+v: %+v", r, got.Result)
		}
	}
	got := w.backfill(BackfillRequest{From: "0", Replace: true, Swap: offsets.ShowFirst})
	if len(got.Plan.Bundles) != 0 && got.Plan.Bundles[0].V < 4 {
		t.Errorf("%+v", got.Plan)
	}
	w.checkVerified("at the end")
}
