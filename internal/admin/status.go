// Package admin is what people and machines see of a process: metrics, health, a status page, and the few actions that may be asked for
// over HTTP. It knows nothing of Kafka or of stores: who serves hands it what there is to show.
package admin

import "time"

// A Status is a moment of the process. It is made without asking Kafka or the store, so it is there when they are not.
type Status struct {
	Build    string    `json:"build"`
	Store    string    `json:"store"` // URL, without secrets
	Started  time.Time `json:"started"`
	Now      time.Time `json:"now"`
	Ticked   time.Time `json:"ticked,omitzero"`     // when the loop that starts runs last went round; zero: there is none
	NotReady string    `json:"not_ready,omitempty"` // why the process does not do its work; "": it does
	Memory   Memory    `json:"memory"`
	Jobs     []Job     `json:"jobs"`   // in the order of the configuration
	Topics   []Topic   `json:"topics"` // by name
}

// Memory is what is counted of the process's memory, in bytes.
type Memory struct {
	Limit int64 `json:"limit"` // `memory` of the configuration
	Used  int64 `json:"used"`  // fetch buffers, rows, pages and upload tails
}

// A Job is a job and its runs.
type Job struct {
	Name     string    `json:"name"`
	Schedule string    `json:"schedule"` // "": it runs only when it is asked to
	Timezone string    `json:"timezone"`
	Next     time.Time `json:"next,omitzero"`    // its next run, jitter included; zero: none is planned
	Since    time.Time `json:"since,omitzero"`   // the run that is under way began then; zero: none is
	Last     *Run      `json:"last,omitempty"`   // that ended in this process; nil: none did
	Commit   *Commit   `json:"commit,omitempty"` // the newest to a topic of the job that is known; nil: none is
	Success  time.Time `json:"success,omitzero"` // when a run of this process last ended as done; zero: none did
	Retry    *Retry    `json:"retry,omitempty"`  // of what the last run failed at; nil: none is planned
	Retries  int64     `json:"retries"`          // runs that tried again what one before had failed at, since the process began
	Skipped  int64     `json:"skipped"`          // runs that were due while the one before was not over, since the process began
	Missed   int64     `json:"missed"`           // runs that were due since the process began, that it did not see in time, and that were not made up
}

// A Retry is a run that tries again what the one before failed at, before the job's next run.
type Retry struct {
	At     time.Time `json:"at"`
	Number int       `json:"number"` // from 1
	Of     int       `json:"of"`     // so many at most
	Topics int       `json:"topics"` // that are tried again; 0: all of the job
}

// A Commit is the newest one to the topics of a job: by a run of this process, or by whoever made it before the process began. It does not
// say how that run ended, nor that no run came after it: one that finds nothing commits nothing.
type Commit struct {
	Time  time.Time `json:"time"`
	Run   string    `json:"run"`
	Topic string    `json:"topic"`
}

// A Run is a run that ended.
type Run struct {
	ID          string    `json:"id"`
	Why         string    `json:"why"` // schedule, catch_up, asked, retry
	Began       time.Time `json:"began"`
	Ended       time.Time `json:"ended"`
	Outcome     string    `json:"outcome"` // see Outcomes
	Exit        int       `json:"exit"`    // the status that `shadoof run` would have had
	Topics      int       `json:"topics"`
	Rows        int64     `json:"rows"`
	Quarantined int64     `json:"quarantined"`
	Files       int64     `json:"files"`
	Bytes       int64     `json:"bytes"`
	Commits     int64     `json:"commits"`
	Error       string    `json:"error,omitempty"`
}

// Took is how long the run was under way, by the clock on the wall: 0 where that was put back meanwhile by more.
func (r Run) Took() time.Duration { return max(0, r.Ended.Sub(r.Began)) }

// Outcomes are what a run can end with: a closed set, in the order of exit statuses 0 to 5.
var Outcomes = []string{"done", "failed", "usage", "partial", "halted", "unknown"}

// A Topic is where a topic stands, as far as this process knows.
type Topic struct {
	Name        string    `json:"name"`
	Job         string    `json:"job"`
	Version     int64     `json:"version"`            // of its log; 0: nothing was committed
	Committed   time.Time `json:"committed,omitzero"` // when its newest commit was made; zero: not known, as after one of another process
	Lag         int64     `json:"lag"`                // offsets between the committed and the last readable ones; -1: not known
	LagSeconds  float64   `json:"lag_seconds"`        // age of the newest committed record while there is a lag, else 0; -1: not known
	Unpublished int       `json:"unpublished"`        // versions whose files are not all visible yet
	Problem     string    `json:"problem,omitempty"`  // what is wrong, of the last run
	Halted      bool      `json:"halted"`             // a person must decide
	Advice      string    `json:"advice,omitempty"`   // what to do next
}
