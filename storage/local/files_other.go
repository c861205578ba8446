//go:build !linux

package local

import (
	"errors"
	"os"
)

func (disk) Rename(string, string) error { return errors.ErrUnsupported }

// Mount tells nothing here: a rename between file systems fails when a file is published.
func (disk) Mount(string) (mount, error) { return mount{}, nil }

func (disk) SyncDir(name string) error {
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	if err := d.Sync(); err != nil {
		d.Close()
		return err
	}
	return d.Close()
}
