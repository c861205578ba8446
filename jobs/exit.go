package jobs

import (
	"errors"

	"shadoof/offsets"
	"shadoof/storage"
)

// Exit codes: what a scheduler should do next. docs/operations.md explains each.
const (
	ExitDone    = 0 // nothing to do for anybody
	ExitFailed  = 1 // failed, nothing new was committed: try again
	ExitUsage   = 2 // wrong usage or configuration: fix it
	ExitPartial = 3 // some done, others failed, or committed and not yet all visible: try again
	ExitHalted  = 4 // a person must decide
	ExitUnknown = 5 // stopped while the fate of a commit was unknown: the next run finds out
)

// A codedError is an error that decides the exit code.
type codedError struct {
	code int
	err  error
}

func (e *codedError) Error() string { return e.err.Error() }
func (e *codedError) Unwrap() error { return e.err }

// halt marks an error that a person must decide on.
func halt(err error) error { return &codedError{ExitHalted, err} }

// usage marks an error of the configuration or the command line.
func usage(err error) error { return &codedError{ExitUsage, err} }

// partial marks an error after something was committed.
func partial(err error) error { return &codedError{ExitPartial, err} }

// ExitCode is the exit status for an error.
func ExitCode(err error) int {
	var c *codedError
	switch {
	case err == nil:
		return ExitDone
	case errors.Is(err, offsets.ErrUnresolved):
		return ExitUnknown
	case errors.As(err, &c):
		return c.code
	case errors.Is(err, offsets.ErrDamaged), errors.Is(err, storage.ErrUnfit):
		return ExitHalted
	}
	return ExitFailed
}

// severity orders exit codes: when several hold, the one to the left wins.
var severity = []int{ExitUsage, ExitHalted, ExitUnknown, ExitPartial, ExitFailed, ExitDone}

// worst is the exit code that stands for all of them.
func worst(codes ...int) int {
	for _, c := range severity {
		for _, have := range codes {
			if have == c {
				return c
			}
		}
	}
	return ExitDone
}
