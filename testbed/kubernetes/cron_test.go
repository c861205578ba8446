package kubernetes_test

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	batch "k8s.io/api/batch/v1"

	"shadoof/testbed/produce"
)

func TestCronJobLiftsWhatIsNew(t *testing.T) {
	t.Parallel()
	name := produce.Name("cron")
	first := fill(t, name+"-a", 20_000, 2)
	r := install(t, name+"-.*", `schedules: {minutely: {schedule: "* * * * *"}}`)
	r.finished(t, 1)
	r.exact(t, first)
	second := fill(t, name+"-b", 20_000, 2)
	r.finished(t, len(r.jobs(t))+1)
	r.exact(t, first, second)
}

// finished waits until so many Jobs are complete, and none has failed.
func (r *release) finished(t *testing.T, n int) {
	t.Helper()
	eventually(t, 3*time.Minute, func() (bool, string) {
		complete := 0
		for _, j := range r.jobs(t) {
			if j.Status.Failed > 0 {
				t.Fatalf("the Job %s: %+v", j.Name, j.Status)
			}
			complete += int(j.Status.Succeeded)
		}
		return complete >= n, fmt.Sprintf("%d of %d Jobs are complete", complete, n)
	})
}

// TestARunThatLastsOverTheNextTimeHasNoSecondBesideIt: Forbid. The start that it made impossible is made up, once.
func TestARunThatLastsOverTheNextTimeHasNoSecondBesideIt(t *testing.T) {
	t.Parallel()
	topic := fill(t, produce.Name("long"), 20_000, 2)
	r := install(t, topic.Topic, `schedules: {long: {schedule: "* * * * *", suspend: true}}`)
	defer bed.node.Freeze(r.namespace)()
	r.upgrade(t, `schedules: {long: {suspend: false}}`)
	eventually(t, 2*time.Minute, func() (bool, string) { return len(r.jobs(t)) > 0, "a Job" })
	process := r.process(t, r.jobs(t)[0].Name, "")
	r.event(t, 2*time.Minute, "lift-shadoof-long", "JobAlreadyActive")
	if jobs := r.jobs(t); len(jobs) != 1 {
		t.Errorf("%d Jobs beside each other", len(jobs))
	}
	bed.node.Thaw(r.namespace)
	ended := time.Now()
	if err := process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	r.finished(t, 2)
	second := r.jobs(t)[1]
	if late := second.CreationTimestamp.Sub(ended); late > 30*time.Second {
		t.Errorf("the start that was missed was made up %s later", late)
	}
	r.exact(t, topic)
}

// TestAMissedStartIsMadeUpOnceIfItIsNotTooLate: two schedules of the same time, which comes and goes while they are suspended.
func TestAMissedStartIsMadeUpOnceIfItIsNotTooLate(t *testing.T) {
	t.Parallel()
	topic := fill(t, produce.Name("missed"), 20_000, 2)
	at := time.Now().UTC().Add(20 * time.Second).Truncate(time.Minute).Add(time.Minute)
	both := func(suspend bool) string {
		return fmt.Sprintf(`schedules:
  made-up: {schedule: "%d %d * * *", suspend: %v, startingDeadlineSeconds: 600}
  too-late: {schedule: "%d %d * * *", suspend: %v, startingDeadlineSeconds: 15}
`, at.Minute(), at.Hour(), suspend, at.Minute(), at.Hour(), suspend)
	}
	r := install(t, topic.Topic, both(true))
	select {
	case <-time.After(time.Until(at.Add(25 * time.Second))):
	case <-t.Context().Done():
	}
	if jobs := r.jobs(t); len(jobs) != 0 {
		t.Errorf("%d Jobs of suspended schedules", len(jobs))
	}
	r.upgrade(t, both(false))
	// Both are looked at when they change. Of the one that is too late nobody says a word.
	r.finished(t, 1)
	jobs := r.jobs(t)
	if len(jobs) != 1 || jobs[0].OwnerReferences[0].Name != "lift-shadoof-made-up" {
		t.Errorf("Jobs: %v", names(jobs))
	}
	r.exact(t, topic)
}

func names(jobs []batch.Job) (all []string) {
	for _, j := range jobs {
		all = append(all, j.Name)
	}
	return all
}
