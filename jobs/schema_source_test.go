package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"shadoof/config"
	"shadoof/offsets"
	"shadoof/record"
	"shadoof/record/evolve"
)

// A listWriter's schema is a list of names with kinds: "id int32, who string".
type listWriter struct{ rows *record.Schema }

func parseList(_ *SchemaSettings, t *record.SchemaText, _ bool) (record.Writer, error) {
	rows := &record.Schema{}
	for _, field := range strings.Split(t.Text, ", ") {
		name, kind, ok := strings.Cut(field, " ")
		if !ok {
			return nil, fmt.Errorf("%q is no schema", t.Text)
		}
		rows.Fields = append(rows.Fields, record.Field{Name: name, Type: record.Type{Kind: record.Kind(kind)}})
	}
	return listWriter{rows}, nil
}

func (w listWriter) Rows() *record.Schema { return w.rows }

func (w listWriter) Decoder(target *record.Schema) (record.Decoder, error) {
	for _, f := range w.rows.Fields {
		if _, in, ok := target.Leaf(f.Name); ok && in.Type.Kind != f.Type.Kind && in.Type.Kind != record.Int64 {
			return nil, &record.MisfitError{Path: f.Name, Detail: "another type"}
		}
	}
	return record.NewStringDecoder(), nil
}

// sourceOf has a registry that holds these schemas; all others it lacks. The rows are those of the first list, "" for none.
func sourceOf(t *testing.T, version, rows string, schemas map[int32]string) *schemaSource {
	t.Helper()
	set := &SchemaSettings{Version: version, ByID: true, Subject: "s"}
	if rows != "" {
		w, err := parseList(set, &record.SchemaText{Text: rows}, true)
		if err != nil {
			t.Fatal(err)
		}
		set.Target = w.Rows()
	}
	return &schemaSource{
		topic: "orders", set: set, met: map[int32]metSchema{}, parse: parseList, names: evolve.NameOptions{Format: "parquet"}, log: slog.New(slog.DiscardHandler),
		keep: func(context.Context, int32, string, []byte) error { return nil },
		fetch: func(_ context.Context, id int32) (*record.SchemaText, error) {
			if text, ok := schemas[id]; ok {
				return &record.SchemaText{Format: "avro", Text: text}, nil
			}
			return nil, fmt.Errorf("schema %d: %w", id, record.ErrNoSchema)
		},
	}
}

func TestWhatAnIDStandsFor(t *testing.T) {
	t.Parallel()
	schemas := map[int32]string{1: "id int32", 2: "id int64, who string", 3: "id string", 4: "nonsense", 5: "ID int32"}
	for name, c := range map[string]struct {
		version, rows string
		halts         bool
		id            int32
		learns        string // what learn answers; "" for nothing
		finds         string // what find answers then
	}{
		"the same":                      {config.VersionGrown, "id int32", false, 1, "", "a writer"},
		"more, and rows grow":           {config.VersionGrown, "id int32", false, 2, "the rows have to grow for schema 2: id int64, who string?", "a writer"},
		"the first":                     {config.VersionGrown, "", false, 1, "the rows have to grow for schema 1: id int32", "a writer"},
		"more, and rows stay":           {config.VersionLatest, "id int64", false, 2, "", "a writer"},
		"another type, grown":           {config.VersionGrown, "id int32", false, 3, "", "misfit"},
		"another type, latest":          {config.VersionLatest, "id int32", false, 3, "", "misfit"},
		"another type, a person":        {config.VersionLatest, "id int32", true, 3, "policy.misfit is halt", "schema 3 was not looked up yet"},
		"a name but for the case":       {config.VersionGrown, "id int32", false, 5, "", "misfit"},
		"no schema":                     {config.VersionGrown, "id int32", false, 4, "", "misfit"},
		"an id that the registry lacks": {config.VersionGrown, "id int32", false, 9, "", "unknown_schema"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := sourceOf(t, c.version, c.rows, schemas)
			s.halts = c.halts
			if _, err := s.find(c.id); !errors.As(err, new(*record.UnknownSchemaError)) {
				t.Fatalf("before it was learned: %v", err)
			}
			for range 2 { // the second time from memory
				if got := learned(s, c.id); !strings.Contains(got, c.learns) || c.learns == "" && got != "" {
					t.Errorf("learn: %q, want %q", got, c.learns)
				}
			}
			got := "a writer"
			if _, err := s.find(c.id); err != nil {
				got = err.Error()
			}
			if !strings.HasPrefix(got, c.finds) {
				t.Errorf("find: %q, want %q", got, c.finds)
			}
			if c.halts {
				if err := s.learn(t.Context(), c.id); ExitCode(err) != ExitHalted {
					t.Errorf("exit %d, want 4", ExitCode(err))
				}
			}
		})
	}
}

