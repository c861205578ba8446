package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"shadoof/config"
	"shadoof/internal/admin"
	"shadoof/jobs"
)

func (a *app) newServeCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "Run the jobs by their schedules, until a signal",
		Long: `Serve starts a run of each job when its schedule says so, in the job's timezone, and answers HTTP at admin.listen: a status page at /,
/metrics, /healthz, /readyz, and /api/v1/status. With admin.token_file a run can be asked for:

  curl -X POST -H "Authorization: Bearer $(cat token)" http://127.0.0.1:8080/api/v1/jobs/JOB/run

A run is what ` + "`shadoof run --job JOB`" + ` does: it may also be started by hand, by cron, or by a second serve at any time. A job that is still
running when it is due again is not started twice. What a machine slept through, or was missed while nothing served, is made up by one
run, if it was due within catch_up. What the clock skips in spring runs once, right after; what it shows twice in autumn runs once.
What fails does not end serve: the topics that failed are tried again after retry.wait, then twice that, retry.times times at most, and
by the next run; those that halted wait for a person. ` + "`shadoof config check`" + ` shows when each job runs next.

The configuration is read once: to change it, start serve again. SIGTERM and SIGINT end it: no run begins, and those that are under way
stop reading and commit what is staged, if that fits in shutdown_grace. A second signal ends the process at once, with status 130 or
143; both are safe.`,
		Example: `  shadoof serve
  shadoof serve --log-format json --config /etc/shadoof/shadoof.yaml`,
		Annotations: exits(
			exitLine{jobs.ExitDone, "stopped by a signal; how runs ended is in the log"},
			exitLine{jobs.ExitFailed, "the HTTP server failed, or the store could not be opened; try again"},
			exitLine{jobs.ExitUsage, "wrong usage or configuration, two jobs on one topic, admin.listen is taken; nothing was lifted: fix it"},
			exitLine{jobs.ExitUnknown, "stopped while the fate of a commit was unknown; the next run finds out: start it again"}),
		Args: cobra.NoArgs,
		RunE: a.action(func(ctx context.Context, _ []string) error { return a.serve(ctx) }),
	}
}

func (a *app) serve(ctx context.Context) error {
	cfg, err := a.load()
	if err != nil {
		return err
	}
	if err := a.checkServing(cfg); err != nil {
		return err
	}
	var scheduler *jobs.Scheduler
	status := func() admin.Status { return scheduler.Status() }
	registry := prometheus.NewRegistry()
	metrics := admin.NewMetrics(registry, status)
	a.traffic = metrics.Kafka()
	server, err := admin.Listen(ctx, admin.Options{
		Listen: cfg.Admin.Listen, Token: cfg.Admin.Token.Reveal(), Status: status, Gatherer: registry, Run: func(job string) error { return scheduler.RunNow(job) }, Log: a.log,
	})
	if err != nil {
		return usage(err)
	}
	defer func() { _ = server.Close() }() // when Serve was not called; after it there is nothing to close
	progress, stop := a.progress()
	defer stop()
	env, done, err := a.connect(ctx, cfg, measured{progress, metrics})
	if err != nil {
		return err
	}
	defer done()
	if scheduler, err = jobs.NewScheduler(env, metrics.RunEnded, metrics.Forget); err != nil {
		return err
	}
	for _, j := range cfg.Jobs {
		metrics.Begin(j.Name)
	}
	a.log.Info("serving", "jobs", len(cfg.Jobs), "http", server.Addr(), "actions", cfg.Admin.Token != "", "build", thisBuild().String())
	err = a.serveBoth(ctx, cfg, env, scheduler, server)
	a.log.Info("stopped")
	return err
}

// serveBoth answers HTTP for as long as runs are started, and until the last of them has ended. No run begins before the claims of the jobs
// were looked at, or Kafka has not answered for a while; then they are looked at when it does.
func (a *app) serveBoth(ctx context.Context, cfg *config.Config, env *jobs.Env, scheduler *jobs.Scheduler, server *admin.Server) error {
	return answerAndLift(ctx, a.stop.hard, cfg.ShutdownGrace, server.Serve, func(ctx, hard context.Context, end func()) error {
		checked, err := a.checkClaims(ctx, env)
		if err != nil {
			return err
		}
		var g errgroup.Group
		if !checked {
			g.Go(func() error {
				err := checkClaimsLater(ctx, env.CheckClaims)
				if err != nil {
					end()
				}
				return err
			})
		}
		g.Go(func() error { return scheduler.Run(ctx, hard) })
		return g.Wait()
	})
}

