package relay_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shadoof/testbed/relay"
)

// A server answers each line with the line, and remembers it.
type server struct {
	mu   sync.Mutex
	seen []string
}

func (s *server) start(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				lines := bufio.NewScanner(c)
				for lines.Scan() {
					s.mu.Lock()
					s.seen = append(s.seen, lines.Text())
					s.mu.Unlock()
					if _, err := io.WriteString(c, lines.Text()+"\n"); err != nil {
						return
					}
				}
			}()
		}
	}()
	return l.Addr().String()
}

func (s *server) lines() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.seen...)
}

type client struct {
	net.Conn
	r *bufio.Reader
}

func dial(t *testing.T, r *relay.Relay) *client {
	t.Helper()
	c, err := net.Dial("tcp", r.Address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &client{c, bufio.NewReader(c)}
}

func (c *client) ask(line string, patience time.Duration) (string, error) {
	if _, err := io.WriteString(c, line+"\n"); err != nil {
		return "", err
	}
	if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	got, err := c.r.ReadString('\n')
	return strings.TrimSuffix(got, "\n"), err
}

func echoes(t *testing.T, c *client, line string) {
	t.Helper()
	if got, err := c.ask(line, 10*time.Second); err != nil || got != line {
		t.Errorf("asked %q, got %q, %v", line, got, err)
	}
}

func TestALostReplyIsToARequestThatWasCarriedOut(t *testing.T) {
	t.Parallel()
	var s server
	r := relay.Start(t, s.start(t))
	rule := &relay.Rule{Match: []byte("rename"), Times: 1}
	c := dial(t, r)
	echoes(t, c, "rename before")
	r.Lose(rule)
	echoes(t, c, "list")
	if got, err := c.ask("rename x", 10*time.Second); err == nil {
		t.Errorf("the reply came: %q", got)
	}
	echoes(t, dial(t, r), "rename again")
	if diff := cmp.Diff([]string{"rename before", "list", "rename x", "rename again"}, s.lines()); diff != "" {
		t.Error(diff)
	}
	if rule.Lost() != 1 {
		t.Errorf("%d replies were lost, want 1", rule.Lost())
	}
}

func TestAKeptConnectionAnswersNothingMore(t *testing.T) {
	t.Parallel()
	var s server
	r := relay.Start(t, s.start(t))
	r.Lose(&relay.Rule{Match: []byte("rename"), Keep: true})
	c := dial(t, r)
	for _, line := range []string{"rename x", "list"} {
		if got, err := c.ask(line, 100*time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: %q, %v", line, got, err)
		}
	}
	if diff := cmp.Diff([]string{"rename x", "list"}, s.lines()); diff != "" {
		t.Error(diff)
	}
	echoes(t, dial(t, r), "list on another connection")
}

func TestAMatchAcrossTwoPieces(t *testing.T) {
	t.Parallel()
	var s server
	r := relay.Start(t, s.start(t))
	rule := &relay.Rule{Match: []byte("rename")}
	r.Lose(rule)
	c := dial(t, r)
	echoes(t, c, "x")
	if _, err := io.WriteString(c, "ren"); err != nil {
		t.Fatal(err)
	}
	<-time.After(50 * time.Millisecond) // so that it is likely a piece of its own
	if got, err := c.ask("ame", 10*time.Second); err == nil {
		t.Errorf("the reply came: %q", got)
	}
}

func TestCutAndDelay(t *testing.T) {
	t.Parallel()
	var s server
	r := relay.Start(t, s.start(t))
	c := dial(t, r)
	echoes(t, c, "x")
	r.Cut()
	if got, err := c.ask("y", 10*time.Second); err == nil {
		t.Errorf("an answer after the cut: %q", got)
	}
	r.Delay(60 * time.Millisecond)
	began := time.Now()
	echoes(t, dial(t, r), "z")
	if took := time.Since(began); took < 120*time.Millisecond {
		t.Errorf("there and back took %s, want 120ms at least", took)
	}
}

func TestClientsOfADeadServerAreTurnedAway(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	r := relay.Start(t, l.Addr().String())
	if got, err := dial(t, r).ask("x", 10*time.Second); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%q, %v", got, err)
	}
}
