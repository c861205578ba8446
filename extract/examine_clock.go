package extract

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"shadoof/storage"
)

// maxSkew is how far the cluster's clock may be from ours.
const maxSkew = time.Minute

// examineClock compares our clock with the cluster's. Kafka has no request for the time, but the active controller of a KRaft
// cluster says of itself that it caught up with the log now, in its own time (LeaderState.describeReplicaState). Other brokers'
// clocks are not seen.
func (k *Kafka) examineClock(ctx context.Context) []storage.Finding {
	const name = "clock"
	const look = "look with `chronyc tracking` or `timedatectl` on each broker"
	req := kmsg.NewPtrDescribeQuorumRequest()
	rt := kmsg.NewDescribeQuorumRequestTopic()
	rt.Topic = "__cluster_metadata"
	rt.Partitions = append(rt.Partitions, kmsg.NewDescribeQuorumRequestTopicPartition())
	req.Topics = append(req.Topics, rt)
	var theirs time.Time
	var before, after time.Time
	before = time.Now()
	err := k.asking(ctx, "ask the controller for its time", anyBroker, req, func(r kmsg.Response) (err error) {
		after = time.Now()
		theirs, err = controllerTime(r.(*kmsg.DescribeQuorumResponse))
		if err != nil {
			before = after // another request follows
		}
		return err
	})
	switch {
	case errors.Is(err, ErrNotAuthorized):
		return []storage.Finding{finding(storage.Unseen, name, "the ACL DESCRIBE on the cluster would let it be compared with ours; without it "+look)}
	case err != nil && isUnsupported(err), err == nil && theirs.IsZero():
		return []storage.Finding{finding(storage.Unseen, name, "these brokers do not tell their time: "+look)}
	case err != nil:
		return []storage.Finding{finding(storage.Unseen, name, "%v; %s", err, look)}
	}
	skew := clockSkew(before, after, theirs)
	text := fmt.Sprintf("the controller's clock is within %s of ours", after.Sub(before).Round(time.Millisecond))
	if skew != 0 {
		text = fmt.Sprintf("the controller's clock is %s %s ours", skew.Abs().Round(time.Millisecond), map[bool]string{true: "ahead of", false: "behind"}[skew > 0])
	}
	if skew.Abs() > maxSkew {
		return []storage.Finding{finding(storage.Doubt, name, "%s: set the clocks by NTP: bounds of times and broker timestamps go by them", text)}
	}
	return []storage.Finding{finding(storage.Good, name, "%s", text)}
}

// clockSkew is how far their clock is ahead of ours at least, when it was read between two moments of ours.
func clockSkew(before, after, theirs time.Time) time.Duration {
	switch {
	case theirs.Before(before.Truncate(time.Millisecond)):
		return theirs.Sub(before)
	case theirs.After(after):
		return theirs.Sub(after)
	}
	return 0
}

func controllerTime(resp *kmsg.DescribeQuorumResponse) (time.Time, error) {
	if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
		return time.Time{}, err
	}
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return time.Time{}, err
			}
			for _, v := range p.CurrentVoters {
				if v.ReplicaID == p.LeaderID && v.LastCaughtUpTimestamp > 0 {
					return time.UnixMilli(v.LastCaughtUpTimestamp), nil
				}
			}
		}
	}
	return time.Time{}, nil
}

// isUnsupported says that the brokers do not know a request. The library does not export its errors for that.
func isUnsupported(err error) bool {
	return errors.Is(err, kerr.UnsupportedVersion) || strings.Contains(err.Error(), "request key is unknown") || strings.Contains(err.Error(), "broker is too old")
}
