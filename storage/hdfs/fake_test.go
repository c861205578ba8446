package hdfs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	hdfs "github.com/colinmarc/hdfs/v2"
)

// nameNodes are a cluster in memory: a tree that all clients share, and a fault to put in their way.
type nameNodes struct {
	// fault is asked before every call, by its number from 1. If err is not nil it is answered, after the call was carried out where
	// applied is true. An error that is no answer kills the client.
	fault func(call int, line string) (err error, applied bool)

	// pieces are how many bytes a Read gives; 0 is all that are asked for.
	pieces int

	mu       sync.Mutex
	tree     map[string]inode
	journal  map[string]inode // what would be there after a fail-over; nil is the tree
	calls    []string
	connects []int // addresses that clients were to begin with
	standby  map[int]bool
	clients  []*fakeClient
	now      time.Time
	noTimes  bool
	limit    int // of names; 0 is none
}

type inode struct {
	dir      bool
	data     string
	mode     fs.FileMode
	owner    string
	group    string
	modified time.Time
	open     bool // its length shows as 0
	flags    status
}

func newNameNodes() *nameNodes {
	return &nameNodes{
		tree:    map[string]inode{"/": {dir: true, mode: 0o777, owner: "hdfs", group: "supergroup"}},
		standby: map[int]bool{}, now: time.Now(),
	}
}

// store opens a store on them.
func (n *nameNodes) store(t *testing.T) *Store {
	t.Helper()
	o := Options{Path: "/lake", User: "shadoof"}
	if err := o.validate(); err != nil {
		t.Fatal(err)
	}
	c := cluster{name: "lake", addresses: []string{"nn1:8020", "nn2:8020"}, user: o.User}
	s := assemble(o, c, n.connect)
	s.state = func(_ context.Context, at int) error {
		if n.standby[at] {
			return errors.New("no available namenodes: StandbyException")
		}
		return nil
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func (n *nameNodes) connect(ctx context.Context, first int, sealed bool) (client, int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.connects = append(n.connects, first)
	at := first
	for n.standby[at] {
		at = (at + 1) % 2
	}
	c := &fakeClient{n: n, at: at}
	n.clients = append(n.clients, c)
	return c, at, ctx.Err()
}

// stall makes changes visible that the journal does not have, and that are not answered, until failover takes them back.
func (n *nameNodes) stall() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.journal = maps.Clone(n.tree)
}

func (n *nameNodes) failover() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.tree, n.journal = n.journal, nil
}

var digits = regexp.MustCompile(`[0-9a-f]{32}|\.tmp-[0-9a-f]{16}`)

// changes are the calls so far that change anything, without random digits.
func (n *nameNodes) changes() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var kept []string
	for _, c := range n.calls {
		op, _, _ := strings.Cut(c, " ")
		if !isRead(op) {
			kept = append(kept, digits.ReplaceAllString(strings.ReplaceAll(c, "/lake/", ""), "X"))
		}
	}
	return strings.Join(kept, "\n") + "\n"
}

// count is how many calls so far begin like this.
func (n *nameNodes) count(prefix string) (count int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range n.calls {
		if strings.HasPrefix(c, prefix) {
			count++
		}
	}
	return count
}

func (n *nameNodes) reset() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.calls = nil
}

// names are what is there below the root of the store, directories with a slash.
func (n *nameNodes) names() (names []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for name, i := range n.tree {
		if rest, ok := strings.CutPrefix(name, "/lake/"); ok {
			if i.dir {
				rest += "/"
			}
			names = append(names, rest)
		}
	}
	slices.Sort(names)
	return names
}

// exception is an answer of the name node.
type exception struct{ class, message string }

func (e *exception) Method() string    { return "call" }
func (e *exception) Desc() string      { return "ERROR_APPLICATION" }
func (e *exception) Exception() string { return e.class }
func (e *exception) Message() string   { return e.message + "\n\tat org.apache.hadoop" }
func (e *exception) Error() string     { return "call failed (" + e.class + ")" }

var (
	errNotEmpty  = &exception{"java.io.IOException", "rename destination directory is not empty: /x"}
	errSameKind  = &exception{"java.io.IOException", "Source /a and destination /b must both be directories"}
	errNameQuota = &exception{"org.apache.hadoop.hdfs.protocol.NSQuotaExceededException", "The NameSpace quota (directories and files) of directory /lake is exceeded: quota=3 file count=4"}
	errSafe      = &exception{"org.apache.hadoop.hdfs.server.namenode.SafeModeException", "Cannot create directory /x. Name node is in safe mode."}
	errSafeHA    = &exception{"org.apache.hadoop.ipc.RetriableException", "org.apache.hadoop.hdfs.server.namenode.SafeModeException: Cannot rename"}
	errTimesOff  = &exception{"java.io.IOException", "Access time for hdfs is not configured.  Please set dfs.namenode.accesstime.precision configuration parameter."}
	errEOF       = io.EOF
)

