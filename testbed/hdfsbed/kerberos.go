package hdfsbed

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"shadoof/testbed/cache"
	"shadoof/testbed/process"
	"shadoof/testbed/runs"
)

// Realm of a secure cluster. Its principals are the users of a cluster (shadoof@TESTBED) and the nodes' own.
const Realm = "TESTBED"

// Kerberos is a KDC.
type Kerberos struct {
	Config string // krb5.conf
	Keytab string // with the keys of Superuser, User, Colleague and Stranger

	nodes   string // the nodes' keytab
	dir     string
	log     string
	tools   cache.KerberosTools
	running *process.Process
}

// Principal of a user.
func Principal(user string) string { return user + "@" + Realm }

func startKerberos(ctx context.Context, dir string) (*Kerberos, error) {
	tools, err := cache.Kerberos()
	if err != nil {
		return nil, err
	}
	ports, err := runs.Ports(1)
	if err != nil {
		return nil, err
	}
	k := &Kerberos{tools: tools, dir: dir, Config: filepath.Join(dir, "krb5.conf"), Keytab: filepath.Join(dir, "users.keytab"),
		nodes: filepath.Join(dir, "nodes.keytab"), log: filepath.Join(dir, "kdc.log")}
	if err := k.layOut(ctx, ports[0]); err != nil {
		return nil, err
	}
	k.running, err = process.Start(process.Spec{Name: "krb5kdc", Args: []string{tools.KDC, "-n"}, Env: k.env(), Dir: dir, Log: k.log})
	if err != nil {
		return nil, err
	}
	return k, k.ready(ctx, runs.Address(ports[0]))
}

func (k *Kerberos) env() []string {
	return []string{"KRB5_CONFIG=" + k.Config, "KRB5_KDC_PROFILE=" + filepath.Join(k.dir, "kdc.conf")}
}

func (k *Kerberos) layOut(ctx context.Context, port int) error {
	data := filepath.Join(k.dir, "data")
	if err := os.MkdirAll(data, 0o700); err != nil {
		return fmt.Errorf("testbed: kerberos: %w", err)
	}
	files := map[string]string{
		k.Config: fmt.Sprintf("[libdefaults]\n default_realm = %[1]s\n dns_lookup_kdc = false\n dns_lookup_realm = false\n rdns = false\n dns_canonicalize_hostname = false\n"+
			" udp_preference_limit = 1\n[realms]\n %[1]s = {\n  kdc = %[2]s\n }\n[domain_realm]\n localhost = %[1]s\n", Realm, runs.Address(port)),
		filepath.Join(k.dir, "kdc.conf"): fmt.Sprintf("[kdcdefaults]\n kdc_listen = %[2]s\n kdc_tcp_listen = %[2]s\n[realms]\n %[1]s = {\n  database_name = %[3]s/principal\n  key_stash_file = %[3]s/stash\n"+
			"  acl_file = %[3]s/kadm5.acl\n  max_renewable_life = 7d\n  supported_enctypes = aes256-cts:normal aes128-cts:normal\n }\n", Realm, runs.Address(port), data),
	}
	for name, content := range files {
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			return fmt.Errorf("testbed: kerberos: %w", err)
		}
	}
	if err := k.run(ctx, k.tools.Util, "create", "-s", "-r", Realm, "-P", "testbed"); err != nil {
		return err
	}
	for keytab, principals := range map[string][]string{
		k.nodes:  {"nn/localhost", "dn/localhost", "HTTP/localhost"},
		k.Keytab: {Superuser, User, Colleague, Stranger},
	} {
		for _, p := range principals {
			if err := errors.Join(k.run(ctx, k.tools.Admin, "-q", "addprinc -randkey "+p), k.run(ctx, k.tools.Admin, "-q", "ktadd -k "+keytab+" "+p)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (k *Kerberos) run(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env = append(os.Environ(), k.env()...)
	cmd.Dir = k.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("testbed: kerberos: %q: %w\n%s", args, err, out)
	}
	return nil
}

func (k *Kerberos) ready(ctx context.Context, address string) error {
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for !listens(ctx, address) {
		select {
		case <-k.running.Done():
			return k.running.Failure()
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), k.running.Failure())
		case <-again.C:
		}
	}
	return nil
}

// TicketCache gets a user's ticket and returns the path of the file that holds it.
func (k *Kerberos) TicketCache(ctx context.Context, user string) (string, error) {
	path := filepath.Join(k.dir, user+".tickets")
	return path, k.run(ctx, k.tools.Init, "-k", "-t", k.Keytab, "-c", path, Principal(user))
}

// Kill ends the KDC with SIGKILL: nobody gets a ticket any more.
func (k *Kerberos) Kill() error { return k.running.Kill() }

func (k *Kerberos) stop() error {
	if k.running == nil || !k.running.Running() {
		return nil
	}
	return k.running.Kill()
}

// properties of hdfs-site.xml with which nodes log in.
func (k *Kerberos) properties(o Options) properties {
	return properties{
		"dfs.block.access.token.enable":             "true",
		"ignore.secure.ports.for.testing":           "true",
		"dfs.http.policy":                           "HTTP_ONLY",
		"dfs.data.transfer.protection":              o.DataProtection,
		"dfs.namenode.kerberos.principal":           "nn/localhost@" + Realm,
		"dfs.namenode.keytab.file":                  k.nodes,
		"dfs.datanode.kerberos.principal":           "dn/localhost@" + Realm,
		"dfs.datanode.keytab.file":                  k.nodes,
		"dfs.web.authentication.kerberos.principal": "HTTP/localhost@" + Realm,
		"dfs.web.authentication.kerberos.keytab":    k.nodes,
	}
}
