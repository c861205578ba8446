package extract

import (
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// A Traffic is told what goes over the connections to brokers. A broker is its id as Kafka has it, or seed_ and a number as long as only
// its address is known. Its methods are safe for concurrent use, and quick: requests wait for them.
type Traffic interface {
	Connected(broker string, err error)
	Written(broker string, bytes int, err error)
	Read(broker string, bytes int, err error)
	Answered(broker string, took time.Duration)   // from the first byte of a request to the last of its answer
	Throttled(broker string, pause time.Duration) // a quota of the broker asks for it
}

// traffic hands a Traffic to the client of the library.
type traffic struct{ to Traffic }

var (
	_ kgo.HookBrokerConnect  = traffic{}
	_ kgo.HookBrokerE2E      = traffic{}
	_ kgo.HookBrokerThrottle = traffic{}
)

// OnBrokerConnect implements kgo.HookBrokerConnect.
func (t traffic) OnBrokerConnect(b kgo.BrokerMetadata, _ time.Duration, _ net.Conn, err error) {
	t.to.Connected(kgo.NodeName(b.NodeID), err)
}

// OnBrokerE2E implements kgo.HookBrokerE2E: a request, and its answer if there was one.
func (t traffic) OnBrokerE2E(b kgo.BrokerMetadata, _ int16, e kgo.BrokerE2E) {
	broker := kgo.NodeName(b.NodeID)
	t.to.Written(broker, e.BytesWritten, e.WriteErr)
	if e.WriteErr != nil {
		return
	}
	t.to.Read(broker, e.BytesRead, e.ReadErr)
	if e.ReadErr == nil {
		t.to.Answered(broker, e.DurationE2E())
	}
}

// OnBrokerThrottle implements kgo.HookBrokerThrottle.
func (t traffic) OnBrokerThrottle(b kgo.BrokerMetadata, pause time.Duration, _ bool) {
	t.to.Throttled(kgo.NodeName(b.NodeID), pause)
}
