package json_test

import (
	"bytes"
	stdjson "encoding/json"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"shadoof/record"
	"shadoof/record/internal/recordtest"
	"shadoof/record/json"
)

// drawn is a source of numbers that rapid shrinks.
type drawn struct{ t *rapid.T }

func (d drawn) IntN(n int) int { return rapid.IntRange(0, n-1).Draw(d.t, "n") }

func decoder(t interface{ Fatal(...any) }, s *record.Schema) *json.Decoder {
	d, err := json.NewDecoder(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// addDefaults gives some fields a default: a random value, written as JSON.
func addDefaults(r recordtest.Rand, t *recordtest.Type, s *record.Schema) {
	for i, f := range t.Fields {
		if i < len(s.Fields) && f.Name == s.Fields[i].Name && r.IntN(5) == 0 {
			one := &recordtest.Type{Kind: "record", Name: "D", Fields: []recordtest.Field{f}}
			text := recordtest.AppendJSON(nil, nil, one.Schema(), recordtest.RandomRow(r, one))
			var m map[string]stdjson.RawMessage
			if err := stdjson.Unmarshal(text, &m); err != nil {
				panic(err)
			}
			s.Fields[i].Default = m[f.Name]
		}
	}
}

// rename gives some fields, at every depth, a new name and the old one as an alias.
func rename(r recordtest.Rand, t record.Type) record.Type {
	t.Fields = slices.Clone(t.Fields)
	for i, f := range t.Fields {
		if !t.Union && r.IntN(4) == 0 {
			t.Fields[i].Name, t.Fields[i].Aliases = f.Name+"_now", []string{"once", f.Name}
		}
		t.Fields[i].Type = rename(r, f.Type)
	}
	if t.Elem != nil {
		elem := *t.Elem
		elem.Type = rename(r, elem.Type)
		t.Elem = &elem
	}
	if t.Kind == record.Enum && r.IntN(2) == 0 {
		t.Symbol = t.Symbols[0]
	}
	return t
}

// Random rows of random schemas, written in random ways, come out as the oracle reads them, by the levels' definition; also
// when their fields have other names by now.
func TestDecodeAgreesWithOracle(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := drawn{t}
		typ := recordtest.RandomRecord(r, 3)
		s := typ.Schema()
		addDefaults(r, typ, s)
		target := &record.Schema{Fields: rename(r, record.Type{Kind: record.Struct, Fields: s.Fields}).Fields}
		dec, err := json.NewWriter(s).Decoder(target)
		if err != nil {
			t.Fatal(err)
		}
		got, want := record.NewColumns(target), record.NewColumns(target)
		for range 1 + r.IntN(4) {
			text := recordtest.AppendJSON(nil, r, s, recordtest.RandomRow(r, typ))
			row, err := oracleRow(target, text)
			if err != nil {
				t.Fatalf("oracle: %v\n%s", err, text)
			}
			if err := dec.Decode(got, &record.Raw{Value: text}); err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			got.EndRow()
			recordtest.Shred(want, row)
		}
		if d := recordtest.DiffColumns(got, want); d != "" {
			t.Fatalf("-got +want\n%s", d)
		}
	})
}

// Without unions, whose members JSON cannot always tell apart, rows come back as they were.
func TestRowsComeBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := drawn{t}
		typ := recordtest.RandomRecord(r, 3)
		withoutUnions(typ)
		s := typ.Schema()
		dec, c := decoder(t, s), record.NewColumns(s)
		var rows [][]any
		for range 1 + r.IntN(4) {
			row := recordtest.RandomRow(r, typ)
			rows = append(rows, row)
			text := recordtest.AppendJSON(nil, r, s, row)
			if r.IntN(2) == 0 {
				text = recordtest.AppendJSON(nil, nil, s, row)
			}
			if err := dec.Decode(c, &record.Raw{Value: text}); err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			c.EndRow()
		}
		back, err := recordtest.Rows(c)
		if err != nil {
			t.Fatal(err)
		}
		if d := recordtest.DiffRows(back, rows); d != "" {
			t.Fatalf("-got +want\n%s", d)
		}
	})
}

