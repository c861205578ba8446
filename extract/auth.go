package extract

import (
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// authWatch counts connections that brokers closed in the middle of an authentication. Some say no in this way only, and all that
// the request sees is an EOF.
type authWatch struct{ closed atomic.Int32 }

var _ kgo.HookBrokerRead = (*authWatch)(nil)

// closedForGood is how many make a refusal: a broker that shuts down can do it once or twice.
const closedForGood = 3

// OnBrokerRead implements kgo.HookBrokerRead.
func (w *authWatch) OnBrokerRead(_ kgo.BrokerMetadata, key int16, _ int, _, _ time.Duration, err error) {
	if err != nil && kmsg.Key(key) == kmsg.SASLAuthenticate {
		w.closed.Add(1)
	}
}

func (w *authWatch) refused() bool { return w.closed.Load() >= closedForGood }
