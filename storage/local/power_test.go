package local

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"shadoof/storage"
)

// below the lake is a folder that the store makes.
const lake = "/nowhere/data/lake"

// stories are what a process does, each step as often as there are.
var stories = map[string]step{
	"create":               steps(put("first"), confirm),
	"look":                 steps(leave("1a2b"), confirm),
	"publish":              steps(stageAt("1a2b"), publish, publish),
	"give up":              steps(stageAt("1a2b"), discard, publish),
	"abort":                steps(abortAt("5e5e"), stageAt("1a2b"), publish),
	"delete":               steps(stageAt("1a2b"), publish, deletion, publish),
	"remove":               steps(stageAt("1a2b"), publish, removal, publish),
	"remove before it was": steps(stageAt("1a2b"), removal, publish),
	"repair":               steps(stageAt("1a2b"), discard, stageAt("3c4d"), publish, removal),
	"mark":                 steps(mark, put("first")),
	"again":                steps(stageAt("1a2b"), stageAt("3c4d"), publish),
	"find":                 steps(find, stageAt("1a2b"), put("first"), mark, publish),
	"all":                  steps(find, put("first"), stageAt("1a2b"), publish, put("again"), confirm, removal),
}

// rivals are what another process does, all of it between two changes of the first.
var rivals = map[string]step{
	"looks on": steps(put("second"), confirm),
	"nobody":   steps(),
	"creates":  put("second"),
	"marks":    mark,
	"confirms": confirm,
	"finishes": publish,
	"discards": discard,
	"gathers":  gather,
	"leaves":   leave("9e9e"),
	"aborts":   abortAt("7f7f"),
}

// closest are a story and a rival that are after the same name, and the fsync before which the rival is killed.
var closest = []struct{ story, rival, killed string }{
	{"create", "creates", "syncdir " + lake + "/" + path.Dir(recordName)},
	{"look", "creates", "syncdir " + lake + "/" + path.Dir(recordName)},
	{"publish", "finishes", "syncdir " + lake + "/" + path.Dir(key)},
	{"publish", "finishes", "syncdir " + lake + "/" + path.Dir(staging)},
	{"publish", "discards", "never"},
	{"mark", "marks", "syncdir " + lake + "/" + path.Dir(markName)},
	{"find", "creates", "syncdir " + lake + "/" + path.Dir(path.Dir(recordName))},
	{"create", "creates", "syncdir " + path.Dir(lake)},
}

// A trial is stories under power cuts.
type trial struct {
	t       *testing.T
	chance  *rand.Rand
	omitted string          // the fsync that is not carried out
	linked  bool            // files are moved by a link and a remove
	killed  string          // before what a rival is killed
	sampled bool            // not every kind of loss is tried
	found   string          // what was wrong, the first time
	cuts    int             // so far
	sites   map[string]bool // of fsyncs that were asked for
	length  map[string]int  // changes of stories and rivals, the most so far
}

// site names the fsync that is asked for, by the function of this package that asks, and how.
func site() string {
	var pcs [40]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	at := "Sync"
	for {
		f, more := frames.Next()
		name, own := strings.CutPrefix(f.Function, "shadoof/storage/local.")
		_, name, _ = strings.Cut(name, ").") // of the method
		switch {
		case !own || strings.HasSuffix(f.File, "_test.go"):
		case name == "syncTogether":
		case name == "syncDir" || name == "syncPath" || name == "syncNearest":
			at = name
		default:
			return fmt.Sprintf("%s in %s, %s:%d", at, name, filepath.Base(f.File), f.Line)
		}
		if !more {
			return "nobody"
		}
	}
}

func (r *trial) pretends() bool {
	at := site()
	r.sites[at] = true
	return at == r.omitted
}

func (r *trial) wrong(format string, args ...any) {
	if r.found == "" {
		r.found = fmt.Sprintf(format, args...)
	}
}

// tell runs a story, with a rival before one of its changes, which may be killed after some of its own, and cuts the power before each change.
func (r *trial) tell(name, rival string, at, alive int, root bool) {
	changes := 0
	ctx := r.t.Context()
	p := newPlatter(time.Now)
	p.linked, p.pretends = r.linked, r.pretends
	mkdirs(p, lake, root)
	l := &ledger{attempted: map[string]bool{}, was: map[string]*fate{}}
	var trace []string
	look := func() {
		// Until the rival comes it is the story alone.
		if r.found == "" && (rival == "nobody" || changes >= at) {
			if err := r.cut(p, l); err != nil {
				r.wrong("%s; %s before change %d (alive %d, linked: %t, killed before %q): %v\n%s", name, rival, at, alive, r.linked, r.killed, err, strings.Join(trace, "\n"))
			}
		}
	}
	among := false
	interfere := func() {
		among = true
		begun := p.changes
		p.alive = alive
		s, err := open(lake, p)
		if err == nil {
			err = rivals[rival](ctx, s, l)
		}
		p.alive, among = -1, false
		r.length[rival] = max(r.length[rival], p.changes-begun)
		if err != nil && !errors.Is(err, errKilled) {
			r.wrong("%s; %s before change %d (alive %d, linked: %t, killed before %q): the rival: %v", name, rival, at, alive, r.linked, r.killed, err)
		}
	}
	p.before = func(what string) {
		if among && what == r.killed {
			p.alive = 0
			return
		}
		if !among {
			if changes++; changes == at {
				interfere()
			}
		}
		look()
		trace = append(trace, map[bool]string{true: "  rival: "}[among]+what)
	}
	if at == 0 {
		interfere()
	}
	s, err := open(lake, p)
	if err == nil {
		err = stories[name](ctx, s, l)
	}
	if err != nil && r.found == "" {
		r.wrong("%s; %s before change %d (alive %d, linked: %t, killed before %q): %v\n%s", name, rival, at, alive, r.linked, r.killed, err, strings.Join(trace, "\n"))
	}
	look()
	r.length[name] = max(r.length[name], changes)
}

