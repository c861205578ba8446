// Package storage is the seam between shadoof and the place where files and the commit log live.
//
// A [Store] holds immutable, named objects below one root. Names are relative to that root, use "/", and never start or end with
// it. Drivers live in the packages below this one; they own every quirk of their provider. What a store must do for the commit
// protocol to hold is checked by the functions of package storage/contract, in tests and against users' stores.
package storage

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"time"
)

// A Store is safe for concurrent use by any number of goroutines and processes.
//
// An object's bytes never change while it exists. There are two ways for an object to come into being: [Store.PutNew], which
// creates small objects if absent, and [Store.Stage] followed by [Store.Publish], which makes a large one visible at once, whole,
// by using up a one-shot token.
//
// Errors wrap [fs.ErrNotExist] and [fs.ErrPermission] where they apply. Methods retry what is transient for a short while
// themselves, except where they say that they do not.
type Store interface {
	// Stage begins to write a file that stays invisible until it is published under key. ctx bounds the whole life of the writer.
	Stage(ctx context.Context, s StageRequest) (StageWriter, error)

	// Publish makes a staged file visible under key, by the token of the last element of pairs, which is the newest. Earlier
	// elements are tokens that the file had before a repair: with them an object that is already there is recognised.
	// It is idempotent, and durable when the answer is Published or AlreadyPublished. It never overwrites an object, and never brings one
	// back after the token was discarded or the object deleted.
	// S3 has no condition that is safe here: there, nothing is overwritten because keys are unique.
	// err is nil for Published, AlreadyPublished and NothingToPublish.
	Publish(ctx context.Context, key string, pairs []Staged) (Publication, error)

	// Discard gives up the token of a staged file and frees its bytes. It is idempotent. After an answer of Discarded or
	// AbsentToken nothing can appear under key by this token, ever: also not because what the answer was taken from, another's discard
	// say, did not survive a crash of the store.
	// err is nil but for DiscardUnclear.
	Discard(ctx context.Context, key string, s Staged) (Discarding, error)

	// PutNew creates the object name with these bytes if no object of that name exists, in one request that is never repeated
	// behind the caller's back. It is durable when the answer is Created. err is nil for Created and Exists.
	PutNew(ctx context.Context, name string, data []byte) (Put, error)

	// Open reads n bytes from offset from; n < 0 means to the end, and n == 0 asks for the size only. A read that ends before
	// the expected number of bytes fails with io.ErrUnexpectedEOF, never with io.EOF. Other errors of the reader name the object.
	Open(ctx context.Context, name string, from, n int64) (*Object, error)

	// List yields entries in ascending order of their names as byte strings. It sees everything that was durable before the call.
	// The iteration stops after the first error. Breaking out of the loop early costs no further requests.
	List(ctx context.Context, q Query) iter.Seq2[Entry, error]

	// Delete removes an object. It is idempotent (deleting what is not there succeeds) and durable on return, also where the object
	// was gone before: what a store showed as gone could come back with a crash.
	Delete(ctx context.Context, name string) error

	// Confirm tells whether an object that a reader saw would survive a crash of the store.
	// Stores keep their changes in order, so a durable object makes durable all that was there before it. A disk keeps no order between
	// its folders: there, each object that something is built on is created, or confirmed.
	// err is nil but for DurabilityUnknown.
	Confirm(ctx context.Context, name string) (Durability, error)
}

// A StageRequest says what is to be staged.
type StageRequest struct {
	Key     string // the name under which the file will be published
	Staging string // the name, which ends in StagedSuffix, under which stores that stage in files (HDFS, local disk) keep it until then; unique to the attempt
}

// A StageWriter receives the bytes of a staged file. Exactly one of Finish and Abort must be called, once; after an error of
// Write only Abort. It is not safe for concurrent use.
type StageWriter interface {
	io.Writer

	// Finish makes the staged bytes durable and returns the token with which they are published. After an error nothing more is to
	// be called: the writer has tried to drop what was staged, and leftovers are for gc to find.
	Finish(ctx context.Context) (Staged, error)

	// Abort drops what was staged. An error means that leftovers may remain, for gc to find; nothing of it can become visible.
	Abort(ctx context.Context) error

	// Buffered is how many bytes of memory the writer holds for data that was not sent yet.
	Buffered() int64
}

// Staged is a staged file: its length and the one-shot right to publish it.
type Staged struct {
	Bytes int64 `json:"bytes"`
	Token Token `json:"token"`
}

// A Token is a driver's JSON object, opaque to everybody else, and kept in the commit log.
type Token = json.RawMessage

// Put is the answer of [Store.PutNew].
type Put int

const (
	PutUnknown Put = iota // the object may have been created, may still be, or not: only reading it back can tell
	Created               // by this call
	Exists                // an object of that name is there; it may be this call's own after all, if the driver cannot tell
	Refused               // the store answered that it did not and will not carry out the request (permission, quota, no space)
)

// Publication is the answer of [Store.Publish].
type Publication int

const (
	PublishUnclear   Publication = iota // ask again later
	Published                           // now visible
	AlreadyPublished                    // it was visible before
	NothingToPublish                    // neither the object nor a usable token is there
	PublishConflict                     // the object under key is none of the pairs', or the store forbids publishing: a person must look
)

// Discarding is the answer of [Store.Discard].
type Discarding int

const (
	DiscardUnclear Discarding = iota // ask again later
	Discarded                        // the token worked until now, and works no more
	AbsentToken                      // there was no such token any more, and its object is not visible
	TokenUsed                        // the token was used before: its object is visible
)

// Durability is the answer of [Store.Confirm].
type Durability int

const (
	DurabilityUnknown Durability = iota
	Durable
	Gone // what was seen did not survive, or is not there
)

// An Object is an open object. The caller closes it.
type Object struct {
	io.ReadCloser
	Size     int64     // of the whole object, whatever part is read
	Modified time.Time // by the store's clock
}

// A Query selects entries of [Store.List].
type Query struct {
	Prefix string // of the names; it need not end at a "/"
	After  string // only names greater than this one

	// Shallow yields a folder directly below Prefix (which then ends in "/" or is empty) as one entry whose name ends in "/",
	// instead of what lies in it.
	Shallow bool

	// Staged lists staged files instead of objects: those whose key starts with Prefix where the store knows keys (S3), those
	// whose staging name starts with Staging elsewhere. Entry.Name is then that key or staging name.
	Staged  bool
	Staging string
}

// An Entry is one object, folder or staged file.
type Entry struct {
	Name     string
	Size     int64     // 0 for folders; for staged files what is known, or 0; -1 where each would cost a request to know (numbered records on HDFS)
	Modified time.Time // by the store's clock; for a staged file the time when it was begun
	Token    Token     // of a staged file: enough for Discard
}

// IsFolder says whether the entry of a shallow listing is a folder.
func (e Entry) IsFolder() bool { return len(e.Name) > 0 && e.Name[len(e.Name)-1] == '/' }

// ErrUnfit is wrapped by errors that say a store cannot carry the commit protocol, or is set up so that it cannot.
var ErrUnfit = errors.New("store unfit for exactly-once commits")

// ErrAway is wrapped by errors that say a store, or a part of it, does not answer, or answers that it cannot now, and that the driver
// has waited for it as long as it does. The same may succeed a little later.
var ErrAway = errors.New("the store is away")
