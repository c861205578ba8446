package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"shadoof/storage"
)

// rows is what is staged.
const rows = "rows of a file that is longer than a block"

// A ledger is what processes were answered, and what they have begun: from it follows what must be true after a power cut.
type ledger struct {
	attempted map[string]bool // contents that PutNew was asked to give the record
	created   string          // the content that PutNew said it has created
	confirmed string          // the content that was read before Confirm said durable
	marked    bool            // PutNew said that an object without content is there, by this call

	tokens []storage.Staged // that Finish has answered, the newest last
	was    map[string]*fate // of tokens

	gathered bool // whatever was staged may be gone

	publishing, deleting bool // was asked for
	published            bool // was answered, by whatever token
	deleted              bool
}

// A fate is what became of a token.
type fate struct {
	publishing, discarding bool
	gone                   bool // Discard answered that nothing can appear by it
}

// A step is what a process does with a store; it writes down what it was answered.
type step func(ctx context.Context, s *Store, l *ledger) error

func put(content string) step {
	return func(ctx context.Context, s *Store, l *ledger) error {
		l.attempted[content] = true
		answer, err := s.PutNew(ctx, recordName, []byte(content))
		switch {
		case err != nil:
			return err
		case answer == storage.Created && l.created != "":
			return fmt.Errorf("the record was created as %q, and again as %q", l.created, content)
		case answer == storage.Created:
			l.created = content
		}
		return nil
	}
}

// mark creates an object that has no content.
func mark(ctx context.Context, s *Store, l *ledger) error {
	answer, err := s.PutNew(ctx, markName, nil)
	if answer == storage.Created && l.marked {
		return errors.New("the marker was created again")
	}
	l.marked = l.marked || answer == storage.Created
	return err
}

// find lists what a run looks at before it writes anything.
func find(ctx context.Context, s *Store, _ *ledger) error {
	for _, folder := range []string{path.Dir(recordName), path.Dir(markName)} {
		if _, err := storage.Entries(ctx, s, storage.Query{Prefix: folder + "/"}); err != nil {
			return err
		}
	}
	return nil
}

func confirm(ctx context.Context, s *Store, l *ledger) error {
	content, err := storage.ReadAll(ctx, s, recordName, 1000)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	d, err := s.Confirm(ctx, recordName)
	switch {
	case err != nil:
		return err
	case d != storage.Durable:
		return fmt.Errorf("confirm of what is there answered %s", d)
	}
	l.confirmed = string(content)
	return nil
}

// stageAt stages the file under a name of its own, as each attempt does.
func stageAt(name string) step {
	return func(ctx context.Context, s *Store, l *ledger) error {
		w, err := s.Stage(ctx, storage.StageRequest{Key: key, Staging: strings.Replace(staging, "1a2b", name, 1)})
		if err != nil {
			return err
		}
		for _, part := range []string{rows[:10], rows[10:]} {
			if _, err := io.WriteString(w, part); err != nil {
				return errors.Join(err, w.Abort(ctx))
			}
		}
		staged, err := w.Finish(ctx)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // somebody has swept it away
		}
		if err != nil {
			return err
		}
		l.tokens = append(l.tokens[:len(l.tokens):len(l.tokens)], staged)
		l.was[string(staged.Token)] = &fate{discarding: l.gathered}
		return nil
	}
}

// leave stages a file that nobody publishes.
func leave(name string) step {
	return func(ctx context.Context, s *Store, _ *ledger) error {
		return stageAt(name)(ctx, s, &ledger{was: map[string]*fate{}})
	}
}

func abortAt(name string) step {
	return func(ctx context.Context, s *Store, _ *ledger) error {
		w, err := s.Stage(ctx, storage.StageRequest{Key: key, Staging: strings.Replace(staging, "1a2b", name, 1)})
		if err != nil {
			return err
		}
		if _, err := io.WriteString(w, rows); err != nil {
			return err
		}
		return w.Abort(ctx)
	}
}

// publish asks for the newest token.
func publish(ctx context.Context, s *Store, l *ledger) error {
	if len(l.tokens) == 0 {
		return nil
	}
	l.publishing = true
	newest := l.was[string(l.tokens[len(l.tokens)-1].Token)]
	newest.publishing = true
	spent := newest.gone || l.published
	answer, err := s.Publish(ctx, key, l.tokens)
	switch {
	case err != nil:
		return err
	case answer == storage.Published && spent:
		return errors.New("published by a token that was spent")
	case answer != storage.NothingToPublish:
		l.published = true
	}
	return nil
}

// discard gives up the first token.
func discard(ctx context.Context, s *Store, l *ledger) error {
	if len(l.tokens) == 0 {
		return nil
	}
	f := l.was[string(l.tokens[0].Token)]
	f.discarding = true
	answer, err := s.Discard(ctx, key, l.tokens[0])
	if err != nil {
		return err
	}
	f.gone = f.gone || answer == storage.Discarded || answer == storage.AbsentToken
	l.published = l.published || answer == storage.TokenUsed
	return nil
}

