package hdfsbed

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"shadoof/testbed/runs"
)

// A Cluster is a running HDFS: one that this process started, or one that it only knows the addresses of (see FromEnv), whose
// nodes cannot be killed or stopped.
type Cluster struct {
	opts      Options
	install   Install
	folder    *runs.Folder
	kerberos  *Kerberos
	host      string
	authority string
	conf      string
	nowhere   []string // addresses at which nobody listens: RPC of two NameNodes, and their HTTP

	nameNodes, dataNodes, journalNodes []*Node

	delegations delegations
	archives    string // the folder in which the nodes leave their parsed classes at their end
}

// Start starts a cluster and waits until all of it serves; of two NameNodes the first is active. The caller ends it with Close; if
// it does not, the cluster ends with the process.
func Start(ctx context.Context, opts Options) (*Cluster, error) {
	if opts.HA && opts.Kerberos {
		return nil, errors.New("testbed: hdfs: HA with Kerberos is not built")
	}
	install, err := Prepare(ctx)
	if err != nil {
		return nil, err
	}
	return start(ctx, &Cluster{opts: opts.withDefaults(), install: install})
}

func start(ctx context.Context, c *Cluster) (*Cluster, error) {
	formatted, err := c.install.formatted(ctx)
	if err != nil {
		return nil, err
	}
	if c.folder, err = runs.NewFolder(ctx, "hdfs"); err != nil {
		return nil, err
	}
	if err := c.start(ctx, formatted); err != nil {
		return nil, errors.Join(err, c.Close(true))
	}
	return c, nil
}

func (c *Cluster) start(ctx context.Context, formatted string) error {
	c.host = "127.0.0.1"
	if c.opts.Kerberos {
		c.host = "localhost" // tickets are for names
		var err error
		if c.kerberos, err = startKerberos(ctx, filepath.Join(c.folder.Path, "kerberos")); err != nil {
			return err
		}
	}
	if err := c.layOut(ctx, formatted); err != nil {
		return err
	}
	return c.launch(ctx)
}

// layOut writes everything that the nodes need before they start.
func (c *Cluster) layOut(ctx context.Context, formatted string) error {
	if err := c.plan(); err != nil {
		return err
	}
	c.conf = filepath.Join(c.folder.Path, "client")
	if err := errors.Join(writeConf(c.conf, c.core(), c.client()), writeNodeConf(c.toolConf(), c.coreOfNodes(), c.hdfs())); err != nil {
		return err
	}
	if c.opts.Encryption {
		if err := c.createKey(ctx); err != nil {
			return err
		}
	}
	id := newClusterID()
	for i, n := range c.nameNodes {
		own := properties{"dfs.namenode.name.dir": "file://" + n.nameDir()}
		if c.opts.HA {
			own["dfs.ha.namenode.id"] = fmt.Sprintf("nn%d", i+1)
			own["dfs.namenode.shared.edits.dir"] = c.sharedEdits(i + 1)
		}
		if err := errors.Join(writeNodeConf(n.conf(), c.coreOfNodes(), c.hdfs().with(own)), formatNames(formatted, n, id)); err != nil {
			return err
		}
	}
	for _, n := range c.journalNodes {
		own := properties{"dfs.journalnode.edits.dir": n.editsDir(), "dfs.journalnode.rpc-address": n.rpc, "dfs.journalnode.http-address": n.http}
		if err := errors.Join(writeNodeConf(n.conf(), c.coreOfNodes(), c.hdfs().with(own)), formatJournal(formatted, n, id)); err != nil {
			return err
		}
	}
	for _, n := range c.dataNodes {
		own := properties{"dfs.datanode.data.dir": "file://" + n.data(), "dfs.datanode.address": n.rpc, "dfs.datanode.http.address": n.http}
		if err := writeNodeConf(n.conf(), c.coreOfNodes(), c.hdfs().with(own)); err != nil {
			return err
		}
	}
	return nil
}

// plan gives each node a name, a folder and ports.
func (c *Cluster) plan() error {
	nodes := c.opts.nameNodes() + c.opts.DataNodes + c.opts.JournalNodes
	ports, err := runs.Ports(2*nodes + 4)
	if err != nil {
		return err
	}
	address := func() string {
		a := fmt.Sprintf("%s:%d", c.host, ports[0])
		ports = ports[1:]
		return a
	}
	add := func(kind, class string, count int) []*Node {
		var all []*Node
		for i := range count {
			name := fmt.Sprintf("%s%d", kind, i+1)
			n := &Node{name: name, class: class, dir: filepath.Join(c.folder.Path, name), rpc: address(), http: address()}
			n.jvm = c.jvm(class, c.opts.Heap, n.conf())
			all = append(all, n)
		}
		return all
	}
	c.nameNodes = add("nn", nameNode, c.opts.nameNodes())
	c.dataNodes = add("dn", dataNode, c.opts.DataNodes)
	c.journalNodes = add("jn", journalNode, c.opts.JournalNodes)
	for _, n := range c.nameNodes {
		n.serving = n.servesNames
	}
	for _, n := range c.dataNodes {
		n.serving = n.servesData
	}
	for _, n := range c.journalNodes {
		n.serving = n.servesJournal
	}
	for len(ports) > 0 {
		c.nowhere = append(c.nowhere, address())
	}
	c.authority = c.nameNodes[0].rpc
	if c.opts.HA {
		c.authority = Nameservice
	}
	return nil
}

