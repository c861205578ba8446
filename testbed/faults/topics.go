package faults

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"shadoof/testbed/faults/history"
)

// The kinds of topics.
const (
	plain         = "plain"
	transactional = "transactional"
	compacted     = "compacted"
)

// A topic is one of the run, through all of its generations.
type topic struct {
	kind       string
	name       string
	partitions int32

	// held by whoever produces; taken whole by whoever deletes and creates the topic.
	gate       sync.RWMutex
	generation int

	seq int64 // of its producer
}

// topics creates and changes topics. Every change of a topic has clients of its own: clients that knew the old topic do not recover.
type topics struct {
	brokers     []string
	replication int16
	all         []*topic
	record      func(history.Event)

	mu   sync.Mutex
	held int
	free chan struct{} // closed while nobody holds
}

func newTopics(brokers []string, replication int16, all []*topic, record func(history.Event)) *topics {
	t := &topics{brokers: brokers, replication: replication, all: all, record: record, free: make(chan struct{})}
	close(t.free)
	return t
}

// client is for one use.
func (t *topics) client(opts ...kgo.Opt) (*kgo.Client, error) {
	return kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(t.brokers...), kgo.UnknownTopicRetries(30), kgo.MetadataMinAge(100 * time.Millisecond)}, opts...)...)
}

func (t *topics) admin(do func(*kadm.Client) error) error {
	cl, err := t.client()
	if err != nil {
		return err
	}
	defer cl.Close()
	return do(kadm.NewClient(cl))
}

// create creates the next generation of a topic, and waits until the brokers know it.
func (t *topics) create(ctx context.Context, tp *topic) error {
	configs := map[string]*string{}
	set := func(k, v string) { configs[k] = &v }
	if tp.kind == compacted {
		set("cleanup.policy", "compact")
		set("segment.ms", "4000")
		set("min.cleanable.dirty.ratio", "0.01")
		set("delete.retention.ms", "86400000")
	}
	if t.replication > 1 {
		set("min.insync.replicas", "2")
	}
	began := time.Now()
	tp.generation++
	return again(ctx, func() error {
		return t.admin(func(adm *kadm.Client) error {
			_, err := adm.CreateTopic(ctx, tp.partitions, t.replication, configs, tp.name)
			if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
				return err
			}
			known, err := adm.ListTopics(ctx, tp.name)
			if err != nil {
				return err
			}
			d := known[tp.name]
			if d.Err != nil || int32(len(d.Partitions)) != tp.partitions {
				return fmt.Errorf("topic %s is not known yet: %w", tp.name, d.Err)
			}
			t.record(history.Event{At: began, Until: time.Now(), Who: "topics", What: history.Created, Topic: tp.name, Generation: tp.generation, TopicID: hex.EncodeToString(d.ID[:])})
			return nil
		})
	})
}

// Recreate implements nemesis.Topics.
func (t *topics) Recreate(ctx context.Context, r *rand.Rand) (string, error) {
	tp := t.all[r.IntN(len(t.all))]
	tp.gate.Lock()
	defer tp.gate.Unlock()
	t.record(history.Event{Who: "topics", What: history.Deleted, Topic: tp.name, Generation: tp.generation})
	err := again(ctx, func() error {
		return t.admin(func(adm *kadm.Client) error {
			_, err := adm.DeleteTopic(ctx, tp.name)
			if err != nil && !errors.Is(err, kerr.UnknownTopicOrPartition) {
				return err
			}
			known, err := adm.ListTopics(ctx, tp.name)
			if err != nil {
				return err
			}
			if d, ok := known[tp.name]; ok && !errors.Is(d.Err, kerr.UnknownTopicOrPartition) {
				return fmt.Errorf("topic %s is still there: %v", tp.name, d.Err)
			}
			return nil
		})
	})
	if err != nil {
		return tp.name, err
	}
	return tp.name, t.create(ctx, tp)
}

