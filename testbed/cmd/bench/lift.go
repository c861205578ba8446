package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// defaultCodec is the product's default.
const defaultCodec = "zstd"

// A lift is one run of the product over a topic.
type lift struct {
	format  string
	records int    // 0: as many as were asked for
	store   string // a line of the configuration
	output  string // a section of the configuration in braces
	memory  string // "" for the default
	binary  string // "" for the released one
	env     []string
}

// lift runs the product and looks whether it lifted every record.
func (b *bed) lift(ctx context.Context, l lift) (measurement, error) {
	if l.records == 0 {
		l.records = b.o.records
	}
	if l.binary == "" {
		l.binary = b.product
	}
	topic, err := b.topic(ctx, l.format, l.records)
	if err != nil {
		return measurement{}, err
	}
	file, err := b.configure(l, topic)
	if err != nil {
		return measurement{}, err
	}
	m, stdout, err := b.command(ctx, l.binary, l.env, "--config", file, "run", "--json")
	if err != nil {
		return m, err
	}
	var said struct {
		Topics []struct {
			Rows int `json:"rows"`
		} `json:"topics"`
	}
	if err := json.Unmarshal([]byte(stdout), &said); err != nil || len(said.Topics) != 1 || said.Topics[0].Rows != l.records {
		return m, errors.Join(fmt.Errorf("it did not lift %d records:\n%s", l.records, stdout), err)
	}
	m.Records = l.records
	return m, nil
}

// configure writes the configuration of a run.
func (b *bed) configure(l lift, topic string) (string, error) {
	dir, err := b.folder()
	if err != nil {
		return "", err
	}
	if l.output == "" {
		l.output = "{compression: " + defaultCodec + "}"
	}
	if l.memory != "" {
		l.memory = "memory: " + l.memory + "\n"
	}
	brokers, _ := json.Marshal(b.broker.addr)
	value := "{format: avro, framing: confluent}"
	pin, ok := pins[l.format]
	if ok {
		value = fmt.Sprintf("{format: %s, framing: none, schema: %s}", pin.format, pin.file)
		err = os.WriteFile(filepath.Join(dir, pin.file), []byte(pin.text), 0o644)
	}
	text := fmt.Sprintf("kafka: {brokers: %s}\nregistry: {url: %q}\n%s%s\njobs:\n  - name: bench\n    topics: [%q]\n    value: %s\n    output: %s\n",
		brokers, b.registry.url, l.memory, l.store, topic, value, l.output)
	file := filepath.Join(dir, "shadoof.yaml")
	return file, errors.Join(err, os.WriteFile(file, []byte(text), 0o644))
}

// liftToDisk is a run into a new folder, which it throws away when it knows what is in it.
func (b *bed) liftToDisk(ctx context.Context, l lift) (measurement, error) {
	return b.intoFolder(func(out string) (measurement, error) {
		l.store = onDisk(out)
		return b.lift(ctx, l)
	})
}

func onDisk(folder string) string { return `store: {url: "file://` + folder + `"}` }

// intoFolder runs something that writes files, counts them and throws them away.
func (b *bed) intoFolder(run func(out string) (measurement, error)) (m measurement, err error) {
	out, err := b.folder()
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(out)) }()
	if m, err = run(out); err != nil {
		return m, err
	}
	err = walkFiles(out, func(_ string, size int64) {
		m.Files++
		m.Output += size
	})
	return m, err
}

// walkFiles visits the data files below a folder in the order of their names.
func walkFiles(folder string, visit func(path string, size int64)) error {
	return filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".parquet" && filepath.Ext(path) != ".avro" {
			return err
		}
		info, err := d.Info()
		if err == nil {
			visit(path, info.Size())
		}
		return err
	})
}

// runShadoof is the product from end to end, as it is by default.
func runShadoof(ctx context.Context, b *bed, format string) (measurement, error) {
	return b.liftToDisk(ctx, lift{format: format})
}

// runNewest is the product over the events of registryFormat as they are where no schema ever changed.
func runNewest(ctx context.Context, b *bed, _ string) (measurement, error) {
	return b.liftToDisk(ctx, lift{format: newestFormat})
}

// runPassThrough is the product from Avro to Avro.
func runPassThrough(ctx context.Context, b *bed, format string) (measurement, error) {
	return b.liftToDisk(ctx, lift{format: format, output: "{format: avro, compression: " + defaultCodec + "}"})
}

// own runs one of this binary's programs on a topic, on the same records as the product.
func own(name string) func(context.Context, *bed, string) (measurement, error) {
	return func(ctx context.Context, b *bed, format string) (measurement, error) {
		return b.floor(ctx, task{Program: name, Format: format, Codec: defaultCodec})
	}
}

// floor runs one of this binary's programs on a topic and looks whether it took all records.
func (b *bed) floor(ctx context.Context, t task) (m measurement, err error) {
	t.Brokers = b.broker.addr
	if t.Topic, err = b.topic(ctx, t.Format, b.o.records); err != nil {
		return m, err
	}
	if t.Program == encodeOnly || t.Program == byArrow {
		if t.Like, err = b.likeness(ctx); err != nil {
			return m, err
		}
	}
	m, err = b.intoFolder(func(out string) (measurement, error) {
		t.Out = out
		return b.task(ctx, t)
	})
	if err == nil && m.Records != b.o.records {
		err = fmt.Errorf("it took %d records of %d", m.Records, b.o.records)
	}
	return m, err
}

// likeness is a folder with files of the product: floors make the same row groups.
func (b *bed) likeness(ctx context.Context) (string, error) {
	if b.example != "" {
		return b.example, nil
	}
	out, err := b.folder()
	if err != nil {
		return "", err
	}
	if _, err := b.lift(ctx, lift{format: avroFormat, store: onDisk(out)}); err != nil {
		return "", err
	}
	b.example = out
	return out, nil
}

// profile writes a CPU profile of the product for each format.
func (b *bed) profile(ctx context.Context) error {
	binary, err := b.withHooks(ctx)
	if err != nil {
		return err
	}
	for _, f := range b.formats {
		if _, err := b.liftToDisk(ctx, lift{format: f, binary: binary, env: []string{"SHADOOF_CPU_PROFILE=" + b.o.profile + "." + f}}); err != nil {
			return err
		}
	}
	return nil
}
