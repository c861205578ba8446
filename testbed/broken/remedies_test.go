package broken_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"shadoof/testbed/produce"
	"shadoof/testbed/product"
	"shadoof/testbed/registrybed"
	"shadoof/testbed/servers"
)

// A remedy is a way to have records of quarantine fit.
type remedy struct {
	name   string
	format func(t *testing.T, topic string) *format
	swap   string
	root   func(t *testing.T) *product.Root

	late   func(t *testing.T, topic string, f *format) int32 // a schema that is registered late, and the kind of its records
	widens bool                                              // files have columns of other types then
	more   string                                            // a column that rows have only then
	job    func(t *testing.T, f *format) string              // what it says then
	fits   func(f *format) map[string]rowOf                  // kinds that are rows after it

	skips  bool   // tombstones are gaps after it
	reason string // only records with this reason are tried
	long   bool   // for the long suite alone
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
	{
		name: "avro, a version of the schema that takes more", format: newWide, swap: "hide-first", root: localRoot, reason: misfit, widens: true,
		job:  func(_ *testing.T, f *format) string { return strings.Replace(f.job, "version: 1", "version: 2", 1) },
		fits: func(f *format) map[string]rowOf { return map[string]rowOf{"a count that is a long": f.row} },
	},
	{
		name: "avro files, times that were too early, and tombstones that are gaps", format: newAvroFiles, swap: "show-first", root: localRoot, skips: true,
		job: func(_ *testing.T, f *format) string {
			return strings.Replace(f.job, "field: at", "field: at, min: 1970-01-01", 1) + "policy: {tombstone: skip}\n"
		},
		fits: func(f *format) map[string]rowOf {
			return map[string]rowOf{"in 1970": func(e event) map[string]any { return with(f.row(e), "at", in1970*1e6) }}
		},
	},
	{
		name: "avro, times that are those of Kafka", format: newAvro, swap: "hide-first", root: localRoot, late: lateAvro, reason: timeBounds, long: true,
		job: func(_ *testing.T, f *format) string {
			return strings.Replace(f.job, "unit: s}]", "unit: s}], otherwise: timestamp", 1)
		},
		fits: func(f *format) map[string]rowOf {
			at := func(at any) rowOf {
				return func(e event) map[string]any { return with(with(f.row(e), "at", at), "seconds", nil) }
			}
			return map[string]rowOf{"in 1970": at(in1970 * 1e6), "in 2200": at(in2200 * 1e6)}
		},
	},
	{
		name: "protobuf, times that are those of Kafka", format: newProtobuf, swap: "show-first", root: localRoot, long: true,
		job: func(_ *testing.T, f *format) string {
			return strings.Replace(f.job, "unit: s}]", "unit: s}], otherwise: timestamp", 1)
		},
		fits: func(f *format) map[string]rowOf {
			of := func(at, seconds any) rowOf {
				return func(e event) map[string]any { return with(with(f.row(e), "at", at), "seconds", seconds) }
			}
			return map[string]rowOf{
				"in 1970": of(in1970*1e6, nil), "in 2200": of(nil, float64(in2200)/1000), "no time": of(nil, nil), "not a number of seconds": of(nil, "NaN"),
			}
		},
	},
}

// newWide is newAvro with a second version in which the count is a long, which rows of the first cannot have.
func newWide(t *testing.T, topic string) *format {
	f := newAvro(t, topic)
	id := register(t, topic+"-value", registrybed.Schema{Text: strings.Replace(avroEvent, `"name":"count","type":"int"`, `"name":"count","type":"long"`, 1)})
	f.job = strings.Replace(f.job, "version: latest", "version: 1", 1)
	f.add(kind{name: "a count that is a long", reason: misfit, detail: "count", value: func(e event) []byte { return framed(id, f.good(e)[5:]) }})
	return f
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
	if f.registry != "" {
		f.registry = registry.url
	}
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
	p.after = newJob(t, noBrokers, root, name, f.registry, job)
	p.cured = p.tp.fixed(t, r)
	return p
}

// fixed is the topic after a remedy.
func (tp *topic) fixed(t *testing.T, r remedy) *topic {
	t.Helper()
	after := *tp
	after.made, after.evolved = maps.Clone(tp.made), r.more != "" || r.widens
	fits, n := r.fits(tp.f), 0
	for at, o := range tp.made {
		if row := fits[o.kind]; row != nil {
			n++
			o.reason, o.row = "", row
		}
		if r.skips && o.reason == tombstone {
			o.reason = skipped
			after.made[at] = o
		}
		if o.reason != "" {
			continue
		}
		row := o.row(tp.event(t, at))
		if r.more != "" && row[r.more] == nil {
			row[r.more] = nil
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
		if o.reason != "" && o.reason != skipped {
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

func remedyCalled(name string) remedy {
	for _, r := range remedies {
		if r.name == name {
			return r
		}
	}
	panic(name)
}
