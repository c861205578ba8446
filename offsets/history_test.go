package offsets

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// A historian draws valid records and keeps the plainest account of what they mean: one entry for each offset and each file.
type historian struct {
	t       *rapid.T
	bodies  []Body
	inc     int
	next    map[int32]int64
	covered map[int32]map[int64]bool
	bundles map[BundleRef]Bundle // live ones
	files   map[FileRef]int      // live ones, with their bundle
	ever    map[FileRef]int      // all, with their bundle
	repairs map[FileRef]int
	fenced  map[string]bool

	tracked, everTracked bool
	through              int64
	open                 map[string]bool // folders
}

func (h *historian) attempt() string { return attemptName(len(h.bodies) + 1) }
func (h *historian) draw(label string, low, high int) int {
	return rapid.IntRange(low, high).Draw(h.t, label)
}

func (h *historian) add(b Body) {
	h.bodies = append(h.bodies, b)
	v := int64(len(h.bodies))
	if l := liftOf(b); l != nil {
		for i, bundle := range l.Bundles {
			h.bundles[BundleRef{v, i}] = bundle
			for _, f := range bundle.Files {
				if h.tracked {
					h.open[FolderOf(f.Key)] = true
				}
				h.files[FileRef{v, f.Key}], h.ever[FileRef{v, f.Key}] = i, i
			}
			for _, s := range bundle.Segments {
				for o := s.From; o < s.To; o++ {
					h.covered[s.Partition][o] = true
				}
			}
		}
	}
}

func (h *historian) init() {
	b := &Init{Incarnation: h.inc, Cluster: "c"}
	for range h.draw("partitions", 1, 3) {
		h.begin(&b.Partitions)
	}
	h.add(b)
}

func (h *historian) begin(into *[]PartitionStart) {
	p, at := int32(len(h.next)), int64(h.draw("start", 0, 20))
	h.next[p], h.covered[p] = at, map[int64]bool{}
	*into = append(*into, PartitionStart{Partition: p, Start: at, Epoch: int32(h.draw("epoch", -1, 3))})
}

func (h *historian) partition() int32 { return int32(h.draw("partition", 0, len(h.next)-1)) }

func (h *historian) commit() {
	l := Lift{Incarnation: h.inc, Attempt: h.attempt(), Settings: "s", Clock: noon}
	for p := range int32(len(h.next)) {
		if h.draw("take", 0, 2) == 0 && p != 0 {
			continue
		}
		to := h.next[p] + int64(h.draw("length", 0, 8))
		l.Bundles = append(l.Bundles, bundle(l.Attempt, p, h.next[p], to))
		h.next[p] = to
	}
	h.add(&Commit{l})
}

func (h *historian) skip() {
	p := h.partition()
	to := h.next[p] + int64(h.draw("length", 1, 8))
	h.add(&Skip{Incarnation: h.inc, Partition: p, From: h.next[p], To: to, Gap: GapOperator})
	h.next[p] = to
}

func (h *historian) fill() {
	p := h.partition()
	for from := range h.next[p] {
		if h.covered[p][from] {
			continue
		}
		to := from + 1
		for to < h.next[p] && !h.covered[p][to] && h.draw("longer", 0, 3) > 0 {
			to++
		}
		l := Lift{Incarnation: h.inc, Attempt: h.attempt(), Bundles: []Bundle{bundle(h.attempt(), p, from, to)}}
		h.add(&Fill{l})
		return
	}
}

func (h *historian) replace() {
	refs := slices.DeleteFunc(sorted(h.bundles, BundleRef.compare), func(r BundleRef) bool { return !h.current(r) })
	if len(refs) == 0 {
		return
	}
	ref := refs[h.draw("bundle", 0, len(refs)-1)]
	b := &Replace{Lift: Lift{Incarnation: h.inc, Attempt: h.attempt()}, Remove: []BundleRef{ref}, Swap: HideFirst}
	for _, s := range h.bundles[ref].Segments {
		b.Bundles = append(b.Bundles, bundle(b.Attempt, s.Partition, s.From, s.To))
	}
	for f, i := range h.files {
		if f.V == ref.V && i == ref.Bundle {
			delete(h.files, f)
		}
	}
	b.Reopens = h.reopened(h.bundles[ref].Files...)
	delete(h.bundles, ref)
	b.Emptied = h.emptied()
	h.add(b)
}

