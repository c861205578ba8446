package avro_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"shadoof/record/internal/recordtest"
)

// An evolution makes a target out of a writer's schema. Names of fields and types are never used twice, so what recordtest.Type has no
// place for is kept by name.
type evolution struct {
	r        recordtest.Rand
	names    int
	full     map[string]string         // names of the writer's types, with their namespaces
	aliases  map[string]string         // of fields and types: by the new name, the old one
	defaults map[string]any            // of fields, as JSON
	rows     map[string]any            // the same as values of a row
	symbol   map[string]string         // of enums: the default
	added    map[*recordtest.Type]bool // of fields with a default, which stay as they are
}

// changedBy copies a record and changes it in a few places.
func changedBy(r recordtest.Rand, t *recordtest.Type) (*recordtest.Type, *evolution) {
	e := &evolution{r: r, aliases: map[string]string{}, defaults: map[string]any{}, rows: map[string]any{}, symbol: map[string]string{}, added: map[*recordtest.Type]bool{}, full: map[string]string{}}
	e.fullNames(t, "")
	out := clone(t)
	for range 1 + r.IntN(4) {
		e.step(out)
	}
	return out, e
}

func (e *evolution) fullNames(t *recordtest.Type, namespace string) {
	if t.Name != "" {
		e.full[t.Name] = t.Name
		if namespace != "" && !strings.Contains(t.Name, ".") {
			e.full[t.Name] = namespace + "." + t.Name
		}
		if full := e.full[t.Name]; t.Kind == "record" {
			namespace = full[:max(strings.LastIndexByte(full, '.'), 0)]
		}
	}
	for _, f := range t.Fields {
		e.fullNames(f.Type, namespace)
	}
	for _, b := range t.Branches {
		e.fullNames(b, namespace)
	}
	if t.Elem != nil {
		e.fullNames(t.Elem, namespace)
	}
}

func clone(t *recordtest.Type) *recordtest.Type {
	c := *t
	c.Fields, c.Branches = nil, nil
	for _, f := range t.Fields {
		c.Fields = append(c.Fields, recordtest.Field{Name: f.Name, Type: clone(f.Type)})
	}
	for _, b := range t.Branches {
		c.Branches = append(c.Branches, clone(b))
	}
	if t.Elem != nil {
		c.Elem = clone(t.Elem)
	}
	c.Symbols = append([]string(nil), t.Symbols...)
	return &c
}

func (e *evolution) name(prefix string) string {
	e.names++
	return fmt.Sprintf("%s%d", prefix, e.names)
}

// all visits a type and what lies within, with a say whether it is a branch of a union.
func (e *evolution) all(t *recordtest.Type, branch bool, visit func(t *recordtest.Type, branch bool)) {
	if e.added[t] {
		return
	}
	visit(t, branch)
	for _, f := range t.Fields {
		e.all(f.Type, false, visit)
	}
	for _, b := range t.Branches {
		e.all(b, true, visit)
	}
	if t.Elem != nil {
		e.all(t.Elem, false, visit)
	}
}

func (e *evolution) pick(root *recordtest.Type, fits func(t *recordtest.Type, branch bool) bool) *recordtest.Type {
	var found []*recordtest.Type
	e.all(root, false, func(t *recordtest.Type, branch bool) {
		if fits(t, branch) {
			found = append(found, t)
		}
	})
	if len(found) == 0 {
		return nil
	}
	return found[e.r.IntN(len(found))]
}

func (e *evolution) step(root *recordtest.Type) {
	kind := func(kinds string) *recordtest.Type {
		return e.pick(root, func(t *recordtest.Type, _ bool) bool { return strings.Contains(" "+kinds+" ", " "+t.Kind+" ") })
	}
	switch e.r.IntN(13) {
	case 0, 1:
		e.add(kind("record"))
	case 2, 3:
		e.fields(kind("record"))
	case 4:
		e.rename(kind("record enum fixed"))
	case 5, 6:
		e.promote(e.pick(root, func(t *recordtest.Type, _ bool) bool { return t.Logical == "" && promotable[t.Kind] != nil }))
	case 7, 8:
		e.widen(e.pick(root, func(t *recordtest.Type, branch bool) bool { return t != root && !branch }))
	case 9:
		e.narrow(kind("union"))
	case 10, 11:
		e.symbols(kind("enum"))
	case 12:
		if e.r.IntN(4) > 0 {
			return
		}
		if t := e.pick(root, func(t *recordtest.Type, branch bool) bool { return t != root && !branch }); t != nil {
			*t = recordtest.Type{Kind: "fixed", Name: e.name("New"), Size: 3} // nothing becomes that
		}
	}
}

