package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"shadoof/internal/ui"
	"shadoof/jobs"
)

// look shows what lies in the lake now, and what to try next.
func (d *demo) look(ctx context.Context) error {
	commits, err := d.commits(ctx)
	if err != nil {
		return err
	}
	rows := map[string]int64{}
	files, err := lines[jobs.FileInfo](ctx, d, "files", "--topic", demoTopic)
	if err != nil {
		return err
	}
	for _, f := range files {
		rows[f.Bucket] += f.Rows
	}
	d.say("5  What is there, after %s in the commit log", ui.Plural(len(commits), "record"))
	d.say("   %s/", d.short(filepath.Join(d.dir, "lake", demoTopic)))
	if err := d.tree(rows); err != nil {
		return err
	}
	d.say("   %s/", d.short(filepath.Join(d.dir, "lake", "_shadoof")))
	d.say("     the commit log, the broken records in quarantine, and %s of the killed run, which gc discards after a day", ui.Plural(len(d.staged()), "staged file"))
	if err := d.explain(ctx, files); err != nil {
		return err
	}
	d.say("\nTry next")
	for _, c := range []string{"commits list --topic " + demoTopic, "files --topic " + demoTopic, "inspect " + demoTopic + "/1@100", "verify"} {
		d.say("   $ %s", d.command(c))
	}
	d.say(`   $ duckdb -c "select country, count(*) from '%s/**/*.parquet' group by 1"`, d.short(filepath.Join(d.dir, "lake", demoTopic)))
	d.say("   Your own topics: copy %s, and begin with config check and plan;", d.short(filepath.Join(d.dir, "shadoof.yaml")))
	d.say("   offsets import goes on where another tool stopped, offsets mirror shows lag tools how far runs came.")
	return nil
}

// explain looks at a broken record in Kafka, and at where it went: the first of partition 0 that a quarantine file holds.
func (d *demo) explain(ctx context.Context, files []jobs.FileInfo) error {
	for _, f := range files {
		if f.Kind != string(jobs.InspectQuarantine) || len(f.Ranges) == 0 {
			continue
		}
		partition, offset := f.Ranges[0].Partition, f.Ranges[0].First
		d.say("\n6  Look closer: a broken record in Kafka, and where it went")
		if err := d.show(ctx, 4, "peek", "--topic", demoTopic, "--partition", strconv.Itoa(int(partition)), "--offset", strconv.FormatInt(offset, 10), "-n", "1"); err != nil {
			return err
		}
		return d.show(ctx, 4, "inspect", jobs.OffsetName{Topic: demoTopic, Partition: partition, Offset: offset}.String())
	}
	return nil
}

// show runs a command and shows what it prints, the first lines of it.
func (d *demo) show(ctx context.Context, most int, args ...string) error {
	out, err := d.output(ctx, args...)
	if err != nil {
		return err
	}
	d.say("   $ %s", d.command(strings.Join(args, " ")))
	for line := range strings.Lines(string(out)) {
		if most--; most < 0 {
			break
		}
		d.say("     %s", strings.TrimSuffix(line, "\n"))
	}
	return nil
}

// tree shows the time folders of the topic, with what the file system says and how many rows there are.
func (d *demo) tree(rows map[string]int64) error {
	top := filepath.Join(d.dir, "lake", demoTopic)
	day := ""
	return filepath.WalkDir(top, func(name string, e fs.DirEntry, err error) error {
		if err != nil || !e.IsDir() {
			return err
		}
		count, bytes, err := filesIn(name)
		if err != nil || count == 0 {
			return err
		}
		bucket, err := filepath.Rel(top, name)
		if err != nil {
			return err
		}
		if now, _, _ := strings.Cut(bucket, "/"); now != day {
			day = now
			d.say("     %s/", day)
		}
		d.say("       %-8s %10s %9s %14s", strings.TrimPrefix(bucket, day+"/")+"/", ui.Plural(count, "file"), ui.Bytes(bytes), ui.Plural(rows[bucket], "row"))
		return nil
	})
}

// filesIn counts the files of a folder.
func filesIn(dir string) (count int, bytes int64, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0, 0, err
	}
	for _, e := range entries {
		if e.IsDir() {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return 0, 0, fmt.Errorf("look at %s: %w", e.Name(), err)
		}
		count++
		bytes += info.Size()
	}
	return count, bytes, nil
}

// short is a name as seen from the working directory.
func (d *demo) short(name string) string {
	if wd, err := os.Getwd(); err == nil {
		if rel, err := filepath.Rel(wd, name); err == nil && !strings.HasPrefix(rel, "..") {
			return rel
		}
	}
	return name
}
