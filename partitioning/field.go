package partitioning

import (
	"fmt"
	"time"

	"shadoof/record"
)

// CheckField says whether times can be read from a field of this type.
func (p *Partitioner) CheckField(f record.Field) error {
	switch f.Type.Kind {
	case record.Int32, record.Int64, record.Date, record.TimestampMillis, record.TimestampMicros, record.TimestampNanos,
		record.LocalMillis, record.LocalMicros, record.LocalNanos, record.String:
		return nil
	}
	return fmt.Errorf("partition.field %s is a %s: a time is read from a timestamp, a date, an int or long (partition.unit), or a string (RFC 3339)", p.o.Field, f.Type.Kind)
}

// FieldBucket is the folder for the open row of c by the time in one of its leaves; timestamp is the record's Kafka timestamp, for
// otherwise: timestamp. The error is a *record.BadRecord.
func (p *Partitioner) FieldBucket(c *record.Columns, leaf int, timestamp int64, clock time.Time) (string, error) {
	ms, bad := p.fieldTime(c, leaf)
	if bad == nil {
		bad = p.outside(ms, clock)
	}
	switch {
	case bad == nil:
		return p.bucket(ms), nil
	case p.o.Otherwise == "quarantine":
		return "", bad
	case p.o.Otherwise == "timestamp":
		return p.Bucket(timestamp, clock)
	}
	return p.o.Otherwise, nil
}

// fieldTime reads the leaf's value of the open row as milliseconds.
func (p *Partitioner) fieldTime(c *record.Columns, leaf int) (int64, *record.BadRecord) {
	bad := func(what string) *record.BadRecord {
		return &record.BadRecord{Reason: record.BadTime, Detail: fmt.Sprintf("the field %s is %s", p.o.Field, what)}
	}
	kind := c.Leaves[leaf].Type.Kind
	if kind == record.String {
		b, null := c.LastBytes(leaf)
		if null {
			return 0, bad("null")
		}
		t, err := time.Parse(time.RFC3339Nano, string(b))
		if err != nil {
			return 0, bad(fmt.Sprintf("%s, which is not a time by RFC 3339", record.Shorten(b)))
		}
		return t.UnixMilli(), nil
	}
	v, null := c.LastInt64(leaf)
	if null {
		return 0, bad("null")
	}
	unit := p.o.Unit
	switch kind {
	case record.Date:
		return v * 24 * time.Hour.Milliseconds(), nil
	case record.TimestampMillis, record.LocalMillis:
		unit = "ms"
	case record.TimestampMicros, record.LocalMicros:
		unit = "us"
	case record.TimestampNanos, record.LocalNanos:
		unit = "ns"
	}
	ms, ok := toMilli(v, unit)
	if !ok {
		return 0, bad(fmt.Sprintf("%d %s, which is no time", v, unit))
	}
	return ms, nil
}
