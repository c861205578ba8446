// Package kafkabed runs real Kafka brokers in KRaft mode on loopback ports.
package kafkabed

import "cmp"

// Options of a cluster. The zero value is one broker with a plaintext listener.
type Options struct {
	Nodes int    // each is broker and controller; 0 means 1
	Heap  string // of each node's JVM; "" means 256m

	// Secure adds listeners with SASL_SSL, SASL_PLAINTEXT and SSL. SASL knows SCRAM-SHA-256, SCRAM-SHA-512 and PLAIN for each of
	// Users. The SSL listener also takes client certificates, whose principal is the subject's common name ("User:CN=client").
	Secure bool

	// Authorize checks ACLs. Clients of the plaintext listener (User:ANONYMOUS) and User:admin may do everything; to others
	// everything is allowed on resources that no ACL names.
	Authorize bool

	// Apart gives each node a network of its own, with a cable that can be pulled (Node.Unplug). It needs root on Linux.
	Apart bool

	// Properties are added to each node's server.properties, and win over the testbed's own.
	Properties map[string]string

	jvm []string // further arguments of the JVM
}

// A User of the SASL listeners.
type User struct{ Name, Password string }

// Users are known to every secure cluster. Admin is a super user.
var (
	Admin = User{"admin", "admin-secret"}
	Alice = User{"alice", "alice-secret"}
	Bob   = User{"bob", "bob-secret"}
	Users = []User{Admin, Alice, Bob}
)

func (o Options) withDefaults() Options {
	o.Nodes = cmp.Or(o.Nodes, 1)
	o.Heap = cmp.Or(o.Heap, "256m")
	return o
}
