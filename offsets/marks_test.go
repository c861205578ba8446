package offsets

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"

	"shadoof/storage"
	"shadoof/storage/memory"
)

func loaded(t *testing.T, store storage.Store, seed int64) *Log {
	t.Helper()
	l := logged(t, open(store, seed))
	if _, err := l.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	return l
}

func TestMarksAreOfVersionsThatAskForSomething(t *testing.T) {
	t.Parallel()
	store := memory.New(memory.Options{})
	write(t, store, chain(everyType()[:8]...))
	l := loaded(t, store, 1)
	same(t, "unmarked", []int64{2, 4, 5, 6, 7}, l.Unmarked())
	for _, v := range []int64{4, 6, 4} {
		if err := l.Mark(t.Context(), v); err != nil {
			t.Fatal(err)
		}
	}
	same(t, "unmarked", []int64{2, 5, 7}, l.Unmarked())
	for v, want := range map[int64]bool{1: true, 2: false, 3: true, 4: true, 8: true, 9: false} {
		if l.Marked(v) != want {
			t.Errorf("version %d: marked %v", v, !want)
		}
	}
	other := loaded(t, store, 2)
	same(t, "unmarked for another", []int64{2, 5, 7}, other.Unmarked())
	if err := l.Mark(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	same(t, "unmarked, not refreshed", []int64{2, 5, 7}, other.Unmarked())
	if err := other.RefreshMarks(t.Context()); err != nil {
		t.Fatal(err)
	}
	same(t, "unmarked, refreshed", []int64{5, 7}, other.Unmarked())
}

func TestMarkSurvivesUnclearAnswers(t *testing.T) {
	t.Parallel()
	for name, verdict := range verdicts {
		base := withLog(t, 3, 2)
		store := base.Attach(memory.Options{Hook: func(c memory.Call) memory.Verdict {
			if c.Op == memory.OpPutNew && c.Seq < 12 {
				return verdict(c.Op)
			}
			return memory.Proceed
		}})
		l := loaded(t, store, 1)
		if err := l.Mark(t.Context(), 3); err != nil || !l.Marked(3) {
			t.Errorf("%s: %v", name, err)
		}
		if base.Bytes(PubName(topic, 3)) == nil {
			t.Errorf("%s: no marker", name)
		}
	}
	l := loaded(t, &answering{Store: withLog(t, 3, 2), put: func(func() (storage.Put, error)) (storage.Put, error) {
		return storage.Refused, fmt.Errorf("403: %w", fs.ErrPermission)
	}}, 1)
	if err := l.Mark(t.Context(), 3); !errors.Is(err, ErrRefused) || l.Marked(3) {
		t.Error(err)
	}
	l = loaded(t, &answering{Store: withLog(t, 3, 2), put: func(func() (storage.Put, error)) (storage.Put, error) {
		return storage.PutUnknown, errors.New("503")
	}}, 1)
	if err := l.Mark(t.Context(), 3); err == nil || l.Marked(3) {
		t.Error(err)
	}
}

func TestSettingsCostARequestOnlyOnce(t *testing.T) {
	t.Parallel()
	store := started(t, memory.Options{})
	l := loaded(t, store, 1)
	hash, err := l.PutSettings(t.Context(), []byte(`{"a":1}`))
	if err != nil {
		t.Fatal(err)
	}
	store.Reset()
	if again, err := l.PutSettings(t.Context(), []byte(`{"a":1}`)); err != nil || again != hash || store.Operations() != 0 {
		t.Error(again, err, store.Operations())
	}
	if _, err := l.Append(t.Context(), func(s *State) (Body, error) {
		b := lift(attemptName(1), bundle(attemptName(1), 0, 100, 101))
		b.Settings = hash
		return &Commit{b}, nil
	}); err != nil {
		t.Fatal(err)
	}
	client := store.Attach(memory.Options{})
	l = loaded(t, client, 2)
	client.Reset()
	if _, err := l.PutSettings(t.Context(), []byte(`{"a":1}`)); err != nil || client.Operations() != 0 {
		t.Error(err, client.Operations())
	}
	got, err := l.Settings(t.Context(), hash)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "settings", `{"a":1}`, string(got))

	// Another process that read no record that names them finds them there.
	if _, err := open(client, 3).PutSettings(t.Context(), []byte(`{"a":1}`)); err != nil {
		t.Error(err)
	}
	store.Tamper(SettingsName(topic, hash), []byte(`{"a":2}`))
	if _, err := l.Settings(t.Context(), hash); !errors.Is(err, ErrDamaged) {
		t.Error(err)
	}
	if _, err := open(client, 3).PutSettings(t.Context(), []byte(`{"a":1}`)); !errors.Is(err, errOther) {
		t.Error(err)
	}
	if _, err := l.Settings(t.Context(), strings.Repeat("0", 64)); !errors.Is(err, ErrDamaged) || !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

func TestSettingsSurviveUnclearAnswers(t *testing.T) {
	t.Parallel()
	for name, verdict := range verdicts {
		base := started(t, memory.Options{})
		store := base.Attach(memory.Options{Hook: func(c memory.Call) memory.Verdict {
			base.Crash()
			if c.Seq%3 == 1 {
				return verdict(c.Op)
			}
			return memory.Proceed
		}})
		hash, err := open(store, 1).PutSettings(t.Context(), []byte("x"))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		same(t, name, "x", string(base.Bytes(SettingsName(topic, hash))))
	}
}

// repairs is a log in which the file of record 2 was repaired at the given versions, and the files of others at all the rest.
func repairedLog(n int, at ...int64) ([]*Record, *File) {
	a := attemptName
	b := bundle(a(1), 0, 100, 110)
	other := bundle(a(1), 1, 100, 110)
	bodies := []Body{startsOf(2), &Commit{lift(a(1), b, other)}}
	var mine, others int
	for v := int64(3); v <= int64(n); v++ {
		r := &Repair{Attempt: a(int(v)), File: FileRef{2, other.Files[0].Key}, Bytes: v, Token: json.RawMessage(`"other"`), After: others}
		if slices.Contains(at, v) {
			r.File.Key, r.After, r.Token = b.Files[0].Key, mine, json.RawMessage(fmt.Sprintf(`{"repair":%d}`, v))
			mine++
		} else {
			others++
		}
		bodies = append(bodies, r)
	}
	return chain(bodies...), &b.Files[0]
}

func TestFileTokensAreItsOwnAndThoseOfItsRepairs(t *testing.T) {
	t.Parallel()
	at := []int64{5, 120, 121, 290, 320}
	records, f := repairedLog(320, at...)
	want := []storage.Staged{{Bytes: f.Bytes, Token: f.Token}}
	for _, v := range at {
		want = append(want, storage.Staged{Bytes: v, Token: json.RawMessage(fmt.Sprintf(`{"repair":%d}`, v))})
	}
	store := memory.New(memory.Options{})
	write(t, store, records[:310])
	checkpointed(t, store) // at 300
	l := loaded(t, store, 1)
	write(t, store, records[310:])
	if _, err := l.Extend(t.Context()); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			got, err := l.FileTokens(t.Context(), 2, f)
			if err != nil {
				t.Error(err)
			}
			same(t, "tokens", want, got)
		})
	}
	all.Wait()
	store.Reset()
	if _, err := l.FileTokens(t.Context(), 2, f); err != nil || store.Operations() > 0 {
		t.Errorf("asked again: %v, %d operations", err, store.Operations())
	}

	// A file without repairs costs nothing, however old it is.
	l = loaded(t, store, 2)
	store.Reset()
	got, err := l.FileTokens(t.Context(), 2, &File{Key: "x", Bytes: 4, Token: json.RawMessage(`{}`)})
	if err != nil || store.Operations() > 0 {
		t.Errorf("no repairs: %v, %d operations", err, store.Operations())
	}
	same(t, "own token", []storage.Staged{{Bytes: 4, Token: json.RawMessage(`{}`)}}, got)

	// A removed file keeps them: whoever removes it gives up each.
	if _, err := l.Append(t.Context(), func(*State) (Body, error) {
		return &Drop{Incarnation: 1, Files: []FileRef{{2, f.Key}}, Emptied: nil}, nil
	}); err != nil {
		t.Fatal(err)
	}
	if got, err = l.FileTokens(t.Context(), 2, f); err != nil {
		t.Fatal(err)
	}
	same(t, "tokens of a removed file", want, got)
}

func TestFileTokensMustBeAsManyAsTheStateCounts(t *testing.T) {
	t.Parallel()
	records, f := repairedLog(150, 5, 120)
	store := memory.New(memory.Options{})
	write(t, store, records)
	checkpointed(t, store)
	l := loaded(t, store, 1)
	// The checkpoint counts a repair that the log does not hold.
	l.state.Repairs[RepairKey(FileRef{2, f.Key})]++
	if _, err := l.FileTokens(t.Context(), 2, f); !errors.Is(err, ErrDamaged) {
		t.Error(err)
	}
}
