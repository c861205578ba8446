package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"shadoof/internal/ui"
	"shadoof/jobs"
)

// facts are lines of a label and what it says.
type facts struct{ lines [][2]string }

func (f *facts) add(label, format string, args ...any) {
	f.lines = append(f.lines, [2]string{label, fmt.Sprintf(format, args...)})
}

func (f *facts) print(w io.Writer) error {
	width := 0
	for _, l := range f.lines {
		width = max(width, len(l[0]))
	}
	for _, l := range f.lines {
		if _, err := fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf("%-*s  %s", width, l[0], l[1]), " ")); err != nil {
			return err
		}
	}
	return nil
}

// commit describes a version.
func (f *facts) commit(label string, c *jobs.CommitRef) {
	if c == nil {
		return
	}
	f.add(label, "version %d, %s, %s", c.V, c.Type, state(c.Published))
	at := fmt.Sprintf("at %s by run %s on %s (%s)", ui.Time(c.Time), c.Run, c.Host, c.Build)
	if c.Attempt != "" {
		at += ", attempt " + c.Attempt
	}
	f.add("", "%s", at)
	if c.Reason != "" {
		f.add("", "%s: %s", c.By, c.Reason)
	}
}

func (f *facts) notes(notes []string) {
	for i, n := range notes {
		f.add(map[bool]string{true: "note"}[i == 0], "%s", n)
	}
}

// fileText explains a file to people.
func fileText(r *jobs.FileReport) func(io.Writer) error {
	var f facts
	f.add("file", "%s", r.Name)
	f.add("is", "%s, %s", fileKinds[r.Kind], r.State)
	if r.Bytes < 0 {
		f.add("there", "no")
	} else {
		f.add("there", "yes, %s", ui.Bytes(r.Bytes))
	}
	if r.Topic != "" {
		f.add("topic", "%s", r.Topic)
	}
	f.commit("commit", r.Commit)
	if d := r.File; d != nil {
		for _, s := range r.Segments {
			f.add("bundle", "%d, with offsets [%d,%d) of partition %d; gaps: %s", r.Bundle, s.From, s.To, s.Partition, gaps(s.Gaps))
		}
		f.add("rows", "%s, %s", ui.Count(d.Rows), ui.Bytes(d.Bytes))
		for _, g := range d.Ranges {
			f.add("offsets", "%d to %d of partition %d", g.First, g.Last, g.Partition)
		}
		f.add("times", "%s to %s", ui.Millis(d.MinTime), ui.Millis(d.MaxTime))
		f.add("bucket", "%s", d.Bucket)
		if len(d.Reasons) > 0 {
			f.add("reasons", "%s", counts(d.Reasons))
		}
		f.add("schema", "%s", d.Schema)
	}
	if m := r.Made; m != nil {
		value := m.Format
		if m.Framing != "" && m.Framing != "none" {
			value += " in " + m.Framing + " framing"
		}
		f.add("settings", "%s", r.Settings)
		f.add("", "%s to %s (%s), by %s in %s", value, m.Output.Format, m.Output.Compression, m.Partition.By, m.Partition.Timezone)
	}
	for _, c := range r.Repairs {
		f.commit("repaired", c)
	}
	f.commit("removed", r.Removed)
	if s := r.Store; s != nil {
		f.add("root", "%s, layout %d", s.ID, s.Layout)
		f.add("probed", "%s at %s, by %s", s.Probed.Format(time.RFC3339), s.Endpoint, s.Build)
	}
	f.notes(r.Notes)
	return f.print
}

var fileKinds = map[jobs.InspectKind]string{
	jobs.InspectData: "a data file", jobs.InspectQuarantine: "a quarantine file", jobs.InspectStaged: "a staged file", jobs.InspectRecord: "a record of the commit log",
	jobs.InspectMarker: "the marker of a version", jobs.InspectCheckpoint: "a checkpoint of the log", jobs.InspectPack: "a pack of log records",
	jobs.InspectAttachment: "the attachment of a record", jobs.InspectSettings: "the settings of commits", jobs.InspectRoot: "the root's own description",
}

// offsetText explains an offset to people.
func offsetText(r *jobs.OffsetReport) func(io.Writer) error {
	var f facts
	f.add("offset", "%s", jobs.OffsetName{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset})
	says := offsetStates[r.State]
	if r.Reason != "" {
		says += ": " + r.Reason
	}
	f.add("is", "%s", says)
	if r.State != jobs.OffsetNeverRead {
		f.add("partition", "begins at %d, %d is committed", r.Start, r.Next)
	}
	f.commit("commit", r.Commit)
	if s := r.Segment; s != nil {
		f.add("bundle", "%d, with offsets [%d,%d); gaps: %s", r.Bundle, s.From, s.To, gaps(s.Gaps))
	}
	for _, file := range r.Files {
		f.add(file.Kind, "%s", file.Key)
		has := "may have its row"
		switch {
		case file.HasRow != nil && *file.HasRow:
			has = "has its row"
		case file.HasRow != nil:
			has = "does not have its row"
		case !file.Live:
			has = "was removed"
		case !file.Published:
			has = "is not published yet"
		case r.State == jobs.OffsetRow || r.State == jobs.OffsetQuarantined:
			has = "was not read"
		}
		f.add("", "%s; offsets %d to %d, %s", has, file.First, file.Last, ui.Plural(file.Rows, "row"))
		if len(file.Reasons) > 0 {
			f.add("", "reasons: %s", counts(file.Reasons))
		}
	}
	for _, e := range r.Earlier {
		f.add("earlier", "incarnation %d had [%d,%d) in version %d", e.Incarnation, e.From, e.To, e.V)
	}
	f.notes(r.Notes)
	return f.print
}

var offsetStates = map[jobs.OffsetState]string{
	jobs.OffsetRow: "a row", jobs.OffsetQuarantined: "in quarantine", jobs.OffsetPending: "committed, and not published yet", jobs.OffsetGap: "a gap",
	jobs.OffsetDropped: "without a row: its file was removed", jobs.OffsetCommitted: "committed", jobs.OffsetMissing: "committed, and its row is not there",
	jobs.OffsetNotLifted: "not lifted yet", jobs.OffsetNotWritten: "not written yet", jobs.OffsetBeforeStart: "before the first offset",
	jobs.OffsetUncovered: "in no commit", jobs.OffsetNeverRead: "of a partition that was never read",
}

// counts writes numbers by reason.
func counts(n map[string]int64) string {
	var parts []string
	for _, reason := range slices.Sorted(maps.Keys(n)) {
		parts = append(parts, fmt.Sprintf("%s %s", ui.Count(n[reason]), reason))
	}
	return strings.Join(parts, ", ")
}
