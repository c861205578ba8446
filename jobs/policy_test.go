package jobs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"shadoof/offsets"
	"shadoof/storage"
	"shadoof/storage/memory"
)

func (w *world) policy(policy string) {
	w.t.Helper()
	w.configure(testConfig + "    policy: {" + policy + "}\n")
}

// mustHalt runs and expects an exit 4 whose message holds all words.
func (w *world) mustHalt(words ...string) {
	w.t.Helper()
	before := len(w.store.Objects())
	r := w.run(w.process(w.store))
	if got := r.ExitCode(); got != ExitHalted {
		w.t.Fatalf("exit %d, want %d: %s", got, ExitHalted, reportText(r))
	}
	for _, word := range words {
		if !strings.Contains(r.Topics[0].Error, word) {
			w.t.Errorf("the message does not say %q: %s", word, r.Topics[0].Error)
		}
	}
	if after := len(w.store.Objects()); after != before {
		w.t.Errorf("a halted run wrote %d objects", after-before)
	}
}

func (w *world) resolve(r Resolution) {
	w.t.Helper()
	r.Decision = offsets.Decision{By: "someone", Reason: "test"}
	if _, changed, err := w.process(w.store).Resolve(context.Background(), "orders", r); err != nil || !changed {
		w.t.Fatalf("resolve: changed %v, %v", changed, err)
	}
}

func (w *world) gaps(partition int32) map[string]int64 {
	w.t.Helper()
	v, err := w.process(w.store).Verify(context.Background(), Selection{}, true)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, p := range v.Topics[0].Partitions {
		if p.Partition == partition {
			return p.Gaps
		}
	}
	return nil
}

func TestLostRecordsHaltUntilAPersonAcceptsTheLoss(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topic := twoHours(w)
	w.runClean()
	topic.add(0, 30, day.Add(2*time.Hour), time.Minute)
	topic.parts[0].start = 34
	w.mustHalt("orders/0: offset 24 is gone", "starts at 34", "--accept-loss")
	w.resolve(Resolution{AcceptLoss: true})
	w.runClean()
	w.checkVerified("after the resolve")
	if got := w.gaps(0)["retention"]; got != 10 {
		t.Errorf("the log holds a gap of %d lost offsets, want 10", got)
	}
}

func TestLostRecordsAreRecordedByPolicy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topic := twoHours(w)
	w.runClean()
	w.policy("lost_records: record")
	topic.add(0, 30, day.Add(2*time.Hour), time.Minute)
	topic.parts[0].start = 34
	w.runClean()
	w.checkVerified("after the loss")
	if got := w.gaps(0)["retention"]; got != 10 {
		t.Errorf("the log holds a gap of %d lost offsets, want 10", got)
	}
}

func TestLossInOnePartitionLetsTheOthersGoOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topic := twoHours(w)
	w.runClean()
	topic.add(0, 30, day.Add(2*time.Hour), time.Minute)
	topic.add(1, 3, day.Add(2*time.Hour), time.Minute)
	topic.parts[0].start = 34
	r := w.run(w.process(w.store))
	if r.ExitCode() != ExitHalted || r.Topics[0].Rows != 3 {
		t.Errorf("exit %d, %d rows; want %d, 3 rows of partition 1", r.ExitCode(), r.Topics[0].Rows, ExitHalted)
	}
}

func TestARecreatedTopicHaltsUntilAPersonAcceptsIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	twoHours(w)
	w.runClean()
	again := w.source.create("orders", strings.Repeat("cd", 16), 2)
	again.add(0, 40, day.Add(4*time.Hour), time.Second) // longer than what was committed: offsets alone would pass
	w.mustHalt("was recreated", strings.Repeat("cd", 16), "--accept-recreated")
	w.resolve(Resolution{AcceptRecreated: true})
	r := w.runClean()
	if r.Topics[0].Rows != 40 {
		t.Errorf("%d rows of the new topic, want all 40", r.Topics[0].Rows)
	}
	w.checkVerified("after the resolve")
}

func TestAnotherClusterHalts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topic := twoHours(w)
	w.runClean()
	w.source.cluster = "cluster-b"
	topic.add(0, 5, day.Add(4*time.Hour), time.Second)
	w.mustHalt("moved", "cluster-b")
}

func TestRecreationIsSeenByTheLastBatchWithoutTopicIDs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.source.create("orders", "", 1).add(0, 10, day, time.Minute)
	w.runClean()
	again := w.source.create("orders", "", 1)
	again.addSlots(0, memSlot{ts: day.UnixMilli(), key: "new", val: []byte("first of the new topic")})
	again.add(0, 20, day, time.Second)
	again.parts[0].slots[9].val = []byte("another one")
	w.mustHalt("was recreated")
}

