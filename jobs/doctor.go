package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"shadoof/extract"
	"shadoof/record"
	"shadoof/storage"
)

// Doctors are the parts of the outside world that look at themselves. They are for Env.Doctor.
type Doctors struct {
	Kafka extract.Examiner

	// Open opens the store, over connections of its own, at each call.
	Open func(ctx context.Context) (storage.Store, error)

	// Check tries each permission, and the whole contract with real races, over stores that open opens.
	Check func(ctx context.Context, open func() (storage.Store, error)) []storage.Finding

	// Patience is how long one look may take, and ContractPatience how long the contract may; what takes longer is unreachable. 0: half
	// a minute, and two minutes.
	Patience         time.Duration
	ContractPatience time.Duration
}

func (d *Doctors) setDefaults() {
	if d.Patience <= 0 {
		d.Patience = 30 * time.Second
	}
	if d.ContractPatience <= 0 {
		d.ContractPatience = 2 * time.Minute
	}
}

// Areas of a DoctorCheck.
const (
	AreaConfig   = "config"
	AreaKafka    = "kafka"
	AreaRegistry = "registry"
	AreaStore    = "store"
	AreaTopic    = "topic"
)

// A DoctorReport is all that a doctor looked at, by area: config, kafka, store, then topics in order of their names.
type DoctorReport struct {
	Checks []DoctorCheck `json:"checks"`
}

// A DoctorCheck is one thing that was looked at.
type DoctorCheck struct {
	Area   string `json:"area"`            // config, kafka, registry, store, topic
	Topic  string `json:"topic,omitempty"` // for the area topic
	Name   string `json:"name"`
	Grade  string `json:"grade"`  // ok, not seen, doubtful, bad, unreachable
	Detail string `json:"detail"` // what was found, and for all but ok what to do
	grade  storage.Grade
	look   string // of which it is a part
}

// Count is how many checks have a grade.
func (r *DoctorReport) Count(g storage.Grade) (n int) {
	for _, c := range r.Checks {
		if c.grade == g {
			n++
		}
	}
	return n
}

// ExitCode is 4 when something is unfit, else 1 when something did not answer, else 0.
func (r *DoctorReport) ExitCode() int {
	switch {
	case r.Count(storage.Bad) > 0:
		return ExitHalted
	case r.Count(storage.Absent) > 0:
		return ExitFailed
	}
	return ExitDone
}

// Looks at the store and the cluster, in the order in which they are told.
const (
	lookOpens    = "opens"
	lookRoot     = "root"
	lookSetUp    = "set-up"
	lookContract = "keeps the contract"
	lookTopics   = "topics are listed"
	lookCluster  = "cluster"
	lookRegistry = "answers"
)

var looks = []string{lookTopics, lookCluster, lookOpens, lookRoot, lookSetUp, lookContract, storeName}

// A visit is one examination under way.
type visit struct {
	*Env
	Doctors
	sel Selection

	registry func() (record.Registry, error)

	mu     sync.Mutex
	checks []DoctorCheck
}

// Doctor finds out whether the selected jobs can be lifted to the store: it looks at the configuration, the cluster, the topics and the
// store, and tries the store's contract. The Env needs no store, is given one, and must not be used by others meanwhile. Where a fit
// store's root is new it is marked as such, as a first run would.
//
// The error is of usage. All else is in the report.
func (e *Env) Doctor(ctx context.Context, d Doctors, sel Selection) (*DoctorReport, error) {
	d.setDefaults()
	e.store = nil // until it was opened
	v := &visit{Env: e, Doctors: d, sel: sel, registry: e.oneRegistry()}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var looking sync.WaitGroup
	looking.Go(func() { v.look(ctx, AreaKafka, "", lookCluster, v.Patience, v.Kafka.ExamineCluster) })
	if e.openRegistry != nil {
		looking.Go(func() { v.look(ctx, AreaRegistry, "", lookRegistry, v.Patience, v.examineRegistry) })
	}
	claims, listed, err := v.begin(ctx)
	if err != nil {
		cancel()
		looking.Wait()
		return nil, err
	}
	if e.store != nil {
		looking.Go(func() { v.examineStore(ctx, claims) })
	} else {
		v.add(AreaStore, "", lookContract, one(storage.Unseen, lookContract, "it can be looked at once the line above is well")...)
	}
	looking.Go(func() { v.examineTopics(ctx, claims, listed) })
	looking.Wait()
	if e.store != nil {
		v.look(ctx, AreaStore, "", storeName, v.Patience, v.keepResult)
	}
	return v.report(), nil
}

// listPatience is how long the cluster may take to list its topics: all other looks wait for it.
const listPatience = 10 * time.Second

