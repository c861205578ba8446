// Package jobs is the only place where the parts meet: a job reads topics from their committed offsets to fixed ends, stages files,
// commits offsets and files as one record, and publishes.
package jobs

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"sync"
	"time"

	"shadoof/config"
	"shadoof/extract"
	"shadoof/offsets"
	"shadoof/record"
	"shadoof/storage"
	"shadoof/writers"
)

// Deps is the outside world as jobs sees it.
type Deps struct {
	Store    storage.Store
	Endpoint string // which store, as people write it: URL and endpoint, without secrets
	Source   extract.Source
	Groups   extract.Groups                  // for mirror and import only
	Registry func() (record.Registry, error) // made anew for each run; nil where there is none
	Drivers  Drivers
	Now      func() time.Time
	Rand     io.Reader // of ids: crypto/rand
	Log      *slog.Logger
	Progress Progress                                 // may be nil
	Writer   offsets.Writer                           // who we are
	Hook     func(point string)                       // called at named points of the protocol; nil but in builds for tests
	Pause    func(ctx context.Context, try int) error // waits before another try; nil: a jittered, growing timer
	Lost     time.Duration                            // a committed file that was absent for so long is rebuilt; 0: one minute
}

// Drivers are what the binary was built with.
type Drivers struct {
	// Schema is the text of a schema, of values or of keys, and of what kind it is; "" where they have none, or the registry has it.
	Schema func(v config.Value, topic string) (text, kind string, err error)

	// Writer makes something of a schema of the topic's records. Their values come without the header of the framing. Where rows are
	// not made of it what cannot be columns is no error: it may be in a part that rows do not have.
	Writer func(s *SchemaSettings, t *record.SchemaText, rows bool) (record.Writer, error)

	// Decoder makes a decoder of the topic's records. Where values name their schemas find says what these are.
	Decoder func(s *Settings, find FindSchema) (record.Decoder, error)

	Format func(o OutputSettings) (writers.Format, error)
	Reader func(key string) (writers.Reader, error)
	Probe  func(ctx context.Context, s storage.Store) error // the store's contract, in short; wraps storage.ErrUnfit
}

// FindSchema says what the id before a value, or before a key, stands for. See record.NewFramedDecoder for its errors.
type FindSchema func(id int32, key bool) (record.Writer, error)

// Progress is told how a run gets on. Its methods are safe for concurrent use.
type Progress interface {
	Begin(topic string, offsets int64)
	Add(topic string, records, bytes int64)
	End(r *TopicReport)
}

// An Env runs jobs. It is safe for concurrent use.
type Env struct {
	cfg             *config.Config
	store           storage.Store
	endpoint        string
	source          extract.Source
	groups          extract.Groups
	openRegistry    func() (record.Registry, error)
	drivers         Drivers
	now             func() time.Time
	rand            io.Reader
	log             *slog.Logger
	progress        Progress
	writer          offsets.Writer
	run             string // id of this process's run; runs of a scheduler have their own
	hook            func(string)
	pause           func(ctx context.Context, try int) error
	budget          *writers.Budget
	readCommitted   bool
	stageInTopic    bool
	stagesInFolders bool          // the store has folders, and a topic's may be where files are staged
	topicsAtOnce    int           // lifted side by side
	smallAtOnce     int           // lifted beside them, where there is little to lift of each
	parallel        int           // bundles of a topic lifted at once
	lifting         chan struct{} // holds one for each bundle that is being lifted, of any topic
	turns, looks    chan struct{} // hold one for each topic that is being lifted, and looked at, by any run
	smallTurns      chan struct{} // the same for topics of which there is little to lift
	publishers      int           // files of a version published at once
	publishTries    int
	lostAfter       time.Duration
	grace           time.Duration // for what is staged, after a job's timeout

	throttling sync.Mutex
	throttles  map[string]*throttle // by job, as far as one was asked for; guarded by throttling

	compared clockCompared
	other    bool // another root than the configuration's: commands name it

	fitting chan struct{} // holds one while a goroutine looks at what follows
	info    *StoreInfo    // of the root, once it was read
	fit     bool          // the store was found to keep the contract
}

