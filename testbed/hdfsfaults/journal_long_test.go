//go:build long

package hdfsfaults_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"shadoof/offsets"
	"shadoof/storage/hdfs"
	"shadoof/testbed/hdfsbed"
	"shadoof/testbed/servers"
)

// TestOnlyWhatIsConfirmedIsTrue stops the journal while changes are on their way, and kills the active name node. That one had shown
// records, and refused others for their sake, that do not survive it. Who concludes from what he reads is wrong then, who confirms it
// first is not.
func TestOnlyWhatIsConfirmedIsTrue(t *testing.T) {
	c := servers.OwnHDFS(t, hdfsbed.Options{HA: true, Properties: manyHandlers})
	r := race(t, c, crew{workers: 3, committers: 2, processes: 1})
	r.progress(5)
	p := &phantoms{t: t, c: c, root: c.NewFolder(t)}
	p.store = openStore(t, c, p.root)
	const least, most = 4, 8
	events := 0
	for events < least || p.wrong == 0 && events < most {
		events++
		p.event(events)
		r.progress(5)
	}
	t.Logf("%d events: a record that was read was another's in the end in %d, of %d reads %d were confirmed; a writer sent its record again in %d",
		events, p.wrong, p.asked, p.durable, p.resent)
	if p.wrong == 0 {
		t.Error("each record that was read has survived: this test shows nothing")
	}
	if p.resent == 0 {
		t.Error("no writer found its slot empty again")
	}
	r.end()
}

// phantoms makes records that are seen and then are not there.
type phantoms struct {
	t     *testing.T
	c     *hdfsbed.Cluster
	root  string
	store *hdfs.Store

	wrong, asked, durable, resent int
}

// event stalls the journal while a writer's record is on its way to slot v. The record is seen, and somebody confirms it; then the name
// node dies. Every other time another writer comes to the slot before the first one finds out.
func (p *phantoms) event(v int) {
	t, c := p.t, p.c
	t.Helper()
	ctx := bounded(t, 2*time.Minute)
	slot := offsets.LogName("phantoms", int64(v))
	var verdicts [2]verdict
	g := newGate("rename2")
	first := &worker{name: "first", topic: "phantoms", store: g.open(t, c, p.root), tell: func(d verdict) { verdicts[0] = d }}
	second := &worker{name: "second", topic: "phantoms", store: openStore(t, c, p.root), tell: func(d verdict) { verdicts[1] = d }}

	var pending sync.WaitGroup
	pending.Go(func() { first.propose(ctx, int64(v)) })
	g.reached(t)
	is, other := active(t, c)
	must(t, c.JournalNode(1).Pause())
	// What is written first is on the journal's wire already, and may survive; what comes after it waits in the name node.
	stalled, give := context.WithCancel(ctx)
	defer give()
	here, err := c.FS(hdfsbed.User).Here(ctx)
	must(t, err)
	filler := fmt.Sprintf("%s/filler-%d", p.root, v)
	pending.Go(func() { _ = here.MkdirAll(stalled, filler, "755") })
	await(t, func() bool { _, err := here.Stat(ctx, filler); return err == nil })
	g.pass()

	var seen entry
	await(t, func() bool { seen, err = read(ctx, p.store, slot); return err == nil })
	confirmed := make(chan string, 1)
	pending.Go(func() {
		id, _ := (&worker{topic: "phantoms", store: p.store}).durable(ctx, slot)
		confirmed <- id
	})
	pause(ctx, 300*time.Millisecond) // for more to be on its way
	contended := v%2 == 1
	if contended {
		g.lock()
	}
	must(t, c.NameNode(is).Kill(), c.JournalNode(1).Resume(), c.Activate(ctx, other))
	if contended {
		second.propose(ctx, int64(v))
		g.unlock()
	}
	said := <-confirmed
	give()
	pending.Wait()
	rejoin(t, c, is)

	owner, err := second.durable(ctx, slot)
	must(t, err)
	p.judge(v, owner, seen.ID, said, verdicts[:])
}

// judge compares with the owner of slot v what was read of it, what was confirmed ("" is nothing), and what the writers concluded.
func (p *phantoms) judge(v int, owner, seen, said string, verdicts []verdict) {
	t := p.t
	t.Helper()
	winners := 0
	for _, d := range verdicts {
		if d.Worker != "" && d.Owner != owner {
			t.Errorf("slot %d: %s concluded that it is %s's, and it is %s's", v, d.Worker, d.Owner, owner)
		}
		if d.Worker != "" && d.Owner == d.ID {
			winners++
		}
	}
	if winners != 1 {
		t.Errorf("slot %d has %d winners: %+v", v, winners, verdicts)
	}
	if verdicts[0].Unclear == 0 {
		t.Errorf("slot %d: the first writer had an answer: %+v", v, verdicts[0])
	}
	if said != "" && said != owner {
		t.Errorf("slot %d was confirmed as %s's, and is %s's", v, said, owner)
	}
	p.asked++
	if said != "" {
		p.durable++
	}
	if verdicts[0].Resent {
		p.resent++
	}
	if owner != seen {
		p.wrong++
	}
	t.Logf("slot %d: read %s, confirmed %q, in the end %s; the first writer sent it %d times", v, seen, said, owner, verdicts[0].Puts)
}

// await asks again and again, for half a minute.
func await(t *testing.T, is func() bool) {
	t.Helper()
	ctx := bounded(t, 90*time.Second) // a process that finds a hung name node first pays 20 s for it
	for !is() {
		pause(ctx, 5*time.Millisecond)
		if ctx.Err() != nil {
			t.Fatal("it does not come about")
		}
	}
}