// begin finds out, side by side, which topics there are and whether the store can be opened. listed says that the topics are those of
// the cluster; else they are those that the jobs write out.
func (v *visit) begin(ctx context.Context) (claims []claim, listed bool, err error) {
	var beginning sync.WaitGroup
	var store storage.Store
	beginning.Go(func() {
		v.look(ctx, AreaStore, "", lookOpens, v.Patience, func(ctx context.Context) []storage.Finding {
			s, err := v.Open(ctx)
			if err != nil {
				return one(gradeOf(err), lookOpens, "%v", err)
			}
			store = s
			return one(storage.Good, lookOpens, "%s", v.endpoint)
		})
	})
	beginning.Go(func() {
		bounded, cancel := context.WithTimeout(ctx, min(v.Patience, listPatience))
		defer cancel()
		claims, err = v.claims(bounded, v.sel)
	})
	beginning.Wait()
	switch {
	case err != nil && ExitCode(err) == ExitUsage:
		return nil, false, err
	case err != nil:
		v.add(AreaKafka, "", lookTopics, one(gradeOf(err), lookTopics, "%v", err)...)
		if claims, err = v.writtenOut(); err != nil {
			return nil, false, err
		}
	default:
		listed = true
	}
	v.addJobs(claims, listed)
	if v.well(lookOpens) {
		v.store = store
		// Before anything is tried: a root of another layout is left alone.
		v.look(ctx, AreaStore, "", lookRoot, v.Patience, v.examineRoot)
		if !v.well(lookRoot) {
			v.store = nil
		}
	}
	return claims, listed, nil
}

// well says whether a look was made and found nothing wrong.
func (v *visit) well(look string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.ContainsFunc(v.checks, func(c DoctorCheck) bool { return c.look == look && c.grade == storage.Good })
}

// writtenOut are the selected topics that jobs name literally: what is known without the cluster.
func (v *visit) writtenOut() ([]claim, error) {
	all, err := resolveClaims(v.cfg.Jobs, nil)
	if err != nil {
		return nil, usage(err)
	}
	return slices.DeleteFunc(all, func(c claim) bool {
		return len(v.sel.Jobs) > 0 && !slices.Contains(v.sel.Jobs, c.job.Name) || len(v.sel.Topics) > 0 && !slices.Contains(v.sel.Topics, c.topic)
	}), nil
}

// addJobs says what each selected job claims.
func (v *visit) addJobs(claims []claim, listed bool) {
	for _, j := range v.cfg.Jobs {
		if len(v.sel.Jobs) > 0 && !slices.Contains(v.sel.Jobs, j.Name) {
			continue
		}
		var topics []string
		for _, c := range claims {
			if c.job == j {
				topics = append(topics, c.topic)
			}
		}
		name := "job " + j.Name
		switch {
		case len(topics) > 0 && listed:
			v.add(AreaConfig, "", "jobs", one(storage.Good, name, "lifts %s", few(topics))...)
		case listed && len(v.sel.Topics) == 0:
			v.add(AreaConfig, "", "jobs", one(storage.Doubt, name, "no topic of the cluster is claimed by it: check topics and exclude, and whether the principal may describe them")...)
		case !listed:
			v.add(AreaConfig, "", "jobs", one(storage.Unseen, name, "which topics it lifts can be told once the cluster answers")...)
		}
	}
}

// look does one look, which adds what it finds. One that does not come back in time is left behind, and its store or cluster is
// unreachable: a system call on a mount whose server is gone cannot be ended by anybody.
func (v *visit) look(ctx context.Context, area, topic, name string, patience time.Duration, do func(context.Context) []storage.Finding) {
	bounded, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("no answer in %s", patience))
	defer cancel()
	done := make(chan []storage.Finding, 1)
	go func() { done <- do(bounded) }()
	giveUp := time.NewTimer(patience + patience/2)
	defer giveUp.Stop()
	select {
	case found := <-done:
		v.add(area, topic, name, found...)
	case <-giveUp.C:
		v.add(area, topic, name, one(storage.Absent, name, "it hangs: no answer in %s, and the attempt could not be ended", patience+patience/2)...)
	}
}

func (v *visit) add(area, topic, look string, found ...storage.Finding) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, f := range found {
		v.checks = append(v.checks, DoctorCheck{area, topic, f.Name, f.Grade.String(), strings.Join(strings.Fields(f.Detail), " "), f.Grade, look})
	}
}

// report puts the checks in order: areas, topics, looks, and within a look as it told them.
func (v *visit) report() *DoctorReport {
	v.mu.Lock()
	defer v.mu.Unlock()
	areas := []string{AreaConfig, AreaKafka, AreaRegistry, AreaStore, AreaTopic}
	slices.SortStableFunc(v.checks, func(a, b DoctorCheck) int {
		if a.Area != b.Area {
			return slices.Index(areas, a.Area) - slices.Index(areas, b.Area)
		}
		if a.Topic != b.Topic {
			return strings.Compare(a.Topic, b.Topic)
		}
		return slices.Index(looks, a.look) - slices.Index(looks, b.look)
	})
	return &DoctorReport{Checks: slices.Clone(v.checks)}
}

func one(grade storage.Grade, name, detail string, args ...any) []storage.Finding {
	return []storage.Finding{{Name: name, Grade: grade, Detail: fmt.Sprintf(detail, args...)}}
}

// gradeOf tells what a person must repair from what may pass.
func gradeOf(err error) storage.Grade {
	code := ExitCode(err)
	if code == ExitHalted || code == ExitUsage || isPermission(err) || errors.Is(err, extract.ErrAuth) || errors.Is(err, extract.ErrNotAuthorized) || errors.Is(err, extract.ErrNoTopic) ||
		errors.Is(err, record.ErrNoSchema) {
		return storage.Bad
	}
	return storage.Absent
}

// few writes the first names of a list.
func few(names []string) string {
	const most = 5
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
