package jobs

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// A mutant is a mistake that breaks the protocol: text of the source, each of which stands there once, and what is to stand there.
type mutant struct {
	name, about string
	quick       bool // found within few seeds: for each change
	edits       []edit
	themed      bool // found by the seeds that have themes
}

type edit struct{ file, old, new string }

// mutantSeeds is how many seeds may pass before a mutant is found.
const mutantSeeds = 2000

func mutants() []mutant {
	return append(decidingMutants(), carryingMutants()...)
}

// decidingMutants are mistakes before a record stands in its slot, or about whether it does.
func decidingMutants() []mutant {
	return []mutant{
		{"412-is-lost", "a put that finds its slot taken is taken as a lost race", true, []edit{{"offsets/append.go",
			"		case storage.Refused: // this one", "		case storage.Exists:\n			return false, nil\n		case storage.Refused: // this one"}}, false},
		{"give-up", "an unclear put, then an empty slot: the worker gives up and discards", false, []edit{{"offsets/append.go",
			"		case !inFlight:\n			return", "		case fate == empty:\n			return"}}, false},
		{"fresh-bytes", "an unclear put is sent again as a new record, with an id of its own", false, []edit{{"offsets/append.go",
			"			return false, unresolved(err)\n		}\n	}\n}\n\ntype fate", "			return false, unresolved(err)\n		}\n		return false, nil\n	}\n}\n\ntype fate"}}, false},
		{"no-confirm", "records that were read are acted upon although they are not durable", true, []edit{{"offsets/log.go",
			"	if s.V == durable.V {", "	if s.V >= durable.V {"}}, false},
		{"phantom-is-lost", "another's record in the slot is a lost race, durable or not", false, []edit{{"offsets/append.go",
			"p.name); answer != storage.Durable {", "p.name); false && answer != storage.Durable {"}}, true},
		{"confirm-by-name", "a record is held for durable because its slot is, which holds another by now", false, []edit{{"offsets/log.go",
			"		case err == nil && r.ID == s.ID:", "		case err == nil && r.ID != \"\":"}}, true},
		{"publish-phantoms", "what others committed is published before it is confirmed", false, []edit{{"jobs/publish.go",
			"		if err := w.log.ConfirmNewest(ctx); err != nil {\n			return err\n		}\n		unmarked :=", "		unmarked :="}}, true},
		{"unchecked-from", "a commit goes to the next slot without a look at from == next", false, []edit{
			{"jobs/task.go", "return ok && p.Next == seg.From", "return ok || p.Next == seg.From"},
			{"offsets/fold.go", "		case s.From != p.Next:", "		case s.From > p.Next:"}}, false},
		{"unchecked-fill", "a fill lifts what another has filled meanwhile", false, []edit{
			{"jobs/task.go", "return len(open) == 1 && open[0] == r", "return len(open) < 9"},
			{"offsets/fold.go", "		case overlaps(p.Coverage, r):", "		case r.IsEmpty():"}}, true},
		{"unchecked-fence", "an attempt commits although it was fenced", false, []edit{
			{"jobs/task.go", " && !s.Fenced[a.id]", ""},
			{"offsets/fold.go", "	if s.Fenced[attempt] {", "	if attempt == \"\" {"}}, false},
		{"unchecked-replace", "a bundle is replaced that was replaced meanwhile", false, []edit{
			{"jobs/replace.go", "		if !s.BundleLive(ref) {", "		if ref.V < 0 {"},
			{"jobs/replace.go", "		if !s.Live(f.V, t.files[f].Bundle, f.Key) {", "		if f.V < 0 {"},
			{"offsets/fold.go", "		if !s.BundleLive(b) {", "		if b.V < 0 {"},
			{"offsets/fold.go", "		if bundles[i] == bundles[i-1] {", "		if bundles[i].V < 0 {"}}, true},
		{"unresolved-is-failed", "what was staged for a record whose fate is unknown is discarded", false, []edit{{"jobs/task.go",
			"	case errors.Is(err, offsets.ErrUnresolved):\n		return false, err", "	case len(keep) < 0:\n		return false, err"}}, false},
		{"reused-attempt", "all attempts of a run have one name", false, []edit{{"jobs/attempt.go",
			"a := &attempt{id: w.env.newAttempt()", "a := &attempt{id: w.env.run"}}, false},
		{"gc-without-fence", "gc discards what is old without a fence", false, []edit{{"jobs/gc.go",
			"		if dead, t.Fenced, err = w.fence(ctx, dead); err != nil {", "		if err != nil {"}}, false},
		{"gc-does-not-look-again", "gc discards what was committed between its look and its fence", false, []edit{{"jobs/gc.go",
			"				dead = slices.DeleteFunc(dead, func(l Leftover) bool { return l.Attempt == a })\n", ""}}, true},
		{"exit-0-on-phantoms", "a run ends well by a log that may vanish, which was read without a look at that", false, []edit{{"jobs/worker.go",
			"	if err := w.log.ConfirmNewest(ctx); err != nil {\n		return false, err\n	}\n	if len(w.log.Unmarked()) > 0 { // other", "	if len(w.log.Unmarked()) > 0 { // other"}, {"offsets/load.go",
			"	confirmed := storage.Gone\n	for confirmed == storage.Gone && newest >= first {", "	confirmed := storage.DurabilityUnknown\n	for confirmed == storage.Gone && newest >= first {"}}, true},
	}
}

