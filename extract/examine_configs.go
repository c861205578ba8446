package extract

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"shadoof/storage"
)

// settings of a topic, as far as lifting it depends on them.
type topicSettings map[string]string

var settingNames = []string{"cleanup.policy", "retention.ms", "retention.bytes", "max.message.bytes", "message.timestamp.type", "min.compaction.lag.ms",
	"unclean.leader.election.enable"}

func (s topicSettings) number(name string) (int64, bool) {
	n, err := strconv.ParseInt(s[name], 10, 64)
	return n, err == nil
}

// examineConfigs compares a topic's settings with how it is to be lifted.
func (k *Kafka) examineConfigs(ctx context.Context, d *Topic, u Use) []storage.Finding {
	s, err := k.topicSettings(ctx, d.Name)
	switch {
	case errors.Is(err, ErrNotAuthorized):
		return []storage.Finding{finding(storage.Unseen, aclConfigs, "refused, and needed only by some topics: without it retention is not compared with the schedule, and offsets without "+
			"records count as unexplained in a compacted topic: allow the principal DESCRIBE_CONFIGS on topic %s, or look with kafka-configs.sh --describe --all", d.Name)}
	case err != nil:
		return []storage.Finding{finding(storage.Unseen, aclConfigs, "%v: look with kafka-configs.sh --describe --all --topic %s", err, d.Name)}
	}
	found := []storage.Finding{finding(storage.Good, aclConfigs, "settings are answered; cleanup.policy is %s", s["cleanup.policy"])}
	if strings.Contains(s["cleanup.policy"], "delete") {
		found = append(found, retentionFinding(s, u), k.sizeRetention(ctx, s, d, u))
	}
	if strings.Contains(s["cleanup.policy"], "compact") {
		found = append(found, compactionFinding(s, u))
	}
	found = append(found, messageFinding(s, u))
	if s["unclean.leader.election.enable"] == "true" {
		found = append(found, finding(storage.Doubt, "leader election", "unclean.leader.election.enable is true: a replica that lags may become leader, which cuts off records that were lifted; runs then halt (policy.truncated)"))
	}
	present := found[:0]
	for _, f := range found {
		if f.Name != "" {
			present = append(present, f)
		}
	}
	return present
}

func (k *Kafka) topicSettings(ctx context.Context, topic string) (topicSettings, error) {
	req := kmsg.NewPtrDescribeConfigsRequest()
	r := kmsg.NewDescribeConfigsRequestResource()
	r.ResourceType, r.ResourceName, r.ConfigNames = kmsg.ConfigResourceTypeTopic, topic, settingNames
	req.Resources = append(req.Resources, r)
	s := topicSettings{}
	err := k.asking(ctx, "settings of topic "+topic, anyBroker, req, func(resp kmsg.Response) error {
		for _, r := range resp.(*kmsg.DescribeConfigsResponse).Resources {
			if err := kerr.ErrorForCode(r.ErrorCode); err != nil {
				return err
			}
			for _, c := range r.Configs {
				if c.Value != nil {
					s[c.Name] = *c.Value
				}
			}
		}
		if len(s) == 0 {
			return errNoAnswer
		}
		return nil
	})
	return s, err
}

// least is how long records should be kept: a run may fail, and people sleep at night.
func (u Use) least() time.Duration { return max(3*u.Every, 24*time.Hour) }

func retentionFinding(s topicSettings, u Use) storage.Finding {
	const name = "retention"
	ms, ok := s.number("retention.ms")
	switch {
	case !ok:
		return finding(storage.Unseen, name, "the cluster does not tell retention.ms")
	case ms < 0:
		return finding(storage.Good, name, "retention.ms: records are kept for ever")
	}
	kept := time.Duration(min(ms, int64(100*365*24*time.Hour/time.Millisecond))) * time.Millisecond
	return judgeKept(name, fmt.Sprintf("retention.ms keeps records for %s", period(kept)), kept, u)
}

func judgeKept(name, text string, kept time.Duration, u Use) storage.Finding {
	apart := fmt.Sprintf("; runs may be %s apart", period(u.Every))
	if u.Every == 0 {
		apart = "; the configuration has no schedule to compare with"
	}
	switch {
	case kept <= u.Every:
		return finding(storage.Bad, name, "%s%s: records are deleted before they are read: keep them for %s at least, or run more often", text, apart, period(u.least()))
	case kept < u.least():
		return finding(storage.Doubt, name, "%s%s: a few failed runs, or a night, and records are lost: keep them for %s at least", text, apart, period(u.least()))
	}
	return finding(storage.Good, name, "%s%s", text, apart)
}

