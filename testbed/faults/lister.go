package faults

import (
	"context"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"shadoof/testbed/faults/history"
)

// A lister looks at the folders and the logs all the while, as somebody who has nothing to do with the product.
type lister struct {
	store  store
	topics []*topic
	record func(history.Event)

	mu   sync.Mutex // one look at a time
	seen map[string]history.Object
}

// glance is how long one request may take: a server that stands answers nobody.
const glance = 10 * time.Second

// run looks until ctx is done.
func (l *lister) run(ctx context.Context) {
	for ctx.Err() == nil {
		l.look(ctx)
		rest(ctx, 250*time.Millisecond)
	}
}

// look lists the files first and the logs second: what is visible must have been named before. A look that fails counts as none.
func (l *lister) look(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, glance)
	defer cancel()
	began := time.Now()
	now := map[string]history.Object{}
	for _, t := range l.topics {
		all, err := l.store.list(ctx, t.name)
		if err != nil {
			return err
		}
		for _, o := range all {
			now[o.Key] = o
		}
	}
	e := history.Event{At: began, Until: time.Now(), Who: "lister", What: history.Listed}
	for key, o := range now {
		switch before, ok := l.seen[key]; {
		case !ok:
			e.Appeared = append(e.Appeared, o)
		case before != o:
			e.Changed = append(e.Changed, key)
		}
	}
	for key := range l.seen {
		if _, ok := now[key]; !ok {
			e.Gone = append(e.Gone, key)
		}
	}
	slices.SortFunc(e.Appeared, func(a, b history.Object) int { return strings.Compare(a.Key, b.Key) })
	slices.Sort(e.Gone)
	slices.Sort(e.Changed)
	l.seen = now
	if len(e.Appeared)+len(e.Gone)+len(e.Changed) > 0 {
		l.record(e)
	}
	_, err := l.newest(ctx)
	return err
}

// newest lists the logs.
func (l *lister) newest(ctx context.Context) (map[string]int64, error) {
	ctx, cancel := context.WithTimeout(ctx, glance)
	defer cancel()
	e := history.Event{At: time.Now(), Who: "lister", What: history.LogListed, Newest: map[string]int64{}}
	for _, t := range l.topics {
		all, err := l.store.list(ctx, logOf(t.name))
		if err != nil {
			return nil, err
		}
		e.Newest[t.name] = 0
		for _, o := range all {
			e.Newest[t.name] = max(e.Newest[t.name], version(o.Key))
		}
	}
	e.Until = time.Now()
	l.record(e)
	return e.Newest, nil
}

func logOf(topic string) string { return "_shadoof/topics/" + topic + "/log" }

// version is that of a record of the log; 0 for what is none.
func version(key string) int64 {
	name, ok := strings.CutSuffix(path.Base(key), ".json")
	if !ok || len(name) != 20 {
		return 0
	}
	v, err := strconv.ParseInt(name, 10, 64)
	if err != nil {
		return 0
	}
	return v
}