// add puts a field with a default into a record.
func (e *evolution) add(t *recordtest.Type) {
	new := recordtest.RandomRecord(e.r, 2)
	f := new.Fields[0]
	if e.hasUnion(f.Type) || f.Type.Kind == "null" {
		return // the library picks the branch that the default belongs to
	}
	prefix := e.name("n")
	e.all(f.Type, false, func(t *recordtest.Type, _ bool) {
		if t.Name != "" {
			t.Name = prefix + t.Name[strings.LastIndexByte(t.Name, '.')+1:]
		}
		for i := range t.Fields {
			t.Fields[i].Name = prefix + t.Fields[i].Name
		}
	})
	f.Name = prefix
	row := positive(unordered(recordtest.RandomRow(e.r, &recordtest.Type{Kind: "record", Fields: []recordtest.Field{f}}))).([]any)[0]
	if e.r.IntN(3) == 0 {
		f.Type = &recordtest.Type{Kind: "union", Branches: []*recordtest.Type{{Kind: "null"}, f.Type}}
		if e.r.IntN(2) == 0 {
			row = nil
		}
	}
	e.defaults[prefix], e.rows[prefix] = defaultJSON(f.Type, row), row
	e.added[f.Type] = true
	i := e.r.IntN(len(t.Fields) + 1)
	t.Fields = append(t.Fields[:i:i], append([]recordtest.Field{f}, t.Fields[i:]...)...)
}

func (e *evolution) hasUnion(t *recordtest.Type) bool {
	found := false
	e.all(t, false, func(t *recordtest.Type, _ bool) { found = found || t.Kind == "union" })
	return found
}

// positive takes the sign from zeros, which JSON's integers do not keep.
func positive(v any) any {
	switch v := v.(type) {
	case float32:
		return v + 0
	case float64:
		return v + 0
	case []any:
		for i := range v {
			v[i] = positive(v[i])
		}
	case []recordtest.Entry:
		for i := range v {
			v[i].Value = positive(v[i].Value)
		}
	}
	return v
}

// defaultJSON is a value of a row as a schema writes it. Of a union only null and the second type are there.
func defaultJSON(t *recordtest.Type, v any) any {
	latin := func(s string) string {
		var b strings.Builder
		for _, c := range []byte(s) {
			b.WriteRune(rune(c))
		}
		return b.String()
	}
	switch t.Kind {
	case "union":
		if v == nil {
			return nil
		}
		return defaultJSON(t.Branches[1], v)
	case "record":
		m := map[string]any{}
		row := v.([]any)
		for _, f := range t.Fields {
			if f.Type.Kind == "null" {
				m[f.Name] = nil
				continue
			}
			m[f.Name] = defaultJSON(f.Type, row[0])
			row = row[1:]
		}
		return m
	case "array":
		out := []any{}
		for _, e := range v.([]any) {
			out = append(out, defaultJSON(t.Elem, e))
		}
		return out
	case "map":
		m := map[string]any{}
		for _, e := range v.([]recordtest.Entry) {
			m[e.Key] = defaultJSON(t.Elem, e.Value)
		}
		return m
	case "bytes":
		return latin(v.(string))
	case "fixed":
		if t.Logical == "uuid" {
			b, err := hex.DecodeString(strings.ReplaceAll(v.(string), "-", ""))
			if err != nil {
				panic(err)
			}
			return latin(string(b))
		}
		return latin(v.(string))
	}
	return v
}

// fields drops, moves or renames a field.
func (e *evolution) fields(t *recordtest.Type) {
	i, j := e.r.IntN(len(t.Fields)), e.r.IntN(len(t.Fields))
	switch e.r.IntN(3) {
	case 0:
		if len(t.Fields) > 1 {
			t.Fields = append(t.Fields[:i:i], t.Fields[i+1:]...)
		}
	case 1:
		t.Fields[i], t.Fields[j] = t.Fields[j], t.Fields[i]
	case 2:
		old := t.Fields[i].Name
		if _, added := e.defaults[old]; !added && e.aliases[old] == "" {
			t.Fields[i].Name = e.name("renamed")
			if e.r.IntN(4) > 0 { // else the writer lacks it, and there is no default
				e.aliases[t.Fields[i].Name] = old
			}
		}
	}
}

