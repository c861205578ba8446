package jobs

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sort"

	"shadoof/extract"
	"shadoof/offsets"
)

// A cutter finds partitions whose log was cut back below what was committed, with where the two logs part.
type cutter struct {
	w     *worker
	s     *offsets.State
	cut   map[int32]parted
	asked map[int32]map[int32]extract.EpochEnd // what leaders said, by partition and epoch
	mine  map[int32][]lifted                   // what was lifted, as far as it was read from the log; nil: not yet
}

// parted is where a log parts from the one that was lifted: of what it holds from there on nothing was lifted, and all that it holds below
// was. epoch is of what lies below.
type parted struct {
	at    int64
	epoch int32
}

func (w *worker) newCutter() *cutter {
	return &cutter{w: w, s: w.log.State(), cut: map[int32]parted{}, asked: map[int32]map[int32]extract.EpochEnd{}}
}

// cutBack finds partitions whose log was cut back below what was committed, with where the two logs part: not with where it ends now,
// for what is written since lies in between, and was never lifted.
//
// A leader is asked where the epoch of the last batch that was lifted ended. Of logs that have records of one epoch, both have the same up
// to where it ends in one of them, so:
//   - It ends at the committed offset or behind it: nothing below that offset is another record.
//   - It ends below the end of the batch: the logs part there.
//   - It ends between the two: what was committed behind the batch held none (compaction left it empty), or was skipped, and the next
//     epoch began in it. What was lifted is there.
//   - The leader has no record of that epoch: see parting.
func (w *worker) cutBack(ctx context.Context) (map[int32]parted, error) {
	c := w.newCutter()
	first := map[int32]int32{}
	for _, p := range w.desc.Partitions {
		have, ok := c.s.Partitions[p.Partition]
		// An epoch that still stands has not ended, and nothing of it is gone as long as its leader says so.
		if ok && p.Err == nil && have.Next > p.LogStart && have.Epoch >= 0 && (have.Epoch != p.Epoch || p.HighWatermark < have.Next) {
			first[p.Partition] = have.Epoch
		}
	}
	if err := c.ask(ctx, first); err != nil {
		return nil, err
	}
	for _, p := range w.desc.Partitions {
		have, ok := c.s.Partitions[p.Partition]
		if !ok || p.Err != nil || have.Next <= p.LogStart {
			continue
		}
		if err := c.judge(ctx, p, have); err != nil {
			return nil, err
		}
	}
	return c.cut, nil
}

// ask asks leaders about an epoch of each partition. A partition that cannot be asked fails, if it is this worker's.
func (c *cutter) ask(ctx context.Context, epochs map[int32]int32) error {
	if len(epochs) == 0 {
		return nil
	}
	ends, err := c.w.env.source.EpochEnds(ctx, c.w.topic, epochs)
	if err != nil {
		return fmt.Errorf("%s: ask where leader epochs ended: %w", c.w.topic, err)
	}
	for p, e := range ends {
		if e.Err != nil && c.w.mine(p) { // otherwise its own worker says so
			c.w.fail(p, fmt.Errorf("%s/%d: ask where leader epoch %d ended: %w", c.w.topic, p, epochs[p], e.Err))
		}
		if c.asked[p] == nil {
			c.asked[p] = map[int32]extract.EpochEnd{}
		}
		c.asked[p][epochs[p]] = e
	}
	return nil
}

// askOne is ask about one partition. ok is false when it cannot be asked.
func (c *cutter) askOne(ctx context.Context, partition, epoch int32) (e extract.EpochEnd, ok bool, err error) {
	if e, ok := c.asked[partition][epoch]; ok {
		return e, e.Err == nil, nil
	}
	if err := c.ask(ctx, map[int32]int32{partition: epoch}); err != nil {
		return e, false, err
	}
	e = c.asked[partition][epoch]
	return e, e.Err == nil, nil
}

func (c *cutter) judge(ctx context.Context, p extract.Partition, have offsets.PartitionState) error {
	at := parted{have.Next, have.Epoch}
	if e, asked := c.asked[p.Partition][have.Epoch]; asked && e.Err != nil {
		return nil
	} else if asked && e.Known() {
		var least int64
		var known bool
		var err error
		if at, least, known, err = c.compare(ctx, p, have, e); err != nil || !known {
			return err
		}
		if at.at < least {
			c.cut[p.Partition] = at // whatever the high watermark is, which a new leader learns last
			return nil
		}
	}
	if p.HighWatermark >= have.Next {
		return nil
	}
	return c.short(ctx, p, have, at)
}

