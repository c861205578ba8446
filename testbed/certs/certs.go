// Package certs makes the certificates of the testbed's servers: an authority, a server on the loopback interface, a client.
package certs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// Files are the paths of PEM files.
type Files struct {
	CA         string // the authority's certificate
	ServerCert string
	ServerKey  string // PKCS #8, not encrypted
	ServerPEM  string // key and certificates in one, as Kafka's PEM key stores want them
	ClientCert string // common name "client"
	ClientKey  string
}

// In names the files of a folder that Make has filled.
func In(dir string) Files {
	at := func(name string) string { return filepath.Join(dir, name) }
	return Files{CA: at("ca.pem"), ServerCert: at("server.crt"), ServerKey: at("server.key"), ServerPEM: at("server.pem"),
		ClientCert: at("client.crt"), ClientKey: at("client.key")}
}

// Make writes a new authority and what it signed into a folder. The certificates are valid for a day, for localhost, 127.0.0.1
// and ::1.
func Make(dir string) (Files, error) {
	f := In(dir)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return f, fmt.Errorf("testbed: certificates: %w", err)
	}
	if err := makeAll(f); err != nil {
		return f, fmt.Errorf("testbed: certificates: %w", err)
	}
	return f, nil
}

func makeAll(f Files) error {
	ca, err := issue(nil, template("shadoof testbed authority", true))
	if err != nil {
		return err
	}
	server, err := issue(ca, template("localhost", false))
	if err != nil {
		return err
	}
	client, err := issue(ca, template("client", false))
	if err != nil {
		return err
	}
	for path, content := range map[string][]byte{
		f.CA:         ca.certPEM,
		f.ServerCert: append(append([]byte{}, server.certPEM...), ca.certPEM...),
		f.ServerKey:  server.keyPEM,
		f.ServerPEM:  append(append(append([]byte{}, server.keyPEM...), server.certPEM...), ca.certPEM...),
		f.ClientCert: client.certPEM,
		f.ClientKey:  client.keyPEM,
	} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

type pair struct {
	cert            *x509.Certificate
	key             *ecdsa.PrivateKey
	certPEM, keyPEM []byte
}

func template(name string, ca bool) *x509.Certificate {
	t := &x509.Certificate{
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(24 * time.Hour),
		BasicConstraintsValid: true,
		IsCA:                  ca,
		KeyUsage:              x509.KeyUsageDigitalSignature,
	}
	if ca {
		t.KeyUsage |= x509.KeyUsageCertSign
		return t
	}
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	t.DNSNames = []string{"localhost"}
	t.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	return t
}

// issue signs a certificate by an authority, or by itself when there is none.
func issue(ca *pair, t *x509.Certificate) (*pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	if t.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120)); err != nil {
		return nil, err
	}
	parent, parentKey := t, key
	if ca != nil {
		parent, parentKey = ca.cert, ca.key
	}
	der, err := x509.CreateCertificate(rand.Reader, t, parent, &key.PublicKey, parentKey)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return &pair{cert: cert, key: key,
		certPEM: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		keyPEM:  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})}, nil
}

// Client is the configuration of a client that trusts the authority and no other.
func Client(ca string) (*tls.Config, error) {
	content, err := os.ReadFile(ca)
	if err != nil {
		return nil, fmt.Errorf("testbed: certificates: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(content) {
		return nil, fmt.Errorf("testbed: certificates: no certificate in %s", ca)
	}
	return &tls.Config{RootCAs: pool}, nil
}