func TestATruncatedPartitionHaltsUntilAPersonAcceptsIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topic := twoHours(w)
	w.runClean()
	p := topic.parts[0]
	p.slots = p.slots[:15]
	p.epoch = 1
	topic.add(0, 30, day.Add(4*time.Hour), time.Second) // beyond what was committed: only the epoch tells
	w.mustHalt("was truncated", "--accept-truncation")
	w.resolve(Resolution{AcceptTruncation: true})
	w.runClean()
	w.checkVerified("after the resolve")
}

// What a new leader takes lies above the cut, and may end below what was committed.
func TestRecordsBetweenTheCutAndTheEndAreLifted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topic := twoHours(w)
	w.runClean()
	rows := func() (n int) {
		for _, times := range w.visible("orders") {
			n += times
		}
		return n
	}
	before := rows()
	w.policy("truncated: record")
	cut := func(p int, at int64, epoch int32) {
		log := topic.parts[p]
		log.slots = log.slots[:at]
		log.epoch = epoch
	}
	cut(0, 10, 1)
	cut(1, 2, 1)
	topic.add(0, 3, day.Add(4*time.Hour), time.Second) // ends below what was committed
	topic.add(1, 30, day.Add(4*time.Hour), time.Second)
	w.source.fail[1] = errors.New("no leader") // it, too, was cut back, and that shows later
	if r := w.run(w.process(w.store)); r.Topics[0].Rows != 3 {
		t.Errorf("%d rows, want the 3 behind the cut: %s", r.Topics[0].Rows, r.Topics[0].Error)
	}
	delete(w.source.fail, 1)
	if r := w.runClean(); r.Topics[0].Rows != 30 {
		t.Errorf("%d rows of the other partition, want the 30 behind its cut", r.Topics[0].Rows)
	}
	if got := rows(); got != before+33 {
		t.Errorf("%d rows in all, want %d and 33", got, before)
	}
	w.checkVerified("after the policy")
}

func TestUnexplainedHolesHaltOrAreRecorded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topic := w.source.create("orders", strings.Repeat("ab", 16), 1)
	topic.add(0, 5, day, time.Minute)
	topic.addSlots(0, memSlot{kind: aMystery}, memSlot{kind: aMystery})
	topic.add(0, 5, day, time.Minute)
	r := w.run(w.process(w.store))
	if r.ExitCode() != ExitHalted || !strings.Contains(r.Topics[0].Error, "orders/0: offsets [5,6)") {
		t.Fatalf("exit %d: %s", r.ExitCode(), r.Topics[0].Error)
	}
	w.policy("unexplained_gap: record")
	w.runClean()
	w.checkExact("with the policy")
	if got := w.gaps(0); got["unexplained"] != 2 {
		t.Errorf("gaps %v, want 2 unexplained", got)
	}
}

func TestFoldersOfOthersHaltUntilAPersonAcceptsThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	twoHours(w)
	if _, err := w.store.PutNew(context.Background(), "orders/part-00000.parquet", []byte("theirs")); err != nil {
		t.Fatal(err)
	}
	w.mustHalt("orders/part-00000.parquet", "--accept-existing")
	w.resolve(Resolution{AcceptExisting: true})
	w.runClean()
	w.checkVerified("with another tool's file")
}

func TestALostLogIsNeverTakenForANewTopic(t *testing.T) {
	t.Parallel()
	for what, keep := range map[string]string{"markers": offsets.Dir("orders") + "/pub/", "data": "orders/"} {
		w := newWorld(t)
		twoHours(w)
		w.runClean()
		for _, name := range w.store.Objects() {
			if !strings.HasPrefix(name, keep) && name != storeName {
				if err := w.store.Delete(context.Background(), name); err != nil {
					t.Fatal(err)
				}
			}
		}
		t.Log("only these are left:", what)
		w.mustHalt("orders")
	}
}

func TestAnotherLayoutVersionIsNotTouched(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	twoHours(w)
	if _, err := w.store.PutNew(context.Background(), storeName, []byte(`{"layout":7,"id":"x"}`)); err != nil {
		t.Fatal(err)
	}
	_, err := w.process(w.store).Run(context.Background(), RunOptions{})
	if ExitCode(err) != ExitHalted || !strings.Contains(err.Error(), "layout version 7") {
		t.Errorf("exit %d: %v", ExitCode(err), err)
	}
	if got := w.store.Objects(); len(got) != 1 {
		t.Errorf("something was written: %q", got)
	}
}

