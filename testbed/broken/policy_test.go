package broken_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"shadoof/testbed/produce"
	"shadoof/testbed/product"
	"shadoof/testbed/readers"
	"shadoof/testbed/servers"
)

// committed are the versions of commits.
func committed(t *testing.T, j *product.Job) (n int) {
	t.Helper()
	for _, v := range versions(t, j) {
		if v.Type == "commit" {
			n++
		}
	}
	return n
}

// TestMaxBad allows less and more than there is.
func TestMaxBad(t *testing.T) {
	t.Parallel()
	name := produce.Name("max-bad")
	tp := fill(t, name, newAvro(t, name), produce.Spec{Records: 5000, Partitions: 2}, every, false)
	bad := total(tp.reasons())
	// Allowed are so many records, or this share of all, rounded up.
	for _, c := range []struct {
		allowed string
		enough  bool
	}{
		{"0.1%", false}, {"0", false}, {fmt.Sprint(bad - 1), false}, {fmt.Sprintf("%d.%02d%%", bad*100/5000, (bad*10000/5000)%100), true}, {fmt.Sprint(bad), true}, {"5%", true},
	} {
		t.Run(strings.TrimSuffix(c.allowed, "%")+map[bool]string{true: " in a hundred"}[strings.HasSuffix(c.allowed, "%")], func(t *testing.T) {
			t.Parallel()
			j := tp.job(t, product.Local(t), fmt.Sprintf("policy: {max_bad: %s}\n", c.allowed))
			if c.enough {
				j.Must(t, 0, "run")
				checkAll(t, j, tp, readers.PyArrow)
				return
			}
			o := j.Must(t, 1, "run")
			if want := fmt.Sprintf("%d of 5000 records would go to quarantine (", bad); !strings.Contains(o.Stdout, want) || !strings.Contains(o.Stdout, "policy.max_bad: "+c.allowed) {
				t.Errorf("it says %s%s; want %q", o.Stdout, o.Stderr, want)
			}
			for reason, n := range tp.reasons() {
				if !strings.Contains(o.Stdout, fmt.Sprintf("%d %s", n, reason)) {
					t.Errorf("it says %s; want %d %s", o.Stdout, n, reason)
				}
			}
			if n := committed(t, j); n != 0 || len(j.Root.Keys(t, name+"/")) != 0 || j.Root.Staged(t) != 0 {
				t.Errorf("%d commits, %q, %d staged files; want none", n, j.Root.Keys(t, name+"/"), j.Root.Staged(t))
			}
			// The next run may be allowed more.
			j = newJob(t, servers.Kafka(t).Brokers(), j.Root, name, tp.f.registry, tp.f.job+"policy: {max_bad: 50%}\n")
			j.Must(t, 0, "run")
			checkAccount(t, j, tp)
		})
	}
}

// TestBadRecordFails has a record stop its partition, and no other. What is before it in the partition is lifted where a commit ends
// before it.
func TestBadRecordFails(t *testing.T) {
	t.Parallel()
	name := produce.Name("fails")
	f := newProtobuf(t, name)
	tp := newTopic(f).fill(t, name, produce.Spec{Records: 3000, Partitions: 3}, map[int64]*kind{2002: kindCalled(f, "one byte too few")}, false)
	root := product.Local(t)
	job := func(policy string) *product.Job {
		return tp.job(t, root, "policy: {"+policy+"}\n")
	}
	j := job("bad_record: fail")
	bad := tp.places(func(o outcome) bool { return o.reason != "" })[0]
	for range 2 { // it stays so
		o := j.Must(t, 3, "run")
		if want := fmt.Sprintf("%s/%d offset %d: undecodable", name, bad.Partition, bad.Offset); !strings.Contains(o.Stdout+o.Stderr, want) {
			t.Errorf("it says %s%s; want %s", o.Stdout, o.Stderr, want)
		}
		covered := map[int32]int64{}
		for _, b := range live(versions(t, j)) {
			for _, s := range b.Segments {
				covered[s.Partition] += s.To - s.From
			}
		}
		if covered[bad.Partition] > bad.Offset || covered[0] != tp.Ends[0] || covered[2] != tp.Ends[2] {
			t.Errorf("covered are %v, want all but partition %d from %d on", covered, bad.Partition, bad.Offset)
		}
		j.Must(t, 0, "verify", "--deep")
	}
	j = job("bad_record: quarantine")
	j.Must(t, 0, "run")
	checkAll(t, j, tp, readers.PyArrow)
}

// TestMisfitHalts has a schema that cannot be read as the topic's end in a decision for a person.
func TestMisfitHalts(t *testing.T) {
	t.Parallel()
	for name, format := range map[string]func(t *testing.T, topic string) *format{"avro": newAvro, "json": newJSON, "protobuf": newProtobuf} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			name := produce.Name("halts")
			f := format(t, name)
			tp := newTopic(f).fill(t, name, produce.Spec{Records: 2000, Partitions: 2}, map[int64]*kind{1501: kindCalled(f, "a schema of something else")}, false)
			root := product.Local(t)
			job := func(policy string) *product.Job {
				return tp.job(t, root, "policy: {"+policy+"}\n")
			}
			j := job("misfit: halt")
			o := j.Must(t, 4, "run")
			if !strings.Contains(o.Stdout+o.Stderr, "policy.misfit is halt") {
				t.Errorf("it says %s%s", o.Stdout, o.Stderr)
			}
			for _, b := range live(versions(t, j)) {
				for _, s := range b.Segments {
					if s.Partition == 1 && s.To > 750 { // the records with odd numbers
						t.Errorf("partition 1 was lifted to %d", s.To)
					}
				}
			}
			j = job("misfit: quarantine")
			j.Must(t, 0, "run")
			checkAll(t, j, tp, readers.PyArrow)
		})
	}
}

// TestTombstonesAreGaps lifts a topic of transactions: half of its records are aborted, broken ones among them.
func TestTombstonesAreGaps(t *testing.T) {
	t.Parallel()
	name := produce.Name("gaps")
	tp := fill(t, name, newAvro(t, name), produce.Spec{Records: 6000, Partitions: 2}, 10, true)
	for at, o := range tp.made {
		if o.reason == tombstone {
			o.reason = skipped
			tp.made[at] = o
		}
	}
	j := tp.job(t, product.Local(t), "policy: {tombstone: skip}\ncommit_every: {bytes: 100KiB}\n")
	j.Must(t, 0, "run")
	checkAll(t, j, tp, readers.PyArrow, readers.DuckDB)
	gaps := map[string]int64{}
	for _, b := range live(versions(t, j)) {
		for _, s := range b.Segments {
			for reason, n := range s.Gaps {
				gaps[reason] += int64(n.(float64))
			}
		}
	}
	var offsets int64
	for _, end := range tp.Ends {
		offsets += end
	}
	want := map[string]int64{"aborted": 3000, "tombstone": int64(len(tp.places(func(o outcome) bool { return o.reason == skipped }))), "control": offsets - 6000}
	if diff := cmp.Diff(want, gaps); diff != "" {
		t.Errorf("gaps: -want +got\n%s", diff)
	}
}

func kindCalled(f *format, name string) *kind {
	for i := range f.kinds {
		if f.kinds[i].name == name {
			return &f.kinds[i]
		}
	}
	panic(name)
}
