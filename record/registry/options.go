package registry

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// Options say how to reach a registry.
type Options struct {
	URLs     []string // http or https, without user names and queries; one registry: they are tried in turn
	Username string   // of basic authentication; none when empty
	Password string
	TLS      TLS // of https

	// Patience bounds the wait for one answer while the registry is down or busy; 30 s when zero.
	Patience time.Duration

	UserAgent string       // "shadoof" when empty
	Log       *slog.Logger // nil discards
}

// TLS names the files of certificates. Empty names leave the defaults of the system.
type TLS struct {
	CAFile   string // PEM; the authorities that signed the registry's certificate
	CertFile string // PEM; the client's certificate, together with KeyFile
	KeyFile  string
}

const (
	dialTimeout    = 5 * time.Second
	requestTimeout = 10 * time.Second // to one URL
	maxConnections = 16

	// Confluent's registry keeps schemas in Kafka, in records of 1 MB unless somebody raised that.
	maxAnswerBytes = 16 << 20
)

// withDefaults fills in what was left empty, and reports everything that is wrong. No part of a URL that may be secret is reported.
func (o Options) withDefaults() (Options, error) {
	var wrong []error
	if len(o.URLs) == 0 {
		wrong = append(wrong, errors.New("no URL given"))
	}
	urls, secure := make([]string, len(o.URLs)), false
	for i, s := range o.URLs {
		u, err := url.Parse(s)
		switch {
		case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
			wrong = append(wrong, fmt.Errorf("URL %d is not of the form https://registry:8081", i+1))
		case u.User != nil:
			wrong = append(wrong, fmt.Errorf("the URL with host %s holds a user name: give username and password apart, which never print", u.Host))
		case u.RawQuery != "" || u.Fragment != "":
			wrong = append(wrong, fmt.Errorf("the URL with host %s has a query or a fragment: give scheme, host, port and path", u.Host))
		default:
			urls[i] = strings.TrimRight(s, "/")
			secure = secure || u.Scheme == "https"
		}
	}
	o.URLs = urls
	if len(wrong) == 0 && !secure && o.TLS != (TLS{}) {
		wrong = append(wrong, errors.New("tls files are given, but no URL is https"))
	}
	if o.Username == "" && o.Password != "" {
		wrong = append(wrong, errors.New("a password is given, but no username"))
	}
	if o.Patience <= 0 {
		o.Patience = 30 * time.Second
	}
	if o.UserAgent == "" {
		o.UserAgent = "shadoof"
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o, errors.Join(wrong...)
}

// transport is made here and not from http.DefaultTransport, which others may have changed.
func (o Options) transport() (http.RoundTripper, error) {
	config, err := o.TLS.config()
	if err != nil {
		return nil, err
	}
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: dialTimeout}).DialContext,
		TLSClientConfig:     config,
		TLSHandshakeTimeout: dialTimeout,
		ForceAttemptHTTP2:   true,
		MaxConnsPerHost:     maxConnections,
		MaxIdleConnsPerHost: maxConnections,
		IdleConnTimeout:     15 * time.Second,
	}, nil
}

func (t TLS) config() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
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
