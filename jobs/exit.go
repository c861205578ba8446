package jobs

import (
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

// ExitCode is the exit status for an error: the worst of all that it joins and wraps.
func ExitCode(err error) int {
	if err == nil {
		return ExitDone
	}
	return worst(append(codesOf(err), ExitFailed)...)
}

// codesOf collects the exit codes that an error and everything in it ask for.
func codesOf(err error) (codes []int) {
	switch err {
	case nil:
		return nil
	case offsets.ErrUnresolved:
		return []int{ExitUnknown}
	case offsets.ErrDamaged, storage.ErrUnfit:
		return []int{ExitHalted}
	}
	if c, ok := err.(*codedError); ok {
		codes = append(codes, c.code)
	}
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		codes = append(codes, codesOf(e.Unwrap())...)
	case interface{ Unwrap() []error }:
		for _, in := range e.Unwrap() {
			codes = append(codes, codesOf(in)...)
		}
	}
	return codes
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
