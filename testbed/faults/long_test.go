//go:build long

package faults_test

import (
	"testing"
	"time"

	"shadoof/testbed/faults"
	"shadoof/testbed/kafkabed"
	"shadoof/testbed/servers"
)

// TestEachStore is three minutes of faults on each store, one after the other.
func TestEachStore(t *testing.T) {
	for name, on := range stores {
		t.Run(name, func(t *testing.T) {
			kafka := servers.OwnKafka(t, kafkabed.Options{})
			carryOut(t, on(t, faults.Options{Seed: seed(t), For: 3 * time.Minute, Brokers: kafka.Brokers()}))
		})
	}
}
