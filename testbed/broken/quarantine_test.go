package broken_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"shadoof/testbed/produce"
	"shadoof/testbed/product"
)

// listed is a line of `quarantine list --json`.
type listed struct {
	Topic    string           `json:"topic"`
	Versions []int64          `json:"versions"`
	Records  int64            `json:"records"`
	Reasons  map[string]int64 `json:"reasons"`
}

func lines[T any](t *testing.T, text string) (out []T) {
	t.Helper()
	for l := range strings.Lines(text) {
		var v T
		if err := json.Unmarshal([]byte(l), &v); err != nil {
			t.Fatal(err)
		}
		out = append(out, v)
	}
	return out
}

// checkListed compares `quarantine list` and `quarantine show` with what was produced.
func checkListed(t *testing.T, j *product.Job, tp *topic) {
	t.Helper()
	want := tp.reasons()
	all := lines[listed](t, j.Must(t, 0, "quarantine", "list", "--job", "job", "--json").Stdout)
	if len(all) != 1 || all[0].Topic != tp.Topic || all[0].Records != total(want) || !cmp.Equal(want, all[0].Reasons) {
		t.Errorf("quarantine list: %+v, want %d records: %v", all, total(want), want)
	}
	sum, shown := map[string]int64{}, map[produce.At]bool{}
	for _, l := range lines[listed](t, j.Must(t, 0, "quarantine", "list", "--topic", tp.Topic, "--json").Stdout) {
		for r, n := range l.Reasons {
			sum[r] += n
		}
		args := []string{"quarantine", "show", "--topic", tp.Topic, "--version", fmt.Sprint(l.Versions[0]), "-n", "1000000", "--json"}
		records := lines[shownRecord](t, j.Must(t, 0, args...).Stdout)
		if int64(len(records)) != l.Records {
			t.Errorf("version %d: %d records shown, and %d listed", l.Versions, len(records), l.Records)
		}
		for _, r := range records {
			at := produce.At{Partition: r.Partition, Offset: r.Offset}
			if shown[at] {
				t.Errorf("%s was shown twice", at)
			}
			shown[at] = true
			r.check(t, at, tp)
		}
	}
	if diff := cmp.Diff(want, sum); diff != "" {
		t.Errorf("records in quarantine by reason, of all versions: -want +got\n%s", diff)
	}
	for reason, n := range want {
		records := lines[shownRecord](t, j.Must(t, 0, "quarantine", "show", "--topic", tp.Topic, "--reason", reason, "-n", "1000000", "--json").Stdout)
		if int64(len(records)) != n {
			t.Errorf("%d records shown for %s, want %d", len(records), reason, n)
		}
	}
}

// shownRecord is a line of `quarantine show --json`.
type shownRecord struct {
	Partition   int32   `json:"partition"`
	Offset      int64   `json:"offset"`
	Timestamp   int64   `json:"timestamp"`
	Reason      string  `json:"reason"`
	Key         string  `json:"key"`
	Value       *string `json:"value"`
	ValueBase64 *string `json:"value_base64"`
	Tombstone   bool    `json:"tombstone"`
}

func (s shownRecord) check(t *testing.T, at produce.At, tp *topic) {
	t.Helper()
	r, o := tp.Records[at], tp.made[at]
	var value []byte
	switch {
	case s.Value != nil:
		value = []byte(*s.Value)
	case s.ValueBase64 != nil:
		value, _ = base64.StdEncoding.DecodeString(*s.ValueBase64)
	}
	if s.Reason != o.reason || s.Key != string(r.Key) || s.Timestamp != r.Timestamp || string(value) != string(r.Value) || s.Tombstone != (r.Value == nil) {
		t.Errorf("%s (%s): shown as %.300v, want %s", at, o.kind, s, o.reason)
	}
}
