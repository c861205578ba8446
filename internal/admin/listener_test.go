package admin

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"testing"
	"time"
)

// Whoever opens connections keeps the process from opening more of them, and not from stopping.
func TestConnectionsAreBounded(t *testing.T) {
	t.Parallel()
	s, err := Listen(t.Context(), Options{Listen: "127.0.0.1:0", Status: func() Status { return Status{} }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx) }()
	dial := func() net.Conn {
		c, err := net.Dial("tcp", s.Addr())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	first := dial()
	for range connectionsAtOnce - 1 {
		dial()
	}
	late := dial()
	if _, err := fmt.Fprintf(late, "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if err := late.SetReadDeadline(time.Now().Add(200 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := late.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("one connection more than there are places is answered: %v", err)
	}
	if err := errors.Join(first.Close(), late.SetReadDeadline(time.Time{})); err != nil {
		t.Fatal(err)
	}
	if resp, err := http.ReadResponse(bufio.NewReader(late), nil); err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("when there is a place: %v, %v", resp, err)
	}
	stop()
	if err := <-served; err != nil {
		t.Error(err)
	}
}
