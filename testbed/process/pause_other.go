//go:build !linux

package process

// stands takes the signal's word for it.
func stands(int) bool { return true }