// reopened are the folders of files, where folders were ever tracked.
func (h *historian) reopened(files ...File) []string {
	if !h.everTracked {
		return nil
	}
	folders := map[string]bool{}
	for _, f := range files {
		folders[FolderOf(f.Key)] = true
		if h.tracked {
			h.open[FolderOf(f.Key)] = true
		}
	}
	return slices.Sorted(maps.Keys(folders))
}

// complete says of some open folders that they are complete, or turns the tracking off or on.
func (h *historian) complete() {
	b := &Complete{Incarnation: h.inc, Through: h.through + int64(h.draw("later", 0, 2))}
	switch {
	case !h.tracked:
		for f := range h.files {
			h.open[FolderOf(f.Key)] = true
		}
		b.Open = slices.Sorted(maps.Keys(h.open))
	case h.draw("off", 0, 5) == 0:
		h.tracked = false
		clear(h.open)
		h.add(&Complete{Incarnation: h.inc, Off: true})
		return
	}
	for _, f := range slices.Sorted(maps.Keys(h.open)) {
		if list := []*[]string{nil, &b.Folders, &b.Vacant}[h.draw("which", 0, 2)]; list != nil {
			*list = append(*list, f)
			delete(h.open, f)
		}
	}
	if h.tracked && len(b.Folders)+len(b.Vacant) == 0 {
		return
	}
	h.tracked, h.everTracked, h.through = true, true, b.Through
	h.add(b)
}

// current says whether a bundle is of the current incarnation.
func (h *historian) current(r BundleRef) bool {
	return liftOf(h.bodies[r.V-1]).Incarnation == h.inc
}

func (h *historian) drop() {
	files := sorted(h.files, FileRef.compare)
	if len(files) == 0 {
		return
	}
	from := h.draw("file", 0, len(files)-1)
	b := &Drop{Incarnation: h.inc, Files: files[from:min(len(files), from+h.draw("files", 1, 3))]}
	for _, f := range b.Files {
		b.Reopens = h.reopened(File{Key: f.Key})
		delete(h.files, f)
	}
	b.Emptied = h.emptied()
	h.add(b)
}

// emptied is, at times, a range of versions without a live file. A bundle there can be neither replaced nor repaired from then on.
func (h *historian) emptied() []Range {
	v := int64(h.draw("emptied from", 1, 2*len(h.bodies)))
	r := Range{v, v}
	for r.To <= int64(len(h.bodies)) && !slices.ContainsFunc(sorted(h.files, FileRef.compare), func(f FileRef) bool { return f.V == r.To }) {
		r.To++
	}
	if r.IsEmpty() {
		return nil
	}
	for ref := range h.bundles {
		if ref.V >= r.From && ref.V < r.To {
			delete(h.bundles, ref)
		}
	}
	return []Range{r}
}

func (h *historian) repair() {
	files := sorted(h.files, FileRef.compare)
	if len(files) == 0 {
		return
	}
	f := files[h.draw("file", 0, len(files)-1)]
	h.add(&Repair{Attempt: h.attempt(), File: f, Bytes: 9, Token: json.RawMessage(fmt.Sprint(len(h.bodies))), After: h.repairs[f]})
	h.repairs[f]++
}

func (h *historian) fence() {
	a := attemptName(100_000 + len(h.bodies))
	h.fenced[a] = true
	h.add(&Fence{Attempts: []string{a}})
}

func (h *historian) appear() {
	b := &Init{Incarnation: h.inc}
	h.begin(&b.Partitions)
	h.add(b)
}

func (h *historian) incarnate() {
	h.inc++
	b := &Incarnate{Incarnation: h.inc, Cluster: "c", TopicID: fmt.Sprint(h.inc)}
	h.next, h.covered = map[int32]int64{}, map[int32]map[int64]bool{}
	h.begin(&b.Partitions)
	h.add(b)
}

// history draws a valid log.
func history(t *rapid.T) *historian {
	h := &historian{t: t, inc: 1, next: map[int32]int64{}, covered: map[int32]map[int64]bool{}, bundles: map[BundleRef]Bundle{},
		files: map[FileRef]int{}, ever: map[FileRef]int{}, repairs: map[FileRef]int{}, fenced: map[string]bool{}, open: map[string]bool{}}
	h.init()
	steps := []func(){h.commit, h.commit, h.commit, h.skip, h.fill, h.fill, h.replace, h.drop, h.repair, h.fence, h.appear, h.complete}
	for range h.draw("steps", 1, 40) {
		if h.draw("incarnate", 0, 30) == 0 {
			h.incarnate()
		}
		steps[h.draw("step", 0, len(steps)-1)]()
	}
	return h
}

