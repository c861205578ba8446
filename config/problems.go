package config

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A Problem is one thing that is wrong with a document.
type Problem struct {
	File    string `json:"file"`
	Line    int    `json:"line"`   // from 1; 0 when it concerns the whole document
	Column  int    `json:"column"` // from 1; 0 when unknown
	Path    string `json:"path"`   // of the key: jobs[0].output.format; "" for the document
	Message string `json:"message"`
}

func (p Problem) String() string {
	s := p.File
	if p.Line > 0 {
		s += ":" + strconv.Itoa(p.Line)
		if p.Column > 0 {
			s += ":" + strconv.Itoa(p.Column)
		}
	}
	s += ": "
	if p.Path != "" {
		s += p.Path + ": "
	}
	return s + p.Message
}

// Problems is all that is wrong with a document, in the order of its lines. It is the error of [Parse].
type Problems []Problem

func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// at is where in a document something stands.
type at struct {
	line, column int
	path         string
}

func (d *document) report(w at, format string, args ...any) {
	d.problems = append(d.problems, Problem{File: d.name, Line: w.line, Column: w.column, Path: w.path, Message: fmt.Sprintf(format, args...)})
}

// sorted returns the problems by line, one for each place: a problem under defaults shows up in every job, and what is wrong with a
// value makes more of it wrong.
func (d *document) sorted() Problems {
	ps := slices.Clone(d.problems)
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Path, b.Path))
	})
	return slices.CompactFunc(ps, func(a, b Problem) bool {
		return a.Line == b.Line && a.Column == b.Column && a.Path == b.Path
	})
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// syntax reports an error of the YAML parser, which tells its line in its text.
func (d *document) syntax(err error) {
	text := err.Error()
	var w at
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		w.line, _ = strconv.Atoi(m[1])
		text = text[len(m[0]):]
	}
	d.report(w, "not YAML: %s", text)
}
