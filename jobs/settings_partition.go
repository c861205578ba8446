package jobs

import (
	"fmt"
	"time"

	"shadoof/config"
	"shadoof/partitioning"
)

// PartitionSettings say which time folder a record goes to.
type PartitionSettings struct {
	By        string          `json:"by"`
	Field     string          `json:"field,omitempty"` // the only field, where nothing but its unit is said about it: as builds did before there were more
	Unit      string          `json:"unit,omitempty"`
	Fields    []FieldSettings `json:"fields,omitempty"` // otherwise
	Layout    string          `json:"layout"`
	Timezone  string          `json:"timezone"`
	Min       time.Time       `json:"min"`
	MaxFuture time.Duration   `json:"max_future_ns"`
	Otherwise string          `json:"otherwise"`
}

// FieldSettings say where the time of a record may stand.
type FieldSettings struct {
	Path     string   `json:"path"`
	Unit     string   `json:"unit,omitempty"`
	Patterns []string `json:"patterns,omitempty"`
	Timezone string   `json:"timezone,omitempty"`
}

func newPartitionSettings(job *config.Job) PartitionSettings {
	p := job.Partition
	s := PartitionSettings{By: p.By, Unit: p.Unit, Layout: p.Layout, Timezone: job.Timezone.String(), Min: p.Min.UTC(), MaxFuture: p.MaxFuture, Otherwise: p.Otherwise}
	if len(p.Fields) == 1 && len(p.Fields[0].Pattern) == 0 && p.Fields[0].Timezone == nil {
		s.Field, s.Unit = p.Fields[0].Path, p.Fields[0].Unit
		return s
	}
	if len(p.Fields) > 0 {
		s.Unit = "" // each has its own
	}
	for _, f := range p.Fields {
		field := FieldSettings{Path: f.Path, Unit: f.Unit, Patterns: f.Pattern}
		if f.Timezone != nil {
			field.Timezone = f.Timezone.String()
		}
		s.Fields = append(s.Fields, field)
	}
	return s
}

// OnlyField is the path of the field that a record's time is read from; "" where that is Kafka's timestamp, or there are several.
func (s PartitionSettings) OnlyField() string {
	if len(s.Fields) == 1 {
		return s.Fields[0].Path
	}
	return s.Field
}

// Options are what the settings mean.
func (s PartitionSettings) Options() (partitioning.Options, error) {
	bad := func(name string, err error) (partitioning.Options, error) {
		return partitioning.Options{}, fmt.Errorf("timezone %q: %w", name, err)
	}
	zone, err := time.LoadLocation(s.Timezone)
	if err != nil {
		return bad(s.Timezone, err)
	}
	o := partitioning.Options{By: s.By, Layout: s.Layout, Zone: zone, Min: s.Min, MaxFuture: s.MaxFuture, Otherwise: s.Otherwise}
	if s.Field != "" {
		o.Fields = append(o.Fields, partitioning.Field{Path: s.Field, Unit: s.Unit})
	}
	for _, f := range s.Fields {
		field := partitioning.Field{Path: f.Path, Unit: f.Unit, Patterns: f.Patterns}
		if f.Timezone != "" {
			if field.Zone, err = time.LoadLocation(f.Timezone); err != nil {
				return bad(f.Timezone, err)
			}
		}
		o.Fields = append(o.Fields, field)
	}
	return o, nil
}

// PartitionOptions are how a job's records are put into folders.
func PartitionOptions(job *config.Job) (partitioning.Options, error) {
	return newPartitionSettings(job).Options()
}
