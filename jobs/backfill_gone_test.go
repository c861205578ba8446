package jobs

import (
	"context"
	"iter"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"shadoof/extract"
)

// A droppingSource drops records after somebody began to read them.
type droppingSource struct {
	extract.Source
	once sync.Once
	drop func()
}

func (s *droppingSource) Read(ctx context.Context, r extract.ReadRequest) iter.Seq2[*extract.Batch, error] {
	s.once.Do(s.drop)
	return s.Source.Read(ctx, r)
}

var advisedCommand = regexp.MustCompile("`(shadoof [^`]+)`")

// A backfill that retention overtakes ends as halted, and names the whole command that goes on with what is left; that one does.
func TestABackfillThatRetentionOvertakesNamesTheCommand(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		request BackfillRequest
		into    bool
		want    []string
		then    BackfillRequest
	}{
		"fill":    {request: BackfillRequest{From: "0", To: "20"}, want: []string{"shadoof backfill --topic orders --from earliest --to 20"}, then: BackfillRequest{From: "earliest", To: "20"}},
		"replace": {request: BackfillRequest{From: "24", Partitions: []int32{0}, Replace: true}, want: []string{"shadoof backfill --topic orders --from earliest --partition 0 --replace --at 3"}, then: BackfillRequest{From: "earliest", Partitions: []int32{0}, Replace: true, At: 3}},
		"into": {request: BackfillRequest{From: "0", To: "20"}, into: true, want: []string{
			"shadoof resolve --topic orders --into file:///other --accept-loss --reason ...", "shadoof backfill --topic orders --from 0 --to 20 --into file:///other"}, then: BackfillRequest{From: "0", To: "20"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			topic := twoHours(w)
			if name == "fill" {
				topic.parts[0].open = 24
				w.runClean()
				topic.parts[0].open = 0
				if _, err := w.process(w.store).Skip(context.Background(), "orders", 0, 20, byTest); err != nil {
					t.Fatal(err)
				}
			}
			w.runClean()
			topic.add(0, 9, day.Add(3*time.Hour), time.Minute)
			w.runClean()
			e := w.process(w.store)
			other := w.into()
			other.configure(strings.Replace(testConfig, "file:///nowhere", "file:///other", 1))
			elsewhere := func() *Env {
				e := other.process(other.store)
				e.endpoint = "elsewhere"
				return e
			}
			if c.into {
				c.request.Into = elsewhere()
			}
			in := e
			if c.into {
				in = c.request.Into
			}
			in.source = &droppingSource{Source: w.source, drop: func() {
				w.source.mu.Lock()
				defer w.source.mu.Unlock()
				topic.parts[0].start = 7
				if name == "replace" {
					topic.parts[0].start = 26
				}
			}}
			report, err := backfillBy(e, c.request)
			if report == nil || ExitCode(err) != ExitHalted || report.Result.Outcome != Halted {
				t.Fatalf("%v: %+v", err, report)
			}
			var got []string
			for _, m := range advisedCommand.FindAllStringSubmatch(err.Error(), -1) {
				got = append(got, m[1])
			}
			if strings.Join(got, "\n") != strings.Join(c.want, "\n") {
				t.Errorf("%s\nadvises %q, want %q", err, got, c.want)
			}
			if c.into {
				if _, _, err := other.process(other.store).Resolve(t.Context(), "orders", Resolution{AcceptLoss: true, Into: true, Decision: byTest}); err != nil {
					t.Fatal(err)
				}
				c.then.Into = elsewhere()
			}
			if r := w.backfill(c.then); name != "replace" && r.Result.Offsets == 0 {
				t.Errorf("the command did %+v", r.Result)
			}
		})
	}
}
