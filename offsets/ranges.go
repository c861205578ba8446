package offsets

import (
	"fmt"
	"slices"
	"sort"
)

// String is the range as people read it.
func (r Range) String() string { return fmt.Sprintf("[%d,%d)", r.From, r.To) }

// IsEmpty says that the range holds no offset.
func (r Range) IsEmpty() bool { return r.To <= r.From }

// A set of ranges is ascending, and no two of its ranges touch. Its slices are shared between states: the functions below never
// change one, they return another.

// overlapping returns the half open interval of indices in set whose ranges share an offset with r.
func overlapping(set []Range, r Range) (i, j int) {
	i = sort.Search(len(set), func(k int) bool { return set[k].To > r.From })
	j = sort.Search(len(set), func(k int) bool { return set[k].From >= r.To })
	return i, max(i, j)
}

// overlaps says whether an offset of r is in set.
func overlaps(set []Range, r Range) bool {
	i, j := overlapping(set, r)
	return !r.IsEmpty() && i < j
}

// covers says whether all offsets of r are in set.
func covers(set []Range, r Range) bool {
	if r.IsEmpty() {
		return true
	}
	i, j := overlapping(set, r)
	return j == i+1 && set[i].From <= r.From && r.To <= set[i].To
}

// union returns set with the offsets of r.
func union(set []Range, r Range) []Range {
	if r.IsEmpty() {
		return set
	}
	// Ranges that touch r are merged with it, so one offset more on either side counts.
	i := sort.Search(len(set), func(k int) bool { return set[k].To >= r.From })
	j := sort.Search(len(set), func(k int) bool { return set[k].From > r.To })
	if i < j {
		r = Range{min(r.From, set[i].From), max(r.To, set[j-1].To)}
	}
	return slices.Concat(set[:i], []Range{r}, set[max(i, j):])
}

// minus returns the parts of r that are not in set.
func minus(r Range, set []Range) []Range {
	var out []Range
	i, j := overlapping(set, r)
	for _, c := range set[i:j] {
		if c.From > r.From {
			out = append(out, Range{r.From, c.From})
		}
		r.From = max(r.From, c.To)
	}
	if !r.IsEmpty() {
		out = append(out, r)
	}
	return out
}

// isSet says whether ranges are a set.
func isSet(ranges []Range) bool {
	for i, r := range ranges {
		if r.IsEmpty() || r.From < 0 || i > 0 && ranges[i-1].To >= r.From {
			return false
		}
	}
	return true
}
