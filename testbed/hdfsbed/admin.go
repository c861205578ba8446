package hdfsbed

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"
)

var errNoneActive = errors.New("testbed: hdfs: no NameNode is active")

// Active is the number of the active NameNode. Of two that say so it is the later one: the other has not noticed yet.
func (c *Cluster) Active(ctx context.Context) (int, error) {
	states := make([]haState, len(c.nameNodes))
	var asked sync.WaitGroup
	for i, n := range c.nameNodes {
		asked.Go(func() { states[i] = n.haState(ctx) })
	}
	asked.Wait()
	active := -1
	for i, s := range states {
		if s.State == "active" && (active < 0 || s.Since > states[active].Since) {
			active = i
		}
	}
	if active < 0 {
		return 0, errNoneActive
	}
	return active + 1, nil
}

// Activate makes a standby active, whatever the other NameNode is: the journal then takes nothing more from that one. It returns
// when the NameNode says that it is active.
func (c *Cluster) Activate(ctx context.Context, i int) error {
	n, byUser := c.NameNode(i), bytesField(nil, 1, varintField(nil, 1, 0))
	var refused error
	err := n.until(ctx, func(ctx context.Context) bool {
		refused = n.call(ctx, haService, "transitionToActive", byUser)
		return !notCarriedOut(refused) // a NameNode takes calls a little before it carries them out
	})
	if err = errors.Join(err, refused); err != nil {
		return err
	}
	return n.until(ctx, func(ctx context.Context) bool { return n.haState(ctx).State == "active" })
}

// Failover makes one NameNode a standby, if it answers within two seconds, and then the other active.
func (c *Cluster) Failover(ctx context.Context, from, to int) error {
	asked, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	byUser := bytesField(nil, 1, varintField(nil, 1, 0))
	// A NameNode that does not answer is fenced by the journal.
	_ = c.NameNode(from).call(asked, haService, "transitionToStandby", byUser)
	return c.Activate(ctx, to)
}

// SafeMode makes the active NameNode refuse all changes, or takes that back.
func (c *Cluster) SafeMode(ctx context.Context, on bool) error {
	active, err := c.Active(ctx)
	if err != nil {
		return err
	}
	action := uint64(1)
	if on {
		action = 2
	}
	return c.NameNode(active).call(ctx, clientProtocol, "setSafeMode", varintField(nil, 1, action))
}

// The tools of Admin.
const (
	DFSAdmin    = "org.apache.hadoop.hdfs.tools.DFSAdmin"
	HAAdmin     = "org.apache.hadoop.hdfs.tools.DFSHAAdmin"
	ECAdmin     = "org.apache.hadoop.hdfs.tools.ECAdmin"
	CryptoAdmin = "org.apache.hadoop.hdfs.tools.CryptoAdmin"
	FsShell     = "org.apache.hadoop.fs.FsShell"
	keyShell    = "org.apache.hadoop.crypto.key.KeyShell"
)

// Admin runs one of Hadoop's tools as the superuser and returns what it printed. It starts a JVM, which takes seconds: FS does most
// without. It is for a cluster that this process started.
func (c *Cluster) Admin(ctx context.Context, tool string, args ...string) (string, error) {
	return c.tool(ctx, Superuser, tool, args...)
}

func (c *Cluster) tool(ctx context.Context, user, class string, args ...string) (string, error) {
	if c.folder == nil {
		return "", errors.New("testbed: hdfs: only the process that started a cluster has its tools")
	}
	env := append(os.Environ(), "HADOOP_USER_NAME="+user)
	if c.kerberos != nil {
		cache, err := c.kerberos.TicketCache(ctx, user)
		if err != nil {
			return "", err
		}
		env = append(env, "KRB5CCNAME="+cache)
	}
	line := append(append(c.jvm(class, "128m", c.toolConf()), class), args...)
	cmd := exec.CommandContext(ctx, line[0], line[1:]...)
	cmd.Env = env
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("testbed: %s %q: %w\n%s", class, args, err, out)
	}
	return string(out), nil
}

// toolConf has the nodes' own properties: a tool knows the NameNodes, and nothing of Elsewhere.
func (c *Cluster) toolConf() string { return filepath.Join(c.folder.Path, "tools.jar") }

func (c *Cluster) keyProvider() string {
	return "jceks://file" + filepath.Join(c.folder.Path, "data", "keys.jceks")
}

// createKey makes EncryptionKey. A NameNode reads its keys once, when it starts.
func (c *Cluster) createKey(ctx context.Context) error {
	if err := os.MkdirAll(filepath.Join(c.folder.Path, "data"), 0o755); err != nil {
		return err
	}
	_, err := c.Admin(ctx, keyShell, "create", EncryptionKey, "-provider", c.keyProvider())
	return err
}
