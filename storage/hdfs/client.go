package hdfs

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	hdfs "github.com/colinmarc/hdfs/v2"
)

// A client is what the driver asks of a connection to the cluster. Names are absolute paths. Tests put a name node in memory behind it.
//
// Errors of the name node wrap fs.ErrNotExist, fs.ErrExist, fs.ErrPermission, fs.ErrInvalid, syscall.ENOTEMPTY or an
// hdfs.Error in an *fs.PathError. After any other error nothing is known, of the call or of the connection.
type client interface {
	Stat(name string) (status, error)

	// Look is Stat, and for a directory what is in it, too.
	Look(name string) (status, []status, error)

	Mkdir(name string, mode fs.FileMode) error

	// Rename overwrites a file, or an empty directory. An error whose path is to was met before the request was sent.
	Rename(from, to string) error

	Remove(name string) error    // a file, or an empty directory
	RemoveAll(name string) error // nil also if nothing is there
	Chmod(name string, mode fs.FileMode) error
	Chown(name, user, group string) error

	// Chtimes cuts times to the second.
	Chtimes(name string, accessed, modified time.Time) error

	Open(name string) (inFile, error)
	Create(name string, replication int, blockSize int64, mode fs.FileMode) (outFile, error)

	Defaults() (defaults, error)
	Space() (space, error)
	Quota(name string) (quota, error)
	User() string
	Superuser() (bool, error)

	// Kill ends the connection: what is under way fails, and nothing is sent after it. It may be called at any time, and twice.
	Kill()
}

// inFile reads a file. A broken connection to the name node shows as io.EOF.
type inFile interface {
	io.ReadSeekCloser
	Status() status
}

// outFile writes a file. Nothing is complete before Close has returned nil; hdfs.IsErrReplicating asks for another Close. After a
// failed Write it must not be closed: that hangs, or completes a short file.
type outFile interface {
	io.WriteCloser
}

// A status is what the name node knows of a file or directory.
type status struct {
	name               string
	dir                bool
	size               int64
	mode               fs.FileMode // permission bits
	owner, group       string
	modified, accessed time.Time
	children           int // of a directory; -1 if the server does not say
	replication        int
	blockSize          int64
	acl                bool // it has an access control list
	encrypted          bool // it is in an encryption zone
	coded              bool // it is erasure-coded, or files made in it are
}

type defaults struct {
	replication int
	blockSize   int64
	encrypt     bool // data transfer
}

type space struct{ capacity, remaining int64 }

// quota is of a directory; limits below zero are none.
type quota struct {
	names, nameLimit int64
	bytes, byteLimit int64 // with all replicas
}

// remote is a client over the wire.
type remote struct {
	*hdfs.Client
	wires *wires
	ended sync.Once
}

func statusOf(info fs.FileInfo) status {
	s := status{name: info.Name(), dir: info.IsDir(), size: info.Size(), mode: info.Mode() & 0o1777, modified: info.ModTime(), children: -1}
	if i, ok := info.(*hdfs.FileInfo); ok {
		s.owner, s.group, s.accessed = i.Owner(), i.OwnerGroup(), i.AccessTime()
	}
	if raw, ok := info.Sys().(*hdfs.FileStatus); ok {
		flags := raw.GetFlags()
		// Before Hadoop 3 the same bits were in the mode.
		old := uint32(info.Mode())
		s.acl = flags&1 != 0 || old&(1<<12) != 0
		s.encrypted = flags&2 != 0 || old&(1<<13) != 0 || raw.GetFileEncryptionInfo() != nil
		s.coded = flags&4 != 0 || old&(1<<14) != 0 || raw.GetEcPolicy() != nil
		s.children = int(raw.GetChildrenNum())
		s.replication, s.blockSize = int(raw.GetBlockReplication()), int64(raw.GetBlocksize())
	}
	return s
}

func (r *remote) Stat(name string) (status, error) {
	info, err := r.Client.Stat(name)
	if err != nil {
		return status{}, err
	}
	return statusOf(info), nil
}

