package registry

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"shadoof/record"
)

// described makes a server of schemas that are described as "subject/version: name=subject/version ...". The one without a slash has the id 1;
// the text of each is where it stands.
func described(t *testing.T, lines ...string) *fake {
	t.Helper()
	p := map[string]string{}
	for _, line := range lines {
		at, refs, _ := strings.Cut(line, ":")
		var list []string
		for ref := range strings.FieldsSeq(refs) {
			name, to, _ := strings.Cut(ref, "=")
			subject, version, _ := strings.Cut(to, "/")
			list = append(list, fmt.Sprintf(`{"name":%q,"subject":%q,"version":%s}`, name, subject, version))
		}
		path := "/schemas/ids/1"
		if subject, version, ok := strings.Cut(at, "/"); ok {
			path = "/subjects/" + subject + "/versions/" + version
		}
		p[path] = fmt.Sprintf(`{"schemaType":"PROTOBUF","schema":%q,"references":[%s]}`, at, strings.Join(list, ","))
	}
	return pages(p)
}

func TestReferencesComeBeforeWhatNeedsThem(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		server []string
		want   string // name=text, in order
	}{
		{"none", []string{"root:"}, ""},
		{"a chain", []string{"root: A=a/1", "a/1: B=b/3", "b/3: C=c/2", "c/2:"}, "C=c/2 B=b/3 A=a/1"},
		{"a diamond", []string{"root: A=a/1 B=b/1", "a/1: D=d/1", "b/1: D=d/1", "d/1:"}, "D=d/1 A=a/1 B=b/1"},
		{"what is named later is needed first", []string{"root: A=a/1 D=d/1", "a/1: D=d/1", "d/1:"}, "D=d/1 A=a/1"},
		{"twice", []string{"root: A=a/1 A=a/1", "a/1:"}, "A=a/1"},
		{"two names for one", []string{"root: A=a/1 B=a/1", "a/1:"}, "A=a/1 B=a/1"},
		{"two versions: the first on the way down", []string{"root: A=a/1 D=d/1", "a/1: D=d/2", "d/1:", "d/2:"}, "D=d/2 A=a/1"},
		{"the latest", []string{"root: A=a/-1 B=a/0", "a/latest:"}, "A=a/latest B=a/latest"},
		{"an older version of another name", []string{"root: New=a/2", "a/2: Old=a/1", "a/1:"}, "Old=a/1 New=a/2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := open(t, Options{}, described(t, c.server...)).ByID(t.Context(), 1)
			if err != nil {
				t.Fatal(err)
			}
			want := &record.SchemaText{Format: "protobuf", Text: "root"}
			for ref := range strings.FieldsSeq(c.want) {
				name, text, _ := strings.Cut(ref, "=")
				want.References = append(want.References, record.Reference{Name: name, Text: text})
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("-want +got\n%s", d)
			}
		})
	}
}

func TestCirclesAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		server []string
		want   string
	}{
		{"itself", []string{"root: A=a/1", "a/1: A=a/1"}, `"A" (version 1 of subject "a") -> "A" (version 1 of subject "a")`},
		{"another", []string{"root: A=a/1", "a/1: B=b/1", "b/1: A=a/1"}, `"A" (version 1 of subject "a") -> "B" (version 1 of subject "b") -> "A" (version 1 of subject "a")`},
		{"under another name", []string{"root: A=a/1", "a/1: X=a/1"}, `"A" (version 1 of subject "a") -> "X" (version 1 of subject "a")`},
		{"a name within itself", []string{"root: A=a/2", "a/2: A=a/1", "a/1:"}, `"A" (version 2 of subject "a") -> "A" (version 1 of subject "a")`},
		{"not from the top", []string{"root: A=a/1", "a/1: B=b/1", "b/1: C=c/-1", "c/latest: B=b/1"}, `"B" (version 1 of subject "b") -> "C" (the latest version of subject "c") -> "B" (version 1 of subject "b")`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := open(t, Options{}, described(t, c.server...)).ByID(t.Context(), 1)
			if want := "schema id 1: its references go round in a circle: " + c.want; err == nil || err.Error() != want {
				t.Errorf("error %v\nwant  %s", err, want)
			}
		})
	}
}

func TestEndlessReferencesAreRefused(t *testing.T) {
	t.Parallel()
	f := &fake{answer: func(n int, _ *http.Request) answer {
		return answer{status: 200, body: fmt.Sprintf(`{"schema":"x","references":[{"name":"n%d","subject":"s%d","version":1}]}`, n, n)}
	}}
	_, err := open(t, Options{}, f).ByID(t.Context(), 1)
	if err == nil || !strings.Contains(err.Error(), "refers to more than 1000 others") {
		t.Errorf("error %v", err)
	}
}

// The registry is well, and there is no such schema as a whole.
func TestAReferenceToNothingIsNoSchema(t *testing.T) {
	t.Parallel()
	_, err := open(t, Options{}, described(t, "root: A=a/1", "a/1: B=b/4")).ByID(t.Context(), 1)
	if want := `schema id 1: it refers to "B": version 4 of subject "b": the registry has no such schema (http://registry, code 40403)`; !errors.Is(err, record.ErrNoSchema) || err.Error() != want {
		t.Errorf("error %v\nwant  %s", err, want)
	}
}

func TestReferencesAreAskedForOnceAlsoWhenDeleted(t *testing.T) {
	t.Parallel()
	f := pages(map[string]string{
		"/schemas/ids/1":           `{"schema":"1","references":[{"name":"A","subject":"a","version":1}]}`,
		"/schemas/ids/2":           `{"schema":"2","references":[{"name":"A","subject":"a","version":1}]}`,
		"/subjects/a/versions/1":   `{"schema":"a"}`,
		"/subjects/x/versions/199": `{"subject":"x","version":199,"id":3,"schema":"3","references":[{"name":"A","subject":"a","version":1}]}`,
	})
	r := open(t, Options{}, f)
	for id := range int32(2) {
		wantText(t, r, id+1, &record.SchemaText{Format: "avro", Text: fmt.Sprint(id + 1), References: []record.Reference{{Name: "A", Text: "a"}}})
	}
	if _, err := r.BySubject(t.Context(), "x", 199); err != nil {
		t.Fatal(err)
	}
	wantRequests(t, f, "registry/schemas/ids/1", "registry/subjects/a/versions/1?deleted=true", "registry/schemas/ids/2", "registry/subjects/x/versions/199")
}
