package jobs

import (
	"cmp"
	"strconv"

	"shadoof/config"
	"shadoof/record"
	"shadoof/record/evolve"
)

// SchemaSettings say how values, or keys, become fields.
type SchemaSettings struct {
	Format     string             `json:"format"`
	Framing    string             `json:"framing,omitempty"`
	Schema     string             `json:"schema,omitempty"`      // text of the schema, where all have one
	Kind       string             `json:"schema_kind,omitempty"` // of that text: see Drivers.Schema; "" is avro
	References []record.Reference `json:"references,omitempty"`  // of that text
	Message    string             `json:"message,omitempty"`
	AsJSON     []string           `json:"as_json,omitempty"`
	ByID       bool               `json:"by_id,omitempty"`   // each names the schema that it was written with
	Subject    string             `json:"subject,omitempty"` // of the registry, where that decides about rows
	Version    string             `json:"version,omitempty"`
	Nulls      bool               `json:"nulls,omitempty"`  // fields may be null all of them: a record without a value is a row
	Target     *record.Schema     `json:"target,omitempty"` // what rows have; nil where that is not decided yet, and in settings of builds before
}

// schemaSettings resolves what a job says of values, or of keys.
func (e *Env) schemaSettings(v config.Value, topic string, nulls bool) (*SchemaSettings, error) {
	schema, kind, err := e.drivers.Schema(v, topic)
	if err != nil {
		return nil, err
	}
	s := &SchemaSettings{Format: v.Format, Framing: v.Framing, Schema: schema, Kind: kind, Message: v.Message, AsJSON: v.AsJSON, Nulls: nulls}
	framed := v.Framing == "confluent" && e.openRegistry != nil
	switch {
	case v.Registered():
		s.Subject, s.Version, s.ByID = v.SubjectOf(topic), v.Version, framed
		return s, nil
	case schema == "":
		return s, nil
	case v.Raw():
		s.Target = &record.Schema{Fields: []record.Field{{Name: record.ValueColumn, Type: record.Type{Kind: record.JSON}, Nullable: true}}}
		return s, nil
	}
	s.ByID = framed && v.Format != "json" // a document says itself which fields it has
	w, err := e.drivers.Writer(s, s.Text(), true)
	if err != nil {
		return nil, err
	}
	s.Target = s.RowsOf(w)
	return s, nil
}

// Text is the schema that all have.
func (s *SchemaSettings) Text() *record.SchemaText {
	return &record.SchemaText{Format: cmp.Or(s.Kind, "avro"), Text: s.Schema, References: s.References}
}

// RowsOf are what a writer's records become, where those of no others count.
func (s *SchemaSettings) RowsOf(w record.Writer) *record.Schema {
	switch {
	case s.Target != nil:
		return s.Target
	case s.Nulls:
		return evolve.Nullable(w.Rows())
	}
	return w.Rows()
}

// Rows are what records become. As long as nobody knows, none can.
func (s *SchemaSettings) Rows() *record.Schema {
	if s.Target == nil {
		return &record.Schema{Fields: []record.Field{{Name: record.ValueColumn, Type: record.Type{Kind: record.Bytes}, Nullable: true}}}
	}
	return s.Target
}

// Decided says whether it is known what records become.
func (s *SchemaSettings) Decided() bool { return s.Target != nil || s.Subject == "" }

// number is the version of the subject: 0 for the latest.
func (s *SchemaSettings) number() int {
	n, err := strconv.Atoi(s.Version)
	if err != nil {
		return 0
	}
	return n
}

// grows says whether rows get what records have that they lack.
func (s *SchemaSettings) grows() bool { return s.Version == config.VersionGrown && s.ByID }

// grown are rows that have what these have, too.
func (s *SchemaSettings) grown(rows *record.Schema) (*record.Schema, error) {
	if s.Nulls {
		rows = evolve.Nullable(rows)
	}
	if s.Target == nil {
		return rows, nil
	}
	return evolve.Union(s.Target, rows)
}
