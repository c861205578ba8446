package main

import (
	"bytes"
	"log/slog"
	"math"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"testing/fstest"

	"shadoof/config"
)

func TestAContainersLimitIsTheMemoryWhereNoneIsGiven(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		limit  string
		memory int64 // given; 0: none
		want   int64
		warns  bool
	}{
		{"max", 0, 512 << 20, false},
		{"1073741824", 0, 738 << 20, false},
		{"1099511627776", 0, 4 << 30, false},
		{"1073741824", 256 << 20, 256 << 20, false},
		{"1073741824", 1 << 30, 1 << 30, true},
		{"67108864", 0, 64 << 20, true},
	} {
		root := fstest.MapFS{"proc/self/cgroup": {Data: []byte("0::/\n")}, "sys/fs/cgroup/memory.max": {Data: []byte(c.limit)}}
		cfg := &config.Config{Memory: 512 << 20}
		if c.memory > 0 {
			cfg.Memory, cfg.MemoryGiven = c.memory, true
		}
		var logs bytes.Buffer
		a := &app{log: slog.New(slog.NewTextHandler(&logs, nil)), env: func(string) (string, bool) { return "off", true }} // the test's own limit stays
		a.limitMemory(cfg, root)
		if cfg.Memory != c.want || strings.Contains(logs.String(), "less memory") != c.warns {
			t.Errorf("limit %s, given %d: %d, want %d; log: %s", c.limit, c.memory, cfg.Memory, c.want, logs.String())
		}
	}
}

// As long as little is alive, a sixteenth of the memory is allocated between collections, and not as little as is alive.
func TestLittleIsCollectedWhileLittleIsAlive(t *testing.T) {
	percent := debug.SetGCPercent(100)
	t.Cleanup(func() {
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(math.MaxInt64)
	})
	collections := func(set string) uint32 {
		env := func(name string) (string, bool) { return "100", name == set }
		a := &app{log: slog.New(slog.DiscardHandler), env: env}
		a.limitMemory(&config.Config{Memory: 4 << 30}, fstest.MapFS{})
		runtime.GC()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range 200 {
			garbage = make([]byte, 1<<20)
		}
		runtime.ReadMemStats(&after)
		runtime.KeepAlive(a)
		return after.NumGC - before.NumGC
	}
	if n := collections(""); n > 1 {
		t.Errorf("200 MiB of garbage were collected %d times, with a weight of 256", n)
	}
	if n := collections("GOGC"); n < 2 {
		t.Errorf("200 MiB of garbage were collected %d times where somebody set GOGC", n)
	}
}

var garbage []byte
