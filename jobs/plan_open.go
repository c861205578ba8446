package jobs

import "shadoof/offsets"

// leftOpen is what lies below the committed offsets, no commit covers, and the cluster still has: what was skipped, and what a backfill
// that was stopped left. What lies before everything that was ever lifted is left out: there the topic begins.
func (w *worker) leftOpen(s *offsets.State) []PlanPartition {
	out := []PlanPartition{}
	for _, d := range w.desc.Partitions {
		p, known := s.Partitions[d.Partition]
		if !known || d.Err != nil {
			continue
		}
		from := p.Start
		if len(p.Coverage) > 0 && s.Incarnation <= 1 {
			from = min(from, p.Coverage[0].From)
		}
		for _, r := range s.Uncovered(d.Partition, offsets.Range{From: max(from, d.LogStart), To: p.Next}) {
			out = append(out, PlanPartition{d.Partition, r.From, r.To, r.Len()})
		}
	}
	return out
}
