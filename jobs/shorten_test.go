package jobs

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shadoof/storage"
)

func TestAttemptsBecomeShorterWhileTheyFail(t *testing.T) {
	t.Parallel()
	const most = 64 << 20
	var s shortening
	now, gone := time.Unix(1000, 0), fmt.Errorf("write: %w", storage.ErrAway)
	var got []int64
	for _, read := range []int64{40 << 20, 20 << 20, 3 << 20, 100, 0} {
		if !s.failed(now, read, gone) {
			t.Errorf("no other try after %d", s.tries)
		}
		got = append(got, s.most(most)>>20)
	}
	for s.most(most) < most {
		s.succeeded(most)
		got = append(got, s.most(most)>>20)
	}
	if diff := cmp.Diff([]int64{20, 10, 1, 1, 1, 2, 4, 8, 16, 32, 64}, got); diff != "" {
		t.Errorf("MiB of the attempts: -want +got\n%s", diff)
	}
	if got := s.most(4096); got != 4096 {
		t.Errorf("an attempt may read %d", got)
	}
}

func TestHowOftenStagingIsTried(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err  error
		each time.Duration
		want int
	}{
		"what may not pass":         {errors.New("quota"), time.Second, stageTries},
		"a store that is away":      {storage.ErrAway, time.Second, awayTries},
		"one that is away for long": {storage.ErrAway, time.Minute, stageTries},
		"one that soon is":          {storage.ErrAway, 25 * time.Second, 6},
	} {
		var s shortening
		now := time.Unix(1000, 0)
		for s.failed(now, 0, c.err) {
			now = now.Add(c.each)
		}
		if s.tries != c.want {
			t.Errorf("%s: tried %d times, want %d", name, s.tries, c.want)
		}
		s.succeeded(1)
		if !s.failed(now, 0, c.err) {
			t.Errorf("%s: a success begins no new count", name)
		}
	}
}
