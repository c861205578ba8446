package config

import (
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Kafka says how to reach the cluster.
type Kafka struct {
	Brokers   []string // host:port
	ClientID  string
	TLS       TLS
	SASL      SASL
	Isolation Isolation
}

// An Isolation is which records a reader is entitled to.
type Isolation string

const (
	ReadCommitted   Isolation = "read_committed"
	ReadUncommitted Isolation = "read_uncommitted"
)

// TLS of connections to brokers. File names are absolute.
type TLS struct {
	Enabled    bool
	CAFile     string
	CertFile   string
	KeyFile    string
	ServerName string
}

// SASL says who we are to the brokers.
type SASL struct {
	Mechanism    string // "", PLAIN, SCRAM-SHA-256, SCRAM-SHA-512
	Username     string
	Password     Secret // also when it was read from PasswordFile
	PasswordFile string
}

// A Registry is a schema registry. File names are absolute.
type Registry struct {
	URLs         []string // tried in turn; none: there is no registry
	Username     string
	Password     Secret // also when it was read from PasswordFile
	PasswordFile string
	CAFile       string
	CertFile     string
	KeyFile      string
	Timeout      time.Duration // how long a run waits for one answer while the registry is down
}

func (d *document) kafka(m *mapping) Kafka {
	k := Kafka{
		Brokers:   m.brokers(),
		ClientID:  m.text("client_id", "shadoof"),
		TLS:       d.tls(m.section("tls")),
		SASL:      d.sasl(m.section("sasl")),
		Isolation: Isolation(m.choice("isolation", string(ReadCommitted), string(ReadCommitted), string(ReadUncommitted))),
	}
	if k.ClientID == "" {
		m.reject("client_id", "is empty")
	}
	return k
}

// brokers reads the list of brokers, or one value with commas, which is how it comes from a variable of the environment.
func (m *mapping) brokers() []string {
	n, w, ok := m.lookup("brokers")
	if !ok {
		m.reject("brokers", "is missing: name at least one broker, such as [kafka-1:9092]")
		return nil
	}
	var items []item
	if n.Tag == "!!str" {
		if s, ok := m.scalar("brokers"); ok {
			for part := range strings.SplitSeq(s, ",") {
				items = append(items, item{strings.TrimSpace(part), w})
			}
		}
	} else {
		before := len(m.d.problems)
		items = m.list("brokers")
		if len(items) == 0 && len(m.d.problems) == before {
			m.d.report(w, "is empty: name at least one broker, such as [kafka-1:9092]")
		}
	}
	var brokers []string
	for _, it := range items {
		if b, ok := broker(it.text); ok {
			brokers = append(brokers, b)
		} else {
			m.d.report(it.where, "%q is not of the form host:port", clip(it.text))
		}
	}
	return brokers
}

func broker(s string) (string, bool) {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		host, port = s, "9092"
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 || host == "" || strings.ContainsAny(host, " /@,") || strings.Contains(host, ":") && net.ParseIP(host) == nil {
		return "", false
	}
	return net.JoinHostPort(host, port), true
}

func (d *document) tls(m *mapping) TLS {
	t := TLS{
		Enabled:    m.boolean("enabled", false),
		CAFile:     m.file("ca_file"),
		CertFile:   m.file("cert_file"),
		KeyFile:    m.file("key_file"),
		ServerName: m.text("server_name", ""),
	}
	if !t.Enabled {
		for _, key := range []string{"ca_file", "cert_file", "key_file", "server_name"} {
			if m.text(key, "") != "" {
				m.reject(key, "has no effect while tls.enabled is false")
			}
		}
	}
	m.tlsFiles(t.CAFile, t.CertFile, t.KeyFile)
	return t
}

func (d *document) sasl(m *mapping) SASL {
	mechanism := m.text("mechanism", "")
	switch strings.ToUpper(mechanism) {
	case "AWS_MSK_IAM", "OAUTHBEARER", "GSSAPI":
		m.reject("mechanism", "%s is not built yet: PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512 are", mechanism)
		mechanism = ""
	default:
		mechanism = m.choice("mechanism", "", "", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
	}
	s := SASL{Mechanism: mechanism, Username: m.text("username", "")}
	s.Password, s.PasswordFile = m.secret("password")
	switch {
	case s.Mechanism == "" && !m.has("mechanism") && (s.Username != "" || s.Password != ""):
		m.d.report(m.where, "username and password need a mechanism: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512")
	case s.Mechanism != "" && s.Username == "":
		m.reject("username", "is missing: %s needs it", s.Mechanism)
	case s.Mechanism != "" && s.Password == "" && s.PasswordFile == "":
		m.reject("password", "is missing: %s needs password or password_file", s.Mechanism)
	}
	return s
}

func (d *document) registry(m *mapping) Registry {
	r := Registry{Username: m.text("username", ""), CAFile: m.file("ca_file"), CertFile: m.file("cert_file"), KeyFile: m.file("key_file"),
		Timeout: m.duration("timeout", 30*time.Second, time.Millisecond)}
	r.Password, r.PasswordFile = m.secret("password")
	for part := range strings.SplitSeq(m.text("url", ""), ",") {
		part = strings.TrimRight(strings.TrimSpace(part), "/")
		if part == "" {
			continue
		}
		u, err := url.Parse(part)
		switch {
		case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.Fragment != "":
			m.reject("url", "%q is not a URL such as https://registry:8081", clip(part))
		case u.User != nil:
			m.reject("url", "holds a user name: write registry.username and registry.password, which never print")
		default:
			r.URLs = append(r.URLs, part)
		}
	}
	if (r.Password != "" || r.PasswordFile != "") && r.Username == "" {
		m.reject("password", "needs a username")
	}
	m.tlsFiles(r.CAFile, r.CertFile, r.KeyFile)
	d.registered = len(r.URLs) > 0
	return r
}
