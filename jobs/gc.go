package jobs

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"shadoof/offsets"
	"shadoof/storage"
	"shadoof/writers"
)

// A GCReport is what a gc found and did.
type GCReport struct {
	DryRun bool       `json:"dry_run"`
	Topics []*GCTopic `json:"topics"`
	Probes int        `json:"probes,omitempty"` // staged files of looks at the store that died; discarded, or would be
}

// A GCTopic is what a gc found of one topic.
type GCTopic struct {
	Topic     string     `json:"topic"`
	Found     int        `json:"found"`     // staged things that no live file needs
	Young     int        `json:"young"`     // of them younger than orphan_age: left alone
	Fenced    []string   `json:"fenced"`    // attempts that can never commit any more
	Discarded []Leftover `json:"discarded"` // or would be, in a dry run
}

// A Leftover is a staged file of an attempt that will not publish it.
type Leftover struct {
	Name    string        `json:"name"`
	Attempt string        `json:"attempt"`
	Bytes   int64         `json:"bytes"`
	Age     time.Duration `json:"age_ns"`
	token   storage.Token
	named   bool // its attempt is named by a record, which leaves this file out
}

// GC discards staged leftovers of dead attempts. An attempt that no record names is first fenced in the log, so that it can never
// commit any more, however slow its process is; age alone decides nothing.
func (e *Env) GC(ctx context.Context, sel Selection, dryRun bool) (*GCReport, error) {
	claims, err := e.claims(ctx, sel)
	if err != nil {
		return nil, err
	}
	report := &GCReport{DryRun: dryRun}
	if err := e.checkRoot(ctx); err != nil {
		return nil, err
	}
	now := e.now() // a dry run writes nothing, so it goes by our clock
	if !dryRun {
		if now, err = e.storeClock(ctx); err != nil {
			return nil, err
		}
	}
	var errs []error
	for _, c := range claims {
		w, err := e.newWorker(c.job, c.topic)
		if err == nil {
			var t *GCTopic
			if t, err = w.gc(ctx, now, dryRun); t != nil {
				report.Topics = append(report.Topics, t)
			}
		}
		errs = append(errs, err)
	}
	report.Probes, err = e.discardProbes(ctx, now, dryRun)
	return report, errors.Join(append(errs, err)...)
}

// probeAge is how old the least of what a look at the store has staged is when nobody is at it any more: a process that stands still must
// not find a promise broken when it goes on.
const probeAge = time.Hour

// discardProbes discards what looks at the store have staged and died over. No record ever names it.
func (e *Env) discardProbes(ctx context.Context, now time.Time, dryRun bool) (n int, err error) {
	const probes = "_shadoof/probe/"
	for left, err := range e.store.List(ctx, storage.Query{Prefix: probes, Staged: true, Staging: probes}) {
		if err != nil {
			return n, fmt.Errorf("list what looks at the store have staged: %w", err)
		}
		if now.Sub(left.Modified) < max(e.cfg.OrphanAge, probeAge) {
			continue
		}
		n++
		if dryRun {
			continue
		}
		if _, err := e.store.Discard(ctx, left.Name, storage.Staged{Bytes: left.Size, Token: left.Token}); err != nil {
			return n, fmt.Errorf("discard what a look at the store has staged: %w", err)
		}
	}
	return n, nil
}

func (w *worker) gc(ctx context.Context, now time.Time, dryRun bool) (*GCTopic, error) {
	t := &GCTopic{Topic: w.topic, Fenced: []string{}, Discarded: []Leftover{}}
	// What is staged is listed before the log is read: a record that names it may come later, and the fence's proposal looks again.
	all, err := w.listStaged(ctx, now)
	if err != nil {
		return t, err
	}
	if _, err := w.log.Load(ctx); errors.Is(err, offsets.ErrEmpty) {
		t.Found = len(all)
		return t, nil // a first run may be at work: its init comes before its files, so these are somebody else's or a dead first run's
	} else if err != nil {
		return t, err
	}
	if err := w.log.ConfirmNewest(ctx); err != nil {
		return t, err
	}
	names, err := w.readNames(ctx)
	if err != nil {
		return t, err
	}
	var dead []Leftover
	for _, l := range all {
		wanted := false
		if wanted, l.named = names.wants(w.log, l); wanted {
			continue
		}
		t.Found++
		if l.Age < w.env.cfg.OrphanAge {
			t.Young++
			continue
		}
		dead = append(dead, l)
	}
	if !dryRun {
		if dead, t.Fenced, err = w.fence(ctx, dead); err != nil {
			return t, err
		}
	}
	for _, l := range dead {
		if !dryRun {
			if _, err := w.discard(ctx, l.Name, storage.Staged{Bytes: l.Bytes, Token: l.token}); err != nil {
				return t, err
			}
		}
		t.Discarded = append(t.Discarded, l)
	}
	return t, nil
}

