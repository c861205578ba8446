package kubernetes_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	batch "k8s.io/api/batch/v1"
	policy "k8s.io/api/policy/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"

	"shadoof/testbed/produce"
	"shadoof/testbed/servers"
)

// byHand is a schedule that is there for people: tests start its Jobs.
const byHand = `schedules: {lift: {schedule: "@yearly", suspend: true%s}}`

// committed waits for the first commit of a topic.
func (r *release) committed(t *testing.T, topic string) {
	t.Helper()
	eventually(t, time.Minute, func() (bool, string) {
		return len(r.root.Keys(t, "_shadoof/topics/"+topic+"/log/")) > 0, "a commit of " + topic
	})
}

func TestAKilledRunIsRetried(t *testing.T) {
	t.Parallel()
	topic := fill(t, produce.Name("killed"), 300_000, 4)
	r := install(t, topic.Topic, fmt.Sprintf(byHand, ""))
	job := r.now(t, "lift")
	process := r.process(t, job, "")
	r.committed(t, topic.Topic)
	if err := process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	r.ends(t, job, batch.JobComplete)
	if got := r.exits(t, job); !slices.Equal(got, []int32{0, 137}) {
		t.Errorf("the pods ended with %v", got)
	}
	r.exact(t, topic)
}

func TestFourWorkersShareATopicAndOneIsKilled(t *testing.T) {
	t.Parallel()
	topic := fill(t, produce.Name("shared"), 400_000, 8)
	r := install(t, topic.Topic, fmt.Sprintf(byHand, ", shards: 4"))
	job := r.now(t, "lift")
	victim := r.process(t, job, "2")
	r.committed(t, topic.Topic)
	if err := victim.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	r.ends(t, job, batch.JobComplete)
	if got := r.exits(t, job); !slices.Equal(got, []int32{0, 0, 0, 0, 137}) {
		t.Errorf("the pods ended with %v", got)
	}
	if got := r.job(t, job).Status.CompletedIndexes; got != "0-3" {
		t.Errorf("completed are %s", got)
	}
	r.exact(t, topic)
}

// TestAnEvictedRunCountsForNothing: not even where no retry is allowed.
func TestAnEvictedRunCountsForNothing(t *testing.T) {
	t.Parallel()
	topic := fill(t, produce.Name("evicted"), 300_000, 4)
	r := install(t, topic.Topic, fmt.Sprintf(byHand, ", backoffLimit: 0"))
	job := r.now(t, "lift")
	process := r.process(t, job, "")
	r.committed(t, topic.Topic)
	pod := r.pods(t, job)[0]
	if err := bed.api.PolicyV1().Evictions(r.namespace).Evict(t.Context(), &policy.Eviction{ObjectMeta: meta.ObjectMeta{Name: pod.Name, Namespace: r.namespace}}); err != nil {
		t.Fatal(err)
	}
	r.ends(t, job, batch.JobComplete)
	if log := process.Log(); !strings.Contains(log, "signal") {
		t.Errorf("the run was not told to stop:\n%s", log)
	}
	r.exact(t, topic)
}

// TestATopicThatWasRecreatedFailsItsJobAtOnce: exit 4 needs a person, and no retry.
func TestATopicThatWasRecreatedFailsItsJobAtOnce(t *testing.T) {
	t.Parallel()
	name := produce.Name("recreated")
	first := fill(t, name, 10_000, 2)
	r := install(t, name, fmt.Sprintf(byHand, ""))
	job := r.now(t, "lift")
	r.ends(t, job, batch.JobComplete)
	r.exact(t, first)

	recreate(t, name)
	job = r.now(t, "lift")
	if reason := r.ends(t, job, batch.JobFailed); reason != batch.JobReasonPodFailurePolicy {
		t.Errorf("the reason is %s", reason)
	}
	if got := r.exits(t, job); !slices.Equal(got, []int32{4}) {
		t.Errorf("the pods ended with %v", got)
	}
	r.exact(t, first)
}

// TestWorkersThatNeedAPersonFinishWhatTheyCan: with shards exit 4 fails an index, and stops no other. Each worker finds the topic that
// was recreated, and each lifts its share of the other one.
func TestWorkersThatNeedAPersonFinishWhatTheyCan(t *testing.T) {
	t.Parallel()
	name := produce.Name("halted")
	fill(t, name+"-a", 10_000, 1)
	r := install(t, name+"-.*", fmt.Sprintf(byHand, ", shards: 2"))
	r.ends(t, r.now(t, "lift"), batch.JobComplete)

	recreate(t, name+"-a")
	second := fill(t, name+"-b", 20_000, 4)
	job := r.now(t, "lift")
	if reason := r.ends(t, job, batch.JobFailed); reason != batch.JobReasonFailedIndexes {
		t.Errorf("the reason is %s", reason)
	}
	if got := r.exits(t, job); !slices.Equal(got, []int32{4, 4}) {
		t.Errorf("the pods ended with %v", got)
	}
	r.exact(t, second)
}

