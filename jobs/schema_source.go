package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"shadoof/offsets"
	"shadoof/record"
	"shadoof/record/evolve"
)

// A schemaSource is what the ids before a topic's values, or before its keys, stand for, as far as they were met in this run.
type schemaSource struct {
	topic string
	set   *SchemaSettings
	key   bool // it is about keys
	halts bool // where a schema cannot be read as the topic's, a person decides; otherwise its records are quarantined
	fetch func(ctx context.Context, id int32) (*record.SchemaText, error)
	keep  func(ctx context.Context, id int32, fingerprint string, data []byte) error
	parse func(s *SchemaSettings, t *record.SchemaText, rows bool) (record.Writer, error)
	names evolve.NameOptions
	log   *slog.Logger

	resolution func(what string) string // the command by which a person decides

	learning sync.Mutex // held while the registry is asked; taken before mu
	down     error      // why the registry cannot be asked any more in this run
	unknown  int        // ids that it has not got

	mu  sync.Mutex
	met map[int32]metSchema
}

// mostUnknown ids are asked for in a run: each costs a request.
const mostUnknown = 1000

// A metSchema is what an id stands for.
type metSchema struct {
	writer      record.Writer
	fingerprint string
	bad         *record.BadRecord // instead of a writer: what all its records are
}

// A growthError says that rows have to have more before records of a schema can be read.
type growthError struct {
	id   int32
	key  bool
	rows *record.Schema
}

func (e *growthError) Error() string { return fmt.Sprintf("the rows have to grow for schema %d", e.id) }

// find answers for an id that was met; *record.UnknownSchemaError for others, *record.BadRecord where nothing can be read.
func (s *schemaSource) find(id int32) (record.Writer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, ok := s.met[id]
	switch {
	case !ok:
		return nil, &record.UnknownSchemaError{ID: id}
	case m.bad != nil:
		return nil, m.bad
	}
	return m.writer, nil
}

// fingerprints are those of all schemas that were met and can be read.
func (s *schemaSource) fingerprints() map[int32]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := map[int32]string{}
	for id, m := range s.met {
		if m.bad == nil {
			f[id] = m.fingerprint
		}
	}
	return f
}