// carryingMutants are mistakes in what a record asks for.
func carryingMutants() []mutant {
	return []mutant{
		{"publish-first", "files are published as soon as they are staged", true, []edit{
			{"jobs/attempt.go", "	\"shadoof/record\"\n", "	\"shadoof/record\"\n	\"shadoof/storage\"\n"},
			{"jobs/attempt.go", "	w.env.hook(\"staged\")\n", "	for _, f := range b.Files {\n		_, _ = w.env.store.Publish(hard, f.Key, []storage.Staged{staged(f)})\n	}\n	w.env.hook(\"staged\")\n"}}, false},
		{"publish-by-copy", "publishing does not use up the token", false, []edit{{"storage/memory/disk.go",
			"	delete(d.uploads, newest.upload)\n	d.setLocked(", "	d.setLocked("}}, false},
		{"mark-early", "the marker is written before the files are published", false, []edit{{"jobs/publish.go",
			"	v := r.V\n	switch b", "	v := r.V\n	if err := w.log.Mark(ctx, v); err != nil {\n		return err\n	}\n	switch b"}}, false},
		{"no-upload-is-done", "a token that is gone is taken for a file that is published", false, []edit{{"jobs/publish.go",
			"		case storage.NothingToPublish:\n", "		case storage.NothingToPublish:\n			return nil\n"}}, false},
		{"keep-tokens", "a removal deletes the file and discards no token", false, []edit{{"jobs/publish.go",
			"		if err = w.discardAll(ctx, f.Key, pairs); err == nil {", "		if _ = pairs; err == nil {"}}, true},
		{"keep-repair-tokens", "a removal discards the first token only", false, []edit{{"jobs/publish.go",
			"		if err = w.discardAll(ctx, f.Key, pairs); err == nil {", "		if err = w.discardAll(ctx, f.Key, pairs[:1]); err == nil {"}}, true},
		{"delete-first", "a removal deletes the file, and discards its tokens then", false, []edit{{"jobs/publish.go",
			"		if err = w.discardAll(ctx, f.Key, pairs); err == nil {\n			w.env.hook(\"mid-removal\")\n			if err = w.env.store.Delete(ctx, f.Key); err == nil {\n				var there bool\n				if there, err = w.exists(ctx, f.Key); err == nil && !there {",
			"		if err = w.env.store.Delete(ctx, f.Key); err == nil {\n			w.env.hook(\"mid-removal\")\n			if err = w.discardAll(ctx, f.Key, pairs); err == nil {\n				{"}}, true},
		{"replace-unpublished", "a bundle is replaced although versions about it are not carried out, and a backfill does not carry them out first", false, []edit{
			{"jobs/replace.go", "	if len(open) > 0 {\n		return nil, &unsettledError", "	if len(open) > 99 {\n		return nil, &unsettledError"},
			{"jobs/backfill.go", "	if err := w.recover(ctx); err != nil {", "	if err := ctx.Err(); err != nil {"}}, true},
		{"swap-the-other-way", "the order of a swap is ignored", false, []edit{{"jobs/swap.go",
			"	if b.Swap == offsets.ShowFirst {", "	if b.Swap != offsets.ShowFirst {"}}, false},
		{"success-before-files", "a folder gets its marker before what was committed earlier is published", false, []edit{{"jobs/success.go",
			"		if before == 0 {", "		if before >= 0 {"}}, false},
		{"success-stays", "a drop leaves the marker of the folder", false, []edit{{"jobs/publish.go",
			"	case *offsets.Drop:\n		if err = w.unmark(ctx, v, b.Reopens); err == nil {", "	case *offsets.Drop:\n		if err == nil {"}}, false},
		{"late-in-silence", "rows that come to a complete folder are not called late", false, []edit{{"jobs/complete.go",
			"			l.Late = append(l.Late, folder)\n", ""}}, false},
		{"feed-too-far", "the feed tells versions that are not published", false, []edit{{"jobs/feed.go",
			"		return unmarked[0] - 1, nil", "		return limit, nil"}}, false},
	}
}