func (c *Cluster) jvm(class, heap, conf string) []string {
	args := append(c.install.jvm(heap, conf), "-Djava.net.preferIPv4Stack=true")
	switch {
	case c.archives != "":
		args = append(args, "-XX:ArchiveClassesAtExit="+archive(c.archives, class))
	case c.install.classes != "" && hasArchive(class):
		args = append(args, "-XX:SharedArchiveFile="+archive(c.install.classes, class))
	}
	if c.kerberos != nil {
		args = append(args, "-Djava.security.krb5.conf="+c.kerberos.Config)
	}
	return args
}

// launch starts the journal first, without which no NameNode starts, and then everything else side by side.
func (c *Cluster) launch(ctx context.Context) error {
	if err := startAll(ctx, c.journalNodes); err != nil {
		return err
	}
	rest := slices.Concat(c.nameNodes, c.dataNodes)
	for _, n := range rest {
		if err := n.launch(); err != nil {
			return err
		}
	}
	for _, n := range c.nameNodes {
		if err := n.ready(ctx); err != nil {
			return err
		}
	}
	if c.opts.HA {
		if err := c.Activate(ctx, 1); err != nil {
			return err
		}
	}
	for _, n := range c.dataNodes {
		if err := n.ready(ctx); err != nil {
			return err
		}
	}
	return c.Ready(ctx)
}

func startAll(ctx context.Context, nodes []*Node) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, n := range nodes {
		g.Go(func() error { return n.Start(ctx) })
	}
	return g.Wait()
}

// Ready waits until a NameNode is active and out of safe mode, and knows of as many DataNodes as run.
func (c *Cluster) Ready(ctx context.Context) error {
	want := 0
	for _, n := range c.dataNodes {
		if n.isRunning() {
			want++
		}
	}
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		active, err := c.Active(ctx)
		if err == nil {
			var s namesystem
			s, err = c.NameNode(active).namesystem(ctx)
			if err == nil && s.FSState == "Operational" && s.NumLiveDataNodes >= want {
				return nil
			}
			if err == nil {
				err = fmt.Errorf("testbed: hdfs: %s is in state %s with %d of %d DataNodes", c.NameNode(active).name, s.FSState, s.NumLiveDataNodes, want)
			}
		}
		select {
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), err)
		case <-again.C:
		}
	}
}

// Replicated waits until Ready, and until no block lacks a replica.
func (c *Cluster) Replicated(ctx context.Context) error {
	again := time.NewTicker(200 * time.Millisecond)
	defer again.Stop()
	for {
		if err := c.Ready(ctx); err != nil {
			return err
		}
		active, err := c.Active(ctx)
		if err == nil {
			var s namesystem
			if s, err = c.NameNode(active).namesystem(ctx); err == nil && s.UnderReplicated == 0 {
				return nil
			}
			if err == nil {
				err = fmt.Errorf("testbed: hdfs: %d blocks lack replicas", s.UnderReplicated)
			}
		}
		select {
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), err)
		case <-again.C:
		}
	}
}

// Close kills the nodes and deletes everything, but with logs leaves the logs for a day. It is for a cluster that this process
// started.
func (c *Cluster) Close(logs bool) error {
	var errs []error
	for _, n := range c.nodes() {
		errs = append(errs, n.Kill())
	}
	if c.kerberos != nil {
		errs = append(errs, c.kerberos.stop())
	}
	return errors.Join(append(errs, c.folder.Remove(logs))...)
}

func (c *Cluster) nodes() []*Node { return slices.Concat(c.nameNodes, c.dataNodes, c.journalNodes) }

// Authority is what stands in URLs: host and port of the NameNode, or the nameservice.
func (c *Cluster) Authority() string { return c.authority }

// URL is the cluster's: hdfs:// and the authority.
func (c *Cluster) URL() string { return "hdfs://" + c.authority }

// ConfDir is a folder with core-site.xml and hdfs-site.xml for clients. That of an HA cluster has two nameservices, of which only
// Nameservice exists.
func (c *Cluster) ConfDir() string { return c.conf }

// Kerberos of a secure cluster; nil without.
func (c *Cluster) Kerberos() *Kerberos { return c.kerberos }

// NameNode is the i-th NameNode, from 1.
func (c *Cluster) NameNode(i int) *Node { return c.nameNodes[i-1] }

// DataNodes is how many there are.
func (c *Cluster) DataNodes() int { return len(c.dataNodes) }

// DataNode is the i-th DataNode, from 1.
func (c *Cluster) DataNode(i int) *Node { return c.dataNodes[i-1] }

// JournalNode is the i-th JournalNode, from 1.
func (c *Cluster) JournalNode(i int) *Node { return c.journalNodes[i-1] }

// Logs are the paths of the nodes' logs, or nothing for a cluster that another process started.
func (c *Cluster) Logs() []string {
	var logs []string
	if c.folder == nil {
		return nil
	}
	for _, n := range c.nodes() {
		logs = append(logs, n.Log())
	}
	if c.kerberos != nil {
		logs = append(logs, c.kerberos.log)
	}
	return logs
}
