package tamper_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"shadoof/testbed/faults/tamper"
)

// A recorder is a server that keeps what it was asked for.
type recorder struct {
	mu  sync.Mutex
	got []string
}

func (s *recorder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	text := r.Method + " " + r.Host + " " + r.RequestURI + " " + string(body)
	if err != nil {
		text += " cut"
	}
	s.mu.Lock()
	s.got = append(s.got, text)
	s.mu.Unlock()
	w.Header().Set("ETag", "x")
	_, _ = io.WriteString(w, "a reply")
}

func (s *recorder) asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.got
}

// TestKinds does each kind to one request, and looks at what the client and the server saw.
func TestKinds(t *testing.T) {
	t.Parallel()
	const whole, broken = "200 a reply", "no reply"
	for _, c := range []struct {
		kind   tamper.Kind
		client string
		asked  int
	}{
		{"", whole, 1}, {tamper.Error, "500", 0}, {tamper.SlowDown, "503", 0}, {tamper.Applied, "500", 1}, {tamper.Lost, broken, 1}, {tamper.Torn, broken, 1},
		{tamper.Delayed, whole, 1}, {tamper.Held, whole, 1}, {tamper.Twice, whole, 2}, {tamper.TwiceLater, whole, 2}, {tamper.Cut, broken, 1},
	} {
		t.Run(string(c.kind), func(t *testing.T) {
			t.Parallel()
			s := &recorder{}
			server := httptest.NewServer(s)
			p, err := tamper.Start(server.URL, 1)
			if err != nil {
				t.Fatal(err)
			}
			if c.kind != "" {
				p.Tamper(c.kind, 1)
			}
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, p.Endpoint()+"/bucket/a%2Fb?partNumber=1", bytes.NewReader([]byte("0123456789")))
			if err != nil {
				t.Fatal(err)
			}
			// Without a body that can be read again the client does not repeat a request by itself.
			req.GetBody = nil
			transport := &http.Transport{DisableKeepAlives: true}
			if got := ask(transport, req); !strings.HasPrefix(got, c.client) {
				t.Errorf("the client got %q, want %q", got, c.client)
			}
			host := req.URL.Host
			if err := p.Close(); err != nil { // a late duplicate goes out before that, or now
				t.Error(err)
			}
			server.Close()
			want := make([]string, c.asked)
			for i := range want {
				want[i] = "PUT " + host + " /bucket/a%2Fb?partNumber=1 0123456789"
				if c.kind == tamper.Cut {
					want[i] = "PUT " + host + " /bucket/a%2Fb?partNumber=1 01234 cut"
				}
			}
			if c.kind == tamper.TwiceLater {
				want = want[:len(s.asked())]
			}
			if diff := cmp.Diff(want, append([]string{}, s.asked()...)); diff != "" {
				t.Errorf("the server was asked -want +got\n%s", diff)
			}
		})
	}
}

func ask(transport *http.Transport, req *http.Request) string {
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return "no reply"
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	if err != nil {
		return "no reply"
	}
	return resp.Status[:3] + " " + string(content)
}
