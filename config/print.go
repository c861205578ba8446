package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// JSON is Print as a JSON document.
func (c *Config) JSON() ([]byte, error) { return json.Marshal(c.document()) }

// Print returns the effective configuration as a document: every key with its value, defaults merged into the jobs, secrets masked.
// Parsing it gives the same configuration, but for the secrets.
func (c *Config) Print() ([]byte, error) {
	n, err := c.document().node()
	if err != nil {
		return nil, fmt.Errorf("print configuration: %w", err)
	}
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(n); err != nil {
		return nil, fmt.Errorf("print configuration: %w", err)
	}
	return b.Bytes(), enc.Close()
}

func (c *Config) document() section {
	jobs := make([]section, len(c.Jobs))
	for i, j := range c.Jobs {
		jobs[i] = j.document()
	}
	k, r, s, p := c.Kafka, c.Registry, c.Store, c.Metrics
	return section{
		{"kafka", section{
			{"brokers", k.Brokers},
			{"client_id", k.ClientID},
			{"tls", section{{"enabled", k.TLS.Enabled}, {"ca_file", k.TLS.CAFile}, {"cert_file", k.TLS.CertFile}, {"key_file", k.TLS.KeyFile},
				{"server_name", k.TLS.ServerName}}},
			{"sasl", section{{"mechanism", k.SASL.Mechanism}, {"username", k.SASL.Username}, {"password", shown(k.SASL.Password, k.SASL.PasswordFile)},
				{"password_file", k.SASL.PasswordFile}}},
			{"isolation", string(k.Isolation)},
		}},
		{"registry", section{{"url", strings.Join(r.URLs, ",")}, {"username", r.Username}, {"password", shown(r.Password, r.PasswordFile)},
			{"password_file", r.PasswordFile}, {"ca_file", r.CAFile}, {"cert_file", r.CertFile}, {"key_file", r.KeyFile}, {"timeout", FormatDuration(r.Timeout)}}},
		{"store", section{
			{"url", s.URL},
			{"s3", section{{"endpoint", s.S3.Endpoint}, {"region", s.S3.Region}, {"path_style", s.S3.PathStyle}, {"storage_class", s.S3.StorageClass},
				{"sse", s.S3.SSE}, {"kms_key", s.S3.KMSKey}, {"acl", s.S3.ACL}}},
			{"hdfs", section{{"conf_dir", s.HDFS.ConfDir}, {"user", s.HDFS.User}, {"replication", s.HDFS.Replication}, {"group", s.HDFS.Group},
				{"file_mode", fmt.Sprintf("%04o", s.HDFS.FileMode)}, {"dir_mode", fmt.Sprintf("%04o", s.HDFS.DirMode)}, {"staging", s.HDFS.Staging},
				{"kerberos", section{{"principal", s.HDFS.Kerberos.Principal}, {"keytab", s.HDFS.Kerberos.Keytab}, {"krb5_conf", s.HDFS.Kerberos.Krb5Conf}}}}},
		}},
		{"memory", FormatSize(c.Memory)},
		{"max_open_files", c.MaxOpenFiles},
		{"orphan_age", FormatDuration(c.OrphanAge)},
		{"shutdown_grace", FormatDuration(c.ShutdownGrace)},
		{"admin", section{{"listen", c.Admin.Listen}, {"token_file", c.Admin.TokenFile}}},
		{"metrics", section{{"textfile_dir", p.TextfileDir}, {"push_url", p.PushURL}, {"push_job", p.PushJob}, {"push_username", p.Username},
			{"push_password", shown(p.Password, p.PasswordFile)}, {"push_password_file", p.PasswordFile}}},
		{"jobs", jobs},
	}
}

