package jobs

import (
	"fmt"
	"strings"

	"shadoof/offsets"
	"shadoof/storage/memory"
)

// An onlooker sees each object of the store come and go, and knows at each moment what may be there.
type onlooker struct {
	fail     func(format string, args ...any)
	crashing bool // the store undoes what it never made durable

	records []*offsets.Record // slot v is records[v-1]
	states  []*offsets.State  // after so many records
	files   map[string]*seenFile
	rows    map[row]string // the visible file that has a row
	marked  map[int64]bool
	folders map[string]bool // with a marker
	stale   map[string]bool // that somebody gave a marker, or took it, who had slept over a later record: nobody can rely on these
	slept   int             // how often that was

	stays   map[int64]string // ids of records that somebody relied on
	reached map[int32]int64  // offsets that somebody relied on
	nothing map[string]bool  // runs that said that they committed nothing
	taken   map[string]bool  // keys of which staged bytes were taken away by others
	late    int64            // rows
}

// A seenFile is one that a record names.
type seenFile struct {
	v       int64
	bundle  int
	f       *offsets.File
	lengths []int64 // by its record, and by repairs
	gone    int64   // the version that removes it; 0: none
	visible bool
	rows    []row
}

func newOnlooker(fail func(format string, args ...any)) *onlooker {
	return &onlooker{fail: fail, states: []*offsets.State{offsets.NewState()}, files: map[string]*seenFile{}, rows: map[row]string{}, marked: map[int64]bool{}, folders: map[string]bool{}, stale: map[string]bool{},
		stays: map[int64]string{}, reached: map[int32]int64{}, nothing: map[string]bool{}, taken: map[string]bool{}}
}

func (o *onlooker) state() *offsets.State { return o.states[len(o.states)-1] }

// asked judges a call by what the store shows and may lose yet: nobody builds on a record that was not confirmed.
func (o *onlooker) asked(c *call, unsettled []string) {
	for _, name := range unsettled {
		v, ok := offsets.ParseLogName("orders", name)
		if !ok {
			continue
		}
		next, isLog := offsets.ParseLogName("orders", c.name)
		switch f := o.files[c.name]; {
		case c.op == string(memory.OpPutNew) && isLog && next > v:
			o.fail("p%d proposes record %d before %d is confirmed", c.p.number, next, v)
		case c.op == string(memory.OpPublish) && f != nil && f.v == v:
			o.fail("p%d publishes %s before record %d is confirmed", c.p.number, c.name, v)
		}
	}
}

// changed is called at each change of an object; data is nil where it is gone.
func (o *onlooker) changed(name string, data []byte) {
	v, isLog := offsets.ParseLogName("orders", name)
	p, isPub := offsets.ParsePubName("orders", name)
	isData := strings.HasPrefix(name, "orders/") || strings.Contains(name, "/quarantine/")
	switch {
	case isLog && data != nil:
		o.appended(v, data)
	case isLog:
		o.vanished(v)
	case isPub && data != nil:
		o.marked[p] = true
		o.carriedOut(p)
	case isPub:
		delete(o.marked, p)
		if !o.crashing {
			o.fail("the marker of version %d was deleted", p)
		}
	case isSuccess(name):
		o.turned(strings.TrimSuffix(name, "/"+successName), data != nil)
	case isData && data != nil:
		o.shown(name, data)
	case isData:
		o.hidden(name)
	}
}

