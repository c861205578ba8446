package local

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

func (disk) Rename(from, to string) error {
	err := unix.Renameat2(unix.AT_FDCWD, from, unix.AT_FDCWD, to, unix.RENAME_NOREPLACE)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOSYS): // some network file systems, old kernels
		err = errors.ErrUnsupported
	}
	return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
}

func (disk) Mount(name string) (mount, error) {
	var s unix.Statx_t
	if err := unix.Statx(unix.AT_FDCWD, name, 0, unix.STATX_MNT_ID, &s); err != nil {
		return mount{}, &os.PathError{Op: "statx", Path: name, Err: err}
	}
	m := mount{device: uint64(s.Dev_major)<<32 | uint64(s.Dev_minor)}
	if s.Mask&unix.STATX_MNT_ID != 0 {
		m.id = s.Mnt_id
	}
	return m, nil
}

// SyncDir goes past os.File, which would make five calls more of each directory, to find out that it cannot be polled.
func (disk) SyncDir(name string) error {
	fd, err := uninterrupted(func() (int, error) { return unix.Open(name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0) })
	if err != nil {
		return &os.PathError{Op: "open", Path: name, Err: err}
	}
	defer unix.Close(fd)
	if _, err := uninterrupted(func() (int, error) { return 0, unix.Fsync(fd) }); err != nil {
		return &os.PathError{Op: "fsync", Path: name, Err: err}
	}
	return nil
}

// uninterrupted calls again what a signal has interrupted.
func uninterrupted(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}
