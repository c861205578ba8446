package broken_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shadoof/testbed/produce"
	"shadoof/testbed/product"
	"shadoof/testbed/readers"
	"shadoof/testbed/registrybed"
	"shadoof/testbed/servers"
)

// fixed is the topic after records of some kinds have become rows, and all rows have got a column more, where it has a name.
func (tp *topic) fixed(t *testing.T, fits map[string]rowOf, more string) *topic {
	t.Helper()
	after := *tp
	after.made, after.evolved = maps.Clone(tp.made), more != ""
	n := 0
	for at, o := range tp.made {
		if row := fits[o.kind]; row != nil {
			n++
			o.reason, o.row = "", row
		}
		if o.reason != "" {
			continue
		}
		row := o.row(tp.event(t, at))
		if more != "" && row[more] == nil {
			row[more] = nil
		}
		o.line = line(t, at, tp.Records[at], row)
		after.made[at] = o
	}
	if n == 0 {
		t.Fatal("nothing would be fixed")
	}
	return &after
}

// reasons counts what is in quarantine.
func (tp *topic) reasons() map[string]int64 {
	sum := map[string]int64{}
	for _, o := range tp.made {
		if o.reason != "" {
			sum[o.reason]++
		}
	}
	return sum
}

func total(counts map[string]int64) (n int64) {
	for _, c := range counts {
		n += c
	}
	return n
}

// A retried is what `quarantine retry --json` prints.
type retried struct {
	Tried    int64            `json:"tried"`
	Fit      int64            `json:"fit"`
	Skipped  int64            `json:"skipped"`
	Left     map[string]int64 `json:"left"`
	Untried  int64            `json:"untried"`
	Versions []int64          `json:"versions"`
}

// noBrokers are none: nothing listens there.
var noBrokers = []string{"127.0.0.1:1"}

// A remedy is a way to have records of quarantine fit.
type remedy struct {
	name   string
	format func(t *testing.T, topic string) *format
	swap   string
	root   func(t *testing.T) *product.Root

	late func(t *testing.T, topic string, f *format) int32 // a schema that is registered late, and the kind of its records
	more string                                            // a column that rows have only then
	job  func(t *testing.T, f *format) string              // what it says then
	fits func(f *format) map[string]rowOf                  // kinds that are rows after it
}

var remedies = []remedy{
	{
		name: "avro, a schema that comes late", format: newAvro, swap: "show-first", root: localRoot, late: lateAvro,
		fits: func(f *format) map[string]rowOf { return map[string]rowOf{lateSchema: f.row} },
	},
	{
		name: "protobuf, a schema that comes late", format: newProtobuf, swap: "hide-first", root: localRoot, late: lateProtobuf, more: "more",
		fits: func(f *format) map[string]rowOf {
			return map[string]rowOf{lateSchema: func(e event) map[string]any { return with(f.row(e), "more", e.name) }}
		},
	},
	{
		name: "json, a schema that comes late", format: newJSON, swap: "show-first", root: s3Root, late: lateJSON,
		fits: func(f *format) map[string]rowOf { return map[string]rowOf{lateSchema: f.row} },
	},
	{
		name: "avro, times that were too early", format: newAvro, swap: "hide-first", root: s3Root,
		job: func(_ *testing.T, f *format) string {
			return strings.Replace(f.job, "unit: s}]", "unit: s}], min: 1970-01-01", 1)
		},
		fits: func(f *format) map[string]rowOf {
			return map[string]rowOf{"in 1970": func(e event) map[string]any { return with(with(f.row(e), "at", in1970*1e6), "seconds", nil) }}
		},
	},
	{
		name: "json, a schema in a file that takes more", format: newPinned, swap: "show-first", root: localRoot, job: laxPinned,
		fits: func(f *format) map[string]rowOf {
			return map[string]rowOf{
				"a level that is new":           func(e event) map[string]any { return with(f.row(e), "level", "TOP") },
				"null for what may not be null": func(e event) map[string]any { return with(f.row(e), "count", nil) },
			}
		},
	},
}

func localRoot(t *testing.T) *product.Root { return product.Local(t) }

func s3Root(t *testing.T) *product.Root {
	s := servers.S3(t)
	return product.S3(t, s, s.Endpoint)
}

const lateSchema = "a schema that comes late"

// add has a format break records in one more way, and more often than in the others.
func (f *format) add(k kind) {
	f.kinds = append(f.kinds, k)
	for i := 0; i < len(f.kinds); i += 6 {
		f.kinds = append(f.kinds[:i], append([]kind{k}, f.kinds[i:]...)...)
	}
}

func lateAvro(t *testing.T, topic string, f *format) int32 {
	id := register(t, topic+"-late", registrybed.Schema{Text: strings.Replace(avroEvent, `"name":"Event"`, `"name":"Event","doc":"late"`, 1)})
	f.add(kind{name: lateSchema, reason: unknownSchema, value: func(e event) []byte { return framed(id, f.good(e)[5:]) }})
	return id
}

