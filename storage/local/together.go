package local

// A syncing is an fsync of a directory that somebody is about to ask for, or has asked for.
type syncing struct {
	done chan struct{}
	err  error // once it is done
	next *syncing
}

// syncTogether makes the names in a directory durable. Of those who come while that is under way, which may have begun before their change,
// one asks for the next fsync, and the others wait for that.
func (s *Store) syncTogether(dir string) error {
	s.mu.Lock()
	now := s.syncs[dir]
	if now != nil && now.next != nil {
		s.mu.Unlock()
		<-now.next.done
		return now.next.err
	}
	mine := &syncing{done: make(chan struct{})}
	if now != nil {
		now.next = mine
		s.mu.Unlock()
		<-now.done
		s.mu.Lock()
	}
	s.syncs[dir] = mine
	s.mu.Unlock()

	mine.err = s.files.SyncDir(dir)

	s.mu.Lock()
	if mine.next == nil {
		delete(s.syncs, dir)
	}
	s.mu.Unlock()
	close(mine.done)
	return mine.err
}
