package jobs

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"

	"shadoof/record"
	"shadoof/writers"
)

// wholeLines are lines of which those of quarantine files hold the record, too.
type wholeLines struct{ lines }

func (wholeLines) NewEncoder(w io.Writer, s *record.Schema, meta map[string]string) (writers.Encoder, error) {
	e := &lineEncoder{w: w}
	if _, _, ok := s.Leaf("reason"); !ok {
		return e, nil
	}
	return &wholeEncoder{lineEncoder: e}, nil
}

// A wholeRecord stands in a line behind partition and offset.
type wholeRecord struct {
	Time       int64
	Key, Value []byte
	Reason     record.Reason
	Detail     string
}

type wholeEncoder struct{ *lineEncoder }

func (e *wholeEncoder) WriteRows(c *record.Columns) error {
	l := c.Leaves
	keys, values := 0, 0
	optional := func(c *record.Column, row int, at *int) []byte {
		if c.Def[row] == 0 {
			return nil
		}
		*at++
		return append([]byte{}, c.Value(*at-1)...)
	}
	for i := range c.Rows() {
		r := wholeRecord{Time: l[2].Int64s[i], Key: optional(&l[3], i, &keys), Value: optional(&l[4], i, &values),
			Reason: record.Reason(l[7].Value(i)), Detail: string(l[8].Value(i))}
		b, err := json.Marshal(r)
		if err != nil {
			return err
		}
		n, err := fmt.Fprintf(e.w, "%d %d %s\n", l[0].Int32s[i], l[1].Int64s[i], b)
		if err != nil {
			return err
		}
		e.n += int64(n)
	}
	return nil
}

func (wholeLines) Records(_ context.Context, r io.ReaderAt, size int64, each func(*record.Raw, *record.BadRecord) error) error {
	b := make([]byte, size)
	if _, err := r.ReadAt(b, 0); err != nil && err != io.EOF {
		return err
	}
	sc := bufio.NewScanner(bytes.NewReader(b))
	for sc.Scan() && sc.Text() != "end" {
		raw, whole := &record.Raw{}, wholeRecord{}
		if _, err := fmt.Sscan(sc.Text(), &raw.Partition, &raw.Offset); err != nil {
			return err
		}
		if err := json.Unmarshal(sc.Bytes()[bytes.IndexByte(sc.Bytes(), '{'):], &whole); err != nil {
			return err
		}
		raw.Timestamp, raw.Key, raw.Value = whole.Time, whole.Key, whole.Value
		if err := each(raw, &record.BadRecord{Reason: whole.Reason, Detail: whole.Detail}); err != nil {
			return err
		}
	}
	return sc.Err()
}