// refused are the ids of those that cannot be read, in order.
func (s *schemaSource) refused() (ids []int32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, m := range s.met {
		if m.bad != nil && m.bad.Reason == record.Misfit {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// learn finds out what an id stands for, so that find answers. It is a *growthError when rows first have to have more: find answers
// then, too.
func (s *schemaSource) learn(ctx context.Context, id int32) error {
	s.learning.Lock()
	defer s.learning.Unlock()
	if m, ok := s.lookup(id); ok {
		return s.fits(id, m)
	}
	if s.down != nil {
		return fmt.Errorf("%s: schema %d: %w", s.topic, id, s.down)
	}
	text, err := s.fetch(ctx, id)
	switch {
	case errors.Is(err, record.ErrNoSchema):
		if s.unknown++; s.unknown > mostUnknown {
			return fmt.Errorf("%s: records name more than %d schemas that the registry has not got, the last one %d: this is not how values are framed, or not the registry of their producers: "+
				"set value.framing: none, or registry.url", s.topic, mostUnknown, id)
		}
		s.log.Warn("records name a schema that the registry has not got: they are quarantined", "topic", s.topic, "schema", id, "error", err)
		s.meet(id, metSchema{bad: &record.BadRecord{Reason: record.UnknownSchema, Detail: fmt.Sprintf("the registry has no schema %d", id)}})
		return nil
	case err != nil:
		if ctx.Err() == nil {
			s.down = err
		}
		return fmt.Errorf("%s: schema %d: %w", s.topic, id, err)
	}
	m := metSchema{fingerprint: text.Fingerprint()}
	data, err := json.Marshal(text)
	if err != nil {
		panic(err) // plain data always marshals
	}
	if err := s.keep(ctx, id, m.fingerprint, data); err != nil {
		if other := (*offsets.OtherSchemaError)(nil); errors.As(err, &other) {
			return halt(fmt.Errorf("%s: %w: a registry that lost its data gives ids anew, and records would be read by a schema that is not theirs; nothing of them was committed: "+
				"compare with %s/writers, and if the new schema is right for what comes from here on, %s",
				s.topic, err, offsets.SchemaDir(s.topic), s.resolution(fmt.Sprintf("--accept-schema %d", id))))
		}
		return fmt.Errorf("%s: keep schema %d: %w", s.topic, id, err)
	}
	if m.writer, err = s.parse(s.set, text, s.set.grows()); err != nil {
		return s.refuse(id, fmt.Sprintf("schema %d cannot be read: %v", id, err))
	}
	err = s.fits(id, m)
	if _, refused := s.lookup(id); !refused && (err == nil || errors.As(err, new(*growthError))) {
		s.meet(id, m)
	}
	return err
}

func (s *schemaSource) lookup(id int32) (metSchema, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, ok := s.met[id]
	return m, ok
}

func (s *schemaSource) meet(id int32, m metSchema) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.met[id] = m
}

// fits sees whether records of a schema can become rows, and says what would be left out.
func (s *schemaSource) fits(id int32, m metSchema) error {
	if m.bad != nil {
		return nil
	}
	if s.set.grows() {
		grown, err := s.grown(m.writer.Rows())
		if err != nil {
			return s.refuse(id, fmt.Sprintf("schema %d does not go with what the topic had before: %v", id, err))
		}
		if s.set.Target == nil || grown.Fingerprint() != s.set.Target.Fingerprint() {
			return &growthError{id, s.key, grown}
		}
	}
	if _, err := m.writer.Decoder(s.set.Rows()); err != nil {
		return s.refuse(id, fmt.Sprintf("schema %d cannot be read as the topic's: %v", id, err))
	}
	if lost := evolve.Lost(m.writer.Rows(), s.set.Rows()); len(lost) > 0 {
		s.log.Warn("records have fields that the topic's schema lacks: they are left out", "topic", s.topic, "schema", id, "fields", lost)
	}
	return nil
}

// grown are rows that have what these have, too. Names that keep a file from being read are an error, as types are that do not go together.
func (s *schemaSource) grown(rows *record.Schema) (*record.Schema, error) {
	grown, err := s.set.grown(rows)
	if err != nil || s.set.Target == nil {
		return grown, err
	}
	for _, p := range evolve.Names(grown, s.names) {
		if p.Refused {
			return nil, errors.New(p.String())
		}
	}
	return grown, nil
}

// refuse settles that no record of a schema can be read.
func (s *schemaSource) refuse(id int32, why string) error {
	if s.halts {
		return halt(fmt.Errorf("%s: %s; policy.misfit is halt: nothing of them was committed: change the schema in the registry or value.version, or set policy.misfit: quarantine", s.topic, why))
	}
	s.log.Warn("records are quarantined for their schema: see `shadoof quarantine`", "topic", s.topic, "schema", id, "why", why)
	s.meet(id, metSchema{bad: &record.BadRecord{Reason: record.Misfit, Detail: why}})
	return nil
}

// An acceptedSchema is a schema that a person accepted for an id that stood for another one.
type acceptedSchema struct {
	record.SchemaText
	Accepted offsets.Decision `json:"accepted"`
}

// acceptSchema keeps what an id stands for now beside what it stood for before.
func (w *worker) acceptSchema(ctx context.Context, id int32, by offsets.Decision) (changed bool, err error) {
	text, err := w.schemas.value.fetch(ctx, id)
	if errors.Is(err, record.ErrNoSchema) {
		return false, usage(fmt.Errorf("%s: %w", w.topic, err))
	}
	if err != nil {
		return false, fmt.Errorf("%s: schema %d: %w", w.topic, id, err)
	}
	data, err := json.Marshal(acceptedSchema{*text, by})
	if err != nil {
		panic(err) // plain data always marshals
	}
	err = w.log.KeepWriter(ctx, id, text.Fingerprint(), data)
	if other := (*offsets.OtherSchemaError)(nil); !errors.As(err, &other) {
		return false, err
	}
	return true, w.log.AcceptWriter(ctx, id, text.Fingerprint(), data)
}
