package s3

import (
	"context"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// httpClient is the SDK's own kind of client: with another, AWS_CA_BUNDLE would not work.
func (o *Options) httpClient() (*awshttp.BuildableClient, error) {
	var authorities *x509.CertPool
	if o.CAFile != "" {
		pem, err := os.ReadFile(o.CAFile)
		if err != nil {
			return nil, fmt.Errorf("CA file: %w", err)
		}
		if authorities, err = x509.SystemCertPool(); err != nil {
			authorities = x509.NewCertPool()
		}
		if !authorities.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("CA file %s holds no certificate in PEM", o.CAFile)
		}
	}
	stall := o.Stall
	dialer := &net.Dialer{Timeout: min(stall, 10*time.Second), KeepAlive: 30 * time.Second}
	client := awshttp.NewBuildableClient().WithReadTimeout(0) // rolling does that, and for writes too
	return client.WithTransportOptions(func(t *http.Transport) {
		t.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := dialer.DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return &rolling{c, stall}, nil
		}
		// One request to a connection: deadlines are per connection, and S3 speaks no HTTP/2.
		t.ForceAttemptHTTP2 = false
		t.MaxIdleConns = 256
		t.MaxIdleConnsPerHost = 128
		t.IdleConnTimeout = stall / 2 // before rolling ends it while it is idle
		t.TLSHandshakeTimeout = min(stall, 10*time.Second)
		t.WriteBufferSize = 64 << 10
		t.ReadBufferSize = 64 << 10
		if authorities != nil {
			t.TLSClientConfig.RootCAs = authorities
		}
	}), nil
}

// rolling ends a connection on which nothing moves for a while, in either direction.
type rolling struct {
	net.Conn
	stall time.Duration
}

func (c *rolling) Read(p []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(c.stall)); err != nil {
		return 0, err
	}
	return c.Conn.Read(p)
}

// Write moves the deadline of reads, too: the transport waits in Read all the while, from before the request is sent.
func (c *rolling) Write(p []byte) (int, error) {
	if err := c.SetDeadline(time.Now().Add(c.stall)); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

// sender is the last stop before the network. It marks requests that went out, and notes when none is answered.
type sender struct {
	next      aws.HTTPClient
	intercept func(*http.Request, func(*http.Request) (*http.Response, error)) (*http.Response, error)
	outage    *outage
}

func (s *sender) Do(r *http.Request) (*http.Response, error) {
	if mark, ok := r.Context().Value(sentKey{}).(*atomic.Bool); ok {
		mark.Store(true)
	}
	send := s.next.Do
	if s.intercept != nil {
		send = func(r *http.Request) (*http.Response, error) { return s.intercept(r, s.next.Do) }
	}
	resp, err := send(r)
	s.outage.note(resp, err)
	return resp, err
}

type sentKey struct{}

// marked returns a context that tells whether a request with it went out.
func marked(ctx context.Context) (context.Context, *atomic.Bool) {
	mark := new(atomic.Bool)
	return context.WithValue(ctx, sentKey{}, mark), mark
}

// credentials marks errors of the chain that finds credentials.
type credentials struct{ aws.CredentialsProvider }

func (c *credentials) Retrieve(ctx context.Context) (aws.Credentials, error) {
	if c.CredentialsProvider == nil {
		return aws.Credentials{}, &credentialsError{errNoProvider}
	}
	v, err := c.CredentialsProvider.Retrieve(ctx)
	if err != nil && ctx.Err() == nil {
		return v, &credentialsError{err}
	}
	return v, err
}
