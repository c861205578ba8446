package partitioning

import (
	"fmt"
	"strconv"
	"strings"

	"shadoof/record"
)

// A reading is what was found in a field.
type reading uint8

const (
	none    reading = iota // null
	wrong                  // no time
	instant                // milliseconds since 1970
	shown                  // a time without a zone: milliseconds since 1970 if clocks were of UTC
	date                   // likewise, without a time of day
)

// A candidate is a field of rows that may hold their time.
type candidate struct {
	source
	leaf   int
	kind   record.Kind
	scale  int       // of a decimal
	names  reading   // what numbers name
	clocks wallClock // of the source's zone
}

func newCandidate(s source, f record.Field) (candidate, error) {
	c := candidate{source: s, kind: f.Type.Kind, scale: f.Type.Scale, names: instant, clocks: wallClock{zone: s.Zone}}
	switch f.Type.Kind {
	case record.Int32, record.Int64, record.Double, record.Decimal, record.String:
	case record.Date:
		c.factor, c.names = perDay, date
	case record.TimestampMillis:
		c.Unit = "ms"
	case record.TimestampMicros:
		c.Unit = "us"
	case record.TimestampNanos:
		c.Unit = "ns"
	case record.LocalMillis:
		c.Unit, c.names = "ms", shown
	case record.LocalMicros:
		c.Unit, c.names = "us", shown
	case record.LocalNanos:
		c.Unit, c.names = "ns", shown
	case record.Float:
		return c, fmt.Errorf("it is a float, which tells times of today apart by minutes: a double holds seconds with a fraction")
	default:
		return c, fmt.Errorf("its type is %s: a time is read from a timestamp, a date, an int, long, double or decimal (partition.unit), or a string (RFC 3339, or partition.pattern)", f.Type.Kind)
	}
	if c.kind != record.Date {
		c.factor = perMilli[c.Unit]
	}
	return c, nil
}

// zoneless says whether the zone has something to do: times of day may come without one.
func (c *candidate) zoneless() bool {
	if c.kind != record.String {
		return c.names == shown
	}
	for _, p := range c.patterns {
		if p.names == shown {
			return true
		}
	}
	return false
}

// read is the time in the open row.
func (c *candidate) read(cols *record.Columns) (ms int64, names reading) {
	ok := false
	switch c.kind {
	case record.String:
		b, null := cols.LastBytes(c.leaf)
		if null || len(b) == 0 {
			return 0, none
		}
		for _, p := range c.patterns {
			if ms, ok := p.parse(b); ok {
				return ms, p.names
			}
		}
		return 0, wrong
	case record.Double:
		v, null := cols.LastDouble(c.leaf)
		if null {
			return 0, none
		}
		ms, ok = doubleToMilli(v, c.factor)
	case record.Decimal:
		b, null := cols.LastBytes(c.leaf)
		if null {
			return 0, none
		}
		ms, ok = decimalToMilli(b, c.scale, c.factor)
	default:
		v, null := cols.LastInt64(c.leaf)
		if null {
			return 0, none
		}
		ms, ok = toMilli(v, c.factor)
	}
	if !ok {
		return 0, wrong
	}
	return ms, c.names
}

// complaint says what the open row has instead of a time.
func (c *candidate) complaint(cols *record.Columns) string {
	unit := c.Unit
	if unit == "" {
		unit = "ms"
	}
	switch c.kind {
	case record.String:
		b, _ := cols.LastBytes(c.leaf)
		return record.Shorten(b) + ", which is not a time by " + c.patternNames()
	case record.Double:
		v, _ := cols.LastDouble(c.leaf)
		return fmt.Sprintf("%s %s, which is no time", strconv.FormatFloat(v, 'g', -1, 64), unit)
	case record.Decimal:
		return "a number of " + unit + " that is no time"
	}
	v, _ := cols.LastInt64(c.leaf)
	return fmt.Sprintf("%d %s, which is no time", v, unit)
}

func (c *candidate) patternNames() string {
	names := make([]string, len(c.patterns))
	for i, p := range c.patterns {
		names[i] = p.source
		if p.source == rfc3339 {
			names[i] = "RFC 3339"
		}
	}
	return strings.Join(names, ", nor by ")
}
