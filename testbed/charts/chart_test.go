package charts_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/v2/lint"
	"helm.sh/helm/v4/pkg/chart/v2/lint/support"
	"sigs.k8s.io/yaml"

	"shadoof/testbed/charts"
)

var update = flag.Bool("update", false, "write the golden files, and the table of the chart's README")

func chartDir(t *testing.T) string {
	t.Helper()
	dir, err := charts.Dir()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// cases are the files of values in the chart's folder ci, by their names.
func cases(t *testing.T) map[string]map[string]any {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(chartDir(t), "ci", "*-values.yaml"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no values in ci: %v", err)
	}
	all := map[string]map[string]any{}
	for _, path := range paths {
		values, err := charts.ReadValues(path)
		if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimSuffix(filepath.Base(path), "-values.yaml")] = values
	}
	return all
}

func render(t *testing.T, values map[string]any) ([]charts.Manifest, string) {
	t.Helper()
	manifests, notes, err := charts.Render(charts.Release{Name: "lift", Namespace: "data", Values: values})
	if err != nil {
		t.Fatal(err)
	}
	return manifests, notes
}

// decode reads a manifest into a type, and knows no field that the type does not have.
func decode[T any](t *testing.T, m charts.Manifest) *T {
	t.Helper()
	object := new(T)
	if err := yaml.UnmarshalStrict([]byte(m.Text), object); err != nil {
		t.Fatalf("%s: %v", m, err)
	}
	return object
}

func TestLintFindsNothing(t *testing.T) {
	t.Parallel()
	kube, err := common.ParseKubeVersion(charts.KubeVersion)
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range cases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, m := range lint.RunAll(chartDir(t), values, "data", lint.WithKubeVersion(kube)).Messages {
				if m.Severity > support.InfoSev {
					t.Errorf("%s: %v", m.Path, m.Err)
				}
			}
		})
	}
}

func TestGolden(t *testing.T) {
	t.Parallel()
	for name, values := range cases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			manifests, notes := render(t, values)
			var out strings.Builder
			for _, m := range manifests {
				out.WriteString("---\n" + m.Text)
			}
			out.WriteString("--- NOTES\n" + strings.TrimSpace(notes) + "\n")
			compare(t, filepath.Join("testdata", name+".golden"), out.String())
		})
	}
}

func compare(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got; go test -update writes it)\n%s", path, diff)
	}
}

// minimal are values that render, with others on top.
func minimal(t *testing.T, more string) map[string]any {
	t.Helper()
	values := cases(t)["minimal"]
	var over map[string]any
	if err := yaml.Unmarshal([]byte(more), &over); err != nil {
		t.Fatal(err)
	}
	return merge(values, over)
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

func TestMistakesAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ values, want string }{
		{`image: {repository: ""}`, "image.repository must be set: there is no public image; `make image` builds it"},
		{`config: null`, "config or existingConfigMap must be set"},
		{`existingConfigMap: other`, "config and existingConfigMap exclude each other"},
		{`{existingConfigMap: other, config: null, files: {a.avsc: x}}`, "files go with config"},
		{`files: {shadoof.yaml: x}`, "shadoof.yaml is made from config"},
		{`files: {../x: text}`, `'../x'`},
		{`config: {memory: 1GiB}`, "config.memory is 1GiB, and memory, by which containers are limited, is 512MiB: set memory alone"},
		{`config: {kafka: {sasl: {password: hunter2}}}`, "config.kafka.sasl.password would be written into a ConfigMap: use a *_file key with secretFiles, or ${NAME} with env"},
		{`config: {metrics: {push_password: hunter2}}`, "config.metrics.push_password would be written into a ConfigMap"},
		{`schedules: {hourly: {jobs: [trackin]}}`, `schedules.hourly.jobs: config has no job "trackin", only tracking`},
		{`schedules: {gc: {schedule: "@daily"}}`, "schedules.gc: that name is taken by gc"},
		{`schedules: {hourly: {schedule: "7 * * *"}}`, "schedules/hourly/schedule"},
		{`schedules: {hourly: {shard: 4}}`, "'shard'"},
		{`schedules: {much-too-long: {schedule: "@daily"}}`, "much-too-long"},
		{`schedules: {hourly: {concurrencyPolicy: forbid}}`, "concurrencyPolicy"},
		{`memory: 512Mi`, "memory"},
		{`memory: 32MiB`, "memory: 32MiB is too little: 64MiB is the least"},
		{`shutdownGrace: "25"`, "shutdownGrace"},
		{`config: {shutdown_grace: soon}`, `shutdown_grace: "soon" is not a duration`},
		{`image: {digest: "sha256:abc"}`, "image/digest"},
		{`server: {enabled: true}`, "'server'"},
		{`{memory: 1GiB, config: {memory: 1GiB}, schedules: {hourly: {memory: 2GiB}}}`, "schedules.hourly.memory is 2GiB, and config.memory is 1GiB"},
	} {
		t.Run(c.values, func(t *testing.T) {
			t.Parallel()
			_, _, err := charts.Render(charts.Release{Name: "lift", Namespace: "data", Values: minimal(t, c.values)})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v\nwant an error with %q", err, c.want)
			}
		})
	}
}
