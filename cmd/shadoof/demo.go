package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"shadoof/internal/kafkatest"
	"shadoof/internal/ui"
	"shadoof/jobs"
)

const demoTopic = "tracking.page-view"

func (a *app) newDemoCommand() *cobra.Command {
	var dir string
	var records int
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "See exactly-once at work; needs nothing",
		Long: `Demo starts a Kafka inside the process, produces sample events, runs a job into a local folder, kills that run half way with SIGKILL, runs
again, and verifies that every event is there once. It leaves the folder and a configuration, to look at with other commands.`,
		Example:     "  shadoof demo --dir /tmp/demo --records 500000",
		Annotations: exits(exitLine{jobs.ExitDone, "every event is there once"}, exitLine{jobs.ExitFailed, "something did not work"}, exitLine{jobs.ExitUsage, ""}, exitLine{jobs.ExitHalted, "there is a difference"}),
		Args:        cobra.NoArgs,
		RunE: a.action(func(ctx context.Context, _ []string) error {
			if records < 1000 || records > 5_000_000 {
				return usagef("--records %d: want 1000 to 5000000", records)
			}
			return a.demo(ctx, dir, records)
		}),
	}
	cmd.Flags().StringVar(&dir, "dir", "shadoof-demo", "`folder` to make; it must not exist, or be empty")
	cmd.Flags().IntVar(&records, "records", 200_000, "how many `events` to produce")
	return cmd
}

// A demo is one showing. What it tells goes to out.
type demo struct {
	app     *app
	out     io.Writer
	dir     string
	exe     string
	cluster *kafkatest.Cluster
	report  demoReport
}

// demoReport is what `demo --json` prints.
type demoReport struct {
	Dir         string `json:"dir"`
	Topic       string `json:"topic"`
	Produced    int    `json:"produced"` // events that a reader may see, broken ones included
	Broken      int    `json:"broken"`
	Aborted     int    `json:"aborted"`
	Killed      bool   `json:"killed"` // the first run, before it was done
	RowsAtKill  int64  `json:"rows_at_kill"`
	StagedFiles int    `json:"staged_files_at_kill"`
	Rows        int64  `json:"rows"`
	Quarantined int64  `json:"quarantined"`
	Files       int    `json:"files"`
	Accounted   bool   `json:"accounted"`
}

func (a *app) demo(ctx context.Context, dir string, records int) error {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	if old, err := os.ReadDir(abs); err == nil && len(old) > 0 {
		return usagef("%s is not empty: name another folder with --dir", dir)
	}
	exe, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	d := &demo{app: a, out: a.stdout, dir: abs, exe: exe, report: demoReport{Dir: abs, Topic: demoTopic}}
	if a.json {
		d.out = io.Discard
	}
	d.cluster, err = kafkatest.Start(kafkatest.Options{Topics: map[string]int{demoTopic: demoPartitions}})
	if err != nil {
		return err
	}
	defer d.cluster.Close()
	d.say("Shadoof lifts Kafka topics into a lake, exactly once. Kafka runs inside this process; the lake is a folder.\n")
	for _, step := range []func(context.Context) error{
		func(ctx context.Context) error { return d.produce(ctx, records) },
		d.runAndKill,
		d.runAgain,
		d.verify,
		d.look,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	if a.json {
		return ui.Document(a.stdout, d.report)
	}
	return nil
}

func (d *demo) say(format string, args ...any) { fmt.Fprintf(d.out, format+"\n", args...) }

func (d *demo) produce(ctx context.Context, records int) error {
	if err := d.writeFiles(records); err != nil {
		return err
	}
	e := newEvents(records, time.Now())
	began := time.Now()
	if err := e.produce(ctx, d.cluster); err != nil {
		return err
	}
	d.report.Produced, d.report.Broken, d.report.Aborted = records, e.broken, e.aborted
	d.say("1  Produce")
	d.say("   %s over three hours to the topic %s, %d partitions, in %s.", ui.Plural(records, "JSON event"), demoTopic, demoPartitions, ui.Duration(time.Since(began)))
	d.say("   %s of them in a transaction, and %s broken: no JSON.", ui.Count(int64(e.committed)), ui.Count(int64(e.broken)))
	d.say("   %s more in a transaction that was aborted: nobody may ever see those.\n", ui.Count(int64(e.aborted)))
	return nil
}

// runAndKill starts a run in a process of its own and kills it when it has committed something and staged more.
func (d *demo) runAndKill(ctx context.Context) error {
	d.say("2  Run, and kill the run half way")
	d.say("   $ %s", d.command("run"))
	cmd, output := d.child(ctx, "run", "--json")
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start a run: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	err := d.killHalfWay(cmd.Process, ended)
	took := time.Since(began)
	if err != nil {
		return fmt.Errorf("run: %w\n%s", err, output)
	}
	commits, err := d.commits(ctx)
	if err != nil {
		return err
	}
	files, versions := 0, 0
	for _, c := range commits {
		if c.Files > 0 {
			versions++
		}
		d.report.RowsAtKill += c.Rows
		files += c.Files
	}
	d.report.StagedFiles = len(d.staged())
	if !d.report.Killed {
		d.say("   It was done after %s, before it could be killed: try --records %d.\n", ui.Duration(took), 10*d.report.Produced)
		return nil
	}
	d.say("   Killed (SIGKILL) after %s. By then it had made %s: %s, %s.", ui.Duration(took), ui.Plural(versions, "commit"), ui.Plural(files, "file"),
		ui.Plural(d.report.RowsAtKill, "row"))
	d.say("   %s it was still at lay staged under _shadoof: a reader of the topic's folder never sees those.\n", ui.Plural(d.report.StagedFiles, "more file"))
	return nil
}

// killHalfWay looks at the lake until a commit of the run is published and it goes on, and kills it then.
func (d *demo) killHalfWay(p *os.Process, ended <-chan error) error {
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for {
		select {
		case err := <-ended:
			return err
		case <-look.C:
			if !d.published() || len(d.staged()) == 0 {
				continue
			}
			if err := p.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
				return err
			}
			err := <-ended
			var exit *exec.ExitError
			if errors.As(err, &exit) && !exit.Exited() {
				d.report.Killed = true
				return nil
			}
			return err
		}
	}
}

