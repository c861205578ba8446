package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"

	"shadoof/record"
	"shadoof/record/evolve"
)

// A Target is a schema that rows of a topic had, as it is kept beside the log.
type Target struct {
	After       int64          `json:"after"`       // the newest version when it was decided on
	Fingerprint string         `json:"fingerprint"` // of Rows
	Subject     string         `json:"subject,omitempty"`
	Version     string         `json:"version,omitempty"` // as configured: grown, latest, a number
	Changes     []string       `json:"changes,omitempty"` // against the one before
	Rows        *record.Schema `json:"rows"`
}

// decideTarget decides which rows the topic's records become: once in a run, and only if there is something to read.
func (w *worker) decideTarget(ctx context.Context) error {
	set := w.set.clone()
	w.schemas = w.schemas.with(set)
	w.set = set
	for _, source := range w.schemas.sources() {
		var before *record.Schema
		if w.before != nil && (!source.key || w.before.KeySchema != nil) {
			before = w.before.of(source.key).Target
		}
		if err := w.decideSource(ctx, source, before); err != nil {
			return err
		}
	}
	return nil
}

// decideSource decides about values, or about keys. before is what they were in the newest commit.
func (w *worker) decideSource(ctx context.Context, s *schemaSource, before *record.Schema) error {
	if s.set.Subject == "" {
		return nil // a file says it
	}
	s.set.Target = nil
	r, err := w.registered(ctx, s.set)
	if err != nil {
		return err
	}
	if r == nil { // the subject does not exist: rows follow from what records name
		s.set.Target = before
		return nil
	}
	s.set.Target = before // whose name may say which message of a schema is meant
	name := fmt.Sprintf("version %d of subject %s (schema %d)", r.Version, r.Subject, r.ID)
	writer, err := s.parse(s.set, &r.SchemaText, true)
	if err != nil {
		return fmt.Errorf("%s: %s: %w", w.topic, name, err)
	}
	if !s.set.ByID {
		s.set.Schema, s.set.Kind, s.set.References = r.Text, r.Format, r.References
	}
	if !s.set.grows() {
		s.set.Target = nil
		s.set.Target = s.set.RowsOf(writer)
		return nil
	}
	rows, err := s.grown(writer.Rows())
	switch {
	case err == nil:
		s.set.Target = rows
	case s.halts:
		return halt(fmt.Errorf("%s: %s does not go with what the topic had before: %w; "+
			"policy.misfit is halt: change the schema in the registry, set the version, or set policy.misfit: quarantine", w.topic, name, err))
	default:
		w.env.log.Warn("the newest schema does not go with what the topic had before, which stays as it is", "topic", w.topic, "schema", name, "why", err)
	}
	return nil
}

// registered is the version of the subject that the job wants; nil when rows follow from what records name.
func (w *worker) registered(ctx context.Context, s *SchemaSettings) (*record.Registered, error) {
	registry, err := w.registry()
	if err != nil {
		return nil, err
	}
	r, err := registry.BySubject(ctx, s.Subject, s.number())
	switch {
	case errors.Is(err, record.ErrNoSchema) && s.grows():
		return nil, nil
	case errors.Is(err, record.ErrNoSchema):
		return nil, fmt.Errorf("%s: %w: register it, or set subject and version (version: grown follows what records name)", w.topic, err)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", w.topic, err)
	case r.Format != s.Format:
		return nil, fmt.Errorf("%s: version %d of subject %s is a schema of %s, and the configuration says %s: correct format or subject", w.topic, r.Version, r.Subject, r.Format, s.Format)
	}
	return r, nil
}

// rowsBefore finds out which rows the newest commit has. Builds before did not say.
func (w *worker) rowsBefore(ctx context.Context) error {
	if !w.set.hasSchema() {
		return nil
	}
	l, err := w.lastLift(ctx, math.MaxInt64)
	if l == nil || err != nil {
		return err
	}
	w.before, err = w.settingsOf(ctx, l.Settings)
	return err
}

// keepTarget stores the rows of a commit, where they are not those of the one before it, and says what changed.
func (w *worker) keepTarget(ctx context.Context) (changes []string, err error) {
	if !w.set.hasColumns() {
		return nil, nil
	}
	rows := w.set.columns()
	if w.before.hasColumns() {
		before := w.before.columns()
		if before.Fingerprint() == rows.Fingerprint() {
			return nil, nil
		}
		for _, c := range evolve.Diff(before, rows) {
			changes = append(changes, c.String())
		}
	}
	t := Target{After: w.log.State().V, Fingerprint: rows.Fingerprint(), Subject: w.set.Subject, Version: w.set.Version, Changes: changes, Rows: rows}
	data, err := json.Marshal(t)
	if err != nil {
		panic(err) // plain data always marshals
	}
	if err := w.log.KeepTarget(ctx, t.After, t.Fingerprint, data); err != nil {
		return nil, fmt.Errorf("%s: keep the schema of the rows: %w", w.topic, err)
	}
	if len(changes) > 0 {
		w.env.log.Info("the rows change", "topic", w.topic, "changes", strings.Join(changes, "; "))
	}
	return changes, nil
}
