package extract

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// EpochEnd implements [Source]. For an epoch in which the leader has no records, the end is that of the newest epoch before it:
// one that lies below what was read in the epoch says that the log was truncated.
func (k *Kafka) EpochEnd(ctx context.Context, topic string, partition, epoch int32) (end int64, known bool, err error) {
	if epoch < 0 {
		return 0, false, nil
	}
	what := fmt.Sprintf("end of leader epoch %d of %s/%d", epoch, topic, partition)
	err = k.atLeader(ctx, what, topic, partition, func(_ *layout, p placement) error {
		req := kmsg.NewPtrOffsetForLeaderEpochRequest()
		req.ReplicaID = -1
		rt := kmsg.NewOffsetForLeaderEpochRequestTopic()
		rt.Topic = topic
		rp := kmsg.NewOffsetForLeaderEpochRequestTopicPartition()
		rp.Partition = partition
		rp.CurrentLeaderEpoch = p.epoch
		rp.LeaderEpoch = epoch
		rt.Partitions = append(rt.Partitions, rp)
		req.Topics = append(req.Topics, rt)
		resp, err := k.ask(ctx, p.leader, req)
		if err != nil {
			return err
		}
		for _, rt := range resp.(*kmsg.OffsetForLeaderEpochResponse).Topics {
			for _, rp := range rt.Partitions {
				if rt.Topic == topic && rp.Partition == partition {
					end, known = rp.EndOffset, rp.EndOffset >= 0
					return kerr.ErrorForCode(rp.ErrorCode)
				}
			}
		}
		return errNoAnswer
	})
	return end, known && err == nil, err
}
