package contract

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"shadoof/storage"
)

func stagedInvisible(ctx context.Context, t *trial) error {
	key := t.name(".parquet")
	w, err := t.begin(ctx, key)
	if err != nil {
		return err
	}
	if err := t.absent(ctx, key, "while it is staged"); err != nil {
		return errors.Join(err, w.Abort(ctx))
	}
	s, err := t.finish(ctx, w, key)
	if err != nil {
		return err
	}
	if err := t.absent(ctx, key, "before it was published"); err != nil {
		return err
	}
	if err := t.publish(ctx, key, []storage.Staged{s}, storage.Published); err != nil {
		return err
	}
	return t.expect(ctx, key, content)
}

func publishTwice(ctx context.Context, t *trial) error {
	key, s, err := t.published(ctx)
	if err != nil {
		return err
	}
	for range 2 {
		// Some S3 stores answer a repeated completion as they did the first.
		if err := t.publish(ctx, key, []storage.Staged{s}, storage.Published); err != nil {
			return err
		}
	}
	return t.expect(ctx, key, content)
}

// published stages and publishes a file.
func (t *trial) published(ctx context.Context) (string, storage.Staged, error) {
	key := t.name(".parquet")
	s, err := t.stage(ctx, key)
	if err != nil {
		return key, s, err
	}
	return key, s, t.publish(ctx, key, []storage.Staged{s}, storage.Published)
}

func publishAfterDiscard(ctx context.Context, t *trial) error {
	key := t.name(".parquet")
	s, err := t.stage(ctx, key)
	if err != nil {
		return err
	}
	if err := t.discard(ctx, key, s, storage.Discarded); err != nil {
		return err
	}
	if err := t.publish(ctx, key, []storage.Staged{s}, storage.NothingToPublish); err != nil {
		return err
	}
	if err := t.absent(ctx, key, "after its token was discarded"); err != nil {
		return err
	}
	return t.discard(ctx, key, s, storage.AbsentToken)
}

func publishAfterDelete(ctx context.Context, t *trial) error {
	key, s, err := t.published(ctx)
	if err != nil {
		return err
	}
	if err := t.delete(ctx, key); err != nil {
		return err
	}
	if err := t.publish(ctx, key, []storage.Staged{s}, storage.NothingToPublish); err != nil {
		return err
	}
	return t.absent(ctx, key, "after it was deleted and its used token was published again")
}

func tokenOfAnother(ctx context.Context, t *trial) error {
	key, other := t.name("-a.parquet"), t.name("-b.parquet")
	s, err := t.stage(ctx, key)
	if err != nil {
		return err
	}
	if err := t.publish(ctx, other, []storage.Staged{s}, storage.NothingToPublish, storage.PublishConflict); err != nil {
		return err
	}
	if err := t.absent(ctx, other, "after it was published with the token of "+key); err != nil {
		return err
	}
	if err := t.discard(ctx, other, s, storage.AbsentToken); err != nil {
		return err
	}
	if err := t.publish(ctx, key, []storage.Staged{s}, storage.Published); err != nil {
		return err
	}
	return t.expect(ctx, key, content)
}

func discardAfterPublish(ctx context.Context, t *trial) error {
	key, s, err := t.published(ctx)
	if err != nil {
		return err
	}
	if err := t.discard(ctx, key, s, storage.TokenUsed); err != nil {
		return err
	}
	return t.expect(ctx, key, content)
}

func earlierToken(ctx context.Context, t *trial) error {
	key, first, err := t.published(ctx)
	if err != nil {
		return err
	}
	// A repair that staged the file again, since it had not seen it.
	second, err := t.stage(ctx, key)
	if err != nil {
		return err
	}
	if err := t.discard(ctx, key, second, storage.Discarded); err != nil {
		return err
	}
	if err := t.publish(ctx, key, []storage.Staged{first, second}, storage.AlreadyPublished); err != nil {
		return err
	}
	return t.expect(ctx, key, content)
}

func publishRacesDiscard(ctx context.Context, t *trial) error {
	visible, errs := make([]bool, t.Rounds), make([]error, t.Rounds)
	var rounds sync.WaitGroup
	for i := range t.Rounds {
		key := t.name(".parquet")
		rounds.Go(func() {
			s, err := t.stage(ctx, key)
			if err == nil {
				visible[i], err = t.publishOrDiscard(ctx, key, s)
			}
			errs[i] = err
		})
	}
	rounds.Wait()
	published := 0
	for _, v := range visible {
		if v {
			published++
		}
	}
	t.note("%d of %d rounds ended with the file published", published, t.Rounds)
	return errors.Join(errs...)
}

// publishOrDiscard does both at once, and says whether the file is visible then.
func (t *trial) publishOrDiscard(ctx context.Context, key string, s storage.Staged) (visible bool, err error) {
	var (
		p    storage.Publication
		d    storage.Discarding
		both sync.WaitGroup
	)
	start := make(chan struct{})
	both.Go(func() { <-start; p, _ = t.stores[0].Publish(ctx, key, []storage.Staged{s}) })
	both.Go(func() { <-start; d, _ = t.stores[len(t.stores)-1].Discard(ctx, key, s) })
	close(start)
	both.Wait()

	_, err = storage.Size(ctx, t.store, key)
	visible = err == nil
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return visible, err
	}
	sayVisible := p == storage.Published || p == storage.AlreadyPublished
	sayGone := d == storage.Discarded || d == storage.AbsentToken
	if sayVisible && !visible || d == storage.TokenUsed && !visible || sayGone && visible || p == storage.PublishConflict {
		return visible, broken("%s: publish was answered with %q and a discard at the same time with %q; visible: %t", key, p, d, visible)
	}
	// Whatever was unclear must be clear now, and stay as it is.
	want := []storage.Discarding{storage.AbsentToken}
	switch {
	case visible:
		want = []storage.Discarding{storage.TokenUsed}
	case d == storage.DiscardUnclear:
		want = append(want, storage.Discarded)
	}
	if err := t.discard(ctx, key, s, want...); err != nil {
		return visible, err
	}
	if visible {
		return visible, t.expect(ctx, key, content)
	}
	if err := t.publish(ctx, key, []storage.Staged{s}, storage.NothingToPublish); err != nil {
		return visible, err
	}
	return visible, t.absent(ctx, key, "after its token was discarded")
}

func leftovers(ctx context.Context, t *trial) error {
	key := t.name(".parquet")
	s, err := t.stage(ctx, key)
	if err != nil {
		return err
	}
	staged, err := storage.Entries(ctx, t.store, storage.Query{Staged: true, Prefix: t.dir + "/", Staging: t.dir + "/"})
	if err != nil {
		return err
	}
	if len(staged) == 0 {
		t.note("the store does not list uploads by prefix: gc finds no leftovers here, only the store's own expiry does")
		return nil
	}
	if len(staged) != 1 || staged[0].Token == nil || staged[0].Modified.IsZero() {
		return broken("one file is staged, and the listing shows %+v", staged)
	}
	if err := t.discard(ctx, staged[0].Name, storage.Staged{Token: staged[0].Token}, storage.Discarded); err != nil {
		return fmt.Errorf("by the token of the listing: %w", err)
	}
	if err := t.publish(ctx, key, []storage.Staged{s}, storage.NothingToPublish); err != nil {
		return err
	}
	return t.absent(ctx, key, "after its token was discarded")
}
