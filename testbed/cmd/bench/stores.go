package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"text/tabwriter"

	"shadoof/storage"
	"shadoof/storage/hdfs"
	"shadoof/storage/local"
	"shadoof/testbed/hdfsbed"
	"shadoof/testbed/produce"
)

// The stores that bytes are written to, by the names of their programs.
const (
	toLocal = "write-local"
	toHDFS  = "write-hdfs"
)

const (
	storeFile  = 256 << 20 // bytes of a file: the default of output.target_size
	storeChunk = 256 << 10 // bytes of a Write, about a Parquet page
)

// heldWhileWriting is memory that stays in use, as the rows of a run do: in an empty process the garbage collector would run for every
// few packets.
const heldWhileWriting = 64 << 20

// writeStore is the child that stages and publishes files of random bytes, one after the other.
func writeStore(ctx context.Context, t task) (measurement, error) {
	store, err := openStore(ctx, t.Program, t.Out)
	if err != nil {
		return measurement{}, err
	}
	total := int64(t.MiB) << 20
	return measurement{Output: total}, writeFiles(ctx, store, total)
}

func writeFiles(ctx context.Context, store storage.Store, total int64) error {
	held := make([]byte, heldWhileWriting)
	defer runtime.KeepAlive(held)
	chunk := make([]byte, storeChunk)
	random := rand.NewChaCha8([32]byte{})
	_, _ = random.Read(chunk) // never fails
	for n := 0; total > 0; n++ {
		size := min(total, storeFile)
		total -= size
		r := storage.StageRequest{Key: fmt.Sprintf("bench/%03d.parquet", n), Staging: fmt.Sprintf("_staging/bench/%03d.staged", n)}
		w, err := store.Stage(ctx, r)
		if err != nil {
			return err
		}
		for size > 0 {
			part := chunk[:min(size, storeChunk)]
			size -= int64(len(part))
			if _, err := w.Write(part); err != nil {
				return errors.Join(err, w.Abort(ctx))
			}
		}
		staged, err := w.Finish(ctx)
		if err != nil {
			return err
		}
		if p, err := store.Publish(ctx, r.Key, []storage.Staged{staged}); p != storage.Published {
			return fmt.Errorf("publish %s: %s, %w", r.Key, p, err)
		}
	}
	return nil
}

func openStore(ctx context.Context, program, folder string) (storage.Store, error) {
	if program == toLocal {
		return local.New(folder)
	}
	cluster, ok := hdfsbed.FromEnv()
	if !ok {
		return nil, errors.New("no HDFS in the environment")
	}
	return hdfs.New(ctx, hdfs.Options{Authority: cluster.Authority(), Path: folder, ConfDir: cluster.ConfDir(), User: hdfsbed.User, Replication: 1})
}

// runOnHDFS lifts a topic into a new folder of HDFS, looks what lies there, and throws it away.
func runOnHDFS(ctx context.Context, b *bed, format string) (m measurement, err error) {
	cluster, folder, err := hdfsFolder(ctx)
	if err != nil {
		return m, err
	}
	admin := cluster.FS(hdfsbed.Superuser)
	defer func() { err = errors.Join(err, admin.RemoveAll(context.WithoutCancel(ctx), folder)) }()
	store := fmt.Sprintf("store: {url: \"hdfs://%s%s\", hdfs: {conf_dir: %q, user: %s, replication: 1}}", cluster.Authority(), folder, cluster.ConfDir(), hdfsbed.User)
	if m, err = b.lift(ctx, lift{format: format, store: store}); err != nil {
		return m, err
	}
	err = admin.Walk(ctx, folder, func(st hdfsbed.Status) error {
		if strings.HasSuffix(st.Path, ".parquet") {
			m.Files++
			m.Output += st.Length
		}
		return nil
	})
	return m, err
}

// hdfsFolder makes a new folder in the HDFS that the environment tells of.
func hdfsFolder(ctx context.Context) (*hdfsbed.Cluster, string, error) {
	cluster, ok := hdfsbed.FromEnv()
	if !ok {
		return nil, "", errors.New("no HDFS in the environment: run this through cmd/withservers with hdfs among -servers")
	}
	folder := "/" + produce.Name("bench")
	admin := cluster.FS(hdfsbed.Superuser)
	return cluster, folder, errors.Join(admin.MkdirAll(ctx, folder, "755"), admin.SetOwner(ctx, folder, hdfsbed.User, hdfsbed.Group))
}

// benchStores writes the same bytes to both stores, in turn, and compares the CPU time of the writing process. The data node's is not
// in it.
func benchStores(ctx context.Context, o options) error {
	b := &bed{o: o}
	var err error
	if b.self, err = os.Executable(); err != nil {
		return err
	}
	all := map[string][]measurement{}
	for round := range o.rounds {
		for _, program := range []string{toLocal, toHDFS} {
			fmt.Fprintf(os.Stderr, "round %d of %d: %s\n", round+1, o.rounds, program)
			m, err := b.measureStore(ctx, program)
			if err != nil {
				return err
			}
			all[program] = append(all[program], m)
		}
	}
	fmt.Printf("%s\n%d MiB in files of %d MiB; medians of %d runs each\n\n", machine(), o.storeMiB, storeFile>>20, o.rounds)
	t := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "store\tCPU s\tCPU s/GiB\twall s\tpeak MiB\tCPU / local\t")
	cpu := func(program string) float64 {
		return median(all[program], func(m measurement) float64 { return m.CPU })
	}
	for _, program := range []string{toLocal, toHDFS} {
		fmt.Fprintf(t, "%s\t%.2f\t%.2f\t%.2f\t%d\t%.2f\t\n", strings.TrimPrefix(program, "write-"), cpu(program), cpu(program)/float64(o.storeMiB)*1024,
			median(all[program], func(m measurement) float64 { return m.Wall }), median(all[program], func(m measurement) int64 { return m.Memory })>>20, cpu(program)/cpu(toLocal))
	}
	return t.Flush()
}

func (b *bed) measureStore(ctx context.Context, program string) (m measurement, err error) {
	var folder string
	if program == toLocal {
		if folder, err = os.MkdirTemp("", "shadoof-bench-"); err != nil {
			return m, err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	} else {
		var cluster *hdfsbed.Cluster
		if cluster, folder, err = hdfsFolder(ctx); err != nil {
			return m, err
		}
		admin := cluster.FS(hdfsbed.Superuser)
		defer func() { err = errors.Join(err, admin.RemoveAll(context.WithoutCancel(ctx), folder)) }()
	}
	return b.task(ctx, task{Program: program, Out: folder, MiB: b.o.storeMiB})
}
