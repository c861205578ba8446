package jsonschema_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"shadoof/record"
	"shadoof/record/json"
	"shadoof/record/jsonschema"
)

// A random schema, with a function that makes one of the values that it takes.
type random struct {
	text string
	make func() string
}

type generator struct {
	r    *rand.Rand
	defs []string
}

func (g *generator) pick(of ...string) string { return of[g.r.IntN(len(of))] }

func (g *generator) scalar() random {
	r := g.r
	one := func(text string, values ...string) random {
		return random{text, func() string { return g.pick(values...) }}
	}
	switch r.IntN(11) {
	case 0:
		return one(`{"type":"integer","minimum":-5}`, "1", "-3", "1e2", "7.0", "9007199254740993")
	case 1:
		return one(`{"type":"number"}`, "1.5", "-3", "1e300", "0.1")
	case 2:
		return one(`{"type":"boolean"}`, "true", "false")
	case 3:
		return one(`{"type":"string","format":"date-time"}`, `"2026-11-20T13:07:00Z"`, `"2026-11-20t13:07:00.123456789-08:00"`)
	case 4:
		return one(`{"type":"string","format":"date"}`, `"2026-11-20"`, `"2024-02-29"`)
	case 5:
		return one(`{"type":"string","format":"time"}`, `"13:07:00Z"`, `"13:07:00.5+01:00"`)
	case 6:
		return one(`{"type":"string","contentEncoding":"base64"}`, `""`, `"AP8="`)
	case 7:
		return one(`{"enum":["A","B",null]}`, `"A"`, `"B"`, "null")
	case 8:
		return one(`{"const":"c"}`, `"c"`)
	case 9:
		return one(`{"enum":[1,"x",true,[1],{"y":2}]}`, "1", `"x"`, "true", "[1]", `{"y":2}`)
	}
	return one(`{"type":["string","null"]}`, `"x"`, `"é\u0000"`, "null")
}

func (g *generator) schema(depth int) random {
	if depth == 0 {
		return g.scalar()
	}
	r := g.r
	switch r.IntN(13) {
	case 0, 1, 2:
		return g.object(depth)
	case 3:
		in := g.schema(depth - 1)
		return random{`{"type":"array","items":` + in.text + `}`, func() string { return "[" + g.several(in.make) + "]" }}
	case 4:
		in := g.schema(depth - 1)
		return random{`{"type":"object","additionalProperties":` + in.text + `}`, func() string {
			n := 0
			return "{" + g.several(func() string { n++; return fmt.Sprintf(`"k%d":%s`, n, in.make()) }) + "}"
		}}
	case 5:
		in := g.schema(depth - 1)
		return random{fmt.Sprintf(`{"%s":[{"type":"null"},%s]}`, g.pick("anyOf", "oneOf"), in.text), func() string {
			if r.IntN(3) == 0 {
				return "null"
			}
			return in.make()
		}}
	case 6:
		a, b := g.schema(depth-1), g.schema(depth-1)
		return random{fmt.Sprintf(`{"%s":[%s,%s]}`, g.pick("anyOf", "oneOf"), a.text, b.text), func() string {
			if r.IntN(2) == 0 {
				return a.make()
			}
			return b.make()
		}}
	case 7:
		in := g.schema(depth - 1)
		g.defs = append(g.defs, in.text)
		return random{fmt.Sprintf(`{"$ref":"#/$defs/d%d"}`, len(g.defs)-1), in.make}
	case 8:
		in := g.schema(depth - 1)
		name := fmt.Sprintf("d%d", len(g.defs))
		g.defs = append(g.defs, fmt.Sprintf(`{"type":"object","properties":{"v":%s,"next":{"$ref":"#/$defs/%s"}},"required":["v"]}`, in.text, name))
		var node func() string
		node = func() string {
			if r.IntN(2) == 0 {
				return `{"v":` + in.make() + `}`
			}
			return `{"v":` + in.make() + `,"next":` + node() + `}`
		}
		return random{`{"$ref":"#/$defs/` + name + `"}`, node}
	case 9: // all of: the properties are spread over several
		a, b := g.members(depth, "abc"), g.members(depth, "xyz")
		return random{fmt.Sprintf(`{"type":"object","allOf":[{%s},{"type":"object",%s}]}`, a.text, b.text), func() string { return "{" + list(a.make(), b.make()) + "}" }}
	case 10, 11: // an object with more in some cases
		base, a, b := g.members(depth, "abc"), g.members(depth, "xyz"), g.members(depth, "wxy")
		format := g.pick(`{"type":"object",%s,"oneOf":[{%s},{"type":"object",%s}]}`, `{%s,"if":{"required":["a"]},"then":{%s},"else":{%s}}`, `{"$ref":"#/$defs/%s","anyOf":[{%s},{%s}]}`)
		if strings.Contains(format, "$ref") {
			g.defs = append(g.defs, `{"type":["object","null"],`+base.text+`}`)
			base.text = fmt.Sprintf("d%d", len(g.defs)-1)
		}
		return random{fmt.Sprintf(format, base.text, a.text, b.text), func() string {
			if r.IntN(2) == 0 {
				return "{" + list(base.make(), a.make()) + "}"
			}
			return "{" + list(base.make(), b.make()) + "}"
		}}
	}
	return g.scalar()
}

