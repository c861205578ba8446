//go:build long

package hdfsfaults_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"strings"

	"shadoof/offsets"
	"shadoof/storage"
	"shadoof/testbed/hdfsbed"
)

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
