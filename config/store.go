package config

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"strings"
)

// A Store says where files and the commit log live.
type Store struct {
	URL    string // as it was written, without a slash at its end
	Scheme string // file, s3, hdfs
	Bucket string // s3
	Name   string // hdfs: a nameservice, or host:port of a name node; "" is what the cluster's configuration has as its default
	Path   string // file, hdfs: an absolute path; s3: the prefix of keys, without slashes at its ends
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

func (d *document) store(m *mapping) Store {
	var s Store
	s.url(m)
	s.S3 = d.s3(m.section("s3"), s.Scheme)
	s.HDFS = d.hdfs(m.section("hdfs"), s.Scheme)
	return s
}

func (s *Store) url(m *mapping) {
	text, ok := m.scalar("url")
	if !ok || text == "" {
		m.reject("url", "is missing: say where files go, such as file:///data/lake, s3://bucket/prefix or hdfs://nameservice/path")
		return
	}
	for _, problem := range s.locate(text) {
		m.reject("url", "%s", problem)
	}
}

// At is the store at another URL, with the same options of its kind.
func (s Store) At(text string) (Store, error) {
	other := Store{S3: s.S3, HDFS: s.HDFS}
	if problems := other.locate(text); len(problems) > 0 {
		return other, errors.New(strings.Join(problems, "; "))
	}
	if other.Scheme != s.Scheme && other.Scheme == "hdfs" {
		return other, fmt.Errorf("%s: the options of HDFS are those of the configuration's store, which is %s: use a configuration whose store.url is on HDFS", text, s.URL)
	}
	return other, nil
}

// locate takes a URL apart, and says what is wrong with it.
func (s *Store) locate(text string) (problems []string) {
	wrong := func(format string, args ...any) []string { return append(problems, fmt.Sprintf(format, args...)) }
	u, err := url.Parse(text)
	if err != nil {
		return wrong("%q is not a URL", clip(text))
	}
	if u.User != nil {
		return wrong("holds a user name: credentials do not belong into a URL, which prints")
	}
	if u.RawQuery != "" || u.Fragment != "" || u.Opaque != "" || u.ForceQuery {
		return wrong("%q has more than a scheme, a place and a path", clip(text))
	}
	s.URL, s.Scheme = strings.TrimRight(text, "/"), u.Scheme
	switch u.Scheme {
	case "file":
		if u.Host != "" || !strings.HasPrefix(u.Path, "/") || path.Clean(u.Path) == "/" {
			problems = wrong("%q is not of the form file:///absolute/path", clip(text))
		}
		s.Path = path.Clean(u.Path)
	case "s3":
		s.Bucket, s.Path = u.Host, strings.Trim(u.Path, "/")
		if s.Bucket == "" {
			problems = wrong("%q is not of the form s3://bucket/prefix", clip(text))
		}
		if s.Path != "" && path.Clean(s.Path) != s.Path {
			problems = wrong("%q has an empty or dotted part in its path", clip(text))
		}
	case "hdfs":
		if path.Clean(u.Path) != strings.TrimRight(u.Path, "/") {
			problems = wrong("%q is not of the form hdfs://nameservice/path or hdfs://namenode:8020/path", clip(text))
		} else if strings.Contains(u.Path, ":") {
			problems = wrong("%q has a colon in its path, which HDFS refuses", clip(text))
		}
		s.Name, s.Path = u.Host, path.Clean(u.Path)
	case "":
		problems = wrong("%q has no scheme: file:///absolute/path, s3://bucket/prefix or hdfs://nameservice/path", clip(text))
	default:
		problems = wrong("%q is no scheme of a store: file://, s3:// and hdfs:// are", clip(u.Scheme))
	}
	return problems
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
		switch {
		case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.Fragment != "":
			m.reject("endpoint", "%q is not of the form https://host:port", clip(s.Endpoint))
		case u.User != nil:
			m.reject("endpoint", "holds a user name: credentials come from the environment, the profile, or the machine's role")
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
