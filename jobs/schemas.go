package jobs

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"

	"shadoof/offsets"
	"shadoof/record"
)

// schemas are those by which a topic's records are read with some settings. The lifters of a run share them.
type schemas struct {
	set   *Settings
	value *schemaSource
	key   *schemaSource // nil where keys have no schema
}

// of is the source for values, or for keys.
func (s *schemas) of(key bool) *schemaSource {
	if key {
		return s.key
	}
	return s.value
}

// sources are those that there are.
func (s *schemas) sources() []*schemaSource {
	if s.key == nil {
		return []*schemaSource{s.value}
	}
	return []*schemaSource{s.value, s.key}
}

// find answers for an id that was met: see schemaSource.find.
func (s *schemas) find(id int32, key bool) (record.Writer, error) { return s.of(key).find(id) }

// learn finds out what a decoder did not know: see schemaSource.learn.
func (s *schemas) learn(ctx context.Context, unknown *record.UnknownSchemaError) error {
	return s.of(unknown.Key).learn(ctx, unknown.ID)
}

// fingerprints are those of all schemas that were met and can be read.
func (s *schemas) fingerprints() map[int32]string {
	all := map[int32]string{}
	for _, source := range s.sources() {
		maps.Copy(all, source.fingerprints())
	}
	return all
}

// note tells a lift which schemas were met.
func (s *schemas) note(l *offsets.Lift) {
	l.Writers, l.Refused = s.fingerprints(), s.value.refused()
	if s.key != nil {
		l.RefusedKeys = s.key.refused()
	}
}

// keepNothing is for who only looks.
func (s *schemas) keepNothing() {
	for _, source := range s.sources() {
		source.keep = func(context.Context, int32, string, []byte) error { return nil }
	}
}

// with are the same schemas for other settings.
func (s *schemas) with(set *Settings) *schemas {
	n := &schemas{set: set, value: s.value.with(&set.SchemaSettings)}
	if s.key != nil {
		n.key = s.key.with(set.KeySchema)
	}
	return n
}

func (s *schemaSource) with(set *SchemaSettings) *schemaSource {
	return &schemaSource{topic: s.topic, set: set, key: s.key, halts: s.halts, fetch: s.fetch, keep: s.keep, parse: s.parse, resolution: s.resolution, log: s.log, met: maps.Clone(s.met), names: s.names}
}

// newSchemas are those of this run, by the registry.
func (w *worker) newSchemas(set *Settings) *schemas {
	fetch := func(ctx context.Context, id int32) (*record.SchemaText, error) {
		r, err := w.registry()
		if err != nil {
			return nil, err
		}
		return r.ByID(ctx, id)
	}
	source := func(of *SchemaSettings, key bool) *schemaSource {
		return &schemaSource{
			topic: w.topic, set: of, key: key, halts: w.job.Policy.Misfit == "halt", fetch: fetch, keep: w.log.KeepWriter, parse: w.env.drivers.Writer,
			resolution: w.resolution, log: w.env.log, met: map[int32]metSchema{}, names: set.names(),
		}
	}
	s := &schemas{set: set, value: source(&set.SchemaSettings, false)}
	if set.KeySchema != nil {
		s.key = source(set.KeySchema, true)
		s.key.names.Columns = nil // a key's fields lie in a struct
	}
	return s
}

// grow takes the rows that records need, for the attempts to come.
func (w *worker) grow(g *growthError) {
	set := w.set.clone()
	if g.key {
		set.KeySchema.Target = g.rows
	} else {
		set.Target = g.rows
	}
	w.set, w.schemas = set, w.schemas.with(set)
}

// committedSchemas are those that a commit named: what its files were made with, whatever the registry says by now.
func (w *worker) committedSchemas(set *Settings, l *offsets.Lift) *schemas {
	s := w.newSchemas(set.clone())
	s.keepNothing()
	for _, source := range s.sources() {
		source.set.Version = "" // rows are what they were
		refused := l.Refused
		if source.key {
			refused = l.RefusedKeys
		}
		for _, id := range refused { // also where it could be read by now
			source.meet(id, metSchema{bad: &record.BadRecord{Reason: record.Misfit, Detail: fmt.Sprintf("schema %d could not be read as the topic's when this was committed", id)}})
		}
		source.fetch = func(ctx context.Context, id int32) (*record.SchemaText, error) { return w.committedSchema(ctx, l, id) }
	}
	return s
}

func (w *worker) committedSchema(ctx context.Context, l *offsets.Lift, id int32) (*record.SchemaText, error) {
	fingerprint, ok := l.Writers[id]
	if !ok {
		return nil, fmt.Errorf("%w: the commit names none of this id", record.ErrNoSchema)
	}
	data, err := w.log.KeptWriter(ctx, id, fingerprint)
	if err != nil {
		return nil, err
	}
	t := &record.SchemaText{}
	if err := json.Unmarshal(data, t); err != nil {
		return nil, fmt.Errorf("%s: %w: %w", offsets.WriterName(w.topic, id, fingerprint), err, offsets.ErrDamaged)
	}
	return t, nil
}