// mkdirs makes the folders above the root, durable, and the root, if it is to be there.
func mkdirs(p *platter, root string, itself bool) {
	before, pretends := p.before, p.pretends
	p.before, p.pretends = nil, nil
	at := ""
	parts := strings.Split(strings.Trim(root, "/"), "/")
	for i, part := range parts {
		parent := at + "/"
		at += "/" + part
		if i >= len(parts)-2 && !itself {
			break
		}
		if err := p.Mkdir(at); err != nil {
			panic(err)
		}
		if err := p.SyncDir(parent); err != nil {
			panic(err)
		}
	}
	p.before, p.pretends = before, pretends
}

// cut looks at what power cuts would leave now.
func (r *trial) cut(p *platter, l *ledger) error {
	kinds := []loss{lossAll, lossBytes, lossJournal, lossHalves, lossSome, lossSome, lossSome}
	switch {
	case p.pending() == 0:
		kinds = kinds[:1]
	case r.sampled:
		kinds = []loss{lossAll, kinds[1+r.chance.IntN(len(kinds)-1)]}
	}
	for _, kind := range kinds {
		r.cuts++
		c := chance{uint64(r.cuts), kind}
		after := p.cut(kind, c.source())
		s, err := open(lake, after)
		if err == nil {
			err = l.check(r.t.Context(), s, kind == lossHalves)
		}
		if err != nil {
			return fmt.Errorf("power cut, %s: %w\nfound:\n%s\nafter:", c, err, p.cut(kind, c.source()).tree())
		}
	}
	return nil
}

// all tells every story alone, and then with rivals, until so many cuts were made or something is wrong.
func (r *trial) all(most int) {
	names, others := slices.Sorted(maps.Keys(stories)), slices.Sorted(maps.Keys(rivals))
	for _, name := range names {
		for _, root := range []bool{true, false} {
			if r.found == "" {
				r.tell(name, "nobody", 0, -1, root)
			}
		}
	}
	for _, c := range closest {
		if r.cuts >= most {
			return
		}
		for _, r.linked = range []bool{false, true} {
			r.killed = c.killed
			for at := 0; at <= r.length[c.story] && r.found == ""; at++ {
				r.tell(c.story, c.rival, at, -1, c.killed != "syncdir "+path.Dir(lake))
			}
			r.killed = ""
		}
	}
	for r.sampled = true; r.found == "" && r.cuts < most; {
		name, rival, alive := names[r.chance.IntN(len(names))], others[r.chance.IntN(len(others))], -1
		if r.chance.IntN(4) > 0 {
			alive = r.chance.IntN(r.length[rival] + 1)
		}
		r.linked = r.chance.IntN(3) == 0
		r.tell(name, rival, r.chance.IntN(r.length[name]+1), alive, r.chance.IntN(3) > 0)
	}
}

func newTrial(t *testing.T) *trial {
	return &trial{t: t, sites: map[string]bool{}, length: map[string]int{}, chance: rand.New(rand.NewPCG(1, 1))}
}

// many is so many, or many more in the long suite; the race detector sees the least there is.
func many(cuts int) int {
	switch {
	case os.Getenv("SHADOOF_LONG") != "":
		return 20 * cuts
	case raced:
		return 0
	}
	return cuts
}

// TestAnswersSurviveAPowerCut cuts the power before every change of every story, with another process at work or alone.
func TestAnswersSurviveAPowerCut(t *testing.T) {
	t.Parallel()
	r := newTrial(t)
	start := time.Now()
	r.all(many(40_000))
	if r.found != "" {
		t.Fatal(r.found)
	}
	t.Logf("%d power cuts in %s", r.cuts, time.Since(start).Round(time.Millisecond))
}

// TestEachFsyncIsNeeded shows that the power cuts find each fsync that is left out.
func TestEachFsyncIsNeeded(t *testing.T) {
	t.Parallel()
	if raced {
		t.Skip("the race detector finds nothing here, and takes minutes: make test runs it without")
	}
	all := newTrial(t)
	if err := madeAgain(t.Context(), all.pretends); err != nil {
		t.Fatal(err)
	}
	all.all(40_000)
	for _, at := range fsyncs(t) {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(all.sites)), func(site string) bool { return strings.HasSuffix(site, " "+at) }) {
			t.Errorf("no story comes to the fsync at %s", at)
		}
	}
	for _, site := range slices.Sorted(maps.Keys(all.sites)) {
		r := newTrial(t)
		r.omitted = site
		if err := madeAgain(t.Context(), r.pretends); err != nil {
			t.Logf("without %s: %v", site, err)
			continue
		}
		if r.all(300_000); r.found == "" {
			t.Errorf("without %s %d power cuts did no harm", site, r.cuts)
		} else {
			t.Logf("without %s, after %d power cuts: %s", site, r.cuts, r.found)
		}
	}
}

