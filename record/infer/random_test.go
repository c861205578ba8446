package infer_test

import (
	"bytes"
	stdjson "encoding/json"
	"fmt"
	"math/big"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"shadoof/record"
	"shadoof/record/avro"
	"shadoof/record/infer"
	"shadoof/record/json"
)

// A maker makes values that go together, mostly: what one field of documents has.
type maker func() string

type generator struct{ r *rand.Rand }

func (g generator) pick(of ...string) string { return of[g.r.IntN(len(of))] }

func (g generator) maker(depth int) maker {
	r := g.r
	n := 12
	if depth == 0 {
		n = 8
	}
	switch r.IntN(n) {
	case 0:
		return func() string { return strconv.Itoa(r.IntN(1000) - 500) }
	case 1:
		return func() string { return strconv.FormatFloat(r.NormFloat64(), g.pick("g", "e", "f")[0], -1, 64) }
	case 2:
		return func() string {
			return g.pick("1", "0.5", "1e3", "9007199254740993", "18446744073709551616", "-0", "3.14159265358979323846", "1e400", "0e9")
		}
	case 3:
		return func() string { return g.pick("true", "false") }
	case 4:
		return func() string { return fmt.Sprintf(`"2026-%02d-%02d"`, 1+r.IntN(12), 1+r.IntN(30)) }
	case 5:
		return func() string {
			return fmt.Sprintf(`"2026-%02d-%02dT%02d:00:00%s"`, 1+r.IntN(12), 1+r.IntN(28), r.IntN(24), g.pick("Z", ".5+01:00", ""))
		}
	case 6:
		return func() string { return g.pick("null", "1", `"x"`, "[]", "{}", "[null]", `{"a":1}`) }
	case 7:
		return func() string { return g.pick(`"x"`, `""`, `"é\u0000"`, `"\ud83d\ude00"`) }
	case 8:
		in := g.maker(depth - 1)
		return func() string {
			var s []string
			for range r.IntN(4) {
				s = append(s, in())
			}
			return "[" + strings.Join(s, ",") + "]"
		}
	case 9:
		in := g.maker(depth - 1)
		keys := g.pick("k%d", "%d", "2026-11-%02d")
		return func() string {
			var s []string
			for i := range 1 + r.IntN(3) {
				s = append(s, fmt.Sprintf(`"`+keys+`":`, 10*i+10+r.IntN(10))+in())
			}
			return "{" + strings.Join(s, ",") + "}"
		}
	}
	return g.object(depth)
}

func (g generator) object(depth int) maker {
	r := g.r
	type field struct {
		name string
		in   maker
		rare int
	}
	var fields []field
	for _, name := range []string{"a", "b", "A", "a-b", "a_b", "", "1", "é", "_kafka_offset", "long"} {
		if r.IntN(3) == 0 || name == "a" {
			fields = append(fields, field{name, g.maker(depth - 1), r.IntN(4)})
		}
	}
	return func() string {
		var s []string
		for _, f := range fields {
			switch {
			case f.rare > 0 && r.IntN(f.rare+1) == 0:
			case f.rare > 2 && r.IntN(3) == 0:
				s = append(s, strconv.Quote(f.name)+":null")
			default:
				s = append(s, strconv.Quote(f.name)+":"+f.in())
			}
		}
		r.Shuffle(len(s), func(i, j int) { s[i], s[j] = s[j], s[i] })
		return "{" + strings.Join(s, ", ") + "}"
	}
}

// Whatever the documents, all of them fit what is proposed for them, read as the Avro schema that it is written as, and nothing is left out.
func TestSampledDocumentsFit(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	g := generator{rand.New(rand.NewPCG(seed, 0))}
	for range 300 {
		in := g.object(3)
		s := infer.New(infer.Options{Enough: 1 + g.r.IntN(20)})
		var docs []string
		for range 1 + g.r.IntN(60) {
			doc := in()
			docs = append(docs, doc)
			if err := s.Add([]byte(doc)); err != nil {
				t.Fatalf("%v\n%s", err, doc)
			}
		}
		p := s.Propose()
		if p.Schema == nil {
			continue
		}
		readBack(t, p, docs...)
	}
}

