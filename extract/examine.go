package extract

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"shadoof/storage"
)

// An Examiner looks at how a cluster, and topics in it, are set up. It produces nothing and changes nothing. What could not be
// looked at is a finding, too; every question has an end of its own, and ctx bounds them all.
type Examiner interface {
	// ExamineCluster looks at every address of the configuration, and at every broker where the cluster says that it is.
	ExamineCluster(ctx context.Context) []storage.Finding

	// ExamineTopic tries what lifting a topic needs, and compares the topic's settings with how it is to be lifted.
	ExamineTopic(ctx context.Context, u Use) []storage.Finding
}

// A Use is how a topic is to be lifted.
type Use struct {
	Topic     string
	Every     time.Duration // the longest time between two runs; 0 where it is not known
	MaxFuture time.Duration // records that are later than now by more do not fit; 0 where the record's time does not matter
	Memory    int64         // bytes that two answers of a partition may take
}

var _ Examiner = (*Kafka)(nil)

// examinedAtOnce is how many addresses and partitions are looked at side by side.
const examinedAtOnce = 16

func finding(grade storage.Grade, name, detail string, args ...any) storage.Finding {
	if len(args) > 0 {
		detail = fmt.Sprintf(detail, args...)
	}
	return storage.Finding{Name: name, Grade: grade, Detail: detail}
}

// failed is the finding for a question without an answer.
func failed(name string, err error) storage.Finding {
	return storage.Finding{Name: name, Grade: gradeOf(err), Detail: err.Error()}
}

// gradeOf tells what a person must repair from what may pass.
func gradeOf(err error) storage.Grade {
	if errors.Is(err, ErrAuth) || errors.Is(err, ErrNotAuthorized) || errors.Is(err, ErrNoTopic) || wrongTLS(err) {
		return storage.Bad
	}
	return storage.Absent
}

// asking is one question: it is repeated while the answer may pass, for Options.Patience. read takes the answer apart.
func (k *Kafka) asking(ctx context.Context, what string, node int32, req kmsg.Request, read func(kmsg.Response) error) error {
	return k.patiently(ctx, what, func(ctx context.Context) error {
		resp, err := k.ask(ctx, node, req)
		if err == nil {
			err = read(resp)
		}
		return err
	})
}

func (k *Kafka) patiently(ctx context.Context, what string, try func(context.Context) error) error {
	bounded, cancel := context.WithTimeout(ctx, k.opts.Patience)
	defer cancel()
	t := k.trying(what)
	for {
		err := try(bounded)
		if err == nil {
			return nil
		}
		late := func() bool { return bounded.Err() != nil && ctx.Err() == nil }
		if late() && errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("%s: no answer in %s: %w", what, k.opts.Patience, err)
		}
		if again := t.again(bounded, err); again != nil {
			if late() {
				return fmt.Errorf("%s: no answer in %s: %w", what, k.opts.Patience, err)
			}
			return again
		}
	}
}

// ExamineCluster implements [Examiner].
func (k *Kafka) ExamineCluster(ctx context.Context) []storage.Finding {
	var (
		addresses = &addresses{opts: k.opts, limit: make(chan struct{}, examinedAtOnce), looks: map[string]func() *probe{}}
		found     = make([][]storage.Finding, len(k.opts.Brokers))
		cluster   []storage.Finding
		looking   sync.WaitGroup
	)
	looking.Go(func() { cluster = k.examineBrokers(ctx, addresses) })
	for i, address := range k.opts.Brokers {
		looking.Go(func() { found[i] = addresses.look(ctx, address).found })
	}
	looking.Wait()
	return append(append(slices.Concat(found...), k.examineClientCertificate()...), cluster...)
}

// addresses are looked at once each, whoever asks: a broker is often where the configuration says.
type addresses struct {
	opts  Options
	limit chan struct{}
	mu    sync.Mutex
	looks map[string]func() *probe
}

func (a *addresses) look(ctx context.Context, address string) *probe {
	a.mu.Lock()
	once, ok := a.looks[address]
	if !ok {
		once = sync.OnceValue(func() *probe {
			a.limit <- struct{}{}
			defer func() { <-a.limit }()
			p := &probe{opts: a.opts, address: address}
			p.found = p.run(ctx)
			return p
		})
		a.looks[address] = once
	}
	a.mu.Unlock()
	return once()
}

// examineBrokers looks at each broker where the cluster advertises it: clients go there, whatever address they began with.
func (k *Kafka) examineBrokers(ctx context.Context, a *addresses) []storage.Finding {
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{}
	var meta *kmsg.MetadataResponse
	err := k.asking(ctx, "ask kafka for its brokers", anyBroker, req, func(r kmsg.Response) error {
		meta = r.(*kmsg.MetadataResponse)
		return kerr.ErrorForCode(meta.ErrorCode)
	})
	if err != nil {
		return []storage.Finding{failed("cluster", err)}
	}
	slices.SortFunc(meta.Brokers, func(a, b kmsg.MetadataResponseBroker) int { return cmp.Compare(a.NodeID, b.NodeID) })
	found := make([][]storage.Finding, len(meta.Brokers)+1)
	var looking sync.WaitGroup
	for i, b := range meta.Brokers {
		looking.Go(func() { found[i] = k.examineBroker(ctx, a, b) })
	}
	looking.Go(func() { found[len(meta.Brokers)] = k.examineClock(ctx) })
	looking.Wait()
	return append([]storage.Finding{clusterFinding(meta)}, slices.Concat(found...)...)
}

func clusterFinding(meta *kmsg.MetadataResponse) storage.Finding {
	if meta.ClusterID == nil || *meta.ClusterID == "" {
		return finding(storage.Doubt, "cluster", "%d brokers; the cluster has no id: one that takes its place at this address would not be noticed", len(meta.Brokers))
	}
	return finding(storage.Good, "cluster", "id %s, %s, controller %d", *meta.ClusterID, count(len(meta.Brokers), "broker"), meta.ControllerID)
}

// examineBroker is one line for a broker that is as it should be, and for another what is not, unless that was told of its address.
func (k *Kafka) examineBroker(ctx context.Context, a *addresses, b kmsg.MetadataResponseBroker) []storage.Finding {
	address := joinHostPort(b.Host, b.Port)
	p := a.look(ctx, address)
	name := fmt.Sprintf("broker %d", b.NodeID)
	worst := storage.Good
	var wrong []storage.Finding
	for _, f := range p.found {
		if f.Grade != storage.Good {
			worst = max(worst, f.Grade)
			f.Name = name + ": " + f.Name
			f.Detail += "; this is where the cluster says that the broker is (advertised.listeners): clients must reach it there"
			wrong = append(wrong, f)
		}
	}
	detail := address
	if p.guess != "" {
		detail += ", " + p.guess
	}
	if b.Rack != nil && *b.Rack != "" {
		detail += ", rack " + *b.Rack
	}
	switch {
	case len(wrong) > 0 && slices.Contains(k.opts.Brokers, address):
		return []storage.Finding{finding(worst, name, "%s: see the lines of this address above", detail)}
	case len(wrong) > 0:
		return wrong
	}
	return []storage.Finding{finding(storage.Good, name, "%s", detail)}
}

// count writes a number and its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// some writes the first few of a list.
func some[T any](list []T) string {
	const most = 8
	var b strings.Builder
	for i, v := range list {
		if i == most {
			fmt.Fprintf(&b, " and %d more", len(list)-most)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprint(&b, v)
	}
	return b.String()
}
