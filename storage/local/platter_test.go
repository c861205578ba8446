package local

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A platter is a file system in memory that remembers what of it would survive a power cut: bytes once their file was synced, a
// name once its directory was, as POSIX has it and no more. Files only grow. See cut.
type platter struct {
	mu      sync.Mutex
	top     *node
	numbers uint64
	changes int // so far
	flushed int // of changes when anything was synced last
	clock   func() time.Time

	// before is called before each change and each fsync, without the lock. Its word is what is about to happen.
	before func(what string)

	// alive is how many changes more the process at work may ask for before it is killed. Negative: any number.
	alive int

	// linked says that there is no rename that refuses to overwrite: a file is linked, and its old name removed.
	linked bool

	// pretends says that an fsync is answered and not carried out: how a driver without it would fare.
	pretends func() bool
}

// A node is a file or a directory.
type node struct {
	number   uint64
	modified time.Time
	names    map[string]*binding // nil: a file

	data    []byte
	durable int // bytes of data that were synced
}

// A binding is what a name in a directory has meant since the directory was synced, the oldest first. There is always one.
type binding []meaning

// A meaning is what a name came to mean by a change; its node is nil where the name was taken away.
type meaning struct {
	change int
	second bool // the half of a rename that takes the old name away
	node   *node
}

func (b binding) now() *node { return b[len(b)-1].node }

func newPlatter(clock func() time.Time) *platter {
	p := &platter{clock: clock, alive: -1}
	p.top = p.newNode(true)
	return p
}

func (p *platter) newNode(dir bool) *node {
	p.numbers++
	n := &node{number: p.numbers, modified: p.clock()}
	if dir {
		n.names = map[string]*binding{}
	}
	return n
}

// fork is the same file system, with all that is not durable yet, for another course of events.
func (p *platter) fork() *platter {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := &platter{numbers: p.numbers, changes: p.changes, flushed: p.flushed, clock: p.clock, alive: -1, linked: p.linked, pretends: p.pretends}
	seen := map[*node]*node{nil: nil}
	var copied func(n *node) *node
	copied = func(n *node) *node {
		if c, done := seen[n]; done {
			return c
		}
		c := &node{number: n.number, modified: n.modified, data: slices.Clip(n.data), durable: n.durable}
		seen[n] = c
		if n.names != nil {
			c.names = map[string]*binding{}
			for _, name := range slices.Sorted(maps.Keys(n.names)) {
				b := slices.Clone(*n.names[name])
				for i := range b {
					b[i].node = copied(b[i].node)
				}
				c.names[name] = &b
			}
		}
		return c
	}
	f.top = copied(p.top)
	return f
}

// errKilled is what a process is answered that is no more.
var errKilled = errors.New("killed")

func failed(op, name string, err error) error { return &fs.PathError{Op: op, Path: name, Err: err} }

// findLocked returns the node of a name.
func (p *platter) findLocked(name string) (*node, error) {
	n := p.top
	for part := range strings.SplitSeq(strings.Trim(filepath.ToSlash(name), "/"), "/") {
		switch {
		case part == "":
		case n.names == nil:
			return nil, syscall.ENOTDIR
		case n.names[part] == nil || n.names[part].now() == nil:
			return nil, syscall.ENOENT
		default:
			n = n.names[part].now()
		}
	}
	return n, nil
}

