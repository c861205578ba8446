package lift_test

import (
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"
	"testing"

	"shadoof/testbed/produce"
	"shadoof/testbed/product"
	"shadoof/testbed/servers"
)

// TestTheKeyOfAStoreDoesNotShow looks for the secret key of an S3 store in all that commands say that had it and succeeded, as loud as they
// can be, and in all that they wrote.
func TestTheKeyOfAStoreDoesNotShow(t *testing.T) {
	t.Parallel()
	brokers, s := servers.Kafka(t).Brokers(), servers.S3(t)
	want, err := produce.PlainTopic(bounded(t), brokers, produce.Spec{Topic: produce.Name("secret"), Records: 100, Partitions: 2})
	if err != nil {
		t.Fatal(err)
	}
	j := product.NewJob(t, brokers, product.S3(t, s, s.Endpoint), want.Topic, "", "")
	disguises := []string{s.SecretKey, url.QueryEscape(s.SecretKey), hex.EncodeToString([]byte(s.SecretKey)), base64.StdEncoding.EncodeToString([]byte(s.SecretKey))}
	shows := func(text string) bool {
		return slices.ContainsFunc(disguises, func(d string) bool { return strings.Contains(text, d) })
	}
	for _, command := range []string{
		"config print", "doctor", "plan", "run", "run --json", "verify --deep", "offsets show", "files --topic TOPIC", "commits list --topic TOPIC", "commits feed --topic TOPIC --since 0",
		"hours --topic TOPIC", "inspect TOPIC/0@10", "backfill --topic TOPIC --replace --from 0", "gc",
	} {
		args := strings.Fields(strings.ReplaceAll(command, "TOPIC", want.Topic))
		o := j.Run(t, product.Release(t), nil, append(args, "--log-level", "debug", "--log-format", "json")...)
		if o.Code != 0 {
			t.Errorf("shadoof %s: exit %d\n%s%s", command, o.Code, o.Stdout, o.Stderr)
		}
		if shows(o.Stdout + o.Stderr) {
			t.Errorf("shadoof %s shows the key:\n%s%s", command, o.Stdout, o.Stderr)
		}
	}
	keys := j.Root.Keys(t, "")
	if len(keys) < 5 {
		t.Fatalf("the root holds only %v", keys)
	}
	for _, key := range keys {
		data, err := j.Root.Read(t, key)
		if err != nil {
			t.Fatal(err)
		}
		if shows(string(data)) {
			t.Errorf("%s has the key", key)
		}
	}
}
