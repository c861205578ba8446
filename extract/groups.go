package extract

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Groups are the consumer groups of a cluster. They hold positions for other tools; shadoof's own are in its commit log. It is safe
// for concurrent use. Errors that pass are retried until ctx ends, as those of a [Source]; a refusal is ErrNotAuthorized.
type Groups interface {
	// Group tells who is in a consumer group now. A group that does not exist has no members: it comes into being with its first
	// position.
	Group(ctx context.Context, name string) (*Group, error)

	// Positions returns what a group holds for a topic, by partition. Partitions without a position are left out.
	// t is what Describe gave: a topic of that name with another id is a *RecreatedError, where the brokers can tell.
	Positions(ctx context.Context, group string, t *Topic) (map[int32]Position, error)

	// SetPositions writes positions of a topic into a group, all or those that it names in its error. Kafka takes them from an
	// outsider only as long as nobody is a member: otherwise the error wraps ErrGroupActive, and nothing was written.
	SetPositions(ctx context.Context, group string, t *Topic, positions map[int32]Position) error
}

// A Group is a consumer group at one moment.
type Group struct {
	Name    string
	State   string // as the broker calls it; "" for a group that does not exist
	Members []Member
}

// A Member of a consumer group.
type Member struct {
	ID     string
	Client string // its client id
	Host   string
}

func (m Member) String() string { return fmt.Sprintf("%s (client %s at %s)", m.ID, m.Client, m.Host) }

// A Position is what a group holds for a partition.
type Position struct {
	Offset   int64  // the next to read
	Epoch    int32  // of the leader when the record before it was read; -1 when unknown
	Metadata string // whatever its writer put there
}

// ErrGroupActive: somebody is a member of the group, so that its positions are theirs.
var ErrGroupActive = errors.New("the group has active members")

var _ Groups = (*Kafka)(nil)

// atCoordinator calls do with the coordinator of a group until it succeeds, with a fresh look-up for every try.
func (k *Kafka) atCoordinator(ctx context.Context, what, group string, do func(node int32) error) error {
	t := k.trying(what)
	for {
		node, err := k.coordinator(ctx, group)
		if err == nil {
			err = do(node)
		}
		if err == nil {
			return nil
		}
		if err := t.again(ctx, err); err != nil {
			return err
		}
	}
}

func (k *Kafka) coordinator(ctx context.Context, group string) (int32, error) {
	req := kmsg.NewPtrFindCoordinatorRequest()
	req.CoordinatorKey = group
	req.CoordinatorKeys = []string{group}
	resp, err := k.ask(ctx, anyBroker, req)
	if err != nil {
		return 0, err
	}
	r := resp.(*kmsg.FindCoordinatorResponse)
	node, code := r.NodeID, r.ErrorCode
	for _, c := range r.Coordinators {
		if c.Key == group {
			node, code = c.NodeID, c.ErrorCode
		}
	}
	return node, kerr.ErrorForCode(code)
}

// Group implements [Groups]. Groups of the newer protocol are unknown to the older question, and the other way round.
func (k *Kafka) Group(ctx context.Context, name string) (*Group, error) {
	var g *Group
	err := k.atCoordinator(ctx, "describe consumer group "+name, name, func(node int32) (err error) {
		if g, err = k.classicGroup(ctx, node, name); err != nil || g.State != "" {
			return err
		}
		g, err = k.consumerGroup(ctx, node, name)
		return err
	})
	return g, err
}

func (k *Kafka) classicGroup(ctx context.Context, node int32, name string) (*Group, error) {
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Groups = []string{name}
	resp, err := k.ask(ctx, node, req)
	if err != nil {
		return nil, err
	}
	answers := resp.(*kmsg.DescribeGroupsResponse).Groups
	if len(answers) != 1 {
		return nil, errNoAnswer
	}
	r, g := &answers[0], &Group{Name: name}
	switch err := kerr.ErrorForCode(r.ErrorCode); {
	case err == kerr.GroupIDNotFound:
		return g, nil
	case err != nil:
		return nil, err
	case r.State == "Dead": // there is none
		return g, nil
	}
	g.State = r.State
	for _, m := range r.Members {
		g.Members = append(g.Members, Member{m.MemberID, m.ClientID, m.ClientHost})
	}
	return g, nil
}

