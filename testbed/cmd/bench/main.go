// Bench measures shadoof against floors that nothing can be below, and against the programs that people write instead: on a real broker
// or on a fake one, in one run, by CPU time. It prints the ratios that must hold, each with its goal.
//
//	go run ./cmd/withservers -servers kafka -- go run ./cmd/bench
//	go run ./cmd/bench -broker kfake -records 200000 -rounds 1
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"shadoof/testbed/process"
)

type options struct {
	records  int
	rounds   int
	formats  string
	programs string
	broker   string
	json     bool
	markdown bool
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
	flag.IntVar(&o.rounds, "rounds", 3, "how often each program runs; they take turns")
	flag.StringVar(&o.formats, "formats", strings.Join(formatNames, ","), "formats of the records; some ratios need two of them. registry: Avro by three generations of its schema, in turns, with ids")
	flag.StringVar(&o.programs, "program", "", "what to measure, with commas: "+strings.Join(programNames(), ", ")+"; all of it by default. \"shadoof\" alone is the whole process as a user runs it, beside the sketch")
	flag.StringVar(&o.broker, "broker", "real", "real: the broker that the environment tells of; kfake: a fake one, in a process of its own")
	flag.BoolVar(&o.json, "json", false, "print JSON")
	flag.BoolVar(&o.markdown, "markdown", false, "print tables of Markdown")
	flag.StringVar(&o.shadoof, "shadoof", "", "binary to measure; built from this tree by default")
	flag.StringVar(&o.profile, "profile", "", "write a CPU profile of one shadoof run for each format to this file, followed by a dot and the format, and measure nothing")
	flag.BoolVar(&o.stores, "stores", false, "write the same bytes to a local disk and to HDFS, and measure nothing else")
	flag.IntVar(&o.storeMiB, "store-mib", 2048, "how many MiB to write to each store")
	work := flag.String("task", "", "what this process is to do, as JSON: of child processes")
	flag.Parse()
	if err := process.EndWithParent(); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	switch {
	case *work != "":
		return child(ctx, *work)
	case flag.NArg() > 0:
		return fmt.Errorf("%q: want flags only", flag.Args())
	case o.rounds < 1 || o.records < 1:
		return fmt.Errorf("%d rounds of %d records are nothing to measure", o.rounds, o.records)
	case o.stores:
		return benchStores(ctx, o)
	}
	return bench(ctx, o)
}

// bench runs one of the modes that need a broker.
func bench(ctx context.Context, o options) (err error) {
	chosen, err := choose(o.programs)
	if err != nil {
		return err
	}
	b, err := openBed(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = b.close(err) }()
	switch {
	case o.profile != "":
		return b.profile(ctx)
	case o.programs == shadoof:
		return b.whole(ctx)
	}
	return b.ratios(ctx, chosen)
}
