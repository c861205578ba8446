package s3

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"shadoof/storage"
)

// away makes a server answer 503 to so many requests, or to all below zero, and counts them.
func away(f *fake, requests int32) *atomic.Int32 {
	var n atomic.Int32
	f.onRequest(func(w http.ResponseWriter, r *http.Request, _ func(http.ResponseWriter)) bool {
		if m := n.Add(1); requests >= 0 && m > requests {
			return false
		}
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	})
	return &n
}

func TestAServerThatIsRestartedIsWaitedFor(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	s := f.store(t, func(o *Options) { o.Patience = time.Minute })
	asked := away(f, 50)
	if _, err := storage.Entries(t.Context(), s, storage.Query{}); err != nil {
		t.Errorf("after %d requests: %v", asked.Load(), err)
	}
}

func TestTheWaitForAServerIsOneForAllRequests(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	const patience = 200 * time.Millisecond
	s := f.store(t, func(o *Options) { o.Patience = patience })
	asked := away(f, -1)
	began := time.Now()
	_, err := storage.Entries(t.Context(), s, storage.Query{})
	if err == nil || !strings.Contains(err.Error(), "Service Unavailable") || strings.Contains(err.Error(), errPatience.Error()) {
		t.Errorf("a server that stays away: %v", err)
	}
	if n, took := asked.Load(), time.Since(began); n <= attempts || took < patience {
		t.Errorf("it gave up after %d requests and %s", n, took)
	}
	before := asked.Load()
	if _, err := storage.Entries(t.Context(), s, storage.Query{}); err == nil {
		t.Error("no error")
	}
	if n := asked.Load() - before; n != attempts {
		t.Errorf("the next request of the same outage was tried %d times, want %d", n, attempts)
	}
}

func TestAServerThatNeverAnsweredIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	o := newFake(t).options()
	o.Patience, o.Endpoint = time.Hour, "http://127.0.0.1:1"
	if _, err := New(t.Context(), o); err == nil {
		t.Error("no error")
	}
}
