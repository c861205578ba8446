package infer

import (
	"fmt"
	"strings"
	"time"

	"shadoof/record"
)

// A Proposal is a schema for what a sample had. It is data: nobody is bound by it.
type Proposal struct {
	Schema *record.Schema `json:"-"` // nil where no document had a field
	Fields []Finding      `json:"fields"`
	Notes  []Note         `json:"notes,omitempty"`
	Seen   int            `json:"seen"` // documents
	Bad    int            `json:"bad"`  // those of them that cannot be rows
}

// A Note is something that people should know before they use the proposal.
type Note struct {
	Path string `json:"path"` // of the field in documents, dotted, [] for elements and {} for values of a map; "" for the whole
	Text string `json:"text"`
}

func (n Note) String() string {
	if n.Path == "" {
		return n.Text
	}
	return n.Path + ": " + n.Text
}

// A Finding is what documents had at one path. Findings stand in the order of the proposed columns, outer ones first.
type Finding struct {
	Path     string      `json:"path"`
	Column   string      `json:"column,omitempty"` // the proposed name, where it is another than the path's last
	Kind     record.Kind `json:"kind"`             // proposed
	Nullable bool        `json:"nullable"`
	Of       int         `json:"of"`      // objects, elements or entries that could have a value
	Present  int         `json:"present"` // how many of these had one, null included
	Types    []Count     `json:"types"`   // kinds of JSON values, most frequent first
	Min      string      `json:"min,omitempty"`
	Max      string      `json:"max,omitempty"` // of numbers by value; of strings by bytes, shortened
	Example  string      `json:"example,omitempty"`
}

// A Count is how often a kind of JSON value was there.
type Count struct {
	Type  string `json:"type"` // null, boolean, integer, number, string, array, object
	Count int    `json:"count"`
}

// Percent is the share of those that had a value.
func (f *Finding) Percent() float64 {
	if f.Of == 0 {
		return 0
	}
	return 100 * float64(f.Present) / float64(f.Of)
}

// Propose makes a schema of what was added so far.
func (s *Sample) Propose() Proposal {
	p := proposer{enough: s.o.Enough}
	good := s.seen - s.bad
	if s.top.full {
		p.note("", "documents had more than %d fields, or names of more than %d bytes: the last ones are left out", s.o.MaxPaths, maxName)
	}
	if n := len(s.top.kids); n > 200 {
		p.note("", "documents had %d fields: if their names are data, schema: raw keeps the whole document in one column", n)
	}
	t := p.structure(s.top, "")
	if s.bad > 0 {
		p.note("", "%d of %d documents cannot be rows: they are not JSON, or no objects", s.bad, s.seen)
	}
	out := Proposal{Notes: p.notes, Fields: p.findings, Seen: s.seen, Bad: s.bad}
	if len(t.Fields) == 0 {
		out.Notes = append(out.Notes, Note{Text: "no document had a field: there is nothing to propose"})
		return out
	}
	if good < s.o.Enough {
		out.Notes = append(out.Notes, Note{Text: fmt.Sprintf("%d documents are few: every field may be null", good)})
	}
	out.Schema = &record.Schema{Fields: t.Fields}
	return out
}

type proposer struct {
	enough   int
	notes    []Note
	findings []Finding
}

func (p *proposer) note(path, format string, args ...any) {
	p.notes = append(p.notes, Note{path, fmt.Sprintf(format, args...)})
}

// structure proposes a struct for the objects in a place.
func (p *proposer) structure(in *place, path string) record.Type {
	t := record.Type{Kind: record.Struct}
	names := newNames(in.kids, path == "")
	for _, kid := range in.kids {
		at := kid.name
		if path != "" {
			at = path + "." + kid.name
		}
		f := p.field(names.of(kid.name), kid, at, in.counts[objects])
		if f.Name != kid.name {
			f.Aliases = []string{kid.name}
			p.note(at, "the column is called %s: Avro or other readers refuse the name, or it differs from another's only in case", f.Name)
		}
		t.Fields = append(t.Fields, f)
	}
	return t
}

// field proposes a field for a place that had so many opportunities to have a value.
func (p *proposer) field(name string, in *place, path string, of int) record.Field {
	f := record.Field{Name: name}
	f.Nullable = in.seen() < of || in.counts[nulls] > 0 || of < p.enough
	at := len(p.findings)
	p.findings = append(p.findings, Finding{Path: path, Nullable: f.Nullable, Of: of, Present: in.seen(), Types: in.types(), Example: in.example})
	f.Type = p.typ(in, path)
	found := &p.findings[at]
	found.Kind = f.Type.Kind
	if in.name != "" && name != in.name {
		found.Column = name
	}
	switch {
	case in.numbers.seen > 0:
		found.Min, found.Max = in.numbers.minText, in.numbers.maxText
	case in.texts.seen > 0:
		found.Min, found.Max = in.texts.min, in.texts.max
	}
	return f
}

// kept is a column of JSON, and why.
func (p *proposer) kept(path, format string, args ...any) record.Type {
	p.note(path, "a column of JSON: "+format, args...)
	return record.Type{Kind: record.JSON}
}

