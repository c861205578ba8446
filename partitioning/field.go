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
//
// Dates and local timestamps name no instant: their folder is what they show, whatever the zone, and bounds are judged as if
// they were times in the zone of the folders.
func (p *Partitioner) FieldBucket(c *record.Columns, leaf int, timestamp int64, clock time.Time) (string, error) {
	ms, wall, bad := p.fieldTime(c, leaf)
	if bad == nil {
		instant := ms
		if wall {
			instant = p.inZone(ms)
		}
		bad = p.outside(instant, clock)
	}
	switch {
	case bad == nil && wall:
		return p.walls.bucket(p.layout, time.UTC, ms), nil
	case bad == nil:
		return p.instants.bucket(p.layout, p.o.Zone, ms), nil
	case p.o.Otherwise == "quarantine":
		return "", bad
	case p.o.Otherwise == "timestamp":
		return p.Bucket(timestamp, clock)
	}
	return p.o.Otherwise, nil
}

// inZone is the instant at which clocks of the zone show what clocks of UTC show at ms. One that they skip is as far from midnight.
func (p *Partitioner) inZone(ms int64) int64 {
	t := time.UnixMilli(ms).UTC()
	if p.o.Zone == time.UTC || t.Year() < 0 || t.Year() > 9999 {
		return ms
	}
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	return time.Date(year, month, day, hour, minute, second, t.Nanosecond(), p.o.Zone).UnixMilli()
}

// fieldTime reads the leaf's value of the open row as milliseconds; wall says that they are not an instant but what a clock shows.
func (p *Partitioner) fieldTime(c *record.Columns, leaf int) (ms int64, wall bool, _ *record.BadRecord) {
	bad := func(what string) (int64, bool, *record.BadRecord) {
		return 0, false, &record.BadRecord{Reason: record.BadTime, Detail: fmt.Sprintf("the field %s is %s", p.o.Field, what)}
	}
	kind := c.Leaves[leaf].Type.Kind
	if kind == record.String {
		b, null := c.LastBytes(leaf)
		if null {
			return bad("null")
		}
		var t time.Time
		if err := t.UnmarshalText(b); err != nil { // RFC 3339, and nothing is allocated for it
			return bad(fmt.Sprintf("%s, which is not a time by RFC 3339", record.Shorten(b)))
		}
		return t.UnixMilli(), false, nil
	}
	v, null := c.LastInt64(leaf)
	if null {
		return bad("null")
	}
	unit := p.o.Unit
	switch kind {
	case record.Date:
		return v * 24 * time.Hour.Milliseconds(), true, nil
	case record.TimestampMillis, record.LocalMillis:
		unit = "ms"
	case record.TimestampMicros, record.LocalMicros:
		unit = "us"
	case record.TimestampNanos, record.LocalNanos:
		unit = "ns"
	}
	ms, ok := toMilli(v, unit)
	if !ok {
		return bad(fmt.Sprintf("%d %s, which is no time", v, unit))
	}
	return ms, kind == record.LocalMillis || kind == record.LocalMicros || kind == record.LocalNanos, nil
}