func (k *Kafka) consumerGroup(ctx context.Context, node int32, name string) (*Group, error) {
	req := kmsg.NewPtrConsumerGroupDescribeRequest()
	req.Groups = []string{name}
	resp, err := k.ask(ctx, node, req)
	g := &Group{Name: name}
	if unknownRequest(err) {
		return g, nil // brokers without the newer protocol have no such groups
	}
	if err != nil {
		return nil, err
	}
	answers := resp.(*kmsg.ConsumerGroupDescribeResponse).Groups
	if len(answers) != 1 {
		return nil, errNoAnswer
	}
	r := &answers[0]
	switch err := kerr.ErrorForCode(r.ErrorCode); {
	case err == kerr.GroupIDNotFound, err == kerr.UnsupportedVersion:
		return g, nil
	case err != nil:
		return nil, err
	}
	g.State = r.State
	for _, m := range r.Members {
		g.Members = append(g.Members, Member{m.MemberID, m.ClientID, m.ClientHost})
	}
	return g, nil
}

// unknownRequest recognises the client library's errors, which it does not export, for requests that a broker does not know.
func unknownRequest(err error) bool {
	return err != nil && (strings.Contains(err.Error(), "request key is unknown") || strings.Contains(err.Error(), "broker is too old"))
}

// A group's positions are asked for, and set, by topic ids where brokers know them, so that they are never another topic's. These are
// the last versions that carry names, for clusters without ids.
type (
	positionsByName    struct{ *kmsg.OffsetFetchRequest }
	setPositionsByName struct{ *kmsg.OffsetCommitRequest }
)

func (positionsByName) MaxVersion() int16    { return 9 }
func (setPositionsByName) MaxVersion() int16 { return 9 }

// Positions implements [Groups].
func (k *Kafka) Positions(ctx context.Context, group string, t *Topic) (map[int32]Position, error) {
	id, err := topicIDOf(t)
	if err != nil {
		return nil, err
	}
	found := map[int32]Position{}
	what := fmt.Sprintf("positions of consumer group %s in topic %s", group, t.Name)
	err = k.atCoordinator(ctx, what, group, func(node int32) error {
		resp, err := k.ask(ctx, node, positionsRequest(group, t, id))
		if err != nil {
			return err
		}
		return k.sameTopic(ctx, t, readPositions(resp.(*kmsg.OffsetFetchResponse), t, id, found))
	})
	return found, err
}

func positionsRequest(group string, t *Topic, id [16]byte) kmsg.Request {
	var parts []int32
	for _, p := range t.Partitions {
		parts = append(parts, p.Partition)
	}
	req := kmsg.NewPtrOffsetFetchRequest()
	req.Group = group
	old := kmsg.NewOffsetFetchRequestTopic()
	old.Topic, old.Partitions = t.Name, parts
	req.Topics = append(req.Topics, old)
	rt := kmsg.NewOffsetFetchRequestGroupTopic()
	rt.Topic, rt.TopicID, rt.Partitions = t.Name, id, parts
	rg := kmsg.NewOffsetFetchRequestGroup()
	rg.Group, rg.Topics = group, append(rg.Topics, rt)
	req.Groups = append(req.Groups, rg)
	if id == ([16]byte{}) {
		return positionsByName{req}
	}
	return req
}

