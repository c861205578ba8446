package kubernetes_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"

	"shadoof/testbed/produce"
	"shadoof/testbed/runs"
)

// TestServeLiftsByItsOwnSchedules: the Deployment becomes ready by its probes, lifts, and an upgrade ends the old pod in good order first.
func TestServeLiftsByItsOwnSchedules(t *testing.T) {
	t.Parallel()
	ports, err := runs.Ports(1)
	if err != nil {
		t.Fatal(err)
	}
	name := produce.Name("served")
	first := fill(t, name+"-a", 20_000, 2)
	r := install(t, name+"-.*", fmt.Sprintf(`
serve: {enabled: true, port: %d}
config: {defaults: {schedule: "* * * * *"}}
`, ports[0]))
	before := r.serving(t)
	r.lifted(t, first)
	if page := get(t, ports[0], "/metrics"); !strings.Contains(page, "shadoof_build_info{") {
		t.Errorf("metrics:\n%s", page)
	}

	second := fill(t, name+"-b", 20_000, 2)
	r.upgrade(t, `config: {max_open_files: 100}`)
	eventually(t, 2*time.Minute, func() (bool, string) {
		return r.serving(t).UID != before.UID, "a new pod is ready"
	})
	if old, ok := bed.node.Pod(before.UID); !ok || old.Exit() != 0 {
		t.Errorf("the old pod ended with %d\n%s", old.Exit(), old.Log())
	}
	r.lifted(t, first, second)
}

// serving waits for a pod of the Deployment that is ready.
func (r *release) serving(t *testing.T) (found core.Pod) {
	t.Helper()
	eventually(t, 2*time.Minute, func() (bool, string) {
		d, err := bed.api.AppsV1().Deployments(r.namespace).Get(t.Context(), "lift-shadoof-serve", meta.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range r.pods(t, "") {
			for _, c := range p.Status.Conditions {
				if c.Type == core.PodReady && c.Status == core.ConditionTrue && p.DeletionTimestamp == nil {
					found = p
				}
			}
		}
		return found.UID != "" && d.Status.ReadyReplicas == 1, fmt.Sprintf("the Deployment is ready: %+v", d.Status)
	})
	return found
}

// lifted waits until the folders have all records of the topics.
func (r *release) lifted(t *testing.T, topics ...*produce.Result) {
	t.Helper()
	eventually(t, 3*time.Minute, func() (bool, string) {
		for _, topic := range topics {
			if got := r.rows(t, topic); got != topic.Digest.Rows() {
				return false, fmt.Sprintf("%s has %d of %d rows", topic.Topic, got, topic.Digest.Rows())
			}
		}
		return true, ""
	})
	r.exact(t, topics...)
}

func get(t *testing.T, port int, path string) string {
	t.Helper()
	resp, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d%s", port, path))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v\n%s", path, resp.Status, err, text)
	}
	return string(text)
}
