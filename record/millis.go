package record

import "math"

// maxMillis are the most milliseconds before and after 1970 that are 64 bits of microseconds, too: to the year 294247.
const maxMillis = math.MaxInt64 / 1000

// InMicros says whether a time in milliseconds is one in microseconds, too. Readers count so: Spark 4.0 refuses a whole file for one
// value beyond, DuckDB for most.
func InMicros(millis int64) bool { return millis >= -maxMillis && millis <= maxMillis }

// toMicros is the nearest time that InMicros. Nothing but a producer's mistake is beyond, such as nanoseconds for milliseconds.
func toMicros(millis int64) int64 { return min(max(millis, -maxMillis), maxMillis) }
