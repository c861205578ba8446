package jobs

import (
	"context"
	"errors"

	"shadoof/offsets"
)

// verifyTopic verifies one topic. A damaged log is a difference: the other topics are looked at all the same.
func (e *Env) verifyTopic(ctx context.Context, topic string, deep bool) (*VerifyTopic, error) {
	w, err := e.reader(ctx, topic)
	var t *VerifyTopic
	if err == nil {
		t, err = w.verify(ctx, deep)
	}
	if errors.Is(err, offsets.ErrDamaged) {
		return &VerifyTopic{Topic: topic, Pending: []int64{}, Partitions: []VerifyPartition{}, Differences: []string{err.Error(), "what to do: " + Advice(topic, err)}}, nil
	}
	return t, err
}

// kept reads what rebuilding a file takes besides Kafka: settings, and the schemas that ids of the registry stood for.
func (a *audit) kept(ctx context.Context, l *offsets.Lift) error {
	if l == nil {
		return nil
	}
	look := func(name string, read func() ([]byte, error)) error {
		if a.looked[name] {
			return nil
		}
		a.looked[name] = true
		_, err := read()
		if errors.Is(err, offsets.ErrDamaged) {
			a.differ("%v", err)
			return nil
		}
		return err
	}
	if err := look(l.Settings, func() ([]byte, error) { return a.w.log.Settings(ctx, l.Settings) }); err != nil {
		return err
	}
	for id, fingerprint := range l.Writers {
		if err := look(offsets.WriterName(a.w.topic, id, fingerprint), func() ([]byte, error) { return a.w.log.KeptWriter(ctx, id, fingerprint) }); err != nil {
			return err
		}
	}
	return nil
}

// cached compares what the log says with the state that everybody goes by, who begins at the newest checkpoint.
func (a *audit) cached(proof *offsets.Audit) {
	want, got := proof.State(), a.w.log.State()
	if got.V == want.V && !got.Equal(want) {
		a.differ("the newest checkpoint says something else than the log: take away what is in %s/ckpt/ (it is made anew), and stop all runs of the topic until that is done", offsets.Dir(a.w.topic))
	}
}