type fakeClient struct {
	n    *nameNodes
	at   int
	mu   sync.Mutex
	dead bool
}

func (c *fakeClient) Kill() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dead = true
}

func (c *fakeClient) isDead() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.dead
}

func (c *fakeClient) User() string { return "shadoof" }

// do carries out a call under the lock of the cluster.
func (c *fakeClient) do(op, name string, call func(n *nameNodes) error) error {
	n := c.n
	n.mu.Lock()
	defer n.mu.Unlock()
	fail := func(err error) error {
		err = &fs.PathError{Op: op, Path: name, Err: err}
		if !answered(err) {
			c.Kill()
		}
		return err
	}
	if c.isDead() {
		return fail(errors.New("use of closed network connection"))
	}
	line := op + " " + name
	n.calls = append(n.calls, line)
	if n.fault != nil {
		if err, applied := n.fault(len(n.calls), digits.ReplaceAllString(line, "X")); err != nil {
			if applied {
				_ = call(n)
			}
			return fail(err)
		}
	}
	if err := call(n); err != nil {
		return fail(err)
	}
	if n.journal != nil && !isRead(op) {
		return fail(errors.New("i/o timeout"))
	}
	return nil
}

func isRead(op string) bool {
	return slices.Contains([]string{"stat", "look", "open", "read", "defaults", "target"}, op)
}

func (n *nameNodes) get(name string) (inode, error) {
	i, ok := n.tree[name]
	if !ok {
		return i, os.ErrNotExist
	}
	return i, nil
}

