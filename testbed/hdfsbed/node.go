package hdfsbed

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"time"

	"shadoof/testbed/process"
)

// A Node is a NameNode, a DataNode or a JournalNode. It is not safe for concurrent use.
type Node struct {
	name    string // nn1
	class   string
	dir     string
	rpc     string // address; of a DataNode that of its data transfer
	http    string // address
	jvm     []string
	serving func(ctx context.Context) bool
	running *process.Process
}

const (
	nameNode    = "org.apache.hadoop.hdfs.server.namenode.NameNode"
	dataNode    = "org.apache.hadoop.hdfs.server.datanode.DataNode"
	journalNode = "org.apache.hadoop.hdfs.qjournal.server.JournalNode"
)

// Name of the node: nn1, dn3.
func (n *Node) Name() string { return n.name }

// Address of the node for clients: RPC of NameNodes and JournalNodes, data transfer of DataNodes.
func (n *Node) Address() string { return n.rpc }

// HTTP is the address of the node's pages: JMX, and WebHDFS of NameNodes and DataNodes.
func (n *Node) HTTP() string { return n.http }

// Log is the path of the node's log; restarts append to it.
func (n *Node) Log() string { return filepath.Join(n.dir, n.name+".log") }

func (n *Node) conf() string { return filepath.Join(n.dir, "conf.jar") }

func (n *Node) data() string { return filepath.Join(n.dir, "data") }

// Start starts a killed node on its ports and data, and waits until it serves. A NameNode that serves may be a standby, or in safe
// mode; see Cluster.Ready.
func (n *Node) Start(ctx context.Context) error {
	if err := n.launch(); err != nil {
		return err
	}
	return n.ready(ctx)
}

// Settled waits until a NameNode, active or standby, is out of safe mode. One that is made active before that may stay in it.
func (n *Node) Settled(ctx context.Context) error {
	return n.until(ctx, func(ctx context.Context) bool {
		s, err := n.namesystem(ctx)
		return err == nil && s.FSState == "Operational"
	})
}

func (n *Node) launch() error {
	if n.isRunning() {
		return fmt.Errorf("testbed: hdfs node %s is running already", n.name)
	}
	p, err := process.Start(process.Spec{
		Name: "hdfs node " + n.name,
		Dir:  n.dir,
		Log:  n.Log(),
		Env:  []string{"HADOOP_USER_NAME=" + Superuser},
		Args: append(slices.Clone(n.jvm), "-Dhadoop.log.dir="+n.dir, n.class),
	})
	n.running = p
	return err
}

// Running says whether the node's process has not ended. A NameNode ends itself when it cannot write to the journal.
func (n *Node) Running() bool { return n.isRunning() }

func (n *Node) isRunning() bool { return n.running != nil && n.running.Running() }

func (n *Node) ready(ctx context.Context) error {
	return n.until(ctx, n.serving)
}

// until asks again and again while the node runs.
func (n *Node) until(ctx context.Context, is func(context.Context) bool) error {
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for !is(ctx) {
		select {
		case <-n.running.Done():
			return n.running.Failure()
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), n.running.Failure())
		case <-again.C:
		}
	}
	return nil
}

// servesNames says whether a NameNode has a state and takes calls.
func (n *Node) servesNames(ctx context.Context) bool {
	return n.haState(ctx).State != "" && listens(ctx, n.rpc)
}

// servesData says whether a DataNode is registered with a NameNode.
func (n *Node) servesData(ctx context.Context) bool {
	var info struct {
		Actors string `json:"BPServiceActorInfo"` // JSON in a string
	}
	return n.bean(ctx, "Hadoop:service=DataNode,name=DataNodeInfo", &info) == nil && containsRunning(info.Actors)
}

// servesJournal says whether a JournalNode takes calls.
func (n *Node) servesJournal(ctx context.Context) bool { return listens(ctx, n.rpc) }

func listens(ctx context.Context, address string) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

// Kill ends the node with SIGKILL.
func (n *Node) Kill() error {
	if !n.isRunning() {
		return nil
	}
	return n.running.Kill()
}

// Stop lets the node shut down in order.
func (n *Node) Stop() error { return n.running.Stop(30 * time.Second) }

// Pause freezes the node; its connections stay open and answer nothing.
func (n *Node) Pause() error { return n.running.Pause() }

// Resume ends a Pause.
func (n *Node) Resume() error { return n.running.Resume() }