// learned is what learn answers, with the rows that are to be.
func learned(s *schemaSource, id int32) string {
	err := s.learn(context.Background(), id)
	if err == nil {
		return ""
	}
	text := err.Error()
	if growth := (*growthError)(nil); errors.As(err, &growth) {
		var fields []string
		for _, f := range growth.rows.Fields {
			field := f.Name + " " + string(f.Type.Kind)
			if f.Nullable {
				field += "?"
			}
			fields = append(fields, field)
		}
		text += ": " + strings.Join(fields, ", ")
	}
	return text
}

func TestARegistryThatIsDownIsAskedOnce(t *testing.T) {
	t.Parallel()
	s, asked := sourceOf(t, config.VersionLatest, "id int32", nil), 0
	down := errors.New("nobody answers")
	s.fetch = func(context.Context, int32) (*record.SchemaText, error) { asked++; return nil, down }
	for id := range int32(3) {
		if err := s.learn(t.Context(), id); !errors.Is(err, down) || ExitCode(err) != ExitFailed {
			t.Errorf("schema %d: %v", id, err)
		}
	}
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
	if n := len(s.fingerprints()); n != 0 {
		t.Errorf("%d schemas are known", n)
	}
}

// A rebuilt file has to have the records that it had: what could not be read then must not be read now, and is no unknown schema.
func TestALiftSaysWhatWasRefused(t *testing.T) {
	t.Parallel()
	texts := map[int32]string{1: "id int32", 3: "id string", 4: "nonsense"}
	values, keys := sourceOf(t, config.VersionLatest, "id int32", texts), sourceOf(t, config.VersionLatest, "id string", texts)
	for id := range int32(6) {
		for _, s := range []*schemaSource{values, keys} {
			if err := s.learn(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
	}
	var l offsets.Lift
	(&schemas{value: values, key: keys}).note(&l)
	fingerprints := l.Writers
	l.Writers = nil
	if diff := cmp.Diff(offsets.Lift{Refused: []int32{3, 4}, RefusedKeys: []int32{1, 4}}, l); diff != "" {
		t.Error(diff)
	}
	if len(fingerprints) != 2 {
		t.Errorf("fingerprints %v, want those of schemas that can be read as one of both", fingerprints)
	}
}

func TestTooManyUnknownIDsAreAMistake(t *testing.T) {
	t.Parallel()
	s := sourceOf(t, config.VersionLatest, "id int32", nil)
	for id := range int32(mostUnknown) {
		if err := s.learn(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.learn(t.Context(), mostUnknown); err == nil || !strings.Contains(err.Error(), "value.framing") {
		t.Errorf("one more: %v", err)
	}
}

func TestAnIDThatStoodForAnotherSchemaHalts(t *testing.T) {
	t.Parallel()
	s := sourceOf(t, config.VersionLatest, "id int32", map[int32]string{1: "id int32"})
	s.keep = func(_ context.Context, id int32, fingerprint string, _ []byte) error {
		return &offsets.OtherSchemaError{ID: id, Have: []string{"00000000000000aa"}, Want: fingerprint}
	}
	elsewhere := &worker{topic: "orders", env: &Env{other: true, cfg: &config.Config{Store: config.Store{URL: "file:///copies"}}}}
	s.resolution = elsewhere.resolution
	err := s.learn(t.Context(), 1)
	if ExitCode(err) != ExitHalted || !strings.Contains(err.Error(), "`shadoof resolve --topic orders --into file:///copies --accept-schema 1 --reason ...`") {
		t.Errorf("exit %d: %v", ExitCode(err), err)
	}
	if diff := cmp.Diff(map[int32]string{}, s.fingerprints()); diff != "" {
		t.Error(diff)
	}
}
