// Package product runs the real binary against the real servers, as users do.
package product

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"shadoof/testbed/hdfsbed"
	"shadoof/testbed/s3bed"
)

// A build is a binary that is built once per test process.
type build struct {
	once sync.Once
	path string
	err  error
}

var (
	release build
	hooked  build
)

// Release is the binary as users get it.
func Release(tb testing.TB) string { return release.get(tb, "shadoof") }

// Hooked is the binary in which SHADOOF_KILL_AT works.
func Hooked(tb testing.TB) string { return hooked.get(tb, "shadoof-hooked", "-tags", "shadoof_hooks") }

func (b *build) get(tb testing.TB, name string, flags ...string) string {
	tb.Helper()
	b.once.Do(func() {
		dir, err := os.MkdirTemp("", "shadoof-binary-")
		if err != nil {
			b.err = err
			return
		}
		b.path = filepath.Join(dir, name)
		args := append(append([]string{"build"}, flags...), "-o", b.path, "./cmd/shadoof")
		cmd := exec.Command("go", args...)
		cmd.Dir = filepath.Join(moduleRoot(), "..")
		if out, err := cmd.CombinedOutput(); err != nil {
			b.err = fmt.Errorf("build the product: %w\n%s", err, out)
		}
	})
	if b.err != nil {
		tb.Fatal(b.err)
	}
	return b.path
}

// moduleRoot is the folder of the testbed's go.mod.
func moduleRoot() string {
	dir, err := os.Getwd()
	if err != nil {
		panic(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		dir = filepath.Dir(dir)
	}
}

// A Root is a place to lift to.
type Root struct {
	Name   string
	yaml   string
	env    []string
	folder string // of a local root, and in HDFS
	s3     *s3bed.Server
	bucket string
	prefix string
	hdfs   *hdfsbed.Cluster
	url    string // of a root in HDFS
}

// Local is a root on the local disk.
func Local(tb testing.TB) *Root { return LocalIn(tb.TempDir()) }

// LocalIn is a root in a folder of the local disk.
func LocalIn(dir string) *Root {
	return &Root{Name: "local", folder: dir, yaml: fmt.Sprintf("store: {url: \"file://%s\"}\n", dir)}
}

// S3 is a root in a bucket of its own. endpoint is the server's, or that of something between.
func S3(tb testing.TB, s *s3bed.Server, endpoint string) *Root {
	tb.Helper()
	r := &Root{Name: "s3", s3: s, bucket: s.NewBucket(tb), prefix: "lake/kafka"}
	r.yaml = fmt.Sprintf("store:\n  url: s3://%s/%s\n  s3: {endpoint: %q, region: us-east-1, path_style: true}\n", r.bucket, r.prefix, endpoint)
	r.env = []string{"AWS_ACCESS_KEY_ID=" + s.AccessKey, "AWS_SECRET_ACCESS_KEY=" + s.SecretKey}
	return r
}

// S3As is S3 for a user of the server, who may do there what a policy of the bucket allows.
func S3As(tb testing.TB, s *s3bed.Server, access, secret string) *Root {
	tb.Helper()
	r := S3(tb, s, s.Endpoint)
	r.env = []string{"AWS_ACCESS_KEY_ID=" + access, "AWS_SECRET_ACCESS_KEY=" + secret}
	return r
}

// Folder is the plain folder of a topic as readers see it: for S3 and HDFS, a copy of it, keys mirrored.
func (r *Root) Folder(tb testing.TB, topic string) string {
	tb.Helper()
	if r.hdfs == nil && r.s3 == nil {
		return filepath.Join(r.folder, topic)
	}
	dir := tb.TempDir()
	if r.hdfs != nil {
		if err := r.download(tb.Context(), topic, dir); err != nil {
			tb.Fatal(err)
		}
		return dir
	}
	if err := r.s3.Download(tb.Context(), r.bucket, r.prefix+"/"+topic+"/", dir); err != nil {
		tb.Fatal(err)
	}
	return dir
}

// Keys lists what lies below a name of the root, relative to the root.
func (r *Root) Keys(tb testing.TB, below string) []string {
	tb.Helper()
	keys, err := r.keys(tb.Context(), below)
	if err != nil {
		tb.Fatal(err)
	}
	return keys
}

func (r *Root) keys(ctx context.Context, below string) (out []string, err error) {
	switch {
	case r.hdfs != nil:
		return r.keysHDFS(ctx, r.hdfs.FS(hdfsbed.Superuser), below)
	case r.s3 != nil:
		keys, err := r.s3.Keys(ctx, r.bucket, r.prefix+"/"+below)
		for _, k := range keys {
			out = append(out, strings.TrimPrefix(k, r.prefix+"/"))
		}
		return out, err
	}
	err = filepath.WalkDir(filepath.Join(r.folder, below), func(path string, d os.DirEntry, err error) error {
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(r.folder, path)
			out = append(out, filepath.ToSlash(rel))
		}
		return err
	})
	return out, err
}