// members are some properties, of names of which each is taken once.
func (g *generator) members(depth int, names string) random {
	var schemas, required []string
	var makes []func() string
	for _, name := range names {
		if g.r.IntN(2) == 0 && len(schemas) > 0 {
			continue
		}
		in, must := g.schema(depth-1), g.r.IntN(2) == 0
		schemas = append(schemas, fmt.Sprintf(`"%c":%s`, name, in.text))
		if must {
			required = append(required, fmt.Sprintf(`"%c"`, name))
		}
		makes = append(makes, func() string {
			if !must && g.r.IntN(2) == 0 {
				return ""
			}
			return fmt.Sprintf(`"%c":%s`, name, in.make())
		})
	}
	return random{fmt.Sprintf(`"properties":{%s},"required":[%s]`, strings.Join(schemas, ","), strings.Join(required, ",")), func() string {
		var parts []string
		for _, m := range makes {
			parts = append(parts, m())
		}
		g.r.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
		return list(parts...)
	}}
}

func (g *generator) object(depth int) random {
	in := g.members(depth, "abcde")
	return random{`{"type":"object",` + in.text + `}`, func() string { return "{" + in.make() + "}" }}
}

func (g *generator) several(one func() string) string {
	var parts []string
	for range g.r.IntN(4) {
		parts = append(parts, one())
	}
	return list(parts...)
}

// list joins the parts that are there.
func list(parts ...string) string {
	var there []string
	for _, p := range parts {
		if p != "" {
			there = append(there, p)
		}
	}
	return strings.Join(there, ",")
}

// What a random schema takes fits its rows, and nothing of it is left out.
func TestDocumentsOfRandomSchemasFit(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	g := &generator{r: rand.New(rand.NewPCG(seed, 0))}
	for range 600 {
		g.defs = nil
		top := g.object(4)
		text := top.text[:len(top.text)-1] + `,"$defs":{`
		for i, d := range g.defs {
			if i > 0 {
				text += ","
			}
			text += fmt.Sprintf(`"d%d":%s`, i, d)
		}
		text += "}}"
		s, _, err := jsonschema.Parse(&record.SchemaText{Format: "json", Text: text})
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		dec, err := json.NewDecoder(s)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		c := record.NewColumns(s)
		for range 5 {
			doc := top.make()
			err := dec.Decode(c, &record.Raw{Value: []byte(doc)})
			var bad *record.BadRecord
			if errors.As(err, &bad) {
				t.Fatalf("%v\n%s\n%s\nrows %s", err, doc, text, sketch(s.Fields))
			}
			c.EndRow()
			if n := dec.UnknownFields(); n != 0 {
				t.Fatalf("%d fields are left out\n%s\n%s\nrows %s", n, doc, text, sketch(s.Fields))
			}
		}
	}
}

// Whatever the text, it is refused, or has rows that a decoder can be made for.
func FuzzParse(f *testing.F) {
	g := &generator{r: rand.New(rand.NewPCG(1, 2))}
	for range 20 {
		f.Add(g.object(3).text, "{}", "ref")
	}
	f.Add(`{"$id":"http://a/b","properties":{"a":{"$ref":"ref#/x"},"b":{"$ref":"#"},"c":{"default":1,"type":"integer","if":{},"then":{"properties":{"x":{}}}}}}`, `{"x":{"$id":"y","type":["string"]}}`, "ref")
	f.Add(`{"properties":{"a":{"allOf":[{"$ref":"#"},{"oneOf":[{},{"type":"object","patternProperties":{"":{"const":1e9999}}}]}]}}}`, `true`, "%zz")
	f.Fuzz(func(t *testing.T, text, reference, name string) {
		s, _, err := jsonschema.Parse(&record.SchemaText{Format: "json", Text: text, References: []record.Reference{{Name: name, Text: reference}}})
		if err != nil {
			return
		}
		if _, err := json.NewDecoder(s); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
	})
}