// gather discards whatever is staged, as gc does.
func gather(ctx context.Context, s *Store, l *ledger) error {
	l.gathered = true
	for _, f := range l.was {
		f.discarding = true
	}
	for e, err := range s.List(ctx, storage.Query{Staged: true, Staging: "_shadoof/topics/orders/staging/"}) {
		if err != nil {
			return err
		}
		if _, err := s.Discard(ctx, e.Name, storage.Staged{Token: e.Token}); err != nil {
			return err
		}
	}
	return nil
}

// removal takes the file away, by every token it had, and then by its key.
func removal(ctx context.Context, s *Store, l *ledger) error {
	l.deleting = true
	for _, t := range l.tokens {
		f := l.was[string(t.Token)]
		f.discarding = true
		answer, err := s.Discard(ctx, key, t)
		if err != nil {
			return err
		}
		f.gone = f.gone || answer != storage.DiscardUnclear
	}
	if err := s.Delete(ctx, key); err != nil {
		return err
	}
	for _, t := range l.tokens {
		l.was[string(t.Token)].gone = true
	}
	l.deleted = true
	return nil
}

// deletion takes a published file away, and leaves its token alone: it is spent.
func deletion(ctx context.Context, s *Store, l *ledger) error {
	if !l.published {
		return nil
	}
	l.deleting = true
	if err := s.Delete(ctx, key); err != nil {
		return err
	}
	for _, f := range l.was {
		f.gone = true
	}
	l.deleted = true
	return nil
}

func steps(all ...step) step {
	return func(ctx context.Context, s *Store, l *ledger) error {
		for _, do := range all {
			if err := do(ctx, s, l); err != nil {
				return err
			}
		}
		return nil
	}
}

// check says what of the ledger is not true of a store after a power cut. It changes the store. halves says that a rename may have
// survived by half.
func (l *ledger) check(ctx context.Context, s *Store, halves bool) error {
	if err := l.checkRecord(ctx, s); err != nil {
		return fmt.Errorf("record: %w", err)
	}
	if err := l.checkFile(ctx, s, halves); err != nil {
		return fmt.Errorf("file: %w", err)
	}
	entries, err := storage.Entries(ctx, s, storage.Query{})
	for _, e := range entries {
		if e.Name != recordName && e.Name != markName && e.Name != key {
			return fmt.Errorf("%s is listed", e.Name)
		}
	}
	if err == nil {
		err = gather(ctx, s, &ledger{})
	}
	if err != nil {
		return err
	}
	left, err := storage.Entries(ctx, s, storage.Query{Staged: true, Staging: "_shadoof/"})
	if len(left) > 0 {
		return fmt.Errorf("still staged after all was discarded: %v", left)
	}
	return err
}

func (l *ledger) checkRecord(ctx context.Context, s *Store) error {
	if o, err := s.Open(ctx, markName, 0, 0); err == nil {
		_ = o.Close()
	} else if l.marked {
		return fmt.Errorf("the marker was created: %w", err)
	}
	content, err := storage.ReadAll(ctx, s, recordName, 1000)
	there := err == nil
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	case there && !l.attempted[string(content)]:
		return fmt.Errorf("it is torn: %q", content)
	case l.created != "" && string(content) != l.created:
		return fmt.Errorf("created as %q, and is %q", l.created, content)
	case l.confirmed != "" && string(content) != l.confirmed:
		return fmt.Errorf("confirmed as %q, and is %q", l.confirmed, content)
	}
	want := storage.Created
	if there {
		want = storage.Exists
	}
	if again, err := s.PutNew(ctx, recordName, []byte("another")); again != want {
		return fmt.Errorf("there: %t; created again: %s, %w", there, again, err)
	}
	return nil
}

func (l *ledger) checkFile(ctx context.Context, s *Store, halves bool) error {
	content, err := storage.ReadAll(ctx, s, key, 1000)
	there := err == nil
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	case there && string(content) != rows:
		return fmt.Errorf("it is torn: %q", content)
	case there && !l.publishing:
		return errors.New("it is visible, and nobody has published it")
	case l.published && !l.deleting && !there:
		return errors.New("it was published, and is gone")
	case l.deleted && there:
		return errors.New("it was deleted, and is back")
	}
	if len(l.tokens) == 0 {
		return nil
	}
	newest := l.was[string(l.tokens[len(l.tokens)-1].Token)]
	answer, err := s.Publish(ctx, key, l.tokens)
	if err != nil {
		return err
	}
	content, err = storage.ReadAll(ctx, s, key, 1000)
	if visible := err == nil; visible != (answer != storage.NothingToPublish) || visible && string(content) != rows {
		return fmt.Errorf("publish answered %s, and %q is visible, %w", answer, content, err)
	}
	switch {
	case there && answer != storage.AlreadyPublished:
		return fmt.Errorf("it was visible, and publish answered %s", answer)
	case answer == storage.Published && newest.gone:
		return errors.New("published by a token that was discarded")
	case answer == storage.Published && l.published:
		return errors.New("a published file was published again: its token came back")
	case answer == storage.NothingToPublish && !newest.discarding && !l.deleting && !(halves && newest.publishing):
		return errors.New("a finished file was lost before it was published")
	}
	return nil
}
