package jobs

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"testing"
	"time"

	"shadoof/storage"
)

// A mover is a store that says where files are staged, and whether they can be moved to where they are published.
type mover struct {
	storage.Store
	refuse string // the folder to which nothing can be moved
	tried  []storage.Move
	staged []storage.StageRequest
}

func (m *mover) TryMove(_ context.Context, mv storage.Move) error {
	m.tried = append(m.tried, mv)
	if mv.Folder == m.refuse {
		return fmt.Errorf("%s is in another encryption zone: %w", mv.Folder, storage.ErrUnfit)
	}
	return nil
}

func (m *mover) Stage(ctx context.Context, r storage.StageRequest) (storage.StageWriter, error) {
	m.staged = append(m.staged, r)
	return m.Store.Stage(ctx, r)
}

const onHDFS = `
kafka: {brokers: ["127.0.0.1:9092"]}
store: {url: "hdfs://lake/kafka", hdfs: {staging: %s}}
jobs:
  - name: tests
    topics: [orders]
    folder: "raw/{topic}"
    value: {format: string}
`

func TestStagingIsWhereTheConfigurationSays(t *testing.T) {
	t.Parallel()
	for setting, want := range map[string]string{"root": "_shadoof/topics/orders/staging", "topic": "raw/orders/_staging"} {
		t.Run(setting, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.configure(fmt.Sprintf(onHDFS, setting))
			topic := w.source.create("orders", strings.Repeat("ab", 16), 1)
			topic.add(0, 3, day, time.Minute)
			topic.add(0, 1, time.Unix(0, 0), time.Minute) // too old for a folder: quarantine
			m := &mover{Store: w.store}
			if err := runOnce(w, w.process(m)); err != nil {
				t.Fatal(err)
			}
			tried := []storage.Move{{Staging: want, Folder: "raw/orders"}, {Staging: "_shadoof/topics/orders/staging", Folder: "_shadoof/topics/orders/quarantine"}}
			if fmt.Sprint(m.tried) != fmt.Sprint(tried) {
				t.Errorf("tried %v, want %v", m.tried, tried)
			}
			if len(m.staged) != 2 {
				t.Fatalf("staged %v", m.staged)
			}
			for _, r := range m.staged {
				under := want
				if strings.HasPrefix(r.Key, "_shadoof/") {
					under = "_shadoof/topics/orders/staging"
				}
				if path.Dir(path.Dir(r.Staging)) != under {
					t.Errorf("%s is staged as %s, not below %s", r.Key, r.Staging, under)
				}
			}
			if err := runOnce(w, w.process(m)); err != nil || len(m.tried) != 2 {
				t.Errorf("a topic that has a log: tried %v, %v", m.tried[2:], err)
			}
		})
	}
}

func TestNothingIsCommittedThatCannotBePublished(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.source.create("orders", strings.Repeat("ab", 16), 1).add(0, 3, day, time.Minute)
	err := runOnce(w, w.process(&mover{Store: w.store, refuse: "orders"}))
	if !errors.Is(err, storage.ErrUnfit) || ExitCode(err) != ExitHalted {
		t.Errorf("got %v, exit %d", err, ExitCode(err))
	}
	for e := range w.store.List(t.Context(), storage.Query{Prefix: "_shadoof/topics/"}) {
		t.Errorf("%s was written", e.Name)
	}
}
