//go:build long

package faults_test

import (
	"testing"
	"time"

	"shadoof/testbed/faults"
)

// TestEachStore is three minutes of faults on each store, one after the other: of three brokers with S3, of one with the others.
func TestEachStore(t *testing.T) {
	for name, on := range stores {
		t.Run(name, func(t *testing.T) {
			carryOut(t, on(t, brokers(t, name == "s3", faults.Options{Seed: seed(t), For: 3 * time.Minute})))
		})
	}
}
