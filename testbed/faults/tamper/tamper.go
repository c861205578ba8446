// Package tamper stands between a client and an HTTP server, and does to requests what networks, load balancers and servers in trouble do: it
// refuses some, loses and delays replies, sends requests twice, and cuts uploads. It knows HTTP, and nothing of S3 but what a part is.
package tamper

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// A Kind is one thing that is done to a request.
type Kind string

const (
	Error      Kind = "500"            // not carried out
	SlowDown   Kind = "503"            // not carried out, with S3's code SlowDown
	Applied    Kind = "500 after all"  // carried out, and then answered as if not
	Lost       Kind = "lost reply"     // carried out; the connection is cut instead of the reply
	Torn       Kind = "torn reply"     // carried out; the connection is cut in the middle of the reply
	Delayed    Kind = "delayed reply"  // carried out at once
	Held       Kind = "held request"   // carried out late
	Twice      Kind = "duplicate"      // carried out twice in a row; the second reply counts
	TwiceLater Kind = "late duplicate" // carried out once, and once more a while after the reply
	Cut        Kind = "cut upload"     // the server gets half of the body, and the connection is cut
)

// Kinds are all of them.
var Kinds = []Kind{Error, SlowDown, Applied, Lost, Torn, Delayed, Held, Twice, TwiceLater, Cut}

// A Proxy is an HTTP server that passes requests on. It is safe for concurrent use.
type Proxy struct {
	target string // host:port
	server *http.Server
	client *http.Client
	done   sync.WaitGroup

	mu    sync.Mutex
	rand  *rand.Rand
	share map[Kind]float64
	did   map[Kind]int
	stop  context.Context
	end   context.CancelFunc
}

// Start starts a proxy to a server (http://host:port) on a free port. The seed decides which requests are chosen.
func Start(endpoint string, seed uint64) (*Proxy, error) {
	u, err := url.Parse(endpoint)
	if err != nil {
		return nil, fmt.Errorf("tamper: %w", err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("tamper: %w", err)
	}
	p := &Proxy{target: u.Host, rand: rand.New(rand.NewPCG(seed, 1)), share: map[Kind]float64{}, did: map[Kind]int{}}
	p.stop, p.end = context.WithCancel(context.Background())
	// The request of a client goes on as it is: nothing is compressed or followed.
	p.client = &http.Client{
		Transport:     &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 64, IdleConnTimeout: 2 * time.Second},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	p.server = &http.Server{Addr: l.Addr().String(), Handler: http.HandlerFunc(p.serve)}
	p.done.Go(func() { _ = p.server.Serve(l) })
	return p, nil
}

// Endpoint is where clients are to go.
func (p *Proxy) Endpoint() string { return "http://" + p.server.Addr }

// Close ends the proxy and all connections.
func (p *Proxy) Close() error {
	p.end()
	err := p.server.Close()
	p.done.Wait()
	p.client.CloseIdleConnections()
	return err
}

// Tamper does something to a share of all requests from now on; 0 ends that.
func (p *Proxy) Tamper(k Kind, share float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.share[k] = share
}

// Did is how often each kind was done so far.
func (p *Proxy) Did() map[Kind]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := map[Kind]int{}
	for k, n := range p.did {
		out[k] = n
	}
	return out
}

// choose says what becomes of a request, and for how long it waits where it has to.
func (p *Proxy) choose(r *http.Request) (Kind, time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	wait := 50*time.Millisecond + time.Duration(p.rand.Int64N(int64(3*time.Second)))
	for _, k := range Kinds {
		if s := p.share[k]; s == 0 || p.rand.Float64() >= s || k == Cut && (r.Method != http.MethodPut || r.ContentLength < 2) {
			continue
		}
		p.did[k]++
		return k, wait
	}
	return "", 0
}

func (p *Proxy) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	kind, wait := p.choose(r)
	switch kind {
	case Error:
		refuse(w, http.StatusInternalServerError, "InternalError")
		return
	case SlowDown:
		refuse(w, http.StatusServiceUnavailable, "SlowDown")
		return
	case Cut:
		p.half(r, body)
		panic(http.ErrAbortHandler)
	case Held:
		p.wait(wait)
	}
	resp, content, err := p.pass(r, body)
	if err != nil {
		panic(http.ErrAbortHandler) // the server is away: so is the proxy
	}
	switch kind {
	case Applied:
		refuse(w, http.StatusInternalServerError, "InternalError")
		return
	case Lost:
		panic(http.ErrAbortHandler)
	case Delayed:
		p.wait(wait)
	case Twice:
		if resp, content, err = p.pass(r, body); err != nil {
			panic(http.ErrAbortHandler)
		}
	case TwiceLater:
		p.done.Go(func() {
			p.wait(wait)
			_, _, _ = p.pass(r, body)
		})
	}
	for name, values := range resp.Header {
		w.Header()[name] = values
	}
	if r.Method != http.MethodHead {
		w.Header().Set("Content-Length", fmt.Sprint(len(content)))
	}
	w.WriteHeader(resp.StatusCode)
	if kind == Torn {
		_, _ = w.Write(content[:len(content)/2])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	_, _ = w.Write(content)
}

// pass sends a request on, with the Host that its signature is for. It does not end when the client goes: servers carry out what they got.
func (p *Proxy) pass(r *http.Request, body []byte) (*http.Response, []byte, error) {
	out, err := http.NewRequestWithContext(p.stop, r.Method, "http://"+p.target+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	out.Host, out.Header, out.ContentLength = r.Host, r.Header.Clone(), int64(len(body))
	out.Header.Del("Connection")
	if len(body) == 0 {
		out.Body = http.NoBody
	}
	resp, err := p.client.Do(out)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	return resp, content, err
}

// half sends the head of a request and half of its body, and cuts the connection: no more comes, and whatever the server says to that is nobody's.
func (p *Proxy) half(r *http.Request, body []byte) {
	c, err := net.DialTimeout("tcp", p.target, 5*time.Second)
	if err != nil {
		return
	}
	defer c.Close()
	var head strings.Builder
	fmt.Fprintf(&head, "%s %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n", r.Method, r.URL.RequestURI(), r.Host, len(body))
	_ = r.Header.WriteSubset(&head, map[string]bool{"Host": true, "Content-Length": true, "Expect": true, "Connection": true})
	head.WriteString("\r\n")
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := io.WriteString(c, head.String()); err != nil {
		return
	}
	if _, err := c.Write(body[:len(body)/2]); err != nil {
		return
	}
	if err := c.(*net.TCPConn).CloseWrite(); err == nil {
		_, _ = io.Copy(io.Discard, c) // until the server has seen it and hung up
	}
}

func (p *Proxy) wait(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-p.stop.Done():
	}
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, `<?xml version="1.0" encoding="UTF-8"?><Error><Code>%s</Code><Message>Try again.</Message></Error>`, code)
}
