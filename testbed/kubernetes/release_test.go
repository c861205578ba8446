package kubernetes_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"shadoof/testbed/charts"
	"shadoof/testbed/kafkabed"
	"shadoof/testbed/kubernetes/node"
	"shadoof/testbed/produce"
	"shadoof/testbed/product"
	"shadoof/testbed/readers"
	"shadoof/testbed/servers"
)

// A release is the chart, installed in a namespace of its own that enforces the pod security standard restricted, with a root in S3.
type release struct {
	namespace string
	root      *product.Root
	values    map[string]any
}

// install installs the chart with these values over those that every test needs. Passwords are in Secrets: Kafka's is mounted, S3's
// keys are in the environment.
func install(t *testing.T, topics, more string) *release {
	t.Helper()
	kafka, s3 := servers.Kafka(t), servers.S3(t)
	r := &release{namespace: produce.Name("lift"), root: product.S3(t, s3, s3.Endpoint)}
	labels := map[string]string{"pod-security.kubernetes.io/enforce": "restricted", "pod-security.kubernetes.io/warn": "restricted"}
	if _, err := bed.api.CoreV1().Namespaces().Create(t.Context(), &core.Namespace{ObjectMeta: meta.ObjectMeta{Name: r.namespace, Labels: labels}}, meta.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.end(t) })
	ca, err := os.ReadFile(kafka.Certs().CA)
	if err != nil {
		t.Fatal(err)
	}
	r.secret(t, "kafka-client", map[string]string{"ca.crt": string(ca), "password": kafkabed.Alice.Password})
	r.secret(t, "s3", map[string]string{"AWS_ACCESS_KEY_ID": s3.AccessKey, "AWS_SECRET_ACCESS_KEY": s3.SecretKey})
	brokers, err := json.Marshal(kafka.SASLSSL())
	if err != nil {
		t.Fatal(err)
	}
	bucket, prefix := r.root.Bucket()
	schema, err := json.Marshal(product.BodySchema)
	if err != nil {
		t.Fatal(err)
	}
	r.values = merge(values(t, fmt.Sprintf(`
image: {repository: testbed/shadoof, tag: "1"}
memory: 256MiB
gc: {enabled: false}
config:
  kafka:
    brokers: %s
    tls: {enabled: true, ca_file: /secrets/kafka/ca.crt}
    sasl: {mechanism: SCRAM-SHA-512, username: %s, password_file: /secrets/kafka/password}
  store:
    url: s3://%s/%s
    s3: {endpoint: "%s", region: us-east-1, path_style: true}
  jobs:
    - name: job
      topics: [%q]
      value: {format: json, framing: none, schema: schemas/body.avsc}
      commit_every: {bytes: 16KiB, duration: 1s}
files:
  schemas/body.avsc: %s
secretFiles:
  - {name: kafka, secretName: kafka-client}
envFrom:
  - secretRef: {name: s3}
`, brokers, kafkabed.Alice.Name, bucket, prefix, s3.Endpoint, topics, schema)), values(t, more))
	r.apply(t)
	return r
}

// upgrade changes values of the release.
func (r *release) upgrade(t *testing.T, more string) {
	t.Helper()
	r.values = merge(r.values, values(t, more))
	r.apply(t)
}

func merge(into, over map[string]any) map[string]any {
	for k, v := range over {
		below, ok := v.(map[string]any)
		if at, is := into[k].(map[string]any); ok && is {
			into[k] = merge(at, below)
		} else {
			into[k] = v
		}
	}
	return into
}

// apply is what `helm upgrade --install` does.
func (r *release) apply(t *testing.T) {
	t.Helper()
	manifests, _, err := charts.Render(charts.Release{Name: "lift", Namespace: r.namespace, Values: r.values})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range manifests {
		client, resource := where(m)
		err := client.Patch(types.ApplyPatchType).Namespace(r.namespace).Resource(resource).Name(m.Metadata.Name).
			Param("fieldManager", "helm").Param("fieldValidation", "Strict").Body([]byte(m.Text)).Do(t.Context()).Error()
		if err != nil {
			t.Fatalf("%s: %v", m, err)
		}
	}
}

