package kafkabed

import (
	"os"
	"path/filepath"
	"strings"

	"shadoof/testbed/certs"
)

// The variables through which one process tells others of its cluster.
const (
	envBrokers = "SHADOOF_TESTBED_KAFKA"       // addresses of the plaintext listeners, with commas
	envCerts   = "SHADOOF_TESTBED_KAFKA_CERTS" // the folder of package certs
)

var envListeners = map[string]string{plaintext: envBrokers, saslSSL: envBrokers + "_SASL_SSL", saslPlaintext: envBrokers + "_SASL_PLAINTEXT", tlsListener: envBrokers + "_SSL"}

// Env is the cluster as variables of the environment, in the form name=value.
func (c *Cluster) Env() []string {
	var env []string
	for listener, name := range envListeners {
		if at := c.known[listener]; len(at) > 0 {
			env = append(env, name+"="+strings.Join(at, ","))
		}
	}
	if c.certs.CA != "" {
		env = append(env, envCerts+"="+filepath.Dir(c.certs.CA))
	}
	return env
}

// FromEnv is the cluster that the environment tells of.
func FromEnv() (*Cluster, bool) {
	if os.Getenv(envBrokers) == "" {
		return nil, false
	}
	c := &Cluster{known: make(map[string][]string)}
	for listener, name := range envListeners {
		if at := os.Getenv(name); at != "" {
			c.known[listener] = strings.Split(at, ",")
		}
	}
	if dir := os.Getenv(envCerts); dir != "" {
		c.certs = certs.In(dir)
	}
	return c, true
}
