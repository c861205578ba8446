//go:build !linux

package local

import "os"

// Volume tells nothing here.
func (disk) Volume(string) (volume, error) { return volume{files: -1}, nil }

func (disk) Umask() (os.FileMode, bool) { return 0, false }
