package lift_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"shadoof/testbed/product"
	"shadoof/testbed/relay"
	"shadoof/testbed/servers"
)

// TestEightWorkers starts eight processes on one topic at once: all exit 0, whoever was first; then eight with a shard each.
func TestEightWorkers(t *testing.T) {
	t.Parallel()
	for name, root := range roots(t) {
		for _, sharded := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/sharded=%v", name, sharded), func(t *testing.T) {
				t.Parallel()
				topic := sharedTopic(t)
				j := product.NewJob(t, servers.Kafka(t).Brokers(), root(t), topic.Topic, smallGlobal, small)
				l := product.Watch(t, j)
				defer l.End()
				var workers sync.WaitGroup
				var rows atomic.Int64
				for i := range 8 {
					workers.Go(func() {
						args := []string{"run", "--json"}
						if sharded {
							args = append(args, "--shard", fmt.Sprintf("%d/8", i))
						}
						o, err := j.Try(t.Context(), product.Release(t), nil, args...)
						if err != nil || o.Code != 0 {
							t.Errorf("worker %d: exit %d, %v\n%s%s", i, o.Code, err, o.Stdout, o.Stderr)
							return
						}
						var r runReport
						o.JSON(t, &r)
						rows.Add(r.Topics[0].Rows)
					})
				}
				workers.Wait()
				if want := topic.Digest.Rows(); rows.Load() != want {
					t.Errorf("the workers report %d rows together, want %d", rows.Load(), want)
				}
				checkDigest(t, j, digest(t, topic))
				collected(t, j)
			})
		}
	}
}

// A cutter stands between the product and the S3 server, and drops the connection after the server carried out a request that
// matches, before the answer is on its way: the n-th of them.
type cutter struct {
	match func(*http.Request) bool
	left  atomic.Int32 // cuts to come
	cut   atomic.Int32
}

func (c *cutter) start(t *testing.T, endpoint string) string {
	t.Helper()
	u, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Scheme, r.Out.URL.Host = u.Scheme, u.Host
		r.Out.Host = r.In.Host
	}}
	proxy.ModifyResponse = func(r *http.Response) error {
		if c.match(r.Request) && r.StatusCode < 300 && c.left.Add(-1) >= 0 {
			c.cut.Add(1)
			panic(http.ErrAbortHandler)
		}
		return nil
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: proxy}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	return "http://" + l.Addr().String()
}

// TestTheReplyToACommitIsDropped cuts the connection after the commit was applied: the process must find its own record.
func TestTheReplyToACommitIsDropped(t *testing.T) {
	t.Parallel()
	for name, match := range map[string]func(*http.Request) bool{
		"every record": func(r *http.Request) bool { return r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/log/") },
		"markers":      func(r *http.Request) bool { return r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/pub/") },
		"completions":  func(r *http.Request) bool { return r.Method == http.MethodPost && r.URL.Query().Has("uploadId") },
		"parts":        func(r *http.Request) bool { return r.Method == http.MethodPut && r.URL.Query().Has("partNumber") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			topic := sharedTopic(t)
			s := servers.S3(t)
			c := &cutter{match: match}
			c.left.Store(3)
			j := product.NewJob(t, servers.Kafka(t).Brokers(), product.S3(t, s, c.start(t, s.Endpoint)), topic.Topic, smallGlobal, small)
			o := j.Run(t, product.Release(t), nil, "run")
			if c.cut.Load() == 0 {
				t.Fatal("nothing was cut")
			}
			if o.Code != 0 {
				t.Errorf("exit %d\n%s%s", o.Code, o.Stdout, o.Stderr)
			}
			checkDigest(t, j, digest(t, topic))
		})
	}
}

// TestAReplyOfTheNameNodeIsLost cuts the connection to the name node after it has carried out a request: rename2, which
// publishes files and creates the records of the log, and what comes before and after it.
func TestAReplyOfTheNameNodeIsLost(t *testing.T) {
	t.Parallel()
	for method, writing := range map[string]bool{"rename2": false, "mkdirs": false, "delete": false, "getListing": false, "create": true, "addBlock": true, "complete": true} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			topic := sharedTopic(t)
			c := servers.HDFS(t)
			between := relay.Start(t, c.Authority())
			j := product.NewJob(t, servers.Kafka(t).Brokers(), product.HDFS(t, c, between.Address()), topic.Topic, smallGlobal, small)
			l := product.Watch(t, j)
			defer l.End()
			rule := &relay.Rule{Match: []byte(method + "\x12"), Times: 3} // the next field of the request's header follows
			between.Lose(rule)
			o := j.Run(t, product.Release(t), nil, "run")
			// Nobody goes on with a file whose connection broke: it may take another run, for each time that happens.
			for again := 0; writing && o.Code == 1 && again < rule.Lost(); again++ {
				o = j.Run(t, product.Release(t), nil, "run")
			}
			if o.Code != 0 {
				t.Errorf("exit %d\n%s%s", o.Code, o.Stdout, o.Stderr)
			}
			if rule.Lost() == 0 {
				t.Error("no reply was lost")
			}
			checkDigest(t, j, digest(t, topic))
			collected(t, j)
		})
	}
}