// appended sees a record.
func (o *onlooker) appended(v int64, data []byte) {
	r, err := offsets.Decode(data)
	if err == nil && v != int64(len(o.records))+1 {
		err = fmt.Errorf("it comes after %d", len(o.records))
	}
	if err != nil {
		o.fail("record %d: %v", v, err)
		return
	}
	s, err := offsets.Fold(o.state(), r)
	if err != nil {
		o.fail("%v", err)
		return
	}
	if o.nothing[r.Run] && (r.Lift() != nil || r.Type == offsets.TypeDrop || r.Type == offsets.TypeSkip) {
		o.fail("record %d is of run %s, which said that it committed nothing", v, r.Run)
	}
	o.records, o.states = append(o.records, r), append(o.states, s)
	if l := r.Lift(); l != nil {
		o.lifted(r, l)
	}
	switch b := r.Body.(type) {
	case *offsets.Repair:
		if !o.taken[b.File.Key] {
			o.fail("record %d repairs %s, and nobody but us could have taken its staged bytes away", v, b.File.Key)
		}
		if f := o.files[b.File.Key]; f == nil || f.v != b.File.V {
			o.fail("record %d repairs %s of version %d, which does not name it", v, b.File.Key, b.File.V)
		} else {
			f.lengths = append(f.lengths, b.Bytes)
		}
	default:
		o.removals(r, v)
	}
}

func (o *onlooker) lifted(r *offsets.Record, l *offsets.Lift) {
	late := map[string]bool{}
	for _, folder := range l.Late {
		late[folder] = true
	}
	for n, b := range l.Bundles {
		for i := range b.Files {
			f := &b.Files[i]
			if other := o.files[f.Key]; other != nil {
				o.fail("versions %d and %d both name %s", other.v, r.V, f.Key)
				continue
			}
			o.files[f.Key] = &seenFile{v: r.V, bundle: n, f: f, lengths: []int64{f.Bytes}}
			folder := offsets.FolderOf(f.Key)
			switch {
			case f.Kind != offsets.KindData:
			case late[folder]:
				o.late += f.Rows
			case o.folders[folder] && !o.stale[folder] && r.Type != offsets.TypeReplace:
				o.fail("version %d (%s) adds %d rows that are not late to %s, which has a marker", r.V, r.Type, f.Rows, folder)
			}
		}
	}
}

// removals notes which files a record removes, by the version that stands for it.
func (o *onlooker) removals(r *offsets.Record, by int64) {
	switch b := r.Body.(type) {
	case *offsets.Drop:
		for _, ref := range b.Files {
			if f := o.files[ref.Key]; f == nil || f.v != ref.V {
				o.fail("record %d drops %s of version %d, which does not name it", r.V, ref.Key, ref.V)
			} else {
				f.gone = by
			}
		}
	case *offsets.Replace:
		for _, f := range o.files {
			for _, ref := range b.Remove {
				if f.v == ref.V && f.bundle == ref.Bundle && (f.gone == 0 || f.gone == r.V) {
					f.gone = by
				}
			}
		}
	}
}

// vanished sees that a record did not survive.
func (o *onlooker) vanished(v int64) {
	switch {
	case !o.crashing:
		o.fail("record %d was deleted", v)
		return
	case v != int64(len(o.records)):
		o.fail("record %d vanishes before %d", v, len(o.records))
		return
	case o.stays[v] != "":
		o.fail("record %d vanishes, and somebody has relied on it", v)
	}
	r := o.records[v-1]
	o.records, o.states = o.records[:v-1], o.states[:v]
	if l := r.Lift(); l != nil {
		for _, b := range l.Bundles {
			for i := range b.Files {
				if f := o.files[b.Files[i].Key]; f != nil && f.visible {
					o.fail("%s is visible, and its record vanishes", f.f.Key)
				}
				delete(o.files, b.Files[i].Key)
			}
		}
	}
	if b, ok := r.Body.(*offsets.Repair); ok {
		f := o.files[b.File.Key]
		f.lengths = f.lengths[:len(f.lengths)-1]
	}
	o.removals(r, 0)
}

func (o *onlooker) live(f *seenFile) bool { return o.state().Live(f.v, f.bundle, f.f.Key) }

