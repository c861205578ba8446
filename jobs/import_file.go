package jobs

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// A FilePosition is one line of a file of first positions.
type FilePosition struct {
	Topic     string
	Partition int32
	Offset    int64
	Line      int
}

// worstLines is how many wrong lines are reported one by one.
const worstLines = 20

// ParsePositions reads lines of the form topic,partition,offset. What follows a # at the beginning of a line is a comment, and empty
// lines are nothing. A partition stands on one line only. All wrong lines are reported, with the name of the file.
func ParsePositions(name string, r io.Reader) ([]FilePosition, error) {
	var out []FilePosition
	var wrong []error
	more := 0
	refuse := func(line int, format string, args ...any) {
		if len(wrong) == worstLines {
			more++
			return
		}
		wrong = append(wrong, fmt.Errorf("%s:%d: %s", name, line, fmt.Sprintf(format, args...)))
	}
	type partition struct {
		topic string
		n     int32
	}
	lines := map[partition]int{}
	in := bufio.NewScanner(r)
	for n := 1; in.Scan(); n++ {
		text := strings.TrimSpace(in.Text())
		if n == 1 {
			text = strings.TrimPrefix(text, "\ufeff")
		}
		if text == "" || text[0] == '#' {
			continue
		}
		p, err := parsePosition(text)
		if err != nil {
			refuse(n, "%v", err)
			continue
		}
		at := partition{p.Topic, p.Partition}
		if before, twice := lines[at]; twice {
			refuse(n, "%s/%d stands on line %d already", p.Topic, p.Partition, before)
			continue
		}
		lines[at], p.Line = n, n
		out = append(out, p)
	}
	if err := in.Err(); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if more > 0 {
		wrong = append(wrong, fmt.Errorf("and %d more lines like these", more))
	}
	if len(wrong) > 0 {
		return nil, usage(errors.Join(wrong...))
	}
	if len(out) == 0 {
		return nil, usage(fmt.Errorf("%s holds no position: want lines of the form topic,partition,offset", name))
	}
	return out, nil
}

func parsePosition(text string) (FilePosition, error) {
	fields := strings.Split(text, ",")
	if len(fields) != 3 {
		return FilePosition{}, fmt.Errorf("%.80q is not of the form topic,partition,offset", text)
	}
	for i := range fields {
		fields[i] = strings.TrimSpace(fields[i])
	}
	// Kafka's own export puts topics between quotes.
	if q := fields[0]; len(q) >= 2 && q[0] == '"' && q[len(q)-1] == '"' {
		fields[0] = q[1 : len(q)-1]
	}
	if !isTopic(fields[0]) {
		return FilePosition{}, fmt.Errorf("%.80q is no name of a topic", fields[0])
	}
	p, err := strconv.ParseUint(fields[1], 10, 31)
	if err != nil {
		return FilePosition{}, fmt.Errorf("%.80q is no partition: want a number from 0", fields[1])
	}
	o, err := strconv.ParseUint(fields[2], 10, 63)
	if err != nil {
		return FilePosition{}, fmt.Errorf("%.80q is no offset: want a number from 0", fields[2])
	}
	return FilePosition{Topic: fields[0], Partition: int32(p), Offset: int64(o)}, nil
}

// isTopic says whether Kafka would take a name for a topic.
func isTopic(s string) bool {
	return s != "" && len(s) <= 249 && s != "." && s != ".." &&
		strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == ""
}
