// Package config is the YAML document that says what shadoof does: decoded strictly, with every problem reported at once and with
// its line. What it returns holds resolved values: durations, byte counts, compiled patterns, zones, secrets read from their files.
package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"go.yaml.in/yaml/v3"
)

// A Config is a whole document, with defaults filled in.
type Config struct {
	Dir string // absolute folder of the document: relative file names in it start there

	Kafka         Kafka
	Registry      Registry
	Store         Store
	Memory        int64 // bytes: fetch buffers, open files and upload tails of the whole process
	MemoryGiven   bool  // the document says how much memory: otherwise what the machine allows may count
	MaxOpenFiles  int
	OrphanAge     time.Duration // staged leftovers of dead attempts are kept for so long
	ShutdownGrace time.Duration // how long a run that was told to stop may take to commit what it staged
	Admin         Admin
	Metrics       Metrics
	Jobs          []*Job // at least one, names unique
}

// Job returns the job of that name, or nil.
func (c *Config) Job(name string) *Job {
	for _, j := range c.Jobs {
		if j.Name == name {
			return j
		}
	}
	return nil
}

// Environ looks up a variable of the environment: os.LookupEnv, or a test's own.
type Environ func(name string) (value string, ok bool)

// Load reads and parses the document at path. The error is a Problems unless the document cannot be read.
func Load(path string, env Environ) (*Config, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	return Parse(path, data, env)
}

// Parse parses a document. name is where it came from; relative file names in it start at the folder of name.
// An error is a Problems, which lists all that is wrong with the document.
func Parse(name string, data []byte, env Environ) (*Config, error) {
	dir, err := filepath.Abs(filepath.Dir(name))
	if err != nil {
		return nil, fmt.Errorf("folder of %s: %w", name, err)
	}
	d := &document{name: name, dir: dir, env: env}
	root := d.root(data)
	var c *Config
	if root != nil {
		c = d.config(root)
	}
	if p := d.sorted(); len(p) > 0 {
		return nil, p
	}
	return c, nil
}

// A document is one parse: where it happens and what was wrong so far.
type document struct {
	name       string
	dir        string
	env        Environ
	scheme     string // of the store
	registered bool   // there is a schema registry
	problems   Problems
}

// root parses the bytes into the one mapping that a document is, or reports why not.
func (d *document) root(data []byte) *yaml.Node {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc yaml.Node
	if err := dec.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			d.report(at{}, "the document is empty: it needs kafka, store and jobs")
		} else {
			d.syntax(err)
		}
		return nil
	}
	var second yaml.Node
	if err := dec.Decode(&second); err == nil {
		d.report(at{line: second.Line, column: second.Column}, "a second document begins here: one file holds one document")
	} else if !errors.Is(err, io.EOF) {
		d.syntax(err)
		return nil
	}
	return doc.Content[0]
}

// LeastMemory is the least that a configuration may give.
const LeastMemory = 64 << 20

func (d *document) config(root *yaml.Node) *Config {
	m := d.mapping(root, "")
	c := &Config{Dir: d.dir}
	c.Kafka = d.kafka(m.section("kafka"))
	c.Registry = d.registry(m.section("registry"))
	c.Store = d.store(m.section("store"))
	d.scheme = c.Store.Scheme
	c.Memory = m.size("memory", 512<<20, LeastMemory)
	_, _, c.MemoryGiven = m.lookup("memory")
	c.MaxOpenFiles = int(m.integer("max_open_files", 512, 1, 1<<20))
	c.OrphanAge = m.duration("orphan_age", 24*time.Hour, time.Millisecond)
	c.ShutdownGrace = m.duration("shutdown_grace", 25*time.Second, 0)
	c.Admin = d.admin(m.section("admin"))
	c.Metrics = d.metrics(m.section("metrics"))
	c.Jobs = d.jobs(m)
	return c
}
