package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"shadoof/internal/kafkatest"
	"shadoof/internal/registrytest"
)

var update = flag.Bool("update", false, "write what is expected anew, in the scripts")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"shadoof": main})
}

// Each script runs the binary in a folder of its own, with a Kafka of its own whose address is $BROKERS, and a registry.
func TestScripts(t *testing.T) {
	t.Parallel()
	commands := map[string]func(ts *testscript.TestScript, neg bool, args []string){
		"exits":       exitsWith,
		"topic":       createTopic,
		"produce":     produce,
		"expire":      expire,
		"avrorows":    avroRows,
		"pushgateway": pushgateway,
		"recreate": func(ts *testscript.TestScript, _ bool, args []string) {
			ts.Check(cluster(ts).RecreateTopic(args[0], number(ts, args[1]), nil))
		},
	}
	maps.Copy(commands, kafkaCommands())
	maps.Copy(commands, registryCommands())
	maps.Copy(commands, serveCommands())
	maps.Copy(commands, damageCommands())
	maps.Copy(commands, secretCommands())
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			c, err := kafkatest.Start(kafkatest.Options{})
			if err != nil {
				return err
			}
			e.Defer(c.Close)
			e.Values[clusterKey{}] = c
			e.Setenv("BROKERS", strings.Join(c.Brokers(), ","))
			r := registrytest.Start()
			e.Defer(r.Close)
			e.Values[registryKey{}] = r
			e.Values[processKey{}] = map[string]*process{}
			e.Setenv("REGISTRY", r.URL())
			startPushGateway(e)
			e.Setenv("HOME", e.WorkDir)
			return nil
		},
		Cmds: commands,
	})
}

type clusterKey struct{}

func cluster(ts *testscript.TestScript) *kafkatest.Cluster {
	return ts.Value(clusterKey{}).(*kafkatest.Cluster)
}

func number(ts *testscript.TestScript, s string) int {
	n, err := strconv.Atoi(s)
	ts.Check(err)
	return n
}

// exits CODE COMMAND ARG... runs a command that must end with that status.
func exitsWith(ts *testscript.TestScript, _ bool, args []string) {
	want := number(ts, args[0])
	err := ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

// topic NAME PARTITIONS
func createTopic(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(cluster(ts).CreateTopic(args[0], number(ts, args[1]), nil))
}

// produce TOPIC PARTITION COUNT [FIRST] appends records "v<n>", one second apart, from 2026-11-20T10:00:00Z on.
func produce(ts *testscript.TestScript, _ bool, args []string) {
	first := 0
	if len(args) > 3 {
		first = number(ts, args[3])
	}
	var records []kafkatest.Record
	for n := range number(ts, args[2]) {
		records = append(records, kafkatest.Record{
			Partition: int32(number(ts, args[1])),
			Time:      time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC).Add(time.Duration(first+n) * time.Second),
			Value:     fmt.Appendf(nil, "v%d", first+n),
		})
	}
	ts.Check(cluster(ts).Produce(context.Background(), args[0], records...))
}

// expire TOPIC PARTITION OFFSET deletes the records before an offset, as retention does.
func expire(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(cluster(ts).DeleteRecords(args[0], int32(number(ts, args[1])), int64(number(ts, args[2]))))
}
