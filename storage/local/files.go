package local

import (
	"io"
	"io/fs"
	"os"
)

// files are the calls to the operating system. Names are those of the operating system. Tests put faults behind it.
type files interface {
	// Open opens for reading, Create for writing a file that must not exist yet.
	Open(name string) (file, error)
	Create(name string) (file, error)

	Lstat(name string) (fs.FileInfo, error)

	// Same says whether two answers of Lstat and Stat are about one file.
	Same(a, b fs.FileInfo) bool

	ReadDir(name string) ([]fs.DirEntry, error)
	Mkdir(name string) error
	Remove(name string) error
	Link(from, to string) error

	// Rename fails with fs.ErrExist where something has the new name, and with errors.ErrUnsupported where it could not tell.
	Rename(from, to string) error

	// SyncDir makes durable which names a directory holds.
	SyncDir(name string) error

	// Mount identifies the mounted file system that holds name.
	Mount(name string) (mount, error)

	// Volume tells about the mounted file system that holds name, and Umask what is taken from the modes of new files.
	Volume(name string) (volume, error)
	Umask() (fs.FileMode, bool)
}

type file interface {
	io.Reader
	io.Writer
	io.Seeker
	io.Closer
	Stat() (fs.FileInfo, error)
	Sync() error
}

// mount tells mounted file systems apart: files can be renamed and linked within one, also when two are mounts of one device.
type mount struct{ device, id uint64 }

// disk is the operating system's file system. Modes are what the umask leaves of them.
type disk struct{}

func (disk) Open(name string) (file, error) { return os.Open(name) }

func (disk) Create(name string) (file, error) {
	return os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
}

func (disk) Lstat(name string) (fs.FileInfo, error)     { return os.Lstat(name) }
func (disk) Same(a, b fs.FileInfo) bool                 { return os.SameFile(a, b) }
func (disk) ReadDir(name string) ([]fs.DirEntry, error) { return os.ReadDir(name) }
func (disk) Mkdir(name string) error                    { return os.Mkdir(name, 0o777) }
func (disk) Remove(name string) error                   { return os.Remove(name) }
func (disk) Link(from, to string) error                 { return os.Link(from, to) }
