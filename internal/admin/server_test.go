package admin_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"shadoof/internal/admin"
)

const token = "0123456789abcdef"

var start = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// serve starts a server for a test, and returns its URL.
func serve(t *testing.T, change func(*admin.Options)) string {
	t.Helper()
	o := admin.Options{
		Listen: "127.0.0.1:0", Token: token, Gatherer: prometheus.NewRegistry(),
		Status: func() admin.Status { return admin.Status{Build: "b", Now: start, Ticked: start} },
		Run: func(job string) error {
			switch job {
			case "tracking", "a/b":
				return nil
			case "orders":
				return fmt.Errorf("orders: %w", admin.ErrRunning)
			case "broken":
				return io.ErrUnexpectedEOF
			}
			return admin.ErrNoJob
		},
	}
	if change != nil {
		change(&o)
	}
	s, err := admin.Listen(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- s.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return "http://" + s.Addr()
}

func ask(t *testing.T, method, url string, header ...string) (int, string, http.Header) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body), resp.Header
}

func TestEveryPathHasItsAnswer(t *testing.T) {
	t.Parallel()
	url := serve(t, nil)
	for _, c := range []struct {
		method, path string
		code         int
		kind         string
	}{
		{"GET", "/", 200, "text/html; charset=utf-8"},
		{"GET", "/?refresh=30", 200, "text/html; charset=utf-8"},
		{"HEAD", "/", 200, "text/html; charset=utf-8"},
		{"POST", "/", 405, ""},
		{"GET", "/metrics", 200, "text/plain; version=0.0.4; charset=utf-8"},
		{"DELETE", "/metrics", 405, ""},
		{"GET", "/healthz", 200, "text/plain; charset=utf-8"},
		{"HEAD", "/readyz", 200, "text/plain; charset=utf-8"},
		{"GET", "/api/v1/status", 200, "application/json"},
		{"GET", "/api/v1/jobs/tracking/run", 405, ""},
		{"GET", "/api/v1", 404, ""},
		{"GET", "/api/v2/status", 404, ""},
		{"GET", "/debug/pprof/", 404, ""},
		{"GET", "/index.html", 404, ""},
		{"GET", "/healthz/", 404, ""},
		{"OPTIONS", "/api/v1/jobs/tracking/run", 405, ""},
		{"PUT", "/api/v1/jobs/tracking/run", 405, ""},
		{"GET", "/..%2f..%2fetc/passwd", 404, ""},
	} {
		code, body, header := ask(t, c.method, url+c.path)
		if code != c.code || c.kind != "" && !strings.HasPrefix(header.Get("Content-Type"), c.kind) {
			t.Errorf("%s %s: %d %s\n%s", c.method, c.path, code, header.Get("Content-Type"), body)
		}
		for name := range header {
			if strings.HasPrefix(name, "Access-Control-") || name == "Server" || name == "Set-Cookie" {
				t.Errorf("%s %s: %s is %q", c.method, c.path, name, header.Get(name))
			}
		}
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"} {
			if got := header.Get(name); got != want {
				t.Errorf("%s %s: %s is %q", c.method, c.path, name, got)
			}
		}
		if csp := header.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'; style-src 'sha256-") || strings.Contains(csp, "unsafe") || strings.Contains(csp, "script") {
			t.Errorf("%s %s: policy %q", c.method, c.path, csp)
		}
	}
}

func TestRunsAreStartedForWhoHasTheToken(t *testing.T) {
	t.Parallel()
	url, off := serve(t, nil), serve(t, func(o *admin.Options) { o.Token = "" })
	for _, c := range []struct {
		base, job, authorization string
		code                     int
		want                     string
	}{
		{url, "tracking", "Bearer " + token, 202, `"run": "started"`},
		{url, "tracking", "bearer " + token, 202, `"run": "started"`},
		{url, "a%2Fb", "Bearer " + token, 202, `"job": "a/b"`},
		{url, "tracking", "", 401, "the token is missing or wrong"},
		{url, "tracking", token, 401, "the token is missing or wrong"},
		{url, "tracking", "Basic " + token, 401, "the token is missing or wrong"},
		{url, "tracking", "Bearer " + token + "0", 401, "the token is missing or wrong"},
		{url, "tracking", "Bearer " + token[:15], 401, "the token is missing or wrong"},
		{url, "tracking", "Bearer ", 401, "the token is missing or wrong"},
		{url, "nobody", "Bearer wrong", 401, "the token is missing or wrong"},
		{url, "nobody", "Bearer " + token, 404, `\"nobody\": no job has this name`},
		{url, "orders", "Bearer " + token, 409, "a run of this job is under way"},
		{url, "broken", "Bearer " + token, 503, "unexpected EOF"},
		{off, "tracking", "", 403, "admin.token_file"},
		{off, "tracking", "Bearer ", 403, "admin.token_file"},
		{off, "tracking", "Bearer " + token, 403, "admin.token_file"},
	} {
		code, body, header := ask(t, "POST", c.base+"/api/v1/jobs/"+c.job+"/run", "Authorization", c.authorization)
		if code != c.code || !strings.Contains(body, c.want) {
			t.Errorf("%s with %q: %d %s", c.job, c.authorization, code, body)
		}
		if (code == 401) != (header.Get("WWW-Authenticate") != "") {
			t.Errorf("%s with %q: WWW-Authenticate %q", c.job, c.authorization, header.Get("WWW-Authenticate"))
		}
		if strings.Contains(body, token) {
			t.Errorf("the token is in the answer: %s", body)
		}
	}
}

