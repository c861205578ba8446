package jsonvalue_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"shadoof/record/internal/jsonvalue"
)

// What is read is what encoding/json takes for JSON, and is written as it was, but for white space.
func FuzzParse(f *testing.F) {
	for _, s := range []string{`{"b":1.50,"a":[null,true,false,{}],"\u00e9<":"\ud800"}`, `{"a":1,"a":2}`, `[1,]`, `{"a":1,}`, `1 2`, ``, `"\u2028"`, `[1e400]`, "[", "[1 2]", "\"\xff\""} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		v, twice, err := jsonvalue.Parse(text, 1000)
		if err == nil != json.Valid(text) && !strings.Contains(string(text), strings.Repeat("[", 100)) {
			t.Fatalf("%q: %v", text, err)
		}
		if err != nil || twice != "" {
			return
		}
		got := v.Append(nil)
		var a, b any
		if err := json.Unmarshal(text, &b); err != nil {
			return // numbers beyond a double
		}
		if err := json.Unmarshal(got, &a); err != nil {
			t.Fatalf("%q became %q: %v", text, got, err)
		}
		x, _ := json.Marshal(a)
		y, _ := json.Marshal(b)
		if !bytes.Equal(x, y) {
			t.Fatalf("%q became %q", text, got)
		}
	})
}

func TestParse(t *testing.T) {
	t.Parallel()
	v, twice, err := jsonvalue.Parse([]byte(` {"b" : 1.50, "a":[null,{"x":"<é"}], "b":2e0} `), 3)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(v.Append(nil)), `{"b":2e0,"a":[null,{"x":"<é"}]}`; got != want || twice != `"b"` {
		t.Errorf("got %s, %s twice\nwant %s", got, twice, want)
	}
	if _, _, err := jsonvalue.Parse([]byte(`[[[[]]]]`), 3); err == nil || err.Error() != "byte 4: nested deeper than 3 levels" {
		t.Errorf("nested: %v", err)
	}
}