// fence makes sure that the attempts of unnamed leftovers can never commit, and returns what may be discarded.
func (w *worker) fence(ctx context.Context, dead []Leftover) (free []Leftover, fenced []string, err error) {
	fenced = []string{}
	for _, l := range dead {
		if !l.named && !w.log.State().Fenced[l.Attempt] && !slices.Contains(fenced, l.Attempt) {
			fenced = append(fenced, l.Attempt)
		}
	}
	if len(fenced) == 0 {
		return dead, fenced, nil
	}
	seen := w.log.State().V
	_, err = w.append(ctx, func(s *offsets.State) (offsets.Body, error) {
		// Records that came since: an attempt that one of them names has committed and is nobody's leftover.
		for r, err := range w.log.Records(ctx, seen+1, s.V) {
			if err != nil {
				return nil, err
			}
			if a := attemptOf(r); a != "" {
				fenced = slices.DeleteFunc(fenced, func(f string) bool { return f == a })
				dead = slices.DeleteFunc(dead, func(l Leftover) bool { return l.Attempt == a })
			}
		}
		seen = s.V
		if len(fenced) == 0 {
			return nil, errNothingLeft
		}
		return &offsets.Fence{Attempts: fenced}, nil
	})
	if errors.Is(err, errNothingLeft) {
		return dead, fenced, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%s: fence dead attempts: %w", w.topic, err)
	}
	w.env.hook("fenced")
	return dead, fenced, nil
}

// listStaged lists staged things of the topic that parse as ours.
func (w *worker) listStaged(ctx context.Context, now time.Time) ([]Leftover, error) {
	var out []Leftover
	seen := map[string]bool{}
	for _, staging := range w.env.stagings(w.set) {
		for _, prefix := range []string{w.set.Folder + "/", offsets.QuarantineDir(w.topic) + "/"} {
			for e, err := range w.env.store.List(ctx, storage.Query{Prefix: prefix, Staged: true, Staging: staging + "/"}) {
				if err != nil {
					return nil, fmt.Errorf("%s: list staged files: %w", w.topic, err)
				}
				attempt, ok := attemptOfName(w.topic, e.Name, staging+"/")
				id := e.Name + " " + storage.TokenID(e.Token)
				if !ok || seen[id] {
					continue
				}
				seen[id] = true
				out = append(out, Leftover{Name: e.Name, Attempt: attempt, Bytes: e.Size, Age: now.Sub(e.Modified), token: e.Token})
			}
		}
	}
	return out, nil
}

// attemptOfName finds the attempt that staged something: from its staging folder, where the store has one, or from its key.
func attemptOfName(topic, name, staging string) (string, bool) {
	if rest, ok := strings.CutPrefix(name, staging); ok {
		attempt, _, ok := strings.Cut(rest, "/")
		return attempt, ok && len(attempt) == 16
	}
	n, err := writers.Parse(path.Base(name))
	return n.Attempt, err == nil && n.Topic == writers.ShortTopic(topic)
}

// recordedNames is what a log says about attempts, keys and tokens.
type recordedNames struct {
	attempts map[string]bool            // named by a record
	keys     map[string]offsets.FileRef // files that records name
	tokens   map[string]map[string]bool // by key: the tokens that records give it
	removed  map[string]bool            // keys that are no longer live
}

func (w *worker) readNames(ctx context.Context) (*recordedNames, error) {
	n := &recordedNames{map[string]bool{}, map[string]offsets.FileRef{}, map[string]map[string]bool{}, map[string]bool{}}
	add := func(key string, t storage.Token) {
		if n.tokens[key] == nil {
			n.tokens[key] = map[string]bool{}
		}
		n.tokens[key][storage.TokenID(t)] = true
	}
	for r, err := range w.log.Records(ctx, 1, w.log.State().V) {
		if err != nil {
			return nil, err
		}
		if a := attemptOf(r); a != "" {
			n.attempts[a] = true
		}
		if b, ok := r.Body.(*offsets.Repair); ok {
			add(b.File.Key, b.Token)
		}
		if l := r.Lift(); l != nil {
			for i, b := range l.Bundles {
				for _, f := range b.Files {
					n.keys[f.Key] = offsets.FileRef{V: r.V, Key: f.Key}
					add(f.Key, f.Token)
					n.removed[f.Key] = !w.log.State().Live(r.V, i, f.Key)
				}
			}
		}
	}
	return n, nil
}

// attemptOf is the attempt that a record names, or "".
func attemptOf(r *offsets.Record) string {
	if b, ok := r.Body.(*offsets.Repair); ok {
		return b.Attempt
	}
	if l := r.Lift(); l != nil {
		return l.Attempt
	}
	return ""
}

// wants says whether a staged thing must stay: a record names it as a file's token, or it may be a repair that is still under way.
// named says that its attempt is named, by a record that leaves it out: no fence is needed.
func (n *recordedNames) wants(log *offsets.Log, l Leftover) (wanted, named bool) {
	id := storage.TokenID(l.token)
	for _, ids := range n.tokens {
		if id != "" && ids[id] {
			return true, true
		}
	}
	if ref, ok := n.keys[l.Name]; ok {
		// An upload under a key that a record names, whose id no record names: a repair, dead or alive. As long as the file is
		// neither published nor removed it may still be appended.
		return !log.Marked(ref.V) && !n.removed[l.Name], true
	}
	return false, n.attempts[l.Attempt]
}

// storeClock asks the store for its time: ages of staged things are by its clock, not ours.
func (e *Env) storeClock(ctx context.Context) (time.Time, error) {
	name := "_shadoof/probe/clock-" + e.newID(8)
	if _, err := e.store.PutNew(ctx, name, []byte("{}\n")); err != nil {
		return time.Time{}, fmt.Errorf("ask the store for its time: create %s: %w", name, err)
	}
	o, err := e.store.Open(ctx, name, 0, 0)
	if err != nil {
		return time.Time{}, fmt.Errorf("ask the store for its time: %w", err)
	}
	return o.Modified, errors.Join(o.Close(), e.store.Delete(ctx, name))
}