// Bucket of an S3 root, and the prefix of its keys.
func (r *Root) Bucket() (bucket, prefix string) { return r.bucket, r.prefix }

// Dir of a local root, and of one in HDFS.
func (r *Root) Dir() string { return r.folder }

// A Job is a configuration on disk.
type Job struct {
	Config string
	Root   *Root
	Topic  string
}

// BodySchema is the Avro schema of produce.Body.
const BodySchema = `{"type":"record","name":"Body","fields":[
 {"name":"seq","type":"long"},{"name":"key","type":"string"},{"name":"partition","type":"int"},
 {"name":"time","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"fate","type":"string"},{"name":"padding","type":"string","default":""}]}`

// NewJob writes a configuration for one topic of JSON bodies. global and job are further lines of YAML.
func NewJob(tb testing.TB, brokers []string, root *Root, topic, global, job string) *Job {
	tb.Helper()
	dir := tb.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			tb.Fatal(err)
		}
		return path
	}
	write("body.avsc", BodySchema)
	var indented strings.Builder
	for _, line := range strings.Split(strings.TrimSpace(job), "\n") {
		if line != "" {
			indented.WriteString("    " + line + "\n")
		}
	}
	if !strings.Contains(job, "value:") {
		indented.WriteString("    value: {format: json, framing: none, schema: body.avsc}\n")
	}
	quoted, _ := json.Marshal(brokers)
	return &Job{Root: root, Topic: topic, Config: write("shadoof.yaml", fmt.Sprintf("kafka: {brokers: %s}\n%s%s\njobs:\n  - name: %s\n    topics: [%q]\n%s",
		quoted, root.yaml, global, "job", strings.ReplaceAll(topic, ".", `\.`), indented.String()))}
}

// An Outcome is how a process ended.
type Outcome struct {
	Code   int // -1: killed
	Stdout string
	Stderr string
}

// Command prepares a process of the product.
func (j *Job) Command(ctx context.Context, binary string, env []string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, binary, append([]string{"--config", j.Config}, args...)...)
	cmd.Env = append(append(os.Environ(), j.Root.env...), env...)
	return cmd
}

// patience is how long a process of the product may take.
const patience = 3 * time.Minute

// Run runs the product to its end. A process that does not come to one prints where it hangs.
func (j *Job) Run(tb testing.TB, binary string, env []string, args ...string) Outcome {
	tb.Helper()
	o, err := j.Try(tb.Context(), binary, env, args...)
	if err != nil {
		tb.Fatal(err)
	}
	return o
}

// Try is Run for goroutines, which must not end a test.
func (j *Job) Try(ctx context.Context, binary string, env []string, args ...string) (Outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cmd := j.Command(ctx, binary, env, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGQUIT) }
	cmd.WaitDelay = 5 * time.Second
	var out, err bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &err
	runErr := cmd.Run()
	o := Outcome{cmd.ProcessState.ExitCode(), out.String(), err.String()}
	if exit := (*exec.ExitError)(nil); runErr != nil && !errors.As(runErr, &exit) || ctx.Err() != nil {
		return o, fmt.Errorf("shadoof %s did not come to its end: %w %w\n%s", strings.Join(args, " "), runErr, ctx.Err(), o.Stderr)
	}
	return o, nil
}

// Must runs the product and fails the test unless it exits with the code.
func (j *Job) Must(tb testing.TB, code int, args ...string) Outcome {
	tb.Helper()
	o := j.Run(tb, Release(tb), nil, args...)
	if o.Code != code {
		tb.Fatalf("shadoof %s: exit %d, want %d\n%s%s", strings.Join(args, " "), o.Code, code, o.Stdout, o.Stderr)
	}
	return o
}

// JSON decodes what the process printed.
func (o Outcome) JSON(tb testing.TB, into any) {
	tb.Helper()
	if err := json.Unmarshal([]byte(o.Stdout), into); err != nil {
		tb.Fatalf("%v in %s", err, o.Stdout)
	}
}

// YAML is the part of a configuration that names the root, and Env what the environment of the product must have.
func (r *Root) YAML() string  { return r.yaml }
func (r *Root) Env() []string { return r.env }
