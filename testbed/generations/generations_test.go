package generations_test

import (
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"shadoof/testbed/product"
)

// all generations of a schema.
var all = []int{1, 2, 3}

// Records of three generations in turns, whose schemas stand in the registry before the first run: whatever rows they are asked to become,
// they share files.
func TestGenerationsInTurns(t *testing.T) {
	t.Parallel()
	for _, f := range formats {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			tp := newTopic(t, f)
			for _, g := range all {
				tp.register(t, g)
			}
			tp.produce(t, 240, 0, 3, all...)
			t.Run("grown-parquet", func(t *testing.T) { t.Parallel(); tp.checkGrown(t, s3(t), "parquet") })
			t.Run("grown-avro", func(t *testing.T) { t.Parallel(); tp.checkGrown(t, product.Local(t), "avro") })
			t.Run("latest", func(t *testing.T) { t.Parallel(); tp.checkTarget(t, "latest", 3) })
			t.Run("pinned", func(t *testing.T) { t.Parallel(); tp.checkTarget(t, "2", 2) })
		})
	}
}

// checkGrown lifts the topic into rows that have all that any record has.
func (tp *topic) checkGrown(t *testing.T, root *product.Root, files string) {
	j := tp.job(t, root, "", "output: {format: "+files+"}")
	of, _ := run(t, j, 0)
	if r := of[tp.name]; r.Rows != len(tp.sent) || r.Quarantined != 0 || r.Files != 3 {
		t.Errorf("%+v, want %d rows in 3 files", r, len(tp.sent))
	}
	checkHours(t, j, 3)
	checkRows(t, files, root.Folder(t, tp.name), false, tp.want(tp.columns, 0))
	tp.checkSchema(t, j, "grown", tp.columns, all...)
	j.Must(t, 0, "verify", "--deep")
	if of, _ := run(t, j, 0); of[tp.name].Outcome != "up_to_date" {
		t.Errorf("a second run: %+v", of[tp.name])
	}
}

// checkTarget lifts the topic into the rows of one generation. What that lacks is left out, and logged; what it cannot take is quarantined.
func (tp *topic) checkTarget(t *testing.T, version string, target int) {
	columns := since(tp.columns, target)
	want := tp.want(columns, target)
	j := tp.job(t, product.Local(t), ", version: "+strconv.Quote(version), "")
	of, logs := run(t, j, 0)
	if r := of[tp.name]; r.Rows != len(want) || r.Quarantined != len(tp.sent)-len(want) {
		t.Errorf("%+v, want %d rows and %d quarantined", r, len(want), len(tp.sent)-len(want))
	}
	checkHours(t, j, 3)
	checkRows(t, "parquet", j.Root.Folder(t, tp.name), false, want)
	tp.checkSchema(t, j, version, columns, all...)
	j.Must(t, 0, "verify", "--deep")
	wantLost, gotLost := map[int32][]string{}, map[int32][]string{}
	for _, g := range all {
		if paths := lost("", tp.columns, g, columns); len(paths) > 0 {
			wantLost[tp.ids[g-1]] = slices.Sorted(slices.Values(paths))
		}
	}
	for _, l := range logs {
		if l.Msg == "records have fields that the topic's schema lacks: they are left out" && l.Level == "WARN" {
			for _, path := range l.Fields.([]any) {
				gotLost[l.Schema] = append(gotLost[l.Schema], path.(string))
			}
			slices.Sort(gotLost[l.Schema])
		}
	}
	if diff := gocmp.Diff(wantLost, gotLost); diff != "" {
		t.Errorf("fields that are left out, by schema (-want +got)\n%s", diff)
	}
}

// A generation is registered, and written in turns with those before it, between one run and the next. Files that are there keep
// their columns, later ones have more.
func TestGenerationsBetweenRuns(t *testing.T) {
	t.Parallel()
	for _, f := range formats {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			tp := newTopic(t, f)
			j := tp.job(t, product.Local(t), "", "")
			var whole []map[string]any
			for _, g := range all {
				tp.register(t, g)
				before := len(tp.sent)
				tp.produce(t, 120, 2*(g-1), 2, all[:g]...)
				of, _ := run(t, j, 0)
				if r := of[tp.name]; r.Rows != 120 || r.Quarantined != 0 || r.Files != 2 {
					t.Errorf("run %d: %+v, want 120 rows in 2 files", g, r)
				}
				columns := since(tp.columns, all[:g]...)
				part := *tp
				part.sent = tp.sent[before:]
				checkRun(t, &part, j, columns)
				whole = append(whole, part.united(columns)...)
				r := tp.checkSchema(t, j, "grown", columns, all[:g]...)
				if len(r.History) != g || g > 1 && len(r.History[g-1].Changes) == 0 {
					t.Errorf("run %d: history %+v", g, r.History)
				}
			}
			checkHours(t, j, 6)
			checkRows(t, "parquet", j.Root.Folder(t, tp.name), true, sorted(whole))
			j.Must(t, 0, "verify", "--deep")
		})
	}
}

// checkRun reads the folders of a run's hours.
func checkRun(t *testing.T, part *topic, j *product.Job, columns []column) {
	t.Helper()
	folder := j.Root.Folder(t, part.name)
	for h, rows := range byHour(part.want(columns, 0)) {
		checkRows(t, "parquet", filepath.Join(folder, "dt=2026-11-20", hourFolder(h)), false, rows)
	}
}

// byHour are the rows of each hour, counted from the first.
func byHour(rows []map[string]any) map[int][]map[string]any {
	of := map[int][]map[string]any{}
	for _, row := range rows {
		h := int((row["_kafka_timestamp"].(int64)/1e6 - hour.UnixMilli()) / 3_600_000)
		of[h] = append(of[h], row)
	}
	return of
}

func hourFolder(h int) string { return hour.Add(time.Duration(h) * time.Hour).Format("hr=15") }

// united are the rows of these columns among files that have all.
func (tp *topic) united(columns []column) []map[string]any {
	var rows []map[string]any
	for _, s := range tp.sent {
		d := united(tp.columns, row(columns, s.document))
		rows = append(rows, withKafka(shown(d).(map[string]any), s.partition, s.offset, s.at))
	}
	return rows
}
