package admin

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// late is how long the loop that starts runs may be silent. It goes round at least every 30 s.
const late = 2 * time.Minute

// A pulse is when a loop was seen to have gone round. It goes by the machine's own clock: neither a clock on the wall that is set, nor a
// machine that slept, makes a loop look as if it had stopped.
type pulse struct {
	mu     sync.Mutex
	ticked time.Time
	seen   time.Time
}

// silent is how long the loop has been seen not to go round.
func (p *pulse) silent(ticked time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now := time.Now(); p.seen.IsZero() || ticked.IsZero() || !ticked.Equal(p.ticked) {
		p.ticked, p.seen = ticked, now
	}
	return time.Since(p.seen)
}

func (s *Server) handler() http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("GET /{$}", s.page)
	m.Handle("GET /metrics", s.metrics())
	m.HandleFunc("GET /healthz", s.healthz)
	m.HandleFunc("GET /readyz", s.readyz)
	m.HandleFunc("GET /api/v1/status", s.status)
	m.HandleFunc("POST /api/v1/jobs/{job}/run", s.run)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		if !s.addressed(r.Host) {
			plain(w, http.StatusMisdirectedRequest, "this is shadoof at "+s.Addr()+", for who is on this machine: ask for it by this address, or as localhost; a proxy must pass one of these as the Host")
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, 1<<10)
		m.ServeHTTP(w, r)
	})
}

// addressed says whether a request came by an address of the machine. A server at a loopback address takes no name but localhost and its
// own: a page of another site, in a browser on this machine, could have its name point here, and read everything.
func (s *Server) addressed(host string) bool {
	if a, ok := s.listener.Addr().(*net.TCPAddr); !ok || !a.IP.IsLoopback() {
		return true
	}
	own, _, _ := net.SplitHostPort(s.o.Listen)
	name := strings.TrimSuffix((&url.URL{Host: host}).Hostname(), ".")
	return name == "" || net.ParseIP(name) != nil || strings.EqualFold(name, own) || strings.EqualFold(name, "localhost")
}

func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) {
	if silent := s.pulse.silent(s.o.Status().Ticked); silent > late {
		plain(w, http.StatusServiceUnavailable, fmt.Sprintf("the loop that starts runs has been silent for %s", silent.Round(time.Second)))
		return
	}
	plain(w, http.StatusOK, "ok")
}

func (s *Server) readyz(w http.ResponseWriter, _ *http.Request) {
	if why := s.o.Status().NotReady; why != "" {
		plain(w, http.StatusServiceUnavailable, why)
		return
	}
	plain(w, http.StatusOK, "ok")
}

func (s *Server) status(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, s.o.Status())
}

// run starts a run of a job for somebody who has the token.
func (s *Server) run(w http.ResponseWriter, r *http.Request) {
	job := r.PathValue("job")
	if s.o.Token == "" {
		refuse(w, http.StatusForbidden, "actions are off: name a file that holds a token with admin.token_file, and start again")
		return
	}
	if !s.authorized(r) {
		w.Header().Set("WWW-Authenticate", `Bearer realm="shadoof"`)
		refuse(w, http.StatusUnauthorized, "the token is missing or wrong: send the one of admin.token_file, as Authorization: Bearer TOKEN")
		return
	}
	err := s.o.Run(job)
	switch {
	case errors.Is(err, ErrNoJob):
		refuse(w, http.StatusNotFound, fmt.Sprintf("%q: %v", job, err))
	case errors.Is(err, ErrRunning):
		refuse(w, http.StatusConflict, fmt.Sprintf("%s: %v", job, err))
	case err != nil:
		refuse(w, http.StatusServiceUnavailable, err.Error())
	default:
		s.o.Log.Info("a run was asked for", "job", job, "from", r.RemoteAddr)
		answer(w, http.StatusAccepted, map[string]string{"job": job, "run": "started"})
	}
}

// authorized compares digests, so that the time it takes tells nothing of the token, nor of its length.
func (s *Server) authorized(r *http.Request) bool {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	got, want := sha256.Sum256([]byte(strings.TrimSpace(token))), sha256.Sum256([]byte(s.o.Token))
	return subtle.ConstantTimeCompare(got[:], want[:]) == 1 && strings.EqualFold(scheme, "Bearer")
}

func plain(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(code)
	_, _ = fmt.Fprintln(w, text)
}

func refuse(w http.ResponseWriter, code int, why string) {
	answer(w, code, map[string]string{"error": why})
}

// answer writes a JSON document.
func answer(w http.ResponseWriter, code int, document any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	_ = e.Encode(document) // who asked is gone
}
