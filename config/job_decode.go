package config

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// jobs reads the list of jobs over their defaults.
func (d *document) jobs(m *mapping) []*Job {
	defaults := d.mappingAt(m.values["defaults"], "job", "defaults")
	if m.has("defaults") {
		if defaults.has("name") {
			defaults.reject("name", "each job has its own name: it cannot stand under defaults")
		}
		d.job(defaults) // also what every job overrides must be right
	}
	n, w, ok := m.lookup("jobs")
	switch {
	case !ok:
		m.reject("jobs", "is missing: a document has at least one job")
		return nil
	case n.Kind != yaml.SequenceNode:
		d.report(w, "wants a list of jobs, each beginning with - name, not %s", describe(n))
		return nil
	case len(n.Content) == 0:
		d.report(w, "is empty: a document has at least one job")
		return nil
	}
	var jobs []*Job
	lines := map[string]int{}
	var claims []claim
	for i, node := range n.Content {
		jm := d.mappingAt(node, "job", "jobs["+strconv.Itoa(i)+"]")
		jm.fallback = defaults
		j := d.job(jm)
		d.naming(jm, j, lines)
		d.complete(jm, j)
		jobs = append(jobs, j)
		for _, it := range jm.list("topics") {
			claims = append(claims, claim{j, it})
		}
	}
	d.doubleClaims(jobs, claims)
	return jobs
}

// leastSpeed is the slowest that a job may be throttled to, in bytes per second.
const leastSpeed = 1 << 10

// job reads a job's keys one by one. What keys must be together is complete's matter: defaults need not be complete.
func (d *document) job(m *mapping) *Job {
	j := &Job{
		Line:     m.where.line,
		Name:     m.text("name", ""),
		Topics:   m.patterns("topics"),
		Exclude:  m.patterns("exclude"),
		Schedule: m.schedule("schedule"),
		Timezone: m.zone("timezone"),
		CatchUp:  m.duration("catch_up", day, 0),
		Jitter:   m.duration("jitter", 0, 0),
		Timeout:  m.duration("timeout", 0, 0),
		Folder:   m.folder("folder"),
		Value:    d.value(m.section("value")),
		Key:      d.keyValue(m.section("key")),
		Headers:  m.boolean("headers", false),
		Output:   d.output(m.section("output")),
		Policy:   d.policy(m.section("policy")),
	}
	j.Start = m.start("start", j.Timezone)
	j.Partition = d.partition(m.section("partition"), j.Timezone)
	every := m.section("commit_every")
	j.CommitEvery = CommitEvery{
		Bytes:    every.size("bytes", 10<<30, 1),
		Duration: every.duration("duration", 15*time.Minute, time.Millisecond),
	}
	limits := m.section("limits")
	j.Limits = Limits{
		Records:        limits.integer("records", 0, 0, 1<<62),
		Bytes:          limits.size("bytes", 0, 0),
		Duration:       limits.duration("duration", 0, 0),
		BytesPerSecond: limits.size("bytes_per_second", 0, 0),
	}
	if n := j.Limits.BytesPerSecond; n != 0 && n < leastSpeed {
		limits.reject("bytes_per_second", "%s is less than %s: a single batch of a producer would take minutes", FormatSize(n), FormatSize(leastSpeed))
	}
	retry := m.section("retry")
	j.Retry = Retry{Times: int(retry.integer("times", 5, 0, 1000)), Wait: retry.duration("wait", time.Minute, time.Second)}
	j.Complete = d.completeness(m.section("complete"))
	return j
}

var jobName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

func (d *document) naming(m *mapping, j *Job, lines map[string]int) {
	written := m.has("name")
	switch first, taken := lines[j.Name]; {
	case !written:
		m.reject("name", "is missing")
	case !jobName.MatchString(j.Name):
		m.reject("name", "%q is not a name of letters, digits, dots, dashes and underscores", clip(j.Name))
	case taken:
		m.reject("name", "%q is the job of line %d: names are unique", j.Name, first)
	default:
		_, w, _ := m.lookup("name")
		lines[j.Name] = w.line
	}
}

func (m *mapping) patterns(key string) []Pattern {
	var ps []Pattern
	for _, it := range m.list(key) {
		p, err := NewPattern(it.text)
		if err != nil {
			m.d.report(it.where, "%v", err)
			continue
		}
		ps = append(ps, p)
	}
	return ps
}

