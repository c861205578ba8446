package registry

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"shadoof/record"
)

func TestWhatWasAnsweredIsNotAskedAgain(t *testing.T) {
	t.Parallel()
	f := pages(map[string]string{
		"/schemas/ids/7":                    someSchema,
		"/subjects/s-value/versions/latest": `{"subject":"s-value","version":2,"id":7,"schema":"\"long\""}`,
		"/subjects/s-value/versions/2":      `{"subject":"s-value","version":2,"id":7,"schema":"\"long\""}`,
	})
	r := open(t, Options{}, f)
	for range 3 {
		wantText(t, r, 7, long)
		for _, version := range []int{0, 2} {
			got, err := r.BySubject(t.Context(), "s-value", version)
			if err != nil {
				t.Fatal(err)
			}
			want := &record.Registered{ID: 7, Subject: "s-value", Version: 2, SchemaText: *long}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("-want +got\n%s", d)
			}
		}
	}
	wantRequests(t, f, "registry/schemas/ids/7", "registry/subjects/s-value/versions/latest", "registry/subjects/s-value/versions/2")
}

// What is known outlives the registry.
func TestKnownSchemasGoOnWhileTheRegistryIsDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := open(t, Options{}, &fake{answer: func(n int, _ *http.Request) answer {
			if n == 1 {
				return answer{status: 200, body: someSchema}
			}
			return answer{err: errRefused}
		}})
		wantText(t, r, 7, long)
		if _, err := r.ByID(t.Context(), 8); err == nil || errors.Is(err, record.ErrNoSchema) {
			t.Errorf("error %v", err)
		}
		wantText(t, r, 7, long)
	})
}

func TestConcurrentQuestionsAreOneRequest(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		a  answer
		is error
	}{"known": {answer{status: 200, body: someSchema}, nil}, "unknown": {answer{status: 404, body: `{"error_code":40403}`}, record.ErrNoSchema}, "failed": {answer{status: 400}, nil}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				release := make(chan struct{})
				f := &fake{answer: func(int, *http.Request) answer {
					<-release
					return c.a
				}}
				r := open(t, Options{}, f)
				var wg sync.WaitGroup
				for range 20 {
					wg.Go(func() {
						_, err := r.ByID(t.Context(), 7)
						if (err == nil) != (c.a.status == 200) || c.is != nil && !errors.Is(err, c.is) {
							t.Errorf("error %v", err)
						}
					})
				}
				synctest.Wait()
				close(release)
				wg.Wait()
				wantRequests(t, f, "registry/schemas/ids/7")
			})
		})
	}
}

// Who asks for all may be told to stop; the others still want to know.
func TestAnAbandonedQuestionIsAskedByAnother(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fake{answer: func(n int, _ *http.Request) answer {
			if n == 1 {
				return answer{silent: true}
			}
			return answer{status: 200, body: someSchema}
		}}
		r := open(t, Options{}, f)
		first, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := r.ByID(first, 7); !errors.Is(err, context.Canceled) {
				t.Errorf("the first: %v", err)
			}
		})
		synctest.Wait()
		for range 10 {
			wg.Go(func() { wantText(t, r, 7, long) })
		}
		synctest.Wait()
		cancel()
		wg.Wait()
		if n := len(f.requests()); n != 2 {
			t.Errorf("%d requests, want 2", n)
		}
	})
}

// Who waits for another's question may be told to stop, too.
func TestWaitersEndWithTheirContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := open(t, Options{}, same(answer{silent: true}))
		var wg sync.WaitGroup
		asking, stop := context.WithCancel(t.Context())
		wg.Go(func() { r.ByID(asking, 7) })
		synctest.Wait()
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := r.ByID(ctx, 7); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		if err := took(began, time.Second, time.Second); err != nil {
			t.Error(err)
		}
		stop()
		wg.Wait()
	})
}

func TestNoSchemaHoldsForAWhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fake{answer: func(n int, _ *http.Request) answer {
			if n <= 2 {
				return answer{status: 404, body: `{"error_code":40403}`}
			}
			return answer{status: 200, body: someSchema}
		}}
		r := open(t, Options{}, f)
		ask := func(want error, requests int) {
			t.Helper()
			if _, err := r.ByID(t.Context(), 7); !errors.Is(err, want) {
				t.Errorf("error %v, want %v", err, want)
			}
			if n := len(f.requests()); n != requests {
				t.Errorf("%d requests, want %d", n, requests)
			}
		}
		ask(record.ErrNoSchema, 1)
		time.Sleep(absent - 1)
		ask(record.ErrNoSchema, 1)
		time.Sleep(time.Nanosecond)
		ask(record.ErrNoSchema, 2)
		time.Sleep(absent)
		ask(nil, 3)
		ask(nil, 3)
	})
}

func TestFailuresAreNotKept(t *testing.T) {
	t.Parallel()
	f := &fake{answer: func(n int, _ *http.Request) answer {
		if n == 1 {
			return answer{status: 401}
		}
		return answer{status: 200, body: someSchema}
	}}
	r := open(t, Options{}, f)
	if _, err := r.ByID(t.Context(), 7); err == nil {
		t.Error("no error")
	}
	wantText(t, r, 7, long)
}

func TestIDsThatNobodyHasTakeLittleMemory(t *testing.T) {
	t.Parallel()
	var a answers[int, string]
	for id := range 3*maxAbsent + 5 {
		if _, err := a.get(t.Context(), id, func() (string, error) { return "", record.ErrNoSchema }); !errors.Is(err, record.ErrNoSchema) {
			t.Fatal(err)
		}
	}
	if n := len(a.absent); n > maxAbsent {
		t.Errorf("%d ids are kept, the most is %d", n, maxAbsent)
	}
	if n := len(a.asked); n > 0 {
		t.Errorf("%d questions are kept", n)
	}
}

func TestNegativeIDsAreNotAskedFor(t *testing.T) {
	t.Parallel()
	f := same(answer{status: 500})
	if _, err := open(t, Options{}, f).ByID(t.Context(), -7); !errors.Is(err, record.ErrNoSchema) {
		t.Errorf("error %v", err)
	}
	wantRequests(t, f)
}

func TestAPlaceHasAnIDAndAVersion(t *testing.T) {
	t.Parallel()
	for body, ok := range map[string]bool{
		`{"subject":"s","version":1,"id":0,"schema":"x"}`:          true,
		`{"version":1,"id":7,"schema":"x"}`:                        true,
		`{"subject":"s","version":1,"schema":"x"}`:                 false,
		`{"subject":"s","id":7,"schema":"x"}`:                      false,
		`{"subject":"s","version":1,"id":7}`:                       false,
		`{"subject":"s","version":1,"id":2147483648,"schema":"x"}`: false,
		`{"subject":"s","version":1,"id":"7","schema":"x"}`:        false,
	} {
		got, err := open(t, Options{}, same(answer{status: 200, body: body})).BySubject(t.Context(), "s", 0)
		switch {
		case ok && (err != nil || got.Subject != "s" || got.Version != 1):
			t.Errorf("%s: %v, %v", body, got, err)
		case !ok && !errors.Is(err, errNoPage):
			t.Errorf("%s: %v, error %v", body, got, err)
		}
	}
}
