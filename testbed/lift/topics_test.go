package lift_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"shadoof/testbed/corpus"
	"shadoof/testbed/produce"
	"shadoof/testbed/product"
	"shadoof/testbed/s3bed"
	"shadoof/testbed/servers"
)

// A counter stands between the product and the S3 server, and counts what is asked.
type counter struct {
	endpoint            string
	reads, lists, other atomic.Int64
}

func count(t *testing.T, s *s3bed.Server) *counter {
	t.Helper()
	u, err := url.Parse(s.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &counter{endpoint: "http://" + l.Addr().String()}
	proxy := &httputil.ReverseProxy{
		Transport: &http.Transport{MaxIdleConnsPerHost: 100},
		Rewrite: func(r *httputil.ProxyRequest) {
			switch q := r.In.URL.Query(); {
			case r.In.Method == http.MethodGet && q.Has("list-type"):
				c.lists.Add(1)
			case r.In.Method == http.MethodGet || r.In.Method == http.MethodHead:
				c.reads.Add(1)
			default:
				c.other.Add(1)
			}
			r.Out.URL.Scheme, r.Out.URL.Host = u.Scheme, u.Host
			r.Out.Host = r.In.Host
		},
	}
	server := &http.Server{Handler: proxy}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	return c
}

// crowdJob is a configuration for all topics of a crowd.
func crowdJob(t *testing.T, brokers []string, root *product.Root, c produce.Crowd) *product.Job {
	t.Helper()
	schema := filepath.Join(t.TempDir(), "event.avsc")
	if err := os.WriteFile(schema, []byte(corpus.Schema), 0o644); err != nil {
		t.Fatal(err)
	}
	return product.NewJob(t, brokers, root, c.Pattern(), "", fmt.Sprintf("value: {format: avro, framing: none, schema: %q}\n", schema))
}

// crowdReport is of a run over many topics.
type crowdReport struct {
	Topics []struct {
		Topic, Outcome string
		Rows, Lag      int64
	}
}

// liftCrowd is a run that lifts all records of the topics.
func liftCrowd(t *testing.T, j *product.Job, c produce.Crowd, records int) measurement {
	t.Helper()
	m := measure(t, j, nil, "run", "--json")
	var r crowdReport
	product.Outcome{Stdout: m.stdout}.JSON(t, &r)
	if len(r.Topics) != len(c.Topics) {
		t.Fatalf("the report has %d topics of %d", len(r.Topics), len(c.Topics))
	}
	for _, topic := range r.Topics {
		if topic.Rows != int64(records) || topic.Lag != 0 {
			t.Fatalf("%s: %d rows, lag %d; want %d and none", topic.Topic, topic.Rows, topic.Lag, records)
		}
	}
	return m
}

// most of what a run may ask a store for each topic that has nothing new: three lists, and a read for each record of its log, where no
// checkpoint spares it that.
const (
	mostReads = 3
	mostLists = 3
)

// TestManyTopics lifts a hundred topics, and then finds nothing new in any of them.
func TestManyTopics(t *testing.T) {
	t.Parallel()
	c := produce.NewCrowd("crowd", 100)
	c.Records = 20
	ctx, brokers := bounded(t), servers.Kafka(t).Brokers()
	if err := c.Create(ctx, brokers); err != nil {
		t.Fatal(err)
	}
	if err := c.Fill(ctx, brokers); err != nil {
		t.Fatal(err)
	}
	s := servers.S3(t)
	between := count(t, s)
	j := crowdJob(t, brokers, product.S3(t, s, between.endpoint), c)
	m := liftCrowd(t, j, c, 20)
	t.Logf("first run: %v", m)
	checkIdle(t, j, c, between)
}

// checkIdle runs once more over topics that have nothing new.
func checkIdle(t *testing.T, j *product.Job, c produce.Crowd, between *counter) measurement {
	t.Helper()
	between.reads.Store(0)
	between.lists.Store(0)
	between.other.Store(0)
	m := liftCrowd(t, j, c, 0)
	n := int64(len(c.Topics))
	t.Logf("nothing new: %v; %.2f reads, %.2f lists, %.2f others for each topic", m, float64(between.reads.Load())/float64(n), float64(between.lists.Load())/float64(n), float64(between.other.Load())/float64(n))
	if between.reads.Load() > mostReads*n+10 || between.lists.Load() > mostLists*n+10 || between.other.Load() > 10 {
		t.Errorf("%d reads, %d lists and %d other requests for %d topics with nothing new; want at most %d and %d for each", between.reads.Load(), between.lists.Load(), between.other.Load(), n, mostReads, mostLists)
	}
	if lines := strings.Count(m.stderr, "\n"); lines > 20 {
		t.Errorf("%d lines of log where nothing happened", lines)
	}
	return m
}
