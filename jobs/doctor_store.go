package jobs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"shadoof/storage"
)

func isPermission(err error) bool { return errors.Is(err, fs.ErrPermission) }

// examineStore tries the contract, and looks at how the store was set up.
func (v *visit) examineStore(ctx context.Context, claims []claim) {
	var moves []storage.Move
	for _, c := range claims {
		if set, err := v.newSettings(c.job, c.topic); err == nil {
			moves = append(moves, v.moves(set)...)
		}
	}
	var looking sync.WaitGroup
	looking.Go(func() {
		v.look(ctx, AreaStore, "", lookContract, v.ContractPatience, func(ctx context.Context) []storage.Finding {
			return v.Check(ctx, func() (storage.Store, error) { return v.Open(ctx) })
		})
	})
	if x, ok := v.store.(storage.Examiner); ok {
		looking.Go(func() {
			v.look(ctx, AreaStore, "", lookSetUp, v.Patience, func(ctx context.Context) []storage.Finding { return x.Examine(ctx, moves) })
		})
	}
	looking.Wait()
}

// examineRoot says whose root this is.
func (v *visit) examineRoot(ctx context.Context) []storage.Finding {
	const name = lookRoot
	if err := v.checkRoot(ctx); err != nil {
		return one(gradeOf(err), name, "%v", err)
	}
	info := v.info
	if info == nil {
		return one(storage.Good, name, "new: nothing was lifted to it yet")
	}
	text := fmt.Sprintf("layout %d, id %s, found fit on %s by %s", info.Layout, info.ID, info.Probed.UTC().Format(time.DateOnly), info.Build)
	if info.Endpoint != v.endpoint {
		text += fmt.Sprintf(", when it was %s; as it is %s now, each run that writes checks the store again, in short", info.Endpoint, v.endpoint)
	}
	return one(storage.Good, name, "%s", text)
}

// keepResult writes store.json where the root is new and its store fit: the result of this visit is then what runs go by. One that is
// there stays as it is: docs/decisions/0002 and 0016.
func (v *visit) keepResult(ctx context.Context) []storage.Finding {
	switch {
	case v.info != nil:
		return nil // told as the root
	case !v.storeFit():
		return one(storage.Unseen, storeName, "not written: the store must be found fit first")
	}
	if err := v.writeStoreInfo(ctx); err != nil {
		return one(gradeOf(err), storeName, "%v", err)
	}
	return one(storage.Good, storeName, "written: runs at this endpoint need not check the store again")
}

// storeFit says whether nothing that was found about the store, or about moving files to their folders, is bad or did not answer.
func (v *visit) storeFit() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, c := range v.checks {
		if (c.Area == AreaStore || c.Area == AreaTopic && c.Name == checkPublishing) && (c.grade == storage.Bad || c.grade == storage.Absent) {
			return false
		}
	}
	return true
}
