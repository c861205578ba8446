package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"shadoof/internal/ui"
	"shadoof/jobs"
	"shadoof/storage"
)

func (a *app) newDoctorCommand() *cobra.Command {
	var patience time.Duration
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Prove that brokers, topics, permissions and the store are fit",
		Long: `Doctor looks at everything that a run of the selected jobs depends on: every broker, certificates, authentication, protocol versions,
clocks; every topic, its permissions, and its settings against the schedule; the store's permissions, its set-up, and its contract, with
real races over many connections. Each line says what was found and, where something is wrong, what to do. It produces nothing to
Kafka; on the store it makes probe objects below _shadoof/probe/ and removes them. Where the root is new and the store fit, it writes
_shadoof/store.json, as the first run would. The table has no secrets in it: paste it into a ticket.`,
		Example: "  shadoof doctor\n  shadoof doctor --topic tracking.page-view --json | jq '.checks[] | select(.grade != \"ok\")'",
		Annotations: exits(exitLine{jobs.ExitDone, "nothing is wrong; there may be doubts"}, exitLine{jobs.ExitFailed, "something is unreachable; try again"},
			exitLine{jobs.ExitUsage, ""}, exitLine{jobs.ExitHalted, "something is unfit: a person must repair it"}),
		Args: cobra.NoArgs,
		RunE: a.action(func(ctx context.Context, _ []string) error {
			if patience <= 0 {
				return usagef("--patience %s: want a time such as 10s", patience)
			}
			cfg, err := a.load()
			if err != nil {
				return err
			}
			env, doctors, done := a.connectDoctor(cfg)
			doctors.Patience = patience
			defer done()
			report, err := env.Doctor(ctx, doctors, a.sel)
			if err != nil {
				return err
			}
			d := a.examined(report)
			if err := a.print(d, func(w io.Writer) error { return d.print(w) }); err != nil {
				return err
			}
			return status(report.ExitCode())
		}),
	}
	a.selectJobs(cmd)
	cmd.Flags().DurationVar(&patience, "patience", 30*time.Second, "how long one look may take; what takes longer is unreachable")
	return cmd
}

// An examination is what `doctor` prints as JSON.
type examination struct {
	Shadoof build     `json:"shadoof"`
	Host    string    `json:"host"`
	Time    time.Time `json:"time"`
	Config  string    `json:"config"`
	*jobs.DoctorReport
	Summary map[string]int `json:"summary"` // checks by grade
	Exit    int            `json:"exit"`
}

var grades = []storage.Grade{storage.Good, storage.Unseen, storage.Doubt, storage.Bad, storage.Absent}

func (a *app) examined(r *jobs.DoctorReport) examination {
	e := examination{thisBuild(), hostname(), time.Now().UTC().Truncate(time.Second), a.configFile, r, map[string]int{}, r.ExitCode()}
	for _, g := range grades {
		e.Summary[g.String()] = r.Count(g)
	}
	return e
}

// manyTopics is from how many topics on those without a fault take one line each.
const manyTopics = 8

func (e examination) print(w io.Writer) error {
	if _, err := fmt.Fprintf(w, "shadoof %s (%s, %s) on %s, %s, %s\n\n", e.Shadoof, e.Shadoof.Go, e.Shadoof.Platform, e.Host, ui.Time(e.Time), e.Config); err != nil {
		return err
	}
	checks := e.Checks
	if topics := topicsOf(checks); len(topics) >= manyTopics {
		checks = brief(checks, topics)
	}
	t := ui.NewTable("AREA", "CHECK", "RESULT", "DETAIL")
	last := ""
	for _, c := range checks {
		area := c.Area
		if c.Topic != "" {
			area = c.Topic
		}
		shown := area
		if area == last {
			shown = ""
		}
		last = area
		t.Row(shown, c.Name, mark(c.Grade), c.Detail)
	}
	if err := t.Print(w); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%s\n", e.summary())
	return err
}

// mark makes what needs a look stand out.
func mark(grade string) string {
	switch grade {
	case storage.Bad.String(), storage.Absent.String():
		return strings.ToUpper(grade)
	}
	return grade
}

func (e examination) summary() string {
	parts := []string{}
	for _, g := range grades {
		if n := e.Summary[g.String()]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, g))
		}
	}
	verdict := "fit"
	switch {
	case e.Exit == jobs.ExitHalted:
		verdict = "unfit: repair what is BAD"
	case e.Exit == jobs.ExitFailed:
		verdict = "not all could be reached: try again"
	case e.Summary[storage.Doubt.String()] > 0:
		verdict = "fit; read what is doubtful"
	}
	return fmt.Sprintf("%s: %s; %s", ui.Plural(len(e.Checks), "check"), strings.Join(parts, ", "), verdict)
}

func topicsOf(checks []jobs.DoctorCheck) (topics []string) {
	for _, c := range checks {
		if c.Topic != "" && !slices.Contains(topics, c.Topic) {
			topics = append(topics, c.Topic)
		}
	}
	return topics
}

// brief leaves out what is ok of topics, and says of a topic where all is that it is.
func brief(checks []jobs.DoctorCheck, topics []string) (out []jobs.DoctorCheck) {
	good := storage.Good.String()
	total, wrong := map[string]int{}, map[string]int{}
	for _, c := range checks {
		total[c.Topic]++
		if c.Grade != good {
			wrong[c.Topic]++
		}
	}
	told := map[string]bool{}
	for _, c := range checks {
		switch {
		case c.Topic == "" || c.Grade != good:
			out = append(out, c)
		case wrong[c.Topic] == 0 && !told[c.Topic]:
			told[c.Topic] = true
			c.Name, c.Detail = "all", ui.Plural(total[c.Topic], "check")+"; `shadoof doctor --topic "+c.Topic+"` shows each"
			out = append(out, c)
		}
	}
	return out
}
