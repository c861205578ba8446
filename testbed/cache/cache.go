// Package cache keeps what the testbed fetches and builds: jars, the S3 server, Python environments. It lies outside the tree and
// is shared by all test processes of a user.
package cache

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
)

// complete marks a folder whose filling succeeded. Without it the folder is thrown away and filled again.
const complete = ".complete"

// Dir is the cache: $SHADOOF_TESTBED_CACHE, or shadoof-testbed in the user's cache directory. It is always absolute.
func Dir() (string, error) {
	dir := os.Getenv("SHADOOF_TESTBED_CACHE")
	if dir == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("testbed: no cache directory: %w; set SHADOOF_TESTBED_CACHE", err)
		}
		dir = filepath.Join(user, "shadoof-testbed")
	}
	return filepath.Abs(dir)
}

// Prepare returns a folder of the cache that fill has filled, once for all processes that ask for it at the same time. The
// folder's name carries the digest of the contents that it was made from, so that changed contents get a new folder.
// Fill works at the final place and may be called again after a failure or a crash, on an empty folder.
func Prepare(ctx context.Context, name string, contents []string, fill func(ctx context.Context, dir string) error) (string, error) {
	root, err := Dir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(root, name+"-"+digest(contents))
	if isComplete(dir) {
		return dir, nil
	}
	if err := os.MkdirAll(root, 0o755); err != nil {
		return "", fmt.Errorf("testbed: cache: %w", err)
	}
	lock, err := Lock(ctx, dir+".lock")
	if err != nil {
		return "", err
	}
	defer lock.Unlock()
	if isComplete(dir) {
		return dir, nil
	}
	if err := fillAnew(ctx, dir, fill); err != nil {
		return "", fmt.Errorf("testbed: prepare %s in %s: %w", name, dir, err)
	}
	return dir, nil
}

func fillAnew(ctx context.Context, dir string, fill func(ctx context.Context, dir string) error) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := fill(ctx, dir); err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	return os.WriteFile(filepath.Join(dir, complete), nil, 0o644)
}

func isComplete(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, complete))
	return !errors.Is(err, fs.ErrNotExist) && err == nil
}

// digest separates the contents by their lengths: ["ab", "c"] is not ["a", "bc"].
func digest(contents []string) string {
	h := sha256.New()
	for _, c := range contents {
		h.Write([]byte(strconv.Itoa(len(c)) + ":" + c))
	}
	return hex.EncodeToString(h.Sum(nil)[:6])
}
