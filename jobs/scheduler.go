package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"shadoof/config"
	"shadoof/internal/admin"
)

const (
	// reread is how often the clock on the wall is looked at, at least: no timer tells of a machine that slept, nor of a clock that was set.
	reread = 30 * time.Second

	// jobsAtOnce is how many jobs have a run under way. The topics that they lift side by side are fewer: see liftsAtOnce.
	jobsAtOnce = 16
)

// A Scheduler starts the runs of jobs by their schedules, and those that are asked for. No job runs beside itself.
type Scheduler struct {
	schedulerParts
	jobs  []*scheduledJob // as the configuration has them
	asked chan request
	ended chan ending
	turns chan struct{} // holds one for each job that has a run under way
	over  chan struct{} // closed when no run is started any more

	mu       sync.Mutex // guards what follows, and what scheduledJob says
	started  time.Time
	ticked   time.Time
	notReady string
	silent   string // why Kafka is not there; "": it is
	topics   map[string]*watchedTopic
}

// schedulerParts are what a Scheduler works with.
type schedulerParts struct {
	now      func() time.Time // by the clock on the wall
	run      func(context.Context, RunOptions) (*RunReport, error)
	lastRuns func(context.Context) ([]lastRun, error)
	answers  func(context.Context) error // whether Kafka does
	ends     func(ctx context.Context, topics []string) (map[string]map[int32]int64, error)
	newID    func() string
	told     func(job string, r admin.Run) // of runs that ended; may be nil
	gone     func(job, topic string)       // of topics that their jobs no longer have; may be nil
	idle     func()                        // no run is under way any more
	log      *slog.Logger
	status   admin.Status  // what does not change
	used     func() int64  // bytes of memory
	grace    time.Duration // for what a retry has staged when the next run is due
}

// A scheduledJob is a job and its runs. Only the loop of Run works with table, known, cut and waiting.
type scheduledJob struct {
	job     *config.Job
	table   timetable
	known   bool   // when it ran last; until then nothing is due
	cut     func() // ends the retry that is under way; nil: none is
	waiting *due   // a run that begins when that has ended

	// Guarded by the mutex of the Scheduler.
	next            time.Time
	since           time.Time // of the run that is under way; zero: none is
	last            *admin.Run
	commit          *admin.Commit
	success         time.Time
	again           *nextTry // what is tried again before the next run; nil: nothing is
	skipped, missed int64
	retries         int64
}

type request struct {
	job    string
	answer chan error
}

// An ending is a run that ended. A run that was told to stop before it began has neither a report nor an error.
type ending struct {
	job    *scheduledJob
	run    admin.Run
	due    due
	report *RunReport
	err    error
}

// NewScheduler makes a scheduler of the jobs of e. ended is told of each run that ended, and gone of each topic that its job no longer has;
// both may be nil. What runs of e tell of their topics, the scheduler hears.
func NewScheduler(e *Env, ended func(job string, r admin.Run), gone func(job, topic string)) (*Scheduler, error) {
	s, err := newScheduler(e.cfg.Jobs, schedulerParts{
		now: func() time.Time { return e.now().Round(0) }, // without the reading that a sleep of the machine leaves out
		run: e.Run, lastRuns: e.lastRuns, answers: e.reach, ends: e.source.Ends, newID: func() string { return e.newID(8) }, told: ended, gone: gone, idle: e.budget.Free, log: e.log,
		status: admin.Status{Build: e.writer.Build, Store: e.endpoint, Memory: admin.Memory{Limit: e.cfg.Memory}}, used: e.budget.Used, grace: e.grace,
	})
	if err != nil {
		return nil, err
	}
	e.progress = watchedProgress{e.progress, s}
	return s, nil
}

func newScheduler(list []*config.Job, parts schedulerParts) (*Scheduler, error) {
	s := &Scheduler{
		schedulerParts: parts, asked: make(chan request), ended: make(chan ending, len(list)), turns: make(chan struct{}, jobsAtOnce), over: make(chan struct{}),
		notReady: "it starts: asking Kafka which topics there are", topics: map[string]*watchedTopic{},
	}
	s.started = s.now()
	for _, j := range list {
		job := &scheduledJob{job: j, table: timetable{job: j.Name, catchUp: j.CatchUp, jitter: j.Jitter}}
		if j.Schedule != "" {
			schedule, err := ParseSchedule(j.Schedule, j.Timezone)
			if err != nil {
				return nil, usage(fmt.Errorf("job %s: %w", j.Name, err))
			}
			job.table.schedule = schedule
		}
		s.jobs = append(s.jobs, job)
	}
	return s, nil
}

