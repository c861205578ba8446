package generations_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"shadoof/testbed/product"
	"shadoof/testbed/readers"
	"shadoof/testbed/servers"
)

// What an older version of the schema could not take is in quarantine, and comes back from there when rows may grow.
func TestWhatAPinnedVersionRefusedComesBack(t *testing.T) {
	t.Parallel()
	tp := newTopic(t, &avroFormat)
	for _, g := range all {
		tp.register(t, g)
	}
	tp.produce(t, 120, 0, 2, all...)
	root := product.Local(t)
	pinned, grown := tp.job(t, root, `, version: "2"`, ""), tp.job(t, root, "", "")
	of, _ := run(t, pinned, 0)

	var rows []map[string]any
	refused := 0
	for _, s := range tp.sent {
		columns := since(tp.columns, 2)
		if !tp.narrow(2, s.document) {
			columns = since(tp.columns, 2, 3) // it is of the third generation
			refused++
		}
		d := united(since(tp.columns, 2, 3), row(columns, s.document))
		rows = append(rows, withKafka(shown(d).(map[string]any), s.partition, s.offset, s.at))
	}
	if r := of[tp.name]; refused == 0 || r.Quarantined != refused {
		t.Fatalf("%+v, want %d in quarantine", r, refused)
	}
	grown.Must(t, 0, "quarantine", "retry", "--topic", tp.name)
	checkRows(t, "parquet", root.Folder(t, tp.name), true, sorted(rows))
	grown.Must(t, 0, "verify", "--deep")
	if of, _ := run(t, grown, 0); of[tp.name].Outcome != "up_to_date" {
		t.Errorf("a run after it: %+v", of[tp.name])
	}
}

// Several workers find out at once that rows have to grow, and race for each commit.
func TestWorkersThatGrowRowsAtOnce(t *testing.T) {
	t.Parallel()
	tp := newTopic(t, &avroFormat)
	for _, g := range all {
		tp.register(t, g)
	}
	j := tp.job(t, s3(t), "", "")
	binary := product.Release(t)
	for range 2 {
		tp.produce(t, 120, 0, 2, all...)
		var g errgroup.Group
		for range 3 {
			g.Go(func() error {
				o, err := j.Try(t.Context(), binary, nil, "run")
				if o.Code != 0 {
					err = errors.Join(err, fmt.Errorf("exit %d\n%s%s", o.Code, o.Stdout, o.Stderr))
				}
				return err
			})
		}
		if err := g.Wait(); err != nil {
			t.Fatal(err)
		}
	}
	checkRows(t, "parquet", j.Root.Folder(t, tp.name), false, tp.want(tp.columns, 0))
	j.Must(t, 0, "verify", "--deep")
}

// The topic has no subject, and each run takes some of its records: rows grow with what these name.
func TestLittleByLittle(t *testing.T) {
	t.Parallel()
	for _, f := range formats {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			tp := newTopic(t, f)
			for _, g := range all {
				tp.register(t, g)
			}
			if err := servers.Registry(t).Delete(t.Context(), tp.name+"-value", false); err != nil {
				t.Fatal(err)
			}
			for i, g := range [][]int{{2}, {2, 1}, {3, 2}} { // each set is more than a run takes
				tp.produce(t, 90, i, 1, g...)
			}
			j := tp.job(t, product.Local(t), "", "limits: {records: 60}\n")
			lifted, runs := 0, 0
			for ; lifted < len(tp.sent) && runs < 10; runs++ {
				of, _ := run(t, j, 0)
				lifted += of[tp.name].Rows
			}
			if lifted != len(tp.sent) || runs < 2 {
				t.Errorf("%d rows in %d runs, want %d in several", lifted, runs, len(tp.sent))
			}
			tp.checkKept(t, j)
			j.Must(t, 0, "verify", "--deep")
			j.Must(t, 0, "schema", "show", "--topic", tp.name)
		})
	}
}

// checkKept looks whether rows have all that their records had, whatever else they have: that depends on what a run had met.
func (tp *topic) checkKept(t *testing.T, j *product.Job) {
	t.Helper()
	var want []map[string]any
	for _, s := range tp.sent {
		want = append(want, withKafka(shown(s.document).(map[string]any), s.partition, s.offset, s.at))
	}
	sorted(want)
	env := servers.Readers(t)
	for _, reader := range readers.Parquet {
		lines, err := env.Rows(t.Context(), readers.Query{Reader: reader, Folder: j.Root.Folder(t, tp.name), Evolved: true})
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range lines[:min(len(lines), len(want))] {
			got, err := parsed(line)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(any(want[i]), within(got, want[i])); diff != "" {
				t.Fatalf("%s: row %d (-want +got)\n%s", reader, i, diff)
			}
		}
		if len(lines) != len(want) {
			t.Errorf("%s reads %d rows, want %d", reader, len(lines), len(want))
		}
	}
}

// within is a value without what another of its shape has not.
func within(v, other any) any {
	switch o := other.(type) {
	case map[string]any:
		if m, ok := v.(map[string]any); ok {
			out := map[string]any{}
			for name := range o {
				out[name] = within(m[name], o[name])
			}
			return out
		}
	case []any:
		if l, ok := v.([]any); ok && len(l) == len(o) {
			out := make([]any, len(l))
			for i := range l {
				out[i] = within(l[i], o[i])
			}
			return out
		}
	}
	return v
}
