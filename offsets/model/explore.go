package model

import (
	"fmt"
	"hash/maphash"
	"slices"
)

// A Result is the outcome of a search.
type Result struct {
	States    int
	Depth     int
	Complete  bool
	Violation string   // the invariant that was broken, or ""
	Trace     []string // a shortest way to the violation
}

func (r Result) String() string {
	switch {
	case r.Violation != "":
		return fmt.Sprintf("violation after %d states, %d steps", r.States, len(r.Trace))
	case r.Complete:
		return fmt.Sprintf("no violation, complete, %d states, depth %d", r.States, r.Depth)
	}
	return fmt.Sprintf("no violation, INCOMPLETE, %d states, all to depth %d", r.States, r.Depth-1)
}

// Explore visits every state of a configuration, nearest first, with a rule broken if fault is not "". It stops at the first
// violation, or after limit states, of about 100 bytes each.
func Explore(config, fault string, limit int) (Result, error) {
	m, err := newModel(config)
	if err != nil {
		return Result{}, err
	}
	if fault != "" {
		if err := m.inject(fault); err != nil {
			return Result{}, err
		}
	}
	return m.explore(limit), nil
}

// A node is a state and how the search came to it.
type node struct {
	state  state
	parent uint32
	by     step
}

const chunkBits = 16

// A graph holds the nodes in the order they were found, and finds a state among them.
type graph struct {
	chunks [][]node
	n      int
	table  []uint32 // open addressing, node number + 1
	seed   maphash.Seed
}

func newGraph() *graph { return &graph{table: make([]uint32, 1<<20), seed: maphash.MakeSeed()} }

func (g *graph) at(i int) *node { return &g.chunks[i>>chunkBits][i&(1<<chunkBits-1)] }

// add returns false if the state is known.
func (g *graph) add(n node) bool {
	i := g.slot(&n.state)
	if g.table[i] != 0 {
		return false
	}
	if g.n>>chunkBits == len(g.chunks) {
		g.chunks = append(g.chunks, make([]node, 1<<chunkBits))
	}
	*g.at(g.n) = n
	g.n++
	g.table[i] = uint32(g.n)
	if g.n*3 > len(g.table)*2 {
		g.grow()
	}
	return true
}

func (g *graph) slot(s *state) int {
	mask := len(g.table) - 1
	i := int(maphash.Comparable(g.seed, *s)) & mask
	for g.table[i] != 0 && g.at(int(g.table[i]-1)).state != *s {
		i = (i + 1) & mask
	}
	return i
}

func (g *graph) grow() {
	g.table = make([]uint32, 2*len(g.table))
	mask := len(g.table) - 1
	for n := range g.n {
		i := int(maphash.Comparable(g.seed, g.at(n).state)) & mask
		for g.table[i] != 0 {
			i = (i + 1) & mask
		}
		g.table[i] = uint32(n + 1)
	}
}

func (m *model) explore(limit int) Result {
	g := newGraph()
	g.add(node{})
	var r Result
	levelEnd := 1
	for i := 0; i < g.n; i++ {
		if i == levelEnd {
			r.Depth++
			levelEnd = g.n
		}
		s := g.at(i).state
		if r.Violation = m.violation(&s); r.Violation != "" {
			r.States, r.Trace = g.n, g.trace(i)
			return r
		}
		if g.n >= limit {
			r.States = g.n
			return r
		}
		m.successors(&s, func(by step, t state) {
			if !m.plain {
				m.canonical(&t)
			}
			g.add(node{t, uint32(i), by})
		})
	}
	r.States, r.Complete = g.n, true
	return r
}

func (g *graph) trace(i int) []string {
	var t []string
	for ; i != 0; i = int(g.at(i).parent) {
		t = append(t, g.at(i).by.String())
	}
	slices.Reverse(t)
	return t
}
