package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// known is every key that may stand in a section. Job sections are under "job", wherever they stand.
var known = map[string][]string{
	"":                    {"kafka", "registry", "store", "memory", "max_open_files", "orphan_age", "shutdown_grace", "admin", "metrics", "defaults", "jobs"},
	"kafka":               {"brokers", "client_id", "tls", "sasl", "isolation"},
	"kafka.tls":           {"enabled", "ca_file", "cert_file", "key_file", "server_name"},
	"kafka.sasl":          {"mechanism", "username", "password", "password_file"},
	"registry":            {"url", "username", "password", "password_file", "ca_file", "cert_file", "key_file", "timeout"},
	"store":               {"url", "s3", "hdfs"},
	"store.s3":            {"endpoint", "region", "path_style", "storage_class", "sse", "kms_key", "acl"},
	"store.hdfs":          {"conf_dir", "user", "replication", "group", "file_mode", "dir_mode", "staging", "kerberos"},
	"store.hdfs.kerberos": {"principal", "keytab", "krb5_conf"},
	"admin":               {"listen", "token_file"},
	"metrics":             {"textfile_dir", "push_url", "push_job", "push_username", "push_password", "push_password_file"},
	"job": {"name", "topics", "exclude", "schedule", "timezone", "catch_up", "jitter", "retry", "timeout", "start", "folder", "value", "key",
		"headers", "partition", "output", "commit_every", "limits", "complete", "policy"},
	"job.retry":           {"times", "wait"},
	"job.value":           {"format", "framing", "schema", "subject", "version", "message", "as_json"},
	"job.key":             {"format", "framing", "schema", "subject", "version", "message", "as_json"},
	"job.partition":       {"by", "field", "unit", "pattern", "timezone", "layout", "min", "max_future", "otherwise"},
	"job.partition.field": {"path", "unit", "pattern", "timezone"},
	"job.output":          {"format", "compression", "target_size", "kafka_columns"},
	"job.commit_every":    {"bytes", "duration"},
	"job.limits":          {"records", "bytes", "duration", "bytes_per_second"},
	"job.complete":        {"marker", "lateness", "idle"},
	"job.policy":          {"bad_record", "max_bad", "misfit", "tombstone", "lost_records", "topic_recreated", "truncated", "unexplained_gap"},
}

// suggestion says what an unknown key may have been meant to be: a key of this section, or one that belongs elsewhere.
func suggestion(kind, key string) string {
	if s := didYouMean(key, known[kind]); s != "" {
		return s
	}
	for _, k := range slices.Sorted(maps.Keys(known)) {
		if k != kind && slices.Contains(known[k], key) {
			where := "the top"
			if k != "" {
				where = strings.Replace(k, "job", "a job", 1)
				where = strings.Replace(where, "a job.", "a job's ", 1)
			}
			return fmt.Sprintf(": it belongs under %s", where)
		}
	}
	return fmt.Sprintf(": known here are %s", strings.Join(known[kind], ", "))
}

// didYouMean names the nearest word, if one is near.
func didYouMean(s string, words []string) string {
	best, least := "", 1+max(1, min(3, len(s)/3))
	for _, w := range words {
		if w == "" {
			continue
		}
		if n := distance(strings.ToLower(s), strings.ToLower(w)); n < least {
			best, least = w, n
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(": did you mean %s?", best)
}

// distance is the least number of letters to insert, remove, change or swap with the next one, to get from a to b.
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row[0] = i + 1
		for j := range len(b) {
			change := last[j]
			if a[i] != b[j] {
				change++
			}
			row[j+1] = min(last[j+1]+1, row[j]+1, change)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
