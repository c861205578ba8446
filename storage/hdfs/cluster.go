package hdfs

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/user"
	"slices"
	"strings"

	"shadoof/storage"
)

// A cluster is what the configuration says of the nameservice of a URL.
type cluster struct {
	name        string   // nameservice, or host and port
	addresses   []string // of its name nodes, and of no other nameservice's
	user        string   // without Kerberos
	kerberos    bool
	principal   string // of the name nodes, such as nn/_HOST@REALM
	protection  string // of data transfer: "" or authentication
	hostnames   bool   // data nodes are asked by name, not by address
	synconclose string // what the client's configuration says of dfs.datanode.synconclose; "" is nothing
	values      map[string]string
}

const defaultPort = "8020"

// cluster finds out what the URL's authority means.
func (c *conf) cluster(ctx context.Context, o Options) (cluster, error) {
	out := cluster{
		hostnames: c.is("dfs.client.use.datanode.hostname", "true"), synconclose: c.get("dfs.datanode.synconclose"), values: c.values,
	}
	var err error
	if out.name, err = c.authority(o.Authority); err != nil {
		return out, err
	}
	if out.addresses, err = c.addresses(ctx, out.name); err != nil {
		return out, err
	}
	if err := c.security(&out, o); err != nil {
		return out, err
	}
	if c.is("dfs.ha.allow.stale.reads", "true") {
		return out, fmt.Errorf("%s sets dfs.ha.allow.stale.reads, by which a standby name node answers from an old state: %w: remove it", c.files["dfs.ha.allow.stale.reads"], storage.ErrUnfit)
	}
	return out, nil
}

// authority is that of the URL, or of the default file system.
func (c *conf) authority(given string) (string, error) {
	if given != "" {
		return given, nil
	}
	for _, key := range []string{"fs.defaultFS", "fs.default.name"} {
		value := c.get(key)
		if value == "" {
			continue
		}
		u, err := url.Parse(value)
		if err != nil || u.Scheme != "hdfs" || u.Host == "" {
			return "", fmt.Errorf("%s is %q in %s, which is no hdfs:// URL: name the cluster in store.url, as in hdfs://nameservice/folder", key, value, c.files[key])
		}
		return u.Host, nil
	}
	return "", fmt.Errorf("the URL names no cluster, and there is no fs.defaultFS in %s", c.where("fs.defaultFS", "core-site.xml"))
}

// addresses are the name nodes of a nameservice, or the one host of the URL.
func (c *conf) addresses(ctx context.Context, name string) ([]string, error) {
	if ids := c.list("dfs.ha.namenodes." + name); len(ids) > 0 {
		var found []string
		for _, id := range ids {
			key := "dfs.namenode.rpc-address." + name + "." + id
			address := c.get(key)
			if address == "" {
				return nil, fmt.Errorf("%s is missing in %s, although dfs.ha.namenodes.%s names %s", key, c.where(key, "hdfs-site.xml"), name, id)
			}
			if err := checkAddress(key, address, c.files[key]); err != nil {
				return nil, err
			}
			found = append(found, withPort(address))
		}
		return found, nil
	}
	key := "dfs.namenode.rpc-address." + name
	if address := c.get(key); address != "" {
		return []string{withPort(address)}, checkAddress(key, address, c.files[key])
	}
	services := c.list("dfs.nameservices")
	if slices.Contains(services, name) {
		return nil, fmt.Errorf("%s lists the nameservice %s, but neither dfs.ha.namenodes.%s nor %s is there", c.files["dfs.nameservices"], name, name, key)
	}
	if _, _, err := net.SplitHostPort(name); err == nil {
		return []string{name}, nil
	}
	// A name without a port is a host, or a nameservice that the configuration does not know.
	if _, err := net.DefaultResolver.LookupHost(ctx, strings.Trim(name, "[]")); err != nil {
		known := "no dfs.nameservices"
		if len(services) > 0 {
			known = "dfs.nameservices " + strings.Join(services, ",")
		}
		return nil, fmt.Errorf("%q is no host (%w) and no nameservice of %s, which has %s", name, err, c.where("dfs.nameservices", "hdfs-site.xml"), known)
	}
	return []string{withPort(name)}, nil
}

func withPort(address string) string {
	if _, _, err := net.SplitHostPort(address); err == nil {
		return address
	}
	return net.JoinHostPort(strings.Trim(address, "[]"), defaultPort)
}

func checkAddress(key, address, file string) error {
	if host, _, err := net.SplitHostPort(withPort(address)); err != nil || host == "" || strings.ContainsAny(address, "/ $") {
		return fmt.Errorf("%s is %q in %s, which is no host:port", key, address, file)
	}
	return nil
}

// security says who we are, and refuses what the client cannot read.
func (c *conf) security(out *cluster, o Options) error {
	const mode, principal = "hadoop.security.authentication", "dfs.namenode.kerberos.principal"
	switch {
	case c.is(mode, "kerberos"), o.Kerberos.Keytab != "":
		out.kerberos = true
		if out.principal = c.get(principal); out.principal == "" {
			return fmt.Errorf("kerberos needs %s, which is missing in %s", principal, c.where(principal, "hdfs-site.xml"))
		}
	default:
		name, err := userName(o.User)
		if err != nil {
			return err
		}
		out.user = name
	}
	if c.is("dfs.encrypt.data.transfer", "true") {
		return protected("dfs.encrypt.data.transfer", "true", c.files["dfs.encrypt.data.transfer"])
	}
	const transfer = "dfs.data.transfer.protection"
	levels := c.list(transfer)
	if !out.kerberos || len(levels) == 0 {
		return nil // Hadoop heeds it with Kerberos only
	}
	if !slices.ContainsFunc(levels, func(l string) bool { return strings.EqualFold(l, "authentication") }) {
		return protected(transfer, c.get(transfer), c.files[transfer])
	}
	out.protection = "authentication"
	return nil // what hadoop.rpc.protection asks for, the client does
}

// protected is the error of a cluster whose wire this client can write to, but not read from.
func protected(key, value, file string) error {
	return fmt.Errorf("%w: %s is %q in %s: this client can write protected data, but cannot read it back: allow the level authentication for it (\"authentication,%s\"), on the data nodes too, or write through a gateway such as HttpFS with another tool",
		storage.ErrUnfit, key, value, file, value)
}

func userName(given string) (string, error) {
	if given != "" {
		return given, nil
	}
	if name := os.Getenv("HADOOP_USER_NAME"); name != "" {
		return name, nil
	}
	u, err := user.Current()
	if err != nil || u.Username == "" {
		return "", fmt.Errorf("the user of this process has no name (%v): set store.hdfs.user or HADOOP_USER_NAME", err)
	}
	return u.Username, nil
}
