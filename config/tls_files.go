package config

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"os"
	"strings"
)

// longestPEM bounds what is read from a file of certificates: all authorities of a system are some 250 KiB.
const longestPEM = 4 << 20

// tlsFiles reports what is wrong with the files of certificates that a section names: who finds out when it connects has begun already.
func (m *mapping) tlsFiles(ca, cert, key string) {
	if ca != "" {
		if text, ok := m.pem("ca_file", ca); ok && !x509.NewCertPool().AppendCertsFromPEM(text) {
			m.reject("ca_file", "%s holds no certificate in PEM form", ca)
		}
	}
	if (cert == "") != (key == "") {
		m.reject("cert_file", "cert_file and key_file go together: one of them is missing")
		return
	}
	if cert == "" {
		return
	}
	chain, ok1 := m.pem("cert_file", cert)
	secret, ok2 := m.pem("key_file", key)
	if !ok1 || !ok2 {
		return
	}
	if blocks := kindsOf(chain); !strings.Contains(blocks, "CERTIFICATE") {
		m.reject("cert_file", "%s holds no certificate in PEM form%s", cert, found(blocks))
		return
	}
	switch blocks := kindsOf(secret); {
	case strings.Contains(blocks, "ENCRYPTED") || strings.Contains(string(secret), "Proc-Type: 4,ENCRYPTED"):
		m.reject("key_file", "%s is encrypted: it must hold the private key without a passphrase", key)
	case !strings.Contains(blocks, "PRIVATE KEY"):
		m.reject("key_file", "%s holds no private key in PEM form%s", key, found(blocks))
	default:
		if _, err := tls.X509KeyPair(chain, secret); err != nil {
			m.reject("key_file", "%s does not fit the certificate in %s: %s", key, cert, strings.TrimPrefix(err.Error(), "tls: "))
		}
	}
}

// pem reads a file that file has looked at: what that said of it is not said again.
func (m *mapping) pem(key, name string) (text []byte, ok bool) {
	if info, err := os.Stat(name); err != nil || !info.Mode().IsRegular() {
		return nil, false
	}
	f, err := os.Open(name)
	if err == nil {
		defer f.Close()
		text, err = io.ReadAll(io.LimitReader(f, longestPEM))
	}
	if err != nil {
		m.reject(key, "%v", err)
	}
	return text, err == nil
}

// kindsOf names the blocks of a PEM file.
func kindsOf(text []byte) string {
	var kinds []string
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		kinds = append(kinds, block.Type)
	}
	return strings.Join(kinds, ", ")
}

func found(blocks string) string {
	if blocks == "" {
		return ""
	}
	return fmt.Sprintf(", but: %s", clip(blocks))
}
