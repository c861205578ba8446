package evolve

import (
	"errors"
	"fmt"
	"strings"

	"shadoof/record"
)

// A ConflictError is the error of [Union]. It has all conflicts, and unwraps to them.
type ConflictError struct{ Conflicts []*record.MisfitError }

// shownConflicts are so many that a line of a log can take them.
const shownConflicts = 5

func (e *ConflictError) Error() string {
	parts := make([]string, 0, shownConflicts+1)
	for i, c := range e.Conflicts {
		if i == shownConflicts {
			parts = append(parts, fmt.Sprintf("and %d fields more", len(e.Conflicts)-i))
			break
		}
		parts = append(parts, c.Error())
	}
	return strings.Join(parts, "; ")
}

// Unwrap are the conflicts, each a *record.MisfitError.
func (e *ConflictError) Unwrap() []error {
	errs := make([]error, len(e.Conflicts))
	for i, c := range e.Conflicts {
		errs[i] = c
	}
	return errs
}

var _ interface{ Unwrap() []error } = (*ConflictError)(nil)

// conflict says why two types have no other that holds both.
func conflict(path string, old, new *record.Type) *record.MisfitError {
	detail := fmt.Sprintf("it is %s in the rows so far, and %s in the new schema", record.TypeName(*old), record.TypeName(*new))
	if why := reason(old, new); why != nil {
		detail += ": " + why.Error()
	}
	return &record.MisfitError{Path: path, Detail: detail}
}

// Reasons that are not plain to see.
var (
	errInexact = errors.New("a double does not hold every int64")
	errDigits  = fmt.Errorf("both together need more than %d digits", widest)
	errTime    = errors.New("the same number means another time in each")
	errMeaning = errors.New("one is a time, the other a plain number")
	errText    = errors.New("the text would have to be written as JSON")
	errShape   = errors.New("a column of one value is no column of a union")
)

func reason(old, new *record.Type) error {
	either := func(is func(k record.Kind) bool) bool { return is(old.Kind) || is(new.Kind) }
	kind := func(want record.Kind) func(record.Kind) bool { return func(k record.Kind) bool { return k == want } }
	switch {
	case old.Union != new.Union:
		return errShape
	case old.Kind == record.Decimal && new.Kind == record.Decimal:
		return errDigits
	case isTime(old.Kind) && isTime(new.Kind):
		return errTime
	case either(isTime) && (either(kind(record.Int32)) || either(kind(record.Int64))):
		return errMeaning
	case either(kind(record.Int64)) && (either(kind(record.Float)) || either(kind(record.Double))):
		return errInexact
	case either(kind(record.JSON)) && either(isText):
		return errText
	}
	return nil
}

func isTime(k record.Kind) bool {
	switch k {
	case record.Date, record.TimeMillis, record.TimeMicros, record.TimestampMillis, record.TimestampMicros, record.TimestampNanos,
		record.LocalMillis, record.LocalMicros, record.LocalNanos:
		return true
	}
	return false
}
