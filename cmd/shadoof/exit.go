package main

import (
	"errors"
	"fmt"
	"strings"

	"shadoof/jobs"
)

// Exit statuses of two signals: the process ended at once, as if the second had killed it.
const (
	exitInterrupted = 130 // a second SIGINT
	exitTerminated  = 143 // a second SIGTERM
)

// An exitStatus ends the process with a status and says nothing: the report has said it.
type exitStatus struct{ code int }

func (e *exitStatus) Error() string { return fmt.Sprintf("exit status %d", e.code) }

// status is the error for a report's exit status; nil for 0.
func status(code int) error {
	if code == jobs.ExitDone {
		return nil
	}
	return &exitStatus{code}
}

// A usageError is the caller's mistake: nothing was touched.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usage(err error) error { return &usageError{err} }

func usagef(format string, args ...any) error { return usage(fmt.Errorf(format, args...)) }

// exitCode is the one place where errors become exit statuses.
func exitCode(err error) int {
	var silent *exitStatus
	var wrong *usageError
	switch {
	case err == nil:
		return jobs.ExitDone
	case errors.As(err, &silent):
		return silent.code
	case errors.As(err, &wrong):
		return jobs.ExitUsage
	}
	return jobs.ExitCode(err)
}

// exitMeanings say what exit statuses mean, for help.
var exitMeanings = map[int]string{
	jobs.ExitDone:    "done",
	jobs.ExitFailed:  "failed; try again",
	jobs.ExitUsage:   "wrong usage or configuration; nothing was touched",
	jobs.ExitPartial: "partial: some topics or partitions are done, others failed; or committed and not yet all visible; try again",
	jobs.ExitHalted:  "halted: a person must decide",
	jobs.ExitUnknown: "stopped while the fate of a commit was unknown; the next run finds out: try again",
}

// An exitLine is what one status means for one command.
type exitLine struct {
	code    int
	meaning string // the usual one when empty
}

// exits writes the EXIT STATUS section of a command.
func exits(lines ...exitLine) map[string]string {
	var b strings.Builder
	for _, l := range lines {
		m := l.meaning
		if m == "" {
			m = exitMeanings[l.code]
		}
		fmt.Fprintf(&b, "  %d  %s\n", l.code, m)
	}
	return map[string]string{exitAnnotation: b.String()}
}

// ordinaryExits are those of a command that either works or does not.
func ordinaryExits() map[string]string {
	return exits(exitLine{jobs.ExitDone, ""}, exitLine{jobs.ExitFailed, ""}, exitLine{jobs.ExitUsage, ""},
		exitLine{jobs.ExitHalted, "a commit log is damaged or the store is unfit: a person must look"})
}
