package config

import (
	"io/fs"
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
