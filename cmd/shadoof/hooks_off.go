//go:build !shadoof_hooks

package main

import (
	"time"

	"shadoof/storage"
)

// In a release binary nothing is called at the named points of the protocol.
func protocolHook() func(point string) { return nil }

func hookStore(s storage.Store) storage.Store { return s }

func clock() time.Time { return time.Now() }

// lostAfter leaves it to jobs when a committed file that is absent counts as lost.
func lostAfter() time.Duration { return 0 }
