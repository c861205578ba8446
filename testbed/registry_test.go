package testbed_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shadoof/record"
	"shadoof/record/registry"
	"shadoof/testbed/registrybed"
	"shadoof/testbed/servers"
)

func registryClient(t *testing.T, opts registry.Options) *registry.Client {
	t.Helper()
	c, err := registry.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func register(t *testing.T, s *registrybed.Server, subject string, schema registrybed.Schema) int32 {
	t.Helper()
	id, err := s.Register(t.Context(), subject, schema)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// Each of these has a diamond of references: the root needs both sides, and both need the same one.
func TestRegistrySchemasWithReferences(t *testing.T) {
	t.Parallel()
	s := servers.Registry(t)
	if err := registryClient(t, registry.Options{URLs: []string{s.URL}}).Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		format, kind            string
		bottom, left, right     record.Reference
		root, older, newerTexts string
	}{
		{
			"avro", "AVRO",
			record.Reference{Name: "shop.Money", Text: `{"type":"record","name":"Money","namespace":"shop","fields":[{"name":"cents","type":"long"}]}`},
			record.Reference{Name: "shop.Item", Text: `{"type":"record","name":"Item","namespace":"shop","fields":[{"name":"price","type":"shop.Money"}]}`},
			record.Reference{Name: "shop.Fee", Text: `{"type":"record","name":"Fee","namespace":"shop","fields":[{"name":"amount","type":"shop.Money"}]}`},
			`{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"item","type":"shop.Item"},{"name":"fee","type":"shop.Fee"}]}`,
			`{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"id","type":"long"}]}`,
			`{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"id","type":"string"}]}`,
		},
		{
			"json", "JSON",
			record.Reference{Name: "money.json", Text: `{"$schema":"http://json-schema.org/draft-07/schema#","type":"object","properties":{"cents":{"type":"integer"}}}`},
			record.Reference{Name: "item.json", Text: `{"$schema":"http://json-schema.org/draft-07/schema#","type":"object","properties":{"price":{"$ref":"money.json"}}}`},
			record.Reference{Name: "fee.json", Text: `{"$schema":"http://json-schema.org/draft-07/schema#","type":"object","properties":{"amount":{"$ref":"money.json"}}}`},
			`{"$schema":"http://json-schema.org/draft-07/schema#","type":"object","properties":{"item":{"$ref":"item.json"},"fee":{"$ref":"fee.json"}}}`,
			`{"$schema":"http://json-schema.org/draft-07/schema#","type":"object","properties":{"id":{"type":"integer"}}}`,
			`{"$schema":"http://json-schema.org/draft-07/schema#","type":"object","properties":{"id":{"type":"string"}}}`,
		},
		{
			"protobuf", "PROTOBUF",
			record.Reference{Name: "shop/money.proto", Text: "syntax = \"proto3\";\npackage shop;\n\nmessage Money {\n  int64 cents = 1;\n}\n"},
			record.Reference{Name: "shop/item.proto", Text: "syntax = \"proto3\";\npackage shop;\n\nimport \"shop/money.proto\";\n\nmessage Item {\n  shop.Money price = 1;\n}\n"},
			record.Reference{Name: "shop/fee.proto", Text: "syntax = \"proto3\";\npackage shop;\n\nimport \"shop/money.proto\";\n\nmessage Fee {\n  shop.Money amount = 1;\n}\n"},
			"syntax = \"proto3\";\npackage shop;\n\nimport \"shop/item.proto\";\nimport \"shop/fee.proto\";\n\nmessage Order {\n  shop.Item item = 1;\n  shop.Fee fee = 2;\n}\n",
			"syntax = \"proto3\";\npackage shop;\n\nmessage Order {\n  int64 id = 1;\n}\n",
			"syntax = \"proto3\";\npackage shop;\n\nmessage Order {\n  string id = 1;\n}\n",
		},
	} {
		t.Run(c.format, func(t *testing.T) {
			t.Parallel()
			at := func(r record.Reference) string { return "refs-" + c.format + "-" + r.Name }
			refers := func(refs ...record.Reference) []registrybed.Reference {
				var list []registrybed.Reference
				for _, r := range refs {
					list = append(list, registrybed.Reference{Name: r.Name, Subject: at(r), Version: 1})
				}
				return list
			}
			register(t, s, at(c.bottom), registrybed.Schema{Type: c.kind, Text: c.bottom.Text})
			for _, side := range []record.Reference{c.left, c.right} {
				register(t, s, at(side), registrybed.Schema{Type: c.kind, Text: side.Text, References: refers(c.bottom)})
			}
			subject := "orders/of the day-" + c.format + "-value"
			want := []record.Registered{
				{Version: 1, SchemaText: record.SchemaText{Text: c.older}},
				{Version: 2, SchemaText: record.SchemaText{Text: c.root, References: []record.Reference{c.bottom, c.left, c.right}}},
				{Version: 3, SchemaText: record.SchemaText{Text: c.newerTexts}},
			}
			for i := range want {
				w := &want[i]
				w.Subject, w.Format = subject, c.format
				schema := registrybed.Schema{Type: c.kind, Text: w.Text}
				if w.References != nil {
					schema.References = refers(c.left, c.right)
				}
				w.ID = register(t, s, subject, schema)
			}
			client := registryClient(t, registry.Options{URLs: []string{s.URL}})
			for _, w := range want {
				byID, err := client.ByID(t.Context(), w.ID)
				if err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(&w.SchemaText, byID); d != "" {
					t.Errorf("id %d: -want +got\n%s", w.ID, d)
				}
				bySubject, err := client.BySubject(t.Context(), subject, w.Version)
				if err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(&w, bySubject); d != "" {
					t.Errorf("version %d: -want +got\n%s", w.Version, d)
				}
			}
			latest, err := client.BySubject(t.Context(), subject, 0)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(&want[2], latest); d != "" {
				t.Errorf("latest: -want +got\n%s", d)
			}
		})
	}
}

func TestRegistryHasNoSuchSchema(t *testing.T) {
	t.Parallel()
	s := servers.Registry(t)
	register(t, s, "one-version", registrybed.Schema{Text: `"long"`})
	c := registryClient(t, registry.Options{URLs: []string{s.URL}})
	_, id := c.ByID(t.Context(), 2_000_000_000)
	_, subject := c.BySubject(t.Context(), "no-such-subject", 0)
	_, subjectVersion := c.BySubject(t.Context(), "no-such-subject", 1)
	_, version := c.BySubject(t.Context(), "one-version", 2)
	for code, err := range map[string]error{"40403": id, "40401": subject, "40401)": subjectVersion, "40402": version} {
		if !errors.Is(err, record.ErrNoSchema) || !strings.Contains(err.Error(), code) {
			t.Errorf("error %v, want ErrNoSchema with %s", err, code)
		}
	}
}

func TestRegistryURLsThatAreNone(t *testing.T) {
	t.Parallel()
	s := servers.Registry(t)
	root := strings.TrimSuffix(s.URL, "/apis/ccompat/v7")
	for _, url := range []string{root, root + "/apis/ccompat", root + "/apis/registry/v3", root + "/ui"} {
		c := registryClient(t, registry.Options{URLs: []string{url}})
		_, err := c.ByID(t.Context(), 1)
		for _, err := range []error{err, c.Check(t.Context())} {
			if err == nil || errors.Is(err, record.ErrNoSchema) || !strings.Contains(err.Error(), "no schema registry is there: check the URL") {
				t.Errorf("%s: error %v", url, err)
			}
		}
	}
}

// Registries lay schemas out as they like, and give one schema two ids: the fingerprint tells that nothing else is different.
func TestRegistryIDsOfSchemasThatDifferInWhiteSpace(t *testing.T) {
	t.Parallel()
	s := servers.Registry(t)
	for kind, texts := range map[string][2]string{
		"AVRO": {`{"type":"record","name":"W","fields":[{"name":"a","type":"long"}]}`, "{\n  \"type\": \"record\",\n  \"name\": \"W\",\n  \"fields\": [ {\"name\": \"a\", \"type\": \"long\"} ]\n}\n"},
		"JSON": {`{"type":"object","title":"w","properties":{"a":{"type":"integer"}}}`, "{\n  \"type\": \"object\",\n  \"title\": \"w\",\n  \"properties\": { \"a\": {\"type\": \"integer\"} }\n}\n"},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			var ids [2]int32
			var prints [2]string
			c := registryClient(t, registry.Options{URLs: []string{s.URL}})
			for i, text := range texts {
				ids[i] = register(t, s, fmt.Sprintf("space-%s-%d", kind, i), registrybed.Schema{Type: kind, Text: text})
				got, err := c.ByID(t.Context(), ids[i])
				if err != nil {
					t.Fatal(err)
				}
				prints[i] = got.Fingerprint()
			}
			t.Logf("ids %v", ids)
			if prints[0] != prints[1] {
				t.Errorf("fingerprints %v of ids %v", prints, ids)
			}
			if ids[0] == ids[1] {
				t.Errorf("both have id %d: this registry was seen giving two", ids[0])
			}
		})
	}
}

