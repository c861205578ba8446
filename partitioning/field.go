package partitioning

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"shadoof/record"
)

// A Field says where the time of a record may stand, and how it is written there.
type Field struct {
	Path     string         // dotted: header.time
	Unit     string         // of plain numbers: s, ms, us, ns; "" is ms
	Patterns []string       // of strings, tried in order: as in strptime, or the word rfc3339. None: rfc3339
	Zone     *time.Location // of times of day that come without one; nil: such times are shown as they are. Dates always are
}

// A source is a Field as it is read.
type source struct {
	Field
	factor   int64 // of the unit
	patterns []*pattern
}

func newSources(o Options) ([]source, error) {
	if o.By != "field" {
		return nil, nil
	}
	if len(o.Fields) == 0 {
		return nil, errors.New("partition.field is empty: partition.by: field needs the path of a field, such as header.time")
	}
	sources := make([]source, len(o.Fields))
	for i, f := range o.Fields {
		s := source{Field: f}
		var ok bool
		if s.factor, ok = perMilli[f.Unit]; !ok {
			return nil, fmt.Errorf("partition.unit is %q: it takes s, ms, us or ns", f.Unit)
		}
		if slices.Contains(strings.Split(f.Path, "."), "") {
			return nil, fmt.Errorf("partition.field %q is not a path of field names such as header.time", f.Path)
		}
		if slices.ContainsFunc(o.Fields[:i], func(earlier Field) bool { return earlier.Path == f.Path }) {
			return nil, fmt.Errorf("partition.field has %s twice: it is always the first that counts", f.Path)
		}
		for _, text := range f.Patterns {
			p, err := parsePattern(text)
			if err != nil {
				return nil, fmt.Errorf("partition.%w", err)
			}
			s.patterns = append(s.patterns, p)
		}
		if len(s.patterns) == 0 {
			s.patterns = []*pattern{{source: rfc3339, names: instant}}
		}
		sources[i] = s
	}
	return sources, nil
}

// Fields are where the times of the rows of one schema stand. Like its partitioner it is not safe for concurrent use.
type Fields struct {
	p          *Partitioner
	candidates []candidate
	notes      []string
	last       int64 // see Time
}

// Fields finds the partition's fields in a schema. There must be one of them at least, and those that are there must be such that a
// time can be read from them.
func (p *Partitioner) Fields(s *record.Schema) (*Fields, error) {
	f := &Fields{p: p}
	var absent []string
	for _, src := range p.sources {
		field, why, err := find(s.Fields, src.Path)
		if err != nil {
			return nil, fmt.Errorf("partition.field %s: %w", src.Path, err)
		}
		if why != "" {
			absent = append(absent, why)
			continue
		}
		c, err := newCandidate(src, field)
		if err != nil {
			return nil, fmt.Errorf("partition.field %s: %w", src.Path, err)
		}
		var ok bool
		if c.leaf, _, ok = s.Leaf(src.Path); !ok {
			return nil, fmt.Errorf("partition.field %s: rows are datums, which were not made to show it", src.Path)
		}
		f.candidates = append(f.candidates, c)
	}
	if len(f.candidates) == 0 {
		return nil, fmt.Errorf("partition.field: %s", strings.Join(absent, "; "))
	}
	f.note(absent)
	return f, nil
}

// note keeps what is no mistake and may not be meant.
func (f *Fields) note(absent []string) {
	for _, why := range absent {
		f.notes = append(f.notes, "partition.field: "+why+"; times are read from "+f.names())
	}
	zone, pattern := false, false // asked for, and of use nowhere
	for _, c := range f.candidates {
		zone = zone || c.Zone != nil
		pattern = pattern || len(c.Patterns) > 0
	}
	for _, c := range f.candidates {
		zone = zone && !(c.Zone != nil && c.zoneless())
		pattern = pattern && c.kind != record.String
	}
	if zone {
		f.notes = append(f.notes, "partition.timezone has no effect: no time in "+f.names()+" comes without a zone; folders are in the job's timezone")
	}
	if pattern {
		f.notes = append(f.notes, "partition.pattern has no effect: "+f.names()+" holds no text")
	}
}

// Notes say what a person should know about the fields: those that the schema lacks, and settings that have no effect.
func (f *Fields) Notes() []string { return slices.Clone(f.notes) }

func (f *Fields) names() string {
	names := make([]string, len(f.candidates))
	for i, c := range f.candidates {
		names[i] = c.Path
	}
	return strings.Join(names, ", ")
}

// Bucket is the folder for the open row of c; timestamp is the record's Kafka timestamp, for otherwise: timestamp. The error is a
// *record.BadRecord.
//
// The first field that is there counts: one that is null, or an empty string, is not. One that is there and no time is an error,
// whatever the others are: a wrong time is not replaced in silence.
//
// Dates, and times without a zone, name no instant: their folder is what they show, whatever the zone of the folders, and bounds are
// judged as if clocks there showed them. Where the field has a zone, a time without one is an instant in it.
func (f *Fields) Bucket(c *record.Columns, timestamp int64, clock time.Time) (string, error) {
	p := f.p
	f.last = 0
	ms, names, bad := f.time(c)
	if bad == nil {
		passed := ms
		if names == shown {
			passed = p.clocks.instant(ms)
		}
		if bad = p.outside(passed, clock); bad == nil {
			f.last = passed
		}
	}
	switch {
	case bad == nil && names == shown:
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

// Time is the time by which the last call of Bucket chose the folder, in milliseconds since 1970; one without a zone is what clocks of
// the folders' zone show. It is 0 where no field told it.
func (f *Fields) Time() int64 { return f.last }

// time reads the open row's time as milliseconds, which are an instant or what clocks show.
func (f *Fields) time(c *record.Columns) (ms int64, names reading, _ *record.BadRecord) {
	for i := range f.candidates {
		k := &f.candidates[i]
		switch ms, names := k.read(c); names {
		case none:
		case wrong:
			return 0, wrong, &record.BadRecord{Reason: record.BadTime, Detail: fmt.Sprintf("the field %s is %s", k.Path, k.complaint(c))}
		case date:
			return ms, shown, nil
		case shown:
			if k.Zone != nil {
				return k.clocks.instant(ms), instant, nil
			}
			return ms, shown, nil
		default:
			return ms, instant, nil
		}
	}
	detail := "the field " + f.names() + " is null"
	if len(f.candidates) > 1 {
		detail = "the fields " + f.names() + " are null"
	}
	if slices.ContainsFunc(f.candidates, func(k candidate) bool { return k.kind == record.String }) {
		detail += " or empty"
	}
	return 0, none, &record.BadRecord{Reason: record.BadTime, Detail: detail}
}
