//go:build shadoof_hooks

package main

import (
	"context"
	"os"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"shadoof/storage"
)

// This build is for tests: SHADOOF_KILL_AT=point or point:n makes the process kill itself, as kill -9 does, when it comes to a named
// point of the protocol for the n-th time. SHADOOF_STOP_AT does the same with SIGSTOP. SHADOOF_CPU_PROFILE=file or file:n writes a CPU profile
// of what comes before the first, or the n-th, version is published. SHADOOF_MALLOCS=file writes how many allocations the process made before its newest
// version was published. SHADOOF_CLOCK=file names a file with a duration by which the process's clock is wrong; it is read each time the clock is.

func init() {
	name, _ := profileOf()
	if name == "" {
		return
	}
	f, err := os.Create(name)
	if err == nil {
		err = pprof.StartCPUProfile(f)
	}
	if err != nil {
		panic(err)
	}
}

// profileOf says where a CPU profile goes, and how many versions are published by its end.
func profileOf() (name string, versions int) {
	name, count, _ := strings.Cut(os.Getenv("SHADOOF_CPU_PROFILE"), ":")
	n, _ := strconv.Atoi(count)
	return name, max(n, 1)
}

var hookCounts struct {
	sync.Mutex
	n map[string]int
}

func protocolHook() func(point string) { return atPoint }

func atPoint(point string) {
	if point == "after-marker" {
		countMallocs(os.Getenv("SHADOOF_MALLOCS"))
	}
	hookCounts.Lock()
	if hookCounts.n == nil {
		hookCounts.n = map[string]int{}
	}
	hookCounts.n[point]++
	n := hookCounts.n[point]
	hookCounts.Unlock()
	if _, versions := profileOf(); point == "after-marker" && n == versions {
		pprof.StopCPUProfile()
	}
	for name, signal := range map[string]syscall.Signal{"SHADOOF_KILL_AT": syscall.SIGKILL, "SHADOOF_STOP_AT": syscall.SIGSTOP} {
		want, count, found := strings.Cut(os.Getenv(name), ":")
		at := 1
		if found {
			at, _ = strconv.Atoi(count)
		}
		if want == point && n == at {
			_ = syscall.Kill(os.Getpid(), signal)
		}
	}
}

func countMallocs(file string) {
	if file == "" {
		return
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if err := os.WriteFile(file, strconv.AppendUint(nil, m.Mallocs, 10), 0o644); err != nil {
		panic(err)
	}
}

// hookStore adds the point "put-applied": a commit or a replace was created in the log, and the process has not learnt it yet.
func hookStore(s storage.Store) storage.Store { return &hookedStore{s} }

type hookedStore struct{ storage.Store }

func (h *hookedStore) PutNew(ctx context.Context, name string, data []byte) (storage.Put, error) {
	put, err := h.Store.PutNew(ctx, name, data)
	if text := string(data); strings.Contains(name, "/log/") && put == storage.Created && (strings.Contains(text, `"type":"commit"`) || strings.Contains(text, `"type":"replace"`)) {
		atPoint("put-applied")
	}
	return put, err
}

// TryMove implements storage.Mover where the store does.
func (h *hookedStore) TryMove(ctx context.Context, m storage.Move) error {
	if mover, ok := h.Store.(storage.Mover); ok {
		return mover.TryMove(ctx, m)
	}
	return nil
}

// clock is wrong by what the file says at the moment.
func clock() time.Time {
	now := time.Now()
	if name := os.Getenv("SHADOOF_CLOCK"); name != "" {
		text, err := os.ReadFile(name)
		if err != nil {
			panic(err)
		}
		wrong, err := time.ParseDuration(strings.TrimSpace(string(text)))
		if err != nil {
			panic(err)
		}
		return now.Add(wrong)
	}
	return now
}

// lostAfter shortens the minute for which a committed file may be absent before it counts as lost.
func lostAfter() time.Duration {
	d, _ := time.ParseDuration(os.Getenv("SHADOOF_LOST_AFTER"))
	return d
}
