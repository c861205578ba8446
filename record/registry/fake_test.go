package registry

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shadoof/record"
)

// An answer is what a fake server says to one request; silent lets it say nothing until the request is given up.
type answer struct {
	status int
	body   string
	err    error
	silent bool
}

// A fake stands for all servers, inside the process, so that its time may be virtual.
type fake struct {
	mu     sync.Mutex
	asked  []string // host and path with query
	answer func(n int, req *http.Request) answer
}

func (f *fake) RoundTrip(req *http.Request) (*http.Response, error) {
	f.mu.Lock()
	f.asked = append(f.asked, req.URL.Host+req.URL.RequestURI())
	n := len(f.asked)
	f.mu.Unlock()
	a := f.answer(n, req)
	if a.silent {
		<-req.Context().Done()
		return nil, req.Context().Err()
	}
	if a.err != nil {
		return nil, a.err
	}
	return &http.Response{StatusCode: a.status, Body: io.NopCloser(strings.NewReader(a.body)), Request: req, Header: http.Header{}}, nil
}

// requests are those so far.
func (f *fake) requests() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.asked...)
}

func open(t *testing.T, opts Options, f *fake) *Client {
	t.Helper()
	if opts.URLs == nil {
		opts.URLs = []string{"http://registry"}
	}
	opts, err := opts.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	c, err := newClient(opts, f)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// pages is a server that has these pages; others are 40403.
func pages(p map[string]string) *fake {
	return &fake{answer: func(_ int, req *http.Request) answer {
		if body, ok := p[req.URL.Path]; ok {
			return answer{status: 200, body: body}
		}
		return answer{status: 404, body: `{"error_code":40403,"message":"Schema not found"}`}
	}}
}

// same gives one answer to everything.
func same(a answer) *fake { return &fake{answer: func(int, *http.Request) answer { return a }} }

const someSchema = `{"schema":"\"long\""}`

var long = &record.SchemaText{Format: "avro", Text: `"long"`}

func wantText(t *testing.T, c *Client, id int32, want *record.SchemaText) {
	t.Helper()
	got, err := c.ByID(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
}

func wantRequests(t *testing.T, f *fake, want ...string) {
	t.Helper()
	if d := cmp.Diff(want, f.requests()); d != "" {
		t.Errorf("requests: -want +got\n%s", d)
	}
}

// took is false for what took another (virtual) time.
func took(began time.Time, least, most time.Duration) error {
	if d := time.Since(began); d < least || d > most {
		return fmt.Errorf("it took %s, want %s to %s", d, least, most)
	}
	return nil
}
