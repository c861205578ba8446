package jobs

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"shadoof/offsets"
	"shadoof/record"
)

// A SchemaReport says which rows a topic has, and what they were made of.
type SchemaReport struct {
	Topic       string         `json:"topic"`
	V           int64          `json:"v"`                     // of the log
	Fingerprint string         `json:"fingerprint,omitempty"` // of Rows
	Rows        *record.Schema `json:"rows,omitempty"`        // of the newest commit; nil where values have no fields
	History     []Target       `json:"history"`               // the oldest first, the present one included
	Writers     []KeptSchema   `json:"writers"`               // by their ids
}

// A KeptSchema is what an id of the registry stood for.
type KeptSchema struct {
	ID          int32  `json:"id"`
	Fingerprint string `json:"fingerprint"`
	record.SchemaText
	Accepted *offsets.Decision `json:"accepted,omitempty"` // by a person, after the id had stood for another one
}

// Schema tells of a topic's rows by what is kept beside its log. The registry is not asked.
func (e *Env) Schema(ctx context.Context, topic string) (*SchemaReport, error) {
	w, err := e.reader(ctx, topic)
	if err != nil {
		return nil, err
	}
	if err := w.rowsBefore(ctx); err != nil {
		return nil, err
	}
	r := &SchemaReport{Topic: topic, V: w.log.State().V, History: []Target{}, Writers: []KeptSchema{}}
	if w.before.hasColumns() {
		r.Rows = w.before.columns()
		r.Fingerprint = r.Rows.Fingerprint()
	}
	targets, err := w.log.KeptTargets(ctx)
	if err != nil {
		return nil, err
	}
	for _, data := range targets {
		var t Target
		if err := json.Unmarshal(data, &t); err != nil {
			return nil, fmt.Errorf("%s: a schema in %s: %w: %w", topic, offsets.SchemaDir(topic), err, offsets.ErrDamaged)
		}
		r.History = append(r.History, t)
	}
	kept, err := w.log.KeptWriters(ctx)
	if err != nil {
		return nil, err
	}
	for _, k := range kept {
		s := KeptSchema{ID: k.ID, Fingerprint: k.Fingerprint}
		if err := json.Unmarshal(k.Data, &s); err != nil {
			return nil, fmt.Errorf("%s: %s: %w: %w", topic, offsets.WriterName(topic, k.ID, k.Fingerprint), err, offsets.ErrDamaged)
		}
		r.Writers = append(r.Writers, s)
	}
	slices.SortFunc(r.Writers, func(a, b KeptSchema) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Fingerprint, b.Fingerprint))
	})
	return r, nil
}
