package kafkabed

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"time"

	"shadoof/testbed/process"
)

// A network gives each node an address and a cable of its own: network namespaces of Linux, with a bridge in one more. They have no
// names, so that nothing is left over: each lasts as long as a process that sleeps in it.
type network struct {
	subnet string // 10.x.y
	hub    *process.Process
	hosts  []*process.Process
}

// layCables makes a network for so many nodes. It takes root, and ip and nsenter, which each Linux has.
func layCables(ctx context.Context, nodes int) (*network, error) {
	n := &network{}
	var err error
	if n.subnet, err = freeSubnet(); err != nil {
		return nil, err
	}
	if err := n.lay(ctx, nodes); err != nil {
		return nil, errors.Join(fmt.Errorf("testbed: kafka: networks of nodes (they need root): %w", err), n.close())
	}
	return n, nil
}

func (n *network) lay(ctx context.Context, nodes int) error {
	var err error
	if n.hub, err = namespace(ctx); err != nil {
		return err
	}
	var id [4]byte
	rand.Read(id[:])
	uplink := "sdk" + hex.EncodeToString(id[:])
	in := func(p *process.Process, args ...string) []string {
		return append(inside(p), append([]string{"ip"}, args...)...)
	}
	steps := [][]string{
		{"ip", "link", "add", uplink, "type", "veth", "peer", "name", "uplink", "netns", strconv.Itoa(n.hub.Pid())},
		{"ip", "addr", "add", n.subnet + ".254/24", "dev", uplink},
		{"ip", "link", "set", uplink, "up"},
		in(n.hub, "link", "add", "hub", "type", "bridge"),
		in(n.hub, "link", "set", "hub", "up"),
		in(n.hub, "link", "set", "uplink", "master", "hub", "up"),
	}
	for i := range nodes {
		host, err := namespace(ctx)
		if err != nil {
			return err
		}
		n.hosts = append(n.hosts, host)
		steps = append(steps,
			in(n.hub, "link", "add", cable(i), "type", "veth", "peer", "name", "eth0", "netns", strconv.Itoa(host.Pid())),
			in(n.hub, "link", "set", cable(i), "master", "hub", "up"),
			in(host, "addr", "add", n.address(i)+"/24", "dev", "eth0"),
			in(host, "link", "set", "eth0", "up"),
			in(host, "link", "set", "lo", "up"))
	}
	for _, s := range steps {
		if err := command(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// cable is the end of a node's cable at the hub. Nodes are counted from 0.
func cable(node int) string { return fmt.Sprintf("node%d", node+1) }

func (n *network) address(node int) string { return fmt.Sprintf("%s.%d", n.subnet, node+1) }

// inside begins a command line that runs in a namespace.
func inside(p *process.Process) []string {
	return []string{"nsenter", "-t", strconv.Itoa(p.Pid()), "-n", "--"}
}

// plug pulls a node's cable, or plugs it in again.
func (n *network) plug(ctx context.Context, node int, in bool) error {
	state := "down"
	if in {
		state = "up"
	}
	return command(ctx, append(inside(n.hub), "ip", "link", "set", cable(node), state))
}

func (n *network) close() error {
	var errs []error
	for _, p := range append(n.hosts, n.hub) {
		if p != nil {
			errs = append(errs, p.Kill())
		}
	}
	return errors.Join(errs...)
}

// namespace starts a process that sleeps in a network of its own.
func namespace(ctx context.Context) (*process.Process, error) {
	p, err := process.Start(process.Spec{Name: "network namespace", Args: []string{"unshare", "-n", "--", "sleep", "infinity"}})
	if err != nil {
		return nil, err
	}
	ours, err := os.Readlink("/proc/self/ns/net")
	for err == nil {
		theirs, _ := os.Readlink(fmt.Sprintf("/proc/%d/ns/net", p.Pid()))
		if theirs != "" && theirs != ours {
			return p, nil
		}
		select {
		case <-p.Done():
			err = errors.New("unshare -n is not allowed here")
		case <-ctx.Done():
			err = context.Cause(ctx)
		case <-time.After(5 * time.Millisecond):
		}
	}
	return nil, errors.Join(err, p.Kill())
}

func command(ctx context.Context, args []string) error {
	if out, err := exec.CommandContext(ctx, args[0], args[1:]...).CombinedOutput(); err != nil {
		return fmt.Errorf("%q: %w: %s", args, err, out)
	}
	return nil
}

// freeSubnet is one of 10.x.y.0/24 in which this machine has no address.
func freeSubnet() (string, error) {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return "", err
	}
	for range 100 {
		var id [2]byte
		rand.Read(id[:])
		subnet := net.IPNet{IP: net.IPv4(10, 128|id[0], id[1], 0), Mask: net.CIDRMask(24, 32)}
		taken := false
		for _, a := range all {
			if n, ok := a.(*net.IPNet); ok && (subnet.Contains(n.IP) || n.Contains(subnet.IP)) && !n.IP.IsLoopback() {
				taken = true
			}
		}
		if !taken {
			return fmt.Sprintf("10.%d.%d", 128|id[0], id[1]), nil
		}
	}
	return "", errors.New("testbed: kafka: no free subnet of 10.0.0.0/8")
}
