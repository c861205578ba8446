// Package hdfsbed runs a real HDFS on loopback ports: NameNodes, DataNodes, JournalNodes, and a Kerberos of its own.
package hdfsbed

import "cmp"

// Options of a cluster. The zero value is one NameNode and one DataNode without security, permissions enforced.
type Options struct {
	DataNodes    int  // 0 means 1
	HA           bool // two NameNodes that share a journal, and are switched by hand (Failover)
	JournalNodes int  // with HA; 0 means 1

	// Journal is the address at which a NameNode, by its number, reaches a JournalNode, by its own address: that of something
	// between. nil is each JournalNode's own.
	Journal func(nameNode int, address string) string

	// Kerberos makes the cluster secure, with a KDC of its own. RPCProtection and DataProtection are authentication, integrity or
	// privacy; "" means authentication. It needs krb5-kdc and its tools.
	Kerberos       bool
	RPCProtection  string // hadoop.rpc.protection
	DataProtection string // dfs.data.transfer.protection

	// Encryption gives the NameNode a key store with the key EncryptionKey, for encryption zones.
	Encryption bool

	Replication int    // of new files, unless the client asks for another; 0 means 1 for fewer than three DataNodes, and 3
	BlockSize   int64  // of new files, in clients' hdfs-site.xml too; 0 means 64 MiB; at least MinBlockSize
	Heap        string // of each JVM; "" means 256m

	// Properties are added to each node's hdfs-site.xml, and win over the testbed's own.
	Properties map[string]string
}

// MinBlockSize is the smallest block size that the NameNode takes.
const MinBlockSize = 1 << 20

// The users of a cluster. Without Kerberos anybody may call himself anything; users that are not listed are in no group.
const (
	Superuser = "hdfs"    // the nodes' own, who may do everything
	User      = "shadoof" // in Group; owns the folders of NewFolder
	Colleague = "colleague"
	Stranger  = "stranger" // in no group
	Group     = "lake"     // of User and Colleague
)

// The name of an HA cluster. Clients' files also know Elsewhere, whose NameNodes do not exist.
const (
	Nameservice = "lake"
	Elsewhere   = "elsewhere"
)

// EncryptionKey is the key of a cluster with Encryption.
const EncryptionKey = "zone"

func (o Options) withDefaults() Options {
	o.DataNodes = cmp.Or(o.DataNodes, 1)
	if o.HA {
		o.JournalNodes = cmp.Or(o.JournalNodes, 1)
	} else {
		o.JournalNodes = 0
	}
	if o.Replication == 0 {
		o.Replication = 1
		if o.DataNodes >= 3 {
			o.Replication = 3
		}
	}
	o.BlockSize = cmp.Or(o.BlockSize, 64<<20)
	o.Heap = cmp.Or(o.Heap, "256m")
	o.RPCProtection = cmp.Or(o.RPCProtection, "authentication")
	o.DataProtection = cmp.Or(o.DataProtection, "authentication")
	return o
}

func (o Options) nameNodes() int {
	if o.HA {
		return 2
	}
	return 1
}
