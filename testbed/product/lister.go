package product

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"shadoof/testbed/hdfsbed"
)

// A Lister polls the topic's folder all the while, as readers do, and remembers what may never happen: a file that no record of the
// log names, a record that is torn, or the marker of a complete folder that lacks something.
type Lister struct {
	tb       testing.TB
	job      *Job
	named    map[string]bool // files, and markers of complete folders
	read     map[string]bool // log records
	complete completeness
	bad      []string
	polls    int
	outages  bool // a look that fails counts as none

	stop chan struct{}
	done sync.WaitGroup
}

// Watch starts a lister; End ends it. A look that meets an HDFS server which is down counts as none.
func Watch(tb testing.TB, j *Job) *Lister { return watch(tb, j, j.Root.hdfs != nil) }

// WatchThrough is Watch where any server may be down: a look that meets one counts as none.
func WatchThrough(tb testing.TB, j *Job) *Lister { return watch(tb, j, true) }

func watch(tb testing.TB, j *Job, outages bool) *Lister {
	l := &Lister{outages: outages, tb: tb, job: j, named: map[string]bool{}, read: map[string]bool{}, stop: make(chan struct{}), complete: completeness{log: map[int64]*logged{}, judged: map[string]int{}}}
	l.done.Go(func() {
		tick := time.NewTicker(40 * time.Millisecond)
		defer tick.Stop()
		for {
			l.look()
			select {
			case <-l.stop:
				l.look()
				return
			case <-tick.C:
			}
		}
	})
	return l
}

func (l *Lister) look() {
	ctx, cancel := context.WithTimeout(l.tb.Context(), 10*time.Second)
	defer cancel()
	var keys keysFunc = l.job.Root.keys
	var read readFunc = l.job.Root.read
	if r := l.job.Root; r.hdfs != nil {
		// Both from one NameNode: the other may be behind.
		f, err := r.hdfs.FS(hdfsbed.Superuser).Here(ctx)
		if err != nil {
			return
		}
		keys = func(ctx context.Context, below string) ([]string, error) { return r.keysHDFS(ctx, f, below) }
		read = func(ctx context.Context, name string) ([]byte, error) { return r.readHDFS(ctx, f, name) }
	}
	switch err := l.compare(ctx, keys, read); {
	case err == nil:
		l.polls++
	case !l.outages:
		l.bad = append(l.bad, err.Error())
	}
}

type (
	keysFunc func(ctx context.Context, below string) ([]string, error)
	readFunc func(ctx context.Context, name string) ([]byte, error)
)

// compare lists the files first and the log second: whatever is visible must have been named before.
func (l *Lister) compare(ctx context.Context, keys keysFunc, read readFunc) error {
	visible, err := keys(ctx, l.job.Topic+"/")
	if err != nil {
		return err
	}
	if err := l.readLog(ctx, keys, read); err != nil {
		return err
	}
	l.bad = append(l.bad, l.complete.judge(visible)...)
	if len(l.unnamed(visible)) == 0 {
		return nil
	}
	// A NameNode may have shown a record that did not survive, in the place of another.
	clear(l.read)
	if err := l.readLog(ctx, keys, read); err != nil {
		return err
	}
	for _, key := range l.unnamed(visible) {
		l.bad = append(l.bad, key+" is visible, and no record names it")
	}
	return nil
}

func (l *Lister) readLog(ctx context.Context, keys keysFunc, read readFunc) error {
	records, err := keys(ctx, "_shadoof/topics/"+l.job.Topic+"/log/")
	if err != nil {
		return err
	}
	for _, name := range records {
		if l.read[name] || !strings.HasSuffix(name, ".json") || strings.Contains(name, ".tmp-") {
			continue
		}
		b, err := read(ctx, name)
		if err != nil {
			return fmt.Errorf("%s was listed and cannot be read: %w", name, err)
		}
		var r logged
		if err := json.Unmarshal(b, &r); err != nil {
			l.bad = append(l.bad, fmt.Sprintf("%s is torn: %v", name, err))
		}
		l.read[name] = true
		l.complete.log[r.V] = &r
		for _, folder := range r.Folders {
			l.named[folder+marker] = true
		}
		for _, bundle := range r.Bundles {
			for _, f := range bundle.Files {
				l.named[f.Key] = true
			}
		}
	}
	return nil
}

func (l *Lister) unnamed(visible []string) (out []string) {
	for _, key := range visible {
		if !l.named[key] {
			out = append(out, key)
		}
	}
	return out
}

// End stops the lister and fails the test for what it saw.
func (l *Lister) End() {
	l.tb.Helper()
	close(l.stop)
	l.done.Wait()
	l.bad = append(l.bad, l.complete.unlate()...)
	for i, b := range l.bad {
		if i < 10 {
			l.tb.Error("seen by a lister: " + b)
		}
	}
	if l.polls < 3 {
		l.tb.Errorf("the lister looked only %d times", l.polls)
	}
}

// Judged says how often a folder with a marker was looked at, after End.
func (l *Lister) Judged(folder string) int { return l.complete.judged[folder] }
