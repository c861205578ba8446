package hdfsbed

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

type properties map[string]string

// with returns p with others on top.
func (p properties) with(others ...properties) properties {
	all := maps.Clone(p)
	for _, o := range others {
		maps.Copy(all, o)
	}
	return all
}

// xml is p as Hadoop reads it.
func (p properties) xml() []byte {
	var b bytes.Buffer
	b.WriteString("<configuration>\n")
	for _, k := range slices.Sorted(maps.Keys(p)) {
		fmt.Fprintf(&b, "<property><name>%s</name><value>", k)
		xml.EscapeText(&b, []byte(p[k]))
		b.WriteString("</value></property>\n")
	}
	b.WriteString("</configuration>\n")
	return b.Bytes()
}

// writeConf writes the files that Hadoop looks for in a folder of configuration.
func writeConf(dir string, core, hdfs properties) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("testbed: hdfs configuration: %w", err)
	}
	for name, content := range map[string][]byte{"core-site.xml": core.xml(), "hdfs-site.xml": hdfs.xml()} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			return fmt.Errorf("testbed: hdfs configuration: %w", err)
		}
	}
	return nil
}

// writeNodeConf writes the configuration of nodes and tools as a jar: a JVM that is to use an archive of classes takes no folders on
// its classpath. Hadoop's own jars hold no web pages; empty folders are enough.
func writeNodeConf(jar string, core, hdfs properties) error {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range []struct {
		name    string
		content []byte
	}{
		{"core-site.xml", core.xml()}, {"hdfs-site.xml", hdfs.xml()}, {"log4j.properties", []byte(log4j)},
		{"webapps/", nil}, {"webapps/hdfs/", nil}, {"webapps/datanode/", nil}, {"webapps/journal/", nil},
	} {
		w, err := z.Create(f.name)
		if err == nil && f.content != nil {
			_, err = w.Write(f.content)
		}
		if err != nil {
			return fmt.Errorf("testbed: hdfs configuration: %w", err)
		}
	}
	if err := errors.Join(z.Close(), os.MkdirAll(filepath.Dir(jar), 0o755), os.WriteFile(jar, b.Bytes(), 0o644)); err != nil {
		return fmt.Errorf("testbed: hdfs configuration: %w", err)
	}
	return nil
}

// core is the content of core-site.xml for nodes and clients.
func (c *Cluster) core() properties {
	p := properties{"fs.defaultFS": "hdfs://" + c.authority}
	if c.opts.Kerberos {
		p["hadoop.security.authentication"] = "kerberos"
		p["hadoop.security.authorization"] = "true"
		p["hadoop.rpc.protection"] = c.opts.RPCProtection
	}
	return p
}

// coreOfNodes is the content of the nodes' core-site.xml.
func (c *Cluster) coreOfNodes() properties {
	p := c.core().with(properties{
		"hadoop.tmp.dir": filepath.Join(c.folder.Path, "data", "tmp"),
		// What a DataNode asks a NameNode that stands still, it asks the other after this, and not after two minutes.
		"ipc.client.rpc-timeout.ms": "10000",
		// Users need not exist on this machine.
		"hadoop.security.group.mapping":              "org.apache.hadoop.security.NullGroupsMapping",
		"hadoop.user.group.static.mapping.overrides": fmt.Sprintf("%s=supergroup;%s=%s;%s=%s;%s=", Superuser, User, Group, Colleague, Group, Stranger),
	})
	if c.opts.Kerberos {
		p["hadoop.security.auth_to_local"] = fmt.Sprintf("RULE:[2:$1/$2@$0]([nd]n/.*@%s)s/.*/%s/\nDEFAULT", Realm, Superuser)
	}
	if c.opts.Encryption {
		p["hadoop.security.key.provider.path"] = c.keyProvider()
	}
	return p
}

// nodes of this cluster in the words of hdfs-site.xml: where its NameNodes are.
func (c *Cluster) addresses() properties {
	if !c.opts.HA {
		return properties{"dfs.namenode.rpc-address": c.nameNodes[0].rpc, "dfs.namenode.http-address": c.nameNodes[0].http}
	}
	p := properties{"dfs.nameservices": Nameservice}
	rpc, http := make([]string, 2), make([]string, 2)
	for i, n := range c.nameNodes {
		rpc[i], http[i] = n.rpc, n.http
	}
	p.nameservice(Nameservice, rpc, http)
	return p
}

// nameservice describes two NameNodes.
func (p properties) nameservice(name string, rpc, http []string) {
	p["dfs.ha.namenodes."+name] = "nn1,nn2"
	p["dfs.client.failover.proxy.provider."+name] = "org.apache.hadoop.hdfs.server.namenode.ha.ConfiguredFailoverProxyProvider"
	for i := range rpc {
		p[fmt.Sprintf("dfs.namenode.rpc-address.%s.nn%d", name, i+1)] = rpc[i]
		p[fmt.Sprintf("dfs.namenode.http-address.%s.nn%d", name, i+1)] = http[i]
	}
}

