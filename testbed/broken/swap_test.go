package broken_test

import (
	"path"
	"slices"
	"testing"
	"time"

	"shadoof/testbed/product"
)

// A watch looks at the folder of a topic all the while that files change places, and remembers what it saw.
type watch struct {
	t    *testing.T
	j    *product.Job
	stop chan struct{}
	done chan struct{}
	seen []map[string][]string // by time folder
}

func newWatch(t *testing.T, j *product.Job) *watch {
	w := &watch{t: t, j: j, stop: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(w.done)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			w.look()
			select {
			case <-w.stop:
				w.look()
				return
			case <-tick.C:
			}
		}
	}()
	return w
}

func (w *watch) look() {
	folders := map[string][]string{}
	for _, key := range w.j.Root.Keys(w.t, w.j.Topic+"/") {
		folders[path.Dir(key)] = append(folders[path.Dir(key)], path.Base(key))
	}
	w.seen = append(w.seen, folders)
}

// end looks for what the swap promises not to show. What is seen of two folders need not be of one moment, so each is judged alone; nor are
// the files of two versions, which are swapped one after the other.
func (w *watch) end(swap string) {
	w.t.Helper()
	close(w.stop)
	<-w.done
	between := 0
	log := versions(w.t, w.j)
	for _, v := range log {
		if v.Type != "replace" {
			continue
		}
		old, fresh := map[string][]string{}, dataFiles(v.Bundles)
		for _, r := range v.Remove {
			for folder, names := range dataFiles(log[r.V-1].Bundles[r.Bundle : r.Bundle+1]) {
				old[folder] = append(old[folder], names...)
			}
		}
		for _, seen := range w.seen {
			for folder, names := range old {
				before, after := among(names, seen[folder]), among(fresh[folder], seen[folder])
				switch {
				case swap == "show-first" && before < len(names) && after < len(fresh[folder]):
					w.t.Errorf("version %d, show-first: %s had %d of %d old files and %d of %d new ones", v.V, folder, before, len(names), after, len(fresh[folder]))
					return
				case swap == "hide-first" && before > 0 && after > 0:
					w.t.Errorf("version %d, hide-first: %s had %d old files and %d new ones", v.V, folder, before, after)
					return
				case before > 0 && before < len(names), after > 0 && after < len(fresh[folder]), before > 0 && after > 0, before == 0 && after == 0:
					between++
				}
			}
		}
	}
	w.t.Logf("%s: looked %d times; folders were seen in between %d times", swap, len(w.seen), between)
}

func among(names, seen []string) (n int) {
	for _, name := range names {
		if slices.Contains(seen, name) {
			n++
		}
	}
	return n
}

// dataFiles are the names of the data files of bundles, by folder.
func dataFiles(bundles []bundle) map[string][]string {
	out := map[string][]string{}
	for _, b := range bundles {
		for _, f := range b.Files {
			if f.Kind == "data" {
				out[path.Dir(f.Key)] = append(out[path.Dir(f.Key)], path.Base(f.Key))
			}
		}
	}
	return out
}

// visible are the data files that a lister sees, those of all versions that are replaced, and those that replace them.
func visible(t *testing.T, j *product.Job) (seen, old, fresh []string) {
	t.Helper()
	seen = j.Root.Keys(t, j.Topic+"/")
	all := versionsAsTheyAre(t, j)
	for _, v := range all {
		for _, r := range v.Remove {
			old = append(old, keysOf(all[r.V-1].Bundles[r.Bundle])...)
		}
		if v.Type == "replace" {
			for _, b := range v.Bundles {
				fresh = append(fresh, keysOf(b)...)
			}
		}
	}
	return seen, old, fresh
}

func keysOf(b bundle) (keys []string) {
	for _, f := range b.Files {
		if f.Kind == "data" {
			keys = append(keys, f.Key)
		}
	}
	return keys
}
