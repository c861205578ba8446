package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"shadoof/internal/ui"
	"shadoof/jobs"
)

const (
	// crowd is from how many topics on those with nothing new are only counted.
	crowd = 20

	// mostErrors is how many topics are told apart when so many fail: mostly all do for one reason.
	mostErrors = 20
)

// printRun shows what a run did to each topic, and of many topics what it did to them together.
func printRun(w io.Writer, r *jobs.RunReport) error {
	t := ui.NewTable("TOPIC", "JOB", "OUTCOME", ">ROWS", ">QUARANTINED", ">FILES", ">BYTES", "VERSIONS", ">TIME")
	many, rows := len(r.Topics) > crowd, 0
	for _, topic := range r.Topics {
		if many && topic.Outcome == jobs.UpToDate {
			continue
		}
		rows++
		t.Row(topic.Topic, topic.Job, string(topic.Outcome), topic.Rows, topic.Quarantined, topic.Files, ui.Bytes(topic.Bytes), versions(topic.Versions), seconds(topic.Seconds))
	}
	if rows > 0 {
		if err := t.Print(w); err != nil {
			return err
		}
	}
	for _, line := range remarks(r) {
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	if !many {
		return nil
	}
	_, err := fmt.Fprintln(w, together(r))
	return err
}

// remarks are what a table does not say.
func remarks(r *jobs.RunReport) (lines []string) {
	errors := 0
	for _, t := range r.Topics {
		if t.OpenTransactions > 0 {
			lines = append(lines, fmt.Sprintf("%s: %s behind open transactions are not readable yet", t.Topic, ui.Plural(t.OpenTransactions, "offset")))
		}
		if t.Limited && t.Lag > 0 {
			lines = append(lines, fmt.Sprintf("%s: a limit was reached, %s are left", t.Topic, ui.Plural(t.Lag, "offset")))
		}
		if t.Error == "" {
			continue
		}
		if errors++; errors <= mostErrors {
			lines = append(lines, fmt.Sprintf("%s: %s", t.Outcome, t.Error))
			if t.Advice != "" {
				lines = append(lines, "what to do: "+t.Advice)
			}
		}
	}
	if errors > mostErrors {
		lines = append(lines, fmt.Sprintf("and %s with an error: `run --json` has them all", ui.Plural(errors-mostErrors, "more topic")))
	}
	return lines
}

// together is the sum of a run over many topics.
func together(r *jobs.RunReport) string {
	outcomes := map[jobs.Outcome]int{}
	var rows, bad, files, bytes int64
	for _, t := range r.Topics {
		outcomes[t.Outcome]++
		rows, bad, files, bytes = rows+t.Rows, bad+t.Quarantined, files+int64(t.Files), bytes+t.Bytes
	}
	var parts []string
	for _, o := range []jobs.Outcome{jobs.UpToDate, jobs.Lifted, jobs.Limited, jobs.Partial, jobs.Failed, jobs.Halted, jobs.Unknown} {
		if n := outcomes[o]; n > 0 {
			parts = append(parts, fmt.Sprintf("%s %s", ui.Count(int64(n)), strings.ReplaceAll(string(o), "_", " ")))
		}
	}
	line := fmt.Sprintf("%s: %s", ui.Plural(len(r.Topics), "topic"), strings.Join(parts, ", "))
	if files > 0 {
		line += fmt.Sprintf("; %s, %s in quarantine, %s, %s", ui.Plural(rows, "row"), ui.Count(bad), ui.Plural(files, "file"), ui.Bytes(bytes))
	}
	return line + "; " + seconds(r.Seconds)
}

func seconds(s float64) string { return ui.Duration(time.Duration(s * float64(time.Second))) }

// versions writes ascending versions: 7, 3-5, or 3, 5, 9 (+4).
func versions(vs []int64) string {
	switch n := len(vs); {
	case n == 0:
		return "-"
	case n == 1:
		return strconv.FormatInt(vs[0], 10)
	case vs[n-1]-vs[0] == int64(n-1):
		return fmt.Sprintf("%d-%d", vs[0], vs[n-1])
	case n <= 3:
		return strings.Trim(strings.ReplaceAll(fmt.Sprint(vs), " ", ","), "[]")
	default:
		return fmt.Sprintf("%d,%d,%d (+%d)", vs[0], vs[1], vs[2], n-3)
	}
}