func withoutUnions(t *recordtest.Type) {
	if t.Kind == "union" {
		null := false
		var other *recordtest.Type
		for _, b := range t.Branches {
			if b.Kind == "null" {
				null = true
			} else if other == nil {
				other = b
			}
		}
		if null {
			t.Branches = []*recordtest.Type{{Kind: "null"}, other}
		} else {
			*t = *other
		}
	}
	for _, f := range t.Fields {
		withoutUnions(f.Type)
	}
	for _, b := range t.Branches {
		withoutUnions(b)
	}
	if t.Elem != nil {
		withoutUnions(t.Elem)
	}
}

// A record that ends early, or has a flipped bit or bytes to spare, leaves no trace when it is refused, and it is refused when the oracle
// refuses it, for the same reason.
func TestRefusedRecordLeavesNoTrace(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	refused := 0
	for range 40 {
		typ := recordtest.RandomRecord(r, 3)
		s := typ.Schema()
		addDefaults(r, typ, s)
		withKafka := s.WithKafkaColumns()
		dec, got, want := decoder(t, s), record.NewColumns(withKafka), record.NewColumns(s)
		for range 3 {
			text := recordtest.AppendJSON(nil, r, s, recordtest.RandomRow(r, typ))
			all := [][]byte{text, append(bytes.Clone(text), '1')}
			for range min(len(text), 200) {
				flipped := bytes.Clone(text)
				flipped[r.IntN(len(text))] ^= 1 << r.IntN(8)
				all = append(all, text[:r.IntN(len(text))], flipped)
			}
			for _, text := range append(all, text) {
				unknown := dec.UnknownFields()
				row, ok := check(t, s, dec, got, text)
				if !ok {
					refused++
					if dec.UnknownFields() != unknown {
						t.Fatalf("a refused record counts %d unknown fields\n%s", dec.UnknownFields()-unknown, text)
					}
					continue
				}
				got.AppendKafka(1, 2, 3)
				got.EndRow()
				recordtest.Shred(want, row)
			}
		}
		got.Leaves = got.Leaves[:len(want.Leaves)]
		if d := recordtest.DiffColumns(got, want); d != "" {
			t.Fatalf("-got +want\n%s", d)
		}
	}
	if refused < 100 {
		t.Fatalf("only %d records were refused", refused)
	}
}

// check decodes a text, compares the outcome with the oracle's, and returns the row that it must be.
func check(t testing.TB, s *record.Schema, dec *json.Decoder, c *record.Columns, text []byte) ([]any, bool) {
	t.Helper()
	row, wantErr := oracleRow(s, text)
	err := dec.Decode(c, &record.Raw{Value: text})
	var bad *record.BadRecord
	switch {
	case err == nil && wantErr == nil:
		return row, true
	case err == nil:
		t.Fatalf("taken, and the oracle says %v\n%q", wantErr, text)
	case !errors.As(err, &bad):
		t.Fatalf("%v (%T)", err, err)
	case bad.Reason == record.Undecodable && !errors.Is(wantErr, errSyntax) && !stricter(text):
		t.Fatalf("%v, and the oracle says %v\n%q", err, wantErr, text)
	case bad.Reason == record.Unfit && (wantErr == nil || errors.Is(wantErr, errSyntax)):
		t.Fatalf("%v, and the oracle says %v\n%q", err, wantErr, text)
	case bad.Reason != record.Undecodable && bad.Reason != record.Unfit && (text != nil || bad.Reason != record.Tombstone):
		t.Fatal(err)
	}
	return nil, false
}

// stricter says whether a text has what encoding/json lets pass: names that stand twice, halves of surrogate pairs.
func stricter(text []byte) bool {
	v, err := parseJSON(text)
	return err != nil || bytes.Contains(bytes.ToLower(text), []byte(`\ud`)) || anyTwice(v)
}

func anyTwice(v any) bool {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			if anyTwice(e) {
				return true
			}
		}
	case object:
		for _, e := range v {
			if anyTwice(e.Value) {
				return true
			}
		}
		return v.twice()
	}
	return false
}
