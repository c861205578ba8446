package jobs

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"shadoof/record"
)

// A trial finds out what becomes of single records by given settings and at a given time. It keeps nothing.
type trial struct{ *lifter }

func (w *worker) newTrial(schemas *schemas, clock time.Time) (*trial, error) {
	c, err := w.env.compile(schemas.set, schemas.find)
	if err != nil {
		return nil, err
	}
	l := &lifter{w: w, set: schemas.set, schemas: schemas, clock: clock, compiled: c, scratch: record.NewColumns(c.decoder.Schema()), failed: -1}
	return &trial{l}, nil
}

// judge says why a record does not fit, by the rules of lifter.record; nil when it would be a row, or a gap.
func (t *trial) judge(ctx context.Context, r *record.Raw) (bad *record.BadRecord, err error) {
	if r.Value == nil && t.set.Tombstone != "row" {
		if t.set.Tombstone == "skip" {
			return nil, nil
		}
		return noValue(), nil
	}
	if t.times == nil {
		_, err = t.parts.Bucket(r.Timestamp, t.clock)
	}
	if err == nil {
		if err = t.decode(ctx, t.scratch, r); err == nil {
			if t.times != nil {
				_, err = t.times.Bucket(t.scratch, r.Timestamp, t.clock)
			}
			t.scratch.Rollback()
		}
	}
	if errors.As(err, &bad) {
		return bad, nil
	}
	return nil, err
}

// A retrial says which records of quarantine are tried again: those with one of the reasons, or all of them if there are none.
type retrial struct {
	reasons []string
	set     *Settings
}

// takes says whether a record is tried again. One is not where a header's name was not UTF-8 and would become a column: in quarantine it
// has replacement characters, and nobody knows what it was.
func (t retrial) takes(r *record.Raw, bad *record.BadRecord) bool {
	if len(t.reasons) > 0 && !slices.Contains(t.reasons, string(bad.Reason)) {
		return false
	}
	if !t.set.Headers && t.set.Format != "string" && t.set.Format != "bytes" {
		return true
	}
	for _, h := range r.Headers {
		if !utf8.ValidString(h.Key) || strings.ContainsRune(h.Key, utf8.RuneError) {
			return false
		}
	}
	return true
}
