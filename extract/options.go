package extract

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// Options say how to reach a cluster and how to read from it.
type Options struct {
	Brokers  []string // host:port of any brokers; the others are found through them
	ClientID string   // what brokers log and what quotas apply to; "shadoof" when empty
	TLS      TLS
	SASL     SASL

	ReadCommitted bool          // records of aborted and of open transactions are not read; ranges end at the last stable offset
	FetchBytes    int32         // per fetch of a partition, at least 1 MiB, which is also the default; a larger record batch is read all the same
	MaxBatch      int64         // bytes that a record batch may become when it is decompressed; 256 MiB when zero
	MaxWait       time.Duration // how long a broker may hold back an answer that would be empty; 250 ms when zero

	// Patience bounds the wait for a cluster that has never answered, and how long Describe asks for a partition without a
	// leader; 15 s when zero. Once a broker has answered, an outage is waited out until the context ends.
	Patience time.Duration

	Logger  *slog.Logger // nil discards
	Traffic Traffic      // nil: nobody

	// Dialer opens connections to brokers; nil is net.Dialer with a timeout of 5 s. TLS, when enabled, is put on top of it.
	Dialer func(ctx context.Context, network, address string) (net.Conn, error)
}

// TLS names the files of certificates. Empty names leave the defaults of the system.
type TLS struct {
	Enabled    bool
	CAFile     string // PEM; the authorities that signed the brokers' certificates
	CertFile   string // PEM; the client's certificate, together with KeyFile
	KeyFile    string
	ServerName string // in the brokers' certificates; the host that is dialled when empty
}

// SASL is how the client proves who it is. An empty mechanism is none.
type SASL struct {
	Mechanism string // PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512
	Username  string
	Password  string
}

const (
	minFetchBytes = 1 << 20

	// Larger answers are refused. A length with the first bytes of a TLS alert or of an HTTP answer is above it, so that a
	// wrong port is an error at once.
	maxAnswerBytes = 256 << 20

	dialTimeout = 5 * time.Second
)

