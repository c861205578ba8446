//go:build long

// Package power_test runs the real binary on a real file system whose power is cut.
package power_test

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shadoof/testbed/produce"
	"shadoof/testbed/product"
	"shadoof/testbed/readers"
	"shadoof/testbed/servers"
)

const cuts = 25

// TestTheDiskForgetsWhatWasNotSynced: otherwise the other test would show nothing.
func TestTheDiskForgetsWhatWasNotSynced(t *testing.T) {
	d := newDisk(t)
	synced, lost := filepath.Join(d.folder, "synced"), filepath.Join(d.folder, "lost")
	if err := os.WriteFile(synced, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := tool("sync", "-f", d.folder); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(lost, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	d.lose(t)
	if _, err := os.Stat(synced); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(lost); !os.IsNotExist(err) {
		t.Errorf("a file that was not synced survived: %v", err)
	}
}

// lose cuts the power and starts the disk again.
func (d *disk) lose(t *testing.T) {
	t.Helper()
	if err := d.cutPower(); err != nil {
		t.Fatal(err)
	}
	if err := d.unmount(); err != nil {
		t.Fatal(err)
	}
	if err := d.mount(); err != nil {
		t.Fatal(err)
	}
}

// TestPowerCuts lets workers run in a loop on an ext4 file system, and shuts that down at any moment. After each time a fresh run must
// bring all to an end, and what a run had answered before must still be so.
func TestPowerCuts(t *testing.T) {
	seed := uint64(rand.Uint32())
	if text := os.Getenv("SEED"); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		seed = n
	}
	t.Logf("SEED=%d", seed)
	chance := rand.New(rand.NewPCG(seed, 1))
	d := newDisk(t)
	brokers := servers.Kafka(t).Brokers()
	topic, err := produce.PlainTopic(t.Context(), brokers, produce.Spec{Topic: produce.Name("power"), Records: 120_000, Partitions: 2, Span: 3 * time.Hour, Padding: 100, DigestOnly: true,
		Configs: map[string]string{"max.message.bytes": "16384"}}) // small batches: limits of records count in them
	if err != nil {
		t.Fatal(err)
	}
	// A store that is not there yet: its folder, too, is made while the power fails.
	root := product.LocalIn(filepath.Join(d.folder, "data", "lake"))
	const small = "output: {target_size: 32KiB}\ncommit_every: {bytes: 30KiB}\n"
	j := product.NewJob(t, brokers, root, topic.Topic, "orphan_age: 1ms\n", small+"limits: {records: 600}")
	l := &life{t: t, d: d, j: j}
	for range cuts {
		l.live(time.Duration(20+chance.IntN(1500))*time.Millisecond, chance.IntN(4) == 0 && l.version > 0)
	}
	t.Logf("%d power cuts: %d processes were cut off, %d had ended before; the log is at version %d", cuts, l.cutOff, l.ended, l.version)
	if l.cutOff < cuts {
		t.Errorf("only %d processes were cut off in %d power cuts", l.cutOff, cuts)
	}
	all := product.NewJob(t, brokers, root, topic.Topic, "orphan_age: 1ms\n", "")
	all.Must(t, 0, "run")
	all.Must(t, 0, "verify", "--deep")
	all.Must(t, 0, "gc")
	if n := root.Staged(t); n != 0 {
		t.Errorf("%d staged files are left after gc", n)
	}
	got, err := servers.Readers(t).Digest(t.Context(), readers.Query{Reader: readers.PyArrow, Folder: root.Folder(t, topic.Topic)})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(topic.Digest, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// A life of a disk is from one power cut to the next.
type life struct {
	t       *testing.T
	d       *disk
	j       *product.Job
	version int64 // of the log, by the newest answer
	ended   int   // runs that have answered before the power was cut
	cutOff  int   // processes that had not

	mu sync.Mutex // guards the three above while workers run
}

// live lets two workers run for so long, one of them replacing what is there if it is asked to, cuts the power, and lets a fresh run look.
func (l *life) live(span time.Duration, replace bool) {
	l.t.Helper()
	binary := product.Release(l.t)
	ctx, cut := context.WithCancel(l.t.Context())
	defer cut()
	var workers sync.WaitGroup
	for n := range 2 {
		args := []string{"run", "--json"}
		if replace && n == 1 {
			args = []string{"backfill", "--topic", l.j.Topic, "--from", "earliest", "--replace"}
		}
		workers.Go(func() { l.work(ctx, binary, args) })
	}
	<-time.After(span)
	if err := l.d.cutPower(); err != nil {
		l.t.Error(err)
	}
	cut()
	workers.Wait()
	if err := l.d.unmount(); err != nil {
		l.t.Fatal(err)
	}
	if err := l.d.mount(); err != nil {
		l.t.Fatal(err)
	}
	// What Publish had begun may have to be rebuilt: the file is looked for, for a while, before it counts as lost.
	o := l.j.Run(l.t, binary, nil, "run", "--json")
	if o.Code != 0 {
		l.t.Fatalf("after a power cut a run exits %d\n%s%s", o.Code, o.Stdout, o.Stderr)
	}
	r := report(l.t, o.Stdout)
	if r.FromVersion < l.version {
		l.t.Fatalf("a run had answered that the log is at version %d; after a power cut it is at %d", l.version, r.FromVersion)
	}
	l.version = r.Version
	l.j.Must(l.t, 0, "verify")
}

// work runs the product again and again until the power is cut: then it is killed.
func (l *life) work(ctx context.Context, binary string, args []string) {
	for ctx.Err() == nil {
		cmd := exec.CommandContext(ctx, binary, append([]string{"--config", l.j.Config}, args...)...)
		out, err := cmd.Output()
		l.mu.Lock()
		switch {
		case ctx.Err() != nil:
			l.cutOff++
		case err == nil:
			if l.ended++; args[0] == "run" {
				l.version = max(l.version, report(l.t, string(out)).Version)
			}
		}
		l.mu.Unlock()
	}
}

type answer struct {
	FromVersion int64 `json:"from_version"`
	Version     int64 `json:"version"`
	Unpublished int   `json:"unpublished"`
}

// report is what a run says of its topic.
func report(t *testing.T, text string) answer {
	var r struct{ Topics []answer }
	if err := json.Unmarshal([]byte(text), &r); err != nil || len(r.Topics) != 1 {
		t.Errorf("%v in %s", err, text)
		return answer{}
	}
	return r.Topics[0]
}
