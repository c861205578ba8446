package kafkabed

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"shadoof/testbed/certs"
	"shadoof/testbed/runs"
)

// A Cluster is a running Kafka: one that this process started, or one that it only knows the addresses of (see FromEnv), which has
// no Nodes and cannot be stopped.
type Cluster struct {
	opts    Options
	install Install
	folder  *runs.Folder
	certs   certs.Files
	network *network // of nodes that are Apart
	nodes   []*Node
	known   map[string][]string // addresses by listener
}

// Start starts a cluster and waits until it serves. The caller ends it with Close; if it does not, the cluster ends with the process.
func Start(ctx context.Context, opts Options) (*Cluster, error) {
	install, err := Prepare(ctx)
	if err != nil {
		return nil, err
	}
	return start(ctx, install, opts)
}

func start(ctx context.Context, install Install, opts Options) (*Cluster, error) {
	c := &Cluster{opts: opts.withDefaults(), install: install}
	formatted, err := c.formatted(ctx)
	if err != nil {
		return nil, err
	}
	if c.folder, err = runs.NewFolder(ctx, "kafka"); err != nil {
		return nil, err
	}
	if c.opts.Apart {
		if c.network, err = layCables(ctx, c.opts.Nodes); err != nil {
			return nil, errors.Join(err, c.Close(false))
		}
	}
	if err := errors.Join(c.layOut(formatted), c.launch(ctx)); err != nil {
		return nil, errors.Join(err, c.Close(true))
	}
	return c, nil
}

// layOut writes everything that the nodes need before they start.
func (c *Cluster) layOut(formatted string) error {
	listeners := c.opts.listeners()
	ports, err := runs.Ports(c.opts.Nodes * len(listeners))
	if err != nil {
		return err
	}
	c.known = make(map[string][]string)
	for i := range c.opts.Nodes {
		n := &Node{id: i + 1, net: c.network, jvm: c.jvm(), dir: filepath.Join(c.folder.Path, fmt.Sprintf("node%d", i+1))}
		n.ports, ports = ports[:len(listeners)], ports[len(listeners):]
		c.nodes = append(c.nodes, n)
		for i, l := range listeners {
			c.known[l] = append(c.known[l], n.at(i))
		}
	}
	if c.opts.Secure {
		if c.certs, err = certs.Make(filepath.Join(c.folder.Path, "certs")); err != nil {
			return err
		}
	}
	clusterID := newClusterID()
	for _, n := range c.nodes {
		if err := formatInto(formatted, n, clusterID); err != nil {
			return fmt.Errorf("testbed: storage of kafka node %d: %w", n.id, err)
		}
		for name, content := range map[string]string{"server.properties": c.properties(n), "log4j2.properties": log4j} {
			if err := os.WriteFile(filepath.Join(n.dir, name), []byte(content), 0o644); err != nil {
				return fmt.Errorf("testbed: kafka node %d: %w", n.id, err)
			}
		}
	}
	return nil
}

// jvm is the command line of each node, but for what differs.
func (c *Cluster) jvm() []string {
	args := []string{c.install.java, "-Xmx" + c.opts.Heap, "-XX:+UseSerialGC", "-XX:-UsePerfData", "-cp", c.install.classpath()}
	if c.install.classes != "" {
		args = append(args, "-XX:SharedArchiveFile="+c.install.classes)
	}
	return append(args, c.opts.jvm...)
}

// launch starts all nodes before it waits for any: no node is ready without a majority.
func (c *Cluster) launch(ctx context.Context) error {
	for _, n := range c.nodes {
		if err := n.launch(); err != nil {
			return err
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	for _, n := range c.nodes {
		g.Go(func() error { return n.ready(ctx) })
	}
	return g.Wait()
}

// Close kills the nodes and deletes everything, but with logs leaves the logs for a day. It is for a cluster that this process
// started.
func (c *Cluster) Close(logs bool) error {
	var errs []error
	for _, n := range c.nodes {
		if n.running != nil {
			errs = append(errs, n.Kill())
		}
	}
	if c.network != nil {
		errs = append(errs, c.network.close())
	}
	return errors.Join(append(errs, c.folder.Remove(logs))...)
}

// Brokers are the addresses of the plaintext listeners.
func (c *Cluster) Brokers() []string { return c.known[plaintext] }

// SASLSSL are the addresses of the listeners with SASL over TLS of a secure cluster.
func (c *Cluster) SASLSSL() []string { return c.known[saslSSL] }

// SASLPlaintext are the addresses of the listeners with SASL over plain TCP of a secure cluster.
func (c *Cluster) SASLPlaintext() []string { return c.known[saslPlaintext] }

// TLS are the addresses of the listeners with TLS and no SASL of a secure cluster.
func (c *Cluster) TLS() []string { return c.known[tlsListener] }

// Certs are the certificates of a secure cluster: its authority, and a client's.
func (c *Cluster) Certs() certs.Files { return c.certs }

// TLSConfig trusts the authority of a secure cluster.
func (c *Cluster) TLSConfig() (*tls.Config, error) { return certs.Client(c.certs.CA) }

// Apart says whether each node has a network of its own.
func (c *Cluster) Apart() bool { return c.network != nil }

// Nodes are the nodes of a cluster that this process started.
func (c *Cluster) Nodes() []*Node { return c.nodes }

// Logs are the paths of the nodes' logs.
func (c *Cluster) Logs() []string {
	logs := make([]string, len(c.nodes))
	for i, n := range c.nodes {
		logs[i] = n.Log()
	}
	return logs
}
