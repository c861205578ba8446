package config

import (
	"io/fs"
	"strconv"
	"strings"
)

// HDFS are settings of an HDFS store. What they leave open comes from Hadoop's own configuration and environment.
type HDFS struct {
	ConfDir     string // folder of core-site.xml and hdfs-site.xml; "": HADOOP_CONF_DIR
	User        string // without Kerberos; "": HADOOP_USER_NAME
	Replication int
	Group       string // of files and folders; "": the group of the folder they are made in
	FileMode    fs.FileMode
	DirMode     fs.FileMode
	Staging     string // root, topic
	Kerberos    Kerberos
}

// StageInTopic says whether files are staged within the folder of their topic instead of under the root.
func (h HDFS) StageInTopic() bool { return h.Staging == "topic" }

// Kerberos is who we are to HDFS. Without a keytab it is the owner of the ticket cache.
type Kerberos struct {
	Principal string
	Keytab    string
	Krb5Conf  string // "": KRB5_CONFIG, or /etc/krb5.conf
}

func (d *document) hdfs(m *mapping, scheme string) HDFS {
	k := m.section("kerberos")
	h := HDFS{
		ConfDir:     m.dir("conf_dir"),
		User:        m.text("user", ""),
		Replication: int(m.integer("replication", 3, 1, 512)),
		Group:       m.text("group", ""),
		FileMode:    m.mode("file_mode", 0o644, 0o600),
		DirMode:     m.mode("dir_mode", 0o755, 0o700),
		Staging:     m.choice("staging", "root", "root", "topic"),
		Kerberos: Kerberos{
			Principal: k.text("principal", ""),
			Keytab:    k.file("keytab"),
			Krb5Conf:  k.file("krb5_conf"),
		},
	}
	if h.Kerberos.Keytab != "" && h.Kerberos.Principal == "" {
		k.reject("principal", "is missing: it says whose key in the keytab is used, such as shadoof/host@EXAMPLE.COM")
	}
	if h.Kerberos.Keytab == "" && h.Kerberos.Principal != "" {
		k.reject("principal", "has no effect without keytab: a ticket cache (KRB5CCNAME) knows its own principal")
	}
	if h.Kerberos.Keytab != "" && h.User != "" {
		m.reject("user", "has no effect with Kerberos: the name node goes by the principal")
	}
	if scheme != "hdfs" && scheme != "" && h != (HDFS{Replication: 3, FileMode: 0o644, DirMode: 0o755, Staging: "root"}) {
		m.d.report(m.where, "has no effect: store.url is not an hdfs:// URL")
	}
	return h
}

// mode reads permissions in octal, as chmod takes them. least are those that shadoof itself needs.
func (m *mapping) mode(key string, unset, least fs.FileMode) fs.FileMode {
	s, ok := m.scalar(key)
	if !ok {
		return unset
	}
	n, err := strconv.ParseUint(strings.TrimPrefix(s, "0o"), 8, 32)
	if err != nil || n > 0o777 {
		m.reject(key, "%q is not a mode such as %04o", clip(s), unset)
		return unset
	}
	if fs.FileMode(n)&least != least {
		m.reject(key, "%q locks shadoof itself out: its owner needs %04o", clip(s), least)
	}
	return fs.FileMode(n)
}
