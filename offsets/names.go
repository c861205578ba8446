package offsets

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// Dir is the folder that holds everything of a topic but its data files.
func Dir(topic string) string { return "_shadoof/topics/" + topic }

// LogName is the name of slot v.
func LogName(topic string, v int64) string { return fmt.Sprintf("%s/log/%020d.json", Dir(topic), v) }

// PubName is the name of the marker of version v.
func PubName(topic string, v int64) string { return fmt.Sprintf("%s/pub/%020d", Dir(topic), v) }

// CkptName is the name of the checkpoint of the fold up to v. Its number is inverted, so that a listing begins with the newest.
func CkptName(topic string, v int64) string {
	return fmt.Sprintf("%s/ckpt/%020d.json", Dir(topic), math.MaxInt64-v)
}

// PackName is the name of the pack that ends with record v.
func PackName(topic string, v int64) string {
	return fmt.Sprintf("%s/pack/%020d.jsonl.zst", Dir(topic), v)
}

// AttName is the name of the attachment of an attempt.
func AttName(topic, attempt string) string { return Dir(topic) + "/att/" + attempt + ".json" }

// SettingsName is the name of the settings with this hash.
func SettingsName(topic, hash string) string { return Dir(topic) + "/settings/" + hash + ".json" }

// StagingDir is the folder in which stores that stage in files keep those of an attempt.
func StagingDir(topic, attempt string) string { return Dir(topic) + "/staging/" + attempt }

// QuarantineDir is the folder of the topic's quarantine files.
func QuarantineDir(topic string) string { return Dir(topic) + "/quarantine" }

// ParseLogName returns the slot that a name stands for.
func ParseLogName(topic, name string) (v int64, ok bool) {
	return parseNumbered(name, Dir(topic)+"/log/", ".json")
}

// ParsePubName returns the version whose marker a name stands for.
func ParsePubName(topic, name string) (v int64, ok bool) {
	return parseNumbered(name, Dir(topic)+"/pub/", "")
}

// ParseCkptName returns the version up to which the checkpoint of that name folds.
func ParseCkptName(topic, name string) (v int64, ok bool) {
	n, ok := parseNumbered(name, Dir(topic)+"/ckpt/", ".json")
	if !ok || n == math.MaxInt64 {
		return 0, false
	}
	return math.MaxInt64 - n, true
}

// ParsePackName returns the version of the last record in the pack of that name.
func ParsePackName(topic, name string) (v int64, ok bool) {
	return parseNumbered(name, Dir(topic)+"/pack/", ".jsonl.zst")
}

// parseNumbered takes 20 digits out of a name; the number is at least 1, but for inverted ones, whose 0 is the greatest version.
func parseNumbered(name, prefix, suffix string) (int64, bool) {
	digits, ok := strings.CutPrefix(name, prefix)
	if !ok {
		return 0, false
	}
	if digits, ok = strings.CutSuffix(digits, suffix); !ok || len(digits) != 20 || digits[0] == '+' || digits[0] == '-' {
		return 0, false
	}
	v, err := strconv.ParseInt(digits, 10, 64)
	return v, err == nil && v >= 1
}

// RepairKey is the key of State.Repairs for a file.
func RepairKey(f FileRef) string { return strconv.FormatInt(f.V, 10) + "/" + f.Key }

// NewAttempt returns a fresh name for an attempt: 64 random bits in hex. A nil reader is crypto/rand.
func NewAttempt(random io.Reader) (string, error) { return randomHex(random, 8) }

func randomHex(random io.Reader, n int) (string, error) {
	if random == nil {
		random = rand.Reader
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(random, b); err != nil {
		return "", fmt.Errorf("draw %d random bytes: %w", n, err)
	}
	return hex.EncodeToString(b), nil
}

// isHex says whether s is n lower case hex digits.
func isHex(s string, n int) bool {
	if len(s) != n {
		return false
	}
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
