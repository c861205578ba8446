//go:build long && !linux

package power_test

import "testing"

func TestPowerCuts(t *testing.T) {
	t.Skip("a file system that can be shut down under its users is there on Linux only")
}
