package charts_test

import (
	"encoding/pem"
	"io"
	"maps"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/yannh/kubeconform/pkg/validator"
	apps "k8s.io/api/apps/v1"
	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/yaml"

	"shadoof/testbed/charts"
)

func TestManifestsFitTheirSchemas(t *testing.T) {
	t.Parallel()
	for name, values := range cases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			manifests, _ := render(t, values)
			check := conform(t, manifests)
			for _, m := range manifests {
				if m.Kind == "ServiceMonitor" { // no part of Kubernetes: the operator's type is the schema
					decode[monitoring.ServiceMonitor](t, m)
					continue
				}
				for _, err := range check(m.Text) {
					t.Errorf("%s: %v", m, err)
				}
			}
		})
	}
}

// conform is kubeconform for the kinds of the manifests.
func conform(t *testing.T, manifests []charts.Manifest) func(text string) []error {
	t.Helper()
	location, err := charts.Schemas(t.Context(), t.TempDir(), manifests)
	if err != nil {
		t.Fatal(err)
	}
	v, err := validator.New([]string{location}, validator.Opts{Strict: true})
	if err != nil {
		t.Fatal(err)
	}
	return func(text string) (errs []error) {
		for _, r := range v.ValidateWithContext(t.Context(), "manifest", io.NopCloser(strings.NewReader(text))) {
			if r.Status != validator.Valid {
				errs = append(errs, r.Err)
			}
		}
		return errs
	}
}

func TestSchemasFindMistakes(t *testing.T) {
	t.Parallel()
	manifests, _ := render(t, cases(t)["minimal"])
	check := conform(t, manifests)
	i := slices.IndexFunc(manifests, func(m charts.Manifest) bool { return m.Kind == "CronJob" })
	for was, is := range map[string]string{
		"backoffLimit: 3":              "backoffLimits: 3",
		"action: FailJob":              "action: [FailJob]",
		"terminationGracePeriodSecond": "terminationGraceSecond",
		"  schedule: ":                 "  schedules: ",
		"runAsNonRoot: true":           "runAsNonRoot: [true]",
	} {
		text := strings.Replace(manifests[i].Text, was, is, 1)
		if text == manifests[i].Text {
			t.Errorf("no %q in %s", was, text)
		}
		if len(check(text)) == 0 {
			t.Errorf("%q instead of %q is found by nobody", is, was)
		}
	}
}

// pods are the templates of pods in what was rendered, by the object that they are in.
func pods(t *testing.T, manifests []charts.Manifest) map[string]core.PodTemplateSpec {
	t.Helper()
	all := map[string]core.PodTemplateSpec{}
	for _, m := range manifests {
		switch m.Kind {
		case "CronJob":
			all[m.String()] = decode[batch.CronJob](t, m).Spec.JobTemplate.Spec.Template
		case "Deployment":
			all[m.String()] = decode[apps.Deployment](t, m).Spec.Template
		}
	}
	if len(all) == 0 {
		t.Fatal("no pods")
	}
	return all
}

func TestPodsFitTheRestrictedStandard(t *testing.T) {
	t.Parallel()
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	restricted := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	for name, values := range cases(t) {
		manifests, _ := render(t, values)
		for in, pod := range pods(t, manifests) {
			if r := policy.AggregateCheckResults(evaluator.EvaluatePod(restricted, &pod.ObjectMeta, &pod.Spec)); !r.Allowed {
				t.Errorf("%s, %s: %s", name, in, r.ForbiddenDetail())
			}
			c := pod.Spec.Containers[0].SecurityContext
			if c.ReadOnlyRootFilesystem == nil || !*c.ReadOnlyRootFilesystem || *pod.Spec.AutomountServiceAccountToken {
				t.Errorf("%s, %s: the root can be written, or a token is mounted", name, in)
			}
		}
	}
	manifests, _ := render(t, minimal(t, `securityContext: {allowPrivilegeEscalation: true}`))
	for in, pod := range pods(t, manifests) {
		if policy.AggregateCheckResults(evaluator.EvaluatePod(restricted, &pod.ObjectMeta, &pod.Spec)).Allowed {
			t.Errorf("%s: privileges are not seen", in)
		}
	}
}

