package offsets

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"shadoof/storage"
)

// SchemaDir is the folder of the topic's schemas.
func SchemaDir(topic string) string { return Dir(topic) + "/schema" }

// WriterName is the name of what an id stood for: a schema of writers, with this fingerprint.
func WriterName(topic string, id int32, fingerprint string) string {
	return writerPrefix(topic, id) + fingerprint + ".json"
}

func writerPrefix(topic string, id int32) string {
	return fmt.Sprintf("%s/writers/%d-", SchemaDir(topic), id)
}

// TargetName is the name of a schema that rows got after version v.
func TargetName(topic string, v int64, fingerprint string) string {
	return fmt.Sprintf("%s/%020d-%s.json", SchemaDir(topic), v, fingerprint)
}

// An OtherSchemaError says that an id stood for another schema before.
type OtherSchemaError struct {
	ID   int32
	Have []string // fingerprints
	Want string
}

func (e *OtherSchemaError) Error() string {
	return fmt.Sprintf("schema %d is %s now, and was %s before", e.ID, e.Want, strings.Join(e.Have, " and "))
}

// KeepWriter stores what an id stands for, if it is not there. It is an *OtherSchemaError when the id was kept with another fingerprint
// and never with this one. Two workers that keep an id with different fingerprints at the same moment may both succeed: the next run
// of either finds both there.
func (l *Log) KeepWriter(ctx context.Context, id int32, fingerprint string, data []byte) error {
	have, err := l.writers(ctx, id)
	switch {
	case err != nil:
		return err
	case slices.Contains(have, fingerprint):
		return nil
	case len(have) > 0:
		return &OtherSchemaError{ID: id, Have: have, Want: fingerprint}
	}
	return l.AcceptWriter(ctx, id, fingerprint, data)
}

// AcceptWriter is KeepWriter of a person who knows that the id stands for another schema now.
func (l *Log) AcceptWriter(ctx context.Context, id int32, fingerprint string, data []byte) error {
	err := l.create(ctx, WriterName(l.o.Topic, id, fingerprint), data)
	if errors.Is(err, errOther) {
		return nil // the fingerprint is the same: what differs is its layout
	}
	return err
}

// writers are the fingerprints that an id was kept with.
func (l *Log) writers(ctx context.Context, id int32) (fingerprints []string, err error) {
	prefix := writerPrefix(l.o.Topic, id)
	for e, err := range l.o.Store.List(ctx, storage.Query{Prefix: prefix}) {
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", prefix, err)
		}
		if f, ok := strings.CutSuffix(strings.TrimPrefix(e.Name, prefix), ".json"); ok && isHex(f, 16) {
			fingerprints = append(fingerprints, f)
		}
	}
	return fingerprints, nil
}

// KeptWriter reads what KeepWriter stored, which a record names.
func (l *Log) KeptWriter(ctx context.Context, id int32, fingerprint string) ([]byte, error) {
	data, err := l.get(ctx, WriterName(l.o.Topic, id, fingerprint))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w, but a record names it: %w", err, ErrDamaged)
	}
	return data, err
}

// KeepTarget stores a schema that rows get after version v. Workers that decide on the same one at the same version store the same
// bytes.
func (l *Log) KeepTarget(ctx context.Context, v int64, fingerprint string, data []byte) error {
	return l.create(ctx, TargetName(l.o.Topic, v, fingerprint), data)
}

// KeptTargets reads all schemas that KeepTarget stored, the oldest first. Some of them may never have been committed.
func (l *Log) KeptTargets(ctx context.Context) ([][]byte, error) {
	var names []string
	prefix := SchemaDir(l.o.Topic) + "/"
	for e, err := range l.o.Store.List(ctx, storage.Query{Prefix: prefix, Shallow: true}) {
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", prefix, err)
		}
		if strings.HasSuffix(e.Name, ".json") && !storage.IsHidden(e.Name) {
			names = append(names, e.Name)
		}
	}
	slices.Sort(names)
	targets := make([][]byte, len(names))
	err := inParallel(len(names), func(i int) (err error) {
		targets[i], err = l.get(ctx, names[i])
		return err
	})
	return targets, err
}

// A KeptSchema is what KeepWriter or AcceptWriter stored.
type KeptSchema struct {
	ID          int32
	Fingerprint string
	Data        []byte
}

// KeptWriters reads what is kept of all ids, in no order.
func (l *Log) KeptWriters(ctx context.Context) ([]KeptSchema, error) {
	var kept []KeptSchema
	prefix := SchemaDir(l.o.Topic) + "/writers/"
	for e, err := range l.o.Store.List(ctx, storage.Query{Prefix: prefix}) {
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", prefix, err)
		}
		name, _ := strings.CutSuffix(strings.TrimPrefix(e.Name, prefix), ".json")
		digits, fingerprint, ok := strings.Cut(name, "-")
		if id, err := strconv.ParseInt(digits, 10, 32); err == nil && ok && isHex(fingerprint, 16) {
			kept = append(kept, KeptSchema{ID: int32(id), Fingerprint: fingerprint})
		}
	}
	err := inParallel(len(kept), func(i int) (err error) {
		kept[i].Data, err = l.KeptWriter(ctx, kept[i].ID, kept[i].Fingerprint)
		return err
	})
	return kept, err
}
