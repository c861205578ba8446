package extract

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"shadoof/storage"
)

// Rows of a topic that stand for permissions.
const (
	aclDescribe = "ACL DESCRIBE"
	aclRead     = "ACL READ"
	aclConfigs  = "ACL DESCRIBE_CONFIGS"
)

// ExamineTopic implements [Examiner].
func (k *Kafka) ExamineTopic(ctx context.Context, u Use) []storage.Finding {
	placed, err := k.askTopic(ctx, u.Topic)
	if err != nil {
		return []storage.Finding{describeRefused(u.Topic, err)}
	}
	found := []storage.Finding{partitionsFinding(placed)}

	// From here on the questions are those of a run.
	bounded, cancel := context.WithTimeout(ctx, 2*k.opts.Patience)
	defer cancel()
	d, err := k.Describe(bounded, u.Topic)
	if err != nil {
		return append(found, describeRefused(u.Topic, err))
	}
	found = append(found, finding(storage.Good, aclDescribe, "metadata and watermarks are answered"), logFinding(d))
	newest, read := k.tryRead(ctx, d)
	found = append(found, read)
	if newest != nil {
		found = append(found, timesFinding(newest, u))
	}
	if k.opts.ReadCommitted {
		found = append(found, k.examineTransactions(ctx, d)...)
	}
	return append(found, k.examineConfigs(ctx, d, u)...)
}

func describeRefused(topic string, err error) storage.Finding {
	switch {
	case errors.Is(err, ErrNotAuthorized):
		return finding(storage.Bad, aclDescribe, "refused: allow the principal READ on topic %s, which implies DESCRIBE", topic)
	case errors.Is(err, ErrNoTopic):
		return finding(storage.Bad, "exists", "the cluster has no such topic, or does not show it to this principal: create it, take it out of its job, or allow DESCRIBE")
	}
	return failed("partitions", err)
}

// askTopic asks for a topic's metadata, replicas and all.
func (k *Kafka) askTopic(ctx context.Context, topic string) (*kmsg.MetadataResponseTopic, error) {
	req := kmsg.NewPtrMetadataRequest()
	req.AllowAutoTopicCreation = false
	rt := kmsg.NewMetadataRequestTopic()
	rt.Topic = kmsg.StringPtr(topic)
	req.Topics = append(req.Topics, rt)
	var found *kmsg.MetadataResponseTopic
	denied := 0
	err := k.asking(ctx, "metadata of topic "+topic, anyBroker, req, func(r kmsg.Response) error {
		resp := r.(*kmsg.MetadataResponse)
		if len(resp.Topics) != 1 {
			return errNoAnswer
		}
		found = &resp.Topics[0]
		err := kerr.ErrorForCode(found.ErrorCode)
		if err == kerr.UnknownTopicOrPartition {
			if denied++; denied >= denials {
				return permanent{ErrNoTopic}
			}
		}
		return err
	})
	return found, err
}

// partitionsFinding says who leads, and which replicas are missing.
func partitionsFinding(t *kmsg.MetadataResponseTopic) storage.Finding {
	var leaderless, behind []int32
	leaders := map[int32]bool{}
	replicas := 0
	for _, p := range t.Partitions {
		replicas = max(replicas, len(p.Replicas))
		switch {
		case p.Leader < 0:
			leaderless = append(leaderless, p.Partition)
		case len(p.ISR) < len(p.Replicas):
			behind = append(behind, p.Partition)
		}
		if p.Leader >= 0 {
			leaders[p.Leader] = true
		}
	}
	slices.Sort(leaderless)
	slices.Sort(behind)
	text := fmt.Sprintf("%s on %s, %s each", count(len(t.Partitions), "partition"), count(len(leaders), "leader"), count(replicas, "replica"))
	const name = "partitions"
	switch {
	case len(leaderless) > 0:
		return finding(storage.Absent, name, "%s; no leader for %s: these cannot be read until a broker with a replica of them is back", text, some(leaderless))
	case len(behind) > 0:
		return finding(storage.Doubt, name, "%s; replicas are missing or behind for %s: if the leader is lost now, the log may be cut", text, some(behind))
	}
	return finding(storage.Good, name, "%s", text)
}