func (p *proposer) typ(in *place, path string) record.Type {
	var kinds []kind
	for k := booleans; k < allKinds; k++ {
		if in.counts[k] > 0 && !(k == numbers && in.counts[integers] > 0) {
			kinds = append(kinds, k)
		}
	}
	switch {
	case in.deep:
		return p.kept(path, "it is nested deeper than %d levels", maxDepth)
	case len(kinds) == 0:
		return p.kept(path, "it was null each time")
	case len(kinds) > 1:
		var s []string
		for _, c := range in.types() {
			s = append(s, fmt.Sprintf("%s (%d)", c.Type, c.Count))
		}
		return p.kept(path, "it was %s", strings.Join(s, ", "))
	}
	switch kinds[0] {
	case booleans:
		return record.Type{Kind: record.Boolean}
	case texts:
		return p.text(&in.texts, path)
	case arrays:
		return p.list(in, path)
	case objects:
		return p.object(in, path)
	}
	return p.number(&in.numbers, in.counts[numbers], path)
}

func (p *proposer) number(s *numberStats, others int, path string) record.Type {
	decimal := func(why string) record.Type {
		if s.huge > 0 || s.before+s.behind > maxDigits {
			return p.kept(path, "%s, and %d digits do not hold all of them", why, maxDigits)
		}
		p.note(path, "%s: a decimal holds them exactly, with at most %d digits before the point and %d behind it", why, maxDigits-s.behind, s.behind)
		return record.Type{Kind: record.Decimal, Precision: maxDigits, Scale: s.behind}
	}
	switch {
	case others == 0 && s.wide == 0:
		return record.Type{Kind: record.Int64}
	case others == 0:
		return decimal(fmt.Sprintf("%d of %d integers have more than 64 bits", s.wide, s.seen))
	case s.lossy > 0 || s.far > 0:
		return decimal(fmt.Sprintf("a double would change %d of %d numbers", s.lossy+s.far, s.seen))
	case s.cents > 0 && s.huge == 0 && s.written <= 9:
		p.note(path, "numbers with up to %d digits behind the point, also where the last is 0: if these are amounts, a decimal of scale %d keeps them exactly", s.written, s.written)
	}
	return record.Type{Kind: record.Double}
}

func (p *proposer) text(s *textStats, path string) record.Type {
	k, what := record.String, ""
	switch s.seen {
	case s.dates:
		k, what = record.Date, "dates"
	case s.instants:
		k, what = record.TimestampMicros, "times"
	case s.locals:
		k, what = record.LocalMicros, "times without a zone"
	case s.uuids:
		k, what = record.UUID, "UUIDs"
	}
	switch {
	case k == record.String:
	case s.fine > 0:
		p.note(path, "all strings are times, and %d are finer than microseconds: it stays a string", s.fine)
		k = record.String
	case s.seen < p.enough:
		p.note(path, "all strings are %s, and there are only %d: it stays a string", what, s.seen)
		k = record.String
	case s.offsets > 0:
		p.note(path, "%d of %d times have a zone other than UTC: the instant is kept, the zone is not", s.offsets, s.seen)
	}
	return record.Type{Kind: k}
}

func (p *proposer) list(in *place, path string) record.Type {
	switch {
	case in.full:
		return p.kept(path, "there was no room to look into all of it")
	case in.elem == nil:
		return p.kept(path, "an array that was empty each time")
	}
	elem := p.field("element", in.elem, path+"[]", in.elem.seen())
	return record.Type{Kind: record.List, Elem: &elem}
}

func (p *proposer) object(in *place, path string) record.Type {
	switch {
	case in.full:
		return p.kept(path, "there was no room to look into all of it")
	case in.values != nil:
		if !in.values.alike() {
			return p.kept(path, "an object of more than %d names, whose values are of several kinds", maxKeys)
		}
		return p.mapped(in.values, in, in.keys, path)
	case len(in.kids) == 0:
		return p.kept(path, "an object that was empty each time")
	}
	if values := in.asMap(); values != nil {
		return p.mapped(values, in, values.seen(), path)
	}
	return p.structure(in, path)
}

func (p *proposer) mapped(values, in *place, keys int, path string) record.Type {
	p.note(path, "a map: its names look like data (%d entries in %d objects)", keys, in.counts[objects])
	elem := p.field("value", values, path+"{}", values.seen())
	return record.Type{Kind: record.Map, Elem: &elem}
}

// asMap is the values of a place's objects together, where the objects are maps: their names are many and each one rare, or look like
// data, and the values are alike. Else nil.
func (p *place) asMap() *place {
	entries, most, data := 0, 0, 0
	for _, kid := range p.kids {
		entries += kid.seen()
		most = max(most, kid.seen())
		if isData(kid.name) {
			data++
		}
	}
	n := p.counts[objects]
	rare := len(p.kids) >= mapKeys && most*2 <= n && entries*4 <= n*len(p.kids)
	if !rare && (data < dataNames || data*10 < len(p.kids)*9) {
		return nil
	}
	if values := together(p.kids); values.alike() {
		values.name = ""
		return values
	}
	return nil
}

// alike says whether values are of one kind, but for null.
func (p *place) alike() bool {
	n := 0
	for k := booleans; k < allKinds; k++ {
		if p.counts[k] > 0 && !(k == numbers && p.counts[integers] > 0) {
			n++
		}
	}
	return n == 1
}

// isData says whether a name is a number, a date, a time or a UUID.
func isData(name string) bool {
	if strings.Trim(name, "0123456789") == "" && name != "" || uuidText.MatchString(name) {
		return true
	}
	if _, ok := parseTime(name); ok {
		return true
	}
	_, err := time.Parse("2006-01", name)
	return err == nil
}
