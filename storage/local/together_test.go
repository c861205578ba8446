package local

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

// slow is a disk whose fsyncs of a directory are counted.
type slow struct {
	disk
	begun, ended, atOnce atomic.Int64
	overlapped           atomic.Bool
}

func (s *slow) SyncDir(string) error {
	n := s.begun.Add(1)
	if s.atOnce.Add(1) > 1 {
		s.overlapped.Store(true)
	}
	for range 100 {
		runtime.Gosched()
	}
	s.atOnce.Add(-1)
	s.ended.Store(n)
	return nil
}

// TestAnFsyncIsSharedByThoseWhoCameBeforeIt: whoever asks for one is answered after one that began later.
func TestAnFsyncIsSharedByThoseWhoCameBeforeIt(t *testing.T) {
	t.Parallel()
	d := &slow{}
	s, err := open(t.TempDir(), d)
	if err != nil {
		t.Fatal(err)
	}
	const callers, calls = 16, 50
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for range calls {
				before := d.begun.Load()
				if err := s.syncTogether("x"); err != nil {
					t.Error(err)
				}
				if ended := d.ended.Load(); ended <= before {
					t.Errorf("answered after fsync %d, when %d had begun before", ended, before)
				}
			}
		})
	}
	wg.Wait()
	if d.overlapped.Load() {
		t.Error("two at once")
	}
	if n := d.begun.Load(); n >= callers*calls {
		t.Errorf("%d fsyncs for as many callers: none was shared", n)
	}
	if len(s.syncs) > 0 {
		t.Errorf("%d are still remembered", len(s.syncs))
	}
}
