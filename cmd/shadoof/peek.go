package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"shadoof/config"
	"shadoof/internal/ui"
	"shadoof/jobs"
	"shadoof/storage"
)

func (a *app) newPeekCommand() *cobra.Command {
	var r jobs.PeekRequest
	var from string
	cmd := &cobra.Command{
		Use:   "peek --topic TOPIC --partition P [--offset WHERE] [-n N]",
		Short: "Print records as they lie in Kafka",
		Long: `Peek prints records of one partition: offset, time, key, headers and value, which is decoded where a job claims the topic. A record
that a run would send to quarantine shows why. Offsets without a record are named with the reason. It never waits for new records.

--offset says where to begin:
  120                    at an offset
  earliest               at the start of the log
  latest                 at the last records, as many as -n says
  -10                    ten offsets before the end
  2026-11-20T13:00:00Z   at the first offset at or after a time, or a date, which is 00:00 in the job's zone
Without it: at the committed offset, or at the start of the log for what was never committed. Only this asks the store.

--json prints a line for each record, with the value's bytes beside the decoded row; bytes that are not UTF-8 stand as base64 under
key_base64 and value_base64.`,
		Example:     "  shadoof peek --topic tracking.page-view --partition 3 --offset latest -n 3\n  shadoof peek --topic tracking.page-view --partition 3 --offset 120 -n 1 --json | jq .row",
		Annotations: ordinaryExits(),
		Args:        cobra.NoArgs,
		RunE: a.action(func(ctx context.Context, _ []string) error {
			if r.Records < 1 {
				return usagef("-n %d: want 1 or more", r.Records)
			}
			cfg, err := a.load()
			if err != nil {
				return err
			}
			if r.From, err = peekFrom(cfg, r.Topic, from); err != nil {
				return err
			}
			store := &lazyStore{open: func(ctx context.Context) (storage.Store, error) { return openStore(ctx, cfg.Store) }}
			env, done := a.connectTo(cfg, store, nil)
			defer done()
			return a.peek(ctx, env, r)
		}),
	}
	oneTopic(cmd, &r.Topic)
	f := cmd.Flags()
	f.Int32Var(&r.Partition, "partition", -1, "the `partition`")
	f.StringVar(&from, "offset", "", "`position` to begin at: an offset, earliest, latest, -N, a time or a date")
	f.Int64VarP(&r.Records, "records", "n", 10, "how many `records`, at most")
	f.BoolVar(&r.Raw, "raw", false, "do not decode values")
	must(cmd.MarkFlagRequired("partition"))
	return cmd
}

// peekFrom reads --offset.
func peekFrom(cfg *config.Config, topic, s string) (jobs.PeekFrom, error) {
	switch s {
	case "":
		return jobs.PeekFrom{}, nil
	case "earliest":
		return jobs.PeekFrom{Kind: jobs.PeekEarliest}, nil
	case "latest":
		return jobs.PeekFrom{Kind: jobs.PeekLatest}, nil
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil && n > math.MinInt64 && !strings.HasPrefix(s, "+") {
		if s[0] == '-' {
			return jobs.PeekFrom{Kind: jobs.PeekBack, Offset: -n}, nil
		}
		return jobs.PeekFrom{Kind: jobs.PeekOffset, Offset: n}, nil
	}
	var sel jobs.Selection
	for _, j := range cfg.Jobs {
		if j.Matches(topic) { // a date is in its zone
			sel.Jobs = append(sel.Jobs, j.Name)
		}
	}
	t, err := when(cfg, sel, s)
	if err != nil {
		return jobs.PeekFrom{}, usagef("--offset: %w, nor an offset, earliest, latest or -N", err)
	}
	return jobs.PeekFrom{Kind: jobs.PeekTime, Time: t}, nil
}

func (a *app) peek(ctx context.Context, env *jobs.Env, r jobs.PeekRequest) error {
	out := bufio.NewWriter(a.stdout)
	p := peekPrinter{out, r.Topic, r.Partition}
	var start *jobs.PeekStart
	begin := func(s *jobs.PeekStart) error {
		start = s
		a.tell("%s/%d from %d, %s; the log has [%d,%d)", r.Topic, r.Partition, s.First, s.Why, s.LogStart, s.End)
		if s.Raw != "" {
			a.tell("values are not decoded: %s", s.Raw)
		}
		return nil
	}
	each := p.text
	if a.json {
		each = p.json
	}
	end, err := env.Peek(ctx, r, begin, each)
	if err = errors.Join(err, out.Flush()); err != nil {
		return err
	}
	if end.AtEnd {
		a.tell("%s, up to the end of the partition, %d", ui.Plural(end.Records, "record"), start.End)
	} else {
		a.tell("%s; the next offset is %d", ui.Plural(end.Records, "record"), end.Next)
	}
	return nil
}

// tell says something beside a command's output.
func (a *app) tell(format string, args ...any) {
	if a.logFormat == "json" {
		a.log.Info(fmt.Sprintf(format, args...))
		return
	}
	fmt.Fprintf(a.stderr, format+"\n", args...)
}

// A peekPrinter prints what was peeked at.
type peekPrinter struct {
	w         io.Writer
	topic     string
	partition int32
}

// longest is how many bytes of a key or value people are shown.
const longest = 4 << 10

func (p peekPrinter) text(item *jobs.PeekItem) error {
	r := item.Record
	if r == nil {
		offsets := fmt.Sprintf("%d", item.First)
		if item.Next-item.First > 1 {
			offsets = fmt.Sprintf("%d..%d", item.First, item.Next-1)
		}
		_, err := fmt.Fprintf(p.w, "%s  %s\n", offsets, holeText(item.PeekHole))
		return err
	}
	var b []byte
	b = fmt.Appendf(b, "%d  %s\n", r.Offset, recordTime(r.Timestamp))
	if r.Key != nil {
		b = fmt.Appendf(b, "  key         %s\n", ui.Text(r.Key, longest))
	}
	for _, h := range r.Headers {
		b = fmt.Appendf(b, "  header      %s: %s\n", ui.Text([]byte(h.Key), longest), ui.Text(h.Value, longest))
	}
	switch {
	case item.Row != nil:
		b = fmt.Appendf(b, "  value       %s\n", item.Row)
	case r.Value != nil:
		b = fmt.Appendf(b, "  value       %s\n", ui.Text(r.Value, longest))
	default:
		b = append(b, "  tombstone\n"...)
	}
	if item.Bad != nil {
		b = fmt.Appendf(b, "  quarantine  %s\n", item.Bad)
	}
	_, err := p.w.Write(b)
	return err
}

func holeText(h jobs.PeekHole) string {
	var parts []string
	for _, c := range []struct {
		n    int64
		what string
	}{{h.Control, "transaction marker"}, {h.Aborted, "aborted record"}, {h.Compacted, "offset that compaction emptied"}, {h.Unexplained, "offset that nothing explains"}} {
		switch {
		case c.n == 1:
			parts = append(parts, "1 "+c.what)
		case c.n > 1:
			first, rest, _ := strings.Cut(c.what, " that ")
			text := ui.Plural(c.n, first)
			if rest != "" {
				text += " that " + rest
			}
			parts = append(parts, text)
		}
	}
	return strings.Join(parts, ", ")
}

// recordTime writes a record's timestamp; as a number where it is no time.
func recordTime(ms int64) string {
	t := time.UnixMilli(ms).UTC()
	if y := t.Year(); y < 0 || y > 9999 {
		return strconv.FormatInt(ms, 10)
	}
	return t.Format("2006-01-02T15:04:05.000Z")
}
