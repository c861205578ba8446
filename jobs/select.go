package jobs

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"shadoof/config"
)

// A Selection narrows a command to some jobs and topics. Empty lists select all.
type Selection struct {
	Jobs   []string
	Topics []string
	Gone   bool // Topics that are gone since are left out, all of them if need be; else they are a mistake
}

// A claim is a topic that a job lifts.
type claim struct {
	job   *config.Job
	topic string
}

// claims resolves which topics of the cluster the selected jobs lift. Two jobs may not claim one topic, and no topic's folder may
// be, or lie inside, another's: that is a mistake in the configuration, and nothing is touched.
// A topic that a job names literally is claimed even if the cluster does not have it, so that its absence shows as an error.
func (e *Env) claims(ctx context.Context, sel Selection) ([]claim, error) {
	for _, name := range sel.Jobs {
		if e.cfg.Job(name) == nil {
			return nil, usage(fmt.Errorf("no job is called %q", name))
		}
	}
	names, err := e.source.Topics(ctx)
	if err != nil {
		return nil, err
	}
	all, err := resolveClaims(e.cfg.Jobs, names)
	if err != nil {
		return nil, usage(err)
	}
	for _, t := range sel.Topics {
		if !sel.Gone && !slices.ContainsFunc(all, func(c claim) bool { return c.topic == t }) {
			return nil, usage(fmt.Errorf("no job claims the topic %q", t))
		}
	}
	var out []claim
	for _, c := range all {
		if (len(sel.Jobs) == 0 || slices.Contains(sel.Jobs, c.job.Name)) && (len(sel.Topics) == 0 || slices.Contains(sel.Topics, c.topic)) {
			out = append(out, c)
		}
	}
	if len(out) == 0 && !(sel.Gone && len(sel.Topics) > 0) {
		return nil, usage(fmt.Errorf("no topic matches: the cluster has %d topics, and none of them is claimed by the selected jobs", len(names)))
	}
	return out, nil
}

// resolveClaims is the pure part of claims.
func resolveClaims(jobs []*config.Job, names []string) ([]claim, error) {
	var all []claim
	for _, j := range jobs {
		topics := slices.Clone(names)
		for _, p := range j.Topics {
			if p.Literal != "" && !slices.Contains(topics, p.Literal) {
				topics = append(topics, p.Literal)
			}
		}
		for _, t := range topics {
			if j.Matches(t) && isTopic(t) { // it becomes a part of paths
				all = append(all, claim{j, t})
			}
		}
	}
	slices.SortFunc(all, func(a, b claim) int { return strings.Compare(a.topic, b.topic) })
	for i := 1; i < len(all); i++ {
		if all[i].topic == all[i-1].topic {
			return nil, fmt.Errorf("two jobs claim the topic %s: %s and %s; exclude it from one of them", all[i].topic, all[i-1].job.Name, all[i].job.Name)
		}
	}
	byFolder := slices.Clone(all)
	folder := func(c claim) string { return folderOf(c.job, c.topic) + "/" }
	slices.SortFunc(byFolder, func(a, b claim) int { return strings.Compare(folder(a), folder(b)) })
	for i := 1; i < len(byFolder); i++ {
		if a, b := byFolder[i-1], byFolder[i]; strings.HasPrefix(folder(b), folder(a)) {
			return nil, fmt.Errorf("the folder of topic %s (%s) would hold that of topic %s (%s): give one of their jobs another folder", a.topic, folder(a), b.topic, folder(b))
		}
	}
	return all, nil
}

// claimOf finds the one job that claims a topic, without asking the cluster: for commands that look at what was committed, also of
// topics that the cluster no longer has.
func (e *Env) claimOf(topic string) (claim, error) {
	if !isTopic(topic) {
		return claim{}, usage(fmt.Errorf("%q is not the name of a topic: Kafka's have 1 to 249 letters, digits, dots, dashes and underscores", topic))
	}
	all, err := resolveClaims(e.cfg.Jobs, []string{topic})
	if err != nil {
		return claim{}, usage(err)
	}
	for _, c := range all {
		if c.topic == topic {
			return c, nil
		}
	}
	return claim{}, usage(fmt.Errorf("no job claims the topic %q", topic))
}
