package jobs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"shadoof/offsets"
	"shadoof/storage"
	"shadoof/writers"
)

// A CommitRef says which version of a log something is about.
type CommitRef struct {
	V         int64        `json:"v"`
	Type      offsets.Type `json:"type"`
	Time      time.Time    `json:"time"`
	Run       string       `json:"run"`
	Host      string       `json:"host"`
	Build     string       `json:"build"`
	Attempt   string       `json:"attempt,omitempty"`
	Published bool         `json:"published"` // what it asks for is done; true for types that ask for nothing
	By        string       `json:"by,omitempty"`
	Reason    string       `json:"reason,omitempty"`
}

// An inspector reads one topic's log to explain something in it. It needs neither Kafka nor a job that claims the topic.
type inspector struct {
	e       *Env
	topic   string
	log     *offsets.Log
	state   *offsets.State
	pending map[int64]bool
}

func (e *Env) inspect(ctx context.Context, topic string) (*inspector, error) {
	if err := e.checkRoot(ctx); err != nil {
		return nil, err
	}
	i := &inspector{e: e, topic: topic, log: e.openLog(topic), pending: map[int64]bool{}}
	s, err := i.log.Load(ctx)
	if errors.Is(err, offsets.ErrEmpty) {
		return nil, fmt.Errorf("%s: nothing of the topic was committed below %s yet", topic, e.endpoint)
	}
	if err != nil {
		return nil, err
	}
	i.state = s
	for _, v := range i.log.Unmarked() {
		i.pending[v] = true
	}
	return i, nil
}

// ref describes a record.
func (i *inspector) ref(r *offsets.Record) *CommitRef {
	c := &CommitRef{V: r.V, Type: r.Type, Time: r.Time, Run: r.Run, Host: r.Writer.Host, Build: r.Writer.Build, Attempt: attemptOf(r), Published: !i.pending[r.V]}
	if d := decisionOf(r); d != nil {
		c.By, c.Reason = d.By, d.Reason
	}
	return c
}

// decisionOf is who decided what a record says, and why; nil where nobody had to.
func decisionOf(r *offsets.Record) *offsets.Decision {
	switch b := r.Body.(type) {
	case *offsets.Drop:
		return &b.Decision
	case *offsets.Skip:
		return &b.Decision
	case *offsets.Incarnate:
		return &b.Decision
	case *offsets.Init:
		return b.Existing
	}
	return nil
}

// longTopic finds the topic behind a shortened one, among those that have a log.
func (e *Env) longTopic(ctx context.Context, short string) (string, error) {
	for entry, err := range e.store.List(ctx, storage.Query{Prefix: topicsDir, Shallow: true}) {
		if err != nil {
			return "", fmt.Errorf("list topics below %s: %w", e.endpoint, err)
		}
		topic := strings.TrimSuffix(strings.TrimPrefix(entry.Name, topicsDir), "/")
		if writers.ShortTopic(topic) == short {
			return topic, nil
		}
	}
	return "", fmt.Errorf("no topic below %s is shortened to %s", e.endpoint, short)
}

// size is the length of what lies under a name; -1 when nothing does.
func (e *Env) size(ctx context.Context, name string) (int64, error) {
	n, err := storage.Size(ctx, e.store, name)
	if isNotExist(err) {
		return -1, nil
	}
	return n, err
}
