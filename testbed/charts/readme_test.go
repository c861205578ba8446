package charts_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// TestReadmeListsTheValues: the table of the chart's README is made from values.yaml and its comments.
func TestReadmeListsTheValues(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(chartDir(t), "values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(chartDir(t), "README.md")
	readme, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const head, end = "| key | default | |\n| --- | --- | --- |\n", "<!-- end -->\n"
	before, rest, ok := strings.Cut(string(readme), head)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatal("the README has no table of values")
	}
	compare(t, path, before+head+rows("", document.Content[0])+end+after)
}

// rows are those of a mapping's keys.
func rows(prefix string, mapping *yaml.Node) string {
	var out strings.Builder
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		key, value := mapping.Content[i], mapping.Content[i+1]
		name := prefix + key.Value
		about := strings.TrimSpace(strings.NewReplacer("# ", "", "\n", " ", "|", `\|`).Replace(key.HeadComment))
		if value.Kind == yaml.MappingNode && len(value.Content) > 0 {
			if about != "" {
				out.WriteString("| `" + name + "` | | " + about + " |\n")
			}
			out.WriteString(rows(name+".", value))
			continue
		}
		out.WriteString("| `" + name + "` | `" + inline(value) + "` | " + about + " |\n")
	}
	return strings.ReplaceAll(out.String(), "|  |", "| |")
}

// inline is a value in one line, as values.yaml has it.
func inline(value *yaml.Node) string {
	if value.Kind == yaml.ScalarNode {
		if value.Style == yaml.DoubleQuotedStyle {
			return `"` + value.Value + `"`
		}
		return value.Value
	}
	var parts []string
	for _, v := range value.Content {
		parts = append(parts, inline(v))
	}
	if value.Kind == yaml.MappingNode {
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return "[" + strings.Join(parts, ", ") + "]"
}