// shown sees that a file became visible.
func (o *onlooker) shown(key string, data []byte) {
	f := o.files[key]
	if f == nil {
		o.fail("%s is visible, and no record names it", key)
		return
	}
	switch {
	case f.gone > 0 && o.marked[f.gone]:
		o.fail("%s comes back after version %d has removed it", key, f.gone)
	case !o.crashing && o.marked[f.v] && f.gone == 0:
		o.fail("%s is visible only after version %d was said to be carried out", key, f.v)
	}
	if n := int64(len(data)); !contains(f.lengths, n) {
		o.fail("%s has %d bytes, and should have one of %v", key, n, f.lengths)
	}
	f.visible = true
	if f.f.Kind != offsets.KindData {
		return
	}
	rows, err := parseLines(data)
	if err != nil || int64(len(rows)) != f.f.Rows {
		o.fail("%s has %d rows, and should have %d: %v", key, len(rows), f.f.Rows, err)
	}
	f.rows = rows
	for _, r := range rows {
		if other := o.rows[r]; other != "" && !o.swapped(f, o.files[other], offsets.ShowFirst) {
			o.fail("row %v is visible in %s and in %s", r, other, key)
		}
		o.rows[r] = key
	}
	if r, ok := o.records[f.v-1].Body.(*offsets.Replace); ok && r.Swap == offsets.HideFirst {
		for old, g := range o.files {
			if g.gone == f.v && g.visible {
				o.fail("%s of version %d (hide-first) is visible before %s is gone", key, f.v, old)
			}
		}
	}
}

func contains(all []int64, n int64) bool {
	for _, m := range all {
		if m == n {
			return true
		}
	}
	return false
}

// swapped says whether one of two files takes the place of the other, in that order of the halves.
func (o *onlooker) swapped(f, g *seenFile, swap string) bool {
	for range 2 {
		if r, ok := o.records[f.v-1].Body.(*offsets.Replace); ok && g.gone == f.v && r.Swap == swap {
			return true
		}
		f, g = g, f
	}
	return false
}

// hidden sees that a file is visible no more.
func (o *onlooker) hidden(key string) {
	f := o.files[key]
	if f == nil {
		return // that it was visible was wrong already
	}
	f.visible = false
	for _, r := range f.rows {
		if o.rows[r] == key {
			delete(o.rows, r)
		}
	}
	if o.crashing {
		return // whether somebody relied on it is judged when the store has come back
	}
	if f.gone == 0 {
		o.fail("%s vanishes, and no record removes it", key)
		return
	}
	folder := offsets.FolderOf(key)
	if f.f.Kind == offsets.KindData && o.folders[folder] && !o.stale[folder] {
		o.fail("%s is deleted below a marker", key)
	}
	if r, ok := o.records[f.gone-1].Body.(*offsets.Replace); ok && r.Swap == offsets.ShowFirst {
		for other, g := range o.files {
			if g.v == f.gone && !g.visible && o.live(g) {
				o.fail("%s is gone before %s of version %d (show-first) is visible", key, other, f.gone)
			}
		}
	}
}

// carriedOut judges what a marker of a version says.
func (o *onlooker) carriedOut(v int64) {
	if v > int64(len(o.records)) {
		o.fail("version %d has a marker, and there is none", v)
		return
	}
	r := o.records[v-1]
	for key, f := range o.files {
		b, isRepair := r.Body.(*offsets.Repair)
		named := f.v == v || isRepair && b.File.V == f.v && b.File.Key == key
		if named && !f.visible && o.live(f) {
			o.fail("version %d is said to be carried out, and %s is not visible", v, key)
		}
		if f.gone == v && f.visible {
			o.fail("version %d is said to be carried out, and %s is visible", v, key)
		}
	}
}

// turned sees the marker of a folder come or go.
func (o *onlooker) turned(folder string, there bool) {
	said, wanted := false, false
	for _, r := range o.records {
		wordOf(r, func(f string, w bool) {
			if f == folder {
				said, wanted = true, w
			}
		})
	}
	o.folders[folder] = there
	if !there {
		delete(o.folders, folder)
	}
	if o.stale[folder] = there != wanted; o.stale[folder] && !o.crashing {
		o.slept++
	}
	switch {
	case !said && !o.crashing:
		o.fail("the marker of %s comes or goes, and no record speaks of it", folder)
	case there && wanted:
		o.completed(folder)
	}
}

