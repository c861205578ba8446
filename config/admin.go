package config

import (
	"net"
	"net/url"
	"strconv"
	"strings"
)

// Admin is the HTTP server of serve.
type Admin struct {
	Listen    string // host:port; an empty host is all addresses of the machine, port 0 any free one
	Token     Secret // of TokenFile; what starts runs over HTTP. "": nothing does
	TokenFile string
}

// Metrics are where one run leaves its figures, for processes that nobody can scrape because they are over too soon.
type Metrics struct {
	TextfileDir  string // a folder that node_exporter reads; "": none
	PushURL      string // of a Pushgateway; "": none
	PushJob      string // label job of what is pushed
	Username     string
	Password     Secret // also when it was read from PasswordFile
	PasswordFile string
}

const (
	defaultListen = "127.0.0.1:8080"
	shortestToken = 16
)

func (d *document) admin(m *mapping) Admin {
	a := Admin{Listen: m.text("listen", defaultListen)}
	host, port, err := net.SplitHostPort(a.Listen)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil || strings.ContainsAny(host, " /@") {
		m.reject("listen", "%q is not of the form host:port, such as %s, or :8080 for all addresses of the machine", clip(a.Listen), defaultListen)
	}
	before := len(d.problems)
	if a.TokenFile = m.file("token_file"); a.TokenFile != "" && len(d.problems) == before {
		a.Token = m.token("token_file", a.TokenFile)
	}
	return a
}

// token reads a token. Who can start runs with it is whoever guesses it, so it must be long; and it goes into a header, so it is one word.
func (m *mapping) token(key, name string) Secret {
	token, err := readSecret(name)
	switch {
	case err != nil:
		m.reject(key, "%v", err)
	case len(token) < shortestToken:
		m.reject(key, "%s holds a token of %d characters: it takes %d at least, such as `openssl rand -hex 32` makes", name, len(token), shortestToken)
	case strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }):
		m.reject(key, "%s holds more than one word of plain ASCII: a token goes into a header of HTTP", name)
	}
	return Secret(token)
}

func (d *document) metrics(m *mapping) Metrics {
	o := Metrics{TextfileDir: m.dir("textfile_dir"), PushURL: strings.TrimRight(m.text("push_url", ""), "/"), PushJob: m.text("push_job", "shadoof"), Username: m.text("push_username", "")}
	o.Password, o.PasswordFile = m.secret("push_password")
	if o.PushURL != "" {
		switch u, err := url.Parse(o.PushURL); {
		case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.Fragment != "":
			m.reject("push_url", "is not the URL of a Pushgateway, such as http://pushgateway:9091")
		case u.User != nil:
			m.reject("push_url", "holds a user name: write metrics.push_username and metrics.push_password, which never print")
		}
	}
	if o.PushJob == "" {
		m.reject("push_job", "is empty")
	}
	if (o.Password != "" || o.PasswordFile != "") && o.Username == "" {
		m.reject("push_password", "needs a push_username")
	}
	return o
}
