package testbed_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"shadoof/testbed/produce"
	"shadoof/testbed/product"
	"shadoof/testbed/s3bed"
	"shadoof/testbed/servers"
)

// The documented policy, by who may do what on which resource. docs/operations.md has it as JSON.
var (
	onBucket = []string{"s3:ListBucket", "s3:ListBucketMultipartUploads"}
	onKeys   = []string{"s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"}
)

func policyOf(user, bucket, prefix string, onBucket, onKeys []string) string {
	quoted := func(list []string) string { return `"` + strings.Join(list, `","`) + `"` }
	var statements []string
	if len(onBucket) > 0 {
		statements = append(statements, fmt.Sprintf(`{"Effect":"Allow","Principal":{"AWS":[%q]},"Action":[%s],"Resource":"arn:aws:s3:::%s"}`, user, quoted(onBucket), bucket))
	}
	if len(onKeys) > 0 {
		statements = append(statements, fmt.Sprintf(`{"Effect":"Allow","Principal":{"AWS":[%q]},"Action":[%s],"Resource":"arn:aws:s3:::%s/%s/*"}`, user, quoted(onKeys), bucket, prefix))
	}
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
}

func without(list []string, one string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s == one })
}

// The documented policy is enough for a worker, and doctor names each permission that is missing, as far as this server enforces it.
func TestDocumentedS3PolicyIsEnoughAndNeeded(t *testing.T) {
	t.Parallel()
	server := servers.OwnS3(t, s3bed.Options{Users: true})
	c := servers.Kafka(t)
	const user, secret = "worker", "worker-secret"
	if err := server.AddUser(soon(t), user, secret); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, without string
		code          int
		grade, check  string
		says          string
	}{
		{"documented", "", 0, "doubtful", "may delete objects", "enough for run"},
		{"and delete", "+s3:DeleteObject", 0, "ok", "may delete objects", ""},
		{"no ListBucket", "s3:ListBucket", 4, "bad", "opens", "does not allow this"},
		{"no uploads listed", "s3:ListBucketMultipartUploads", 4, "bad", "may list staged files", "does not allow this"},
		{"no GetObject", "s3:GetObject", 4, "bad", "root", "does not allow this"},
		{"no PutObject", "s3:PutObject", 4, "bad", "may create objects", "does not allow this"},
		{"no AbortMultipartUpload", "s3:AbortMultipartUpload", 4, "bad", "may discard staged files", "does not allow this"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			topic := produce.Name("policy")
			bodies(t, c.Brokers(), topic)
			root := product.S3As(t, server, user, secret)
			bucket, prefix := root.Bucket()
			keys := onKeys
			if extra, ok := strings.CutPrefix(test.without, "+"); ok {
				keys = append(slices.Clone(onKeys), extra)
			}
			if err := server.SetPolicy(soon(t), bucket, policyOf(user, bucket, prefix, without(onBucket, test.without), without(keys, test.without))); err != nil {
				t.Fatal(err)
			}
			j := doctorJob(t, brokersYAML(c.Brokers()), root, fmt.Sprintf("url: s3://%s/%s, s3: {endpoint: %q, region: us-east-1, path_style: true}", bucket, prefix, server.Endpoint), topic)
			e := visit(t, j, test.code)
			e.finds(t, test.grade, test.check, test.says)
			if test.code != 0 {
				o := j.Run(t, product.Release(t), nil, "run")
				if o.Code != 1 || !strings.Contains(o.Stdout+o.Stderr, "does not allow this") {
					t.Errorf("run exits %d\n%s%s", o.Code, o.Stdout, o.Stderr)
				}
				return
			}
			for _, command := range []string{"plan", "run", "offsets show", "files --topic " + topic, "commits list --topic " + topic, "verify --deep"} {
				j.Must(t, 0, strings.Fields(command)...)
			}
		})
	}
}

// A store that takes connections and answers nothing is unreachable after a while, and all else is looked at.
func TestDoctorOfAFrozenStore(t *testing.T) {
	t.Parallel()
	server := servers.OwnS3(t, s3bed.Options{})
	c := servers.Kafka(t)
	topic := produce.Name("frozen")
	bodies(t, c.Brokers(), topic)
	root := product.S3(t, server, server.Endpoint)
	bucket, prefix := root.Bucket()
	j := doctorJob(t, brokersYAML(c.Brokers()), root, fmt.Sprintf("url: s3://%s/%s, s3: {endpoint: %q, region: us-east-1, path_style: true}", bucket, prefix, server.Endpoint), topic)
	if err := server.Pause(); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	e := visit(t, j, 1)
	e.finds(t, "unreachable", "opens", "")
	e.finds(t, "ok", "ACL READ", "was read at offset")
	if took := time.Since(began); took > 50*time.Second {
		t.Errorf("it took %s", took)
	}
}
