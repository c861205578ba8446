package model

import "fmt"

// A model is a configuration: bounds, what can happen, and which rule is broken.
type model struct {
	bounds
	events
	fault
	plain bool // visit every state, do not merge any
}

type bounds struct {
	slots, attempts, processes int
	files                      int   // of one bundle
	partitions                 int   // one bundle each; with more than one, files is 1
	start, end                 uint8 // offsets: forward commits take [start, end), fills [0, start)
}

type events struct {
	fills, replaces, repairs, drops bool
	gc                              bool
	aborts                          bool // something outside the protocol takes tokens away
	misjudge                        bool // a file is held for lost while a token of it still works
	phantoms                        bool // the store shows a record before it is durable, and may lose it again
	exclusive                       bool // stricter repair: old tokens are discarded first, the record names which repair it follows
}

var everything = events{fills: true, replaces: true, repairs: true, drops: true, gc: true, aborts: true, misjudge: true, phantoms: true}

type config struct {
	name, about string
	size        size
	bounds      bounds
	events      events
}

// A size says when a configuration is explored.
type size int

const (
	short  size = iota // always: under a second
	normal             // unless tests are to be short: a few seconds
	long               // when asked for: up to minutes, and gigabytes
)

var configs = []config{
	{"small", "three attempts, four records, everything can happen", short,
		bounds{slots: 4, attempts: 3, processes: 2, files: 1, partitions: 1, start: 1, end: 2}, everything},
	{"exclusive", "repairs as they are: never two usable tokens for one key, no object changes a byte", normal,
		bounds{slots: 6, attempts: 4, processes: 2, files: 1, partitions: 1, start: 0, end: 1},
		everything.but(func(e *events) { e.fills, e.exclusive = false, true })},
	{"long", "three attempts, six records (they can make no more), two forward ranges", normal,
		bounds{slots: 6, attempts: 3, processes: 2, files: 1, partitions: 1, start: 1, end: 3}, everything},
	{"forward", "four attempts race for two forward ranges and a fill; no replace, drop or repair", normal,
		bounds{slots: 5, attempts: 4, processes: 2, files: 1, partitions: 1, start: 1, end: 3},
		events{fills: true, gc: true, aborts: true, phantoms: true}},
	{"files", "two files per bundle, so that publishing and removing can stop half way", normal,
		bounds{slots: 5, attempts: 3, processes: 2, files: 2, partitions: 1, start: 0, end: 1},
		everything.but(func(e *events) { e.fills = false })},
	{"partitions", "two partitions, a bundle each: a commit may lose one of its bundles and go on", long,
		bounds{slots: 4, attempts: 3, processes: 2, files: 1, partitions: 2, start: 0, end: 1},
		everything.but(func(e *events) { e.fills = false })},
	{"default", "one file per bundle, four attempts, five records, everything can happen", long,
		bounds{slots: 5, attempts: 4, processes: 2, files: 1, partitions: 1, start: 1, end: 2}, everything},
	{"six", "as default, six records", long,
		bounds{slots: 6, attempts: 4, processes: 2, files: 1, partitions: 1, start: 1, end: 2}, everything},
	{"large-files", "as files, seven records", long,
		bounds{slots: 7, attempts: 3, processes: 2, files: 2, partitions: 1, start: 0, end: 1},
		everything.but(func(e *events) { e.fills = false })},
	{"large-partitions", "as partitions, five records", long,
		bounds{slots: 5, attempts: 3, processes: 2, files: 1, partitions: 2, start: 0, end: 1},
		everything.but(func(e *events) { e.fills = false })},
}

func (e events) but(change func(*events)) events {
	change(&e)
	return e
}

func newModel(name string) (*model, error) {
	for _, c := range configs {
		if c.name == name {
			return &model{bounds: c.bounds, events: c.events}, nil
		}
	}
	return nil, fmt.Errorf("unknown configuration %q", name)
}