// What RunNow answers when it starts nothing.
var (
	ErrNoJob    = admin.ErrNoJob
	ErrRunning  = admin.ErrRunning
	ErrStopping = errors.New("the process is about to end: no run is started")
)

// RunNow starts a run of a job, and does not wait for its end. It fails with ErrNoJob, ErrRunning or ErrStopping. It waits until Run is
// called.
func (s *Scheduler) RunNow(job string) error {
	r := request{job, make(chan error, 1)}
	select {
	case s.asked <- r:
		return <-r.answer
	case <-s.over:
		return ErrStopping
	}
}

// Run starts runs until ctx ends, and returns when the last of them has ended: they commit what they have staged, as long as hard allows.
// What runs end with is in the log and in Status; the error is not nil only where the fate of a commit is unknown at the end.
func (s *Scheduler) Run(ctx, hard context.Context) error {
	s.mu.Lock()
	s.notReady = "it starts: looking when the jobs ran last"
	s.mu.Unlock()
	var under sync.WaitGroup
	learned := make(chan []lastRun, 1)
	under.Go(func() { learned <- s.learn(ctx) })
	under.Go(func() { s.watchLag(ctx) })
	start := func(j *scheduledJob, d due) { s.start(ctx, hard, &under, j, d) }
	timer := time.NewTimer(reread)
	defer timer.Stop()
	for ctx.Err() == nil {
		s.tick(start) // whatever woke the loop: what happens often must not keep the clock from being read
		timer.Reset(s.untilNext())
		select {
		case <-ctx.Done():
		case list := <-learned:
			s.begin(list, start)
		case r := <-s.asked:
			r.answer <- s.startAsked(r.job, start)
		case e := <-s.ended:
			s.record(e)
		case <-timer.C:
		}
	}
	s.mu.Lock()
	s.notReady = "the process is about to end"
	s.mu.Unlock()
	close(s.over)
	under.Wait()
	unknown := false
	for len(s.ended) > 0 {
		e := <-s.ended
		s.record(e)
		unknown = unknown || e.leavesUnknown()
	}
	if unknown {
		return &codedError{ExitUnknown, errors.New("stopped while the fate of a commit was unknown: the next run finds out")}
	}
	return nil
}

// learnFor is how long the logs are read for when the jobs ran last: a store that is so slow shall not keep them from running.
const learnFor = 5 * time.Minute

// learn asks when the jobs ran last.
func (s *Scheduler) learn(ctx context.Context) []lastRun {
	bounded, cancel := context.WithTimeout(ctx, learnFor)
	defer cancel()
	list, err := s.lastRuns(bounded)
	if err != nil && ctx.Err() == nil {
		s.log.Warn("it is not known when all jobs ran last: those make up a run now", "error", err)
	}
	return list
}

// begin sets the timetables up by what was learned of the jobs.
func (s *Scheduler) begin(list []lastRun, start func(*scheduledJob, due)) {
	last := map[string][]lastRun{}
	s.mu.Lock()
	s.notReady = ""
	for _, l := range list {
		s.seen(l)
		last[l.job] = append(last[l.job], l)
	}
	for _, j := range s.jobs {
		l := lastOf(last[j.job.Name])
		j.committed(admin.Commit{Time: l.time, Run: l.run, Topic: l.topic})
	}
	s.mu.Unlock()
	now := s.now()
	for _, j := range s.jobs {
		j.known = true
		d, at := j.table.begin(s.started, now, last[j.job.Name]), lastOf(last[j.job.Name]).time
		s.plan(j)
		s.count(j, d)
		switch {
		case d.why != "":
			start(j, d)
		case !d.slot.IsZero() && d.missed == 0:
			s.log.Warn("a run was missed, and is too old to be made up", "job", j.job.Name, "due", d.slot, "last_commit", at, "catch_up", config.FormatDuration(j.job.CatchUp), "next", s.nextOf(j))
		default:
			s.log.Info("scheduled", "job", j.job.Name, "last_commit", at, "next", s.nextOf(j))
		}
	}
}