func recreate(t *testing.T, topic string) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(servers.Kafka(t).Brokers()...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	if _, err := admin.DeleteTopic(t.Context(), topic); err != nil {
		t.Fatal(err)
	}
	eventually(t, 30*time.Second, func() (bool, string) {
		_, err := admin.CreateTopic(t.Context(), 1, 1, nil, topic)
		return err == nil, fmt.Sprintf("%s is made anew: %v", topic, err)
	})
}

// TestWhatCanHealIsRetried: a topic that is not there yet is exit 3; when it is there the retry succeeds.
func TestWhatCanHealIsRetried(t *testing.T) {
	t.Parallel()
	name := produce.Name("late")
	first := fill(t, name+"-a", 5_000, 1)
	r := install(t, name+"-a", fmt.Sprintf(byHand, ""))
	r.upgrade(t, fmt.Sprintf(`config: {jobs: [{name: job, topics: [%s-a, %s-b], value: {format: json, framing: none, schema: schemas/body.avsc}}]}`, name, name))
	job := r.now(t, "lift")
	eventually(t, time.Minute, func() (bool, string) {
		codes := r.exits(t, job)
		return slices.Contains(codes, 3), fmt.Sprintf("a run that is partial: %v", codes)
	})
	second := fill(t, name+"-b", 5_000, 1)
	r.ends(t, job, batch.JobComplete)
	r.exact(t, first, second)
}

// TestRetriesEnd: exit 1 is retried as often as allowed. When the cause is gone the next run lifts everything.
func TestRetriesEnd(t *testing.T) {
	t.Parallel()
	topic := fill(t, produce.Name("wrong"), 5_000, 1)
	r := install(t, topic.Topic, fmt.Sprintf(byHand, ", backoffLimit: 1"))
	s3 := servers.S3(t)
	r.secret(t, "s3", map[string]string{"AWS_ACCESS_KEY_ID": s3.AccessKey, "AWS_SECRET_ACCESS_KEY": "wrong"})
	job := r.now(t, "lift")
	if reason := r.ends(t, job, batch.JobFailed); reason != batch.JobReasonBackoffLimitExceeded {
		t.Errorf("the reason is %s", reason)
	}
	if got := r.exits(t, job); !slices.Equal(got, []int32{1, 1}) {
		t.Errorf("the pods ended with %v", got)
	}
	r.secret(t, "s3", map[string]string{"AWS_ACCESS_KEY_ID": s3.AccessKey, "AWS_SECRET_ACCESS_KEY": s3.SecretKey})
	r.ends(t, r.now(t, "lift"), batch.JobComplete)
	r.exact(t, topic)
}

// TestAWrongConfigurationIsNotRetried: exit 2.
func TestAWrongConfigurationIsNotRetried(t *testing.T) {
	t.Parallel()
	r := install(t, "any", fmt.Sprintf(byHand, "")+"\nconfig: {max_open_fils: 12}\n")
	job := r.now(t, "lift")
	if reason := r.ends(t, job, batch.JobFailed); reason != batch.JobReasonPodFailurePolicy {
		t.Errorf("the reason is %s", reason)
	}
	if got := r.exits(t, job); !slices.Equal(got, []int32{2}) {
		t.Errorf("the pods ended with %v", got)
	}
}

// TestAnUnsafePodIsRefused: the namespaces of these tests do enforce the standard.
func TestAnUnsafePodIsRefused(t *testing.T) {
	t.Parallel()
	r := install(t, "any", fmt.Sprintf(byHand, "")+"\nsecurityContext: {allowPrivilegeEscalation: true}\n")
	job := r.now(t, "lift")
	if message := r.event(t, time.Minute, job, "FailedCreate"); !strings.Contains(message, `violates PodSecurity "restricted:latest"`) {
		t.Errorf("refused for another reason: %s", message)
	}
}

// contextOf is for what is done when a test is over, too.
func contextOf(t *testing.T) context.Context { return context.WithoutCancel(t.Context()) }