// A deleted schema is not what new records are written by, but old records still are.
func TestRegistrySchemasThatWereDeleted(t *testing.T) {
	t.Parallel()
	s := servers.Registry(t)
	text := `{"type":"record","name":"Deleted","fields":[]}`
	id := register(t, s, "deleted-value", registrybed.Schema{Text: text})
	if err := s.Delete(t.Context(), "deleted-value", false); err != nil {
		t.Fatal(err)
	}
	c := registryClient(t, registry.Options{URLs: []string{s.URL}})
	if _, err := c.BySubject(t.Context(), "deleted-value", 0); !errors.Is(err, record.ErrNoSchema) {
		t.Errorf("by subject: %v", err)
	}
	got, err := c.ByID(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(&record.SchemaText{Format: "avro", Text: text}, got); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
}

// A registry that lost its data counts ids from the beginning: what an id meant yesterday it does not mean today. A client remembers for
// the length of one run, so the next run sees it.
func TestRegistryThatLostItsDataGivesAnOldIDAway(t *testing.T) {
	t.Parallel()
	s := servers.OwnRegistry(t)
	schema := func(name string) registrybed.Schema {
		return registrybed.Schema{Text: fmt.Sprintf(`{"type":"record","name":%q,"fields":[]}`, name)}
	}
	old := register(t, s, "before-value", schema("Before"))
	yesterday := registryClient(t, registry.Options{URLs: []string{s.URL}, Patience: 10 * time.Second})
	before, err := yesterday.ByID(t.Context(), old)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	if known, err := yesterday.ByID(t.Context(), old); err != nil || known.Fingerprint() != before.Fingerprint() {
		t.Errorf("while the registry is down: %v, %v", known, err)
	}
	if _, err := yesterday.ByID(t.Context(), old+1); err == nil || errors.Is(err, record.ErrNoSchema) || !strings.Contains(err.Error(), "see that it is up and can be reached from here") {
		t.Errorf("an unknown id while the registry is down: %v", err)
	}
	// A run that begins while the registry starts waits for it.
	today := registryClient(t, registry.Options{URLs: []string{s.URL}, Patience: 5 * time.Minute})
	checked := make(chan error, 1)
	go func() { checked <- today.Check(t.Context()) }()
	if err := errors.Join(s.Restart(t.Context()), <-checked); err != nil {
		t.Fatal(err)
	}
	if _, err := today.ByID(t.Context(), old); !errors.Is(err, record.ErrNoSchema) {
		t.Errorf("id %d after the loss: %v", old, err)
	}
	for i := 0; ; i++ {
		if id := register(t, s, "after-value", schema(fmt.Sprintf("After%d", i))); id == old {
			break
		} else if id > old {
			t.Fatalf("id %d was not given again: the first after the loss is %d", old, id)
		}
	}
	after, err := registryClient(t, registry.Options{URLs: []string{s.URL}}).ByID(t.Context(), old)
	if err != nil {
		t.Fatal(err)
	}
	if after.Text == before.Text || after.Fingerprint() == before.Fingerprint() {
		t.Errorf("id %d before: %v, after: %v", old, before, after)
	}
}
