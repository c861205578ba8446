package charts_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	core "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"shadoof/testbed/charts"
)

// fences are the code blocks of a page, by their language.
func fences(t *testing.T, page string) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(chartDir(t), "..", "..", "..", page))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]string{}
	for _, m := range regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$").FindAllStringSubmatch(string(text), -1) {
		all[m[1]] = append(all[m[1]], m[2])
	}
	return all
}

func TestValuesOfTheDocumentationRender(t *testing.T) {
	t.Parallel()
	found := 0
	for _, page := range []string{"docs/kubernetes.md", "deploy/helm/shadoof/README.md", "README.md"} {
		for _, block := range fences(t, page)["yaml"] {
			if !strings.Contains(block, "\nschedules:") {
				continue
			}
			found++
			var values map[string]any
			if err := yaml.UnmarshalStrict([]byte(block), &values); err != nil {
				t.Errorf("%s: %v in\n%s", page, err, block)
				continue
			}
			manifests, _, err := charts.Render(charts.Release{Name: "lift", Namespace: "data", Values: values})
			if err != nil {
				t.Errorf("%s: %v with\n%s", page, err, block)
				continue
			}
			pods(t, manifests)
		}
	}
	if found < 3 {
		t.Errorf("only %d values in the documentation", found)
	}
}

// TestWorkflowsOfTheDocumentationAreYAML, with containers as Kubernetes knows them.
func TestWorkflowsOfTheDocumentationAreYAML(t *testing.T) {
	t.Parallel()
	found := 0
	for _, block := range fences(t, "docs/kubernetes.md")["yaml"] {
		if !strings.Contains(block, "kind: CronWorkflow") {
			continue
		}
		found++
		var w struct {
			Spec struct {
				WorkflowSpec struct {
					SecurityContext map[string]any   `json:"securityContext"`
					Volumes         []map[string]any `json:"volumes"`
					Templates       []struct {
						Container map[string]any `json:"container"`
					} `json:"templates"`
				} `json:"workflowSpec"`
			} `json:"spec"`
		}
		if err := yaml.Unmarshal([]byte(block), &w); err != nil {
			t.Fatal(err)
		}
		spec := w.Spec.WorkflowSpec
		strictly[core.PodSecurityContext](t, spec.SecurityContext)
		for _, v := range spec.Volumes {
			strictly[core.Volume](t, v)
		}
		for _, template := range spec.Templates {
			c := strictly[core.Container](t, template.Container)
			if c.Image == "" || c.VolumeMounts[0].MountPath != "/etc/shadoof" {
				t.Errorf("%+v", c)
			}
		}
	}
	if found == 0 {
		t.Error("no workflow")
	}
}

func strictly[T any](t *testing.T, v any) *T {
	t.Helper()
	text, err := yaml.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	object := new(T)
	if err := yaml.UnmarshalStrict(text, object); err != nil {
		t.Errorf("%v in\n%s", err, text)
	}
	return object
}

// TestPythonOfTheDocumentationParses, and so do the shell scripts.
func TestPythonOfTheDocumentationParses(t *testing.T) {
	t.Parallel()
	blocks := fences(t, "docs/kubernetes.md")
	for language, check := range map[string][]string{"python": {"python3", "-c", "import ast, sys; ast.parse(sys.stdin.read())"}, "sh": {"sh", "-n"}} {
		if len(blocks[language]) == 0 {
			t.Errorf("no %s", language)
		}
		for _, block := range blocks[language] {
			cmd := exec.CommandContext(t.Context(), check[0], check[1:]...)
			cmd.Stdin = strings.NewReader(block)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v: %s\n%s", err, out, block)
			}
		}
	}
}