// NewPattern compiles a regular expression for names of topics.
func NewPattern(source string) (Pattern, error) {
	if source == "" {
		return Pattern{}, fmt.Errorf("is empty: it matches no topic")
	}
	bare, err := regexp.Compile(source)
	if err != nil {
		hint := ""
		if strings.HasPrefix(source, "*") {
			hint = "; it is a regular expression, where .* stands for anything"
		}
		return Pattern{}, fmt.Errorf("%q is not a regular expression: %s%s", clip(source), syntaxError(err), hint)
	}
	// The parsed form stands in the parentheses: an unclosed \Q of the source would swallow the one that closes.
	parsed, err := syntax.Parse(source, syntax.Perl)
	if err != nil {
		return Pattern{}, err
	}
	anchored, err := regexp.Compile("^(?:" + parsed.String() + ")$")
	if err != nil {
		return Pattern{}, fmt.Errorf("%q is not a regular expression: %s", clip(source), syntaxError(err))
	}
	p := Pattern{Source: source, Regexp: anchored}
	if name, whole := bare.LiteralPrefix(); whole {
		p.Literal = name
	}
	return p, nil
}

func syntaxError(err error) string {
	if e, ok := err.(*syntax.Error); ok {
		return e.Code.String()
	}
	return err.Error()
}

// A claim is a topic pattern of a job, and where it stands.
type claim struct {
	job *Job
	item
}

// doubleClaims reports topics that are written out in one job and claimed by another. Two patterns that meet are found when the
// names of topics are known.
func (d *document) doubleClaims(jobs []*Job, claims []claim) {
	reported := map[string]bool{}
	for _, c := range claims {
		p, err := NewPattern(c.text)
		if err != nil || p.Literal == "" || !c.job.Matches(p.Literal) || reported[p.Literal] {
			continue
		}
		for _, other := range jobs {
			if other != c.job && other.Matches(p.Literal) {
				d.report(c.where, "topic %s is claimed by the jobs %s and %s: exclude it from one of them", p.Literal, c.job.Name, other.Name)
				reported[p.Literal] = true
				break
			}
		}
	}
}

func (m *mapping) zone(key string) *time.Location {
	s := m.text(key, "UTC")
	loc, err := time.LoadLocation(s)
	if err != nil || s == "" || s == "Local" {
		m.reject(key, "%q is not a time zone such as UTC or Europe/Berlin", clip(s))
		return time.UTC
	}
	return loc
}

func (m *mapping) start(key string, zone *time.Location) Start {
	switch s := m.text(key, string(StartEarliest)); s {
	case string(StartEarliest), string(StartLatest):
		return Start{At: StartAt(s)}
	default:
		t, err := parseTime(s, zone)
		if err != nil {
			m.reject(key, "%q is not earliest, latest, or a time such as 2026-11-20T13:00:00Z", clip(s))
			return Start{At: StartEarliest}
		}
		return Start{At: StartTime, Time: t}
	}
}

// parseTime reads an RFC 3339 time, or a date, which is 00:00 in the zone.
func parseTime(s string, zone *time.Location) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return t, nil
	}
	return time.ParseInLocation(time.DateOnly, s, zone)
}

var folderVariable = regexp.MustCompile(`\{[^}]*\}?`)

// folder reads the template of a topic's folder.
func (m *mapping) folder(key string) string {
	s := m.text(key, "{topic}")
	for _, v := range folderVariable.FindAllString(s, -1) {
		if v != "{topic}" && v != "{topic.underscored}" {
			m.reject(key, "%s is no variable of a folder: {topic} and {topic.underscored} are", clip(v))
			return "{topic}"
		}
	}
	if err := checkFolder(s); err != nil {
		m.reject(key, "%v", err)
		return "{topic}"
	}
	return s
}

// checkFolder says what is wrong with a relative folder that readers of the lake shall find.
func checkFolder(s string) error {
	for part := range strings.SplitSeq(s, "/") {
		switch {
		case part == "" || part == "." || part == "..":
			return fmt.Errorf("%q has an empty or dotted part", clip(s))
		case strings.HasPrefix(part, "_") || strings.HasPrefix(part, "."):
			return fmt.Errorf("%q has a part that begins with %c: readers do not see such folders", clip(s), part[0])
		case len(part) > 255:
			return fmt.Errorf("%q has a part of more than 255 bytes", clip(s))
		case strings.ContainsAny(part, "\\:*?\"<>|") || strings.ContainsFunc(part, func(r rune) bool { return r < ' ' || r == 0x7f }):
			return fmt.Errorf("%q has a character that not every store takes", clip(s))
		}
	}
	return nil
}
