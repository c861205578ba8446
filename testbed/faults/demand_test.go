package faults_test

import (
	"os"
	"strconv"
	"testing"
	"time"

	"shadoof/testbed/faults"
	"shadoof/testbed/kafkabed"
	"shadoof/testbed/servers"
)

// stores are where runs can lift to.
var stores = map[string]func(*testing.T, faults.Options) faults.Options{"s3": onS3, "local": onLocal, "hdfs": onHDFS}

// TestOnDemand is what `make faults` runs: MINUTES of faults on BACKEND.
func TestOnDemand(t *testing.T) {
	text := os.Getenv("MINUTES")
	if text == "" {
		t.Skip("make faults MINUTES=30")
	}
	minutes, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	on := stores[os.Getenv("BACKEND")]
	if on == nil {
		t.Fatalf("BACKEND=%s: it is one of s3, local, hdfs", os.Getenv("BACKEND"))
	}
	kafka := servers.OwnKafka(t, kafkabed.Options{})
	carryOut(t, on(t, faults.Options{Seed: seed(t), For: time.Duration(minutes * float64(time.Minute)), Brokers: kafka.Brokers()}))
}
