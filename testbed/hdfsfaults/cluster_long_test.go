//go:build long

package hdfsfaults_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"shadoof/testbed/hdfsbed"
)

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func bounded(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func active(t *testing.T, c *hdfsbed.Cluster) (is, other int) {
	t.Helper()
	i, err := c.Active(bounded(t, 10*time.Second))
	must(t, err)
	return i, 3 - i
}

// restart kills all name nodes and starts them again.
func restart(t *testing.T, c *hdfsbed.Cluster) {
	t.Helper()
	ctx := bounded(t, time.Minute)
	for i := 1; i <= 2; i++ {
		must(t, c.NameNode(i).Kill())
	}
	for i := 1; i <= 2; i++ {
		must(t, c.NameNode(i).Start(ctx))
	}
	must(t, c.Activate(ctx, 1), c.Ready(ctx))
}

// writable waits until a block can be written: a name node that has just begun knows its data nodes a moment before their disks.
func writable(t *testing.T, c *hdfsbed.Cluster) {
	t.Helper()
	ctx := bounded(t, time.Minute)
	must(t, c.Ready(ctx))
	folder := c.NewFolder(t)
	for n := 0; ; n++ {
		err := c.FS(hdfsbed.User).WriteFile(ctx, fmt.Sprintf("%s/%d", folder, n), []byte("x"))
		if err == nil {
			return
		}
		pause(ctx, 100*time.Millisecond)
		if ctx.Err() != nil {
			t.Fatal(err)
		}
	}
}

// rejoin starts a name node that was killed or has ended itself, and waits until it could take over: who makes one active that waits
// for its data nodes halts everybody.
func rejoin(t *testing.T, c *hdfsbed.Cluster, i int) {
	t.Helper()
	ctx := bounded(t, time.Minute)
	must(t, c.NameNode(i).Kill(), c.NameNode(i).Start(ctx), c.NameNode(i).Settled(ctx))
}

// A fault happens to the active name node of two.
type fault struct {
	name string
	do   func(t *testing.T, c *hdfsbed.Cluster)
}

var planned = fault{"planned fail-over", func(t *testing.T, c *hdfsbed.Cluster) {
	t.Helper()
	is, other := active(t, c)
	must(t, c.Failover(bounded(t, 30*time.Second), is, other))
}}

// killed starts the name node again, as a standby.
var killed = fault{"kill of the active", func(t *testing.T, c *hdfsbed.Cluster) {
	t.Helper()
	ctx := bounded(t, time.Minute)
	is, other := active(t, c)
	must(t, c.NameNode(is).Kill(), c.Activate(ctx, other))
	rejoin(t, c, is)
}}

// split leaves two that believe to be active. The one that was stopped finds out at its next change, and ends itself.
func split(while func()) fault {
	return fault{"split brain", func(t *testing.T, c *hdfsbed.Cluster) {
		t.Helper()
		ctx := bounded(t, time.Minute)
		is, other := active(t, c)
		must(t, c.NameNode(is).Pause(), c.Activate(ctx, other))
		while()
		must(t, c.NameNode(is).Resume())
		while()
		// It may have ended itself by now, or not have noticed yet.
		rejoin(t, c, is)
	}}
}
