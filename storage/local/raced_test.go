//go:build race

package local

// raced says that the race detector looks on, which makes everything slow.
const raced = true