func sorted[K comparable, V any](m map[K]V, compare func(a, b K) int) []K {
	var keys []K
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, compare)
	return keys
}

// verdict checks a state against the plain account.
func (h *historian) verdict(s *State) {
	if s.Incarnation != h.inc || len(s.Partitions) != len(h.next) {
		h.t.Fatalf("incarnation %d, want %d; partitions %v, want %v", s.Incarnation, h.inc, s.Partitions, h.next)
	}
	for p, next := range h.next {
		if s.Partitions[p].Next != next {
			h.t.Fatalf("partition %d: next %d, want %d", p, s.Partitions[p].Next, next)
		}
		for o := range next + 3 {
			if s.Covers(p, Range{o, o + 1}) != h.covered[p][o] {
				h.t.Fatalf("partition %d offset %d: covered %v, want %v", p, o, !h.covered[p][o], h.covered[p][o])
			}
			open := slices.ContainsFunc(s.Uncovered(p, Range{0, next + 3}), func(r Range) bool { return r.From <= o && o < r.To })
			if open != (o < next && !h.covered[p][o]) {
				h.t.Fatalf("partition %d offset %d: uncovered %v", p, o, open)
			}
		}
	}
	for f, bundle := range h.ever {
		if _, live := h.files[f]; s.Live(f.V, bundle, f.Key) != live {
			h.t.Fatalf("file %v of bundle %d: live %v, want %v", f, bundle, !live, live)
		}
		if s.Repairs[RepairKey(f)] != h.repairs[f] {
			h.t.Fatalf("file %v: %d repairs, want %d", f, s.Repairs[RepairKey(f)], h.repairs[f])
		}
	}
	for f := range h.open {
		if _, open := s.Complete.Open[f]; h.tracked && !open {
			h.t.Fatalf("folder %s is not open", f)
		}
	}
	if s.Complete.IsTracked() != h.tracked || h.everTracked && (len(s.Complete.Open) != len(h.open) || s.Complete.Through != h.through) {
		h.t.Fatalf("complete: %+v, want %v through %d", s.Complete, h.open, h.through)
	}
	for a := range h.fenced {
		if s.admits(a) == nil {
			h.t.Fatalf("attempt %s is not fenced", a)
		}
	}
}

func TestFoldAgreesWithThePlainAccount(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		h := history(t)
		audit := NewAudit()
		for _, r := range chain(h.bodies...) {
			if err := audit.Apply(r); err != nil {
				t.Fatal(err)
			}
		}
		h.verdict(audit.State())
	})
}

func TestFoldFromACheckpointIsTheFoldFromTheFirstRecord(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		h := history(t)
		records := chain(h.bodies...)
		at := rapid.IntRange(1, len(records)).Draw(t, "checkpoint")
		whole, fromThere := NewState(), (*State)(nil)
		for _, r := range records {
			// Through their bytes, so that nothing counts but what is stored.
			data, err := Encode(r)
			if err != nil {
				t.Fatal(err)
			}
			if r, err = Decode(data); err != nil {
				t.Fatal(err)
			}
			if whole, err = Fold(whole, r); err != nil {
				t.Fatal(err)
			}
			if fromThere != nil {
				if fromThere, err = Fold(fromThere, r); err != nil {
					t.Fatal(err)
				}
			}
			if r.V == int64(at) {
				data, err := (&checkpoint{Format: Format, State: whole, PublishedThrough: r.V}).encode()
				if err != nil {
					t.Fatal(err)
				}
				c, err := decodeCheckpoint(data)
				if err != nil {
					t.Fatal(err)
				}
				fromThere = c.State
			}
		}
		a, b := encodeState(t, whole), encodeState(t, fromThere)
		if a != b {
			t.Fatalf("from the first record\n%s\nfrom a checkpoint at %d\n%s", a, at, b)
		}
		h.verdict(fromThere)
	})
}

func encodeState(t *rapid.T, s *State) string {
	data, err := marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// Each record is folded once from the true state, and must be refused after any other state that lacks the record before it.
func TestARecordIsValidInItsSlotOnly(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		records := chain(history(t).bodies...)
		out := rapid.IntRange(0, len(records)-1).Draw(t, "left out")
		s := NewState()
		for i, r := range records {
			if i == out {
				continue
			}
			n, err := Fold(s, r)
			if err != nil {
				if i < out {
					t.Fatal(err)
				}
				return
			}
			if i > out {
				t.Fatalf("record %d was folded although record %d is missing", r.V, records[out].V)
			}
			s = n
		}
	})
}