func TestReadinessIsTheWork(t *testing.T) {
	t.Parallel()
	var why atomic.Pointer[string]
	url := serve(t, func(o *admin.Options) { o.Status = func() admin.Status { return admin.Status{NotReady: *why.Load()} } })
	for said, want := range map[string]int{"": 200, "the store does not answer": 503} {
		why.Store(&said)
		code, body, _ := ask(t, "GET", url+"/readyz")
		if health, _, _ := ask(t, "GET", url+"/healthz"); code != want || health != 200 || !strings.Contains(body, said) {
			t.Errorf("%q: %d %s, health %d", said, code, body, health)
		}
	}
}

func TestStatusIsTheDocument(t *testing.T) {
	t.Parallel()
	want := admin.Status{Build: "b", Store: "s3://lake", Started: start, Now: start, Memory: admin.Memory{Limit: 2, Used: 1},
		Jobs:   []admin.Job{{Name: "a", Timezone: "UTC", Next: start.Add(time.Hour), Last: &admin.Run{ID: "1", Began: start, Ended: start, Outcome: "done", Rows: 7}}},
		Topics: []admin.Topic{{Name: "t", Job: "a", Lag: -1, LagSeconds: -1, Halted: true, Advice: "<b>"}}}
	url := serve(t, func(o *admin.Options) { o.Status = func() admin.Status { return want } })
	_, body, _ := ask(t, "GET", url+"/api/v1/status")
	var got admin.Status
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if strings.Contains(body, "success") || strings.Contains(body, "0001-01-01") {
		t.Errorf("what is not known is left out:\n%s", body)
	}
}

func TestAnAddressInUseIsKnownBeforeAnythingBegins(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, err = admin.Listen(t.Context(), admin.Options{Listen: l.Addr().String()})
	want := "admin.listen " + l.Addr().String() + ": bind: address already in use: is another `shadoof serve` running? Name a free address"
	if err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	if _, err := admin.Listen(t.Context(), admin.Options{Listen: "192.0.2.1:80"}); err == nil || strings.Contains(err.Error(), "another") {
		t.Errorf("an address that is not this machine's: %v", err)
	}
}

func TestAnAnswerUnderWayIsFinished(t *testing.T) {
	t.Parallel()
	asked, goOn := make(chan struct{}), make(chan struct{})
	s, err := admin.Listen(t.Context(), admin.Options{Listen: "127.0.0.1:0", Gatherer: prometheus.NewRegistry(), Status: func() admin.Status {
		close(asked)
		<-goOn
		return admin.Status{Build: "the last word"}
	}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served, answered := make(chan error, 1), make(chan string, 1)
	go func() { served <- s.Serve(ctx) }()
	go func() {
		_, body, _ := ask(t, "GET", "http://"+s.Addr()+"/api/v1/status")
		answered <- body
	}()
	<-asked
	stop()
	for { // no more connections are taken
		c, err := net.Dial("tcp", s.Addr())
		if err != nil {
			break
		}
		c.Close()
	}
	close(goOn)
	if err := <-served; err != nil {
		t.Error(err)
	}
	if body := <-answered; !strings.Contains(body, "the last word") {
		t.Errorf("answer %q", body)
	}
}

func TestLargeHeadersAreRefused(t *testing.T) {
	t.Parallel()
	url := serve(t, nil)
	c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	go func() {
		_, _ = fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: a\r\nX: %s\r\n\r\n", strings.Repeat("x", 64<<10))
	}()
	line, err := bufio.NewReader(c).ReadString('\n')
	if err != nil || !strings.Contains(line, "431") {
		t.Errorf("got %q, %v", line, err)
	}
}

// A site whose name was made to point at this machine reads nothing, and who is on the machine does.
func TestOnlyAddressesOfTheMachine(t *testing.T) {
	t.Parallel()
	at := serve(t, nil)
	for host, want := range map[string]int{
		strings.TrimPrefix(at, "http://"): 200, "localhost:8080": 200, "LOCALHOST": 200, "localhost.": 200, "[::1]:8080": 200, "[::1]": 200, "10.0.0.7": 200,
		"evil.example": 421, "evil.example:8080": 421, "localhost.evil.example": 421, "127.0.0.1.evil.example:8080": 421,
	} {
		for _, path := range []string{"/", "/metrics", "/api/v1/status"} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, at+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Host = host
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if resp.StatusCode != want {
				t.Errorf("%s of %s: %d, want %d", path, host, resp.StatusCode, want)
			}
		}
	}
}
