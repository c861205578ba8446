package ui_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"shadoof/internal/ui"
)

func TestNumbersForPeople(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ got, want string }{
		{ui.Count(0), "0"}, {ui.Count(999), "999"}, {ui.Count(1000), "1,000"}, {ui.Count(-1234567), "-1,234,567"}, {ui.Count(-123), "-123"},
		{ui.Short(0), "0"}, {ui.Short(999), "999"}, {ui.Short(1000), "1.00k"}, {ui.Short(9_996), "10.0k"}, {ui.Short(99_960), "100k"}, {ui.Short(999_600), "1.00M"},
		{ui.Short(7_890_000_000), "7.89G"}, {ui.Short(1 << 62), "4611686T"},
		{ui.Bytes(0), "0 B"}, {ui.Bytes(1023), "1023 B"}, {ui.Bytes(1536), "1.5 KiB"}, {ui.Bytes(1023*1024 + 1000), "1.0 MiB"}, {ui.Bytes(10 << 40), "10.0 TiB"},
		{ui.Bytes(5 << 50), "5.0 PiB"}, {ui.Bytes(-1536), "-1.5 KiB"},
		{ui.Duration(0), "0 ms"}, {ui.Duration(1500 * time.Millisecond), "1.5 s"}, {ui.Duration(59 * time.Second), "59 s"}, {ui.Duration(61 * time.Second), "1 m 01 s"},
		{ui.Duration(25 * time.Hour), "25 h 00 m"}, {ui.Duration(50 * time.Hour), "2 d 02 h"}, {ui.Duration(-time.Minute), "-1 m 00 s"},
		{ui.Millis(0), "-"}, {ui.Millis(1000), "1970-01-01T00:00:01Z"},
		{ui.Plural(1, "file"), "1 file"}, {ui.Plural(2000, "file"), "2,000 files"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestTableAlignsNumbersToTheRight(t *testing.T) {
	t.Parallel()
	table := ui.NewTable("TOPIC", ">LAG", "NOTE")
	table.Row("orders", int64(1234567), "")
	table.Row("é\n", 7, "fine")
	var b strings.Builder
	if err := table.Print(&b); err != nil {
		t.Fatal(err)
	}
	want := "TOPIC         LAG  NOTE\norders  1,234,567\né               7  fine\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
}

func TestLinesAreOneValueEach(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := ui.Lines(&b, []map[string]string{{"a": "<b>"}, {}}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("{\"a\":\"<b>\"}\n{}\n", b.String()); diff != "" {
		t.Error(diff)
	}
}

// screen is a terminal just clever enough for what Screen sends.
type screen struct {
	mu    sync.Mutex
	lines []string
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := string(b)
	if rest, ok := strings.CutPrefix(text, "\x1b["); ok {
		var up int
		if _, err := fmt.Sscanf(rest, "%dF", &up); err != nil {
			return 0, err
		}
		_, rest, _ = strings.Cut(rest, "F\x1b[J")
		s.lines, text = s.lines[:len(s.lines)-up], rest
	}
	for line := range strings.Lines(text) {
		s.lines = append(s.lines, strings.TrimSuffix(line, "\n"))
	}
	return len(b), nil
}

func TestScreenRedrawsBelowTheLogs(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	tally := ui.NewTally(func() time.Time { return now })
	var term screen
	s := ui.NewScreen(&term, tally, func() (int, int) { return 81, 4 })
	s.Draw()
	s.Begin("orders", 1000)
	now = now.Add(time.Second)
	s.Begin("payments", 10)
	s.Add("orders", 250, 1<<20)
	s.Add("nobody", 1, 1)
	s.Draw()
	fmt.Fprintln(s, "a log line")
	want := []string{
		"a log line",
		"██░░░░░░░░ orders                  250 records     1.0 MiB    250/s    750 left",
		"░░░░░░░░░░ payments                  0 records         0 B      0/s     10 left",
	}
	if diff := cmp.Diff(want, term.lines); diff != "" {
		t.Error(diff)
	}
	s.Begin("third", 1)
	s.Draw()
	if got := term.lines[len(term.lines)-1]; got != "and 2 more topics" {
		t.Errorf("got %q", got)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	s.Run(ctx)
	if diff := cmp.Diff([]string{"a log line"}, term.lines); diff != "" {
		t.Error(diff)
	}
}

func TestProgressIsLoggedWhereThereIsNoTerminal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		l := &ui.Logged{Tally: ui.NewTally(time.Now), Log: slog.New(slog.NewJSONHandler(&b, nil)), Every: 10 * time.Second}
		ctx, cancel := context.WithTimeout(t.Context(), 25*time.Second)
		defer cancel()
		l.Begin("orders", 100)
		l.Add("orders", 40, 1000)
		l.Run(ctx)
		l.End("orders")
		var got []map[string]any
		for line := range strings.Lines(b.String()) {
			var m map[string]any
			if err := json.Unmarshal([]byte(line), &m); err != nil {
				t.Fatal(err)
			}
			delete(m, "time")
			got = append(got, m)
		}
		line := func(rate float64) map[string]any {
			return map[string]any{"level": "INFO", "msg": "lifting", "topic": "orders", "records": 40.0, "bytes": 1000.0, "records_per_second": rate, "left": 60.0}
		}
		if diff := cmp.Diff([]map[string]any{line(4), line(2)}, got); diff != "" {
			t.Error(diff)
		}
	})
}
