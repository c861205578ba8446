package writers

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"shadoof/storage"
)

// Several stands for the partition of files with rows of more than one.
const Several int32 = -1

// A Name is the name of a data or quarantine file within its folder. It is unique in its root: the attempt is random, and the
// sequence counts the files of the attempt.
//
//	<topic>-p00007-00000000000000120000-1a2b3c4d5e6f7a8b-000.parquet
type Name struct {
	Topic     string // shortened by String if it is long; Parse returns the shortened form
	Partition int32  // or Several
	First     int64  // offset of the first row; for several partitions the least that the file had when it was begun
	Attempt   string // 16 hex digits
	Sequence  int
	Extension string // with the dot
}

const (
	longTopic = 150 // bytes that a topic may have in a name
	cutTopic  = 140 // of a longer one that are kept

	partitionDigits = 5
	offsetDigits    = 20
	attemptDigits   = 16
	sequenceDigits  = 3
)

// String is the name. Names of one partition and attempt sort by their offsets.
func (n Name) String() string {
	partition := "multi"
	if n.Partition != Several {
		partition = fmt.Sprintf("%0*d", partitionDigits, n.Partition)
	}
	return fmt.Sprintf("%s-p%s-%0*d-%s-%0*d%s", ShortTopic(n.Topic), partition, offsetDigits, n.First, n.Attempt, sequenceDigits, n.Sequence, n.Extension)
}

// IsZero reports whether it is no name.
func (n Name) IsZero() bool { return n == Name{} }

// visible begins the names of files of topics that begin with _ or a dot: readers take such files for hidden, and leave them out in silence.
const visible = "topic="

// IsHidden says whether readers would leave out files and folders that begin as this topic does.
func IsHidden(topic string) bool {
	return strings.HasPrefix(topic, "_") || strings.HasPrefix(topic, ".")
}

// ShortTopic is the topic as it stands in names: one over 150 bytes is cut to 140, "~" and 8 hex digits of its hash; "topic=" stands before
// one that begins with _ or a dot. What it returned stays as it is.
func ShortTopic(topic string) string {
	if base, ok := strings.CutPrefix(topic, visible); ok && validTopic(topic) {
		topic = base
	}
	if IsHidden(topic) {
		return visible + cutLong(topic)
	}
	return cutLong(topic)
}

func cutLong(topic string) string {
	if len(topic) <= longTopic {
		return topic
	}
	h := sha256.Sum256([]byte(topic))
	return topic[:cutTopic] + "~" + hex.EncodeToString(h[:4])
}

// Parse takes a name apart. What String would not write is an error: it is not a file of ours.
func Parse(name string) (Name, error) {
	n, err := parse(name)
	if err != nil {
		return Name{}, fmt.Errorf("file name %q: %w", name, err)
	}
	return n, nil
}

func parse(name string) (n Name, err error) {
	dot := strings.LastIndexByte(name, '.')
	if dot < 0 {
		return n, fmt.Errorf("no extension")
	}
	if n.Extension = name[dot:]; len(n.Extension) < 2 || strings.Trim(n.Extension[1:], "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
		return n, fmt.Errorf("no extension after the sequence")
	}
	// From the end: a topic may have dashes of its own.
	parts := strings.Split(name[:dot], "-")
	if len(parts) < 5 {
		return n, fmt.Errorf("not topic, partition, offset, attempt and sequence")
	}
	last := parts[len(parts)-4:]
	n.Topic = strings.Join(parts[:len(parts)-4], "-")
	if !validTopic(n.Topic) {
		return n, fmt.Errorf("not the name of a topic")
	}
	partition, ok := strings.CutPrefix(last[0], "p")
	switch {
	case !ok:
		return n, fmt.Errorf("no partition")
	case partition == "multi":
		n.Partition = Several
	default:
		p, err := number(partition, partitionDigits, 31)
		if err != nil {
			return n, fmt.Errorf("partition: %w", err)
		}
		n.Partition = int32(p)
	}
	if n.First, err = number(last[1], offsetDigits, 63); err != nil {
		return n, fmt.Errorf("offset: %w", err)
	}
	if n.Attempt = last[2]; !IsAttempt(n.Attempt) {
		return n, fmt.Errorf("attempt %q is not %d hex digits", n.Attempt, attemptDigits)
	}
	sequence, err := number(last[3], sequenceDigits, 31)
	if err != nil {
		return n, fmt.Errorf("sequence: %w", err)
	}
	n.Sequence = int(sequence)
	return n, nil
}

// IsAttempt reports whether s has the form of an attempt: 16 hex digits in lower case.
func IsAttempt(s string) bool {
	if len(s) != attemptDigits {
		return false
	}
	for _, c := range []byte(s) {
		if !('0' <= c && c <= '9' || 'a' <= c && c <= 'f') {
			return false
		}
	}
	return true
}

// number reads a number of at least so many digits, with zeros only as far as these ask for.
func number(s string, digits, bits int) (int64, error) {
	if len(s) < digits || len(s) > digits && s[0] == '0' || strings.Trim(s, "0123456789") != "" {
		return 0, fmt.Errorf("%q is not a number of %d digits", s, digits)
	}
	v, err := strconv.ParseUint(s, 10, bits)
	return int64(v), err
}

// validTopic says whether ShortTopic may return s.
func validTopic(s string) bool {
	s, shown := strings.CutPrefix(s, visible)
	if shown != IsHidden(s) {
		return false
	}
	base := s
	if len(s) == cutTopic+9 {
		if cut, hash, ok := strings.Cut(s, "~"); ok {
			if len(cut) != cutTopic || strings.Trim(hash, "0123456789abcdef") != "" {
				return false
			}
			base = cut
		}
	}
	if base == "" || len(base) > longTopic {
		return false
	}
	for _, c := range []byte(base) {
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '.' || c == '_' || c == '-') {
			return false
		}
	}
	return true
}

// Staging is the name of the file while it is staged, in the folder of its attempt's staged files.
func (n Name) Staging(folder string) string { return folder + "/" + n.String() + storage.StagedSuffix }

// ParseStaging takes a name that Staging made apart, without its folder.
func ParseStaging(base string) (Name, error) {
	name, ok := strings.CutSuffix(base, storage.StagedSuffix)
	if !ok {
		return Name{}, fmt.Errorf("file name %q: it does not end in %s", base, storage.StagedSuffix)
	}
	return Parse(name)
}
