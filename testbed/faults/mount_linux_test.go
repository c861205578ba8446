package faults_test

import (
	"syscall"
	"testing"
)

// mounted mounts a small file system in memory, and tells whether it may.
func mounted(t *testing.T, dir string) bool {
	t.Helper()
	if err := syscall.Mount("shadoof", dir, "tmpfs", 0, "size=192m"); err != nil {
		return false
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return true
}
