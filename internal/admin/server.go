package admin

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// What Options.Run answers when it starts nothing.
var (
	ErrNoJob   = errors.New("no job has this name")
	ErrRunning = errors.New("a run of this job is under way")
)

// Options say what a server shows and may do.
type Options struct {
	Listen   string // host:port
	Token    string // what actions are asked for with; "": there are none
	Status   func() Status
	Gatherer prometheus.Gatherer
	Run      func(job string) error // starts a run of a job and returns at once; wraps ErrNoJob, ErrRunning
	Log      *slog.Logger
}

// A Server is the HTTP server of a process: a status page, metrics, health, and the API. It holds no secret but the token, and shows none.
type Server struct {
	o        Options
	listener net.Listener
	http     *http.Server
	pulse    pulse
}

// Listen takes the address, so that a port in use is known before anything else begins. Requests wait until Serve.
func Listen(ctx context.Context, o Options) (*Server, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", o.Listen)
	if err != nil {
		if op := (*net.OpError)(nil); errors.As(err, &op) {
			err = op.Err // the address is said already
		}
		if errors.Is(err, syscall.EADDRINUSE) {
			err = fmt.Errorf("%w: is another `shadoof serve` running? Name a free address", err)
		}
		return nil, fmt.Errorf("admin.listen %s: %w", o.Listen, err)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{o: o, listener: newBoundedListener(l, connectionsAtOnce)}
	s.http = &http.Server{
		Handler:           s.handler(),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       30 * time.Second, // it takes the place of another
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          log.New(logged{o.Log}, "", 0),
	}
	return s, nil
}

// Addr is the address that the server listens at.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// drain is how long answers that are under way may take when the server is told to stop.
const drain = 3 * time.Second

// Serve answers requests until ctx ends, and lets those that are under way end. It returns nil then.
func (s *Server) Serve(ctx context.Context) error {
	done := make(chan error, 1)
	go func() { done <- s.http.Serve(s.listener) }()
	select {
	case err := <-done:
		return fmt.Errorf("serve http at %s: %w", s.Addr(), err)
	case <-ctx.Done():
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	if err := s.http.Shutdown(ending); err != nil {
		_ = s.http.Close() // who still waits for an answer waits in vain
	}
	<-done
	return nil
}

// Close gives the address back when Serve is not called.
func (s *Server) Close() error { return s.listener.Close() }

// logged writes what net/http has to say, such as a failed handshake, to the log.
type logged struct{ log *slog.Logger }

func (l logged) Write(b []byte) (int, error) {
	l.log.Debug("admin: " + string(b))
	return len(b), nil
}

func (s *Server) metrics() http.Handler {
	return promhttp.HandlerFor(s.o.Gatherer, promhttp.HandlerOpts{ErrorLog: log.New(logged{s.o.Log}, "", 0), MaxRequestsInFlight: 8, Timeout: 20 * time.Second})
}
