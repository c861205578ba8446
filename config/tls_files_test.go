package config_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"shadoof/config"
)

// pemPair is a certificate and its key, in PEM form.
func pemPair(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
}

// Files of certificates are read with the document: a mistake in them is one of the configuration, and names the key and the file.
func TestFilesOfCertificatesAreLookedAt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cert, key := pemPair(t)
	_, other := pemPair(t)
	for name, text := range map[string]string{
		"cert.pem": cert, "key.pem": key, "both.pem": key + cert, "other.pem": other, "empty.pem": "", "broken.pem": strings.Replace(cert, "M", "*", 1),
		"locked.pem": "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
		"torn.pem":   "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
	} {
		write(t, filepath.Join(dir, name), text)
	}
	for tls, want := range map[string]string{
		"ca_file: cert.pem": "", "ca_file: both.pem": "", "cert_file: cert.pem, key_file: key.pem": "", "cert_file: both.pem, key_file: both.pem": "",
		"ca_file: empty.pem":                          "ca_file: DIR/empty.pem holds no certificate in PEM form",
		"ca_file: broken.pem":                         "ca_file: DIR/broken.pem holds no certificate in PEM form",
		"ca_file: none.pem":                           "ca_file: stat DIR/none.pem: no such file or directory",
		"cert_file: cert.pem, key_file: none.pem":     "key_file: stat DIR/none.pem: no such file or directory",
		"cert_file: key.pem, key_file: key.pem":       "cert_file: DIR/key.pem holds no certificate in PEM form, but: PRIVATE KEY",
		"cert_file: cert.pem, key_file: cert.pem":     "key_file: DIR/cert.pem holds no private key in PEM form, but: CERTIFICATE",
		"cert_file: cert.pem, key_file: empty.pem":    "key_file: DIR/empty.pem holds no private key in PEM form",
		"cert_file: cert.pem, key_file: other.pem":    "key_file: DIR/other.pem does not fit the certificate in DIR/cert.pem: private key does not match public key",
		"cert_file: cert.pem, key_file: torn.pem":     "key_file: DIR/torn.pem does not fit the certificate in DIR/cert.pem: failed to parse private key",
		"cert_file: cert.pem, key_file: locked.pem":   "key_file: DIR/locked.pem is encrypted: it must hold the private key without a passphrase",
		"cert_file: cert.pem":                         "cert_file: cert_file and key_file go together: one of them is missing",
		"ca_file: empty.pem, server_name: kafka.test": "ca_file: DIR/empty.pem holds no certificate in PEM form",
	} {
		for _, section := range []string{"kafka.tls", "registry"} {
			kafka, registry := "enabled: true, "+tls, ""
			if section == "registry" {
				if strings.Contains(tls, "server_name") {
					continue
				}
				kafka, registry = "enabled: false", "registry: {url: \"https://registry:8081\", "+tls+"}\n"
			}
			doc := fmt.Sprintf("kafka: {brokers: [a:1], tls: {%s}}\n%sstore: {url: s3://lake/data}\njobs: [{name: a, topics: [a], value: {format: string}}]\n", kafka, registry)
			write(t, filepath.Join(dir, "shadoof.yaml"), doc)
			_, err := config.Load(filepath.Join(dir, "shadoof.yaml"), noEnv)
			if want == "" {
				if err != nil {
					t.Errorf("%s of %s: %v", tls, section, err)
				}
				continue
			}
			if err == nil || strings.Count(err.Error(), "\n") > 0 || !strings.Contains(err.Error(), section+"."+strings.ReplaceAll(want, "DIR", dir)) {
				t.Errorf("%s of %s: %v, want %s", tls, section, err, want)
			}
			if err != nil && strings.Contains(err.Error(), "AAAA") {
				t.Errorf("%s shows what is in the file: %v", tls, err)
			}
		}
	}
}
