//go:build long

package hdfslimits_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"shadoof/testbed/cache"
	"shadoof/testbed/hdfsbed"
	"shadoof/testbed/product"
	"shadoof/testbed/servers"
)

// keytab are settings with which a user of a secure cluster logs in by himself.
func keytab(k *hdfsbed.Kerberos, principal, file string) string {
	return fmt.Sprintf("replication: 1, kerberos: {principal: %s, keytab: %q, krb5_conf: %q}", principal, file, k.Config)
}

// tickets are settings with which whoever started the process has logged in.
func tickets(k *hdfsbed.Kerberos) string {
	return fmt.Sprintf("replication: 1, kerberos: {krb5_conf: %q}", k.Config)
}

func secureJob(t *testing.T, root *product.Root) *product.Job {
	t.Helper()
	return product.NewJob(t, servers.Kafka(t).Brokers(), root, sharedTopic(t).Topic, "orphan_age: 1ms\n", "")
}

// TestKerberos logs in in all ways, and fails to in many.
func TestKerberos(t *testing.T) {
	ctx := bounded(t)
	c := servers.OwnHDFS(t, hdfsbed.Options{Kerberos: true})
	k := c.Kerberos()
	root := product.HDFS(t, c, c.Authority())
	principal := hdfsbed.Principal(hdfsbed.User)
	good := secureJob(t, root.As(keytab(k, principal, k.Keytab)))

	t.Run("keytab", func(t *testing.T) {
		dies(t, good, "mid-publish:2", "run")
		ends(t, good, 0, nil, "run")
		exact(t, good)
	})
	t.Run("ticket cache", func(t *testing.T) {
		file, err := k.TicketCache(ctx, hdfsbed.User)
		must(t, err)
		j := secureJob(t, product.HDFS(t, c, c.Authority()).As(tickets(k), "KRB5CCNAME=FILE:"+file))
		ends(t, j, 0, nil, "run")
		exact(t, j)
	})
	t.Run("modes and group", func(t *testing.T) {
		r := product.HDFS(t, c, c.Authority())
		must(t, c.FS(hdfsbed.Superuser).SetOwner(ctx, r.Dir(), "", "staff"))
		j := secureJob(t, r.As(keytab(k, principal, k.Keytab)+", group: lake"))
		ends(t, j, 0, nil, "run")
		for m := range modes(t, c.FS(hdfsbed.Superuser), r.Dir()) {
			if !strings.Contains(m, " shadoof:lake ") {
				t.Error(m)
			}
		}
	})
	colleague, err := k.TicketCache(ctx, hdfsbed.Colleague)
	must(t, err)
	empty := filepath.Join(t.TempDir(), "empty")
	must(t, os.WriteFile(empty, nil, 0o600))
	garbage := filepath.Join(t.TempDir(), "garbage")
	must(t, os.WriteFile(garbage, []byte("this is no file of Kerberos, but it is long enough to be one"), 0o600))
	for _, f := range []struct {
		name, settings string
		env            []string
		code           int
		words          []string
	}{
		{"no ticket", tickets(k), []string{"KRB5CCNAME=" + empty + ".no"}, 1, []string{"ticket cache " + empty + ".no", "run kinit"}},
		{"an empty ticket cache", tickets(k), []string{"KRB5CCNAME=" + empty}, 1, []string{"ticket cache " + empty, "run kinit"}},
		{"a damaged ticket cache", tickets(k), []string{"KRB5CCNAME=" + garbage}, 1, []string{"ticket cache " + garbage, "run kinit"}},
		{"a ticket cache in the kernel", tickets(k), []string{"KRB5CCNAME=KEYRING:persistent:0"}, 1, []string{"KEYRING:persistent:0 is no file", "keytab"}},
		{"an expired ticket", tickets(k), []string{"KRB5CCNAME=" + expired(t, k)}, 1, []string{"no ticket that is still valid", "run kinit again"}},
		{"a ticket of somebody else", tickets(k), []string{"KRB5CCNAME=" + colleague}, 1, []string{"permission denied for user colleague"}},
		{"a damaged keytab", keytab(k, principal, garbage), nil, 1, []string{"keytab " + garbage}},
		{"a keytab without the principal's key", keytab(k, "nobody@"+hdfsbed.Realm, k.Keytab), nil, 1, []string{"log in as nobody@TESTBED with " + k.Keytab}},
		{"a principal of another realm", keytab(k, "shadoof@ELSEWHERE", k.Keytab), nil, 1, []string{"log in as shadoof@ELSEWHERE"}},
	} {
		t.Run(f.name, func(t *testing.T) {
			ends(t, secureJob(t, root.As(f.settings, f.env...)), f.code, f.words, "run")
		})
	}
	t.Run("no KDC", func(t *testing.T) {
		must(t, k.Kill())
		began := time.Now()
		ends(t, good, 1, []string{": kerberos: log in as " + principal, "communication error with KDC"}, "run")
		if took := time.Since(began); took > time.Minute {
			t.Errorf("it took %s", took)
		}
	})
}

