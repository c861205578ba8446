//go:build !linux

package local

func (disk) Move(from, to string) error { return linkAndRemove(from, to) }

// Mount tells nothing here: a rename between file systems fails when a file is published.
func (disk) Mount(string) (mount, error) { return mount{}, nil }