// withDefaults fills in what was left empty, and reports everything that is wrong.
func (o Options) withDefaults() (Options, error) {
	var wrong []error
	if len(o.Brokers) == 0 {
		wrong = append(wrong, errors.New("no brokers given"))
	}
	for _, b := range o.Brokers {
		if _, _, err := net.SplitHostPort(b); err != nil {
			wrong = append(wrong, fmt.Errorf("broker %q: want host:port", b))
		}
	}
	if o.FetchBytes == 0 {
		o.FetchBytes = minFetchBytes
	}
	if o.MaxBatch <= 0 {
		o.MaxBatch = defaultMaxBatch
	}
	if o.FetchBytes < minFetchBytes || o.FetchBytes > maxAnswerBytes/2 {
		wrong = append(wrong, fmt.Errorf("fetch of %d bytes per partition: want %d to %d", o.FetchBytes, minFetchBytes, maxAnswerBytes/2))
	}
	if !o.TLS.Enabled && o.TLS != (TLS{}) {
		wrong = append(wrong, errors.New("tls files are given, but tls is not enabled"))
	}
	if o.SASL.Mechanism == "" && o.SASL != (SASL{}) {
		wrong = append(wrong, errors.New("a sasl username or password is given, but no mechanism"))
	}
	if o.SASL.Mechanism != "" && o.SASL.Username == "" {
		wrong = append(wrong, errors.New("sasl without a username"))
	}
	if o.ClientID == "" {
		o.ClientID = "shadoof"
	}
	if o.MaxWait <= 0 {
		o.MaxWait = 250 * time.Millisecond
	}
	if o.Patience <= 0 {
		o.Patience = 15 * time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Dialer == nil {
		o.Dialer = (&net.Dialer{Timeout: dialTimeout}).DialContext
	}
	return o, errors.Join(wrong...)
}

// shortMemory is how long the client keeps what it was told of topics. Nothing here comes from what it keeps, and it goes through all of
// that at each answer: with a thousand topics that took more time than the answers.
const shortMemory = 100 * time.Millisecond

// client builds the client of the library. It connects to nothing yet.
func (o Options) client(hooks ...kgo.Hook) (*kgo.Client, error) {
	dial := o.Dialer
	if o.Traffic != nil {
		hooks = append(hooks, traffic{o.Traffic})
	}
	if o.TLS.Enabled {
		config, err := o.TLS.config()
		if err != nil {
			return nil, err
		}
		dial = overTLS(dial, config)
	}
	opts := []kgo.Opt{
		kgo.SeedBrokers(o.Brokers...),
		kgo.ClientID(o.ClientID),
		kgo.Dialer(dial),
		kgo.WithLogger(clientLog{o.Logger}),
		kgo.BrokerMaxReadBytes(maxAnswerBytes),
		kgo.RequestRetries(0), // every retry is a loop of this package, which knows what the error is about
		kgo.DisableClientMetrics(),
		kgo.MetadataMinAge(shortMemory),
		kgo.WithHooks(hooks...),
	}
	if o.SASL.Mechanism != "" {
		m, err := o.SASL.mechanism()
		if err != nil {
			return nil, err
		}
		opts = append(opts, kgo.SASL(m))
	}
	return kgo.NewClient(opts...)
}

func (t TLS) config() (*tls.Config, error) {
	config := &tls.Config{ServerName: t.ServerName, MinVersion: tls.VersionTLS12}
	if t.CAFile != "" {
		pem, err := os.ReadFile(t.CAFile)
		if err != nil {
			return nil, fmt.Errorf("tls: certificate authorities: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("tls: %s holds no certificate in PEM form", t.CAFile)
		}
	}
	if (t.CertFile == "") != (t.KeyFile == "") {
		return nil, errors.New("tls: a client certificate needs both its file and the file of its key")
	}
	if t.CertFile != "" {
		cert, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("tls: client certificate: %w", err)
		}
		config.Certificates = []tls.Certificate{cert}
	}
	return config, nil
}

type dialFunc = func(ctx context.Context, network, address string) (net.Conn, error)

// overTLS finishes the handshake within the dial, so that a certificate that does not fit is a dial's error and not a read's.
func overTLS(dial dialFunc, config *tls.Config) dialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		raw, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		c := config
		if c.ServerName == "" {
			host, _, err := net.SplitHostPort(address)
			if err != nil {
				_ = raw.Close()
				return nil, err
			}
			c = config.Clone()
			c.ServerName = host
		}
		conn := tls.Client(raw, c)
		ctx, cancel := context.WithTimeout(ctx, dialTimeout)
		defer cancel()
		if err := conn.HandshakeContext(ctx); err != nil {
			_ = raw.Close()
			return nil, fmt.Errorf("tls handshake with %s: %w", address, err)
		}
		return conn, nil
	}
}

func (s SASL) mechanism() (sasl.Mechanism, error) {
	switch strings.ToUpper(s.Mechanism) {
	case "PLAIN":
		return plain.Auth{User: s.Username, Pass: s.Password}.AsMechanism(), nil
	case "SCRAM-SHA-256":
		return scram.Auth{User: s.Username, Pass: s.Password}.AsSha256Mechanism(), nil
	case "SCRAM-SHA-512":
		return scram.Auth{User: s.Username, Pass: s.Password}.AsSha512Mechanism(), nil
	}
	return nil, fmt.Errorf("sasl mechanism %q: want PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512", s.Mechanism)
}

// clientLog hands what the client library has to say to the debug level: what matters comes back as an error.
type clientLog struct{ log *slog.Logger }

func (l clientLog) Level() kgo.LogLevel {
	if l.log.Enabled(context.Background(), slog.LevelDebug) {
		return kgo.LogLevelInfo
	}
	return kgo.LogLevelNone
}

func (l clientLog) Log(_ kgo.LogLevel, msg string, keyvals ...any) {
	l.log.Debug("kafka client: "+msg, keyvals...)
}
