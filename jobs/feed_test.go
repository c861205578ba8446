package jobs

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shadoof/offsets"
	"shadoof/storage"
	"shadoof/storage/memory"
)

// A feedReader keeps the set of live files by what the feed tells it, and notes what does not go with what it was told before.
type feedReader struct {
	w     *world
	v     int64
	files map[string]FeedFile
}

func newFeedReader(w *world) *feedReader { return &feedReader{w: w, files: map[string]FeedFile{}} }

func (r *feedReader) apply(v *FeedVersion) error {
	if v.V != r.v+1 {
		r.w.t.Errorf("version %d comes after %d", v.V, r.v)
	}
	r.v = v.V
	for _, f := range v.Removed {
		have, ok := r.files[f.Key]
		if !ok {
			r.w.t.Errorf("version %d removes %s, which is not there", v.V, f.Key)
		}
		have.Gone = false
		if diff := cmp.Diff(have, f); diff != "" {
			r.w.t.Errorf("version %d removes another file than was added: -added +removed\n%s", v.V, diff)
		}
		delete(r.files, f.Key)
	}
	for _, f := range v.Added {
		if _, ok := r.files[f.Key]; ok || f.V != v.V {
			r.w.t.Errorf("version %d adds %s (of version %d), which is there", v.V, f.Key, f.V)
		}
		r.files[f.Key] = f
	}
	return nil
}

// catchUp reads the feed as far as it goes, by a fresh process, and compares.
func (r *feedReader) catchUp() FeedEnd {
	r.w.t.Helper()
	e := r.w.process(r.w.store)
	end, err := e.Feed(context.Background(), FeedOptions{Topic: "orders", Since: r.v}, r.apply)
	if err != nil {
		r.w.t.Fatalf("feed: %v", err)
	}
	if end.V != r.v {
		r.w.t.Errorf("the feed ends at %d, and told %d", end.V, r.v)
	}
	wk, err := e.reader(context.Background(), "orders")
	if err != nil {
		r.w.t.Fatal(err)
	}
	live, err := wk.liveFilesAt(context.Background(), r.v)
	if err != nil {
		r.w.t.Fatal(err)
	}
	want, got := map[string]string{}, map[string]string{}
	for k, f := range live {
		want[k] = fmt.Sprint(f.v, f.Kind, f.Bucket, f.Rows)
	}
	for k, f := range r.files {
		got[k] = fmt.Sprint(f.V, f.Kind, f.Bucket, f.Rows)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		r.w.t.Fatalf("live as of version %d (-) and by the feed (+):\n%s", r.v, diff)
	}
	if end.Pending == 0 { // nothing is under way: what the feed says is what there is
		for k, f := range r.files {
			if size, err := storage.Size(context.Background(), r.w.store, k); err != nil || size != f.Bytes {
				r.w.t.Fatalf("%s has %d bytes (%v), and the feed says %d", k, size, err, f.Bytes)
			}
		}
	}
	return end
}

// TestTheFeedIsAlwaysExact reads the feed at every step of random histories: runs, crashes, lost files, drops, retries, replaces.
func TestTheFeedIsAlwaysExact(t *testing.T) {
	t.Parallel()
	seeds := uint64(40)
	if raced {
		seeds = 8
	}
	for seed := range seeds {
		r := rand.New(rand.NewPCG(seed, 1))
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			w := newWorld(t)
			w.ids = seed << 32
			topic := withBad(w)
			reader := newFeedReader(w)
			for range 14 {
				ctx := context.Background()
				e := w.process(w.store)
				switch r.IntN(7) {
				case 0:
					topic.add(r.IntN(2), 1+r.IntN(9), day.Add(time.Duration(r.IntN(300))*time.Minute), time.Minute)
					w.runClean()
				case 1:
					topic.add(r.IntN(2), 1+r.IntN(9), day.Add(time.Duration(r.IntN(300))*time.Minute), time.Minute)
					crashAt(w, []string{"committed", "mid-publish", "before-marker"}[r.IntN(3)])
				case 2:
					if r.IntN(2) == 0 {
						w.store.AbortUploads(func(key string) bool { return r.IntN(2) == 0 })
					}
					w.runClean()
				case 3:
					live, err := e.Files(ctx, "orders", "", 0)
					if err == nil && len(live) > 0 {
						_, _, err = e.Resolve(ctx, "orders", Resolution{Drop: live[r.IntN(len(live))].Key, Decision: offsets.Decision{By: "test", Reason: "feed"}})
					}
					if err != nil {
						t.Fatal(err)
					}
				case 4:
					_, _ = retryQuarantine(e, RetryRequest{Swap: []string{offsets.HideFirst, offsets.ShowFirst}[r.IntN(2)]})
				case 5:
					w.tryReplace(r)
				case 6:
					_, _ = e.GC(ctx, Selection{}, false)
				}
				reader.catchUp()
			}
			w.runClean()
			if end := reader.catchUp(); end.Pending != 0 || end.V != end.Newest {
				t.Errorf("after a clean run the feed ends with %+v", end)
			}
			again := newFeedReader(w)
			again.catchUp()
			late := newFeedReader(w) // begins in the middle, with the right set
			late.v = int64(r.IntN(int(reader.v)))
			wk, err := w.process(w.store).reader(context.Background(), "orders")
			if err != nil {
				t.Fatal(err)
			}
			live, err := wk.liveFilesAt(context.Background(), late.v)
			if err != nil {
				t.Fatal(err)
			}
			f := &feed{w: wk}
			for k, file := range live {
				if late.files[k], err = f.file(context.Background(), file.v, &file.File); err != nil {
					t.Fatal(err)
				}
			}
			late.catchUp()
		})
	}
}