// sizeRetention looks at what retention.bytes has left, since nobody knows how fast a log grows.
func (k *Kafka) sizeRetention(ctx context.Context, s topicSettings, d *Topic, u Use) storage.Finding {
	const name = "retention by size"
	bytes, ok := s.number("retention.bytes")
	if !ok || bytes < 0 {
		return storage.Finding{}
	}
	text := fmt.Sprintf("retention.bytes is %d per partition", bytes)
	oldest, partition, cut := k.oldestRecord(ctx, d)
	if !cut {
		return finding(storage.Good, name, "%s; nothing was deleted yet", text)
	}
	if oldest.IsZero() {
		return finding(storage.Unseen, name, "%s, and how old the oldest records are was not answered: see that they are older than %s", text, period(u.least()))
	}
	return judgeKept(name, fmt.Sprintf("%s; the oldest record of partition %d is %s old", text, partition, period(time.Since(oldest))), time.Since(oldest), u)
}

// oldestRecord is the youngest of the partitions' oldest records, among partitions from which something was deleted.
func (k *Kafka) oldestRecord(ctx context.Context, d *Topic) (oldest time.Time, partition int32, cut bool) {
	ctx, cancel := context.WithTimeout(ctx, k.opts.Patience)
	defer cancel()
	var parts []placement
	for _, p := range d.Partitions {
		if p.Err == nil && p.LogStart > 0 && p.HighWatermark > p.LogStart {
			parts = append(parts, placement{partition: p.Partition, leader: p.Leader, epoch: p.Epoch})
		}
	}
	found := k.listOffsets(ctx, d.Name, parts, func(node int32, parts []placement) map[int32]offsets {
		m := map[int32]offsets{}
		for partition, a := range k.offsetsByTime(ctx, d.Name, node, parts, 0, uncommitted) {
			m[partition] = offsets{offset: [3]int64{a.time}, err: a.err}
		}
		return m
	})
	for p, a := range found {
		if t := time.UnixMilli(a.offset[0]); a.err == nil && a.offset[0] > 0 && (oldest.IsZero() || t.After(oldest)) {
			oldest, partition = t, p
		}
	}
	return oldest, partition, len(parts) > 0
}

func compactionFinding(s topicSettings, u Use) storage.Finding {
	const name = "compaction"
	ms, _ := s.number("min.compaction.lag.ms")
	lag := time.Duration(min(ms, int64(100*365*24*time.Hour/time.Millisecond))) * time.Millisecond
	if lag > 0 && lag >= u.Every {
		return finding(storage.Good, name, "min.compaction.lag.ms keeps records for %s", period(lag))
	}
	return finding(storage.Doubt, name, "records that are overwritten by their key between two runs may never be lifted: if each counts, set min.compaction.lag.ms to %s at least", period(u.least()))
}

// messageFinding compares the largest batch with what a partition may hold: a batch is fetched whole.
func messageFinding(s topicSettings, u Use) storage.Finding {
	const name = "message size"
	n, ok := s.number("max.message.bytes")
	text := fmt.Sprintf("max.message.bytes is %d", n)
	switch {
	case !ok:
		return finding(storage.Unseen, name, "the cluster does not tell max.message.bytes")
	case n > maxAnswerBytes/2:
		return finding(storage.Doubt, name, "%s: a batch of more than %d bytes cannot be read", text, maxAnswerBytes/2)
	case u.Memory > 0 && 2*n > u.Memory:
		return finding(storage.Doubt, name, "%s: two such batches of a partition are more than its share of memory, %d bytes: raise memory if there are batches of that size", text, u.Memory)
	}
	return finding(storage.Good, name, "%s", text)
}

// period writes a duration in days and hours, as people set retention.
func period(d time.Duration) string {
	switch {
	case d >= 48*time.Hour && d%(24*time.Hour) == 0, d >= 10*24*time.Hour:
		return count(int(d/(24*time.Hour)), "day")
	case d >= time.Hour:
		return count(int(d.Round(time.Hour)/time.Hour), "hour")
	}
	return d.Round(time.Second).String()
}