// What is said of numbers is what encoding/json and math/big say.
func TestNumbersAgreeWithTheStandardLibrary(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	digits := func(n int) string {
		b := []byte{byte('1' + r.IntN(9))}
		for range n {
			b = append(b, byte('0'+r.IntN(10)))
		}
		return string(b)
	}
	for range 5_000 {
		n := digits(r.IntN(22))
		if r.IntN(2) == 0 {
			n += "." + digits(r.IntN(22))
		}
		if r.IntN(4) == 0 {
			n += fmt.Sprintf("e%d", r.IntN(700)-350)
		}
		if r.IntN(2) == 0 {
			n = "-" + n
		}
		if r.IntN(4) == 0 {
			n = strconv.FormatFloat(r.NormFloat64()*1e10, "efg"[r.IntN(3)], []int{-1, 17, 16}[r.IntN(3)], 64)
			n = strings.ReplaceAll(n, "e+0", "e") // as JSON has them, too
		}
		checkNumber(t, n)
	}
}

func checkNumber(t *testing.T, n string) {
	t.Helper()
	s := infer.New(infer.Options{Enough: 1})
	if err := s.Add([]byte(`{"a":` + n + `}`)); err != nil {
		t.Fatal(err)
	}
	got := s.Propose().Schema.Fields[0].Type
	d := stdjson.NewDecoder(strings.NewReader(n))
	d.UseNumber()
	var number stdjson.Number
	if err := d.Decode(&number); err != nil {
		t.Fatal(err)
	}
	exact, ok := new(big.Rat).SetString(n)
	if !ok {
		t.Fatal(n)
	}
	switch got.Kind {
	case record.Int64:
		if _, err := number.Int64(); err != nil {
			t.Fatalf("%s: int64: %v", n, err)
		}
	case record.Double:
		// The number is what a double is when it is written with as many digits.
		v, err := number.Float64()
		if err != nil {
			t.Fatalf("%s: double: %v", n, err)
		}
		if _, err := number.Int64(); err == nil {
			t.Fatalf("%s is an integer", n)
		}
		mantissa, _, _ := strings.Cut(strings.ToLower(n), "e")
		significant := len(strings.Trim(strings.Replace(strings.TrimPrefix(mantissa, "-"), ".", "", 1), "0"))
		back, _ := new(big.Rat).SetString(strconv.FormatFloat(v, 'e', significant-1, 64))
		if back.Cmp(exact) != 0 {
			t.Fatalf("%s: as a double it is %s", n, back.FloatString(30))
		}
	case record.Decimal:
		scaled := new(big.Rat).Mul(exact, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(got.Scale)), nil)))
		if !scaled.IsInt() || len(strings.TrimPrefix(scaled.Num().String(), "-")) > got.Precision {
			t.Fatalf("%s: decimal(%d,%d)", n, got.Precision, got.Scale)
		}
		if v, err := number.Float64(); err == nil && new(big.Rat).SetFloat64(v).Cmp(exact) == 0 && strings.ContainsAny(n, ".eE") {
			t.Fatalf("%s: a double holds it", n)
		}
	}
}

// No document makes it fail, and what is taken is read back.
func FuzzAdd(f *testing.F) {
	g := generator{rand.New(rand.NewPCG(1, 2))}
	for range 20 {
		in := g.object(3)
		f.Add([]byte(in() + "\n" + in() + "\n" + in()))
	}
	f.Add([]byte(`{"a":1e-999999999,"a\\b":"\ud83d\ude00"}` + "\n{\"\":{\"\":[[{}]]}}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s := infer.New(infer.Options{Enough: 2, MaxPaths: 50})
		var docs [][]byte
		for doc := range bytes.SplitSeq(text, []byte("\n")) {
			if s.Add(doc) == nil {
				docs = append(docs, doc)
			}
		}
		p := s.Propose()
		if p.Schema == nil {
			return
		}
		parsed, err := avro.Parse(p.Avro())
		if err != nil {
			t.Fatalf("%v\n%s", err, p.Avro())
		}
		dec, err := json.NewDecoder(parsed.Schema)
		if err != nil {
			t.Fatalf("%v\n%s", err, p.Avro())
		}
		c := record.NewColumns(parsed.Schema)
		for _, doc := range docs {
			if err := dec.Decode(c, &record.Raw{Value: doc}); err != nil {
				t.Fatalf("%v\n%q\n%s", err, doc, p.Avro())
			}
			c.EndRow()
		}
	})
}
