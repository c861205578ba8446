// Package hdfslimits_test has the real binary meet what clusters of HDFS refuse or lose: quotas, permissions, safe mode, zones,
// data nodes, tickets. Whatever it is: a message that says so, nothing lost, nothing repeated, and a clean run once it is over.
package hdfslimits_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shadoof/testbed/hdfsbed"
	"shadoof/testbed/produce"
	"shadoof/testbed/product"
	"shadoof/testbed/readers"
	"shadoof/testbed/servers"
)

func bounded(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// long says whether this is the long suite. The short one leaves out variants of what it has tested.
func long() bool { return os.Getenv("SHADOOF_LONG") != "" }

// shared is a topic that tests only read.
var shared struct {
	once sync.Once
	r    *produce.Result
	err  error
}

func sharedTopic(t *testing.T) *produce.Result {
	t.Helper()
	shared.once.Do(func() {
		shared.r, shared.err = produce.PlainTopic(bounded(t), servers.Kafka(t).Brokers(), produce.Spec{Topic: produce.Name("limits"), Records: 6_000, Partitions: 2, Span: 2 * time.Hour, Padding: 700})
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.r
}

// newRoot is a root in the shared cluster.
func newRoot(t *testing.T) *product.Root {
	t.Helper()
	c := servers.HDFS(t)
	return product.HDFS(t, c, c.Authority())
}

// newJob lifts the shared topic. gc may collect at once.
func newJob(t *testing.T, root *product.Root, job string) *product.Job {
	t.Helper()
	return product.NewJob(t, servers.Kafka(t).Brokers(), root, sharedTopic(t).Topic, "orphan_age: 1ms\n", job)
}

// admin changes and looks at the shared cluster as its superuser.
func admin(t *testing.T) *hdfsbed.FS { return servers.HDFS(t).FS(hdfsbed.Superuser) }

// at is the path of what lies in a job's root.
func at(j *product.Job, names ...string) string {
	return path.Join(append([]string{j.Root.Dir()}, names...)...)
}

// topicFolder is the path of a job's topic.
func topicFolder(j *product.Job) string { return at(j, j.Topic) }

// ends runs the product and fails the test unless it exits with the code and says all of the words.
func ends(t *testing.T, j *product.Job, code int, words []string, args ...string) product.Outcome {
	t.Helper()
	o := j.Run(t, product.Hooked(t), []string{"SHADOOF_LOST_AFTER=300ms"}, args...)
	judge(t, o, code, words, args...)
	return o
}

// dies runs the product until it kills itself, as kill -9 does, at a point of the protocol.
func dies(t *testing.T, j *product.Job, point string, args ...string) {
	t.Helper()
	if o := j.Run(t, product.Hooked(t), []string{"SHADOOF_KILL_AT=" + point, "SHADOOF_LOST_AFTER=300ms"}, args...); o.Code != -1 {
		t.Fatalf("%s: it was not killed, it exited %d\n%s%s", point, o.Code, o.Stdout, o.Stderr)
	}
}

func judge(t *testing.T, o product.Outcome, code int, words []string, args ...string) {
	t.Helper()
	if o.Code != code {
		t.Errorf("shadoof %s: exit %d, want %d\n%s%s", strings.Join(args, " "), o.Code, code, o.Stdout, o.Stderr)
	}
	for _, w := range words {
		if !strings.Contains(o.Stdout+o.Stderr, w) {
			t.Errorf("shadoof %s does not say %q:\n%s%s", strings.Join(args, " "), w, o.Stdout, o.Stderr)
		}
	}
	t.Logf("exit %d:\n%s%s", o.Code, o.Stdout, o.Stderr)
}

// exact runs gc and verify, and has a reader count the folder: each record once, and nothing staged is left.
func exact(t *testing.T, j *product.Job) {
	t.Helper()
	exactAs(t, j, sharedTopic(t))
}

func exactAs(t *testing.T, j *product.Job, topic *produce.Result) {
	t.Helper()
	got, err := servers.Readers(t).Digest(t.Context(), readers.Query{Reader: readers.PyArrow, Folder: j.Root.Folder(t, j.Topic), Columns: []string{"seq"}})
	must(t, err)
	if diff := cmp.Diff(digest(t, topic), got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	j.Must(t, 0, "verify", "--deep")
	collected(t, j)
}

// digest is what a reader must find of the sequence numbers.
func digest(t *testing.T, r *produce.Result) readers.Digest {
	t.Helper()
	d := readers.Digest{}
	for _, at := range r.Offsets() {
		var body produce.Body
		must(t, json.Unmarshal(r.Records[at].Value, &body))
		d.Add(at.Partition, at.Offset, body.Seq)
	}
	return d
}

// staged are the staged files of a root, wherever they lie.
func staged(t *testing.T, j *product.Job) (names []string) {
	t.Helper()
	for _, name := range j.Root.Keys(t, "") {
		if strings.HasSuffix(name, ".staged") {
			names = append(names, name)
		}
	}
	return names
}

// collected runs gc until nothing staged is left: what was staged a moment ago is no older than orphan_age.
func collected(t *testing.T, j *product.Job) {
	t.Helper()
	var left []string
	for range 20 {
		j.Must(t, 0, "gc")
		if left = staged(t, j); len(left) == 0 {
			return
		}
		pause(t, 50*time.Millisecond)
	}
	t.Errorf("gc leaves %q", left)
}

func pause(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-time.After(d):
	case <-t.Context().Done():
		t.Fatal("out of time")
	}
}

// visible are the data files.
func visible(t *testing.T, j *product.Job) (names []string) {
	t.Helper()
	for _, name := range j.Root.Keys(t, j.Topic) {
		if strings.HasSuffix(name, ".parquet") {
			names = append(names, name)
		}
	}
	return names
}

// commits says how many of the log's records are commits: an init alone names no file.
func commits(t *testing.T, j *product.Job) (n int) {
	t.Helper()
	for _, name := range j.Root.Keys(t, "_shadoof/topics/"+j.Topic+"/log") {
		b, err := j.Root.Read(t, name)
		must(t, err)
		if strings.Contains(string(b), `"type":"commit"`) {
			n++
		}
	}
	return n
}