// compare says where a leader's log parts from the one that was lifted, by its answer about the newest epoch that was. Below least they must
// not. known is false where the leader cannot be asked about older epochs.
func (c *cutter) compare(ctx context.Context, p extract.Partition, have offsets.PartitionState, e extract.EpochEnd) (at parted, least int64, known bool, err error) {
	least, err = c.reach(ctx, p.Partition, have, e)
	switch {
	case err != nil:
		return at, least, false, err
	case least == 0: // the epoch is that of the leader when the partition was first seen: it may have no record
		return parted{have.Next, have.Epoch}, least, true, nil
	case e.Epoch == have.Epoch:
		return parted{min(have.Next, e.End), have.Epoch}, least, true, nil
	}
	at, known, err = c.parting(ctx, p, have, e)
	if c.w.hasForgotten(p.Partition, have) {
		least = at.at
	}
	return at, least, known, err
}

// hasForgotten says whether the leader of a partition does not know the epoch of what was committed last any more: see parting.
func (w *worker) hasForgotten(partition int32, have offsets.PartitionState) bool {
	epoch, ok := w.forgotten[partition]
	return ok && epoch == have.Epoch
}

// reach is the end of the last batch that was lifted of a partition; 0 when nothing was. What was committed behind that held none; what a
// person skipped behind it is of epochs that nobody has seen.
//
// Where an incarnation begins without a batch, the last one lies below its start, but not always right before it: a partition may have been
// skipped up to there before another one was cut back. Then the log says where it ended, unless the leader has all below the start anyway.
func (c *cutter) reach(ctx context.Context, partition int32, have offsets.PartitionState, e extract.EpochEnd) (int64, error) {
	switch {
	case have.Mark != nil:
		return min(have.Mark.Offset+1, have.Next), nil
	case c.s.Incarnation == 1:
		return 0, nil
	case e.Epoch == have.Epoch && e.End >= have.Start:
		return have.Start, nil
	}
	if err := c.readMine(ctx); err != nil {
		return 0, err
	}
	spans := c.mine[partition]
	if len(spans) == 0 {
		return 0, nil
	}
	return spans[len(spans)-1].To, nil
}

// readMine reads what was lifted, once.
func (c *cutter) readMine(ctx context.Context) (err error) {
	if c.mine == nil {
		c.mine, err = c.w.liftedSoFar(ctx)
	}
	return err
}

// short judges a partition that ends below the committed offset, by its high watermark, and whose leader has all that was lifted, as far as
// epochs tell. A new leader learns last how far its followers are; how long its own log is it knows.
func (c *cutter) short(ctx context.Context, p extract.Partition, have offsets.PartitionState, at parted) error {
	byWatermark := parted{p.HighWatermark, have.Epoch} // without epochs it is not known where the logs part
	if p.Epoch < 0 {
		c.cut[p.Partition] = byWatermark
		return nil
	}
	e, ok, err := c.askOne(ctx, p.Partition, p.Epoch)
	switch {
	case err != nil || !ok:
		return err
	case !e.Known():
		c.cut[p.Partition] = byWatermark
	case e.End < have.Next:
		at.at = min(at.at, e.End)
		c.cut[p.Partition] = at
	case c.w.current() != nil:
		return errLogMoved // what others committed since may lie behind the watermark of then
	case c.w.mine(p.Partition):
		c.w.fail(p.Partition, fmt.Errorf("%s/%d: its leader has what was committed, up to offset %d, and says that it ends at %d: try again", c.w.topic, p.Partition, have.Next, p.HighWatermark))
	}
	return nil
}