// tryReplace lifts a live bundle once more, and swaps it; it may die between the halves.
func (w *world) tryReplace(r *rand.Rand) {
	e := w.process(w.store)
	wk, err := e.reader(context.Background(), "orders")
	if err != nil {
		w.t.Fatal(err)
	}
	s := wk.log.State()
	for v := 2 + r.Int64N(s.V); v <= s.V; v++ {
		rec, err := wk.log.Record(context.Background(), v)
		if err != nil {
			w.t.Fatal(err)
		}
		if rec.Lift() == nil || !s.BundleLive(offsets.BundleRef{V: v}) || rec.Type == offsets.TypeReplace {
			continue
		}
		swap := []string{offsets.HideFirst, offsets.ShowFirst}[r.IntN(2)]
		act := func(e *Env) {
			wk, p := w.lifted(e, offsets.BundleRef{V: v}, swap)
			_, _ = wk.replace(context.Background(), p)
		}
		if r.IntN(2) == 0 {
			w.crashWhile("half-swapped", act)
		} else {
			act(e)
		}
		return
	}
}

// A feed ends before the first version that is not published, also where later ones are.
func TestTheFeedEndsBeforeTheFirstUnpublishedVersion(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topic := twoHours(w)
	w.runClean()
	reader := newFeedReader(w)
	reader.catchUp()
	topic.add(0, 3, day.Add(3*time.Hour), time.Minute)
	crashAt(w, "committed")
	if end := reader.catchUp(); end != (FeedEnd{V: 2, Newest: 3, Pending: 3}) {
		t.Errorf("the feed ends with %+v", end)
	}
	w.runClean()
	if end := reader.catchUp(); end != (FeedEnd{V: 3, Newest: 3}) {
		t.Errorf("the feed ends with %+v", end)
	}
	_, err := w.process(w.store).Feed(context.Background(), FeedOptions{Topic: "orders", Since: 9}, reader.apply)
	if ExitCode(err) != ExitUsage || !strings.Contains(err.Error(), "the log holds 1 to 3") {
		t.Errorf("since a version that does not exist: %v", err)
	}
}

// What a replace removes is told without what was dropped before, and in its place later versions are known to be gone.
func TestTheFeedTellsWhatIsGoneByNow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	withBad(w)
	_, _, err := w.process(w.store).Resolve(context.Background(), "orders", Resolution{Drop: firstFile(w), Decision: offsets.Decision{By: "test", Reason: "feed"}})
	if err != nil {
		t.Fatal(err)
	}
	w.retry(RetryRequest{})
	var got []string
	_, err = w.process(w.store).Feed(context.Background(), FeedOptions{Topic: "orders"}, func(v *FeedVersion) error {
		gone := 0
		for _, f := range v.Added {
			if f.Gone {
				gone++
			}
		}
		got = append(got, fmt.Sprintf("%d %s: %d added, %d of them gone, %d removed", v.V, v.Type, len(v.Added), gone, len(v.Removed)))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"1 init: 0 added, 0 of them gone, 0 removed", "2 commit: 3 added, 3 of them gone, 0 removed", "3 drop: 0 added, 0 of them gone, 1 removed",
		"4 replace: 4 added, 0 of them gone, 2 removed"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// A feed that follows waits for what comes, through times in which the store cannot be read, and ends without an error when told to.
func TestAFeedFollows(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topic := w.source.create("orders", strings.Repeat("ab", 16), 1)
	ctx, cancel := context.WithCancel(context.Background())
	reader := newFeedReader(w)
	e := w.process(w.store)
	polls := 0
	e.pause = func(ctx context.Context, _ int) error {
		switch polls++; polls {
		case 3:
			topic.add(0, 5, day, time.Minute)
			w.runClean()
		case 6:
			topic.add(0, 5, day, time.Minute)
			crashAt(w, "committed")
		case 9:
			w.runClean()
		case 12:
			cancel()
		}
		return ctx.Err()
	}
	end, err := e.Feed(ctx, FeedOptions{Topic: "orders", Follow: true}, reader.apply)
	if err != nil || end.V != 3 || len(reader.files) != 2 {
		t.Errorf("the feed ended with %+v, %v, and %d files", end, err, len(reader.files))
	}
	gone := errors.New("broken pipe")
	if _, err := w.process(w.store).Feed(context.Background(), FeedOptions{Topic: "orders", Follow: true}, func(*FeedVersion) error { return gone }); !errors.Is(err, gone) {
		t.Errorf("a reader that is gone ends the feed with %v", err)
	}
}

// The records before --since are read only where a replace makes it necessary, and then from the newest checkpoint on.
func TestTheFeedReadsNoMoreThanItMust(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topic := w.source.create("orders", strings.Repeat("ab", 16), 1)
	for n := range 130 {
		topic.add(0, 1, day.Add(time.Duration(n)*time.Minute), time.Minute)
		w.runClean()
	}
	s := w.store.Attach(memory.Options{})
	reader := newFeedReader(w)
	reader.v = 128
	if _, err := w.process(s).Feed(context.Background(), FeedOptions{Topic: "orders", Since: 128}, func(v *FeedVersion) error { reader.v = v.V; return nil }); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(s.Trace(), "/log/"); reader.v != 131 || n > 50 {
		t.Errorf("told to version %d with %d reads of the log:\n%s", reader.v, n, s.Trace())
	}
}