// fsyncs are the lines of this package that ask for one.
func fsyncs(t *testing.T) (lines []string) {
	t.Helper()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	asks := regexp.MustCompile(`\.(syncDir|syncPath|syncNearest|Sync)\(`)
	wraps := regexp.MustCompile(`^func \((s \*Store|disk)\) (syncDir|syncPath|syncNearest|SyncDir)\(`)
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		wrapper, n := false, 0
		for line := range strings.Lines(string(text)) {
			n++
			if strings.HasPrefix(line, "func ") {
				wrapper = wraps.MatchString(line)
			}
			if asks.MatchString(line) && !wrapper && !strings.HasSuffix(name, "_test.go") {
				lines = append(lines, fmt.Sprintf("%s:%d", name, n))
			}
		}
	}
	return lines
}

// TestAFolderThatIsThereIsMadeDurableWithOthers: what a listing has found in the folder of a topic needs no fsync of its own any more, and
// has had one.
func TestAFolderThatIsThereIsMadeDurableWithOthers(t *testing.T) {
	t.Parallel()
	p := newPlatter(time.Now)
	mkdirs(p, lake, true)
	l := &ledger{attempted: map[string]bool{}, was: map[string]*fate{}}
	p.before = func(what string) {
		if what == "syncdir "+lake+"/_shadoof/topics/orders" {
			p.alive = 0
		}
	}
	other, err := open(lake, p)
	if err != nil {
		t.Fatal(err)
	}
	if err := put("second")(t.Context(), other, l); !errors.Is(err, errKilled) {
		t.Fatalf("not killed: %v", err)
	}
	syncs := 0
	p.alive = -1
	p.before = func(what string) {
		if what == "syncdir "+lake+"/_shadoof/topics/orders" {
			syncs++
		}
	}
	mine, err := open(lake, p)
	if err != nil {
		t.Fatal(err)
	}
	if err := steps(find, stageAt("1a2b"), put("first"))(t.Context(), mine, l); err != nil {
		t.Fatal(err)
	}
	if syncs != 1 || l.created == "" {
		t.Errorf("%d fsyncs of the topic's folder, want 1; created %q", syncs, l.created)
	}
	p.before = nil
	after, err := open(lake, p.cut(lossAll, chance{1, lossAll}.source()))
	if err != nil {
		t.Fatal(err)
	}
	if err := l.check(t.Context(), after, false); err != nil {
		t.Error(err)
	}
}

// TestAFolderThatWasMadeAgainIsMadeDurable: what a process knows of a folder is of one that others have removed since, and made again.
func TestAFolderThatWasMadeAgainIsMadeDurable(t *testing.T) {
	t.Parallel()
	if err := madeAgain(t.Context(), nil); err != nil {
		t.Error(err)
	}
}

func madeAgain(ctx context.Context, pretends func() bool) error {
	p := newPlatter(time.Now)
	mkdirs(p, lake, true)
	p.pretends = pretends
	mine, err := open(lake, p)
	if err != nil {
		return err
	}
	others := func(do step) error {
		s, err := open(lake, p)
		if err != nil {
			return err
		}
		return do(ctx, s, &ledger{was: map[string]*fate{}})
	}
	create := func(name string) step {
		return func(ctx context.Context, s *Store, _ *ledger) error {
			if answer, err := s.PutNew(ctx, name, nil); answer != storage.Created {
				return fmt.Errorf("%s: %w", answer, err)
			}
			return nil
		}
	}
	const day = "orders/dt=2026-11-20/"
	const first, second, last = day + "hr=01/m", day + "hr=02/m", day + "hr=03/m"
	remove := func(ctx context.Context, s *Store, _ *ledger) error {
		return errors.Join(s.Delete(ctx, first), s.RemoveEmptyFolders(ctx, day))
	}
	if err := errors.Join(create(first)(ctx, mine, nil), others(remove)); err != nil {
		return err
	}
	killed := false
	p.before = func(what string) {
		if what == "syncdir "+lake+"/orders" && !killed {
			killed, p.alive = true, 0
		}
	}
	if err := others(create(second)); !errors.Is(err, errKilled) {
		return fmt.Errorf("not killed: %w", err)
	}
	p.alive = -1
	if err := create(last)(ctx, mine, nil); err != nil {
		return err
	}
	c := chance{1, lossAll}
	after, err := open(lake, p.cut(c.loss, c.source()))
	if err != nil {
		return err
	}
	o, err := after.Open(ctx, last, 0, 0)
	if err != nil {
		return fmt.Errorf("what was created is gone after a power cut: %w", err)
	}
	_ = o.Close()
	return nil
}
