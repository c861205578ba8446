package contract

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"time"

	"shadoof/storage"
)

func listing(ctx context.Context, t *trial) error {
	// In byte order "-" comes before "/", and "/" before "0": a walk of a tree that sorts folder by folder gets this wrong.
	folder := t.dir + "/list/"
	want := []string{folder + "a-b", folder + "a/x", folder + "a/y/z", folder + "a0", folder + "b"}
	for _, i := range []int{3, 1, 4, 0, 2} {
		t.names = append(t.names, want[i])
		if err := t.put(ctx, want[i], "12345", storage.Created); err != nil {
			return err
		}
		entries, err := storage.Entries(ctx, t.store, storage.Query{Prefix: folder})
		if err != nil {
			return err
		}
		found := slices.IndexFunc(entries, func(e storage.Entry) bool { return e.Name == want[i] && e.Size == 5 })
		if found < 0 {
			return broken("%s is not listed, or not with its size, right after it was created", want[i])
		}
	}
	queries := []struct {
		storage.Query
		want []string
	}{
		{storage.Query{Prefix: folder}, want},
		{storage.Query{Prefix: folder + "a"}, want[:4]},
		{storage.Query{Prefix: folder + "a/"}, want[1:3]},
		{storage.Query{Prefix: folder, After: want[1]}, want[2:]},
		{storage.Query{Prefix: folder, After: folder + "a/xx"}, want[2:]},
		{storage.Query{Prefix: folder, After: want[4]}, nil},
		{storage.Query{Prefix: folder, Shallow: true}, []string{want[0], folder + "a/", want[3], want[4]}},
		{storage.Query{Prefix: folder, Shallow: true, After: folder + "a/"}, want[3:]},
		{storage.Query{Prefix: folder + "none/"}, nil},
	}
	for _, q := range queries {
		entries, err := storage.Entries(ctx, t.store, q.Query)
		if err != nil {
			return err
		}
		var got []string
		for _, e := range entries {
			got = append(got, e.Name)
		}
		if !slices.Equal(got, q.want) {
			return broken("listing %+v gave %q instead of %q", q.Query, got, q.want)
		}
	}
	return nil
}

func ranges(ctx context.Context, t *trial) error {
	const data = "0123456789"
	name := t.name(".bin")
	if err := t.put(ctx, name, data, storage.Created); err != nil {
		return err
	}
	for _, r := range []struct {
		from, n int64
		want    string
		err     error
	}{
		{0, -1, data, nil},
		{0, 0, "", nil},
		{0, 4, "0123", nil},
		{3, 4, "3456", nil},
		{8, -1, "89", nil},
		{9, 1, "9", nil},
		{10, -1, "", nil},
		{8, 3, "89", io.ErrUnexpectedEOF},
		{10, 1, "", io.ErrUnexpectedEOF},
	} {
		o, err := t.store.Open(ctx, name, r.from, r.n)
		if err != nil {
			return fmt.Errorf("%d bytes from %d: %w", r.n, r.from, err)
		}
		got, err := io.ReadAll(o)
		if closing := o.Close(); closing != nil {
			return closing
		}
		if string(got) != r.want || !errors.Is(err, r.err) || o.Size != int64(len(data)) {
			return broken("reading %d bytes of %s from %d gave %q of %d bytes and the error %v", r.n, name, r.from, got, o.Size, err)
		}
	}
	if _, err := storage.Size(ctx, t.store, t.name(".none")); !errors.Is(err, fs.ErrNotExist) {
		return broken("opening what is not there gave the error %v", err)
	}
	return nil
}

func unusualNames(ctx context.Context, t *trial) error {
	folder := t.dir + "/names/"
	for _, n := range []string{
		"dt=2026-11-20/hr=13/a.parquet", "with space", "a+b", "100%25", "a%2Fb", "ümlaut é 中 😀", "~tilde", "quote'\"", "semi;colon,comma",
		"&<>", "#hash?question=1", "(){}[]", "back\\slash", "dots...end", "__x", ".hidden", "$dollar@at!",
	} {
		name := folder + n
		t.names = append(t.names, name)
		if err := t.put(ctx, name, n, storage.Created); err != nil {
			return err
		}
		if err := t.expect(ctx, name, n); err != nil {
			return err
		}
		entries, err := storage.Entries(ctx, t.store, storage.Query{Prefix: name})
		if err != nil {
			return err
		}
		if len(entries) != 1 || entries[0].Name != name {
			return broken("%q is listed as %v", name, entries)
		}
	}
	return nil
}

func confirmed(ctx context.Context, t *trial) error {
	name := t.name(".json")
	if err := t.put(ctx, name, "to stay", storage.Created); err != nil {
		return err
	}
	d, err := t.store.Confirm(ctx, name)
	switch {
	case err != nil:
		return err
	case d != storage.Durable:
		return broken("confirming %s, which was created, was answered with %q", name, d)
	}
	return nil
}

// errSkewed: nothing is lost by it, but ages of what is staged and times of folders go by clocks.
var errSkewed = errors.New("the clocks differ")

func clocks(ctx context.Context, t *trial) error {
	name := t.name(".json")
	before := t.Now()
	if err := t.put(ctx, name, "what time is it", storage.Created); err != nil {
		return err
	}
	after := t.Now()
	o, err := t.store.Open(ctx, name, 0, 0)
	if err != nil {
		return err
	}
	if err := o.Close(); err != nil {
		return err
	}
	var skew time.Duration
	switch {
	case o.Modified.IsZero():
		return broken("%s has no time of modification: gc could not tell its age", name)
	// Some stores cut times to the second.
	case o.Modified.Before(before.Truncate(time.Second)):
		skew = before.Sub(o.Modified)
		t.note("the store's clock is about %s behind ours", skew.Round(time.Millisecond))
	case o.Modified.After(after):
		skew = o.Modified.Sub(after)
		t.note("the store's clock is about %s ahead of ours", skew.Round(time.Millisecond))
	}
	if skew > t.MaxSkew {
		return fmt.Errorf("%s, more than %s: %w: set both by NTP", t.detail, t.MaxSkew, errSkewed)
	}
	return nil
}
