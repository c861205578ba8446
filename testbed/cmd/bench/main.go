// Bench measures shadoof against the programs that people write instead, on a real broker, in one run: CPU time, wall time and memory of
// a process each, in turn, several times.
//
//	go run ./cmd/withservers -servers kafka -- go run ./cmd/bench
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"shadoof/testbed/kafkabed"
	"shadoof/testbed/process"
)

type options struct {
	records  int
	rounds   int
	formats  string
	programs string
	json     bool
	shadoof  string // binary; built when empty
	stores   bool   // measure what writing to stores costs, instead of programs
	storeMiB int
	profile  string // file for a CPU profile of shadoof, instead of measurements
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run() error {
	var o options
	flag.IntVar(&o.records, "records", 500_000, "records per topic")
	flag.IntVar(&o.rounds, "rounds", 3, "how often each program runs")
	flag.StringVar(&o.formats, "formats", "json,avro", "formats of the records")
	flag.StringVar(&o.programs, "programs", strings.Join(allPrograms, ","), "what to measure")
	flag.BoolVar(&o.json, "json", false, "print JSON")
	flag.StringVar(&o.shadoof, "shadoof", "", "binary to measure; built from this tree by default")
	flag.StringVar(&o.profile, "profile", "", "write a CPU profile of one shadoof run for each format to this file, followed by a dot and the format, and measure nothing")
	flag.BoolVar(&o.stores, "stores", false, "write the same bytes to a local disk and to HDFS, and measure nothing else")
	flag.IntVar(&o.storeMiB, "store-mib", 2048, "how many MiB to write to each store")
	flag.Parse()
	if err := process.EndWithParent(); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if name := flag.Arg(0); name == toLocal || name == toHDFS {
		return writeStore(ctx, name, flag.Arg(3), int64(o.storeMiB)<<20)
	}
	if o.stores {
		return benchStores(ctx, o)
	}
	cluster, ok := kafkabed.FromEnv()
	if !ok {
		return errors.New("no broker in the environment: use `make bench`, or run this through cmd/withservers")
	}
	if flag.NArg() > 0 {
		return child(ctx, cluster.Brokers(), flag.Args(), o.records)
	}
	return bench(ctx, cluster.Brokers(), o)
}

// child is one of the programs that are measured, or the producer: a process of its own. Its arguments are its name, the format, the
// topic and the folder.
func child(ctx context.Context, brokers, args []string, records int) error {
	if len(args) != 4 {
		return fmt.Errorf("%q: want a program, a format, a topic and a folder", args)
	}
	name, format, topic, out := args[0], args[1], args[2], args[3]
	var n int
	var err error
	switch name {
	case "fill":
		return fill(ctx, brokers, format, topic, records)
	case fetchOnly:
		n, err = fetch(ctx, brokers, topic)
	case maps:
		n, err = afternoon(ctx, brokers, format, topic, out)
	case structs:
		n, err = typed(ctx, brokers, format, topic, out)
	default:
		err = fmt.Errorf("no program is called %q", name)
	}
	if err == nil {
		fmt.Println(n)
	}
	return err
}
