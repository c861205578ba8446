package kafkabed

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"time"

	"shadoof/testbed/process"
	"shadoof/testbed/runs"
)

// A Node is one broker and controller. It is not safe for concurrent use.
type Node struct {
	id      int // from 1
	ports   []int
	net     *network // nil: loopback
	dir     string
	jvm     []string
	running *process.Process
}

func (n *Node) data() string { return filepath.Join(n.dir, "data") }

// ID is the node's id, from 1.
func (n *Node) ID() int { return n.id }

// Address is the node's plaintext listener.
func (n *Node) Address() string { return n.at(0) }

// at is the address of one of the node's listeners.
func (n *Node) at(listener int) string {
	if n.net == nil {
		return runs.Address(n.ports[listener])
	}
	return net.JoinHostPort(n.net.address(n.id-1), strconv.Itoa(n.ports[listener]))
}

// Log is the path of the node's log; restarts append to it.
func (n *Node) Log() string { return filepath.Join(n.dir, "kafka.log") }

// Start starts a stopped or killed node on its ports and data, and waits until it serves.
func (n *Node) Start(ctx context.Context) error {
	if err := n.launch(); err != nil {
		return err
	}
	return n.ready(ctx)
}

func (n *Node) launch() error {
	if n.running != nil && n.running.Running() {
		return fmt.Errorf("testbed: kafka node %d is running already", n.id)
	}
	var where []string
	if n.net != nil {
		where = inside(n.net.hosts[n.id-1])
	}
	p, err := process.Start(process.Spec{
		Name: fmt.Sprintf("kafka node %d", n.id),
		Dir:  n.dir,
		Log:  n.Log(),
		Args: append(append(where, n.jvm...), "-Dlog4j2.configurationFile="+filepath.Join(n.dir, "log4j2.properties"), "kafka.Kafka", "server.properties"),
	})
	n.running = p
	return err
}

func (n *Node) ready(ctx context.Context) error {
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for !n.running.Logged("Kafka Server started") {
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

// Kill ends the node with SIGKILL.
func (n *Node) Kill() error { return n.running.Kill() }

// Stop lets the node shut down in order, which moves its leaders first.
func (n *Node) Stop() error { return n.running.Stop(30 * time.Second) }

// Pause freezes the node; its connections stay open and answer nothing.
func (n *Node) Pause() error { return n.running.Pause() }

// Resume ends a Pause.
func (n *Node) Resume() error { return n.running.Resume() }

// Unplug parts the node from all others and from clients, of a cluster whose nodes are Apart: nothing comes through any more, and nobody
// is told.
func (n *Node) Unplug(ctx context.Context) error { return n.net.plug(ctx, n.id-1, false) }

// Plug ends an Unplug.
func (n *Node) Plug(ctx context.Context) error { return n.net.plug(ctx, n.id-1, true) }
