package jobs

import (
	"context"
	"errors"
	"time"

	"shadoof/extract"
	"shadoof/record"
)

// A peeker shows records, and what is between them.
type peeker struct {
	each func(*PeekItem) error
	left int64
	next int64
	hole PeekHole // grows until a record comes

	w *worker // nil: values are not decoded
	*compiled
	columns   *record.Columns
	fields    int    // how many of the row's fields are the value's
	plain     bool   // the value is the row
	tombstone string // policy
	clock     time.Time
	row       []byte
}

func (k *peeker) read(ctx context.Context, source extract.Source, r extract.ReadRequest) error {
	k.next = r.Ranges[0].First
	for b, err := range source.Read(ctx, r) {
		if err != nil {
			return err
		}
		if err := k.batch(ctx, b); err != nil {
			return err
		}
		if k.left == 0 {
			break
		}
	}
	return k.endHole()
}

// batch shows the records of a batch, and the offsets around them as far as the last that is wanted.
func (k *peeker) batch(ctx context.Context, b *extract.Batch) error {
	for i := range b.Records {
		r := &b.Records[i]
		if err := k.without(b, r.Offset); err != nil {
			return err
		}
		if err := k.record(ctx, r); err != nil {
			return err
		}
		k.next = r.Offset + 1
		if k.left--; k.left == 0 {
			return nil
		}
	}
	return k.without(b, b.Next)
}

// without accounts for the offsets from the next one to an offset, none of which has a record: markers and aborted records where the
// batch says that they are, then holes that nothing explains; what is left was compacted away.
func (k *peeker) without(b *extract.Batch, to int64) error {
	for k.next < to {
		h := PeekHole{First: k.next, Next: to}
		for _, s := range b.Skipped {
			if s.Next <= k.next || s.First >= h.Next {
				continue
			}
			if s.First > k.next {
				h.Next = s.First
				break
			}
			h.Next = min(to, s.Next)
			h.Control, h.Aborted = min(s.Control, h.Next-h.First), min(s.Aborted, h.Next-h.First)
		}
		if h.Control+h.Aborted == 0 {
			for _, u := range b.Unexplained {
				if u.Next <= k.next || u.First >= h.Next {
					continue
				}
				if u.First > k.next {
					h.Next = u.First
					break
				}
				h.Next = min(h.Next, u.Next)
				h.Unexplained = h.Next - h.First
			}
		}
		h.Compacted = h.Next - h.First - h.Control - h.Aborted - h.Unexplained
		k.next = h.Next
		if err := k.grow(h); err != nil {
			return err
		}
	}
	return nil
}

// grow adds a stretch to the one before it, if they touch and are of one kind.
func (k *peeker) grow(h PeekHole) error {
	last := &k.hole
	same := last.Next == h.First && last.First < last.Next && (last.Control > 0) == (h.Control > 0) && (last.Aborted > 0) == (h.Aborted > 0) &&
		(last.Unexplained > 0) == (h.Unexplained > 0) && (last.Compacted > 0) == (h.Compacted > 0)
	if same {
		last.Next = h.Next
		last.Control += h.Control
		last.Aborted += h.Aborted
		last.Compacted += h.Compacted
		last.Unexplained += h.Unexplained
		return nil
	}
	err := k.endHole()
	k.hole = h
	return err
}

func (k *peeker) endHole() error {
	h := k.hole
	k.hole = PeekHole{}
	if h.Next == h.First {
		return nil
	}
	return k.each(&PeekItem{PeekHole: h})
}

func (k *peeker) record(ctx context.Context, r *record.Raw) error {
	if err := k.endHole(); err != nil {
		return err
	}
	item := &PeekItem{Record: r}
	if k.compiled != nil {
		if err := k.judge(ctx, item); err != nil {
			return err
		}
	}
	return k.each(item)
}

// compile makes what decodes values, for the rows that the worker knows of.
func (k *peeker) compile() (err error) {
	set := k.w.set
	if k.compiled, err = k.w.env.compile(set, k.w.schemas.find); err != nil {
		return err
	}
	schema := k.decoder.Schema()
	k.tombstone, k.plain = set.Tombstone, set.Format == "string" || set.Format == "bytes"
	k.fields = len(schema.Fields)
	if !k.plain { // what the configuration puts after the value's fields
		if set.Key != "" && set.Key != "none" && (set.KeySchema == nil || set.KeySchema.Decided()) {
			k.fields--
		}
		if set.Headers {
			k.fields--
		}
	}
	k.columns = record.NewColumns(schema)
	return nil
}

// decode appends a row of a record, after its schema was learned and the rows grew for it, where that has to be.
func (k *peeker) decode(ctx context.Context, r *record.Raw) error {
	for {
		err := k.decoder.Decode(k.columns, r)
		unknown := (*record.UnknownSchemaError)(nil)
		if err == nil || !errors.As(err, &unknown) {
			return err
		}
		err = k.w.schemas.learn(ctx, unknown)
		growth := (*growthError)(nil)
		switch {
		case errors.As(err, &growth):
			k.w.grow(growth)
			if err := k.compile(); err != nil {
				return err
			}
		case err != nil:
			return err
		}
	}
}

// judge decodes a record and finds out what a run would do with it: the rules are those of lifter.record.
func (k *peeker) judge(ctx context.Context, item *PeekItem) error {
	r := item.Record
	if r.Value == nil && k.tombstone != "row" {
		if k.tombstone != "skip" {
			item.Bad = noValue()
		}
		return nil
	}
	undecoded := k.decode(ctx, r)
	defer k.columns.Reset()
	var err error
	if k.times == nil {
		item.Bucket, err = k.parts.Bucket(r.Timestamp, k.clock)
	}
	if undecoded == nil {
		if k.times != nil {
			item.Bucket, err = k.times.Bucket(k.columns, r.Timestamp, k.clock)
		}
		k.columns.EndRow()
		if !k.plain {
			k.row = record.NewPrinter(k.columns).Next(k.row[:0], k.fields)
			item.Row = k.row
		}
	} else if err == nil {
		err = undecoded
	}
	if bad := (*record.BadRecord)(nil); errors.As(err, &bad) {
		item.Bad, item.Bucket = bad, ""
		return nil
	}
	return err
}
