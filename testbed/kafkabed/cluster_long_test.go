//go:build long

package kafkabed_test

import (
	"net"
	"testing"
	"time"

	"shadoof/testbed/kafkabed"
	"shadoof/testbed/servers"
)

func TestThreeNodesServeWithoutOne(t *testing.T) {
	t.Parallel()
	c := servers.OwnKafka(t, kafkabed.Options{Nodes: 3})
	createTopic(t, client(t, c.Brokers()), "replicated", 3)
	roundTrip(t, c.Brokers(), "replicated", "three")
	for _, node := range c.Nodes() {
		if err := node.Kill(); err != nil {
			t.Fatal(err)
		}
		roundTrip(t, c.Brokers(), "replicated", "two")
		if err := node.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	roundTrip(t, c.Brokers(), "replicated", "three again")
}

func TestStopAndPause(t *testing.T) {
	t.Parallel()
	c := servers.OwnKafka(t, kafkabed.Options{Nodes: 3})
	createTopic(t, client(t, c.Brokers()), "stopped", 3)
	first, second := c.Nodes()[0], c.Nodes()[1]
	if err := first.Stop(); err != nil {
		t.Fatal(err)
	}
	roundTrip(t, c.Brokers(), "stopped", "one stopped")
	if err := first.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := second.Pause(); err != nil {
		t.Fatal(err)
	}
	roundTrip(t, c.Brokers(), "stopped", "one paused")
	if err := second.Resume(); err != nil {
		t.Fatal(err)
	}
	roundTrip(t, c.Brokers(), "stopped", "all")
}

func TestUnplug(t *testing.T) {
	t.Parallel()
	c := servers.OwnKafka(t, kafkabed.Options{Nodes: 3, Apart: true})
	createTopic(t, client(t, c.Brokers()), "unplugged", 3)
	roundTrip(t, c.Brokers(), "unplugged", "three")
	for _, node := range c.Nodes() {
		if err := node.Unplug(t.Context()); err != nil {
			t.Fatal(err)
		}
		if conn, err := net.DialTimeout("tcp", node.Address(), time.Second); err == nil {
			conn.Close()
			t.Errorf("node %d can be reached", node.ID())
		}
		roundTrip(t, c.Brokers(), "unplugged", "two")
		if err := node.Plug(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	roundTrip(t, c.Brokers(), "unplugged", "three again")
}