// answerAndLift answers while it lifts. Where one of the two ends, or lift asks for the end, the lifting is told to stop, and ends grace later at
// the latest, as at a signal.
func answerAndLift(ctx, hard context.Context, grace time.Duration, answer func(context.Context) error, lift func(ctx, hard context.Context, end func()) error) error {
	ctx, endRuns := context.WithCancel(ctx)
	defer endRuns()
	hard, release := endingAfter(ctx, hard, grace)
	defer release()
	answering, endAnswers := context.WithCancel(context.WithoutCancel(ctx))
	var g errgroup.Group
	g.Go(func() error {
		defer endRuns() // nobody could see what it does
		return answer(answering)
	})
	g.Go(func() error {
		defer endAnswers()
		return lift(ctx, hard, endRuns)
	})
	return g.Wait()
}

// endingAfter is hard, but ends no later than grace after soft. release gives back what that takes.
func endingAfter(soft, hard context.Context, grace time.Duration) (ctx context.Context, release func()) {
	ctx, end := context.WithCancel(hard)
	forget := context.AfterFunc(soft, func() {
		timer := time.NewTimer(grace)
		defer timer.Stop()
		select {
		case <-timer.C:
			end()
		case <-ctx.Done():
		}
	})
	return ctx, func() {
		forget()
		end()
	}
}

// checkServing finds what keeps the jobs of a configuration from being served, without a look at the cluster.
func (a *app) checkServing(cfg *config.Config) error {
	if problems := compileProblems(a.configFile, cfg); len(problems) > 0 {
		return usage(problems)
	}
	if cfg.Admin.Token == "" && !slices.ContainsFunc(cfg.Jobs, func(j *config.Job) bool { return j.Schedule != "" }) {
		return usagef("no job has a schedule, and without admin.token_file none can be asked to run: give the jobs a schedule, such as \"7 * * * *\"")
	}
	return nil
}

// patienceAtStart is how long serve waits for Kafka before it begins: what is wrong with its topics should stop it then. A cluster that is
// away comes back while it serves.
const patienceAtStart = 20 * time.Second

// checkClaims says whether the claims of the jobs are known to be right; the error is that they are not.
func (a *app) checkClaims(ctx context.Context, env *jobs.Env) (checked bool, err error) {
	asking, cancel := context.WithTimeout(ctx, patienceAtStart)
	defer cancel()
	err = env.CheckClaims(asking)
	switch {
	case err == nil || ctx.Err() != nil:
		return true, nil // told to stop: there is nothing to check any more
	case jobs.ExitCode(err) == jobs.ExitUsage:
		return false, err
	case errors.Is(err, context.DeadlineExceeded):
		a.log.Warn("kafka does not answer: runs will try again", "waited", patienceAtStart.String())
	default:
		a.log.Warn("kafka does not answer: runs will try again", "error", err)
	}
	return false, nil
}

// checkClaimsLater waits until Kafka has said which topics there are. Runs look at the claims themselves: a job that is served although it
// can never run would be found by nobody.
func checkClaimsLater(ctx context.Context, check func(context.Context) error) error {
	ticker := time.NewTicker(patienceAtStart)
	defer ticker.Stop()
	for {
		err := check(ctx)
		switch {
		case err == nil || ctx.Err() != nil:
			return nil
		case exitCode(err) == jobs.ExitUsage:
			return err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// measured is progress that metrics count as well.
type measured struct {
	jobs.Progress
	metrics *admin.Metrics
}

func (c measured) Add(topic string, records, bytes int64) {
	c.metrics.Read(topic, records, bytes)
	c.Progress.Add(topic, records, bytes)
}

func (c measured) End(r *jobs.TopicReport) {
	c.metrics.TopicEnded(topicFigures(r))
	c.Progress.End(r)
}
