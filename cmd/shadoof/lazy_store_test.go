package main

import (
	"context"
	"errors"
	"testing"

	"shadoof/extract"
	"shadoof/storage"
	"shadoof/storage/memory"
)

func TestAStoreIsOpenedWhenItIsUsed(t *testing.T) {
	t.Parallel()
	opened, fail := 0, errors.New("no such bucket")
	s := &lazyStore{open: func(context.Context) (storage.Store, error) {
		if opened++; opened == 1 {
			return nil, fail
		}
		return memory.New(memory.Options{}), nil
	}}
	if put, err := s.PutNew(t.Context(), "a", []byte("b")); put != storage.Refused || !errors.Is(err, fail) {
		t.Errorf("a store that cannot be opened: %s, %v", put, err)
	}
	for range 2 {
		if _, err := s.PutNew(t.Context(), "a", []byte("b")); err != nil {
			t.Fatal(err)
		}
	}
	if b, err := storage.ReadAll(t.Context(), s, "a", 10); string(b) != "b" || err != nil || opened != 2 {
		t.Errorf("read %q, %v; opened %d times", b, err, opened)
	}
	n := 0
	for _, err := range s.List(t.Context(), storage.Query{}) {
		if n++; err != nil {
			t.Fatal(err)
		}
	}
	if n != 1 {
		t.Errorf("%d entries", n)
	}
}

func TestGroupsShareTheConnection(t *testing.T) {
	t.Parallel()
	fail := errors.New("no broker answered")
	g := lazyGroups{&lazySource{open: func(context.Context) (extract.Source, func(), error) { return nil, nil, fail }}}
	_, err1 := g.Group(t.Context(), "g")
	_, err2 := g.Positions(t.Context(), "g", &extract.Topic{})
	for _, err := range []error{err1, err2, g.SetPositions(t.Context(), "g", &extract.Topic{}, nil)} {
		if !errors.Is(err, fail) {
			t.Errorf("without a connection: %v", err)
		}
	}
	g = lazyGroups{&lazySource{real: struct{ extract.Source }{}}}
	if _, err := g.Group(t.Context(), "g"); err == nil {
		t.Error("a source without groups has groups")
	}
}
