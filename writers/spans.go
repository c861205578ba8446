package writers

import (
	"cmp"
	"slices"
)

// spans grow with each row. Rows of one partition mostly follow each other.
type spans struct {
	list  []Span
	last  int           // of list
	index map[int32]int // by partition, once there are many
}

const manySpans = 16

func (s *spans) add(partition int32, offset int64) {
	if s.last >= len(s.list) || s.list[s.last].Partition != partition {
		s.last = s.find(partition, offset)
	}
	span := &s.list[s.last]
	span.First = min(span.First, offset)
	span.Last = max(span.Last, offset)
	span.Rows++
}

// find returns the partition's place in the list, a new one if it had none.
func (s *spans) find(partition int32, offset int64) int {
	if s.index == nil {
		for i := range s.list {
			if s.list[i].Partition == partition {
				return i
			}
		}
	} else if i, ok := s.index[partition]; ok {
		return i
	}
	s.list = append(s.list, Span{Partition: partition, First: offset, Last: offset})
	i := len(s.list) - 1
	if s.index == nil && len(s.list) > manySpans {
		s.index = make(map[int32]int, 2*len(s.list))
		for i := range s.list {
			s.index[s.list[i].Partition] = i
		}
	}
	if s.index != nil {
		s.index[partition] = i
	}
	return i
}

// first is the least offset of all partitions.
func (s *spans) first() int64 {
	least := s.list[0].First
	for _, span := range s.list[1:] {
		least = min(least, span.First)
	}
	return least
}

// sorted returns the spans by partition.
func (s *spans) sorted() []Span {
	list := slices.Clone(s.list)
	slices.SortFunc(list, func(a, b Span) int { return cmp.Compare(a.Partition, b.Partition) })
	return list
}
