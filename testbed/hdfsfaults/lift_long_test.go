//go:build long

package hdfsfaults_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"shadoof/testbed/hdfsbed"
	"shadoof/testbed/produce"
	"shadoof/testbed/product"
	"shadoof/testbed/readers"
	"shadoof/testbed/servers"
)

// Many small commits and files, so that faults meet work under way; gc may collect at once.
const (
	small       = "output: {target_size: 16KiB}\ncommit_every: {bytes: 40KiB}"
	smallGlobal = "orphan_age: 1ms\n"
)

// documented are the exit codes of a run that tell a scheduler to run it again, or that there is nothing to do.
var documented = []int{0, 1, 3, 5}

// TestLiftsThroughFailovers runs workers of the real binary in loops into one root, while the active name node is switched, killed and
// stopped.
func TestLiftsThroughFailovers(t *testing.T) {
	c := servers.OwnHDFS(t, hdfsbed.Options{HA: true, Properties: manyHandlers})
	brokers := servers.Kafka(t).Brokers()
	root := product.HDFS(t, c, c.Authority())
	var jobs []*product.Job
	for range 2 {
		j := product.NewJob(t, brokers, root, produce.Name("faults"), smallGlobal, small)
		l := product.Watch(t, j)
		defer l.End()
		jobs = append(jobs, j)
	}
	feeding, full := context.WithCancel(t.Context())
	defer full()
	var fed errgroup.Group
	for _, j := range jobs {
		must(t, feed(feeding, brokers, j.Topic, &fed))
	}

	end := runAgainAndAgain(t, jobs)
	defer end()

	// A fault counts only if there is work left.
	committed := func() (n int) {
		for _, j := range jobs {
			n += len(j.Root.Keys(t, "_shadoof/topics/"+j.Topic+"/log/"))
		}
		return n
	}
	progress := func(more int) {
		t.Helper()
		from := committed()
		await(t, func() bool { return committed() >= from+more })
	}
	progress(4)
	divided := split(func() { progress(2) })
	for i, f := range []fault{planned, killed, planned, divided, killed, planned, killed} {
		begun, from := time.Now(), committed()
		f.do(t, c)
		over := time.Since(begun)
		progress(4)
		t.Logf("%d. %s: %.1f s, and 4 commits later %.1f s; %d records of the logs after %d", i+1, f.name, over.Seconds(), time.Since(begun).Seconds(), committed(), from)
	}
	full()
	must(t, fed.Wait())
	t.Logf("runs by their exit codes: %v", end())
	for _, j := range jobs {
		topic, err := produce.Consume(bounded(t, time.Minute), brokers, j.Topic)
		must(t, err)
		t.Logf("%s: %d records of the topic", j.Topic, len(topic.Records))
		clean(t, j, topic)
	}
}

// runAgainAndAgain has four workers run the jobs in loops. end stops them, and counts how their runs ended.
func runAgainAndAgain(t *testing.T, jobs []*product.Job) (end func() map[int]int) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	var mu sync.Mutex
	codes := map[int]int{}
	binary := product.Release(t)
	for i := range 4 {
		all.Go(func() {
			for n := i; ctx.Err() == nil; n++ {
				o, err := jobs[n%len(jobs)].Try(t.Context(), binary, nil, "run", "--json")
				if err != nil {
					t.Error(err)
					return
				}
				if !slices.Contains(documented, o.Code) {
					t.Errorf("a worker exited %d\n%s%s", o.Code, o.Stdout, o.Stderr)
				}
				mu.Lock()
				codes[o.Code]++
				mu.Unlock()
			}
		})
	}
	return func() map[int]int {
		stop()
		all.Wait()
		return codes
	}
}

// feed makes a topic and produces to it until ctx ends.
func feed(ctx context.Context, brokers []string, topic string, g *errgroup.Group) error {
	cl, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.DefaultProduceTopic(topic))
	if err != nil {
		return err
	}
	if _, err := kadm.NewClient(cl).CreateTopic(ctx, 2, 1, nil, topic); err != nil {
		cl.Close()
		return err
	}
	g.Go(func() error {
		defer cl.Close()
		random := rand.New(rand.NewPCG(1, 2))
		for seq := int64(0); ctx.Err() == nil; pause(ctx, 200*time.Millisecond) {
			var batch []*kgo.Record
			for range 150 {
				padding := make([]byte, 300) // that does not compress
				for i := range padding {
					padding[i] = byte('!' + random.IntN(90))
				}
				value, err := json.Marshal(produce.Body{Seq: seq, Key: fmt.Sprint(seq), Fate: produce.Plain, Padding: string(padding)})
				if err != nil {
					return err
				}
				batch = append(batch, &kgo.Record{Key: fmt.Append(nil, seq), Value: value})
				seq++
			}
			// Not for ctx to end: what was sent must be known to be there.
			if err := cl.ProduceSync(context.WithoutCancel(ctx), batch...).FirstErr(); err != nil {
				return err
			}
		}
		return nil
	})
	return nil
}

// clean runs a job once more, after which all must be exact, and nothing be left over.
func clean(t *testing.T, j *product.Job, topic *produce.Result) {
	t.Helper()
	j.Must(t, 0, "run")
	got, err := servers.Readers(t).Digest(t.Context(), readers.Query{Reader: readers.PyArrow, Folder: j.Root.Folder(t, j.Topic), Columns: []string{"seq"}})
	must(t, err)
	want := readers.Digest{}
	for _, at := range topic.Offsets() {
		var body produce.Body
		must(t, json.Unmarshal(topic.Records[at].Value, &body))
		want.Add(at.Partition, at.Offset, body.Seq)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	j.Must(t, 0, "verify", "--deep")
	collected(t, j)
}

// collected runs gc until nothing staged is left.
func collected(t *testing.T, j *product.Job) {
	t.Helper()
	staged := func() (left []string) {
		for _, name := range j.Root.Keys(t, "_shadoof/topics/"+j.Topic+"/staging") {
			if strings.HasSuffix(name, ".staged") {
				left = append(left, name)
			}
		}
		return left
	}
	for range 20 {
		j.Must(t, 0, "gc")
		if len(staged()) == 0 {
			return
		}
		pause(t.Context(), 200*time.Millisecond)
	}
	t.Errorf("%d staged files are left after gc: %q", len(staged()), staged()[0])
}
