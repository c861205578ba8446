//go:build !linux

package process

import "syscall"

func dieWithParent(*syscall.SysProcAttr) {}

// EndWithParent does nothing where the kernel has no such service.
func EndWithParent() error { return nil }
