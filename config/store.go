package config

import (
	"io/fs"
	"net/url"
	"path"
	"strconv"
	"strings"
)

// A Store says where files and the commit log live.
type Store struct {
	URL    string // as it was written, without a slash at its end
	Scheme string // file, s3
	Bucket string // s3
	Path   string // file: an absolute path; s3: the prefix of keys, without slashes at its ends
	S3     S3
	HDFS   HDFS
}

// S3 are settings of an S3 store. Credentials come from the SDK's default chain.
type S3 struct {
	Endpoint     string
	Region       string
	PathStyle    bool
	StorageClass string
	SSE          string
	KMSKey       string
	ACL          string
}

// HDFS are settings of an HDFS store.
type HDFS struct {
	ConfDir     string
	User        string
	Replication int
	Group       string
	FileMode    fs.FileMode
	DirMode     fs.FileMode
	Staging     string // root, topic
	Kerberos    Kerberos
}

// Kerberos is who we are to HDFS.
type Kerberos struct {
	Principal string
	Keytab    string
	Krb5Conf  string
}

func (d *document) store(m *mapping) Store {
	var s Store
	s.url(m)
	s.S3 = d.s3(m.section("s3"), s.Scheme)
	s.HDFS = d.hdfs(m.section("hdfs"))
	return s
}

func (s *Store) url(m *mapping) {
	text, ok := m.scalar("url")
	if !ok || text == "" {
		m.reject("url", "is missing: say where files go, such as file:///data/lake or s3://bucket/prefix")
		return
	}
	u, err := url.Parse(text)
	if err != nil {
		m.reject("url", "%q is not a URL", clip(text))
		return
	}
	if u.RawQuery != "" || u.Fragment != "" || u.User != nil || u.Opaque != "" || u.ForceQuery {
		m.reject("url", "%q has more than a scheme, a place and a path", clip(text))
		return
	}
	s.URL, s.Scheme = strings.TrimRight(text, "/"), u.Scheme
	switch u.Scheme {
	case "file":
		if u.Host != "" || !strings.HasPrefix(u.Path, "/") || path.Clean(u.Path) == "/" {
			m.reject("url", "%q is not of the form file:///absolute/path", clip(text))
		}
		s.Path = path.Clean(u.Path)
	case "s3":
		s.Bucket, s.Path = u.Host, strings.Trim(u.Path, "/")
		if s.Bucket == "" {
			m.reject("url", "%q is not of the form s3://bucket/prefix", clip(text))
		}
		if s.Path != "" && path.Clean(s.Path) != s.Path {
			m.reject("url", "%q has an empty or dotted part in its path", clip(text))
		}
	case "hdfs":
		m.reject("url", "HDFS is not built yet: file:// and s3:// are")
	case "":
		m.reject("url", "%q has no scheme: file:///absolute/path or s3://bucket/prefix", clip(text))
	default:
		m.reject("url", "%q is no scheme of a store: file:// and s3:// are", clip(u.Scheme))
	}
}

func (d *document) s3(m *mapping, scheme string) S3 {
	s := S3{
		Endpoint:     m.text("endpoint", ""),
		Region:       m.text("region", ""),
		PathStyle:    m.boolean("path_style", false),
		StorageClass: m.text("storage_class", ""),
		SSE:          m.choice("sse", "", "", "AES256", "aws:kms", "aws:kms:dsse"),
		KMSKey:       m.text("kms_key", ""),
		ACL: m.choice("acl", "", "", "private", "public-read", "public-read-write", "authenticated-read", "aws-exec-read",
			"bucket-owner-read", "bucket-owner-full-control"),
	}
	if s.Endpoint != "" {
		u, err := url.Parse(s.Endpoint)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			m.reject("endpoint", "%q is not of the form https://host:port", clip(s.Endpoint))
		}
	}
	if s.KMSKey != "" && !strings.HasPrefix(s.SSE, "aws:kms") {
		m.reject("kms_key", "has no effect unless sse is aws:kms or aws:kms:dsse")
	}
	if scheme != "s3" && scheme != "" && s != (S3{}) {
		m.d.report(m.where, "has no effect: store.url is not an s3:// URL")
	}
	return s
}

func (d *document) hdfs(m *mapping) HDFS {
	k := m.section("kerberos")
	h := HDFS{
		ConfDir:     m.text("conf_dir", ""),
		User:        m.text("user", ""),
		Replication: int(m.integer("replication", 3, 1, 512)),
		Group:       m.text("group", ""),
		FileMode:    m.mode("file_mode", 0o644),
		DirMode:     m.mode("dir_mode", 0o755),
		Staging:     m.choice("staging", "root", "root", "topic"),
		Kerberos: Kerberos{
			Principal: k.text("principal", ""),
			Keytab:    k.text("keytab", ""),
			Krb5Conf:  k.text("krb5_conf", ""),
		},
	}
	if h != (HDFS{Replication: 3, FileMode: 0o644, DirMode: 0o755, Staging: "root"}) {
		m.d.report(m.where, "HDFS is not built yet: leave this section out")
	}
	return h
}

// mode reads permissions in octal, as chmod takes them.
func (m *mapping) mode(key string, unset fs.FileMode) fs.FileMode {
	s, ok := m.scalar(key)
	if !ok {
		return unset
	}
	n, err := strconv.ParseUint(strings.TrimPrefix(s, "0o"), 8, 32)
	if err != nil || n > 0o777 {
		m.reject(key, "%q is not a mode such as 0644", clip(s))
		return unset
	}
	return fs.FileMode(n)
}
