// Package readers reads plain folders of Parquet and Avro files with the libraries that people use: they decide what is in a
// folder, and they owe the product nothing.
package readers

import (
	"bufio"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"shadoof/testbed/process"
	"shadoof/testbed/runs"
)

// The readers. FastAvro and PolarsAvro read Avro files, the others Parquet files. PolarsAvro knows no maps, no zstd, no decimal in a
// fixed of more than 16 bytes, and no enum that may be null or is in a list.
const (
	PyArrow    = "pyarrow"
	DuckDB     = "duckdb"
	Polars     = "polars"
	FastAvro   = "fastavro"
	PolarsAvro = "polars-avro"
)

// Parquet are the readers of Parquet files.
var Parquet = []string{PyArrow, DuckDB, Polars}

//go:embed reader.py
var script string

// An Env runs readers in one Python process. It is safe for concurrent use, and serves one request after another.
type Env struct {
	python string
	folder *runs.Folder

	mu     sync.Mutex
	worker *worker // nil until the first request and after a failure
}

// worker is a Python process and its ends of the pipes.
type worker struct {
	process *process.Process
	in      *os.File
	out     *os.File
	lines   *bufio.Reader
}

// A Query says what to read of a folder on the local disk, with all folders in it.
type Query struct {
	Reader string
	Folder string

	Columns []string // nil for all
	Order   []string // integer columns that rows are sorted by, first the partition, then the offset; nil for DefaultOrder

	// Hive adds the columns that the folders' names (dt=2026-11-20) stand for.
	Hive bool
	// Evolved lets files have different columns: the union of them is read. By default a reader does what it does by default.
	Evolved bool
}

// DefaultOrder are the columns that the product adds to tell where a row came from.
var DefaultOrder = []string{"_kafka_partition", "_kafka_offset"}

// Start prepares the readers. Python starts with the first query. The caller ends it with Close, or it ends with the process.
func Start(ctx context.Context) (*Env, error) {
	python, err := Prepare(ctx)
	if err != nil {
		return nil, err
	}
	folder, err := runs.NewFolder(ctx, "readers")
	if err != nil {
		return nil, err
	}
	e := &Env{python: python, folder: folder}
	if err := os.WriteFile(e.path("reader.py"), []byte(script), 0o644); err != nil {
		return nil, fmt.Errorf("testbed: readers: %w", err)
	}
	return e, nil
}

// Python is the interpreter of the environment, for scripts of a test's own.
func (e *Env) Python() string { return e.python }

// Logs is what Python printed.
func (e *Env) Logs() []string { return []string{e.path("python.log")} }

func (e *Env) path(name string) string { return filepath.Join(e.folder.Path, name) }

// Close ends Python and deletes everything, but with logs leaves the log for a day.
func (e *Env) Close(logs bool) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return errors.Join(e.dropLocked(), e.folder.Remove(logs))
}

// Rows reads a folder's rows, one JSON object each, sorted by Order, or by the text when a column of Order is missing.
// Keys are sorted. Timestamps and times of day are integers of nanoseconds (UTC) whatever the unit of the column is, for readers
// change the unit; dates are days since 1970; bytes are base64; decimals are strings without exponent; NaN, Infinity and -Infinity are
// strings; maps, and lists of structs of key and value, are lists of pairs, sorted by key.
func (e *Env) Rows(ctx context.Context, q Query) ([]string, error) {
	var rows []string
	err := e.ask(ctx, "rows", q, func(head header, w *worker) error {
		for range head.Rows {
			line, err := w.line()
			if err != nil {
				return err
			}
			rows = append(rows, string(line))
		}
		return nil
	})
	return rows, err
}

// Digest reads the columns of Order and Columns, none of them with nulls, and returns their digest: for sets that are too large to
// compare row by row. The columns are integers, or timestamps, which count as nanoseconds.
func (e *Env) Digest(ctx context.Context, q Query) (Digest, error) {
	d := make(Digest)
	err := e.ask(ctx, "digest", q, func(head header, _ *worker) error {
		for p, part := range head.Digest {
			d[p] = part
		}
		return nil
	})
	return d, err
}

type request struct {
	Operation string   `json:"operation"`
	Reader    string   `json:"reader"`
	Folder    string   `json:"folder"`
	Columns   []string `json:"columns"`
	Order     []string `json:"order"`
	Hive      bool     `json:"hive"`
	Evolved   bool     `json:"evolved"`
}

type header struct {
	Error  string `json:"error"`
	Rows   int    `json:"rows"`
	Digest Digest `json:"digest"`
}

// ask sends a request and passes the first line of the answer to read, which reads the rest. After anything but an orderly answer
// the process is thrown away: the next answer could be the rest of this one.
func (e *Env) ask(ctx context.Context, operation string, q Query, read func(header, *worker) error) error {
	where := fmt.Sprintf("testbed: %s: %s of %s", q.Reader, operation, q.Folder)
	folder, err := filepath.Abs(q.Folder)
	if err != nil {
		return fmt.Errorf("%s: %w", where, err)
	}
	if q.Order == nil {
		q.Order = DefaultOrder
	}
	body, err := json.Marshal(request{operation, q.Reader, folder, q.Columns, q.Order, q.Hive, q.Evolved})
	if err != nil {
		return fmt.Errorf("%s: %w", where, err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.startLocked(); err != nil {
		return err
	}
	w := e.worker
	stop := context.AfterFunc(ctx, func() { w.process.Kill() })
	head, err := w.exchange(body, read)
	if !stop() {
		err = errors.Join(err, context.Cause(ctx))
	}
	if err != nil {
		return errors.Join(fmt.Errorf("%s: %w", where, err), w.process.Failure(), e.dropLocked())
	}
	if head.Error != "" {
		return fmt.Errorf("%s: %s", where, head.Error)
	}
	return nil
}

func (w *worker) exchange(body []byte, read func(header, *worker) error) (header, error) {
	var head header
	if _, err := w.in.Write(append(body, '\n')); err != nil {
		return head, err
	}
	line, err := w.line()
	if err != nil {
		return head, err
	}
	if err := json.Unmarshal(line, &head); err != nil {
		return head, err
	}
	if head.Error != "" {
		return head, nil
	}
	return head, read(head, w)
}

func (w *worker) line() ([]byte, error) {
	line, err := w.lines.ReadBytes('\n')
	if err != nil {
		return nil, err
	}
	return line[:len(line)-1], nil
}

func (e *Env) startLocked() error {
	if e.worker != nil {
		return nil
	}
	childIn, in, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("testbed: readers: %w", err)
	}
	defer childIn.Close()
	out, childOut, err := os.Pipe()
	if err != nil {
		return errors.Join(fmt.Errorf("testbed: readers: %w", err), in.Close())
	}
	defer childOut.Close()
	p, err := process.Start(process.Spec{Name: "python", Args: []string{e.python, e.path("reader.py")}, Log: e.Logs()[0],
		Env: []string{"PYTHONUTF8=1", "POLARS_MAX_THREADS=2", "TZ=UTC"}, Stdin: childIn, Stdout: childOut})
	if err != nil {
		return errors.Join(err, in.Close(), out.Close())
	}
	e.worker = &worker{process: p, in: in, out: out, lines: bufio.NewReaderSize(out, 1<<20)}
	return nil
}

func (e *Env) dropLocked() error {
	if e.worker == nil {
		return nil
	}
	w := e.worker
	e.worker = nil
	return errors.Join(w.in.Close(), w.process.Kill(), w.out.Close())
}
