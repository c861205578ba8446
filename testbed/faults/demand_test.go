package faults_test

import (
	"os"
	"strconv"
	"testing"
	"time"

	"shadoof/testbed/faults"
)

// stores are where runs can lift to.
var stores = map[string]func(*testing.T, faults.Options) faults.Options{"s3": onS3, "local": onLocal, "hdfs": onHDFS}

// TestOnDemand is what `make faults` runs: MINUTES of faults on BACKEND, with three brokers, unless BROKERS is 1.
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
	carryOut(t, on(t, brokers(t, os.Getenv("BROKERS") != "1", faults.Options{Seed: seed(t), For: time.Duration(minutes * float64(time.Minute))})))
}