func TestContainersGetWhatTheProcessMayNeed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		memory string
		bytes  int64
	}{
		{"64MiB", 64 << 20}, {"512MiB", 512 << 20}, {"1GiB", 1 << 30}, {"1.5GiB", 3 << 29}, {"2GB", 2e9}, {"1073741824", 1 << 30}, {"3 GiB", 3 << 30},
	} {
		manifests, _ := render(t, minimal(t, "memory: "+c.memory))
		for in, pod := range pods(t, manifests) {
			r := pod.Spec.Containers[0].Resources
			most := resource.NewQuantity(c.bytes/10*13+64<<20, resource.BinarySI)
			limit := r.Limits[core.ResourceMemory]
			if over := limit.Value() - most.Value(); over < 0 || over > 2<<20 {
				t.Errorf("%s: memory %s gets a limit of %s, and the process may need %s", in, c.memory, &limit, most)
			}
			if request := r.Requests[core.ResourceMemory]; request.Cmp(limit) != 0 {
				t.Errorf("%s: requests %s of %s", in, &request, &limit)
			}
		}
	}
	manifests, _ := render(t, minimal(t, `resources: {requests: {cpu: "2", memory: 100Mi}, limits: {cpu: "4"}}`))
	for in, pod := range pods(t, manifests) {
		want := core.ResourceRequirements{
			Requests: core.ResourceList{"cpu": resource.MustParse("2"), "memory": resource.MustParse("100Mi")},
			Limits:   core.ResourceList{"cpu": resource.MustParse("4"), "memory": resource.MustParse("730Mi")},
		}
		if diff := cmp.Diff(want, pod.Spec.Containers[0].Resources, cmp.Comparer(func(a, b resource.Quantity) bool { return a.Cmp(b) == 0 })); diff != "" {
			t.Errorf("%s: resources of the values (-want +got)\n%s", in, diff)
		}
	}
}

func TestPodsGetTheGraceThatTheProcessTakes(t *testing.T) {
	t.Parallel()
	for values, want := range map[string]int64{
		`{}`:                               50,
		`config: {shutdown_grace: 2m}`:     145,
		`config: {shutdown_grace: 1m30s}`:  115,
		`config: {shutdown_grace: 1500ms}`: 27,
		`shutdownGrace: 1h`:                3625,
	} {
		manifests, _ := render(t, minimal(t, values))
		for in, pod := range pods(t, manifests) {
			if got := *pod.Spec.TerminationGracePeriodSeconds; got != want {
				t.Errorf("%s: %s gives %d s, want %d", in, values, got, want)
			}
		}
	}
}

func TestPodsRestartWhenTheConfigurationChanges(t *testing.T) {
	t.Parallel()
	sums := map[string]bool{}
	variants := []string{`{}`, `config: {client_id: other}`, `files: {a.avsc: one}`, `files: {a.avsc: two}`}
	for _, values := range variants {
		manifests, _ := render(t, minimal(t, values))
		for _, pod := range pods(t, manifests) {
			sums[pod.Annotations["checksum/config"]] = true
		}
	}
	if len(sums) != len(variants) {
		t.Errorf("%d configurations have the checksums %v", len(variants), slices.Sorted(maps.Keys(sums)))
	}
}

// TestTheConfigurationIsThatOfTheProduct has the product read what is mounted.
func TestTheConfigurationIsThatOfTheProduct(t *testing.T) {
	t.Parallel()
	binary := filepath.Join(t.TempDir(), "shadoof")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "./cmd/shadoof")
	build.Dir = filepath.Join(chartDir(t), "..", "..", "..")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for name, values := range cases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			manifests, _ := render(t, values)
			i := slices.IndexFunc(manifests, func(m charts.Manifest) bool { return m.Kind == "ConfigMap" })
			if i < 0 {
				return // it is somebody else's
			}
			dir := t.TempDir()
			data := decode[core.ConfigMap](t, manifests[i]).Data
			for _, pod := range pods(t, manifests) {
				mount(t, dir, pod.Spec, data)
			}
			cmd := exec.CommandContext(t.Context(), binary, "--config", filepath.Join(dir, "etc/shadoof/shadoof.yaml"), "config", "check")
			cmd.Env = append(os.Environ(), "REGISTRY_PASSWORD=secret")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s\n%s", err, out, data["shadoof.yaml"])
			}
		})
	}
}

