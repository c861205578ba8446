// Package hdfs is a storage.Store in a folder of HDFS, over the RPC protocol of the name node.
//
// A record is created by renaming a directory: it is written into a hidden directory of its own, and that is renamed to the name of
// the record. The name node refuses to put a directory in the place of one that is not empty, so of many that rename one succeeds.
// An object of PutNew therefore is a directory with one file (see slot.go), unless it is empty; an object of Publish is a plain file.
//
// A staged file lies under its staging name until it is renamed to its key.
//
// A name node shows changes before its journal has them. What proves that a change will stay is the answer to a later change of the
// same name node, since they keep their order. Each decision is therefore taken over one connection, which never moves on to
// another name node by itself (see dial.go).
package hdfs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"shadoof/storage"
)

// Options say where a folder of HDFS is and how files are to be kept in it. Only Path is needed where Hadoop's configuration names a
// default file system.
type Options struct {
	Authority string // of the URL: a nameservice, host:port, or host; "" is that of fs.defaultFS
	Path      string // of the store, absolute and clean

	ConfDir string // of core-site.xml and hdfs-site.xml; "" is HADOOP_CONF_DIR, then HADOOP_HOME/etc/hadoop, then none
	User    string // without Kerberos; "" is HADOOP_USER_NAME, then the user of the operating system

	Replication int         // 0 is the server's default
	BlockSize   int64       // in bytes; 0 is dfs.blocksize of Hadoop's configuration, then the server's default
	Group       string      // of files and folders that are made; "" leaves what they inherit
	FileMode    fs.FileMode // of files; the default is 0644
	DirMode     fs.FileMode // of folders; the default is 0755
	Kerberos    Kerberos

	NameNodeTimeout time.Duration // how long the name node may take for one answer; the default is 20 seconds
	DataNodeTimeout time.Duration // how long a data node may make no progress; the default is one minute
	Patience        time.Duration // how long what may pass is tried again; the default is one minute
	SafeModeWait    time.Duration // how long to wait for a name node in safe mode, all calls together; the default is 30 seconds

	// DialNameNode and DialDataNode open connections, if they are not nil: for tests and for counting.
	DialNameNode, DialDataNode func(ctx context.Context, network, address string) (net.Conn, error)
}

// Kerberos says who we are to a cluster with Kerberos. Without a keytab it is the owner of the ticket cache KRB5CCNAME.
type Kerberos struct {
	Principal string // whose key in Keytab is used
	Keytab    string
	Krb5Conf  string // "" is KRB5_CONFIG, then /etc/krb5.conf
}

// A Store is a storage.Store in a folder of HDFS.
type Store struct {
	o       Options
	cluster cluster
	root    string
	pool    *pool
	state   func(ctx context.Context, address int) error // nil of an active name node
	tickets *tickets                                     // nil without Kerberos

	mu        sync.Mutex
	made      map[string]bool                 // directories that were there
	fit       map[string]bool                 // directories that were found fit for staging
	litter    map[string]bool                 // temporary directories that were left behind
	defaults  *defaults                       // of new files
	safeMode  struct{ first, last time.Time } // when calls met it
	nodeError error                           // of a data node, if no file was written since
	reached   atomic.Bool                     // whether there was a connection before
	now       func() time.Time                // of this machine
}

var (
	_ storage.Store    = (*Store)(nil)
	_ storage.Examiner = (*Store)(nil)
	_ storage.Mover    = (*Store)(nil)
)

// New returns a store. It reads Hadoop's configuration, and connects when the store is first used.
func New(ctx context.Context, o Options) (*Store, error) {
	s, err := newStore(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("open store hdfs://%s%s: %w", o.Authority, o.Path, err)
	}
	return s, nil
}

func newStore(ctx context.Context, o Options) (*Store, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	conf, err := loadConf(o.ConfDir)
	if err != nil {
		return nil, err
	}
	if o.BlockSize == 0 {
		if o.BlockSize, err = conf.blockSize(); err != nil {
			return nil, err
		}
	}
	c, err := conf.cluster(ctx, o)
	if err != nil {
		return nil, err
	}
	d, err := newDialer(o, c)
	if err != nil {
		return nil, err
	}
	s := assemble(o, c, d.connect)
	s.state, s.tickets = d.state, d.tickets
	return s, nil
}

// assemble makes a store over any way to connect.
func assemble(o Options, c cluster, connect connectFunc) *Store {
	return &Store{
		o: o, cluster: c, root: o.Path, pool: newPool(connect, len(c.addresses)),
		made: map[string]bool{}, fit: map[string]bool{}, litter: map[string]bool{}, now: time.Now,
	}
}

func (o *Options) validate() error {
	switch {
	case o.Path == "":
		o.Path = "/"
	case o.Path[0] != '/' || path.Clean(o.Path) != o.Path:
		return fmt.Errorf("%q is no clean absolute path", o.Path)
	}
	if o.Path != "/" {
		if err := checkElements(strings.TrimPrefix(o.Path, "/")); err != nil {
			return err
		}
	}
	switch {
	case o.Replication < 0 || o.Replication > 512:
		return fmt.Errorf("a replication of %d is not between 1 and 512", o.Replication)
	case o.BlockSize < 0 || o.BlockSize%512 != 0:
		return fmt.Errorf("a block size of %d bytes is no multiple of 512", o.BlockSize)
	case (o.FileMode|o.DirMode)&^0o1777 != 0:
		return errors.New("modes have permission bits only")
	}
	if o.FileMode == 0 {
		o.FileMode = 0o644
	}
	if o.DirMode == 0 {
		o.DirMode = 0o755
	}
	for _, d := range []struct {
		is *time.Duration
		by time.Duration
	}{{&o.NameNodeTimeout, 20 * time.Second}, {&o.DataNodeTimeout, time.Minute}, {&o.Patience, time.Minute}, {&o.SafeModeWait, 30 * time.Second}} {
		if *d.is <= 0 {
			*d.is = d.by
		}
	}
	return nil
}

// Close ends all connections. What is under way fails.
func (s *Store) Close() error {
	s.pool.close()
	if s.tickets != nil {
		s.tickets.close()
	}
	return nil
}

// String is the store's URL.
func (s *Store) String() string { return "hdfs://" + s.cluster.name + s.root }

// path is the path in HDFS of a name that was checked.
func (s *Store) path(name string) string { return path.Join(s.root, name) }

// checkName says whether an object can have this name here.
func checkName(name string) error {
	if err := storage.CheckName(name); err != nil {
		return err
	}
	return checkElements(name)
}

// checkStaging says whether a staged file can have this name here.
func checkStaging(name string) error {
	if err := storage.CheckStaging(name); err != nil {
		return err
	}
	return checkElements(name)
}

// checkElements refuses what the name node refuses, with an error that says so.
func checkElements(name string) error {
	if strings.Contains(name, ":") {
		return fmt.Errorf("name %q has a colon, which HDFS does not allow: choose a layout without it, such as hr=%%H: %w", name, fs.ErrInvalid)
	}
	return nil
}
