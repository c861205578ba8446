package offsets

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
)

// splitByDecoder is splitMembers by the standard library alone, token by token.
func splitByDecoder(object []byte) (header, body []byte, err error) {
	d := json.NewDecoder(bytes.NewReader(object))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, nil, errors.New("not a JSON object")
	}
	seen := map[string]bool{"sha256": true}
	parts := [2][]byte{{'{'}, {'{'}}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, nil, err
		}
		name := t.(string)
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, nil, err
		}
		if seen[name] {
			return nil, nil, fmt.Errorf("member %q stands twice", name)
		}
		seen[name] = true
		which := 1
		if slices.Contains(headerMembers, name) {
			which = 0
		}
		quoted, err := json.Marshal(name)
		if err != nil {
			return nil, nil, err
		}
		if len(parts[which]) > 1 {
			parts[which] = append(parts[which], ',')
		}
		parts[which] = append(append(append(parts[which], quoted...), ':'), value...)
	}
	if _, err := d.Token(); err != nil {
		return nil, nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, nil, errors.New("more than one JSON value")
	}
	return append(parts[0], '}'), append(parts[1], '}'), nil
}

// meaning is what a part says, whatever its white space and escapes; nil if it is no JSON.
func meaning(part []byte) any {
	var v any
	if d := json.NewDecoder(bytes.NewReader(part)); true {
		d.UseNumber()
		if d.Decode(&v) != nil {
			return nil
		}
		if _, err := d.Token(); err != io.EOF {
			return nil
		}
	}
	return v
}

func checkSplit(t *testing.T, object []byte) {
	t.Helper()
	wantHeader, wantBody, wantErr := splitByDecoder(object)
	header, body, err := splitMembers(object)
	if err == nil && wantErr != nil && (meaning(header) == nil || meaning(body) == nil) {
		return // it is refused a little later
	}
	if (err == nil) != (wantErr == nil) {
		t.Fatalf("%q: %v, and the standard library says %v\n%s\n%s", object, err, wantErr, header, body)
	}
	if err != nil {
		return
	}
	same(t, fmt.Sprintf("header of %q", object), meaning(wantHeader), meaning(header))
	same(t, fmt.Sprintf("body of %q", object), meaning(wantBody), meaning(body))
}

func TestMembersAreSplitAsTheStandardLibraryWould(t *testing.T) {
	t.Parallel()
	for _, object := range []string{
		`{}`, `{ }`, ` { "v" : 1 } `, `{"v":1,"x":[{"v":2}],"id":"}"}`, `{"x":"\"","v":1}`, `{"x":"\\","v":1}`, `{"\u0076":1}`, `{"v":1,"\u0076":2}`,
		`{"v":1,}`, `{,"v":1}`, `{"v":1 "x":2}`, `{"v" 1}`, `{"v":}`, `{"v"}`, `{v:1}`, `{"v":1}}`, `{"v":1} x`, `{"v":1`, `{"v":"1`, `{"v":[1}`, `{"v":[1}]}`, `{"v":1]`, `{"v":{"x":1]}`,
		`{"v":1x}`, `{"v":tru}`, `{"v":--1,"x":2}`, `{"v":"a"b,"x":1}`, `{"v":"a""b"}`, `{"v":[] []}`, `{"v":1 2}`, `{"é":1,"x":2}`, "{\"\xff\":1,\"\xfe\":2}", "{\"a\nb\":1}", `{"":1}`, `{"x":"a","":{},"v":null}`,
		``, `[`, `"v"`, `null`, `{"v":1,"v":2}`, `{"sha256":1}`, `{"sha25\u0036":1}`, "{\"v\":1\x00}", "{\"v\"\x0b:1}", `{"v":1:2}`, `{"v":1,"x":2:3}`, `{"x":{"a":"]}"},"v":[["["]]}`,
	} {
		checkSplit(t, []byte(object))
	}
	for _, r := range chain(everyType()...) {
		data, err := Encode(r)
		if err != nil {
			t.Fatal(err)
		}
		object, err := unseal(data)
		if err != nil {
			t.Fatal(err)
		}
		checkSplit(t, object)
		var spread bytes.Buffer
		if err := json.Indent(&spread, object, "\r", "\t"); err != nil {
			t.Fatal(err)
		}
		checkSplit(t, spread.Bytes())
	}
}

// FuzzSplitMembers holds the parts against those that the standard library makes.
func FuzzSplitMembers(f *testing.F) {
	for _, r := range chain(everyType()...) {
		data, err := Encode(r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data[:len(data)-1])
	}
	f.Add([]byte(`{"\u0076":1,"x":"\"]","id":[{"v":"}"}]}`))
	f.Fuzz(checkSplit)
}

func BenchmarkDecode(b *testing.B) {
	var all [][]byte
	size := 0
	for _, r := range chain(everyType()...) {
		data, err := Encode(r)
		if err != nil {
			b.Fatal(err)
		}
		all, size = append(all, data), size+len(data)
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		for _, data := range all {
			if _, err := Decode(data); err != nil {
				b.Fatal(err)
			}
		}
	}
}
