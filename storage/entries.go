package storage

import (
	"context"
	"iter"
)

// Entries collects a listing that is known to be short. On an error it returns what came before it, too.
func Entries(ctx context.Context, s Store, q Query) ([]Entry, error) {
	return collect(s.List(ctx, q))
}

func collect(seq iter.Seq2[Entry, error]) (entries []Entry, err error) {
	for e, err := range seq {
		if err != nil {
			return entries, err
		}
		entries = append(entries, e)
	}
	return entries, nil
}
