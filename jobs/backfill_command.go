package jobs

import (
	"errors"
	"fmt"
	"strings"

	"shadoof/extract"
	"shadoof/offsets"
)

// Command is the command line of a backfill, for people to copy.
func (r BackfillRequest) Command() string {
	c := "shadoof backfill --topic " + r.Topic + " --from " + r.From
	if r.To != "" && r.To != "latest" {
		c += " --to " + r.To
	}
	for _, p := range r.Partitions {
		c += fmt.Sprintf(" --partition %d", p)
	}
	if r.Replace {
		c += " --replace"
		if r.Swap != "" && r.Swap != offsets.HideFirst {
			c += " --swap " + r.Swap
		}
		if r.AllowFewer {
			c += " --allow-fewer"
		}
		if r.At > 0 {
			c += fmt.Sprintf(" --at %d", r.At)
		}
	}
	if r.Into != nil {
		c += " --into " + r.Into.cfg.Store.URL
	}
	if r.Shards > 0 {
		c += fmt.Sprintf(" --shard %d/%d", r.Shard, r.Shards)
	}
	if r.Lateness != nil {
		c += fmt.Sprintf(" --lateness %s", *r.Lateness)
	}
	return c
}

// again is the command that goes on with a backfill; change says what must be different about it.
func (b *backfill) again(change func(*BackfillRequest)) string {
	r := b.r
	if r.Replace {
		r.At = b.plan.At
	}
	if change != nil {
		change(&r)
	}
	return "`" + r.Command() + "`"
}

func fromEarliest(r *BackfillRequest) { r.From = "earliest" }

// overtaken says what to do when the cluster drops records while they are read. A backfill never goes past them by itself: what it was asked
// for cannot be had any more.
func (b *backfill) overtaken(err error) error {
	if lost := (*extract.LostError)(nil); !errors.As(err, &lost) {
		return err
	}
	if b.r.Into != nil {
		return halt(fmt.Errorf("%w; retention was faster: %s goes on behind them and keeps the loss in the log, then %s goes on", err, b.w.resolution("--accept-loss"), b.again(nil)))
	}
	return halt(fmt.Errorf("%w; retention was faster: %s takes what is still there", err, b.again(fromEarliest)))
}

// resolution is the command by which a person decides about the topic.
func (w *worker) resolution(what string) string {
	c := "`shadoof resolve --topic " + w.topic
	if w.env.other {
		c += " --into " + w.env.cfg.Store.URL
	}
	return strings.Join([]string{c, what, "--reason ...`"}, " ")
}
