package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"shadoof/testbed/corpus"
	"shadoof/testbed/produce"
)

// The programs, in the order in which they run.
const (
	fetchOnly = "fetch"
	shadoof   = "shadoof"
	onHDFS    = "shadoof-hdfs" // shadoof, into HDFS
	maps      = "afternoon"
	structs   = "struct"
)

var allPrograms = []string{fetchOnly, shadoof, onHDFS, maps, structs}

// A measurement is one process.
type measurement struct {
	CPU    float64 `json:"cpu_seconds"` // user and system
	Wall   float64 `json:"wall_seconds"`
	Memory int64   `json:"peak_bytes"`
	Output int64   `json:"output_bytes"`
	Files  int     `json:"files"`
}

// a bed is where everything is measured.
type bed struct {
	o       options
	brokers []string
	dir     string
	self    string
	topics  map[string]string // by format
}

func bench(ctx context.Context, brokers []string, o options) (err error) {
	b := &bed{o: o, brokers: brokers, topics: map[string]string{}}
	if b.dir, err = os.MkdirTemp("", "shadoof-bench-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.dir)) }()
	if b.self, err = os.Executable(); err != nil {
		return err
	}
	if o.shadoof == "" || o.profile != "" {
		if b.o.shadoof, err = b.build(ctx); err != nil {
			return err
		}
	}
	formats := strings.Split(o.formats, ",")
	for _, f := range formats {
		b.topics[f] = produce.Name("bench-" + f)
		fmt.Fprintf(os.Stderr, "producing %d records of %s\n", o.records, f)
		if _, _, err := b.command(ctx, b.self, nil, "-records", strconv.Itoa(o.records), "fill", f, b.topics[f], "-"); err != nil {
			return err
		}
	}
	if o.profile != "" {
		for _, f := range formats {
			if _, err := b.shadoof(ctx, f, "store: {url: \"file://"+b.folder()+"\"}", []string{"SHADOOF_CPU_PROFILE=" + o.profile + "." + f}); err != nil {
				return err
			}
		}
		return nil
	}
	r := newReport(o.records)
	for round := range o.rounds {
		for _, f := range formats {
			for _, p := range strings.Split(o.programs, ",") {
				fmt.Fprintf(os.Stderr, "round %d of %d: %s, %s\n", round+1, o.rounds, f, p)
				m, err := b.measure(ctx, p, f)
				if err != nil {
					return fmt.Errorf("%s, %s: %w", f, p, err)
				}
				r.add(f, p, m)
			}
		}
	}
	return r.print(os.Stdout, o.json)
}

// build builds the product as it is released, but for a profile with the hook that writes it.
func (b *bed) build(ctx context.Context) (string, error) {
	root, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "shadoof").Output()
	if err != nil {
		return "", fmt.Errorf("find the product's module; run this in the folder testbed: %w", err)
	}
	binary := filepath.Join(b.dir, "shadoof")
	args := []string{"build", "-trimpath", "-o", binary}
	if b.o.profile != "" {
		args = append(args, "-tags", "shadoof_hooks")
	}
	cmd := exec.CommandContext(ctx, "go", append(args, "./cmd/shadoof")...)
	cmd.Dir = strings.TrimSpace(string(root))
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the product: %w\n%s", err, out)
	}
	return binary, nil
}

func (b *bed) folder() string {
	dir, err := os.MkdirTemp(b.dir, "out-")
	if err != nil {
		panic(err)
	}
	return dir
}

// measure runs a program once, looks whether it did its work, and throws away what it wrote.
func (b *bed) measure(ctx context.Context, program, format string) (m measurement, err error) {
	if program == onHDFS {
		return b.shadoofOnHDFS(ctx, format)
	}
	out := b.folder()
	defer func() { err = errors.Join(err, os.RemoveAll(out)) }()
	if program == shadoof {
		m, err = b.shadoof(ctx, format, "store: {url: \"file://"+out+"\"}", nil)
	} else {
		m, err = b.own(ctx, program, format, out)
	}
	if err != nil {
		return m, err
	}
	err = filepath.WalkDir(out, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".parquet" {
			return err
		}
		info, err := d.Info()
		if err == nil {
			m.Files++
			m.Output += info.Size()
		}
		return err
	})
	return m, err
}

// own runs one of this binary's programs.
func (b *bed) own(ctx context.Context, program, format, out string) (measurement, error) {
	m, stdout, err := b.command(ctx, b.self, nil, program, format, b.topics[format], out)
	if err == nil && strings.TrimSpace(stdout) != strconv.Itoa(b.o.records) {
		err = fmt.Errorf("it lifted %s records of %d", stdout, b.o.records)
	}
	return m, err
}

// shadoof lifts a topic into a store, which is a line of its configuration.
func (b *bed) shadoof(ctx context.Context, format, store string, env []string) (measurement, error) {
	conf := b.folder()
	brokers, _ := json.Marshal(b.brokers)
	text := fmt.Sprintf("kafka: {brokers: %s}\n%s\njobs:\n  - name: bench\n    topics: [%q]\n"+
		"    value: {format: %s, framing: none, schema: event.avsc}\n    output: {compression: snappy}\n", brokers, store, b.topics[format], format)
	file := filepath.Join(conf, "shadoof.yaml")
	if err := errors.Join(os.WriteFile(file, []byte(text), 0o644), os.WriteFile(filepath.Join(conf, "event.avsc"), []byte(corpus.Schema), 0o644)); err != nil {
		return measurement{}, err
	}
	m, stdout, err := b.command(ctx, b.o.shadoof, env, "--config", file, "run", "--json")
	if err != nil {
		return m, err
	}
	var said struct {
		Topics []struct {
			Rows int `json:"rows"`
		} `json:"topics"`
	}
	if err := json.Unmarshal([]byte(stdout), &said); err != nil || len(said.Topics) != 1 || said.Topics[0].Rows != b.o.records {
		return m, fmt.Errorf("it did not lift %d records: %w\n%s", b.o.records, err, stdout)
	}
	return m, nil
}

// command runs a process to its end. Linux counts the memory of the process that starts another as the other's too, so that this
// process must stay small.
func (b *bed) command(ctx context.Context, binary string, env []string, args ...string) (m measurement, stdout string, err error) {
	cmd := exec.CommandContext(ctx, binary, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.Env = append(os.Environ(), env...)
	began := time.Now()
	if err := cmd.Run(); err != nil {
		return m, "", fmt.Errorf("%s %s: %w\n%s%s", filepath.Base(binary), strings.Join(args, " "), err, out.Bytes(), errs.Bytes())
	}
	m.Wall = time.Since(began).Seconds()
	usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	m.CPU = (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	m.Memory = usage.Maxrss << 10
	return m, out.String(), nil
}