// hdfs is what hdfs-site.xml of all nodes has in common.
func (c *Cluster) hdfs() properties {
	p := c.addresses().with(properties{
		"dfs.replication":                                           strconv.Itoa(c.opts.Replication),
		"dfs.blocksize":                                             strconv.FormatInt(c.opts.BlockSize, 10),
		"dfs.namenode.fs-limits.min-block-size":                     strconv.Itoa(MinBlockSize),
		"dfs.permissions.enabled":                                   "true",
		"dfs.permissions.superusergroup":                            "supergroup",
		"dfs.namenode.acls.enabled":                                 "true",
		"dfs.webhdfs.enabled":                                       "true",
		"dfs.namenode.redundancy.considerLoad":                      "false",
		"dfs.namenode.safemode.extension":                           "0",
		"dfs.namenode.handler.count":                                "8",
		"dfs.datanode.handler.count":                                "4",
		"dfs.datanode.max.transfer.threads":                         "256",
		"dfs.datanode.ipc.address":                                  c.host + ":0",
		"dfs.datanode.directoryscan.throttle.limit.ms.per.sec":      "1000",
		"dfs.client.block.write.replace-datanode-on-failure.policy": "NEVER",

		// NameNode and DataNodes share one address.
		"dfs.namenode.datanode.registration.ip-hostname-check": "false",

		// What takes minutes elsewhere happens within a test: lost DataNodes (14 s), leases that nobody renews (a minute).
		"dfs.heartbeat.interval":                   "1",
		"dfs.namenode.heartbeat.recheck-interval":  "2000",
		"dfs.namenode.redundancy.interval.seconds": "1s",
		"dfs.namenode.lease-hard-limit-sec":        "60",
	})
	if c.opts.HA {
		p = p.with(c.journal())
	}
	if c.opts.Kerberos {
		p = p.with(c.kerberos.properties(c.opts))
	}
	return p.with(c.opts.Properties)
}

func (c *Cluster) journal() properties {
	return properties{
		"dfs.namenode.shared.edits.dir":           c.sharedEdits(0),
		"dfs.ha.fencing.methods":                  "shell(/bin/true)",
		"dfs.ha.automatic-failover.enabled":       "false",
		"dfs.ha.nn.not-become-active-in-safemode": "false",
		"dfs.ha.tail-edits.period":                "1",
		"dfs.ha.log-roll.period":                  "5",
		// DataNodes that serve WebHDFS are clients of the NameNodes.
		"dfs.client.failover.sleep.base.millis": "100",
		"dfs.client.failover.sleep.max.millis":  "1000",
	}
}

// sharedEdits is where a NameNode, by its number, finds the journal; 0 is the JournalNodes themselves.
func (c *Cluster) sharedEdits(nameNode int) string {
	at := make([]string, len(c.journalNodes))
	for i, n := range c.journalNodes {
		at[i] = n.rpc
		if c.opts.Journal != nil && nameNode > 0 {
			at[i] = c.opts.Journal(nameNode, n.rpc)
		}
	}
	return "qjournal://" + strings.Join(at, ";") + "/" + Nameservice
}

// client is the content of clients' hdfs-site.xml, as an administrator hands it out.
func (c *Cluster) client() properties {
	p := c.addresses().with(properties{
		"dfs.replication": strconv.Itoa(c.opts.Replication),
		"dfs.blocksize":   strconv.FormatInt(c.opts.BlockSize, 10),
	})
	if c.opts.HA {
		p["dfs.nameservices"] = Elsewhere + "," + Nameservice
		p.nameservice(Elsewhere, c.nowhere[:2], c.nowhere[2:])
	}
	if c.opts.Kerberos {
		p = p.with(properties{
			"dfs.namenode.kerberos.principal": "nn/_HOST@" + Realm,
			"dfs.data.transfer.protection":    c.opts.DataProtection,
			"dfs.block.access.token.enable":   "true",
		})
	}
	return p
}

const log4j = `log4j.rootLogger=INFO,C
log4j.logger.org.apache.hadoop.hdfs.server.namenode.FSNamesystem.audit=WARN
log4j.logger.BlockStateChange=WARN
log4j.appender.C=org.apache.log4j.ConsoleAppender
log4j.appender.C.layout=org.apache.log4j.PatternLayout
log4j.appender.C.layout.ConversionPattern=%d{HH:mm:ss,SSS} %p %c{1}: %m%n
`