func (d *demo) topicDir(parts ...string) string {
	return filepath.Join(append([]string{d.dir, "lake", "_shadoof", "topics", demoTopic}, parts...)...)
}

// published says whether the files of some commit are visible, all of them: what is staged then belongs to another.
func (d *demo) published() bool {
	names, _ := filepath.Glob(d.topicDir("pub", "0*"))
	return len(names) > 0
}

// staged lists staged files.
func (d *demo) staged() []string {
	var names []string
	_ = filepath.WalkDir(d.topicDir("staging"), func(name string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			names = append(names, name)
		}
		return nil // a folder that goes away while it is looked at is no surprise
	})
	return names
}

func (d *demo) runAgain(ctx context.Context) error {
	d.say("3  Run again")
	d.say("   $ %s", d.command("run"))
	for i, text := range []string{
		"It went on from the committed offsets: %s in %s, %s. Nothing was repeated.",
		"And once more: %s in %s, %s. There is nothing left to do.\n",
	} {
		var report jobs.RunReport
		if err := d.document(ctx, &report, "run"); err != nil {
			return err
		}
		if len(report.Topics) != 1 {
			return fmt.Errorf("a run reported %d topics, and there is one", len(report.Topics))
		}
		t := report.Topics[0]
		rows := ui.Plural(t.Rows, "row")
		if t.Quarantined > 0 {
			rows += fmt.Sprintf(" and %s that went to quarantine", ui.Plural(t.Quarantined, "broken record"))
		}
		if i == 0 && !d.report.Killed {
			continue
		}
		d.say("   "+text, rows, ui.Plural(t.Files, "file"), ui.Duration(time.Duration(t.Seconds*float64(time.Second))))
	}
	return nil
}

func (d *demo) verify(ctx context.Context) error {
	d.say("4  Verify: read every file back, account for every offset")
	d.say("   $ %s", d.command("verify --deep"))
	var report jobs.VerifyReport
	if err := d.document(ctx, &report, "verify", "--deep"); err != nil {
		return err
	}
	var table bytes.Buffer
	if err := printVerify(&table, &report); err != nil {
		return err
	}
	for line := range strings.Lines(table.String()) {
		d.say("   %s", strings.TrimSuffix(line, "\n"))
	}
	for _, t := range report.Topics {
		d.report.Files += t.Files
		for _, p := range t.Partitions {
			d.report.Rows += p.Rows
			d.report.Quarantined += p.Quarantined
		}
	}
	want := int64(d.report.Produced)
	d.report.Accounted = report.ExitCode() == 0 && d.report.Rows+d.report.Quarantined == want
	if !d.report.Accounted {
		return fmt.Errorf("%d events were produced, and %d rows and %d quarantined records are there", want, d.report.Rows, d.report.Quarantined)
	}
	d.say("   %s + %s quarantined = %s produced. Each event is there once, and no aborted one.\n", ui.Plural(d.report.Rows, "row"),
		ui.Count(d.report.Quarantined), ui.Count(want))
	return nil
}

// child prepares a process of this program with the demo's configuration; what it prints is collected.
func (d *demo) child(ctx context.Context, args ...string) (*exec.Cmd, *bytes.Buffer) {
	var output bytes.Buffer
	cmd := exec.CommandContext(ctx, d.exe, append([]string{"--config", filepath.Join(d.dir, "shadoof.yaml"), "--log-level", "warn"}, args...)...)
	cmd.Stdout, cmd.Stderr = &output, &output
	return cmd, &output
}

// output runs this program and returns what it prints.
func (d *demo) output(ctx context.Context, args ...string) ([]byte, error) {
	cmd, output := d.child(ctx, args...)
	var problems bytes.Buffer
	cmd.Stderr = &problems
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%s: %w\n%s%s", strings.Join(args, " "), err, output, &problems)
	}
	return output.Bytes(), nil
}

// document runs this program and decodes the JSON document that it prints.
func (d *demo) document(ctx context.Context, into any, args ...string) error {
	out, err := d.output(ctx, append(args, "--json")...)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(out, into); err != nil {
		return fmt.Errorf("%s: %w", strings.Join(args, " "), err)
	}
	return nil
}

// lines runs this program and decodes the JSON lines that it prints.
func lines[T any](ctx context.Context, d *demo, args ...string) ([]T, error) {
	out, err := d.output(ctx, append(args, "--json")...)
	if err != nil {
		return nil, err
	}
	var list []T
	for line := range bytes.Lines(out) {
		var v T
		if err := json.Unmarshal(line, &v); err != nil {
			return nil, fmt.Errorf("%s: %w", strings.Join(args, " "), err)
		}
		list = append(list, v)
	}
	return list, nil
}

func (d *demo) commits(ctx context.Context) ([]jobs.CommitSummary, error) {
	return lines[jobs.CommitSummary](ctx, d, "commits", "list", "--topic", demoTopic)
}

// command is a command line as a person types it.
func (d *demo) command(rest string) string {
	name := filepath.Join(d.dir, "shadoof.yaml")
	if wd, err := os.Getwd(); err == nil {
		if rel, err := filepath.Rel(wd, name); err == nil && !strings.HasPrefix(rel, "..") {
			name = rel
		}
	}
	return "shadoof --config " + name + " " + rest
}
