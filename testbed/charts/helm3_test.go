package charts_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"

	"shadoof/testbed/charts"
)

// TestHelm3RendersTheSame: most people have it.
func TestHelm3RendersTheSame(t *testing.T) {
	t.Parallel()
	for name, values := range cases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			chart, err := loader.Load(chartDir(t))
			if err != nil {
				t.Fatal(err)
			}
			capabilities := chartutil.DefaultCapabilities.Copy()
			capabilities.KubeVersion = chartutil.KubeVersion{Version: charts.KubeVersion, Major: "1", Minor: "36"}
			render3, err := chartutil.ToRenderValues(chart, values, chartutil.ReleaseOptions{Name: "lift", Namespace: "data", Revision: 1, IsInstall: true}, capabilities)
			if err != nil {
				t.Fatal(err)
			}
			files, err := engine.Render(chart, render3)
			if err != nil {
				t.Fatal(err)
			}
			var three []string
			for _, path := range slices.Sorted(maps.Keys(files)) {
				if strings.HasSuffix(path, ".yaml") {
					three = append(three, documents(files[path])...)
				}
			}
			manifests, _ := render(t, values)
			var four []string
			for _, m := range manifests {
				four = append(four, strings.TrimSpace(m.Text))
			}
			slices.Sort(three)
			slices.Sort(four)
			if diff := cmp.Diff(four, three); diff != "" {
				t.Errorf("(-helm 4 +helm 3)\n%s", diff)
			}
		})
	}
}

func documents(file string) (all []string) {
	for text := range strings.SplitSeq("\n"+file, "\n---\n") {
		if text = strings.TrimSpace(text); text != "" {
			all = append(all, text)
		}
	}
	return all
}