// change numbers a change and carries it out under the lock.
func (p *platter) change(op, name string, do func() error) error {
	if p.before != nil && p.alive != 0 {
		p.before(op + " " + name)
	}
	switch {
	case p.alive == 0:
		return failed(op, name, errKilled)
	case p.alive > 0:
		p.alive--
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.changes++
	if err := do(); err != nil {
		return failed(op, name, err)
	}
	return nil
}

// bindLocked gives a name another meaning.
func (p *platter) bindLocked(name string, second bool, n *node) error {
	dir, err := p.findLocked(filepath.Dir(name))
	if err != nil {
		return err
	}
	if dir.names == nil {
		return syscall.ENOTDIR
	}
	base := filepath.Base(name)
	b := dir.names[base]
	if b == nil {
		b = &binding{{}}
		dir.names[base] = b
	}
	if b.now() != nil && n != nil {
		return syscall.EEXIST
	}
	*b = append(*b, meaning{p.changes, second, n})
	return nil
}

func (p *platter) Create(name string) (file, error) {
	var f file
	err := p.change("create", name, func() error {
		n := p.newNode(false)
		f = &handle{p: p, node: n, name: name}
		return p.bindLocked(name, false, n)
	})
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (p *platter) Mkdir(name string) error {
	return p.change("mkdir", name, func() error { return p.bindLocked(name, false, p.newNode(true)) })
}

func (p *platter) Link(from, to string) error {
	return p.change("link", to, func() error {
		n, err := p.findLocked(from)
		if err != nil {
			return err
		}
		return p.bindLocked(to, false, n)
	})
}

func (p *platter) Rename(from, to string) error {
	if p.linked {
		return errors.ErrUnsupported
	}
	return p.change("rename", to, func() error {
		n, err := p.findLocked(from)
		if err == nil {
			err = p.bindLocked(to, false, n)
		}
		if err != nil {
			return err
		}
		return p.bindLocked(from, true, nil)
	})
}

func (p *platter) Remove(name string) error {
	return p.change("remove", name, func() error {
		n, err := p.findLocked(name)
		if err != nil {
			return err
		}
		for _, b := range n.names {
			if b.now() != nil {
				return syscall.ENOTEMPTY
			}
		}
		return p.bindLocked(name, false, nil)
	})
}

func (p *platter) SyncDir(name string) error {
	return p.change("syncdir", name, func() error {
		n, err := p.findLocked(name)
		switch {
		case err != nil:
			return err
		case p.pretends != nil && p.pretends():
			return nil
		}
		for base, b := range n.names {
			*b = binding{(*b)[len(*b)-1]}
			if b.now() == nil {
				delete(n.names, base)
			}
		}
		p.flushed = p.changes
		return nil
	})
}

func (p *platter) Open(name string) (file, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n, err := p.findLocked(name)
	if err != nil {
		return nil, failed("open", name, err)
	}
	return &handle{p: p, node: n, name: name}, nil
}

func (p *platter) Lstat(name string) (fs.FileInfo, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n, err := p.findLocked(name)
	if err != nil {
		return nil, failed("lstat", name, err)
	}
	return infoLocked(name, n), nil
}

func (p *platter) ReadDir(name string) ([]fs.DirEntry, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n, err := p.findLocked(name)
	if err != nil {
		return nil, failed("open", name, err)
	}
	var entries []fs.DirEntry
	for base, b := range n.names {
		if n := b.now(); n != nil {
			entries = append(entries, fs.FileInfoToDirEntry(infoLocked(base, n)))
		}
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return cmp.Compare(a.Name(), b.Name()) })
	return entries, nil
}

func (p *platter) Same(a, b fs.FileInfo) bool { return a.(info).number == b.(info).number }

// Mount finds names as the real one does.
func (p *platter) Mount(name string) (mount, error) {
	_, err := p.Lstat(name)
	return mount{device: 1}, err
}

func (p *platter) Volume(string) (volume, error) { return volume{}, nil }
func (p *platter) Umask() (fs.FileMode, bool)    { return 0, false }

// tree lists what can be seen, with the sizes of files.
func (p *platter) tree() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var lines []string
	var walk func(at string, n *node)
	walk = func(at string, n *node) {
		for base, b := range n.names {
			switch n := b.now(); {
			case n == nil:
			case n.names != nil:
				lines = append(lines, at+"/"+base+"/")
				walk(at+"/"+base, n)
			default:
				lines = append(lines, fmt.Sprintf("%s/%s %d bytes", at, base, len(n.data)))
			}
		}
	}
	walk("", p.top)
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// info is what Lstat answers.
type info struct {
	name     string
	size     int64
	dir      bool
	modified time.Time
	number   uint64
}

func infoLocked(name string, n *node) info {
	return info{filepath.Base(name), int64(len(n.data)), n.names != nil, n.modified, n.number}
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.size }
func (i info) IsDir() bool        { return i.dir }
func (i info) ModTime() time.Time { return i.modified }
func (i info) Sys() any           { return nil }
func (i info) Mode() fs.FileMode {
	if i.dir {
		return fs.ModeDir | 0o755
	}
	return 0o644
}

// A handle is an open file.
type handle struct {
	p    *platter
	node *node
	name string
	at   int64
}

func (h *handle) Read(b []byte) (int, error) {
	h.p.mu.Lock()
	defer h.p.mu.Unlock()
	if h.at >= int64(len(h.node.data)) {
		return 0, io.EOF
	}
	n := copy(b, h.node.data[h.at:])
	h.at += int64(n)
	return n, nil
}

func (h *handle) Write(b []byte) (int, error) {
	err := h.p.change("write", h.name, func() error {
		h.node.data = append(h.node.data, b...)
		h.node.modified = h.p.clock()
		return nil
	})
	return len(b), err
}

func (h *handle) Sync() error {
	return h.p.change("sync", h.name, func() error {
		if h.p.pretends == nil || !h.p.pretends() {
			h.node.durable, h.p.flushed = len(h.node.data), h.p.changes
		}
		return nil
	})
}

func (h *handle) Seek(offset int64, whence int) (int64, error) {
	h.p.mu.Lock()
	defer h.p.mu.Unlock()
	switch whence {
	case io.SeekCurrent:
		offset += h.at
	case io.SeekEnd:
		offset += int64(len(h.node.data))
	}
	h.at = offset
	return offset, nil
}

func (h *handle) Close() error { return nil }

func (h *handle) Stat() (fs.FileInfo, error) {
	h.p.mu.Lock()
	defer h.p.mu.Unlock()
	return infoLocked(h.name, h.node), nil
}
