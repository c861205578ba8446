//go:build !linux

package local

import "errors"

func (disk) Rename(string, string) error { return errors.ErrUnsupported }

// Mount tells nothing here: a rename between file systems fails when a file is published.
func (disk) Mount(string) (mount, error) { return mount{}, nil }
