// Package restarts_test has one run of the real binary outlast what operators do to clusters: all brokers, the S3 server, all DataNodes
// and the NameNodes are restarted one after the other. The run ends in exit 0, without a person, and what it lifted is exact. All of it
// takes minutes, and carries the build tag long. Tests here run one after the other: each has clusters of its own.
package restarts_test
