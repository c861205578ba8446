package partitioning

import (
	"fmt"
	"time"

	"shadoof/record"
)

// Options of a [Partitioner].
type Options struct {
	By        string         // timestamp: the record's Kafka timestamp; field: a field of its value
	Fields    []Field        // by: field. The first of them that is there says the time
	Layout    string         // hive, camus, or a pattern of %Y %m %d %H %M
	Zone      *time.Location // of the folders; nil: UTC
	Min       time.Time      // times before it are out of bounds
	MaxFuture time.Duration  // and so are times further ahead of the clock than this
	Otherwise string         // for a time that is missing or out of bounds: quarantine, timestamp, or a fixed folder
}

// A Partitioner says which time folder a record goes to. It is not safe for concurrent use: it remembers the last folders.
type Partitioner struct {
	o        Options
	sources  []source // of o.Fields
	layout   *layout
	minMS    int64
	instants windows   // of times as they pass
	walls    windows   // of what clocks show, for times without a zone
	clocks   wallClock // of the folders' zone
}

// New checks the options.
func New(o Options) (*Partitioner, error) {
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	if o.By != "timestamp" && o.By != "field" {
		return nil, fmt.Errorf("partition.by is %q: it takes timestamp or field", o.By)
	}
	sources, err := newSources(o)
	if err != nil {
		return nil, err
	}
	l, err := parseLayout(o.Layout)
	if err != nil {
		return nil, err
	}
	switch o.Otherwise {
	case "quarantine", "":
		o.Otherwise = "quarantine"
	case "timestamp":
		if o.By == "timestamp" {
			return nil, fmt.Errorf("partition.otherwise: timestamp is for partition.by: field")
		}
	default:
		if err := checkFolder(o.Otherwise); err != nil {
			return nil, fmt.Errorf("partition.otherwise: %w", err)
		}
	}
	return &Partitioner{o: o, sources: sources, layout: l, minMS: o.Min.UnixMilli(), clocks: wallClock{zone: o.Zone}}, nil
}

// Bucket is the folder for a Kafka timestamp in milliseconds. clock is the time by which bounds are judged. The error is a
// *record.BadRecord. Times within a local hour that a clock change repeats share a folder.
func (p *Partitioner) Bucket(ms int64, clock time.Time) (string, error) {
	if bad := p.outside(ms, clock); bad != nil {
		if p.o.Otherwise == "quarantine" || p.o.Otherwise == "timestamp" {
			return "", bad
		}
		return p.o.Otherwise, nil
	}
	return p.instants.bucket(p.layout, p.o.Zone, ms), nil
}

// Years beyond these have no four digits.
const (
	firstTime = -62135596800000 + 48*3600_000 // 0001-01-03: in any zone
	lastTime  = 253402300799999 - 48*3600_000 // 9999-12-29
)

func (p *Partitioner) outside(ms int64, clock time.Time) *record.BadRecord {
	switch {
	case ms < firstTime || ms > lastTime:
		return &record.BadRecord{Reason: record.TimeBounds, Detail: fmt.Sprintf("the time %s is in no year of four digits", show(ms))}
	case ms < p.minMS:
		return &record.BadRecord{Reason: record.TimeBounds, Detail: fmt.Sprintf("the time %s is before partition.min %s", show(ms), p.o.Min.UTC().Format(time.RFC3339))}
	case ms > clock.UnixMilli()+p.o.MaxFuture.Milliseconds():
		return &record.BadRecord{Reason: record.TimeBounds, Detail: fmt.Sprintf("the time %s is more than %s ahead of the clock %s", show(ms), p.o.MaxFuture, clock.UTC().Format(time.RFC3339))}
	}
	return nil
}

// show prints a time, or its number where no calendar reaches.
func show(ms int64) string {
	if ms < firstTime || ms > lastTime {
		return fmt.Sprintf("%d ms", ms)
	}
	return time.UnixMilli(ms).UTC().Format(time.RFC3339Nano)
}