func (j *Job) document() section {
	start := string(j.Start.At)
	if j.Start.At == StartTime {
		start = j.Start.Time.Format(time.RFC3339Nano)
	}
	p := j.Partition.document()
	return section{
		{"name", j.Name},
		{"topics", sources(j.Topics)},
		{"exclude", sources(j.Exclude)},
		{"schedule", j.Schedule},
		{"timezone", j.Timezone.String()},
		{"catch_up", FormatDuration(j.CatchUp)},
		{"jitter", FormatDuration(j.Jitter)},
		{"retry", section{{"times", j.Retry.Times}, {"wait", FormatDuration(j.Retry.Wait)}}},
		{"timeout", FormatDuration(j.Timeout)},
		{"start", start},
		{"folder", j.Folder},
		{"value", j.Value.document()},
		{"key", j.Key.document()},
		{"headers", j.Headers},
		{"partition", p},
		{"output", section{{"format", j.Output.Format}, {"compression", j.Output.Compression}, {"target_size", FormatSize(j.Output.TargetSize)},
			{"kafka_columns", j.Output.KafkaColumns}}},
		{"commit_every", section{{"bytes", FormatSize(j.CommitEvery.Bytes)}, {"duration", FormatDuration(j.CommitEvery.Duration)}}},
		{"limits", section{{"records", j.Limits.Records}, {"bytes", FormatSize(j.Limits.Bytes)}, {"duration", FormatDuration(j.Limits.Duration)},
			{"bytes_per_second", FormatSize(j.Limits.BytesPerSecond)}}},
		{"complete", section{{"marker", j.Complete.Marker}, {"lateness", FormatDuration(j.Complete.Lateness)}, {"idle", FormatDuration(j.Complete.Idle)}}},
		{"policy", section{{"bad_record", j.Policy.BadRecord}, {"max_bad", string(j.Policy.MaxBad)}, {"misfit", j.Policy.Misfit}, {"tombstone", j.Policy.Tombstone},
			{"lost_records", j.Policy.LostRecords}, {"topic_recreated", j.Policy.TopicRecreated}, {"truncated", j.Policy.Truncated},
			{"unexplained_gap", j.Policy.UnexplainedGap}}},
	}
}

func (p *Partition) document() section {
	return section{{"by", p.By}, {"field", p.fields()}, {"unit", p.Unit}, {"pattern", texts(p.Pattern)}, {"timezone", zoneName(p.Timezone)}, {"layout", p.Layout},
		{"min", p.Min.Format(time.RFC3339Nano)}, {"max_future", FormatDuration(p.MaxFuture)}, {"otherwise", p.Otherwise}}
}

// fields prints one path where that says all, and otherwise what holds for each.
func (p *Partition) fields() any {
	switch {
	case len(p.Fields) == 0:
		return ""
	case len(p.Fields) == 1 && p.Fields[0].Unit == p.Unit && slices.Equal(p.Fields[0].Pattern, p.Pattern) && zoneName(p.Fields[0].Timezone) == zoneName(p.Timezone):
		return p.Fields[0].Path
	}
	list := make([]section, len(p.Fields))
	for i, f := range p.Fields {
		list[i] = section{{"path", f.Path}, {"unit", f.Unit}, {"pattern", texts(f.Pattern)}, {"timezone", zoneName(f.Timezone)}}
	}
	return list
}

// texts prints a list of values; one by itself, and none as an empty one.
func texts(s []string) any {
	switch len(s) {
	case 0:
		return ""
	case 1:
		return s[0]
	}
	return s
}

func zoneName(z *time.Location) string {
	if z == nil {
		return ""
	}
	return z.String()
}

func (v Value) document() section {
	return section{{"format", v.Format}, {"framing", v.Framing}, {"schema", v.Schema}, {"subject", v.Subject}, {"version", v.Version}, {"message", v.Message},
		{"as_json", append([]string{}, v.AsJSON...)}}
}

// shown is how a secret prints: not at all where its file does.
func shown(s Secret, file string) string {
	if file != "" {
		return ""
	}
	return s.String()
}

func sources(ps []Pattern) []string {
	s := make([]string, len(ps))
	for i, p := range ps {
		s[i] = p.Source
	}
	return s
}

// A section is a YAML mapping in the order in which it is written.
type section []pair

type pair struct {
	key   string
	value any // section, []section, or a value that YAML knows
}

func (s section) node() (*yaml.Node, error) {
	m := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	for _, p := range s {
		v, err := valueNode(p.value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.key, err)
		}
		m.Content = append(m.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: p.key}, v)
	}
	return m, nil
}

// MarshalJSON writes the keys in their order.
func (s section) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, p := range s {
		if i > 0 {
			b = append(b, ',')
		}
		v, err := json.Marshal(p.value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.key, err)
		}
		b = append(append(strconv.AppendQuote(b, p.key), ':'), v...)
	}
	return append(b, '}'), nil
}

func valueNode(v any) (*yaml.Node, error) {
	switch v := v.(type) {
	case section:
		return v.node()
	case []section:
		list := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		for _, s := range v {
			n, err := s.node()
			if err != nil {
				return nil, err
			}
			list.Content = append(list.Content, n)
		}
		return list, nil
	case []string:
		list := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Style: yaml.FlowStyle}
		for _, s := range v {
			n, err := valueNode(s)
			if err != nil {
				return nil, err
			}
			list.Content = append(list.Content, n)
		}
		return list, nil
	case string:
		v = strings.ReplaceAll(v, "${", "$${")
		n := &yaml.Node{}
		return n, n.Encode(v)
	}
	n := &yaml.Node{}
	return n, n.Encode(v)
}
