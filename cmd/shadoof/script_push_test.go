package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// A pushGateway notes what is pushed to it. Its address is $PUSHGATEWAY.
type pushGateway struct {
	*httptest.Server
	mu   sync.Mutex
	seen []string

	bodies []string
}

type pushKey struct{}

func startPushGateway(e *testscript.Env) {
	g := &pushGateway{}
	g.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		g.mu.Lock()
		defer g.mu.Unlock()
		body, _ := io.ReadAll(r.Body) // half of it is as good
		g.seen = append(g.seen, r.Method+" "+r.URL.Path)
		g.bodies = append(g.bodies, string(body))
	}))
	e.Defer(g.Close)
	e.Values[pushKey{}] = g
	e.Setenv("PUSHGATEWAY", g.URL)
}

// pushgateway down | saw REGEXP
func pushgateway(ts *testscript.TestScript, neg bool, args []string) {
	g := ts.Value(pushKey{}).(*pushGateway)
	if args[0] == "down" {
		g.Close()
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if all := strings.Join(g.seen, "\n"); regexp.MustCompile("(?m)"+args[1]).MatchString(all) == neg {
		ts.Fatalf("pushed:\n%s", all)
	}
}
