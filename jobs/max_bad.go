package jobs

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"shadoof/offsets"
)

// tooManyBad says why an attempt may not be committed, where more of its records go to quarantine than policy.max_bad allows.
func (w *worker) tooManyBad(a *attempt) error {
	var records, bad int64
	reasons := map[string]int64{}
	for _, b := range a.bundles {
		for i := range b.Files {
			f := &b.Files[i]
			records += f.Rows
			if f.Kind == offsets.KindQuarantine {
				bad += f.Rows
				addCounts(reasons, f.Reasons)
			}
		}
	}
	allowed, bounded := w.job.Policy.MaxBad.Of(records)
	if !bounded || bad <= allowed {
		return nil
	}
	example := ""
	if e := a.example.Load(); e != nil {
		example = "; one of them: " + *e
	}
	return fmt.Errorf("%s: %d of %d records would go to quarantine (%s), and policy.max_bad: %s allows %d: they are not committed, nor is what was read with them%s; "+
		"fix the topic's format or schema, or allow more", w.topic, bad, records, countsText(reasons), w.job.Policy.MaxBad, allowed, example)
}

func addCounts(sum, counts map[string]int64) {
	for k, n := range counts {
		sum[k] += n
	}
}

// countsText is "3 undecodable, 1 unfit".
func countsText(counts map[string]int64) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%d %s", counts[k], k))
	}
	return strings.Join(parts, ", ")
}
