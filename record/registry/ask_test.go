package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"shadoof/record"
)

var errRefused = errors.New("connection refused")

func TestWaitsForARegistryThatComesBack(t *testing.T) {
	t.Parallel()
	for name, outage := range map[string]answer{"503": {status: 503}, "429": {status: 429}, "refused": {err: errRefused}, "silent": {silent: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := open(t, Options{}, &fake{answer: func(n int, _ *http.Request) answer {
					if n < 3 {
						return outage
					}
					return answer{status: 200, body: someSchema}
				}})
				wantText(t, r, 7, long)
			})
		})
	}
}

func TestPatienceEnds(t *testing.T) {
	t.Parallel()
	for name, outage := range map[string]answer{"503": {status: 503}, "refused": {err: errRefused}, "silent": {silent: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f, began := same(outage), time.Now()
				_, err := open(t, Options{Patience: 21 * time.Second}, f).ByID(t.Context(), 7)
				if err == nil || !strings.HasPrefix(err.Error(), "schema id 7: the schema registry (http://registry) does not answer, tried for 21s, see that it is up") {
					t.Errorf("error %v", err)
				}
				if err := took(began, 19*time.Second, 21*time.Second); err != nil {
					t.Error(err)
				}
				if n := len(f.requests()); n < 2 || n > 30 {
					t.Errorf("%d requests", n)
				}
			})
		})
	}
}

// The last thing that happens is that the time is up; what is wrong was seen before.
func TestTheFailureBeforeTheEndIsToldAndNotTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fake{answer: func(n int, _ *http.Request) answer {
			if n == 1 {
				return answer{err: errRefused}
			}
			return answer{silent: true}
		}}
		_, err := open(t, Options{}, f).ByID(t.Context(), 7)
		if !errors.Is(err, errRefused) {
			t.Errorf("error %v", err)
		}
	})
}

func TestContextEndsTheWaitAtOnce(t *testing.T) {
	t.Parallel()
	for name, outage := range map[string]answer{"503": {status: 503}, "refused": {err: errRefused}, "silent": {silent: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r, began := open(t, Options{}, same(outage)), time.Now()
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(3*time.Second, cancel)
				_, err := r.ByID(ctx, 7)
				if !errors.Is(err, context.Canceled) || errors.Is(err, record.ErrNoSchema) {
					t.Errorf("error %v", err)
				}
				if err := took(began, 3*time.Second, 3*time.Second); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestSeveralURLsAreTriedInTurn(t *testing.T) {
	t.Parallel()
	// What b answers while a is as the row says, and what c, which is always well, is not asked for.
	for _, c := range []struct {
		name string
		a    answer
		want string // of the error; "" is b's answer
	}{
		{"refused", answer{err: errRefused}, ""},
		{"silent", answer{silent: true}, ""},
		{"busy", answer{status: 503}, ""},
		{"no registry", answer{status: 404}, ""},
		{"another page", answer{status: 200, body: loginPage}, ""},
		{"strange", answer{status: 400}, ""},
		{"no schema", answer{status: 404, body: `{"error_code":40403}`}, "no such schema (http://a, code 40403)"},
		{"credentials", answer{status: 401}, "http://a answers 401"}, // one wrong password is not tried three times
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := &fake{answer: func(_ int, req *http.Request) answer {
					if req.URL.Host == "a" {
						return c.a
					}
					return answer{status: 200, body: someSchema}
				}}
				r := open(t, Options{URLs: []string{"http://a", "http://b/", "http://c"}}, f)
				_, err := r.ByID(t.Context(), 7)
				if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
					t.Errorf("error %v, want %q", err, c.want)
				}
				if c.want != "" {
					wantRequests(t, f, "a/schemas/ids/7")
					return
				}
				wantText(t, r, 8, long)
				wantRequests(t, f, "a/schemas/ids/7", "b/schemas/ids/7", "b/schemas/ids/8")
			})
		})
	}
}

func TestAllURLsMustBeWrongForAFailureAtOnce(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b    answer
		want    string
		retried bool
	}{
		{answer{status: 404}, answer{status: 404}, "http://a: to /schemas/ids/7 it answers 404 without", false},
		{answer{status: 404}, answer{status: 503}, "does not answer, tried for 30s, see that it is up and can be reached from here: http://b answers 503", true},
		{answer{status: 503}, answer{status: 404}, "the schema registry (http://a, http://b) does not answer", true},
		{answer{err: errRefused}, answer{err: errRefused}, "the schema registry (http://a, http://b) does not answer", true},
	} {
		t.Run(fmt.Sprint(c.a, c.b), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := &fake{answer: func(_ int, req *http.Request) answer {
					if req.URL.Host == "a" {
						return c.a
					}
					return c.b
				}}
				_, err := open(t, Options{URLs: []string{"http://a", "http://b"}}, f).ByID(t.Context(), 7)
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("error %v, want %q", err, c.want)
				}
				if n := len(f.requests()); n > 2 != c.retried {
					t.Errorf("%d requests", n)
				}
			})
		})
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	wrong := answer{status: 404, body: `{"error_code":404,"message":"HTTP 404 Not Found"}`}
	for _, c := range []struct {
		name            string
		types, subjects answer
		want            string
	}{
		{"a registry", answer{status: 200, body: `["JSON","PROTOBUF","AVRO"]`}, wrong, ""},
		{"an old registry", wrong, answer{status: 200, body: `[]`}, ""},
		{"no registry", wrong, wrong, "no schema registry is there: check the URL"},
		{"something else", answer{status: 200, body: `{"status":"UP"}`}, answer{status: 200, body: loginPage}, "it is not JSON"},
		{"wrong password", answer{status: 401}, answer{status: 401}, "it wants credentials"},
		{"down", answer{err: errRefused}, answer{err: errRefused}, "see that it is up and can be reached from here: http://registry: connection refused"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				err := open(t, Options{}, &fake{answer: func(_ int, req *http.Request) answer {
					switch req.URL.RequestURI() {
					case "/schemas/types":
						return c.types
					case "/subjects?limit=1":
						return c.subjects
					}
					return answer{status: 500}
				}}).Check(t.Context())
				if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
					t.Errorf("error %v, want %q", err, c.want)
				}
			})
		})
	}
}
