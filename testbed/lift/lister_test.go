package lift_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"shadoof/testbed/product"
)

// A lister polls the topic's folder all the while, as readers do, and remembers what may never happen: a file that no record of the
// log names, or a file that vanishes although no record removes it.
type lister struct {
	t     *testing.T
	job   *product.Job
	named map[string]bool
	read  map[string]bool // log records
	bad   []string
	polls int

	stop chan struct{}
	done sync.WaitGroup
}

func watch(t *testing.T, j *product.Job) *lister {
	l := &lister{t: t, job: j, named: map[string]bool{}, read: map[string]bool{}, stop: make(chan struct{})}
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

// look lists the files first and the log second: whatever is visible must have been named before.
func (l *lister) look() {
	l.polls++
	visible := l.job.Root.Keys(l.t, l.job.Topic+"/")
	for _, name := range l.job.Root.Keys(l.t, "_shadoof/topics/"+l.job.Topic+"/log/") {
		if l.read[name] || !strings.HasSuffix(name, ".json") || strings.Contains(name, ".tmp-") {
			continue
		}
		b, err := l.job.Root.Read(l.t, name)
		if err != nil {
			l.bad = append(l.bad, fmt.Sprintf("%s was listed and cannot be read: %v", name, err))
			continue
		}
		l.read[name] = true
		var r struct {
			Bundles []struct {
				Files []struct {
					Key string `json:"key"`
				} `json:"files"`
			} `json:"bundles"`
		}
		if err := json.Unmarshal(b, &r); err != nil {
			l.bad = append(l.bad, fmt.Sprintf("%s is torn: %v", name, err))
		}
		for _, bundle := range r.Bundles {
			for _, f := range bundle.Files {
				l.named[f.Key] = true
			}
		}
	}
	for _, key := range visible {
		if !l.named[key] {
			l.bad = append(l.bad, key+" is visible, and no record names it")
		}
	}
}

// end stops the lister and fails the test for what it saw.
func (l *lister) end() {
	l.t.Helper()
	close(l.stop)
	l.done.Wait()
	for i, b := range l.bad {
		if i < 10 {
			l.t.Error("seen by a lister: " + b)
		}
	}
	if l.polls < 3 {
		l.t.Errorf("the lister looked only %d times", l.polls)
	}
}
