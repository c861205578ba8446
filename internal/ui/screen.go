package ui

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/term"
)

// A Screen shows progress in the last lines of a terminal and redraws them. What is written to it, such as logs, appears above.
type Screen struct {
	*Tally
	size func() (width, height int)

	mu    sync.Mutex
	out   io.Writer
	drawn int // lines of progress that are on the terminal now
}

// Terminal returns a Screen on f, or nil when f is not a terminal.
func Terminal(f *os.File, t *Tally) *Screen {
	if !term.IsTerminal(int(f.Fd())) || os.Getenv("TERM") == "dumb" {
		return nil
	}
	return NewScreen(f, t, func() (int, int) {
		w, h, err := term.GetSize(int(f.Fd()))
		if err != nil || w <= 0 || h <= 0 {
			return 80, 24
		}
		return w, h
	})
}

// NewScreen returns a Screen that writes to out, a terminal of the given size.
func NewScreen(out io.Writer, t *Tally, size func() (width, height int)) *Screen {
	return &Screen{Tally: t, out: out, size: size}
}

// Run redraws until ctx ends, and leaves the terminal without progress.
func (s *Screen) Run(ctx context.Context) {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			s.mu.Lock()
			s.show(nil)
			s.mu.Unlock()
			return
		case <-tick.C:
			s.Draw()
		}
	}
}

// Draw shows how things stand now.
func (s *Screen) Draw() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.show(s.lines())
}

// Write puts text above the progress.
func (s *Screen) Write(text []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.show(nil)
	n, err := s.out.Write(text)
	s.show(s.lines())
	return n, err
}

// show replaces the lines of progress, in one write so that the terminal does not flicker.
func (s *Screen) show(lines []string) {
	if s.drawn == 0 && len(lines) == 0 {
		return
	}
	var b strings.Builder
	if s.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dF\x1b[J", s.drawn)
	}
	for _, l := range lines {
		b.WriteString(l + "\n")
	}
	s.drawn = len(lines)
	_, _ = io.WriteString(s.out, b.String()) // progress that cannot be shown is no reason to stop
}

func (s *Screen) lines() []string {
	width, height := s.size()
	now := s.now()
	active := s.snapshot()
	fit := max(1, min(height-2, 20))
	var lines []string
	for i, a := range active {
		if i == fit-1 && len(active) > fit {
			lines = append(lines, fmt.Sprintf("and %s", Plural(len(active)-i, "more topic")))
			break
		}
		lines = append(lines, cut(progressLine(a, now, width), width-1))
	}
	return lines
}

func progressLine(t tally, now time.Time, width int) string {
	const bar = 10
	const others = 60 // columns of a line besides the topic
	room := max(12, min(width-others, 48))
	done := 0
	if t.offsets > 0 {
		done = int(min(bar, t.records*bar/t.offsets))
	}
	return fmt.Sprintf("%s%s %-*s %5s records  %10s  %5s/s  %5s left", strings.Repeat("█", done), strings.Repeat("░", bar-done), room, cut(t.topic, room),
		Short(t.records), Bytes(t.bytes), Short(t.rate(now)), Short(t.left()))
}

// cut keeps a line within the terminal: one that wraps could not be taken back.
func cut(s string, width int) string {
	for utf8.RuneCountInString(s) > max(width, 1) {
		_, n := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-n]
	}
	return s
}
