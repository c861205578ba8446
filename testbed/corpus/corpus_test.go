package corpus_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/avro"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"shadoof/testbed/corpus"
)

func TestEventsAreTheSameInEachFormat(t *testing.T) {
	t.Parallel()
	one, other := corpus.New(1), corpus.New(1)
	const events = 5000
	avroBytes, jsonBytes, protoBytes, nulls := 0, 0, 0, 0
	for i := range int64(events) {
		want := one.Next(i)
		if diff := cmp.Diff(want, other.Next(i)); diff != "" {
			t.Fatalf("event %d of the same seed is another:\n%s", i, diff)
		}
		a, err := corpus.Encoder.AppendEncode(nil, want)
		if err != nil {
			t.Fatal(err)
		}
		j, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var fromAvro, fromJSON corpus.Event
		if _, err := corpus.Encoder.Decode(a, &fromAvro); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(j, &fromJSON); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, &fromJSON); diff != "" {
			t.Fatalf("event %d in JSON (-want +got):\n%s", i, diff)
		}
		if diff := cmp.Diff(want, &fromAvro); diff != "" {
			t.Fatalf("event %d in Avro (-want +got):\n%s", i, diff)
		}
		p := want.AppendProto(nil)
		if diff := cmp.Diff(want, fromProto(t, p)); diff != "" {
			t.Fatalf("event %d in Protobuf (-want +got):\n%s", i, diff)
		}
		avroBytes += len(a)
		protoBytes += len(p)
		jsonBytes += len(j)
		if want.Score == nil {
			nulls++
		}
	}
	t.Logf("%d bytes in Avro, %d in JSON, %d in Protobuf, %d %% without a score", avroBytes/events, jsonBytes/events, protoBytes/events, 100*nulls/events)
	if nulls == 0 || nulls == events {
		t.Errorf("%d of %d events have no score", nulls, events)
	}
}

// fromProto reads a message with Protobuf's own library.
func fromProto(t *testing.T, b []byte) *corpus.Event {
	t.Helper()
	m := dynamicpb.NewMessage(corpus.Message())
	if err := proto.Unmarshal(b, m); err != nil {
		t.Fatal(err)
	}
	if n := len(m.GetUnknown()); n > 0 {
		t.Fatalf("%d bytes of unknown fields", n)
	}
	in := func(m protoreflect.Message) func(name protoreflect.Name) protoreflect.Value {
		return func(name protoreflect.Name) protoreflect.Value { return m.Get(m.Descriptor().Fields().ByName(name)) }
	}
	get := in(m)
	header := in(get("header").Message())
	e := &corpus.Event{
		Account: get("account").Int(), Session: get("session").String(), Received: get("received").Int(), Page: get("page").String(), URL: get("url").String(),
		Agent: get("agent").String(), Labels: []string{}, Properties: map[string]string{}, Request: get("request").Int(), Duration: int32(get("duration").Int()),
	}
	e.Header.ID, e.Header.Time, e.Header.Host, e.Header.Service = header("id").String(), header("time").Int(), header("host").String(), header("service").String()
	fields := m.Descriptor().Fields()
	e.Device = string(fields.ByName("device").Enum().Values().ByNumber(get("device").Enum()).Name())
	for labels, i := get("labels").List(), 0; i < labels.Len(); i++ {
		e.Labels = append(e.Labels, labels.Get(i).String())
	}
	get("properties").Map().Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
		e.Properties[k.String()] = v.String()
		return true
	})
	if m.Has(fields.ByName("score")) {
		score := get("score").Float()
		e.Score = &score
	}
	if m.Has(fields.ByName("referrer")) {
		referrer := get("referrer").String()
		e.Referrer = &referrer
	}
	return e
}

// A generation knows the same events, but for the fields that came later, and the newest reads them all.
func TestGenerationsHaveTheSameEvents(t *testing.T) {
	t.Parallel()
	events := corpus.New(1)
	newest := len(corpus.Generations) - 1
	for i := range 3000 {
		generation := i % len(corpus.Generations)
		event := events.Next(int64(i))
		want := event.As(generation)
		if generation == newest {
			want = event
		}
		writer := corpus.GenerationEncoder(generation)
		b, err := writer.AppendEncode(nil, event)
		if err != nil {
			t.Fatal(err)
		}
		reader, err := avro.Resolve(writer, corpus.GenerationEncoder(newest))
		if err != nil {
			t.Fatal(err)
		}
		var row any
		if _, err := reader.Decode(b, &row); err != nil {
			t.Fatal(err)
		}
		again, err := corpus.GenerationEncoder(newest).AppendEncode(nil, row)
		if err != nil {
			t.Fatal(err)
		}
		got := &corpus.Event{}
		if _, err := corpus.GenerationEncoder(newest).Decode(again, got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("event %d of generation %d (-want +got):\n%s", i, generation, diff)
		}
	}
}