func TestADamagedLogHalts(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(w *world){
		"edited": func(w *world) {
			b := w.store.Bytes(offsets.LogName("orders", 2))
			w.store.Tamper(offsets.LogName("orders", 2), []byte(strings.Replace(string(b), `"rows":10`, `"rows":11`, 1)))
		},
		"cut off": func(w *world) {
			b := w.store.Bytes(offsets.LogName("orders", 2))
			w.store.Tamper(offsets.LogName("orders", 2), b[:len(b)/2])
		},
		"missing": func(w *world) {
			if err := w.store.Delete(context.Background(), offsets.LogName("orders", 2)); err != nil {
				w.t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			topic := twoHours(w)
			w.runClean()
			topic.add(0, 5, day.Add(3*time.Hour), time.Minute)
			w.runClean()
			topic.add(0, 5, day.Add(4*time.Hour), time.Minute)
			damage(w)
			w.mustHalt("00000000000000000002")
		})
	}
}

func TestTombstonesByPolicy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.policy("tombstone: skip")
	twoHours(w)
	r := w.runClean()
	if r.Topics[0].Quarantined != 0 || w.gaps(0)["tombstone"] != 1 {
		t.Errorf("quarantined %d, gaps %v", r.Topics[0].Quarantined, w.gaps(0))
	}
	w.checkExact("tombstone: skip")
}

func TestABadRecordFailsItsPartitionByPolicy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.policy("bad_record: fail")
	topic := twoHours(w)
	topic.addSlots(1, memSlot{ts: day.UnixMilli(), val: []byte{0xff, 0xfe}})
	r := w.run(w.process(w.store))
	if r.ExitCode() != ExitPartial && r.ExitCode() != ExitFailed {
		t.Errorf("exit %d", r.ExitCode())
	}
	if !strings.Contains(r.Topics[0].Error, "orders/1 offset 5") {
		t.Errorf("message: %s", r.Topics[0].Error)
	}
}

func TestQuarantinedRecordsAreAccountedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topic := twoHours(w)
	topic.addSlots(1, memSlot{ts: day.UnixMilli(), val: []byte{0xff, 0xfe}}, memSlot{ts: 5, val: []byte("1970")})
	r := w.runClean()
	if got := r.Topics[0].Quarantined; got != 3 {
		t.Errorf("%d records in quarantine, want 3: a tombstone, bytes that are no text, and a time of 1970", got)
	}
	w.checkVerified("with quarantined records")
	files, err := w.process(w.store).Files(context.Background(), "orders", "", 0)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, f := range files {
		if f.Kind == "quarantine" {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d quarantine files, want one of both partitions", n)
	}
}

func TestNewPartitionsBeginAtZero(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.configure(testConfig + "    start: latest\n")
	topic := twoHours(w)
	w.runClean()
	topic.parts = append(topic.parts, &memPartition{})
	topic.add(2, 6, day, time.Minute)
	if r := w.runClean(); r.Topics[0].Rows != 6 {
		t.Errorf("%d rows, want the 6 of the new partition, though the job starts at latest", r.Topics[0].Rows)
	}
}

func TestASecondRunDoesNothingAndCostsLittle(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topic := twoHours(w)
	w.runClean()
	for h := range 5 {
		topic.add(0, 5, day.Add(time.Duration(3+h)*time.Hour), time.Minute)
		w.runClean()
	}
	s := w.store.Attach(memory.Options{})
	r := w.run(w.process(s))
	if r.Topics[0].Outcome != UpToDate {
		t.Errorf("outcome %q", r.Topics[0].Outcome)
	}
	c := s.Counts()
	const records = 7 // init and six commits
	if c.Lists() > 3 || c.Reads() > records+1 || c.Of(memory.OpPutNew, memory.OpStage, memory.OpDelete) > 0 {
		t.Errorf("it cost %v; want at most 3 lists, a read per record, and store.json", c)
	}
}

func TestAPartitionWithoutALeaderHoldsUpOnlyItself(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topic := twoHours(w)
	w.runClean()
	topic.add(0, 5, day.Add(3*time.Hour), time.Minute)
	w.source.fail[1] = errors.New("no leader")
	r := w.run(w.process(w.store))
	if r.ExitCode() != ExitPartial || r.Topics[0].Rows != 5 {
		t.Errorf("exit %d, %d rows: %s", r.ExitCode(), r.Topics[0].Rows, reportText(r))
	}
}

// A fetch that is never answered ends with the period of its attempt, in virtual time; what others read is committed without it.
func TestAPartitionThatNeverAnswersHoldsUpOnlyItself(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		twoHours(w)
		w.source.stalled = map[int32]bool{1: true}
		r := w.run(w.process(w.store))
		if got := r.Topics[0]; r.ExitCode() != ExitPartial || got.Rows != 20 || !strings.Contains(got.Error, "orders/1[0,5): not one record in 15m0s: no leader") {
			t.Errorf("exit %d: %s", r.ExitCode(), reportText(r))
		}
		w.source.stalled = nil
		w.runClean()
		w.checkExact("when it answers again")
	})
}

