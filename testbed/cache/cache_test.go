package cache_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"shadoof/testbed/cache"
)

func TestPrepareFillsOnce(t *testing.T) {
	t.Setenv("SHADOOF_TESTBED_CACHE", t.TempDir())
	var fills atomic.Int32
	fill := func(_ context.Context, dir string) error {
		fills.Add(1)
		return os.WriteFile(filepath.Join(dir, "content"), nil, 0o644)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			dir, err := cache.Prepare(t.Context(), "thing", []string{"1"}, fill)
			if err == nil {
				_, err = os.Stat(filepath.Join(dir, "content"))
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := fills.Load(); n != 1 {
		t.Errorf("filled %d times", n)
	}
	if _, err := cache.Prepare(t.Context(), "thing", []string{"2"}, fill); err != nil || fills.Load() != 2 {
		t.Errorf("other contents: %v, filled %d times", err, fills.Load())
	}
}

func TestPrepareFillsAnewAfterAFailure(t *testing.T) {
	t.Setenv("SHADOOF_TESTBED_CACHE", t.TempDir())
	broken := errors.New("broken")
	_, err := cache.Prepare(t.Context(), "thing", nil, func(_ context.Context, dir string) error {
		return errors.Join(os.WriteFile(filepath.Join(dir, "half"), nil, 0o644), broken)
	})
	if !errors.Is(err, broken) {
		t.Fatalf("error %v, want %v", err, broken)
	}
	dir, err := cache.Prepare(t.Context(), "thing", nil, func(_ context.Context, dir string) error {
		entries, err := os.ReadDir(dir)
		if len(entries) > 0 {
			t.Errorf("the folder holds %v", entries)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "half")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("half: %v", err)
	}
}

func TestLockWaitsNoLongerThanItsContext(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	held, err := cache.TryLock(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := cache.Lock(ctx, path); !errors.Is(err, context.Canceled) || !errors.Is(err, cache.ErrLocked) {
		t.Errorf("error %v", err)
	}
	held.Unlock()
	if _, err := cache.Lock(t.Context(), path); err != nil {
		t.Error(err)
	}
}

func TestMissingPrerequisitesAreOneLineEach(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	t.Setenv("JAVA_HOME", "")
	err := cache.Check(t.Context())
	if err == nil {
		t.Fatal("nothing is missing on an empty PATH")
	}
	lines := strings.Split(err.Error(), "\n")
	for _, want := range []string{"go is missing", "java 17 is missing: install a JDK 17 (Debian: openjdk-17-jdk-headless)", "mvn is missing", "python 3.11 is missing"} {
		n := 0
		for _, line := range lines {
			if strings.HasPrefix(line, "testbed: "+want) {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%d lines say that %s:\n%v", n, want, err)
		}
	}
	if len(lines) != 4 {
		t.Errorf("%d lines:\n%v", len(lines), err)
	}
}

func TestOldJavaIsMissing(t *testing.T) {
	home := t.TempDir()
	if err := os.Mkdir(filepath.Join(home, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	script := "#!/bin/sh\necho 'openjdk version \"11.0.2\" 2019-01-15' >&2\n"
	if err := os.WriteFile(filepath.Join(home, "bin", "java"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("JAVA_HOME", home)
	if _, err := cache.Java(t.Context()); err == nil || !strings.Contains(err.Error(), "is version 11") {
		t.Errorf("error %v", err)
	}
}