// tick starts what is due.
func (s *Scheduler) tick(start func(*scheduledJob, due)) {
	for len(s.ended) > 0 {
		s.record(<-s.ended) // what is over by now keeps nothing from beginning
	}
	now := s.now()
	s.mu.Lock()
	s.ticked = now
	s.mu.Unlock()
	for _, j := range s.jobs {
		if d := j.waiting; d != nil && j.since.IsZero() {
			j.waiting = nil
			start(j, *d)
		}
		if r := s.dueAgain(j, now); r != nil && (j.table.schedule == nil || now.Before(j.table.at)) {
			start(j, due{why: byRetry, topics: r.topics, retry: r})
		}
		if !j.known {
			continue
		}
		d := j.table.tick(now)
		if !d.slot.IsZero() {
			s.tryAgain(j, nil) // another run's time has come
		}
		s.plan(j)
		s.count(j, d)
		if d.why != "" {
			start(j, d)
		}
	}
}

// count counts the runs that were missed while the process was there.
func (s *Scheduler) count(j *scheduledJob, d due) {
	if d.missed == 0 {
		return
	}
	s.mu.Lock()
	j.missed += d.missed
	s.mu.Unlock()
	s.log.Warn("runs were missed, and are not made up", "job", j.job.Name, "missed", d.missed, "newest", d.slot, "next", s.nextOf(j))
}

func (s *Scheduler) startAsked(name string, start func(*scheduledJob, due)) error {
	for _, j := range s.jobs {
		if j.job.Name != name {
			continue
		}
		if !j.since.IsZero() {
			return ErrRunning
		}
		start(j, due{why: byRequest})
		return nil
	}
	return ErrNoJob
}

// start starts a run that is due, unless the one before is not over. A retry is ended for it.
func (s *Scheduler) start(ctx, hard context.Context, under *sync.WaitGroup, j *scheduledJob, d due) {
	if !j.since.IsZero() && j.cut != nil && j.waiting == nil {
		s.log.Info("a run is due: the retry of the one before is ended for it", "job", j.job.Name, "due", d.slot, "running_since", j.since)
		j.waiting = &d
		j.cut()
		return
	}
	if !j.since.IsZero() {
		s.mu.Lock()
		j.skipped++
		s.mu.Unlock()
		s.log.Warn("a run is due, and the one before is not over: it is left out", "job", j.job.Name, "due", d.slot, "running_since", j.since, "next", s.nextOf(j))
		return
	}
	r := admin.Run{ID: s.newID(), Why: d.why, Began: s.now()}
	release := func() {}
	if d.retry != nil {
		ctx, hard, j.cut, release = s.cuttable(ctx, hard)
	}
	s.mu.Lock()
	j.since, j.again = r.Began, nil
	if d.retry != nil {
		j.retries++
	}
	s.mu.Unlock()
	args := []any{"job", j.job.Name, "run", r.ID, "why", r.Why}
	if d.topics != nil {
		args = append(args, "topics", len(d.topics))
	}
	if !d.slot.IsZero() {
		args = append(args, "due", d.slot)
	}
	if d.retry != nil {
		args = append(args, "retry", d.retry.number, "of", j.job.Retry.Times)
	}
	s.log.Info("run begins", args...)
	under.Go(func() {
		defer release()
		e := ending{job: j, run: r, due: d}
		select {
		case s.turns <- struct{}{}:
			e.report, e.err = s.run(ctx, RunOptions{Selection: Selection{Jobs: []string{j.job.Name}, Topics: d.topics, Gone: d.topics != nil}, Hard: hard, ID: r.ID, Beside: true})
			<-s.turns
		case <-ctx.Done():
		}
		e.run.Ended = s.now()
		s.ended <- e
	})
}

// plan lets Status show when a job is due next.
func (s *Scheduler) plan(j *scheduledJob) {
	if j.next.Equal(j.table.at) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	j.next = j.table.at
}

// nextOf is when a job is due next, for the log.
func (s *Scheduler) nextOf(j *scheduledJob) string {
	if j.table.schedule == nil {
		return "when it is asked for"
	}
	return j.table.at.In(j.job.Timezone).Format(time.RFC3339)
}

// untilNext is how long the loop may sleep.
func (s *Scheduler) untilNext() time.Duration {
	now, wait := s.now(), reread
	for _, j := range s.jobs {
		if j.known && j.table.schedule != nil {
			wait = min(wait, j.table.at.Sub(now))
		}
		if j.again != nil {
			wait = min(wait, j.again.at.Sub(now))
		}
	}
	return max(wait, time.Millisecond)
}
