package record_test

import (
	"math"
	"testing"

	"shadoof/record"
)

// A producer's mistake in one timestamp must not keep readers from a file.
func TestKafkaTimestampsAreTimesInMicrosecondsToo(t *testing.T) {
	t.Parallel()
	for in, want := range map[int64]int64{0: 0, -1: -1, math.MaxInt64: math.MaxInt64 / 1000, math.MinInt64: -math.MaxInt64 / 1000, 1_800_000_000_000_000_000: math.MaxInt64 / 1000, 1_800_000_000_000: 1_800_000_000_000} {
		rows := record.NewColumns((&record.Schema{Fields: []record.Field{{Name: "a", Type: record.Type{Kind: record.Bytes}, Nullable: true}}}).WithKafkaColumns())
		rows.Leaves[0].AppendLevels(0, 0)
		rows.AppendKafka(1, 2, in)
		rows.EndRow()
		bad := record.NewColumns(record.QuarantineSchema())
		record.AppendQuarantine(bad, &record.Raw{Timestamp: in}, &record.BadRecord{})
		if got, _ := rows.LastInt64(3); got != want {
			t.Errorf("%d became %d", in, got)
		}
		if got, _ := bad.LastInt64(2); got != want {
			t.Errorf("in quarantine %d became %d", in, got)
		}
	}
}
