// Package hdfsfaults_test breaks name nodes and their journal while workers commit: fail-overs, kills, name nodes that hang, and
// journals that stall. All of it takes minutes, and carries the build tag long. Tests here run one after the other: each has a cluster
// of its own.
package hdfsfaults_test