func TestLimitsAndCommitEvery(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topic := w.source.create("orders", strings.Repeat("ab", 16), 3)
	for p := range 3 {
		topic.add(p, 100, day, time.Second)
	}
	w.configure(testConfig + "    commit_every: {bytes: 500}\n    limits: {records: 120}\n")
	r := w.runClean()
	if got := r.Topics[0]; got.Outcome != Limited || got.Commits < 2 || got.Rows < 120 || got.Rows > 150 {
		t.Errorf("outcome %s, %d commits, %d rows", got.Outcome, got.Commits, got.Rows)
	}
	for range 3 {
		w.runClean()
	}
	w.checkExact("after four runs")
}

func TestShardsDivideThePartitions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topic := w.source.create("orders", strings.Repeat("ab", 16), 8)
	for p := range 8 {
		topic.add(p, 10, day, time.Second)
	}
	var rows []int64
	for i := range 3 {
		r, err := w.process(w.store).Run(context.Background(), RunOptions{Shard: i, Shards: 3})
		if err != nil || r.ExitCode() != ExitDone {
			t.Fatal(err, reportText(r))
		}
		rows = append(rows, r.Topics[0].Rows)
	}
	if diff := cmp.Diff(int64(80), rows[0]+rows[1]+rows[2]); diff != "" || rows[0] == 0 || rows[1] == 0 || rows[2] == 0 {
		t.Errorf("rows by shard %v", rows)
	}
	w.checkExact("after all shards")
}

func TestUntilStopsAtTheFirstOffsetAtOrAfterATime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.source.create("orders", strings.Repeat("ab", 16), 1).add(0, 100, day, time.Minute)
	r, err := w.process(w.store).Run(context.Background(), RunOptions{Until: day.Add(30 * time.Minute)})
	if err != nil || r.Topics[0].Rows != 30 {
		t.Errorf("%v: %s", err, reportText(r))
	}
}

func TestTwoJobsOnOneTopicTouchNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	twoHours(w)
	w.configure(strings.Replace(testConfig, "[orders]", "[\"[a-z]+ers\"]", 1) + "  - name: other\n    topics: [\"ord.*\"]\n    value: {format: string}\n")
	_, err := w.process(w.store).Run(context.Background(), RunOptions{})
	if ExitCode(err) != ExitUsage || !strings.Contains(fmt.Sprint(err), "two jobs claim the topic orders") {
		t.Errorf("exit %d: %v", ExitCode(err), err)
	}
	if got := w.store.Objects(); len(got) != 0 {
		t.Errorf("something was written: %q", got)
	}
}

func TestARunEndsAtTheLastStableOffset(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topic := w.source.create("orders", strings.Repeat("ab", 16), 1)
	topic.add(0, 20, day, time.Minute)
	topic.parts[0].open = 7
	if r := w.runClean(); r.Topics[0].Rows != 13 || r.Topics[0].OpenTransactions != 7 {
		t.Errorf("behind an open transaction: %s", reportText(r))
	}
	w.configure(strings.Replace(testConfig, "kafka: {", "kafka: {isolation: read_uncommitted, ", 1))
	if r := w.runClean(); r.Topics[0].Rows != 7 {
		t.Errorf("read_uncommitted: %s", reportText(r))
	}
}

func TestARecreatedTopicIsLiftedFromItsStartByPolicy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	twoHours(w)
	w.runClean()
	w.policy("topic_recreated: record")
	w.source.create("orders", strings.Repeat("cd", 16), 2).add(0, 40, day.Add(4*time.Hour), time.Second)
	if r := w.runClean(); r.Topics[0].Rows != 40 {
		t.Errorf("%d rows of the new topic, want all 40", r.Topics[0].Rows)
	}
	w.checkVerified("after the policy")
}

func TestATruncatedPartitionGoesOnFromItsEndByPolicy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topic := twoHours(w)
	w.runClean()
	w.policy("truncated: record")
	p := topic.parts[0]
	p.slots = p.slots[:15]
	p.epoch = 1
	topic.add(0, 30, day.Add(4*time.Hour), time.Second)
	if r := w.runClean(); r.Topics[0].Rows != 30 {
		t.Errorf("%d rows, want the 30 behind the cut", r.Topics[0].Rows)
	}
	w.checkVerified("after the policy")
}

func TestAStoreThatIsUnfitIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	twoHours(w)
	e := w.process(w.store)
	e.drivers.Probe = func(context.Context, storage.Store) error {
		return fmt.Errorf("two creates of one name succeeded: %w", storage.ErrUnfit)
	}
	r := w.run(e)
	if r.ExitCode() != ExitHalted || !strings.Contains(r.Topics[0].Error, "two creates of one name") {
		t.Errorf("exit %d: %s", r.ExitCode(), r.Topics[0].Error)
	}
	if got := w.store.Objects(); len(got) != 0 {
		t.Errorf("something was written: %q", got)
	}
}
