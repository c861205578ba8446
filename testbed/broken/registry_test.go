package broken_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"

	"shadoof/testbed/servers"
)

// A front stands before the registry, and says of hidden schemas what the registry says of those that nobody has registered yet.
type front struct {
	url string

	mu     sync.Mutex
	hidden map[int32]bool
}

func newFront(t *testing.T) *front {
	t.Helper()
	to, err := url.Parse(servers.Registry(t).URL)
	if err != nil {
		t.Fatal(err)
	}
	f := &front{hidden: map[int32]bool{}}
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: to.Scheme, Host: to.Host})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f.hides(r.URL.Path) {
			w.Header().Set("Content-Type", "application/vnd.schemaregistry.v1+json")
			w.WriteHeader(http.StatusNotFound)
			_, _ = w.Write([]byte(`{"error_code":40403,"message":"Schema not found"}`))
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	f.url = s.URL + to.Path
	return f
}

func (f *front) hides(path string) bool {
	_, after, ok := strings.Cut(path, "/schemas/ids/")
	id, _, _ := strings.Cut(after, "/")
	n, err := strconv.ParseInt(id, 10, 32)
	f.mu.Lock()
	defer f.mu.Unlock()
	return ok && err == nil && f.hidden[int32(n)]
}

// hide has a schema not be there, until it is shown.
func (f *front) hide(id int32, hidden bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hidden[id] = hidden
}
