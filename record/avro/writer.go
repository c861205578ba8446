package avro

import (
	"sync"

	"shadoof/record"
)

// A Writer is the schema of those who wrote a topic's records. It implements [record.Writer].
type Writer struct {
	parsed *Parsed

	mu   sync.Mutex
	made map[string]resolved // by the target's fingerprint
}

type resolved struct {
	resolution *Resolution
	err        error
}

// ParseWriter reads an Avro schema, with those that it refers to. A reference defines a type, which the schema and the references
// after it name in full.
//
// Any type may be at the top. One that is no record becomes rows with the one field value, which may be null where the type has null: a key
// that is a string, or a union of all the records of a topic.
//
// It is an error when the schema is not one of Avro, or cannot be rows: see [record.ReadOptions] for the ways out. Paths of AsJSON lead
// through records, also those within lists, maps and unions: the field next of the records in a list nodes is nodes.next, that of a
// union's second type nodes.member1.next.
func ParseWriter(t *record.SchemaText, o record.ReadOptions) (*Writer, error) {
	p, err := parse(t, o, false)
	if err != nil {
		return nil, err
	}
	same := resolved{resolution: &Resolution{p.Schema, p.plan}}
	return &Writer{parsed: p, made: map[string]resolved{p.Schema.Fingerprint(): same}}, nil
}

// Rows implements [record.Writer].
func (w *Writer) Rows() *record.Schema { return w.parsed.Schema }

// Decoder implements [record.Writer]. A pair is compiled once.
func (w *Writer) Decoder(target *record.Schema) (record.Decoder, error) {
	fingerprint := target.Fingerprint()
	w.mu.Lock()
	defer w.mu.Unlock()
	m, ok := w.made[fingerprint]
	if !ok {
		m.resolution, m.err = Resolve(w.parsed, target)
		w.made[fingerprint] = m
	}
	if m.err != nil {
		return nil, m.err
	}
	d := m.resolution.NewDecoder()
	d.schema = target
	return d, nil
}
