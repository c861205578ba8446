package storage

import (
	"fmt"
	"io/fs"
	"strings"
	"unicode/utf8"
)

const (
	// StagedSuffix ends the name of every staged file, and of no object: by their names alone, staged files stay out of listings
	// on stores that keep them in the same tree.
	StagedSuffix = ".staged"

	// TemporaryPrefix begins the last element of names that stores give to files while they write them. Nobody else uses it, and
	// no listing shows it.
	TemporaryPrefix = ".tmp-"

	// MaxName and MaxElement are the longest name and the longest element between two slashes, in bytes. S3 allows keys of 1024
	// bytes, of which the root takes a part; file systems allow elements of 255, of which a temporary name takes a part.
	MaxName    = 900
	MaxElement = 255
)

// CheckName says whether an object can have this name on every kind of store. Its error wraps [fs.ErrInvalid].
func CheckName(name string) error {
	if err := checkPath(name); err != nil {
		return err
	}
	if strings.HasSuffix(name, StagedSuffix) {
		return &nameError{name, "ends in " + StagedSuffix + ", which only staged files do"}
	}
	return nil
}

// CheckStaging says whether a staged file can be kept under this name. Its error wraps [fs.ErrInvalid].
func CheckStaging(name string) error {
	if err := checkPath(name); err != nil {
		return err
	}
	if !strings.HasSuffix(name, StagedSuffix) {
		return &nameError{name, "does not end in " + StagedSuffix + ", as a staged file must"}
	}
	return nil
}

// CheckQuery says whether a store can answer this query. Its error wraps [fs.ErrInvalid].
func CheckQuery(q Query) error {
	if q.Shallow && q.Prefix != "" && !strings.HasSuffix(q.Prefix, "/") {
		return &nameError{q.Prefix, "is no prefix for a shallow listing, which ends in a slash"}
	}
	if q.Shallow && q.Staged {
		return &nameError{q.Prefix, "cannot be listed as staged and shallow at once"}
	}
	return nil
}

// IsHidden says whether listings of objects leave this name out: it belongs to a staged or a temporary file.
func IsHidden(name string) bool {
	last := name[strings.LastIndexByte(name, '/')+1:]
	return strings.HasPrefix(last, TemporaryPrefix) || strings.HasSuffix(name, StagedSuffix)
}

func checkPath(name string) error {
	switch {
	case name == "":
		return &nameError{name, "is empty"}
	case len(name) > MaxName:
		return &nameError{name, fmt.Sprintf("has %d bytes, more than %d", len(name), MaxName)}
	case !utf8.ValidString(name):
		return &nameError{name, "is not valid UTF-8"}
	}
	for _, r := range name {
		// Such a character cannot stand in the XML of an S3 listing, and breaks tools that work line by line.
		if r < 0x20 || r == 0x7f || r == 0xfffe || r == 0xffff {
			return &nameError{name, fmt.Sprintf("holds the control character %U", r)}
		}
	}
	last := ""
	for element := range strings.SplitSeq(name, "/") {
		switch {
		case element == "":
			return &nameError{name, "starts or ends with a slash, or has two in a row"}
		case element == "." || element == "..":
			return &nameError{name, fmt.Sprintf("has the element %q", element)}
		case len(element) > MaxElement:
			return &nameError{name, fmt.Sprintf("has an element of %d bytes, more than %d", len(element), MaxElement)}
		}
		last = element
	}
	if strings.HasPrefix(last, TemporaryPrefix) {
		return &nameError{name, "has a last element that starts with " + TemporaryPrefix + ", which is kept for temporary files"}
	}
	return nil
}

type nameError struct{ name, why string }

func (e *nameError) Error() string { return fmt.Sprintf("name %q %s", e.name, e.why) }
func (e *nameError) Unwrap() error { return fs.ErrInvalid }