func lateJSON(t *testing.T, topic string, f *format) int32 {
	id := register(t, topic+"-late", registrybed.Schema{Type: "JSON", Text: strings.Replace(jsonEvent, `"title":"Event"`, `"title":"Late"`, 1)})
	f.add(kind{name: lateSchema, reason: unknownSchema, value: func(e event) []byte { return framed(id, f.good(e)[5:]) }})
	return id
}

func lateProtobuf(t *testing.T, topic string, f *format) int32 {
	id := register(t, topic+"-late", registrybed.Schema{Type: "PROTOBUF", Text: strings.Replace(protoEvent, "map<", "optional string more = 14;\n  map<", 1)})
	f.add(kind{name: lateSchema, reason: unknownSchema, value: func(e event) []byte { return framed(id, append(f.good(e)[5:], pText(14, e.name)...)) }})
	return id
}

// laxPinned is the value of a job whose schema lets more be.
func laxPinned(t *testing.T, _ *format) string {
	file := filepath.Join(t.TempDir(), "lax.avsc")
	text := strings.Replace(avroEvent, `{"type":"enum","name":"Level","symbols":["LOW","MID","HIGH"]}`, `"string"`, 1)
	text = strings.Replace(text, `"name":"count","type":"int"`, `"name":"count","type":["null","int"]`, 1)
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("value: {format: json, framing: none, schema: %q, as_json: [tree]}\n", file) + byField
}

// A patient is a topic that was lifted, and how it is to be cured: with a job that knows no Kafka.
type patient struct {
	r       remedy
	tp      *topic
	cured   *topic
	before  *product.Job
	after   *product.Job
	release func() // has the late schema be there
}

// admit lifts a topic in several commits.
func (r remedy) admit(t *testing.T, records int) *patient {
	t.Helper()
	name := produce.Name("retried")
	f := r.format(t, name)
	registry := newFront(t)
	f.registry = registry.url
	p := &patient{r: r, release: func() {}}
	if r.late != nil {
		id := r.late(t, name, f)
		registry.hide(id, true)
		p.release = func() { registry.hide(id, false) }
	}
	p.tp = fill(t, name, f, produce.Spec{Records: records, Partitions: 3, Span: 3 * time.Hour}, 8, false)
	root := r.root(t)
	p.before = p.tp.job(t, root, fmt.Sprintf("commit_every: {bytes: %d}\n", records*50))
	job := f.job
	if r.job != nil {
		job = r.job(t, f)
	}
	p.after = newJob(t, noBrokers, root, name, registry.url, job)
	p.cured = p.tp.fixed(t, r.fits(f), r.more)
	return p
}

// TestRetry fixes what was wrong with some kinds of records: those become rows, once, and all others stay where they are. Kafka is out of
// reach by then.
func TestRetry(t *testing.T) {
	t.Parallel()
	for _, r := range remedies {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			p := r.admit(t, 3000)
			p.before.Must(t, 0, "run")
			checkAll(t, p.before, p.tp, readers.PyArrow)
			checkListed(t, p.after, p.tp)

			p.release()
			var dry, done, again retried
			log := len(versions(t, p.before))
			p.after.Must(t, 0, "quarantine", "retry", "--topic", p.tp.Topic, "--json", "--dry-run").JSON(t, &dry)
			if n := len(versions(t, p.before)); n != log {
				t.Errorf("a dry run appended %d versions", n-log)
			}
			l, w := product.Watch(t, p.after), newWatch(t, p.after)
			p.after.Must(t, 0, "quarantine", "retry", "--topic", p.tp.Topic, "--json", "--swap", r.swap).JSON(t, &done)
			w.end(r.swap)
			l.End()
			p.checkReport(t, dry, 0)
			p.checkReport(t, done, len(versions(t, p.before))-log)
			checkCured(t, p)
			checkListed(t, p.after, p.cured)

			keys := p.after.Root.Keys(t, "")
			p.after.Must(t, 0, "quarantine", "retry", "--topic", p.tp.Topic, "--json").JSON(t, &again)
			if again.Fit != 0 || len(again.Versions) != 0 || again.Tried != total(p.cured.reasons()) {
				t.Errorf("a second retry: %+v", again)
			}
			if diff := cmp.Diff(keys, p.after.Root.Keys(t, "")); diff != "" {
				t.Errorf("what a second retry changed: -before +after\n%s", diff)
			}
			p.before.Must(t, 0, "run")
			checkAccount(t, p.before, p.cured)
		})
	}
}

// checkCured looks at everything after a retry. Rows of before and after it have columns of two schemas.
func checkCured(t *testing.T, p *patient) {
	t.Helper()
	checkAll(t, p.after, p.cured, readers.PyArrow)
}

func (p *patient) checkReport(t *testing.T, got retried, versions int) {
	t.Helper()
	before, after := total(p.tp.reasons()), total(p.cured.reasons())
	want := retried{Tried: before, Fit: before - after, Left: p.cured.reasons(), Versions: got.Versions}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("report of the retry: -want +got\n%s", diff)
	}
	if len(got.Versions) != versions {
		t.Errorf("the retry reports versions %d, and the log has %d new ones", got.Versions, versions)
	}
}