// parting finds where the log of a leader that has no record of the newest epoch that was lifted parts from the one that was lifted: two
// unclean elections can put a replica there that missed all of that epoch, and whose log is longer. Then what was lifted is gone back, epoch
// by epoch, to one of which the leader has records. The logs are the same up to where that ends in one of them, and have nothing in common
// behind, for there each has records of epochs that the other has not.
//
// Offsets behind the last batch of a segment, or between two, held none then: what is there now was never lifted. So the logs part at the
// end of a batch, never later.
//
// A log may have no record of an epoch for another reason: compaction took all of them, and the leader has learned of its epochs from what
// is left. If it holds no batch from there up to the committed offset, nothing is passed over by going on.
func (c *cutter) parting(ctx context.Context, p extract.Partition, have offsets.PartitionState, e extract.EpochEnd) (at parted, known bool, err error) {
	if err := c.readMine(ctx); err != nil {
		return at, false, err
	}
	delete(c.w.forgotten, p.Partition)
	at = parted{min(have.Next, e.End), have.Epoch} // where nothing of it was lifted
	spans := c.mine[p.Partition]
	for i := len(spans) - 1; i >= 0; i-- {
		e, ok, err := c.askOne(ctx, p.Partition, spans[i].epoch)
		if err != nil || !ok {
			return at, false, err
		}
		if !e.Known() {
			return at, false, halt(fmt.Errorf("%s/%d: its leader knows of leader epoch %d, in which offsets %s were lifted, neither that nor any other: whether its log is the one that was lifted cannot be told; "+
				"nothing was read: look at the logs of the brokers", c.w.topic, p.Partition, spans[i].epoch, spans[i].Range))
		}
		at = parted{min(e.End, spans[i].From), e.Epoch}
		if e.Epoch == spans[i].epoch {
			at.at = min(e.End, spans[i].To)
			break
		}
	}
	upTo := min(have.Next, p.HighWatermark)
	if n := len(have.Coverage); n > 0 {
		upTo = min(upTo, have.Coverage[n-1].To) // what was skipped behind that was never lifted, and may well be there
	}
	if len(spans) == 0 || at.at >= upTo {
		return at, true, nil
	}
	m, err := c.w.env.source.Mark(ctx, c.w.topic, p.Partition, upTo)
	if err != nil {
		return at, false, fmt.Errorf("%s/%d: look at what lies before offset %d: %w", c.w.topic, p.Partition, upTo, err)
	}
	if m == nil || m.Offset < at.at {
		c.w.forgotten[p.Partition] = have.Epoch
	}
	return at, true, nil
}

// lifted is a range of which batches of one leader epoch were lifted.
type lifted struct {
	epoch int32
	offsets.Range
}

// liftedSoFar reads from the log which epochs were lifted where, for each partition in the order of offsets, as far as the topic is still
// the one that they were lifted from: what lies below where a truncated log was cut back is.
func (w *worker) liftedSoFar(ctx context.Context) (map[int32][]lifted, error) {
	out := map[int32][]lifted{}
	for r, err := range w.log.Records(ctx, 1, w.log.State().V) {
		if err != nil {
			return nil, fmt.Errorf("%s: read which leader epochs were lifted: %w", w.topic, err)
		}
		switch b := r.Body.(type) {
		case *offsets.Incarnate:
			out = keptBy(b, out)
		case *offsets.Commit, *offsets.Fill:
			for _, bundle := range r.Lift().Bundles {
				for i := range bundle.Segments {
					s := &bundle.Segments[i]
					out[s.Partition] = append(out[s.Partition], epochsOf(s)...)
				}
			}
		}
	}
	for _, spans := range out {
		slices.SortFunc(spans, func(a, b lifted) int { return cmp.Compare(a.From, b.From) })
	}
	return out, nil
}

// keptBy is what an incarnation leaves of what was lifted before it.
func keptBy(b *offsets.Incarnate, before map[int32][]lifted) map[int32][]lifted {
	out := map[int32][]lifted{}
	if b.Cause != "truncated" {
		return out
	}
	for _, p := range b.Partitions {
		for _, s := range before[p.Partition] {
			if s.To = min(s.To, p.Start); s.From < s.To {
				out[p.Partition] = append(out[p.Partition], s)
			}
		}
	}
	return out
}

// epochsOf are the epochs of a segment's batches, up to the end of the last one.
func epochsOf(s *offsets.Segment) (out []lifted) {
	end := s.To
	if s.Mark != nil {
		end = min(end, s.Mark.Offset+1)
	}
	epochs := s.Epochs
	if epochs == nil && s.Epoch >= 0 {
		epochs = []offsets.EpochFrom{{Epoch: s.Epoch, From: s.From}}
	}
	for i, e := range epochs {
		to := end
		if i+1 < len(epochs) {
			to = epochs[i+1].From
		}
		out = append(out, lifted{e.Epoch, offsets.Range{From: e.From, To: to}})
	}
	return out
}

// epochAt is the leader epoch of the batch that an offset of a segment was lifted from; -1 when unknown.
func epochAt(s *offsets.Segment, offset int64) int32 {
	for _, at := range epochsOf(s) {
		if at.From <= offset && offset < at.To {
			return at.epoch
		}
	}
	return -1
}

// epochsBefore are the epochs of what was committed right before ranges: by them the brokers see whether their logs were cut back below, also
// while this run goes on.
func (w *worker) epochsBefore(ranges []extract.Range) map[int32]int32 {
	s, out := w.log.State(), map[int32]int32{}
	for _, r := range ranges {
		if have, ok := s.Partitions[r.Partition]; ok && w.tells(r.Partition, have, r.First) {
			out[r.Partition] = have.Epoch
		}
	}
	return out
}

