// Package charts renders and checks the Helm chart of deploy/helm with Helm's own packages, in this process: nothing has to be
// installed. It has a Go module of its own, so that neither the product nor the rest of the testbed inherits Helm.
package charts

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"
	"sigs.k8s.io/yaml"
)

// KubeVersion is the version of Kubernetes that templates are rendered for, and of the schemas and the control plane of the tests.
const KubeVersion = "v1.36.3"

// A Release is what `helm install NAME --namespace NAMESPACE --values VALUES` gets.
type Release struct {
	Name, Namespace string
	Values          map[string]any
}

// A Manifest is one object.
type Manifest struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name string `json:"name"`
	} `json:"metadata"`

	Text string `json:"-"` // as it was rendered
}

func (m Manifest) String() string { return m.Kind + "/" + m.Metadata.Name }

// Dir is the folder of the chart, found from any folder of the repository.
func Dir() (string, error) {
	at, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		dir := filepath.Join(at, "deploy", "helm", "shadoof")
		if _, err := os.Stat(filepath.Join(dir, "Chart.yaml")); err == nil {
			return dir, nil
		}
		if at == filepath.Dir(at) {
			return "", fmt.Errorf("testbed: no chart deploy/helm/shadoof above the working directory")
		}
		at = filepath.Dir(at)
	}
}

// Render is `helm template`, with the checks of values.schema.json. notes is what NOTES.txt says.
func Render(r Release) (manifests []Manifest, notes string, err error) {
	dir, err := Dir()
	if err != nil {
		return nil, "", err
	}
	chart, err := loader.LoadDir(dir)
	if err != nil {
		return nil, "", fmt.Errorf("testbed: load the chart: %w", err)
	}
	kube, err := common.ParseKubeVersion(KubeVersion)
	if err != nil {
		return nil, "", err
	}
	capabilities := common.DefaultCapabilities.Copy()
	capabilities.KubeVersion = *kube
	options := common.ReleaseOptions{Name: r.Name, Namespace: r.Namespace, Revision: 1, IsInstall: true}
	values, err := util.ToRenderValues(chart, r.Values, options, capabilities)
	if err != nil {
		return nil, "", fmt.Errorf("testbed: values: %w", err)
	}
	files, err := engine.Render(chart, values)
	if err != nil {
		return nil, "", fmt.Errorf("testbed: render: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if strings.HasSuffix(name, "NOTES.txt") {
			notes = files[name]
			continue
		}
		of, err := split(files[name])
		if err != nil {
			return nil, "", fmt.Errorf("testbed: %s: %w", name, err)
		}
		manifests = append(manifests, of...)
	}
	slices.SortStableFunc(manifests, func(a, b Manifest) int { return cmp.Compare(order(a), order(b)) })
	return manifests, notes, nil
}

// order is that of an installation: what others need comes first.
func order(m Manifest) int {
	return slices.Index([]string{"NetworkPolicy", "ServiceAccount", "ConfigMap", "Service", "Deployment", "CronJob", "ServiceMonitor"}, m.Kind)
}

func split(file string) (all []Manifest, err error) {
	for text := range strings.SplitSeq("\n"+file, "\n---\n") {
		if strings.TrimSpace(text) == "" {
			continue
		}
		m := Manifest{Text: strings.Trim(text, "\n") + "\n"}
		if err := yaml.Unmarshal([]byte(text), &m); err != nil {
			return nil, fmt.Errorf("%w in\n%s", err, text)
		}
		all = append(all, m)
	}
	return all, nil
}

// ReadValues reads a file of values.
func ReadValues(path string) (map[string]any, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	values, err := loader.LoadValues(strings.NewReader(string(text)))
	if err != nil {
		return nil, fmt.Errorf("testbed: %s: %w", path, err)
	}
	return values, nil
}
