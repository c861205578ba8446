package faults_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shadoof/testbed/faults"
	"shadoof/testbed/faults/nemesis"
	"shadoof/testbed/faults/tamper"
	"shadoof/testbed/hdfsbed"
	"shadoof/testbed/kafkabed"
	"shadoof/testbed/product"
	"shadoof/testbed/readers"
	"shadoof/testbed/servers"
)

// carryOut runs and judges. The folder of a run that fails stays, and the test says where it is.
func carryOut(t *testing.T, o faults.Options) {
	t.Helper()
	folder, err := os.MkdirTemp("", "shadoof-faults-")
	if err != nil {
		t.Fatal(err)
	}
	o.Folder, o.Release, o.Hooked = folder, product.Release(t), product.Hooked(t)
	t.Logf("seed %d", o.Seed)
	r, err := faults.Run(t.Context(), o)
	if err != nil {
		t.Fatalf("%v; see %s", err, folder)
	}
	var table strings.Builder
	if err := r.Print(&table); err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + table.String())
	checkWithPyArrow(t, r)
	for i, v := range r.Violations {
		if i < 20 {
			t.Error(v)
		}
	}
	if t.Failed() {
		t.Logf("seed %d: see %s", o.Seed, folder)
		return
	}
	if os.Getenv("KEEP") != "" {
		t.Logf("see %s", folder)
	} else if err := os.RemoveAll(folder); err != nil {
		t.Error(err)
	}
}

// checkWithPyArrow has a library that people use read the plain topic's folder, and compares it with what our own reader found.
func checkWithPyArrow(t *testing.T, r *faults.Result) {
	t.Helper()
	for topic := range r.History.Topics {
		if !strings.HasSuffix(topic, ".plain") {
			continue
		}
		want := readers.Digest{}
		for key, f := range r.History.Files {
			if strings.HasPrefix(key, topic+"/") {
				for _, row := range f.Rows {
					want.Add(row.Partition, row.Offset, row.Seq)
				}
			}
		}
		if len(want) == 0 {
			continue // no reader can make anything of a folder without files
		}
		got, err := servers.Readers(t).Digest(t.Context(), readers.Query{Reader: readers.PyArrow, Folder: r.Options.Root.Folder(t, topic), Columns: []string{"seq"}})
		if err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("what PyArrow reads of %s, -want +got\n%s", topic, diff)
		}
	}
}

// onS3 is a run on an S3 server that is killed, paused, and reached through what tampers with requests.
func onS3(t *testing.T, o faults.Options) faults.Options {
	t.Helper()
	s3 := servers.OwnS3(t, s3Options)
	p, err := tamper.Start(s3.Endpoint, o.Seed)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	o.S3, o.Root = s3, product.S3(t, s3, p.Endpoint())
	o.Faults = append(o.Faults, append(nemesis.S3(s3), nemesis.Requests(p)...)...)
	return o
}

// onLocal is a run on the local disk, which gets full where this process may mount one for itself.
func onLocal(t *testing.T, o faults.Options) faults.Options {
	t.Helper()
	dir := t.TempDir()
	if mounted(t, dir) {
		o.Faults = append(o.Faults, nemesis.Disk(dir))
	} else {
		t.Log("not as root: the disk does not get full")
	}
	o.Root = product.LocalIn(dir)
	return o
}

// onHDFS is a run on HDFS with two NameNodes, and three DataNodes for two replicas.
func onHDFS(t *testing.T, o faults.Options) faults.Options {
	t.Helper()
	c := servers.OwnHDFS(t, hdfsbed.Options{HA: true, DataNodes: 3, Replication: 2, BlockSize: hdfsbed.MinBlockSize})
	o.HDFS, o.Root = c, product.HDFS(t, c, c.Authority()).As("user: "+hdfsbed.User+", replication: 2")
	o.Faults = append(o.Faults, nemesis.HDFS(c, true)...)
	return o
}

// brokers are three, which are killed, frozen, restarted and, for root, parted from all others; or one, which stays as it is.
func brokers(t *testing.T, three bool, o faults.Options) faults.Options {
	t.Helper()
	if !three {
		o.Brokers = servers.OwnKafka(t, kafkabed.Options{}).Brokers()
		return o
	}
	c := servers.OwnKafka(t, kafkabed.Options{Nodes: 3, Apart: os.Geteuid() == 0})
	if !c.Apart() {
		t.Log("not as root: no broker is parted from the others")
	}
	o.Brokers, o.Replication = c.Brokers(), 3
	o.Faults = append(o.Faults, nemesis.Brokers(c)...)
	return o
}

// TestS3 is a minute of faults, with one broker, and what must hold after it.
func TestS3(t *testing.T) {
	t.Parallel()
	carryOut(t, onS3(t, faults.Options{Seed: seed(t), For: time.Minute, Brokers: servers.Kafka(t).Brokers()}))
}
