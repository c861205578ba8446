package jobs

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"shadoof/storage"
)

// storeName is where a root says what it is.
const storeName = "_shadoof/store.json"

// layoutVersion is the layout of everything below the root. docs/format.md describes it.
const layoutVersion = 1

// A StoreInfo is the content of store.json: it is written once, after the store was found to keep the contract, and never changed.
type StoreInfo struct {
	Layout   int       `json:"layout"`
	ID       string    `json:"id"`
	Probed   time.Time `json:"probed"`
	Endpoint string    `json:"endpoint"` // where it was probed
	Build    string    `json:"build"`
}

// fitStore makes sure, once per process and before anything is written, that the root is one of ours and that its store keeps the
// contract that the commit protocol rests on.
func (e *Env) fitStore(ctx context.Context) error {
	if err := e.checkRoot(ctx); err != nil {
		return err
	}
	if err := e.lockFit(ctx); err != nil {
		return err
	}
	defer e.unlockFit()
	if e.fit {
		return nil
	}
	info := e.info
	if info == nil || info.Endpoint != e.endpoint {
		if err := e.drivers.Probe(ctx, e.store); err != nil {
			return fmt.Errorf("check the store at %s: %w", e.endpoint, err)
		}
	}
	if info == nil {
		if err := e.writeStoreInfo(ctx); err != nil {
			return err
		}
	}
	e.fit = true
	return nil
}

// checkRoot looks, once per process, whether the root is one that this build may work in. A root without store.json is new.
func (e *Env) checkRoot(ctx context.Context) error {
	if err := e.lockFit(ctx); err != nil {
		return err
	}
	defer e.unlockFit()
	if e.info != nil {
		return nil
	}
	var err error
	e.info, err = e.storeInfo(ctx)
	return err
}

// lockFit waits for the right to look at the root: whoever has it may be waiting for the store.
func (e *Env) lockFit(ctx context.Context) error {
	select {
	case e.fitting <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (e *Env) unlockFit() { <-e.fitting }

// storeInfo reads store.json; nil if there is none.
func (e *Env) storeInfo(ctx context.Context) (*StoreInfo, error) {
	b, err := storage.ReadAll(ctx, e.store, storeName, 1<<20)
	if isNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s at %s: %w", storeName, e.endpoint, err)
	}
	var info StoreInfo
	if err := json.Unmarshal(b, &info); err != nil || info.Layout == 0 || info.Layout == layoutVersion && info.ID == "" {
		return nil, halt(fmt.Errorf("%s at %s is not ours, or was edited: nothing was touched; put it back as it was, from a version of the object or a backup (or see whether store.url is the right one)", storeName, e.endpoint))
	}
	if info.Layout != layoutVersion {
		return nil, halt(fmt.Errorf("the root %s has layout version %d, and this build of shadoof writes version %d: nothing was touched; use a build that knows layout %d", e.endpoint, info.Layout, layoutVersion, info.Layout))
	}
	return &info, nil
}

func (e *Env) writeStoreInfo(ctx context.Context) error {
	b, err := json.Marshal(StoreInfo{Layout: layoutVersion, ID: e.newID(16), Probed: e.now().UTC().Truncate(time.Millisecond), Endpoint: e.endpoint, Build: e.writer.Build})
	if err != nil {
		return err
	}
	put, err := e.store.PutNew(ctx, storeName, append(b, '\n'))
	if put == storage.Created || put == storage.Exists {
		return nil // another worker's is as good
	}
	// Unclear or refused: whichever, the next look tells.
	if info, rerr := e.storeInfo(ctx); rerr == nil && info != nil {
		return nil
	}
	return fmt.Errorf("write %s at %s: %w", storeName, e.endpoint, err)
}
