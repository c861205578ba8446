package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"shadoof/testbed/produce"
)

// A bed is where everything is measured: a broker with topics, a folder, and the binaries.
type bed struct {
	o        options
	formats  []string
	broker   *broker
	registry *registry
	dir      string
	self     string
	product  string
	hooked   string            // the product with its hooks; "" until somebody asks for it
	topics   map[string]string // by what is in them
	example  string            // folder with files of the product; "" until somebody asks for it
}

func openBed(ctx context.Context, o options) (_ *bed, err error) {
	b := &bed{o: o, product: o.shadoof, topics: map[string]string{}}
	if b.formats, err = o.formatList(); err != nil {
		return nil, err
	}
	if b.self, err = os.Executable(); err != nil {
		return nil, err
	}
	if b.broker, err = openBroker(b.self, o.broker); err != nil {
		return nil, err
	}
	if b.registry, err = openRegistry(); err != nil {
		return nil, errors.Join(err, b.broker.close())
	}
	if b.dir, err = os.MkdirTemp("", "shadoof-bench-"); err != nil {
		return nil, errors.Join(err, b.registry.close(), b.broker.close())
	}
	if b.product == "" {
		if b.product, err = b.build(ctx, "shadoof"); err != nil {
			return nil, b.close(err)
		}
	}
	return b, nil
}

// close joins what went wrong to err.
func (b *bed) close(err error) error {
	return errors.Join(err, b.registry.close(), b.broker.close(), os.RemoveAll(b.dir))
}

// root is the folder of the product's module.
func root(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "shadoof").Output()
	if err != nil {
		return "", fmt.Errorf("find the product's module; run this in the folder testbed: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// build builds the product as it is released, or with tags.
func (b *bed) build(ctx context.Context, name string, tags ...string) (string, error) {
	dir, err := root(ctx)
	if err != nil {
		return "", err
	}
	binary := filepath.Join(b.dir, name)
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-tags", strings.Join(tags, ","), "-o", binary, "./cmd/shadoof")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the product: %w\n%s", err, out)
	}
	return binary, nil
}

// withHooks is the product as tests build it.
func (b *bed) withHooks(ctx context.Context) (_ string, err error) {
	if b.hooked == "" {
		b.hooked, err = b.build(ctx, "shadoof-hooks", "shadoof_hooks")
	}
	return b.hooked, err
}

// topic fills a topic when it is first asked for.
func (b *bed) topic(ctx context.Context, format string, records int) (string, error) {
	in := fmt.Sprintf("%d records of %s", records, format)
	if have := b.topics[in]; have != "" {
		return have, nil
	}
	fmt.Fprintln(os.Stderr, "producing", in)
	t := task{Program: "fill", Brokers: b.broker.addr, Format: format, Records: records, Topic: produce.Name("bench-" + format)}
	if _, err := b.task(ctx, t); err != nil {
		return "", err
	}
	b.topics[in] = t.Topic
	return t.Topic, nil
}

// folder makes a folder that lives as long as the bed.
func (b *bed) folder() (string, error) { return os.MkdirTemp(b.dir, "out-") }

// task runs one of this binary's programs. What it did not measure itself is measured of its process.
func (b *bed) task(ctx context.Context, t task) (measurement, error) {
	m, stdout, err := b.command(ctx, b.self, nil, "-task", t.text())
	if err != nil {
		return m, err
	}
	var said measurement
	if err := json.Unmarshal([]byte(stdout), &said); err != nil {
		return m, fmt.Errorf("%s says %q: %w", t.Program, stdout, err)
	}
	if said.CPU == 0 && said.Figures == nil {
		said.CPU, said.Wall, said.Memory = m.CPU, m.Wall, m.Memory
	}
	return said, nil
}

func (t task) text() string {
	text, err := json.Marshal(t)
	if err != nil {
		panic(err) // plain data
	}
	return string(text)
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
