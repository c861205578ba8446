package faults_test

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"shadoof/testbed/s3bed"
)

var s3Options = s3bed.Options{}

// seed is another one each time, unless SEED says which.
func seed(t *testing.T) uint64 {
	t.Helper()
	text := os.Getenv("SEED")
	if text == "" {
		return uint64(rand.Uint32())
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