// tells says whether the first fetch of a range tells its broker of the epoch before. Where the last batch does not end there, another epoch
// may have begun in between: the leader would say that its log was cut back.
func (w *worker) tells(partition int32, have offsets.PartitionState, from int64) bool {
	return have.Next == from && have.Mark != nil && have.Epoch >= 0 && have.Mark.Offset+1 >= from && !w.hasForgotten(partition, have)
}

// sameLog asks, after an attempt has read them, about partitions whose first fetch could not tell the epoch of what was committed before:
// whether they are still the logs that were looked at when the run began. Both have to be in the log that is there now, what was committed
// and what was read: between two elections another one may have been there.
func (w *worker) sameLog(ctx context.Context, bundles []offsets.Bundle) error {
	c := w.newCutter()
	var untold []offsets.Segment
	epochs := map[int32]int32{}
	for _, b := range bundles {
		for _, seg := range b.Segments {
			have, ok := c.s.Partitions[seg.Partition]
			first := have.Mark == nil && c.s.Incarnation == 1 && have.Next == seg.From // nothing was lifted that could be another log's
			if ok && have.Epoch >= 0 && !first && !w.tells(seg.Partition, have, seg.From) {
				untold, epochs[seg.Partition] = append(untold, seg), have.Epoch
			}
		}
	}
	if err := c.ask(ctx, epochs); err != nil {
		return err
	}
	for _, seg := range untold {
		if err := c.isOfLog(ctx, seg); err != nil {
			return err
		}
	}
	return nil
}

// isOfLog says whether what was committed of a segment's partition and what was read of it are in the log of its leader.
func (c *cutter) isOfLog(ctx context.Context, seg offsets.Segment) error {
	w, have := c.w, c.s.Partitions[seg.Partition]
	i := slices.IndexFunc(w.desc.Partitions, func(p extract.Partition) bool { return p.Partition == seg.Partition })
	if i < 0 {
		return nil
	}
	e := c.asked[seg.Partition][have.Epoch]
	if e.Err == nil && !e.Known() {
		return nil
	}
	if e.Err != nil {
		return fmt.Errorf("%s/%d: ask where leader epoch %d ended: %w", w.topic, seg.Partition, have.Epoch, e.Err)
	}
	at, least, known, err := c.compare(ctx, w.desc.Partitions[i], have, e)
	switch {
	case err != nil:
		return err
	case !known:
		return c.cannotTell(seg.Partition)
	case at.at < least:
		return &extract.TruncatedError{Topic: w.topic, Partition: seg.Partition, Position: least, End: at.at}
	case seg.Mark == nil || seg.Epoch < 0:
		return nil
	}
	if e, known, err = c.askOne(ctx, seg.Partition, seg.Epoch); err != nil {
		return err
	}
	if read := seg.Mark.Offset + 1; known && e.Known() && (e.Epoch != seg.Epoch || e.End < read) {
		return &extract.TruncatedError{Topic: w.topic, Partition: seg.Partition, Position: read, End: min(e.End, seg.From)}
	}
	if !known {
		return c.cannotTell(seg.Partition)
	}
	return nil
}

func (c *cutter) cannotTell(partition int32) error {
	return fmt.Errorf("%s/%d: whether its log is still the one that was lifted cannot be told now: try again", c.w.topic, partition)
}

// checkTruncation has the policy decide where a partition's log was cut back below what was committed.
func (w *worker) checkTruncation(ctx context.Context) error {
	s := w.log.State()
	cuts, err := w.cutBack(ctx)
	if err != nil || len(cuts) == 0 {
		return err
	}
	var starts []offsets.PartitionStart
	for p, have := range s.Partitions {
		// Epoch and mark stay: a partition that cannot be asked now may be cut back as well, and any may be before it is read on.
		start := offsets.PartitionStart{Partition: p, Start: have.Next, Epoch: have.Epoch, Mark: have.Mark}
		if cut, ok := cuts[p]; ok {
			w.env.log.Warn("the partition's log was truncated below what was committed", "topic", w.topic, "partition", p, "committed", have.Next, "cut_at", cut.at)
			start.Start, start.Epoch, start.Mark = cut.at, cut.epoch, nil
		}
		starts = append(starts, start)
	}
	sort.Slice(starts, func(i, j int) bool { return starts[i].Partition < starts[j].Partition })
	return w.incarnate(ctx, "truncated", starts)
}