// Trim implements nemesis.Topics. Only plain records are trimmed below an offset that readers may have reached or not.
func (t *topics) Trim(ctx context.Context, r *rand.Rand) (string, error) {
	var able []*topic
	for _, tp := range t.all {
		if tp.kind != compacted { // Kafka refuses it where nothing is deleted
			able = append(able, tp)
		}
	}
	tp := able[r.IntN(len(able))]
	tp.gate.RLock()
	defer tp.gate.RUnlock()
	share := 0.3 + 0.7*r.Float64()
	var text []string
	err := again(ctx, func() error {
		return t.admin(func(adm *kadm.Client) error {
			starts, err := adm.ListStartOffsets(ctx, tp.name)
			if err != nil {
				return err
			}
			ends, err := adm.ListCommittedOffsets(ctx, tp.name)
			if err != nil {
				return err
			}
			below, at := map[int32]int64{}, kadm.Offsets{}
			text = nil
			ends.Each(func(end kadm.ListedOffset) {
				start, ok := starts.Lookup(tp.name, end.Partition)
				if !ok || end.Err != nil || start.Err != nil || end.Offset <= start.Offset {
					return
				}
				// What is old is mostly lifted: retention has to come near to the end to overtake anybody.
				most := end.Offset - int64((1-share)*float64(min(end.Offset-start.Offset, 300)))
				below[end.Partition] = most
				at.AddOffset(tp.name, end.Partition, most, -1)
				text = append(text, fmt.Sprintf("%d@%d", end.Partition, most))
			})
			if len(below) == 0 {
				return nil
			}
			t.record(history.Event{Who: "topics", What: history.Trimmed, Topic: tp.name, Generation: tp.generation, Positions: below})
			deleted, err := adm.DeleteRecords(ctx, at)
			return errors.Join(err, deleted.Error())
		})
	})
	return tp.name + " " + strings.Join(text, " "), err
}

// Hold implements nemesis.Topics.
func (t *topics) Hold() (release func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.held++; t.held == 1 {
		t.free = make(chan struct{})
	}
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.held--; t.held == 0 {
			close(t.free)
		}
	}
}

// wait waits while somebody holds.
func (t *topics) wait(ctx context.Context) {
	t.mu.Lock()
	free := t.free
	t.mu.Unlock()
	select {
	case <-free:
	case <-ctx.Done():
	}
}

// ends are the last stable offsets of all topics; of those that are known in time.
func (t *topics) ends(ctx context.Context) map[string]map[int32]int64 {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	out := map[string]map[int32]int64{}
	_ = t.admin(func(adm *kadm.Client) error {
		for _, tp := range t.all {
			if !tp.gate.TryRLock() {
				continue // it is being recreated
			}
			ends, err := adm.ListCommittedOffsets(ctx, tp.name)
			tp.gate.RUnlock()
			if err != nil || ends.Error() != nil {
				continue
			}
			of := map[int32]int64{}
			ends.Each(func(o kadm.ListedOffset) { of[o.Partition] = o.Offset })
			out[tp.name] = of
		}
		return nil
	})
	return out
}

// settled is nil once no transaction is open.
func (t *topics) settled(ctx context.Context) error {
	return t.admin(func(adm *kadm.Client) error {
		var names []string
		for _, tp := range t.all {
			names = append(names, tp.name)
		}
		stable, err := adm.ListCommittedOffsets(ctx, names...)
		if err != nil {
			return err
		}
		high, err := adm.ListEndOffsets(ctx, names...)
		if err != nil {
			return err
		}
		if err := errors.Join(stable.Error(), high.Error()); err != nil {
			return err
		}
		high.Each(func(h kadm.ListedOffset) {
			if s, ok := stable.Lookup(h.Topic, h.Partition); !ok || s.Offset != h.Offset {
				err = fmt.Errorf("%s/%d: a transaction is open at %d, the log ends at %d", h.Topic, h.Partition, s.Offset, h.Offset)
			}
		})
		return err
	})
}

// again repeats until it works, or until ctx is done.
func again(ctx context.Context, do func() error) error {
	pause := 100 * time.Millisecond
	for {
		err := do()
		if err == nil {
			return nil
		}
		if !rest(ctx, pause) {
			return errors.Join(context.Cause(ctx), err)
		}
		pause = min(2*pause, 2*time.Second)
	}
}

// rest waits; it is false once ctx is done.
func rest(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