// where the API has the objects of a kind.
func where(m charts.Manifest) (rest.Interface, string) {
	switch m.APIVersion {
	case "batch/v1":
		return bed.api.BatchV1().RESTClient(), strings.ToLower(m.Kind) + "s"
	case "apps/v1":
		return bed.api.AppsV1().RESTClient(), strings.ToLower(m.Kind) + "s"
	case "networking.k8s.io/v1":
		return bed.api.NetworkingV1().RESTClient(), "networkpolicies"
	}
	return bed.api.CoreV1().RESTClient(), strings.ToLower(m.Kind) + "s"
}

func (r *release) secret(t *testing.T, name string, data map[string]string) {
	t.Helper()
	secrets := bed.api.CoreV1().Secrets(r.namespace)
	s := &core.Secret{ObjectMeta: meta.ObjectMeta{Name: name}, StringData: data}
	if _, err := secrets.Update(t.Context(), s, meta.UpdateOptions{}); err == nil {
		return
	}
	if _, err := secrets.Create(t.Context(), s, meta.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// end shows what happened, if the test failed, and lets nothing fire any more.
func (r *release) end(t *testing.T) {
	ctx := contextOf(t)
	if t.Failed() {
		for _, p := range r.pods(t, "") {
			if process, ok := bed.node.Pod(p.UID); ok {
				t.Logf("%s of %s:\n%s", p.Name, p.Labels["job-name"], process.Log())
			}
		}
		events, err := bed.api.CoreV1().Events(r.namespace).List(ctx, meta.ListOptions{})
		if err == nil {
			for _, e := range events.Items {
				t.Logf("%s %s/%s: %s: %s", e.LastTimestamp.Format("15:04:05"), e.InvolvedObject.Kind, e.InvolvedObject.Name, e.Reason, e.Message)
			}
		}
	}
	if err := bed.api.CoreV1().Namespaces().Delete(ctx, r.namespace, meta.DeleteOptions{}); err != nil {
		t.Error(err)
	}
}

// now runs a schedule now, as `kubectl create job --from=cronjob/NAME` does, and returns the name of the Job.
func (r *release) now(t *testing.T, schedule string) string {
	t.Helper()
	cron, err := bed.api.BatchV1().CronJobs(r.namespace).Get(t.Context(), "lift-shadoof-"+schedule, meta.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	job := &batch.Job{ObjectMeta: meta.ObjectMeta{Name: produce.Name(schedule), Labels: cron.Spec.JobTemplate.Labels}, Spec: cron.Spec.JobTemplate.Spec}
	if _, err := bed.api.BatchV1().Jobs(r.namespace).Create(t.Context(), job, meta.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	return job.Name
}

func (r *release) job(t *testing.T, name string) *batch.Job {
	t.Helper()
	job, err := bed.api.BatchV1().Jobs(r.namespace).Get(t.Context(), name, meta.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return job
}

// jobs are those of all schedules, the oldest first.
func (r *release) jobs(t *testing.T) []batch.Job {
	t.Helper()
	list, err := bed.api.BatchV1().Jobs(r.namespace).List(t.Context(), meta.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(list.Items, func(a, b batch.Job) int { return strings.Compare(a.Name, b.Name) })
	return list.Items
}

// ends waits for the end of a Job, and returns the reason of its success or failure.
func (r *release) ends(t *testing.T, name string, as batch.JobConditionType) (reason string) {
	t.Helper()
	eventually(t, 2*time.Minute, func() (bool, string) {
		job := r.job(t, name)
		for _, c := range job.Status.Conditions {
			if (c.Type == batch.JobComplete || c.Type == batch.JobFailed) && c.Status == core.ConditionTrue {
				if c.Type != as {
					t.Fatalf("%s: %s: %s %s", name, c.Type, c.Reason, c.Message)
				}
				reason = c.Reason
				return true, ""
			}
		}
		return false, fmt.Sprintf("the Job %s has come to its end: %+v", name, job.Status)
	})
	return reason
}

// pods are those of a Job, or all.
func (r *release) pods(t *testing.T, job string) []core.Pod {
	t.Helper()
	options := meta.ListOptions{}
	if job != "" {
		options.LabelSelector = "job-name=" + job
	}
	list, err := bed.api.CoreV1().Pods(r.namespace).List(contextOf(t), options)
	if err != nil {
		t.Fatal(err)
	}
	return list.Items
}

// exits are the exit codes of a Job's pods, sorted. A pod that has none has -1.
func (r *release) exits(t *testing.T, job string) (codes []int32) {
	t.Helper()
	for _, p := range r.pods(t, job) {
		code := int32(-1)
		if len(p.Status.ContainerStatuses) > 0 && p.Status.ContainerStatuses[0].State.Terminated != nil {
			code = p.Status.ContainerStatuses[0].State.Terminated.ExitCode
		}
		codes = append(codes, code)
	}
	slices.Sort(codes)
	return codes
}

// process waits for the process of a Job's pod; index is that of an Indexed Job, or "".
func (r *release) process(t *testing.T, job, index string) (found *node.Process) {
	t.Helper()
	eventually(t, time.Minute, func() (bool, string) {
		for _, p := range r.pods(t, job) {
			if p.Annotations[batch.JobCompletionIndexAnnotation] == index && p.Status.Phase == core.PodRunning {
				var ok bool
				if found, ok = bed.node.Pod(p.UID); ok {
					return true, ""
				}
			}
		}
		return false, "a pod of " + job + " runs"
	})
	return found
}

// event waits for an event about an object, of that reason, and returns its text.
func (r *release) event(t *testing.T, patience time.Duration, object, reason string) (message string) {
	t.Helper()
	eventually(t, patience, func() (bool, string) {
		events, err := bed.api.CoreV1().Events(r.namespace).List(t.Context(), meta.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events.Items {
			if e.InvolvedObject.Name == object && e.Reason == reason {
				message = e.Message
				return true, ""
			}
		}
		return false, "an event " + reason + " about " + object
	})
	return message
}

// exact reads the topics' folders back: each record of each topic is there once; and has the product account for every offset.
func (r *release) exact(t *testing.T, topics ...*produce.Result) {
	t.Helper()
	for _, topic := range topics {
		want := readers.Digest{}
		for at, rec := range topic.Records {
			var body produce.Body
			if err := json.Unmarshal(rec.Value, &body); err != nil {
				t.Fatal(err)
			}
			want.Add(at.Partition, at.Offset, body.Seq)
		}
		if diff := cmp.Diff(want, r.digest(t, topic)); diff != "" {
			t.Errorf("%s (-produced +read)\n%s", topic.Topic, diff)
		}
		j := product.NewJob(t, servers.Kafka(t).Brokers(), r.root, topic.Topic, "", "")
		if o := j.Run(t, bed.binary, nil, "verify", "--deep"); o.Code != 0 {
			t.Errorf("verify: exit %d\n%s%s", o.Code, o.Stdout, o.Stderr)
		}
	}
}

// digest is what a reader finds of the sequence numbers of a topic.
func (r *release) digest(t *testing.T, topic *produce.Result) readers.Digest {
	t.Helper()
	got, err := servers.Readers(t).Digest(t.Context(), readers.Query{Reader: readers.PyArrow, Folder: r.root.Folder(t, topic.Topic), Columns: []string{"seq"}})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// rows is how many there are of a topic; none as long as it has no files.
func (r *release) rows(t *testing.T, topic *produce.Result) int64 {
	t.Helper()
	if len(r.root.Keys(t, topic.Topic+"/")) == 0 {
		return 0
	}
	return r.digest(t, topic).Rows()
}

// fill makes a topic.
func fill(t *testing.T, topic string, records int, partitions int32) *produce.Result {
	t.Helper()
	result, err := produce.PlainTopic(t.Context(), servers.Kafka(t).Brokers(), produce.Spec{Topic: topic, Records: records, Partitions: partitions})
	if err != nil {
		t.Fatal(err)
	}
	return result
}