// rename changes the name of a type, or its namespace.
func (e *evolution) rename(t *recordtest.Type) {
	if t == nil || e.full[t.Name] == "" {
		return
	}
	old := t.Name
	if e.r.IntN(3) == 0 {
		t.Name = "elsewhere." + local(old)
	} else {
		t.Name = e.name("Renamed")
		if e.r.IntN(6) > 0 {
			e.aliases[t.Name] = e.full[old]
		}
	}
	if s, ok := e.symbol[old]; ok {
		e.symbol[t.Name] = s
	}
}

var promotable = map[string][]string{"int": {"long", "float", "double"}, "long": {"float", "double", "int"}, "float": {"double"}, "string": {"bytes"}, "bytes": {"string"}}

func (e *evolution) promote(t *recordtest.Type) {
	if t != nil {
		t.Kind = promotable[t.Kind][e.r.IntN(len(promotable[t.Kind]))]
	}
}

// widen makes a union of a type, or gives one another branch.
func (e *evolution) widen(t *recordtest.Type) {
	if t == nil || t.Kind == "null" {
		return
	}
	if t.Kind != "union" {
		in := *t
		*t = recordtest.Type{Kind: "union", Branches: []*recordtest.Type{&in}}
	}
	t.Branches = append(t.Branches, &recordtest.Type{Kind: []string{"null", "double", "string", "boolean", "bytes"}[e.r.IntN(5)]})
	i := e.r.IntN(len(t.Branches))
	last := len(t.Branches) - 1
	t.Branches[i], t.Branches[last] = t.Branches[last], t.Branches[i]
}

// narrow takes a branch from a union, or makes one of its types of it.
func (e *evolution) narrow(t *recordtest.Type) {
	if t == nil {
		return
	}
	i := e.r.IntN(len(t.Branches))
	if e.r.IntN(2) == 0 && t.Branches[i].Kind != "null" {
		*t = *t.Branches[i]
		return
	}
	if len(t.Branches) > 1 {
		t.Branches = append(t.Branches[:i:i], t.Branches[i+1:]...)
	}
}

// symbols gives an enum another symbol, or takes one; mostly it has a default then.
func (e *evolution) symbols(t *recordtest.Type) {
	if t == nil {
		return
	}
	i := e.r.IntN(len(t.Symbols))
	if e.r.IntN(2) == 0 {
		t.Symbols = append(t.Symbols[:i:i], append([]string{e.name("NEW")}, t.Symbols[i:]...)...)
	} else if len(t.Symbols) > 1 {
		t.Symbols = append(t.Symbols[:i:i], t.Symbols[i+1:]...)
	}
	delete(e.symbol, t.Name)
	if e.r.IntN(3) > 0 {
		e.symbol[t.Name] = t.Symbols[e.r.IntN(len(t.Symbols))]
	}
}

// schema is the target's JSON; without logical types if plain.
func (e *evolution) schema(t *recordtest.Type, plain bool) []byte {
	var v any
	dec := json.NewDecoder(strings.NewReader(string(t.Avro(plain))))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		panic(err)
	}
	e.decorate(v)
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

// decorate adds aliases and defaults to a schema.
func (e *evolution) decorate(v any) {
	switch v := v.(type) {
	case []any:
		for _, b := range v {
			e.decorate(b)
		}
	case map[string]any:
		if name, ok := v["name"].(string); ok {
			if old := e.aliases[name]; old != "" {
				v["aliases"] = []any{old}
				if strings.HasPrefix(name, "Renamed") && !strings.Contains(old, ".") {
					v["namespace"] = "" // an alias in no namespace cannot be written in one
				}
			}
			if s, ok := e.symbol[name]; ok && v["symbols"] != nil {
				v["default"] = s
			}
			if d, ok := e.defaults[name]; ok && v["symbols"] == nil {
				v["default"] = d
			}
		}
		for _, key := range []string{"type", "items", "values"} {
			e.decorate(v[key])
		}
		if fields, ok := v["fields"].([]any); ok {
			for _, f := range fields {
				e.decorate(f)
			}
		}
	}
}
