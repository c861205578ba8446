package admin_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shadoof/internal/admin"
)

// A gateway keeps what was pushed, as a Pushgateway does: PUT replaces a group.
type gateway struct {
	mu     sync.Mutex
	groups map[string]string
	seen   []string
}

func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	user, password, _ := r.BasicAuth()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.groups[r.URL.Path] = string(body)
	g.seen = append(g.seen, fmt.Sprintf("%s %s %s:%s", r.Method, r.URL.Path, user, password))
}

func TestPush(t *testing.T) {
	t.Parallel()
	g := &gateway{groups: map[string]string{}}
	server := httptest.NewServer(g)
	defer server.Close()
	to := admin.Gateway{URL: server.URL, Job: "lake", Username: "me", Password: "s3cret"}
	failed := lastRun()
	failed.Run.Exit = 3
	sharded := lastRun()
	sharded.Shard = "1-of-2"
	for _, l := range []*admin.LastRun{lastRun(), failed, sharded} {
		if err := l.Push(t.Context(), to); err != nil {
			t.Fatal(err)
		}
	}
	// Labels of a group come in any order.
	for i, s := range g.seen {
		g.seen[i] = strings.NewReplacer("/shard/1-of-2/job_name/tracking", "/job_name/tracking/shard/1-of-2", "/job_name/tracking/kind/success", "/kind/success/job_name/tracking").Replace(s)
	}
	want := []string{"PUT /metrics/job/lake/job_name/tracking me:s3cret", "PUT /metrics/job/lake/kind/success/job_name/tracking me:s3cret", "PUT /metrics/job/lake/job_name/tracking me:s3cret"}
	if diff := cmp.Diff(want, g.seen[:3]); diff != "" {
		t.Error(diff)
	}
	if len(g.seen) != 5 || !strings.Contains(g.seen[3], "shard/1-of-2") {
		t.Errorf("seen %v", g.seen)
	}
}

func TestAPushThatFailsSaysWhyAndTakesNoLongTime(t *testing.T) {
	t.Parallel()
	hangs := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "/job/hangs/") {
			<-hangs
		}
		http.Error(w, "pushed metrics are invalid", http.StatusBadRequest)
	}))
	defer server.Close()
	defer close(hangs)
	l := lastRun()
	err := l.Push(t.Context(), admin.Gateway{URL: server.URL, Job: "x", Username: "me", Password: "s3cret"})
	if err == nil || !strings.Contains(err.Error(), "400") || !strings.Contains(err.Error(), "pushed metrics are invalid") || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("error %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := l.Push(ctx, admin.Gateway{URL: server.URL, Job: "hangs"}); err == nil || !strings.Contains(err.Error(), "deadline exceeded") {
		t.Errorf("error %v", err)
	}
}
