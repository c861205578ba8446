package charts

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Schemas writes a JSON schema of each kind into a folder, for kubeconform, and returns where kubeconform finds them. They are made
// from the description of the API in the source of Kubernetes itself, at the version that the control plane of the tests is built from.
func Schemas(ctx context.Context, into string, manifests []Manifest) (location string, err error) {
	source, err := kubernetes(ctx)
	if err != nil {
		return "", err
	}
	text, err := os.ReadFile(filepath.Join(source, "api", "openapi-spec", "swagger.json"))
	if err != nil {
		return "", err
	}
	var api struct {
		Definitions map[string]map[string]any `json:"definitions"`
	}
	if err := json.Unmarshal(text, &api); err != nil {
		return "", fmt.Errorf("testbed: swagger.json of Kubernetes: %w", err)
	}
	wanted := map[string]bool{}
	for _, m := range manifests {
		wanted[m.Kind+" "+m.APIVersion] = true
	}
	for name, definition := range api.Definitions {
		kind, version, ok := object(definition)
		if !ok || !wanted[kind+" "+version] {
			continue
		}
		schema := closure(api.Definitions, name)
		text, err := json.Marshal(schema)
		if err != nil {
			return "", err
		}
		group, number, grouped := strings.Cut(version, "/")
		if grouped { // as kubeconform names them: of networking.k8s.io only the first word
			group, _, _ = strings.Cut(group, ".")
			group += "-" + number
		}
		file := strings.ToLower(kind + "-" + group + ".json")
		if err := os.WriteFile(filepath.Join(into, file), text, 0o644); err != nil {
			return "", err
		}
	}
	return filepath.Join(into, "{{ .ResourceKind }}{{ .KindSuffix }}.json"), nil
}

// kubernetes is the folder of the module k8s.io/kubernetes, which is fetched if need be.
func kubernetes(ctx context.Context) (string, error) {
	chart, err := Dir()
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", "k8s.io/kubernetes")
	cmd.Dir = filepath.Join(chart, "..", "..", "..", "testbed", "kubernetes", "controlplane")
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("testbed: fetch the source of Kubernetes: %w\n%s", err, out)
	}
	var module struct{ Version, Dir string }
	if err := json.Unmarshal(out, &module); err != nil {
		return "", err
	}
	if module.Version != KubeVersion {
		return "", fmt.Errorf("testbed: the control plane is %s, and the charts are rendered for %s", module.Version, KubeVersion)
	}
	return module.Dir, nil
}

// object tells which kind of object a definition is of, if it is of one.
func object(definition map[string]any) (kind, version string, ok bool) {
	all, _ := definition["x-kubernetes-group-version-kind"].([]any)
	if len(all) != 1 {
		return "", "", false
	}
	of := all[0].(map[string]any)
	version = of["version"].(string)
	if group := of["group"].(string); group != "" {
		version = group + "/" + version
	}
	return of["kind"].(string), version, true
}

// closure is a definition with all that it refers to, as a schema of its own that knows no other fields.
func closure(definitions map[string]map[string]any, name string) map[string]any {
	reached := map[string]any{}
	var reach func(name string)
	reach = func(name string) {
		if reached[name] != nil {
			return
		}
		reached[name] = true // for those that refer to themselves
		reached[name] = strict(definitions[name], reach)
	}
	reach(name)
	// What the API takes as text or number, and its description calls text.
	for name, types := range map[string][]string{
		"io.k8s.apimachinery.pkg.util.intstr.IntOrString": {"string", "integer"},
		"io.k8s.apimachinery.pkg.api.resource.Quantity":   {"string", "number"},
	} {
		if reached[name] != nil {
			reached[name] = map[string]any{"type": types}
		}
	}
	return map[string]any{"$ref": "#/definitions/" + name, "definitions": reached}
}

// strict copies a schema without the members that only Kubernetes knows, and allows no fields that it does not name.
func strict(v any, reach func(name string)) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, below := range v {
			if !strings.HasPrefix(k, "x-") {
				out[k] = strict(below, reach)
			}
		}
		if ref, ok := v["$ref"].(string); ok {
			reach(strings.TrimPrefix(ref, "#/definitions/"))
		}
		if _, has := out["properties"]; has && out["additionalProperties"] == nil {
			out["additionalProperties"] = false
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, below := range v {
			out[i] = strict(below, reach)
		}
		return out
	}
	return v
}
