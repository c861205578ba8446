package registry

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/sr"

	"shadoof/record"
)

// A verdict is what a failure means for the next try.
type verdict uint8

const (
	passing  verdict = iota // it may be otherwise in a moment
	lasting                 // it will be the same again; another URL may do
	answered                // it is so for the registry as a whole
)

type failure struct {
	verdict verdict
	err     error
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// errNoPage says that a URL is no registry's, or that of one without such a page.
var errNoPage = errors.New("no schema registry is there: check the URL, also its path, which is /apis/ccompat/v7 for Apicurio and none for Confluent")

// The codes by which registries say 404 of what was asked for, and not of the page.
var notFound = []int{sr.ErrSubjectNotFound.Code, sr.ErrVersionNotFound.Code, sr.ErrSchemaNotFound.Code}

// judge says what an error of the library means. The status counts first: proxies make up bodies.
func (c *Client) judge(path, at string, err error) *failure {
	e, ok := errors.AsType[*sr.ResponseError](err)
	if !ok {
		return judgeConnection(at, err)
	}
	status := fmt.Sprintf("%d %s", e.StatusCode, http.StatusText(e.StatusCode))
	if e.ErrorCode != 0 {
		status += fmt.Sprintf(", code %d: %s", e.ErrorCode, c.quote(e.Message))
	}
	say := func(v verdict, hint string) *failure {
		return &failure{v, fmt.Errorf("%s answers %s%s", at, status, hint)}
	}
	switch s := e.StatusCode; {
	case s == http.StatusNotFound && slices.Contains(notFound, e.ErrorCode):
		return &failure{answered, fmt.Errorf("%w (%s, code %d)", record.ErrNoSchema, at, e.ErrorCode)}
	case s == http.StatusNotFound && e.ErrorCode/100 != http.StatusNotFound:
		return noRegistry(at, "to "+path+" it answers 404 without a registry's code")
	case s == http.StatusUnauthorized && c.opts.Username == "":
		return say(answered, ": it wants credentials, give a username and a password")
	case s == http.StatusUnauthorized:
		return say(answered, ": check username and password of user "+c.opts.Username)
	case s == http.StatusForbidden && c.opts.Username == "":
		return say(answered, ": reading is not allowed without credentials, give a username and a password or a client certificate that may")
	case s == http.StatusForbidden:
		return say(answered, ": the credentials of user "+c.opts.Username+" do not allow it, grant the user to read")
	case s == http.StatusTooManyRequests || s == http.StatusRequestTimeout || s >= 500:
		return say(passing, "")
	}
	return say(lasting, "")
}

func noRegistry(at, why string) *failure {
	return &failure{lasting, fmt.Errorf("%s: %s: %w", at, why, errNoPage)}
}

// judgeConnection is for errors that are no answers.
func judgeConnection(at string, err error) *failure {
	if r, ok := errors.AsType[*redirected](err); ok {
		return noRegistry(at, "it redirects to "+r.to)
	}
	// The library and net/http each put method and URL in front.
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	} else if e := errors.Unwrap(err); e != nil {
		err = e
	}
	v, hint := passing, ""
	switch {
	case errors.Is(err, errTooLarge):
		v = lasting
	case untrusted(err):
		v, hint = lasting, "; check the file of certificate authorities"
	case refusedByTLS(err):
		v, hint = lasting, "; check the client's certificate"
	case wrongProtocol(err):
		v, hint = lasting, "; check whether the URL begins with http or with https"
	}
	return &failure{v, fmt.Errorf("%s: %w%s", at, err, hint)}
}

func untrusted(err error) bool {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return true
	}
	_, ok := errors.AsType[x509.HostnameError](err)
	return ok
}

// refusedByTLS is true for an alert of the other side, which refuses our certificate or our version.
func refusedByTLS(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "remote error"
}

func wrongProtocol(err error) bool {
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return true
	}
	// net/http does not export what it says to the TLS alert that answers plain HTTP.
	return errors.Is(err, http.ErrSchemeMismatch) || strings.Contains(err.Error(), "malformed HTTP")
}

// quote makes a server's text fit for an error: short, one line, and nothing of the credentials, which some servers send back.
func (c *Client) quote(s string) string {
	if p := c.opts.Password; p != "" {
		basic := base64.StdEncoding.EncodeToString([]byte(c.opts.Username + ":" + p))
		if strings.Contains(s, p) || strings.Contains(s, basic) || strings.Contains(s, url.QueryEscape(p)) {
			return "(the answer repeats the credentials)"
		}
	}
	const most = 200
	runes := []rune(strings.Join(strings.Fields(s), " "))
	if len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return string(runes)
}

// A redirected error is the answer of something in front of a registry, such as a page for logging in. Going there would carry
// credentials to where nobody sent them.
type redirected struct{ to string }

func (r *redirected) Error() string { return "redirects to " + r.to }

func refuseRedirect(to *http.Request, _ []*http.Request) error {
	return &redirected{to.URL.Scheme + "://" + to.URL.Host + to.URL.EscapedPath()} // queries of such pages hold tokens
}

var errTooLarge = fmt.Errorf("the answer is longer than %d MiB", maxAnswerBytes>>20)

// bounded is a transport whose answers end at maxAnswerBytes.
type bounded struct{ http.RoundTripper }

func (b bounded) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := b.RoundTripper.RoundTrip(req)
	if err == nil {
		resp.Body = &boundedBody{resp.Body, maxAnswerBytes}
	}
	return resp, err
}

// CloseIdleConnections is what http.Client looks for.
func (b bounded) CloseIdleConnections() {
	if t, ok := b.RoundTripper.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

type boundedBody struct {
	io.ReadCloser
	left int
}

func (b *boundedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left -= n; b.left < 0 {
		return 0, errTooLarge
	}
	return n, err
}
