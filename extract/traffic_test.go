package extract

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"shadoof/internal/kafkatest"
)

// tally counts calls by broker and what they were about.
type tally struct {
	mu    sync.Mutex
	calls map[string]int
	bytes map[string]int
	took  time.Duration
}

func (t *tally) note(broker, what string, bytes int, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err != nil {
		what += " failed"
	}
	t.calls[broker+" "+what]++
	t.bytes[what] += bytes
}

func (t *tally) Connected(b string, err error)        { t.note(b, "connect", 0, err) }
func (t *tally) Written(b string, n int, err error)   { t.note(b, "write", n, err) }
func (t *tally) Read(b string, n int, err error)      { t.note(b, "read", n, err) }
func (t *tally) Throttled(b string, _ time.Duration)  { t.note(b, "throttle", 0, nil) }
func (t *tally) Answered(b string, d time.Duration)   { t.note(b, "answer", 0, nil); t.took += d }
func (t *tally) count(what string) (n int, by string) { return t.calls[what], fmt.Sprint(t.calls) }

func TestTrafficIsTold(t *testing.T) {
	t.Parallel()
	c := startCluster(t, kafkatest.Options{Topics: map[string]int{"a": 1}})
	produce(t, c, "a", numbered("x", 100)...)
	told := &tally{calls: map[string]int{}, bytes: map[string]int{}}
	var dials atomic.Int32
	k := openKafka(t, c, func(o *Options) {
		o.Traffic = told
		o.Dialer = func(ctx context.Context, network, address string) (net.Conn, error) {
			if dials.Add(1) == 1 {
				return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
			}
			return (&net.Dialer{}).DialContext(ctx, network, address)
		}
	})
	for b, err := range k.Read(t.Context(), ReadRequest{Topic: "a", Ranges: []Range{{Partition: 0, First: 0, Next: 100}}}) {
		if err != nil {
			t.Fatal(b, err)
		}
	}
	k.Close()
	told.mu.Lock()
	defer told.mu.Unlock()
	for _, what := range []string{"seed_0 connect failed", "seed_0 connect", "0 connect", "0 write", "0 read", "0 answer"} {
		if n, all := told.count(what); n == 0 {
			t.Errorf("no %s among %s", what, all)
		}
	}
	if told.bytes["write"] == 0 || told.bytes["read"] < 100 || told.took <= 0 {
		t.Errorf("bytes %v, answers took %s", told.bytes, told.took)
	}
	for what := range told.calls {
		if broker, _, _ := strings.Cut(what, " "); broker != "seed_0" && broker != "0" {
			t.Errorf("told of %s", what)
		}
	}
}