// apply writes the mutant's files into a folder and returns the overlay for the compiler.
func (m mutant) apply(t *testing.T, folder string) (overlay string) {
	t.Helper()
	replaced := map[string]string{}
	texts := map[string]string{}
	for _, e := range m.edits {
		name, err := filepath.Abs(filepath.Join("..", e.file))
		if err != nil {
			t.Fatal(err)
		}
		if texts[name] == "" {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			texts[name] = string(data)
		}
		if n := strings.Count(texts[name], e.old); n != 1 {
			t.Fatalf("mutant %s: its text stands %d times in %s, and must stand there once:\n%s", m.name, n, e.file, e.old)
		}
		texts[name] = strings.Replace(texts[name], e.old, e.new, 1)
	}
	for name, text := range texts {
		replaced[name] = filepath.Join(folder, strings.ReplaceAll(strings.TrimPrefix(name, "/"), "/", "_"))
		if err := os.WriteFile(replaced[name], []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	data, err := json.Marshal(map[string]any{"Replace": replaced})
	if err != nil {
		t.Fatal(err)
	}
	overlay = filepath.Join(folder, "overlay.json")
	if err := os.WriteFile(overlay, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return overlay
}

// TestMutantsFitTheSource shows that what mutants replace is there, so that none of them is what it was not meant to be.
func TestMutantsFitTheSource(t *testing.T) {
	t.Parallel()
	for _, m := range mutants() {
		m.apply(t, t.TempDir())
	}
}

var foundBy = regexp.MustCompile(`seed (\d+): (.*)`)

// TestMutantsAreFound compiles each mutant and lets the simulation find it: some of them for each change, all of them with SHADOOF_LONG.
func TestMutantsAreFound(t *testing.T) {
	if testing.Short() || raced {
		t.Skip("the compiler is at work for seconds")
	}
	for _, m := range mutants() {
		if !m.quick && os.Getenv("SHADOOF_LONG") == "" {
			continue
		}
		t.Run(m.name, func(t *testing.T) {
			folder := t.TempDir()
			program := filepath.Join(folder, "mutant")
			began := time.Now()
			if out, err := exec.Command("go", "test", "-vet=off", "-c", "-o", program, "-overlay", m.apply(t, folder), ".").CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			built := time.Since(began)
			which := "-test.run=^TestSimulation$"
			if m.themed {
				which = "-test.run=^TestThemes$"
			}
			out, err := exec.Command(program, which, "-test.timeout=10m", fmt.Sprint("-seeds=", mutantSeeds)).CombinedOutput()
			found := foundBy.FindStringSubmatch(string(out))
			if err == nil || found == nil {
				t.Fatalf("%d seeds have not found that %s (%v)\n%s", mutantSeeds, m.about, err, tail(out, 3000))
			}
			t.Logf("%s: found by seed %s, built in %s, found in %s: %s", m.about, found[1], built.Round(time.Millisecond), (time.Since(began) - built).Round(time.Millisecond), found[2])
		})
	}
}

func tail(b []byte, n int) []byte { return b[max(0, len(b)-n):] }
