package admin

import (
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"
)

func TestHealthIsThatTheLoopGoesRound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var now Status
		s := &Server{o: Options{Status: func() Status { return now }}}
		health := func() int {
			w := httptest.NewRecorder()
			s.healthz(w, nil)
			return w.Code
		}
		for _, c := range []struct {
			after  time.Duration
			ticked time.Time
			want   int
		}{
			{0, noon, 200},
			{time.Minute, noon, 200},
			{time.Minute, noon, 200},
			{time.Second, noon, 503},
			{time.Second, noon.Add(time.Second), 200},
			{time.Hour, noon.Add(time.Minute), 200}, // nobody asked for long
			{time.Second, noon.Add(-24 * time.Hour), 200},
			{time.Second, noon.Add(300 * 24 * time.Hour), 200}, // the clock on the wall was set
			{3 * time.Minute, noon.Add(300 * 24 * time.Hour), 503},
			{time.Second, time.Time{}, 200}, // there is no loop
			{time.Hour, time.Time{}, 200},
		} {
			time.Sleep(c.after)
			now.Ticked = c.ticked
			if got := health(); got != c.want {
				t.Errorf("%s later, ticked at %s: %d, want %d", c.after, c.ticked, got, c.want)
			}
		}
	})
}
