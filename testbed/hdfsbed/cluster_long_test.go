//go:build long

package hdfsbed_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"shadoof/testbed/hdfsbed"
	"shadoof/testbed/servers"
)

func active(t *testing.T, c *hdfsbed.Cluster) int {
	t.Helper()
	i, err := c.Active(t.Context())
	must(t, err)
	return i
}

func TestFailover(t *testing.T) {
	t.Parallel()
	ctx := bounded(t)
	c := servers.OwnHDFS(t, hdfsbed.Options{HA: true, JournalNodes: 3})
	if got := active(t, c); got != 1 {
		t.Errorf("NameNode %d is active, want 1", got)
	}
	root := c.NewFolder(t)
	user := c.FS(hdfsbed.User)
	must(t, user.WriteFile(ctx, root+"/1", []byte("1")))
	must(t, c.Failover(ctx, 1, 2), user.WriteFile(ctx, root+"/2", []byte("2")))
	if got := active(t, c); got != 2 {
		t.Errorf("NameNode %d is active, want 2", got)
	}
	// The active one is killed, and one journal is gone.
	must(t, c.NameNode(2).Kill(), c.JournalNode(3).Kill(), c.Failover(ctx, 2, 1), user.WriteFile(ctx, root+"/3", []byte("3")))
	must(t, c.NameNode(2).Start(ctx), c.Ready(ctx))
	// The active one stands still, and goes on when another is active: it must not write.
	must(t, c.NameNode(1).Pause(), c.Failover(ctx, 1, 2), user.WriteFile(ctx, root+"/4", []byte("4")), c.NameNode(1).Resume())
	for _, name := range []string{"1", "2", "3", "4"} {
		if got, err := c.FS(hdfsbed.User).ReadFile(ctx, root+"/"+name); err != nil || string(got) != name {
			t.Errorf("%s: read %q, %v", name, got, err)
		}
	}
}

func TestClientsOfAFailoverClusterSeeTwoNameservices(t *testing.T) {
	t.Parallel()
	c := servers.OwnHDFS(t, hdfsbed.Options{HA: true})
	if c.URL() != "hdfs://"+hdfsbed.Nameservice {
		t.Errorf("URL %s", c.URL())
	}
	site, err := os.ReadFile(filepath.Join(c.ConfDir(), "hdfs-site.xml"))
	must(t, err)
	for _, want := range []string{
		"<name>dfs.nameservices</name><value>" + hdfsbed.Elsewhere + "," + hdfsbed.Nameservice + "</value>",
		"<name>dfs.namenode.rpc-address." + hdfsbed.Nameservice + ".nn2</name><value>" + c.NameNode(2).Address() + "</value>",
		"<name>dfs.namenode.rpc-address." + hdfsbed.Elsewhere + ".nn1</name>",
	} {
		if !strings.Contains(string(site), want) {
			t.Errorf("hdfs-site.xml lacks %s:\n%s", want, site)
		}
	}
}

func TestThreeReplicas(t *testing.T) {
	t.Parallel()
	ctx := bounded(t)
	c := servers.OwnHDFS(t, hdfsbed.Options{DataNodes: 3, BlockSize: hdfsbed.MinBlockSize})
	root := c.NewFolder(t)
	user := c.FS(hdfsbed.User)
	content := []byte(strings.Repeat("0123456789abcdef", 5<<20/32)) // two blocks and a half
	must(t, user.WriteFile(ctx, root+"/x", content))
	if s, err := user.Stat(ctx, root+"/x"); err != nil || s.Replication != 3 || s.BlockSize != hdfsbed.MinBlockSize {
		t.Errorf("%+v, %v", s, err)
	}
	must(t, c.DataNode(2).Kill(), c.DataNode(3).Kill())
	if got, err := user.ReadFile(ctx, root+"/x"); err != nil || string(got) != string(content) {
		t.Errorf("read %d bytes, %v, want %d", len(got), err, len(content))
	}
	must(t, c.DataNode(2).Start(ctx), c.DataNode(3).Start(ctx), c.Ready(ctx))
}

func TestEncryptionZone(t *testing.T) {
	t.Parallel()
	ctx := bounded(t)
	c := servers.OwnHDFS(t, hdfsbed.Options{Encryption: true})
	root := c.NewFolder(t)
	_, err := c.Admin(ctx, hdfsbed.CryptoAdmin, "-createZone", "-keyName", hdfsbed.EncryptionKey, "-path", root)
	must(t, err)
	if s, err := c.FS(hdfsbed.User).Stat(ctx, root); err != nil || !s.Encrypted {
		t.Errorf("%+v, %v: want the bit of encryption", s, err)
	}
}

func TestKerberos(t *testing.T) {
	t.Parallel()
	ctx := bounded(t)
	for _, protection := range []string{"authentication", "privacy"} {
		t.Run(protection, func(t *testing.T) {
			t.Parallel()
			c := servers.OwnHDFS(t, hdfsbed.Options{Kerberos: true, RPCProtection: protection, DataProtection: protection})
			root := c.NewFolder(t)
			user, stranger := c.FS(hdfsbed.User), c.FS(hdfsbed.Stranger)
			must(t, user.WriteFile(ctx, root+"/x", []byte("x")), user.SetPermission(ctx, root+"/x", "600"))
			if got, err := user.ReadFile(ctx, root+"/x"); err != nil || string(got) != "x" {
				t.Errorf("read %q, %v", got, err)
			}
			if _, err := stranger.ReadFile(ctx, root+"/x"); !errors.Is(err, fs.ErrPermission) {
				t.Errorf("a stranger: %v, want %v", err, fs.ErrPermission)
			}
			tickets, err := c.Kerberos().TicketCache(ctx, hdfsbed.User)
			must(t, err)
			if info, err := os.Stat(tickets); err != nil || info.Size() == 0 {
				t.Errorf("no ticket cache: %v", err)
			}
			out, err := c.Admin(ctx, hdfsbed.FsShell, "-ls", root)
			if err != nil || !strings.Contains(out, root+"/x") {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
