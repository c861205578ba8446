package jobs

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"shadoof/offsets"
	"shadoof/storage"
)

// A hung store answers nothing from some moment on.
type hung struct {
	storage.Store
	from func(name string) bool
	now  bool
}

func (h *hung) PutNew(ctx context.Context, name string, data []byte) (storage.Put, error) {
	if h.now = h.now || h.from(name); h.now {
		<-ctx.Done()
		return storage.PutUnknown, ctx.Err()
	}
	return h.Store.PutNew(ctx, name, data)
}

func (h *hung) Open(ctx context.Context, name string, from, n int64) (*storage.Object, error) {
	if h.now {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return h.Store.Open(ctx, name, from, n)
}

func (h *hung) Publish(ctx context.Context, key string, pairs []storage.Staged) (storage.Publication, error) {
	if h.now = h.now || h.from(key); h.now {
		<-ctx.Done()
		return storage.PublishUnclear, ctx.Err()
	}
	return h.Store.Publish(ctx, key, pairs)
}

// A job's timeout holds whatever the store does: the reading ends with it, and everything with the grace after it.
func TestATimeoutEndsARunOnAHungStore(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		from func(name string) bool
		code int
	}{
		"in the commit":    {func(name string) bool { return strings.HasSuffix(name, "/log/00000000000000000002.json") }, ExitUnknown},
		"while publishing": {func(name string) bool { return strings.HasPrefix(name, "orders/") }, ExitPartial},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.configure(testConfig + "    timeout: 10s\n")
				twoHours(w)
				h := &hung{Store: w.store, from: c.from}
				began := time.Now()
				r, err := w.process(h).Run(context.Background(), RunOptions{})
				if err != nil {
					t.Fatal(err)
				}
				if took := time.Since(began); took < 10*time.Second || took > 10*time.Second+w.cfg.ShutdownGrace+cleanupTime {
					t.Errorf("it took %s", took)
				}
				if got := r.ExitCode(); got != c.code {
					t.Errorf("exit %d, want %d: %v", got, c.code, r.Topics[0].Err)
				}
				if err := r.Topics[0].Err; c.code == ExitUnknown && !errors.Is(err, offsets.ErrUnresolved) {
					t.Error(err)
				}
				w.runClean()
				w.checkExact("after the store answered again")
			})
		})
	}
}
