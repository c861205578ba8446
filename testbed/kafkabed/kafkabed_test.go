package kafkabed_test

import (
	"context"
	"crypto/tls"
	"errors"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"shadoof/testbed/kafkabed"
	"shadoof/testbed/servers"
)

func client(t *testing.T, brokers []string, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(brokers...)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

func createTopic(t *testing.T, cl *kgo.Client, topic string, replicas int16) {
	t.Helper()
	if _, err := kadm.NewClient(cl).CreateTopic(t.Context(), 1, replicas, nil, topic); err != nil {
		t.Fatal(err)
	}
}

// roundTrip produces a record and reads it back.
func roundTrip(t *testing.T, brokers []string, topic, value string, opts ...kgo.Opt) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cl := client(t, brokers, opts...)
	produced, err := cl.ProduceSync(ctx, &kgo.Record{Topic: topic, Value: []byte(value)}).First()
	if err != nil {
		t.Fatal(err)
	}
	at := map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().At(produced.Offset)}}
	reader := client(t, brokers, append(opts, kgo.ConsumePartitions(at))...)
	fetches := reader.PollRecords(ctx, 1)
	if err := fetches.Err(); err != nil {
		t.Fatal(err)
	}
	if got := string(fetches.Records()[0].Value); got != value {
		t.Errorf("read %q, want %q", got, value)
	}
}

func TestEveryListenerServes(t *testing.T) {
	t.Parallel()
	c := servers.Kafka(t)
	config, err := c.TLSConfig()
	if err != nil {
		t.Fatal(err)
	}
	scramAuth := scram.Auth{User: kafkabed.Alice.Name, Pass: kafkabed.Alice.Password}
	plainAuth := plain.Auth{User: kafkabed.Bob.Name, Pass: kafkabed.Bob.Password}
	clientCert, err := tls.LoadX509KeyPair(c.Certs().ClientCert, c.Certs().ClientKey)
	if err != nil {
		t.Fatal(err)
	}
	mutual := config.Clone()
	mutual.Certificates = []tls.Certificate{clientCert}
	for _, test := range []struct {
		name    string
		brokers []string
		opts    []kgo.Opt
	}{
		{"plaintext", c.Brokers(), nil},
		{"tls", c.TLS(), []kgo.Opt{kgo.DialTLSConfig(config)}},
		{"tls-client", c.TLS(), []kgo.Opt{kgo.DialTLSConfig(mutual)}},
		{"scram-256-tls", c.SASLSSL(), []kgo.Opt{kgo.DialTLSConfig(config), kgo.SASL(scramAuth.AsSha256Mechanism())}},
		{"scram-512-tls", c.SASLSSL(), []kgo.Opt{kgo.DialTLSConfig(config), kgo.SASL(scramAuth.AsSha512Mechanism())}},
		{"plain-tls", c.SASLSSL(), []kgo.Opt{kgo.DialTLSConfig(config), kgo.SASL(plainAuth.AsMechanism())}},
		{"scram-256", c.SASLPlaintext(), []kgo.Opt{kgo.SASL(scramAuth.AsSha256Mechanism())}},
		{"plain", c.SASLPlaintext(), []kgo.Opt{kgo.SASL(plainAuth.AsMechanism())}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			topic := "listener-" + test.name
			createTopic(t, client(t, c.Brokers()), topic, 1)
			roundTrip(t, test.brokers, topic, test.name, test.opts...)
		})
	}
}

func TestWrongPasswordIsRefused(t *testing.T) {
	t.Parallel()
	c := servers.Kafka(t)
	for _, mechanism := range []sasl.Mechanism{
		scram.Auth{User: kafkabed.Alice.Name, Pass: "wrong"}.AsSha256Mechanism(),
		plain.Auth{User: kafkabed.Alice.Name, Pass: "wrong"}.AsMechanism(),
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if err := client(t, c.SASLPlaintext(), kgo.SASL(mechanism)).Ping(ctx); err == nil {
			t.Errorf("%s: a wrong password was accepted", mechanism.Name())
		}
	}
}

func TestAccessControlHidesATopic(t *testing.T) {
	t.Parallel()
	c := servers.Kafka(t)
	admin := client(t, c.Brokers())
	const topic = "acl-secret"
	createTopic(t, admin, topic, 1)
	acls := kadm.NewACLs().Topics(topic).ResourcePatternType(kadm.ACLPatternLiteral).Operations(kadm.OpAll).Allow("User:" + kafkabed.Bob.Name).AllowHosts("*")
	if _, err := kadm.NewClient(admin).CreateACLs(t.Context(), acls); err != nil {
		t.Fatal(err)
	}
	as := func(u kafkabed.User) error {
		cl := client(t, c.SASLPlaintext(), kgo.SASL(scram.Auth{User: u.Name, Pass: u.Password}.AsSha256Mechanism()))
		return cl.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Value: []byte("x")}).FirstErr()
	}
	if err := as(kafkabed.Alice); !errors.Is(err, kerr.TopicAuthorizationFailed) {
		t.Errorf("alice: %v, want %v", err, kerr.TopicAuthorizationFailed)
	}
	if err := as(kafkabed.Bob); err != nil {
		t.Errorf("bob: %v", err)
	}
}

func TestRecordsSurviveAKill(t *testing.T) {
	t.Parallel()
	c := servers.OwnKafka(t, kafkabed.Options{})
	createTopic(t, client(t, c.Brokers()), "killed", 1)
	roundTrip(t, c.Brokers(), "killed", "before")
	node := c.Nodes()[0]
	if err := node.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := node.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	roundTrip(t, c.Brokers(), "killed", "after")
	ends, err := kadm.NewClient(client(t, c.Brokers())).ListEndOffsets(t.Context(), "killed")
	if err != nil {
		t.Fatal(err)
	}
	if end, _ := ends.Lookup("killed", 0); end.Offset != 2 {
		t.Errorf("the log ends at %d, want 2", end.Offset)
	}
}
