// Package spark reads Parquet files with Apache Spark, in one local session.
package spark

import (
	"bufio"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"shadoof/testbed/process"
	"shadoof/testbed/runs"
)

//go:embed SparkReader.java
var program string

// A Session is a running Spark: one JVM of 512 MB that works on one core, without a page of its own. It is safe for concurrent use, and
// serves one request after another.
type Session struct {
	folder  *runs.Folder
	process *process.Process

	mu    sync.Mutex
	in    *os.File
	out   *os.File
	lines *bufio.Reader
}

// ErrRefused is what Spark says about a file that it cannot read.
var ErrRefused = errors.New("spark refuses")

// moduleOptions open what Spark reaches for inside of Java 17.
var moduleOptions = []string{"java.lang", "java.lang.invoke", "java.lang.reflect", "java.io", "java.net", "java.nio", "java.util", "java.util.concurrent",
	"java.util.concurrent.atomic", "jdk.internal.ref", "sun.nio.ch", "sun.nio.cs", "sun.security.action", "sun.util.calendar"}

// Start starts a session. It answers the first request some ten seconds later. The caller ends it with Close, or it ends with the process.
func Start(ctx context.Context) (*Session, error) {
	i, err := prepare(ctx)
	if err != nil {
		return nil, err
	}
	folder, err := runs.NewFolder(ctx, "spark")
	if err != nil {
		return nil, err
	}
	s := &Session{folder: folder}
	if err := s.start(i); err != nil {
		return nil, errors.Join(fmt.Errorf("testbed: spark: %w", err), folder.Remove(false))
	}
	return s, nil
}

func (s *Session) start(i install) error {
	source := s.path("SparkReader.java")
	if err := os.WriteFile(source, []byte(program), 0o644); err != nil {
		return err
	}
	childIn, in, err := os.Pipe()
	if err != nil {
		return err
	}
	defer childIn.Close()
	out, childOut, err := os.Pipe()
	if err != nil {
		return errors.Join(err, in.Close())
	}
	defer childOut.Close()
	args := []string{i.java, "-Xmx512m", "-XX:+UseSerialGC", "-XX:-UsePerfData", "-XX:TieredStopAtLevel=1", "-Djava.io.tmpdir=" + s.folder.Path}
	for _, p := range moduleOptions {
		args = append(args, "--add-opens=java.base/"+p+"=ALL-UNNAMED")
	}
	args = append(args, "-cp", filepath.Join(i.jars, "*"), source, s.folder.Path)
	s.process, err = process.Start(process.Spec{Name: "spark", Args: args, Log: s.Logs()[0], Env: []string{"SPARK_LOCAL_IP=127.0.0.1", "TZ=UTC"}, Stdin: childIn, Stdout: childOut})
	if err != nil {
		return errors.Join(err, in.Close(), out.Close())
	}
	s.in, s.out, s.lines = in, out, bufio.NewReaderSize(out, 1<<20)
	return nil
}

func (s *Session) path(name string) string { return filepath.Join(s.folder.Path, name) }

// Logs is what Spark printed.
func (s *Session) Logs() []string { return []string{s.path("spark.log")} }

// Close ends Spark and deletes everything, but with logs leaves the log for a day.
func (s *Session) Close(logs bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(s.in.Close(), s.process.Kill(), s.out.Close(), s.folder.Remove(logs))
}

// Options change how Spark reads.
type Options struct {
	// NanosAsLong is spark.sql.legacy.parquet.nanosAsLong: without it Spark refuses timestamps of nanoseconds.
	NanosAsLong bool
	// KafkaColumns tells Spark that the file has the Kafka columns and no others: it then reads also what it refuses for the sake of others.
	KafkaColumns bool
	// RowByRow turns the reader off that reads columns in batches.
	RowByRow bool
}

// Rows reads a file's rows, sorted by _kafka_partition and _kafka_offset, one JSON object each: values as the readers in Python show them, but
// columns stand in the file's order. An error that is ErrRefused is Spark's own.
func (s *Session) Rows(ctx context.Context, path string, o Options) ([]string, error) {
	operation := "rows"
	if o.KafkaColumns {
		operation = "kafka columns"
	}
	_, rows, err := s.ask(ctx, operation, path, o)
	return rows, err
}

// Types are the types of a file's columns.
func (s *Session) Types(ctx context.Context, path string, o Options) (map[string]string, error) {
	a, _, err := s.ask(ctx, "types", path, o)
	return a.Types, err
}

// Filters counts the rows of a file by filters on each plain column, once with and once without the help of statistics: how many counts were
// compared, and which of them differ.
func (s *Session) Filters(ctx context.Context, path string, o Options) (asked int, wrong []string, err error) {
	a, _, err := s.ask(ctx, "filters", path, o)
	return a.Filters.Asked, a.Filters.Wrong, err
}

type answer struct {
	Error   string
	Rows    int
	Types   map[string]string
	Filters struct {
		Asked int
		Wrong []string
	}
}

func (s *Session) ask(ctx context.Context, operation, path string, o Options) (a answer, rows []string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	// The next answer could be the rest of this one: a session whose request was given up is of no use any more.
	stop := context.AfterFunc(ctx, func() { s.process.Kill() })
	defer func() {
		if !stop() {
			err = errors.Join(err, context.Cause(ctx))
		}
		if err != nil {
			err = fmt.Errorf("testbed: spark: %s of %s: %w", operation, path, err)
		}
	}()
	if _, err := fmt.Fprintf(s.in, "%s\t%s=%v,%s=%v\t%s\n", operation, "spark.sql.legacy.parquet.nanosAsLong", o.NanosAsLong, "spark.sql.parquet.enableVectorizedReader", !o.RowByRow, path); err != nil {
		return a, nil, errors.Join(err, s.process.Failure())
	}
	head, err := s.line()
	if err != nil {
		return a, nil, err
	}
	if err := json.Unmarshal([]byte(head), &a); err != nil {
		return a, nil, err
	}
	if a.Error != "" {
		return a, nil, fmt.Errorf("%w: %s", ErrRefused, a.Error)
	}
	for range a.Rows {
		line, err := s.line()
		if err != nil {
			return a, nil, err
		}
		rows = append(rows, line)
	}
	return a, rows, nil
}

func (s *Session) line() (string, error) {
	line, err := s.lines.ReadString('\n')
	if err != nil {
		return "", errors.Join(err, s.process.Failure())
	}
	return strings.TrimSuffix(line, "\n"), nil
}
