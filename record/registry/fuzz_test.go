package registry

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"testing"
	"unicode/utf8"

	"shadoof/record"
)

type answering func(*http.Request) (*http.Response, error)

func (f answering) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Whatever a registry answers is a schema as it may be used, or an error; and it comes to an end, also where schemas refer to each other.
func FuzzAnswers(f *testing.F) {
	f.Add([]byte(someSchema), uint16(200))
	f.Add([]byte(`{"subject":"s-value","version":2,"id":7,"schema":"\"long\"","schemaType":"AVRO","references":[{"name":"a","subject":"s-value","version":2}]}`), uint16(200))
	f.Add([]byte(`{"error_code":40403,"message":"no"}`), uint16(404))
	f.Add([]byte(`{"schema":"syntax = \"proto3\";","schemaType":"PROTOBUF"}`), uint16(200))
	f.Fuzz(func(t *testing.T, body []byte, status uint16) {
		status = 200 + status%300 // others are asked again, until patience ends
		if status >= 400 && status != http.StatusNotFound && status != http.StatusUnprocessableEntity {
			status = http.StatusNotFound
		}
		asked := 0
		opts, err := Options{URLs: []string{"http://registry"}}.withDefaults()
		if err != nil {
			t.Fatal(err)
		}
		c, err := newClient(opts, answering(func(r *http.Request) (*http.Response, error) {
			if asked++; asked > 3*maxReferences {
				t.Fatalf("%d questions", asked)
			}
			return &http.Response{StatusCode: int(status), Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(body)), Request: r}, nil
		}))
		if err != nil {
			t.Fatal(err)
		}
		check := func(s *record.SchemaText, err error) {
			switch {
			case err != nil && s != nil, err == nil && s == nil:
				t.Fatal(s, err)
			case err != nil:
				if !utf8.ValidString(err.Error()) && utf8.Valid(body) {
					t.Fatalf("%q", err)
				}
			case s.Format != "avro" && s.Format != "json" && s.Format != "protobuf":
				t.Fatalf("%+v", s)
			}
		}
		check(c.ByID(t.Context(), 7))
		r, err := c.BySubject(t.Context(), "s-value", 2)
		if (err == nil) != (r != nil) {
			t.Fatal(r, err)
		}
		if err != nil && errors.Is(err, record.ErrNoSchema) && status == 200 && r != nil {
			t.Fatal(err)
		}
	})
}