// mount puts what a pod would see below a folder. Secrets are mounted at absolute names, which are moved there, too.
func mount(t *testing.T, dir string, pod core.PodSpec, data map[string]string) {
	t.Helper()
	write := func(name, text string) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(strings.ReplaceAll(text, "/secrets/", dir+"/secrets/")), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for i, volume := range pod.Volumes {
		at := pod.Containers[0].VolumeMounts[i].MountPath
		switch {
		case volume.ConfigMap != nil && len(volume.ConfigMap.Items) > 0:
			for _, item := range volume.ConfigMap.Items {
				write(filepath.Join(at, item.Path), data[item.Key])
			}
		case volume.ConfigMap != nil:
			for key, text := range data {
				write(filepath.Join(at, key), text)
			}
		case volume.Secret != nil:
			write(filepath.Join(at, "ca.crt"), aCertificate(t))
			for _, key := range []string{"password", "token"} {
				write(filepath.Join(at, key), "a-secret-of-a-test")
			}
		}
	}
}

func aCertificate(t *testing.T) string {
	t.Helper()
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
}

// TestExitCodesDecide: what a Job does about each exit code of the product (see docs/operations.md).
func TestExitCodesDecide(t *testing.T) {
	t.Parallel()
	manifests, _ := render(t, minimal(t, `schedules: {big: {schedule: "@daily", shards: 4}}`))
	want := map[string]map[int32]batch.PodFailurePolicyAction{
		"CronJob/lift-shadoof-hourly": {2: batch.PodFailurePolicyActionFailJob, 4: batch.PodFailurePolicyActionFailJob},
		"CronJob/lift-shadoof-big":    {2: batch.PodFailurePolicyActionFailJob, 4: batch.PodFailurePolicyActionFailIndex},
		"CronJob/lift-shadoof-gc":     {2: batch.PodFailurePolicyActionFailJob, 4: batch.PodFailurePolicyActionFailJob},
	}
	got := map[string]map[int32]batch.PodFailurePolicyAction{}
	for _, m := range manifests {
		if m.Kind != "CronJob" {
			continue
		}
		job := decode[batch.CronJob](t, m).Spec.JobTemplate.Spec
		rules := job.PodFailurePolicy.Rules
		if rules[0].Action != batch.PodFailurePolicyActionIgnore || rules[0].OnPodConditions[0].Type != core.DisruptionTarget {
			t.Errorf("%s: an eviction counts: %+v", m, rules[0])
		}
		got[m.String()] = map[int32]batch.PodFailurePolicyAction{}
		for _, r := range rules[1:] {
			for _, code := range r.OnExitCodes.Values {
				got[m.String()][code] = r.Action
			}
		}
		if sharded := job.CompletionMode != nil; sharded != (job.BackoffLimitPerIndex != nil) || sharded == (job.BackoffLimit != nil) {
			t.Errorf("%s: limits of retries do not fit the mode: %+v", m, job)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestNoNumberLosesItsForm(t *testing.T) {
	t.Parallel()
	values := minimal(t, `config: {max_open_files: 1000000, defaults: {limits: {bytes: 10737418240}, partition: {min: 2015-01-01}}}`)
	manifests, _ := render(t, values)
	i := slices.IndexFunc(manifests, func(m charts.Manifest) bool { return m.Kind == "ConfigMap" })
	text := decode[core.ConfigMap](t, manifests[i]).Data["shadoof.yaml"]
	for _, want := range []string{"max_open_files: 1000000\n", "bytes: 10737418240\n", `min: "2015-01-01"`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if err := yaml.Unmarshal([]byte(text), &map[string]any{}); err != nil {
		t.Error(err)
	}
}