// completed judges the marker of a folder.
func (o *onlooker) completed(folder string) {
	for key, f := range o.files {
		if f.f.Kind != offsets.KindData || offsets.FolderOf(key) != folder || f.visible || !o.live(f) {
			continue
		}
		if l := o.records[f.v-1].Lift(); !contains64(l.Late, folder) {
			o.fail("the marker of %s comes before %s of version %d", folder, key, f.v)
		}
	}
}

func contains64(all []string, s string) bool {
	for _, a := range all {
		if a == s {
			return true
		}
	}
	return false
}

// cameBack judges what the store still has after it crashed: nothing that somebody has relied on is gone.
func (o *onlooker) cameBack() {
	for v := range o.marked {
		o.carriedOut(v)
	}
	for p, at := range o.reached {
		if have := o.state().Partitions[p].Next; have < at {
			o.fail("partition %d is back at %d, and a run has ended at %d", p, have, at)
		}
	}
}

// relied notes that somebody was told that versions of a run stand.
func (o *onlooker) relied(run string, versions []int64) {
	for _, v := range versions {
		if v > int64(len(o.records)) || o.records[v-1].Run != run {
			o.fail("run %s says that it committed version %d, and has not", run, v)
			continue
		}
		o.stays[v] = o.records[v-1].ID
	}
}

// saidNothing notes that a run has said that it committed nothing.
func (o *onlooker) saidNothing(run string) {
	o.nothing[run] = true
	for _, r := range o.records {
		if r.Run == run && (r.Lift() != nil || r.Type == offsets.TypeDrop || r.Type == offsets.TypeSkip) {
			o.fail("run %s says that it committed nothing, and record %d is of it", run, r.V)
		}
	}
}

// A follower reads the feed on, now and then.
type follower struct {
	told     int64
	busy     bool
	live     map[string]bool
	complete map[string]bool
}

func (f *follower) tell(o *onlooker, v *FeedVersion) error {
	if v.V != f.told+1 {
		o.fail("the feed tells version %d after %d", v.V, f.told)
	}
	if v.V > int64(len(o.records)) {
		o.fail("the feed tells version %d, and there is none", v.V)
		return nil
	}
	f.told = v.V
	o.stays[v.V] = o.records[v.V-1].ID
	for _, a := range v.Added {
		f.live[a.Key] = true
		if s := o.files[a.Key]; s == nil || !a.Gone && !s.visible && o.live(s) {
			o.fail("the feed tells of %s of version %d, which is not visible", a.Key, v.V)
		}
	}
	for _, r := range v.Removed {
		if !f.live[r.Key] {
			o.fail("the feed tells twice that %s is gone, or never told of it", r.Key)
		}
		delete(f.live, r.Key)
		if s := o.files[r.Key]; s == nil || s.visible {
			o.fail("the feed tells that %s is gone, and it is visible", r.Key)
		}
	}
	for _, folder := range v.Complete {
		f.complete[folder] = true
	}
	for _, folder := range v.Reopened {
		delete(f.complete, folder)
	}
	return nil
}

// exact compares what the feed told with what there is.
func (f *follower) exact(o *onlooker) {
	if f.told != int64(len(o.records)) {
		o.fail("the feed ends at version %d of %d", f.told, len(o.records))
	}
	for key, s := range o.files {
		if f.live[key] != s.visible || f.live[key] != o.live(s) {
			o.fail("%s: told %t, visible %t, live %t", key, f.live[key], s.visible, o.live(s))
		}
	}
	for folder := range f.complete {
		if !o.folders[folder] && !o.stale[folder] {
			o.fail("the feed says that %s is complete, and it has no marker", folder)
		}
	}
	for folder := range o.folders {
		if !f.complete[folder] && !o.stale[folder] {
			o.fail("%s has a marker, and the feed does not say that it is complete", folder)
		}
	}
}
