package main

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"shadoof/internal/kafkatest"
)

// secretCommands plant secrets that are easily recognized, and look for them.
func secretCommands() map[string]func(ts *testscript.TestScript, neg bool, args []string) {
	return map[string]func(ts *testscript.TestScript, neg bool, args []string){
		"secured":   securedKafka,
		"forbidden": forbiddenStore,
		"silent":    silent,
		"impostor":  impostor,
	}
}

// secured TOPIC COUNT starts a Kafka that wants a password, $SECURED, with records in a topic.
func securedKafka(ts *testscript.TestScript, _ bool, args []string) {
	c, err := kafkatest.Start(kafkatest.Options{Users: []kafkatest.User{
		{Mechanism: "SCRAM-SHA-256", Name: "root", Password: "planted-root"},
		{Mechanism: "PLAIN", Name: "lifter", Password: "planted-sasl"},
		{Mechanism: "SCRAM-SHA-512", Name: "scram", Password: "planted-scram"},
	}})
	ts.Check(err)
	ts.Defer(c.Close)
	ts.Setenv("SECURED", strings.Join(c.Brokers(), ","))
	ts.Check(c.CreateTopic(args[0], 1, nil))
	for n := range number(ts, args[1]) {
		ts.Check(c.Produce(context.Background(), args[0], kafkatest.Record{Time: saidAt.Add(time.Duration(n) * time.Second), Value: fmt.Appendf(nil, `{"n":%d}`, n)}))
	}
}

// forbidden starts a store, $FORBIDDEN, that answers every request with 403 and all that it was told.
func forbiddenStore(ts *testscript.TestScript, _ bool, _ []string) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, "<Error><Code>AccessDenied</Code><Message>no</Message><RequestId>1</RequestId></Error>")
	}))
	ts.Defer(s.Close)
	ts.Setenv("FORBIDDEN", s.URL)
}

// impostor starts a server, $IMPOSTOR, with a certificate that nobody vouches for, or one, $OLD, that knows nothing newer than
// TLS 1.1.
func impostor(ts *testscript.TestScript, _ bool, _ []string) {
	asked := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }
	s := httptest.NewUnstartedServer(http.HandlerFunc(asked))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	ts.Defer(s.Close)
	ts.Setenv("IMPOSTOR", s.URL)
	ts.Setenv("IMPOSTOR_HOST", strings.TrimPrefix(s.URL, "https://"))
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	ts.Check(os.WriteFile(ts.MkAbs("ca.pem"), ca, 0o600))
	old := httptest.NewUnstartedServer(http.HandlerFunc(asked))
	old.Config.ErrorLog = log.New(io.Discard, "", 0)
	old.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	old.StartTLS()
	ts.Defer(old.Close)
	ts.Setenv("OLD", old.URL)
	oldCA := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: old.Certificate().Raw})
	ts.Check(os.WriteFile(ts.MkAbs("old.pem"), oldCA, 0o600))
}

// disguises are the forms in which a secret may come to light.
func disguises(secret string) []string {
	out := []string{secret, url.QueryEscape(secret), base64.StdEncoding.EncodeToString([]byte(secret))}
	for _, user := range []string{"lifter", "reader", "pusher"} {
		out = append(out, base64.StdEncoding.EncodeToString([]byte(user+":"+secret)))
	}
	return out
}

// silent OUTPUT... fails when a secret shows: in what the last command printed, in files (other than those of the secrets, in the folder
// secrets, and the configurations), and in what the push gateway got. Secrets are the words that begin with planted- there.
func silent(ts *testscript.TestScript, _ bool, _ []string) {
	var secrets []string
	for _, s := range []string{"root", "sasl", "scram", "registry", "admin-token-0123456789", "push", "s3-secret", "s3-session", "env", "pem", "url", "broken"} {
		secrets = append(secrets, disguises("planted-"+s)...)
	}
	look := func(where, text string) {
		for _, s := range secrets {
			if at := strings.Index(text, s); at >= 0 {
				ts.Fatalf("%s shows %s:\n…%s…", where, s, text[max(0, at-200):min(len(text), at+200)])
			}
		}
	}
	look("stdout", ts.ReadFile("stdout"))
	look("stderr", ts.ReadFile("stderr"))
	g := ts.Value(pushKey{}).(*pushGateway)
	g.mu.Lock()
	look("the push gateway", strings.Join(append(g.bodies, g.seen...), "\n"))
	g.mu.Unlock()
	work := ts.MkAbs(".")
	ts.Check(filepath.WalkDir(work, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && path == filepath.Join(work, "secrets") {
			return fs.SkipDir
		}
		if d.IsDir() || filepath.Dir(path) == work && strings.HasSuffix(path, ".yaml") {
			return nil
		}
		b, err := os.ReadFile(path)
		look(path, string(b))
		return err
	}))
}
