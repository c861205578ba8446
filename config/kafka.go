package config

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

// A Registry is a schema registry.
type Registry struct {
	URL          string
	Username     string
	Password     Secret
	PasswordFile string
	CAFile       string
}

// Admin is the HTTP server of serve.
type Admin struct {
	Listen    string
	TokenFile string
}
