package extract

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"shadoof/internal/kafkatest"
)

func TestPositionsComeBackAsTheyWereSet(t *testing.T) {
	t.Parallel()
	c := startCluster(t, kafkatest.Options{Topics: map[string]int{"a": 3, "b": 1}})
	k := openKafka(t, c, nil)
	a, b := mustDescribe(t, k, "a"), mustDescribe(t, k, "b")

	none, err := k.Positions(t.Context(), "nobody", a)
	if err != nil || len(none) > 0 {
		t.Errorf("a group that does not exist has positions %v, %v", none, err)
	}
	want := map[int32]Position{0: {Offset: 0, Epoch: -1, Metadata: "shadoof v=7"}, 2: {Offset: 120, Epoch: 3}}
	if err := k.SetPositions(t.Context(), "g", a, want); err != nil {
		t.Fatal(err)
	}
	if err := k.SetPositions(t.Context(), "g", b, map[int32]Position{0: {Offset: 9, Epoch: -1}}); err != nil {
		t.Fatal(err)
	}
	got, err := k.Positions(t.Context(), "g", a)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("positions (-set +read), %v:\n%s", err, diff)
	}
	nameless := *a
	nameless.ID = "" // as by a cluster without topic ids
	got, err = k.Positions(t.Context(), "g", &nameless)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("positions by name (-set +read), %v:\n%s", err, diff)
	}
	if err := k.SetPositions(t.Context(), "g", &nameless, map[int32]Position{1: {Offset: 4, Epoch: -1}}); err != nil {
		t.Error(err)
	}
}

func TestPositionsOfARecreatedTopicAreNeverSet(t *testing.T) {
	t.Parallel()
	c := startCluster(t, kafkatest.Options{Topics: map[string]int{"a": 1}})
	k := openKafka(t, c, nil)
	old := mustDescribe(t, k, "a")
	if err := c.RecreateTopic("a", 1, nil); err != nil {
		t.Fatal(err)
	}
	var recreated *RecreatedError
	if err := k.SetPositions(t.Context(), "g", old, map[int32]Position{0: {Offset: 1}}); !errors.As(err, &recreated) {
		t.Errorf("positions of a topic that was recreated: %v", err)
	}
	if got, err := k.Positions(t.Context(), "g", mustDescribe(t, k, "a")); err != nil || len(got) > 0 {
		t.Errorf("the new topic has positions %v, %v", got, err)
	}
}

func TestPositionsOfAnActiveGroupAreItsMembers(t *testing.T) {
	t.Parallel()
	c := startCluster(t, kafkatest.Options{Topics: map[string]int{"a": 1}})
	k := openKafka(t, c, nil)
	d := mustDescribe(t, k, "a")
	if g, err := k.Group(t.Context(), "g"); err != nil || len(g.Members) > 0 || g.State != "" {
		t.Errorf("before anybody joined: %+v, %v", g, err)
	}
	produce(t, c, "a", numbered("x", 1)...)
	member, err := kgo.NewClient(kgo.SeedBrokers(c.Brokers()...), kgo.ConsumerGroup("g"), kgo.ConsumeTopics("a"), kgo.ClientID("billing"))
	if err != nil {
		t.Fatal(err)
	}
	defer member.Close()
	if f := member.PollFetches(t.Context()); f.Err() != nil {
		t.Fatal(f.Err())
	}
	g, err := k.Group(t.Context(), "g")
	if err != nil || len(g.Members) != 1 || g.Members[0].Client != "billing" || g.Members[0].Host == "" {
		t.Errorf("with a member: %+v, %v", g, err)
	}
	if err := k.SetPositions(t.Context(), "g", d, map[int32]Position{0: {Offset: 1}}); !errors.Is(err, ErrGroupActive) {
		t.Errorf("positions of an active group: %v", err)
	}
	member.LeaveGroup()
	if err := k.SetPositions(t.Context(), "g", d, map[int32]Position{0: {Offset: 1}}); err != nil {
		t.Errorf("after it left: %v", err)
	}
}

func TestGroupsThatAreNotAuthorized(t *testing.T) {
	t.Parallel()
	ann := kafkatest.User{Mechanism: "PLAIN", Name: "ann", Password: "s", ACLs: []kafkatest.ACL{
		{Topic: "a", Operation: kmsg.ACLOperationRead}, {Group: "seen", Operation: kmsg.ACLOperationDescribe}, {Group: "mine", Operation: kmsg.ACLOperationRead}}}
	c := startCluster(t, kafkatest.Options{Topics: map[string]int{"a": 1}, Users: []kafkatest.User{people[0], ann}})
	k := openKafka(t, c, func(o *Options) { o.SASL = SASL{Mechanism: "PLAIN", Username: "ann", Password: "s"} })
	d := mustDescribe(t, k, "a")
	denied := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, ErrNotAuthorized) || !strings.Contains(err.Error(), "READ on the consumer group") {
			t.Errorf("%s: %v", what, err)
		}
	}
	_, err := k.Positions(t.Context(), "others", d)
	denied("positions", err)
	_, err = k.Group(t.Context(), "others")
	denied("group", err)
	denied("set, seen only", k.SetPositions(t.Context(), "seen", d, map[int32]Position{0: {Offset: 1}}))
	if err := k.SetPositions(t.Context(), "mine", d, map[int32]Position{0: {Offset: 1}}); err != nil {
		t.Error(err)
	}
}

func TestACoordinatorThatMovesIsFollowed(t *testing.T) {
	t.Parallel()
	c := startCluster(t, kafkatest.Options{Brokers: 3, Topics: map[string]int{"a": 1}})
	k := openKafka(t, c, nil)
	d := mustDescribe(t, k, "a")
	for _, e := range []*kerr.Error{kerr.NotCoordinator, kerr.CoordinatorLoadInProgress, kerr.CoordinatorNotAvailable} {
		c.Fake().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.FindCoordinator}, Err: kerr.CoordinatorNotAvailable, Count: 1})
		c.Fake().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit, kmsg.OffsetFetch, kmsg.DescribeGroups}, Err: e, Count: 3})
		if err := k.SetPositions(t.Context(), "g", d, map[int32]Position{0: {Offset: 5, Epoch: -1}}); err != nil {
			t.Errorf("%s: %v", e.Message, err)
		}
		if got, err := k.Positions(t.Context(), "g", d); err != nil || got[0].Offset != 5 {
			t.Errorf("%s: %v, %v", e.Message, got, err)
		}
		if _, err := k.Group(t.Context(), "g"); err != nil {
			t.Errorf("%s: %v", e.Message, err)
		}
	}
}
