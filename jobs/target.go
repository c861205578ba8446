package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"

	"shadoof/config"
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
	if w.set.Subject == "" {
		return nil // a file says it
	}
	set := *w.set
	set.Target = nil
	w.set = &set
	r, err := w.registered(ctx)
	if err != nil {
		return err
	}
	if r == nil { // the subject does not exist: rows follow from what records name
		set.Target = w.before
	} else if set.Target, err = w.targetOf(&set, r); err != nil {
		return err
	}
	w.schemas = w.schemas.of(w.set)
	return nil
}

// targetOf is what rows become by a version of the subject.
func (w *worker) targetOf(set *Settings, r *record.Registered) (*record.Schema, error) {
	name := fmt.Sprintf("version %d of subject %s (schema %d)", r.Version, r.Subject, r.ID)
	writer, err := w.env.drivers.Writer(set, &r.SchemaText)
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", w.topic, name, err)
	}
	if !set.ByID {
		set.Schema, set.Kind, set.References = r.Text, r.Format, r.References
	}
	if !set.grows() {
		return set.RowsOf(writer), nil
	}
	set.Target = w.before
	rows, err := set.grown(writer.Rows())
	switch {
	case err == nil:
		return rows, nil
	case w.schemas.halts:
		return nil, halt(fmt.Errorf("%s: %s does not go with the rows that the topic had before: %w; "+
			"policy.misfit is halt: change the schema in the registry, set value.version, or set policy.misfit: quarantine", w.topic, name, err))
	}
	w.env.log.Warn("the newest schema does not go with the rows that the topic had before: these stay as they are", "topic", w.topic, "schema", name, "why", err)
	return w.before, nil
}

// registered is the version of the subject that the job wants; nil when rows follow from what records name.
func (w *worker) registered(ctx context.Context) (*record.Registered, error) {
	registry, err := w.registry()
	if err != nil {
		return nil, err
	}
	r, err := registry.BySubject(ctx, w.set.Subject, w.set.number())
	switch {
	case errors.Is(err, record.ErrNoSchema) && w.set.grows():
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("%s: %w", w.topic, err)
	case r.Format != w.set.Format:
		return nil, fmt.Errorf("%s: version %d of subject %s is a schema of %s, and value.format is %s", w.topic, r.Version, r.Subject, r.Format, w.set.Format)
	}
	return r, nil
}

// rowsBefore finds out which rows the newest commit has. Builds before did not say.
func (w *worker) rowsBefore(ctx context.Context) error {
	if w.set.Target == nil && w.set.Subject == "" {
		return nil // values without fields
	}
	l, err := w.lastLift(ctx, math.MaxInt64)
	if l == nil || err != nil {
		return err
	}
	set, err := w.settingsOf(ctx, l.Settings)
	if err != nil {
		return err
	}
	w.before = set.Target
	return nil
}

// changes are those of the rows since the newest commit, in words.
func (w *worker) changes() (words []string) {
	if w.before == nil || w.set.Target == nil {
		return nil
	}
	for _, c := range evolve.Diff(w.before, w.set.Target) {
		words = append(words, c.String())
	}
	return words
}

// keepTarget stores the rows of a commit, where they are not those of the one before it, and says so.
func (w *worker) keepTarget(ctx context.Context) ([]string, error) {
	rows := w.set.Target
	if rows == nil || w.before != nil && w.before.Fingerprint() == rows.Fingerprint() {
		return nil, nil
	}
	t := Target{After: w.log.State().V, Fingerprint: rows.Fingerprint(), Subject: w.set.Subject, Version: w.set.Version, Changes: w.changes(), Rows: rows}
	data, err := json.Marshal(t)
	if err != nil {
		panic(err) // plain data always marshals
	}
	if err := w.log.KeepTarget(ctx, t.After, t.Fingerprint, data); err != nil {
		return nil, fmt.Errorf("%s: keep the schema of the rows: %w", w.topic, err)
	}
	if len(t.Changes) > 0 {
		w.env.log.Info("the rows change", "topic", w.topic, "changes", strings.Join(t.Changes, "; "))
	}
	return t.Changes, nil
}

// grows says whether rows get what records have that they lack.
func (s *Settings) grows() bool { return s.Version == config.VersionGrown && s.ByID }

// grown are rows that have what these have, too.
func (s *Settings) grown(rows *record.Schema) (*record.Schema, error) {
	if s.Tombstone == "row" {
		rows = evolve.Nullable(rows)
	}
	if s.Target == nil {
		return rows, nil
	}
	return evolve.Union(s.Target, rows)
}