func (n *nameNodes) children(dir string) (names []string) {
	for name := range n.tree {
		if name != "/" && path.Dir(name) == dir {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (n *nameNodes) status(name string) (status, error) {
	i, err := n.get(name)
	if err != nil {
		return status{}, err
	}
	s := i.flags
	s.name, s.dir, s.mode, s.owner, s.group, s.modified, s.accessed = path.Base(name), i.dir, i.mode, i.owner, i.group, i.modified, i.modified
	s.replication = 1
	if i.dir {
		s.children = len(n.children(name))
	} else if !i.open {
		s.size = int64(len(i.data))
	}
	return s, nil
}

// place makes an entry in a directory that is there.
func (n *nameNodes) place(name string, i inode) error {
	parent, err := n.get(path.Dir(name))
	if err != nil {
		return err
	}
	if !parent.dir {
		return &exception{"org.apache.hadoop.fs.ParentNotDirectoryException", path.Dir(name) + " (is not a directory)"}
	}
	if n.limit > 0 && len(n.tree) >= n.limit {
		return errNameQuota
	}
	n.now = n.now.Add(time.Millisecond)
	i.owner, i.group, i.modified = "shadoof", parent.group, n.now
	n.tree[name] = i
	return nil
}

func (c *fakeClient) Stat(name string) (s status, err error) {
	err = c.do("stat", name, func(n *nameNodes) (err error) { s, err = n.status(name); return err })
	return s, err
}

func (c *fakeClient) Look(name string) (s status, list []status, err error) {
	err = c.do("look", name, func(n *nameNodes) (err error) {
		if s, err = n.status(name); err != nil || !s.dir {
			return err
		}
		for _, child := range n.children(name) {
			st, err := n.status(child)
			if err != nil {
				return err
			}
			list = append(list, st)
		}
		return nil
	})
	return s, list, err
}

func (c *fakeClient) Mkdir(name string, mode fs.FileMode) error {
	return c.do("mkdir", name, func(n *nameNodes) error {
		if _, err := n.get(name); err == nil {
			return os.ErrExist
		}
		return n.place(name, inode{dir: true, mode: mode})
	})
}

func (c *fakeClient) Rename(from, to string) error {
	if err := c.do("target", to, func(*nameNodes) error { return nil }); err != nil {
		return err
	}
	err := c.do("rename", from, func(n *nameNodes) error { return n.rename(from, to) })
	return err
}

func (n *nameNodes) rename(from, to string) error {
	source, err := n.get(from)
	if err != nil {
		return err
	}
	if target, err := n.get(to); err == nil {
		if target.dir != source.dir {
			return errSameKind
		}
		if target.dir && len(n.children(to)) > 0 {
			return errNotEmpty
		}
	}
	if parent, err := n.get(path.Dir(to)); err != nil || !parent.dir {
		return os.ErrNotExist
	}
	for name, i := range maps.Clone(n.tree) {
		if rest, below := strings.CutPrefix(name, from+"/"); below {
			delete(n.tree, name)
			n.tree[to+"/"+rest] = i
		}
	}
	delete(n.tree, from)
	n.tree[to] = source
	return nil
}

func (c *fakeClient) Remove(name string) error {
	return c.do("remove", name, func(n *nameNodes) error {
		if _, err := n.get(name); err != nil {
			return err
		}
		if len(n.children(name)) > 0 {
			return syscall.ENOTEMPTY
		}
		delete(n.tree, name)
		return nil
	})
}

func (c *fakeClient) RemoveAll(name string) error {
	return c.do("removeall", name, func(n *nameNodes) error {
		maps.DeleteFunc(n.tree, func(other string, _ inode) bool { return other == name || strings.HasPrefix(other, name+"/") })
		return nil
	})
}

func (c *fakeClient) change(op, name string, f func(*inode)) error {
	return c.do(op, name, func(n *nameNodes) error {
		i, err := n.get(name)
		if err != nil {
			return err
		}
		f(&i)
		n.tree[name] = i
		return nil
	})
}

func (c *fakeClient) Chmod(name string, mode fs.FileMode) error {
	return c.change(fmt.Sprintf("chmod %04o", mode), name, func(i *inode) { i.mode = mode })
}

func (c *fakeClient) Chown(name, user, group string) error {
	if user == "" { // as the real one: an empty name is not that of the owner
		return &fs.PathError{Op: "chown", Path: name, Err: os.ErrPermission}
	}
	return c.change("chgrp "+group, name, func(i *inode) { i.group = group })
}

func (c *fakeClient) Chtimes(name string, _, modified time.Time) error {
	if c.n.noTimes {
		return c.do("chtimes", name, func(*nameNodes) error { return errTimesOff })
	}
	return c.change("chtimes", name, func(i *inode) { i.modified = modified.Truncate(time.Second) })
}

func (c *fakeClient) Open(name string) (inFile, error) {
	f := &fakeFile{c: c, name: name}
	err := c.do("open", name, func(n *nameNodes) (err error) {
		i, err := n.get(name)
		f.data = i.data
		if err == nil {
			f.status, err = n.status(name)
		}
		return err
	})
	return f, err
}

type fakeFile struct {
	c      *fakeClient
	name   string
	data   string
	at     int64
	status status
}

func (f *fakeFile) Status() status { return f.status }
func (f *fakeFile) Close() error   { return nil }
func (f *fakeFile) Seek(to int64, _ int) (int64, error) {
	f.at = to
	return to, nil
}

func (f *fakeFile) Read(p []byte) (n int, err error) {
	err = f.c.do("read", f.name, func(nodes *nameNodes) error {
		if nodes.pieces > 0 {
			p = p[:min(len(p), nodes.pieces)]
		}
		n = copy(p, f.data[f.at:])
		f.at += int64(n)
		return nil
	})
	var inner *fs.PathError
	if errors.As(err, &inner) && inner.Err == io.EOF {
		return 0, io.EOF // bare, as from the library
	}
	if n == 0 && err == nil {
		err = io.EOF
	}
	return n, err
}

func (c *fakeClient) Create(name string, _ int, _ int64, mode fs.FileMode) (outFile, error) {
	err := c.do("create", name, func(n *nameNodes) error {
		if _, err := n.get(name); err == nil {
			return os.ErrExist
		}
		return n.place(name, inode{mode: mode, open: true})
	})
	if err != nil {
		return nil, err
	}
	return &fakeOut{c: c, name: name}, nil
}

type fakeOut struct {
	c      *fakeClient
	name   string
	buf    bytes.Buffer
	waited bool
}

func (f *fakeOut) Write(p []byte) (int, error) {
	err := f.c.do("write", f.name, func(*nameNodes) error { f.buf.Write(p); return nil })
	if err != nil {
		return 0, err
	}
	return len(p), nil
}

// Close wants to be asked twice.
func (f *fakeOut) Close() error {
	if !f.waited {
		f.waited = true
		return &fs.PathError{Op: "create", Path: f.name, Err: hdfs.ErrReplicating}
	}
	return f.c.change("close", f.name, func(i *inode) { i.data, i.open = f.buf.String(), false })
}

func (c *fakeClient) Defaults() (d defaults, err error) {
	err = c.do("defaults", "", func(*nameNodes) error { d = defaults{replication: 1, blockSize: 1 << 20}; return nil })
	return d, err
}

func (c *fakeClient) Space() (space, error)       { return space{1 << 40, 1 << 39}, nil }
func (c *fakeClient) Superuser() (bool, error)    { return false, nil }
func (c *fakeClient) Quota(string) (quota, error) { return quota{3, 10, 1, -1}, nil }
