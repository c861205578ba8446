package hdfsbed

import (
	"os"
	"strings"
)

// The variables through which one process tells others of its cluster.
const (
	envAuthority = "SHADOOF_TESTBED_HDFS"
	envHTTP      = "SHADOOF_TESTBED_HDFS_HTTP" // addresses of the NameNodes' pages, with commas
	envRPC       = "SHADOOF_TESTBED_HDFS_RPC"  // addresses of the NameNodes, with commas
	envConf      = "SHADOOF_TESTBED_HDFS_CONF" // the folder of clients' configuration
)

// Env is the cluster as variables of the environment, in the form name=value.
func (c *Cluster) Env() []string {
	var rpc, http []string
	for _, n := range c.nameNodes {
		rpc, http = append(rpc, n.rpc), append(http, n.http)
	}
	return []string{envAuthority + "=" + c.authority, envHTTP + "=" + strings.Join(http, ","), envRPC + "=" + strings.Join(rpc, ","), envConf + "=" + c.conf}
}

// FromEnv is the cluster that the environment tells of.
func FromEnv() (*Cluster, bool) {
	authority := os.Getenv(envAuthority)
	if authority == "" {
		return nil, false
	}
	c := &Cluster{authority: authority, conf: os.Getenv(envConf)}
	http := strings.Split(os.Getenv(envHTTP), ",")
	for i, rpc := range strings.Split(os.Getenv(envRPC), ",") {
		c.nameNodes = append(c.nameNodes, &Node{name: "nn" + string(rune('1'+i)), rpc: rpc, http: http[i]})
	}
	return c, true
}