func logFinding(d *Topic) storage.Finding {
	var offsets, open int64
	var wrong []int32
	var why error
	for _, p := range d.Partitions {
		if p.Err != nil {
			wrong, why = append(wrong, p.Partition), p.Err
			continue
		}
		offsets += p.HighWatermark - p.LogStart
		open += p.HighWatermark - p.LastStable
	}
	if len(wrong) > 0 {
		return finding(storage.Absent, "log", "no watermarks of %s: %v", some(wrong), why)
	}
	text := count(int(offsets), "offset")
	if open > 0 {
		text += fmt.Sprintf(", %d of them behind open transactions", open)
	}
	return finding(storage.Good, "log", "%s", text)
}

// tryRead fetches a batch, the newest that readers are entitled to where there is one: the permission is for the whole topic.
func (k *Kafka) tryRead(ctx context.Context, d *Topic) (newest *header, f storage.Finding) {
	ctx, cancel := context.WithTimeout(ctx, k.opts.Patience)
	defer cancel()
	p, offset, ok := newestPartition(d, k.opts.ReadCommitted)
	if !ok {
		return nil, finding(storage.Unseen, aclRead, "no partition can be asked now: look again when they have leaders")
	}
	what := fmt.Sprintf("read %s/%d at %d", d.Name, p.Partition, offset)
	var answer *kmsg.FetchResponseTopicPartition
	err := k.atLeader(ctx, what, d.Name, p.Partition, func(l *layout, at placement) (err error) {
		answer, err = k.fetch(ctx, query{topic: d.Name, id: l.id, at: at, offset: offset, lastEpoch: -1, bytes: 1})
		return err
	})
	switch {
	case errors.Is(err, ErrNotAuthorized):
		return nil, finding(storage.Bad, aclRead, "refused: allow the principal READ on topic %s", d.Name)
	case err != nil:
		return nil, failed(aclRead, err)
	}
	n, _, err := frame(answer.RecordBatches)
	if err == nil && n > 0 {
		var h header
		if h, err = readHeader(answer.RecordBatches[:n]); err == nil {
			return &h, finding(storage.Good, aclRead, "partition %d was read at offset %d", p.Partition, offset)
		}
	}
	if err != nil {
		return nil, finding(storage.Bad, aclRead, "%s: %v", what, err)
	}
	return nil, finding(storage.Good, aclRead, "partition %d was asked at offset %d, where no record is", p.Partition, offset)
}

// newestPartition chooses a partition that holds something, if one does, and its last offset.
func newestPartition(d *Topic, readCommitted bool) (at Partition, offset int64, ok bool) {
	most := int64(-1)
	for _, p := range d.Partitions {
		if n := p.End(readCommitted) - p.LogStart; p.Err == nil && n > most {
			at, most, ok = p, n, true
		}
	}
	return at, max(at.End(readCommitted)-1, at.LogStart), ok
}

// timesFinding looks at the newest batch: whose clock its times are of, and whether they fit.
func timesFinding(h *header, u Use) storage.Finding {
	const name = "record times"
	whose := "set by producers"
	if h.attrs&appendTimeBit != 0 {
		whose = "set by the brokers"
	}
	if h.maxTime < 0 {
		return finding(storage.Doubt, name, "records have no time: their message format is older than Kafka 0.10; partition by a field")
	}
	at := time.UnixMilli(h.maxTime)
	text := fmt.Sprintf("%s; the newest record seen is of %s", whose, at.UTC().Format(time.RFC3339))
	if ahead := time.Until(at); u.MaxFuture > 0 && ahead > u.MaxFuture {
		return finding(storage.Doubt, name, "%s, which is %s from now and beyond partition.max_future: it will not go to its time folder: look at the producers' clocks and units", text, days(ahead))
	} else if h.attrs&appendTimeBit != 0 && ahead > maxSkew {
		return finding(storage.Doubt, name, "%s: the broker's clock is %s ahead of ours: set both by NTP", text, ahead.Round(time.Second))
	}
	return finding(storage.Good, name, "%s", text)
}
