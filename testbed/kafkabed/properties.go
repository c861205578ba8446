package kafkabed

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// The names of the listeners are those of their security protocols.
const (
	plaintext     = "PLAINTEXT"
	saslSSL       = "SASL_SSL"
	saslPlaintext = "SASL_PLAINTEXT"
	tlsListener   = "SSL"
	controller    = "CONTROLLER"
)

// listeners in the order of a node's ports.
func (o Options) listeners() []string {
	l := []string{plaintext, controller}
	if o.Secure {
		l = append(l, saslSSL, saslPlaintext, tlsListener)
	}
	return l
}

const jaas = "org.apache.kafka.common.security."

// properties is the content of a node's server.properties.
func (c *Cluster) properties(n *Node) string {
	replicas, inSync := "1", "1"
	if len(c.nodes) >= 3 {
		replicas, inSync = "3", "2"
	}
	p := map[string]string{
		"process.roles":                    "broker,controller",
		"node.id":                          strconv.Itoa(n.id),
		"controller.quorum.voters":         c.voters(),
		"controller.listener.names":        controller,
		"inter.broker.listener.name":       plaintext,
		"listener.security.protocol.map":   "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SSL:SSL",
		"log.dirs":                         n.data(),
		"num.partitions":                   "1",
		"auto.create.topics.enable":        "false",
		"group.initial.rebalance.delay.ms": "0",

		"default.replication.factor":                                  replicas,
		"min.insync.replicas":                                         inSync,
		"offsets.topic.replication.factor":                            replicas,
		"offsets.topic.num.partitions":                                "4",
		"transaction.state.log.replication.factor":                    replicas,
		"transaction.state.log.min.isr":                               inSync,
		"transaction.state.log.num.partitions":                        "4",
		"share.coordinator.state.topic.replication.factor":            replicas,
		"share.coordinator.state.topic.min.isr":                       inSync,
		"transaction.abort.timed.out.transaction.cleanup.interval.ms": "1000",

		// Retention, deletion and compaction happen within a test, not within minutes.
		"log.retention.check.interval.ms": "1000",
		"log.segment.delete.delay.ms":     "500",
		"log.initial.task.delay.ms":       "1000",
		"log.cleaner.backoff.ms":          "200",
		"log.cleaner.dedupe.buffer.size":  "4194304",

		"broker.session.timeout.ms":    "3000",
		"broker.heartbeat.interval.ms": "500",

		// Memory and threads for tests.
		"num.network.threads":               "2",
		"num.io.threads":                    "4",
		"background.threads":                "2",
		"num.recovery.threads.per.data.dir": "1",
	}
	var listen, advertise []string
	for i, name := range c.opts.listeners() {
		at := name + "://" + n.at(i)
		listen = append(listen, at)
		if name != controller {
			advertise = append(advertise, at)
		}
	}
	p["listeners"] = strings.Join(listen, ",")
	p["advertised.listeners"] = strings.Join(advertise, ",")
	if c.opts.Secure {
		c.secure(p)
	}
	if c.opts.Authorize {
		p["authorizer.class.name"] = "org.apache.kafka.metadata.authorizer.StandardAuthorizer"
		p["super.users"] = "User:ANONYMOUS;User:" + Admin.Name
		p["allow.everyone.if.no.acl.found"] = "true"
	}
	maps.Copy(p, c.opts.Properties)
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(p)) {
		fmt.Fprintf(&b, "%s=%s\n", k, p[k])
	}
	return b.String()
}

func (c *Cluster) secure(p map[string]string) {
	p["sasl.enabled.mechanisms"] = "SCRAM-SHA-256,SCRAM-SHA-512,PLAIN"
	p["ssl.keystore.type"] = "PEM"
	p["ssl.keystore.location"] = c.certs.ServerPEM
	p["ssl.truststore.type"] = "PEM"
	p["ssl.truststore.location"] = c.certs.CA
	p["listener.name.ssl.ssl.client.auth"] = "requested"
	var plain strings.Builder
	for _, u := range Users {
		fmt.Fprintf(&plain, " user_%s=\"%s\"", u.Name, u.Password)
	}
	for _, l := range []string{"sasl_ssl", "sasl_plaintext"} {
		p["listener.name."+l+".plain.sasl.jaas.config"] = jaas + "plain.PlainLoginModule required" + plain.String() + ";"
		for _, m := range []string{"scram-sha-256", "scram-sha-512"} {
			p["listener.name."+l+"."+m+".sasl.jaas.config"] = jaas + "scram.ScramLoginModule required;"
		}
	}
}

func (c *Cluster) voters() string {
	v := make([]string, len(c.nodes))
	for i, n := range c.nodes {
		v[i] = fmt.Sprintf("%d@%s", n.id, n.at(1))
	}
	return strings.Join(v, ",")
}

const log4j = `status=error
appender.c.type=Console
appender.c.name=C
appender.c.layout.type=PatternLayout
appender.c.layout.pattern=%d{HH:mm:ss.SSS} %p %c{1} %m%n
rootLogger.level=info
rootLogger.appenderRef.c.ref=C
`