// readPositions fills found.
func readPositions(resp *kmsg.OffsetFetchResponse, t *Topic, id [16]byte, found map[int32]Position) error {
	switch err := kerr.ErrorForCode(resp.ErrorCode); {
	case err == kerr.GroupIDNotFound:
		return nil
	case err != nil:
		return err
	}
	add := func(partition int32, offset int64, epoch int32, metadata *string, code int16) error {
		if err := kerr.ErrorForCode(code); err != nil {
			return fmt.Errorf("partition %d: %w", partition, err)
		}
		if offset < 0 {
			return nil
		}
		p := Position{Offset: offset, Epoch: epoch}
		if metadata != nil {
			p.Metadata = *metadata
		}
		found[partition] = p
		return nil
	}
	for _, rt := range resp.Topics {
		if rt.Topic != t.Name {
			continue
		}
		for _, p := range rt.Partitions {
			if err := add(p.Partition, p.Offset, p.LeaderEpoch, p.Metadata, p.ErrorCode); err != nil {
				return err
			}
		}
	}
	for _, g := range resp.Groups {
		switch err := kerr.ErrorForCode(g.ErrorCode); {
		case err == kerr.GroupIDNotFound:
			return nil
		case err != nil:
			return err
		}
		for _, rt := range g.Topics {
			if rt.Topic != t.Name && (id == ([16]byte{}) || rt.TopicID != id) {
				continue
			}
			for _, p := range rt.Partitions {
				if err := add(p.Partition, p.Offset, p.LeaderEpoch, p.Metadata, p.ErrorCode); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// SetPositions implements [Groups].
func (k *Kafka) SetPositions(ctx context.Context, group string, t *Topic, positions map[int32]Position) error {
	id, err := topicIDOf(t)
	if err != nil {
		return err
	}
	rt := kmsg.NewOffsetCommitRequestTopic()
	rt.Topic, rt.TopicID = t.Name, id
	for partition, p := range positions {
		rp := kmsg.NewOffsetCommitRequestTopicPartition()
		rp.Partition, rp.Offset, rp.LeaderEpoch, rp.Metadata = partition, p.Offset, p.Epoch, kmsg.StringPtr(p.Metadata)
		rt.Partitions = append(rt.Partitions, rp)
	}
	req := kmsg.NewPtrOffsetCommitRequest() // its generation is -1 and its member empty: an outsider
	req.Group = group
	req.Topics = append(req.Topics, rt)
	var ask kmsg.Request = req
	if id == ([16]byte{}) {
		ask = setPositionsByName{req}
	}
	what := fmt.Sprintf("set positions of consumer group %s in topic %s", group, t.Name)
	return k.atCoordinator(ctx, what, group, func(node int32) error {
		resp, err := k.ask(ctx, node, ask)
		if err != nil {
			return err
		}
		answered := 0
		for _, rt := range resp.(*kmsg.OffsetCommitResponse).Topics {
			for _, p := range rt.Partitions {
				answered++
				if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
					return k.sameTopic(ctx, t, fmt.Errorf("partition %d: %w", p.Partition, whenActive(err)))
				}
			}
		}
		if answered < len(positions) {
			return errNoAnswer
		}
		return nil
	})
}

// whenActive names what a coordinator answers to an outsider while the group has members, and leaves other errors as they are.
func whenActive(err error) error {
	switch err {
	case kerr.UnknownMemberID, kerr.IllegalGeneration, kerr.RebalanceInProgress, kerr.StaleMemberEpoch, kerr.FencedMemberEpoch:
		return permanent{ErrGroupActive}
	}
	return err
}

// topicIDOf is the id of a topic in the form of the protocol; zero where the cluster has none.
func topicIDOf(t *Topic) (id [16]byte, err error) {
	if t.ID == "" {
		return id, nil
	}
	if len(t.ID) != hex.EncodedLen(len(id)) {
		return id, fmt.Errorf("topic %s: %q is no topic id", t.Name, t.ID)
	}
	if _, err := hex.Decode(id[:], []byte(t.ID)); err != nil {
		return id, fmt.Errorf("topic %s: %q is no topic id", t.Name, t.ID)
	}
	return id, nil
}

// sameTopic looks, where brokers do not know a topic, whether it was recreated: otherwise they do not know it yet.
func (k *Kafka) sameTopic(ctx context.Context, t *Topic, err error) error {
	if !errors.Is(err, kerr.UnknownTopicID) && !errors.Is(err, kerr.UnknownTopicOrPartition) {
		return err
	}
	if _, gone := k.layoutOf(ctx, t.Name, t.ID); gone != nil {
		return permanent{gone}
	}
	return err
}