// stageLifetime: what was staged longer ago is not committed. Stores drop uploads that nobody completed, the hastiest that is known
// (MinIO) after 24 hours; a commit that names dropped uploads would have to be repaired from Kafka.
const stageLifetime = 12 * time.Hour

// New makes an Env. It does no I/O.
func New(cfg *config.Config, d Deps) *Env {
	e := &Env{
		cfg: cfg, store: d.Store, endpoint: d.Endpoint, source: d.Source, groups: d.Groups, openRegistry: d.Registry, drivers: d.Drivers, now: d.Now, rand: d.Rand, log: d.Log, progress: d.Progress,
		writer: d.Writer, hook: d.Hook, pause: d.Pause, readCommitted: cfg.Kafka.Isolation == config.ReadCommitted,
		budget:   writers.NewBudget(cfg.Memory / 5 * 3), // the rest is for what is being encoded, sent, and collected
		parallel: 2 * runtime.GOMAXPROCS(0), publishers: 8, publishTries: 8, topicsAtOnce: liftsAtOnce, smallAtOnce: smallAtOnce, lostAfter: d.Lost,
	}
	e.lifting = make(chan struct{}, max(1, min(liftsAtOnce*e.parallel, int(cfg.Memory/lifterMemory))))
	e.fitting = make(chan struct{}, 1)
	e.turns, e.smallTurns, e.looks = make(chan struct{}, liftsAtOnce), make(chan struct{}, smallAtOnce), make(chan struct{}, looksAtOnce)
	e.parallel = min(e.parallel, cap(e.lifting))
	e.compared.turn = make(chan struct{}, 1)
	e.stagesInFolders = cfg.Store.Scheme == "hdfs"
	e.grace = cfg.ShutdownGrace
	e.stageInTopic = e.stagesInFolders && cfg.Store.HDFS.StageInTopic()
	if e.progress == nil {
		e.progress = silent{}
	}
	if e.hook == nil {
		e.hook = func(string) {}
	}
	if e.pause == nil {
		e.pause = backOff
	}
	if e.lostAfter == 0 {
		e.lostAfter = time.Minute
	}
	e.run = e.newID(8)
	return e
}

const (
	// lifterMemory is what a lifter should have for itself: what is fetched, decompressed and decoded, and its open files. With
	// less of it, files become small.
	lifterMemory = 32 << 20

	// readerMemory is what a range that is being read holds: an answer that is unpacked, and the next one.
	readerMemory = 3 << 20
)

// together is how many ranges each of so many lifters may read at once, by a quarter of the memory.
func (e *Env) together(lifters int) int {
	return int(max(1, e.cfg.Memory/4/readerMemory/int64(lifters)))
}

func (e *Env) newAttempt() string { return e.newID(8) }

func (e *Env) newID(bytes int) string {
	b := make([]byte, bytes)
	if _, err := io.ReadFull(e.rand, b); err != nil {
		panic(err) // crypto/rand never fails
	}
	return hex.EncodeToString(b)
}

func (e *Env) openLog(topic string) *offsets.Log { return e.openLogFor(e.run, topic) }

func (e *Env) openLogFor(run, topic string) *offsets.Log {
	return offsets.Open(offsets.Options{Store: e.store, Topic: topic, Writer: e.writer, Run: run, Now: e.now, Rand: e.rand, Backoff: e.pause, Logger: e.log})
}

// backOff waits 50 ms, growing to 5 s, with jitter.
func backOff(ctx context.Context, try int) error {
	d := min(50*time.Millisecond<<min(try, 10), 5*time.Second)
	t := time.NewTimer(d/2 + rand.N(d/2))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

func isNotExist(err error) bool { return errors.Is(err, fs.ErrNotExist) }

type silent struct{}

func (silent) Begin(string, int64)      {}
func (silent) Add(string, int64, int64) {}
func (silent) End(*TopicReport)         {}
