package cache

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// A FileLock is an exclusive lock on a file, held until Unlock or the end of the process, however it ends.
type FileLock struct{ file *os.File }

// ErrLocked says that another process holds a lock.
var ErrLocked = errors.New("locked by another process")

// TryLock takes the lock on a file, creating it if need be, or returns an error that wraps ErrLocked.
func TryLock(path string) (*FileLock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("testbed: lock: %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return &FileLock{f}, nil
	}
	f.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = ErrLocked
	}
	return nil, fmt.Errorf("testbed: lock %s: %w", path, err)
}

// Lock waits for the lock until ctx ends.
func Lock(ctx context.Context, path string) (*FileLock, error) {
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		l, err := TryLock(path)
		if !errors.Is(err, ErrLocked) {
			return l, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %w", err, context.Cause(ctx))
		case <-again.C:
		}
	}
}

// Unlock gives the lock up. The file stays: removing it would let two processes hold locks on two files of one name.
func (l *FileLock) Unlock() { l.file.Close() }
