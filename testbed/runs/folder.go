// Package runs hands out what lives only as long as one test process: folders and ports. Whatever a process leaves behind when it
// is killed is taken back by the next one.
package runs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"shadoof/testbed/cache"
)

// keepLogs is how long the logs of servers whose test failed stay.
const keepLogs = 24 * time.Hour

const lockName = ".lock"

// A Folder belongs to this process until Remove, or until the process ends.
type Folder struct {
	Path string
	lock *cache.FileLock
}

// NewFolder makes an empty folder below the system's temporary directory. Before that it sweeps the folders of processes that are
// gone: their data at once, their logs (*.log) after a day.
func NewFolder(ctx context.Context, name string) (*Folder, error) {
	root, err := root()
	if err != nil {
		return nil, err
	}
	// One sweeper or maker at a time: a folder whose lock is not yet taken must not look abandoned.
	guard, err := cache.Lock(ctx, filepath.Join(root, ".sweep"))
	if err != nil {
		return nil, err
	}
	defer guard.Unlock()
	if err := sweep(root); err != nil {
		return nil, err
	}
	path, err := os.MkdirTemp(root, name+"-")
	if err != nil {
		return nil, fmt.Errorf("testbed: folder for %s: %w", name, err)
	}
	lock, err := cache.TryLock(filepath.Join(path, lockName))
	if err != nil {
		return nil, err
	}
	return &Folder{Path: path, lock: lock}, nil
}

// Remove deletes the folder; with logs it leaves the *.log files for a day.
func (f *Folder) Remove(logs bool) error {
	defer f.lock.Unlock()
	if logs {
		return removeData(f.Path)
	}
	return removeAll(f.Path)
}

// removeAll deletes a folder, though another run may look into it for the lock at this moment, and so make the file anew.
func removeAll(path string) error {
	err := os.RemoveAll(path)
	for tries := 0; errors.Is(err, syscall.ENOTEMPTY) && tries < 5; tries++ {
		err = os.RemoveAll(path)
	}
	return err
}

// root is one folder per user, so that one user's leftovers do not block another's.
func root() (string, error) {
	dir, err := filepath.Abs(filepath.Join(os.TempDir(), "shadoof-testbed-"+strconv.Itoa(os.Getuid())))
	if err != nil {
		return "", fmt.Errorf("testbed: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("testbed: %w", err)
	}
	return dir, nil
}

func sweep(root string) error {
	entries, err := os.ReadDir(root)
	if err != nil {
		return fmt.Errorf("testbed: sweep: %w", err)
	}
	for _, e := range entries {
		if !e.IsDir() || e.Name() == portsName {
			continue
		}
		dir := filepath.Join(root, e.Name())
		lock, err := cache.TryLock(filepath.Join(dir, lockName))
		if err != nil {
			continue // somebody lives there
		}
		info, err := e.Info()
		if err == nil && time.Since(info.ModTime()) > keepLogs {
			err = os.RemoveAll(dir)
		} else {
			err = removeData(dir)
		}
		lock.Unlock()
		if err != nil {
			return fmt.Errorf("testbed: sweep: %w", err)
		}
	}
	return nil
}

func isLog(path string, d fs.DirEntry) bool {
	info, err := d.Info()
	return strings.HasSuffix(path, ".log") && err == nil && info.Size() > 0
}

// removeData deletes everything but logs and the folders that they are in, and the whole folder when it holds no logs.
func removeData(dir string) error {
	logs := false
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case d.IsDir() && d.Name() == "data":
			if err := os.RemoveAll(path); err != nil {
				return err
			}
			return filepath.SkipDir
		case d.IsDir():
			return nil
		case d.Name() == lockName:
			return nil
		case !isLog(path, d):
			// Its owner may be removing it, too: the first that goes is the lock.
			if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			return nil
		}
		logs = true
		return nil
	})
	if err == nil && !logs {
		err = os.RemoveAll(dir)
	}
	return err
}
