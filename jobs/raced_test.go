//go:build race

package jobs

// raced says that the race detector looks on: it finds nothing in the five hundredth history that it has not seen in the fiftieth.
const raced = true