func (r *remote) Look(name string) (status, []status, error) {
	f, err := r.Client.Open(name)
	if err != nil {
		return status{}, nil, err
	}
	defer f.Close() // nothing was read of it: there is no connection
	st := statusOf(f.Stat())
	if !st.dir {
		return st, nil, nil
	}
	infos, err := f.Readdir(0)
	if err != nil {
		return status{}, nil, err
	}
	list := make([]status, len(infos))
	for i, info := range infos {
		list[i] = statusOf(info)
	}
	return st, list, nil
}

// Remove gives errors of the look that goes before it the same form as those of the removal.
func (r *remote) Remove(name string) error { return normal("remove", name, r.Client.Remove(name)) }

func (r *remote) RemoveAll(name string) error {
	err := normal("remove", name, r.Client.RemoveAll(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// normal translates an error that the library handed on untranslated.
func normal(op, name string, err error) error {
	exception, _, ok := said(err)
	if !ok {
		return err
	}
	switch exception {
	case "java.io.FileNotFoundException":
		return &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
	case accessDenied:
		return &fs.PathError{Op: op, Path: name, Err: fs.ErrPermission}
	}
	return err
}

func (r *remote) Open(name string) (inFile, error) {
	f, err := r.Client.Open(name)
	if err != nil {
		return nil, err
	}
	return &remoteFile{f}, nil
}

type remoteFile struct{ *hdfs.FileReader }

func (f *remoteFile) Status() status { return statusOf(f.FileReader.Stat()) }

func (r *remote) Create(name string, replication int, blockSize int64, mode fs.FileMode) (outFile, error) {
	f, err := r.Client.CreateFile(name, replication, blockSize, mode)
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (r *remote) Defaults() (defaults, error) {
	d, err := r.Client.ServerDefaults()
	return defaults{d.Replication, d.BlockSize, d.EncryptDataTransfer}, err
}

func (r *remote) Space() (space, error) {
	i, err := r.Client.StatFs()
	return space{int64(i.Capacity), int64(i.Remaining)}, err
}

func (r *remote) Quota(name string) (quota, error) {
	c, err := r.Client.GetContentSummary(name)
	if err != nil {
		return quota{}, err
	}
	return quota{
		names: int64(c.FileCount() + c.DirectoryCount()), nameLimit: int64(c.NameQuota()), bytes: c.SizeAfterReplication(), byteLimit: c.SpaceQuota(),
	}, nil
}

// Superuser asks for an attribute that nobody has set and that superusers only may read.
func (r *remote) Superuser() (bool, error) {
	_, err := r.Client.GetXAttrs("/", "trusted.shadoof")
	var inner *fs.PathError
	switch {
	case errors.As(err, &inner) && inner.Err == os.ErrPermission:
		return false, nil
	case err == nil, inner != nil && strings.Contains(inner.Err.Error(), "keys not found"):
		return true, nil
	}
	return false, err
}

// Kill first closes the sockets, so that nobody holds the library's lock for long when it ends its own goroutine.
func (r *remote) Kill() {
	r.wires.kill()
	r.ended.Do(func() { _ = r.Client.Close() }) // it says that sockets were closed already
}

const accessDenied = "org.apache.hadoop.security.AccessControlException"

// said returns what the name node answered with instead of a result.
func said(err error) (exception, message string, ok bool) {
	var e hdfs.Error
	if !errors.As(err, &e) {
		return "", "", false
	}
	return e.Exception(), e.Message(), true
}

// answered says whether an error is an answer of the name node: anything else leaves the connection in an unknown state. Only what
// the library itself puts there counts, since errors of sockets match fs.ErrPermission and fs.ErrNotExist, too.
func answered(err error) bool {
	if err == nil {
		return true
	}
	if _, _, ok := said(err); ok {
		return true
	}
	var inner *fs.PathError
	if errors.As(err, &inner) {
		err = inner.Err
	}
	switch err {
	case os.ErrNotExist, os.ErrExist, os.ErrPermission, os.ErrInvalid, syscall.ENOTEMPTY, hdfs.ErrReplicating:
		return true
	}
	return false
}