// expired is a cache with a ticket that was good for a second.
func expired(t *testing.T, k *hdfsbed.Kerberos) string {
	t.Helper()
	tools, err := cache.Kerberos()
	must(t, err)
	file := filepath.Join(t.TempDir(), "tickets")
	cmd := exec.CommandContext(t.Context(), tools.Init, "-k", "-t", k.Keytab, "-l", "1s", "-c", file, hdfsbed.Principal(hdfsbed.User))
	cmd.Env = append(os.Environ(), "KRB5_CONFIG="+k.Config)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	pause(t, 2*time.Second)
	return file
}

// TestProtectedCalls has name nodes that sign or encrypt what they answer.
func TestProtectedCalls(t *testing.T) {
	for _, level := range []string{"integrity", "privacy"} {
		t.Run(level, func(t *testing.T) {
			c := servers.OwnHDFS(t, hdfsbed.Options{Kerberos: true, RPCProtection: level})
			k := c.Kerberos()
			root := product.HDFS(t, c, c.Authority())
			j := secureJob(t, root.As(keytab(k, hdfsbed.Principal(hdfsbed.User), k.Keytab)))
			dies(t, j, "mid-publish:2", "run")
			ends(t, j, 0, nil, "run")
			exact(t, j)
		})
	}
}

// TestProtectedDataIsRefused has data nodes that sign or encrypt blocks, with clients that know it, and with one whose configuration does
// not say so.
func TestProtectedDataIsRefused(t *testing.T) {
	for _, level := range []string{"integrity", "privacy"} {
		t.Run(level, func(t *testing.T) {
			c := servers.OwnHDFS(t, hdfsbed.Options{Kerberos: true, DataProtection: level})
			k := c.Kerberos()
			root := product.HDFS(t, c, c.Authority())
			settings := keytab(k, hdfsbed.Principal(hdfsbed.User), k.Keytab)
			const key = "dfs.data.transfer.protection"
			j := secureJob(t, root.As(settings))
			ends(t, j, 4, []string{fmt.Sprintf("%s is %q", key, level), "hdfs-site.xml", "cannot read it back", "allow the level authentication"}, "run")
			nothing(t, j)
			if level == "privacy" {
				silent := secureJob(t, root.As(fmt.Sprintf("conf_dir: %q, ", without(t, c, key))+settings))
				ends(t, silent, 1, []string{"data node 127.0.0.1:", key, "the client's configuration must have it"}, "run")
				nothing(t, j)
			}
		})
	}
}

// without is a copy of a cluster's client configuration that lacks a property.
func without(t *testing.T, c *hdfsbed.Cluster, key string) string {
	t.Helper()
	dir := t.TempDir()
	must(t, os.CopyFS(dir, os.DirFS(c.ConfDir())))
	for _, name := range []string{"core-site.xml", "hdfs-site.xml"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		must(t, err)
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(strings.Replace(string(text), "<name>"+key+"</name>", "<name>other</name>", 1)), 0o644))
	}
	return dir
}
