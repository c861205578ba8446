package jobs

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// otherRoot refuses to lift into the root that the topic's log is in.
func (e *Env) otherRoot(ctx context.Context, in *Env) error {
	if err := in.checkRoot(ctx); err != nil {
		return err
	}
	if e.endpoint == in.endpoint || e.info != nil && in.info != nil && e.info.ID == in.info.ID {
		return usage(fmt.Errorf("--into %s is the root that the jobs lift into: name another one, or leave --into out", in.endpoint))
	}
	return nil
}

// besideEachOther refuses roots one of which lies in the topic's folder of the other, or among what is Shadoof's own there: readers of that
// folder would see the rows of both.
func besideEachOther(e, in *Env, folder string) error {
	for _, roots := range [][2]string{{e.cfg.Store.URL, in.cfg.Store.URL}, {in.cfg.Store.URL, e.cfg.Store.URL}} {
		outer, inner := strings.TrimRight(roots[0], "/")+"/", strings.TrimRight(roots[1], "/")+"/"
		for _, taken := range []string{folder, "_shadoof"} {
			if strings.HasPrefix(inner, outer+taken+"/") {
				return usage(fmt.Errorf("--into: %s lies in %s%s, whose readers would see what is lifted there, too: name another root", roots[1], outer, taken))
			}
		}
	}
	return nil
}

// prepareInto finds out where partitions begin in another root's log, and how far they get.
func (b *backfill) prepareInto() error {
	w, s := b.w, b.w.log.State()
	b.plan.Mode, b.plan.Root = ModeInto, w.env.endpoint
	w.starts = map[int32]int64{}
	var wrong []error
	for i, span := range b.spans {
		id, want := span.Partition.Partition, span.want
		p, known := s.Partitions[id]
		switch {
		case known && p.Start > want.From && b.from.kind != earliest:
			wrong = append(wrong, fmt.Errorf("%s/%d: the log below %s begins at %d, and %s is %d: a log does not grow backwards: name another root, or begin at %d",
				w.topic, id, w.env.endpoint, p.Start, b.from.text, want.From, p.Start))
		case !known && (want.From < span.LogStart || span.gone):
			wrong = append(wrong, b.goneError(i, min(want.From, span.LogStart-1)))
		}
		w.starts[id] = want.From
		next := want.From
		if known {
			next = p.Next
		}
		w.ends[id] = want.To
		if next < want.To && w.mine(id) {
			b.plan.Ranges = append(b.plan.Ranges, PlanPartition{id, next, want.To, want.To - next})
			b.plan.Offsets += want.To - next
		}
	}
	if b.plan.Offsets == 0 {
		b.note("all of it is there already")
	}
	return usageIf(errors.Join(wrong...))
}

func usageIf(err error) error {
	if err == nil {
		return nil
	}
	return usage(err)
}

// begin does what a run does before it reads: it sees that the other root's folder is free, or its log that of this topic, and gives
// partitions their first offsets.
func (b *backfill) begin(ctx context.Context) error {
	w := b.w
	if w.log.State().V == 0 {
		if err := w.open(ctx); err != nil {
			return err
		}
	}
	if err := w.recover(ctx); err != nil {
		return err
	}
	if err := w.checkIdentity(ctx); err != nil {
		return err
	}
	for p, s := range w.log.State().Partitions {
		if want, ok := w.starts[p]; ok && w.mine(p) && s.Start > want && b.from.kind != earliest {
			return halt(fmt.Errorf("%s/%d: another worker began the log below %s at %d, and %s is %d: %s goes on in it", w.topic, p, w.env.endpoint, s.Start, b.from.text, want, b.again(fromEarliest)))
		}
	}
	return nil
}
