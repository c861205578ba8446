package registry_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"shadoof/record"
	"shadoof/record/registry"
)

func open(t *testing.T, opts registry.Options) *registry.Client {
	t.Helper()
	c, err := registry.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestSchemasOfEachFormat(t *testing.T) {
	t.Parallel()
	fake := srfake.New()
	t.Cleanup(fake.Close)
	c := open(t, registry.Options{URLs: []string{fake.URL() + "/"}})
	for _, subject := range []string{"orders-value", "org.example.Order", "a/b c%d?e#f", "dépôt", ":.ctx:x"} {
		t.Run(subject, func(t *testing.T) {
			t.Parallel()
			for i, s := range []struct {
				kind   sr.SchemaType
				format string
				text   string
			}{
				{sr.TypeAvro, "avro", `{"type":"record","name":"A","fields":[]}`},
				{sr.TypeJSON, "json", `{"type":"object"}`},
				{sr.TypeProtobuf, "protobuf", "syntax = \"proto3\";\nmessage A {\n  string é = 1;\n}\n"},
			} {
				subject := fmt.Sprint(subject, i)
				id, version, err := fake.RegisterSchema(subject, sr.Schema{Schema: s.text, Type: s.kind})
				if err != nil {
					t.Fatal(err)
				}
				want := record.SchemaText{Format: s.format, Text: s.text}
				got, err := c.ByID(t.Context(), int32(id))
				if err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(&want, got); d != "" {
					t.Errorf("-want +got\n%s", d)
				}
				for _, v := range []int{0, version} {
					got, err := c.BySubject(t.Context(), subject, v)
					if err != nil {
						t.Fatal(err)
					}
					if d := cmp.Diff(&record.Registered{ID: int32(id), Subject: subject, Version: version, SchemaText: want}, got); d != "" {
						t.Errorf("-want +got\n%s", d)
					}
				}
				if _, err := c.BySubject(t.Context(), subject, version+1); !errors.Is(err, record.ErrNoSchema) {
					t.Errorf("version %d: %v", version+1, err)
				}
			}
		})
	}
	if _, err := c.ByID(t.Context(), 4711); !errors.Is(err, record.ErrNoSchema) {
		t.Errorf("id 4711: %v", err)
	}
	if _, err := c.BySubject(t.Context(), "nobody", 0); !errors.Is(err, record.ErrNoSchema) {
		t.Errorf("subject nobody: %v", err)
	}
	if err := c.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestQuestionsWithoutSense(t *testing.T) {
	t.Parallel()
	c := open(t, registry.Options{URLs: []string{"http://127.0.0.1:1"}})
	for subject, version := range map[string]int{"": 0, ".": 0, "..": 1, "x": -1} {
		if _, err := c.BySubject(t.Context(), subject, version); err == nil || errors.Is(err, record.ErrNoSchema) || strings.Contains(err.Error(), "127.0.0.1") {
			t.Errorf("%q, %d: %v", subject, version, err)
		}
	}
}

func TestTypesThatNobodyKnows(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"schemaType":"XSD","schema":"<xsd/>"}`)
	}))
	t.Cleanup(s.Close)
	_, err := open(t, registry.Options{URLs: []string{s.URL}}).ByID(t.Context(), 7)
	if err == nil || !strings.Contains(err.Error(), `schema id 7: it is of the type "XSD": AVRO, JSON and PROTOBUF can be read`) {
		t.Errorf("error %v", err)
	}
}

func TestOptionsThatAreRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	web := []string{"https://registry"}
	for _, c := range []struct {
		opts registry.Options
		want string
	}{
		{registry.Options{}, "no URL given"},
		{registry.Options{URLs: []string{"http://a", "registry:8081"}}, "URL 2 is not of the form https://registry:8081"},
		{registry.Options{URLs: []string{"ftp://registry"}}, "URL 1 is not of the form"},
		{registry.Options{URLs: []string{"http://ada:s3cret@reg istry"}}, "URL 1 is not of the form"},
		{registry.Options{URLs: []string{"http://ada:s3cret@registry:80"}}, "the URL with host registry:80 holds a user name: give username and password apart"},
		{registry.Options{URLs: []string{"http://registry/?key=s3cret"}}, "the URL with host registry has a query"},
		{registry.Options{URLs: web, Password: "s3cret"}, "a password is given, but no username"},
		{registry.Options{URLs: []string{"http://a"}, TLS: registry.TLS{CAFile: "x"}}, "tls files are given, but no URL is https"},
		{registry.Options{URLs: web, TLS: registry.TLS{CAFile: filepath.Join(dir, "none")}}, "tls: certificate authorities: open "},
		{registry.Options{URLs: web, TLS: registry.TLS{CAFile: empty}}, "holds no certificate in PEM form"},
		{registry.Options{URLs: web, TLS: registry.TLS{CertFile: empty}}, "needs both its file and the file of its key"},
		{registry.Options{URLs: web, TLS: registry.TLS{CertFile: empty, KeyFile: empty}}, "tls: client certificate: "},
	} {
		_, err := registry.New(c.opts)
		if err == nil || !strings.HasPrefix(err.Error(), "schema registry: ") || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
}

// Neither certificates of other products' variables nor the transport that others changed matter; headers are what registries expect.
func TestRequests(t *testing.T) {
	t.Parallel()
	var got http.Header
	var user, password string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Header
		user, password, _ = r.BasicAuth()
		fmt.Fprint(w, `{"schema":"x"}`)
	}))
	t.Cleanup(s.Close)
	c := open(t, registry.Options{URLs: []string{s.URL}, Username: "ada", Password: "s3:cret", UserAgent: "shadoof/1"})
	if _, err := c.ByID(t.Context(), 7); err != nil {
		t.Fatal(err)
	}
	if user != "ada" || password != "s3:cret" || got.Get("User-Agent") != "shadoof/1" || !strings.Contains(got.Get("Accept"), "schemaregistry.v1+json") {
		t.Errorf("user %q, password %q, header %v", user, password, got)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	var followed atomic.Int32
	login := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		followed.Add(1)
		fmt.Fprint(w, `{"schema":"x"}`)
	}))
	t.Cleanup(login.Close)
	s := httptest.NewServer(http.RedirectHandler(login.URL+"/login?token=s3cret", http.StatusFound))
	t.Cleanup(s.Close)
	_, err := open(t, registry.Options{URLs: []string{s.URL}}).ByID(t.Context(), 7)
	want := "schema id 7: " + s.URL + ": it redirects to " + login.URL + "/login: no schema registry is there: check the URL"
	if err == nil || !strings.HasPrefix(err.Error(), want) || followed.Load() > 0 {
		t.Errorf("error %v, want %s; followed %d times", err, want, followed.Load())
	}
}

func TestConnections(t *testing.T) {
	t.Parallel()
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, `{"schema":"x"}`) })
	plain := httptest.NewServer(handler)
	t.Cleanup(plain.Close)
	client := newCertificate(t)
	secure := httptest.NewUnstartedServer(handler)
	secure.TLS = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: client.pool}
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	t.Cleanup(secure.Close)
	ca := writePEM(t, "CERTIFICATE", secure.Certificate().Raw)
	mute, err := net.Listen("tcp", "127.0.0.1:0") // answers HTTP with something else
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { mute.Close() })
	go func() {
		for {
			conn, err := mute.Accept()
			if err != nil {
				return
			}
			conn.Write([]byte("\x15\x03\x01\x00\x02\x02\x46"))
			conn.Close()
		}
	}()
	other := newCertificate(t)
	for _, c := range []struct {
		name string
		opts registry.Options
		want string
	}{
		{"plain", registry.Options{URLs: []string{plain.URL}}, ""},
		{"own authority, client's certificate", registry.Options{URLs: []string{secure.URL}, TLS: registry.TLS{CAFile: ca, CertFile: client.cert, KeyFile: client.key}}, ""},
		{"no authority", registry.Options{URLs: []string{secure.URL}, TLS: registry.TLS{CertFile: client.cert, KeyFile: client.key}}, "certificate signed by unknown authority; check the file of certificate authorities"},
		{"another authority", registry.Options{URLs: []string{secure.URL}, TLS: registry.TLS{CAFile: other.cert, CertFile: client.cert, KeyFile: client.key}}, "; check the file of certificate authorities"},
		{"no client's certificate", registry.Options{URLs: []string{secure.URL}, TLS: registry.TLS{CAFile: ca}}, "; check the client's certificate"},
		{"another client's certificate", registry.Options{URLs: []string{secure.URL}, TLS: registry.TLS{CAFile: ca, CertFile: other.cert, KeyFile: other.key}}, "; check the client's certificate"},
		{"http to https", registry.Options{URLs: []string{"http" + secure.URL[len("https"):]}}, "answers 400 Bad Request"},
		{"https to http", registry.Options{URLs: []string{"https" + plain.URL[len("http"):]}}, "; check whether the URL begins with http or with https"},
		{"http to what answers by TLS", registry.Options{URLs: []string{"http://" + mute.Addr().String()}}, "; check whether the URL begins with http or with https"},
		{"nobody", registry.Options{URLs: []string{"http://127.0.0.1:1"}, Patience: 500 * time.Millisecond}, "see that it is up and can be reached from here: http://127.0.0.1:1: dial tcp 127.0.0.1:1: connect: connection refused"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			_, err := open(t, c.opts).ByID(t.Context(), 7)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("error %v, want %q", err, c.want)
			}
			if d := time.Since(began); d > 20*time.Second {
				t.Errorf("it took %s: what will not pass was tried again", d)
			}
		})
	}
}

type certificate struct {
	cert, key string // paths
	pool      *x509.CertPool
}

// newCertificate makes one that signed itself.
func newCertificate(t *testing.T) certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "client"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		BasicConstraintsValid: true, IsCA: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return certificate{writePEM(t, "CERTIFICATE", der), writePEM(t, "PRIVATE KEY", keyDER), pool}
}

func writePEM(t *testing.T, kind string, der []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
