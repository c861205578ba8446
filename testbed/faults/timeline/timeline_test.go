package timeline_test

import (
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shadoof/testbed/faults/checker"
	"shadoof/testbed/faults/history"
	"shadoof/testbed/faults/nemesis"
	"shadoof/testbed/faults/timeline"
)

var update = flag.Bool("update", false, "write the golden files")

func second(n float64) time.Time {
	return time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC).Add(time.Duration(n * float64(time.Second)))
}

func small() *history.History {
	struck := func(at float64, what, text string) history.Event {
		return history.Event{At: second(at), Who: "s3 kill", What: history.Struck, Moment: &nemesis.Moment{Strike: 1, Fault: "s3 kill", What: what, Text: text}}
	}
	return &history.History{Events: []history.Event{
		{At: second(0), Until: second(0.5), Who: "topics", What: history.Created, Topic: "orders"},
		{At: second(1), Until: second(1.5), Who: "producer plain", What: history.Produced, Topic: "orders", Records: make([]history.Sent, 12)},
		{At: second(2), Who: "worker 1", What: history.Begun, Process: &history.Process{N: 1}},
		{At: second(2.5), Who: "worker 2", What: history.Begun, Process: &history.Process{N: 2}},
		struck(3, "begin", ""), struck(3.1, "note", "<as it is>"), struck(5, "end", ""),
		{At: second(4), Who: "worker 1", What: history.Ended, Process: &history.Process{N: 1, Command: []string{"run"}, Versions: map[string][]int64{"orders": {2, 3}}}},
		{At: second(4.2), Until: second(4.4), Who: "lister", What: history.Listed, Appeared: make([]history.Object, 2)},
		{At: second(6), Who: "worker 2", What: history.Ended, Process: &history.Process{N: 2, Command: []string{"run"}, Code: 1, Reason: "the store is away"}},
	}}
}

func TestThePicture(t *testing.T) {
	t.Parallel()
	got := timeline.Draw("seed 7", small(), []checker.Violation{
		{Rule: checker.RuleEarly, Who: "lister", At: second(4.4), Text: "orders/a was visible, and no record ever names it"},
		{Rule: checker.RuleLost, Text: "record 5 & its friends"}})
	golden := filepath.Join("testdata", "small.svg")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("-want +got, -update writes it\n%s", diff)
	}
	for d := xml.NewDecoder(strings.NewReader(got)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("it is no XML: %v", err)
		}
	}
}
