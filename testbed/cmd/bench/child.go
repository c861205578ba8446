package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"time"
)

// A task is what a child process is to do. Programs are processes of their own, because CPU time and memory are a process's.
type task struct {
	Program string   `json:"program"`
	Brokers []string `json:"brokers,omitempty"`
	Format  string   `json:"format,omitempty"` // of the records
	Topic   string   `json:"topic,omitempty"`
	Codec   string   `json:"codec,omitempty"` // of the files
	Out     string   `json:"out,omitempty"`   // folder of the files
	Like    string   `json:"like,omitempty"`  // folder with files of the product, whose row groups are to be made again
	Records int      `json:"records,omitempty"`
	MiB     int      `json:"mib,omitempty"`
}

// children are the programs of this binary. Some measure themselves, apart from what they need for it; of the others the whole process
// is measured.
var children = map[string]func(context.Context, task) (measurement, error){
	"fill":      fill,
	"kfake":     serveFake,
	fetchOnly:   fetch,
	readOnly:    readTopic,
	encodeOnly:  encodeColumns,
	byArrow:     encodeByArrow,
	ofMaps:      afternoon,
	ofStructs:   typed,
	reframeOnly: reframe,
	decodeOnly:  decode,
	openFiles:   fillFiles,
	twoWorkers:  compareWorkers,
	toLocal:     writeStore,
	toHDFS:      writeStore,
}

// child does a task and prints its measurement.
func child(ctx context.Context, text string) error {
	var t task
	if err := json.Unmarshal([]byte(text), &t); err != nil {
		return fmt.Errorf("task %s: %w", text, err)
	}
	do, ok := children[t.Program]
	if !ok {
		return fmt.Errorf("no program is called %q", t.Program)
	}
	m, err := do(ctx, t)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(m)
}

// A measurement is one run of a program. What was not measured is zero.
type measurement struct {
	Records int     `json:"records,omitempty"`
	CPU     float64 `json:"cpu_seconds,omitempty"` // user and system
	Wall    float64 `json:"wall_seconds,omitempty"`
	Memory  int64   `json:"peak_bytes,omitempty"`
	Output  int64   `json:"output_bytes,omitempty"`
	Files   int     `json:"files,omitempty"`

	Figures map[string]float64 `json:"figures,omitempty"` // what else a program finds out
}

// timed measures a part of this process, garbage collection on other threads included.
func timed(part func() error) (cpu, wall float64, err error) {
	runtime.GC()
	from, began := cpuTime(), time.Now()
	err = part()
	return (cpuTime() - from).Seconds(), time.Since(began).Seconds(), err
}

// cpuTime is what this process has used so far.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // the arguments are constant
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
