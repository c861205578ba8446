package testbed_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"shadoof/testbed/certs"
	"shadoof/testbed/kafkabed"
	"shadoof/testbed/produce"
	"shadoof/testbed/product"
	"shadoof/testbed/servers"
)

// examined is what `doctor --json` prints, as far as the tests look at it.
type examined struct {
	Checks []struct{ Area, Topic, Name, Grade, Detail string }
	Exit   int
}

// doctorJob writes a configuration of one job of JSON bodies.
func doctorJob(t *testing.T, kafka string, root *product.Root, store string, topic string) *product.Job {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"body.avsc":    product.BodySchema,
		"shadoof.yaml": fmt.Sprintf("kafka: {%s}\nstore: {%s}\njobs:\n  - name: job\n    topics: [%q]\n    schedule: \"@hourly\"\n    value: {format: json, framing: none, schema: body.avsc}\n", kafka, store, strings.ReplaceAll(topic, ".", `\.`)),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return &product.Job{Config: filepath.Join(dir, "shadoof.yaml"), Root: root, Topic: topic}
}

func brokersYAML(brokers []string) string { return `brokers: ["` + strings.Join(brokers, `","`) + `"]` }

func saslYAML(brokers []string, u kafkabed.User) string {
	return fmt.Sprintf("%s, sasl: {mechanism: SCRAM-SHA-256, username: %s, password: %s}", brokersYAML(brokers), u.Name, u.Password)
}

func localYAML(root *product.Root) string { return fmt.Sprintf("url: %q", "file://"+root.Dir()) }

// visit runs doctor, which must exit with one of some codes.
func visit(t *testing.T, j *product.Job, codes ...int) examined {
	t.Helper()
	o := j.Run(t, product.Release(t), nil, "doctor", "--json")
	if !slices.Contains(codes, o.Code) {
		t.Errorf("doctor exits %d, want %d\n%s", o.Code, codes, o.Stderr)
	}
	var e examined
	o.JSON(t, &e)
	for _, c := range e.Checks {
		t.Logf("%-6s %-11s %-40s %s", c.Area, c.Grade, c.Name, c.Detail)
	}
	if strings.Contains(o.Stdout+o.Stderr, "-secret") {
		t.Errorf("a secret shows")
	}
	return e
}

func (e examined) finds(t *testing.T, grade, name, says string) {
	t.Helper()
	named := regexp.MustCompile("^" + name + "$")
	for _, c := range e.Checks {
		if c.Grade == grade && named.MatchString(c.Name) && strings.Contains(c.Detail, says) {
			return
		}
	}
	t.Errorf("no check %q is %s and says %q", name, grade, says)
}

func (e examined) wrong() (out []string) {
	for _, c := range e.Checks {
		if c.Grade == "bad" || c.Grade == "unreachable" {
			out = append(out, c.Name+": "+c.Detail)
		}
	}
	return out
}

func bodies(t *testing.T, brokers []string, topic string) {
	t.Helper()
	if _, err := produce.PlainTopic(soon(t), brokers, produce.Spec{Topic: topic, Records: 100, Partitions: 2}); err != nil {
		t.Fatal(err)
	}
}

func TestDoctorOfHealthyServers(t *testing.T) {
	t.Parallel()
	c := servers.Kafka(t)
	topic := produce.Name("healthy")
	bodies(t, c.Brokers(), topic)
	secure := fmt.Sprintf("%s, tls: {enabled: true, ca_file: %q}", saslYAML(c.SASLSSL(), kafkabed.Alice), c.Certs().CA)
	local := product.Local(t)
	server := servers.S3(t)
	s3 := product.S3(t, server, server.Endpoint)
	bucket, prefix := s3.Bucket()
	for name, j := range map[string]*product.Job{
		"local": doctorJob(t, secure, local, localYAML(local), topic),
		"s3":    doctorJob(t, secure, s3, fmt.Sprintf("url: s3://%s/%s, s3: {endpoint: %q, region: us-east-1, path_style: true}", bucket, prefix, server.Endpoint), topic),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := visit(t, j, 0)
			e.finds(t, "doubtful", ".* certificate", ": renew it") // the testbed's live for a day
			e.finds(t, "ok", ".* authentication", "SCRAM-SHA-256 as alice")
			e.finds(t, "ok", ".* protocol", "Kafka ")
			e.finds(t, "ok", "clock", "the controller's clock")
			e.finds(t, "doubtful", "broker 1", "see the lines of this address above")
			e.finds(t, "ok", "ACL READ", "was read at offset")
			e.finds(t, "ok", "retention", "7 days")
			e.finds(t, "ok", "of many that create at once one wins", "32 racers, 20 rounds")
			e.finds(t, "ok", "_shadoof/store.json", "written")
			for _, key := range j.Root.Keys(t, "_shadoof/") {
				if strings.Contains(key, "probe") {
					t.Errorf("left behind: %s", key)
				}
			}
			j.Must(t, 0, "run")
			e = visit(t, j, 0)
			e.finds(t, "ok", "root", "layout 1")
			e.finds(t, "ok", "committed offsets", "at the end")
		})
	}
}

// The documented ACLs are enough for every command that asks Kafka, and each of them is needed.
func TestDocumentedACLsAreEnoughAndNeeded(t *testing.T) {
	t.Parallel()
	c := servers.OwnKafka(t, kafkabed.Options{Secure: true, Authorize: true, Properties: map[string]string{"allow.everyone.if.no.acl.found": "false"}})
	admin := kafkaAdmin(t, c.Brokers())
	acl := func(topic string) *kadm.ACLBuilder {
		return kadm.NewACLs().Topics(topic).ResourcePatternType(kadm.ACLPatternLiteral).Allow("User:bob").AllowHosts("*")
	}
	ordinary := []string{"plan", "offsets show", "offsets at-time 2026-11-20", "run", "gc", "verify --deep"}
	for _, test := range []struct {
		name    string
		ops     []kadm.ACLOperation
		grade   string
		check   string
		says    string
		code    int // of doctor
		runs    int // of run
		message string
	}{
		{"documented", []kadm.ACLOperation{kadm.OpRead, kadm.OpDescribeConfigs}, "ok", "ACL DESCRIBE_CONFIGS", "cleanup.policy is compact", 0, 0, ""},
		{"without READ", []kadm.ACLOperation{kadm.OpDescribe, kadm.OpDescribeConfigs}, "bad", "ACL READ", "allow the principal READ", 4, 1, "the principal needs the ACLs DESCRIBE and READ on the topic"},
		{"without any", nil, "bad", "ACL DESCRIBE", "allow the principal READ", 4, 1, "the principal needs the ACLs DESCRIBE and READ on the topic"},
		{"without DESCRIBE_CONFIGS", []kadm.ACLOperation{kadm.OpRead}, "not seen", "ACL DESCRIBE_CONFIGS", "allow the principal DESCRIBE_CONFIGS", 0, 4, "cleanup.policy"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			topic := produce.Name("acl")
			if _, err := produce.CompactedTopic(soon(t), c.Brokers(), produce.Spec{Topic: topic, Records: 1000, Partitions: 1, Keys: 50}); err != nil {
				t.Fatal(err)
			}
			if len(test.ops) > 0 {
				if _, err := admin.CreateACLs(soon(t), acl(topic).Operations(test.ops...)); err != nil {
					t.Fatal(err)
				}
			}
			root := product.Local(t)
			j := doctorJob(t, saslYAML(c.SASLPlaintext(), kafkabed.Bob), root, localYAML(root), topic)
			var e examined
			for deadline := time.Now().Add(20 * time.Second); ; { // the ACLs take a moment to be in force
				o := j.Run(t, product.Release(t), nil, "doctor", "--json")
				o.JSON(t, &e)
				if o.Code == test.code && (len(test.ops) == 0 || !strings.Contains(o.Stdout, "no such topic")) || time.Now().After(deadline) {
					break
				}
			}
			e.finds(t, test.grade, test.check, test.says)
			e.finds(t, "not seen", "clock", "DESCRIBE on the cluster")
			if e.Exit != test.code {
				t.Errorf("doctor exits %d, want %d: %q", e.Exit, test.code, e.wrong())
			}
			if test.runs == 0 {
				for _, command := range ordinary {
					j.Must(t, 0, strings.Fields(command)...)
				}
				return
			}
			o := j.Run(t, product.Release(t), nil, "run")
			if o.Code != test.runs || !strings.Contains(o.Stdout+o.Stderr, test.message) {
				t.Errorf("run exits %d, want %d and %q\n%s%s", o.Code, test.runs, test.message, o.Stdout, o.Stderr)
			}
		})
	}
	t.Run("the clock", func(t *testing.T) {
		t.Parallel()
		topic := produce.Name("clock")
		bodies(t, c.Brokers(), topic)
		cluster := kadm.NewACLs().Clusters().Allow("User:alice").AllowHosts("*").Operations(kadm.OpDescribe)
		of := kadm.NewACLs().Topics(topic).ResourcePatternType(kadm.ACLPatternLiteral).Allow("User:alice").AllowHosts("*").Operations(kadm.OpRead)
		for _, b := range []*kadm.ACLBuilder{cluster, of} {
			if _, err := admin.CreateACLs(soon(t), b); err != nil {
				t.Fatal(err)
			}
		}
		root := product.Local(t)
		visit(t, doctorJob(t, saslYAML(c.SASLPlaintext(), kafkabed.Alice), root, localYAML(root), topic), 0).finds(t, "ok", "clock", "the controller's clock")
	})
}

func TestDoctorExplainsHowNotToConnect(t *testing.T) {
	t.Parallel()
	c := servers.Kafka(t)
	topic := produce.Name("connect")
	bodies(t, c.Brokers(), topic)
	other, err := certs.Make(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	tls := func(more string) string {
		return fmt.Sprintf("%s, tls: {enabled: true, %s}", saslYAML(c.SASLSSL(), kafkabed.Alice), more)
	}
	for name, test := range map[string]struct {
		kafka, grade, check, says string
		code                      int
	}{
		"wrong password": {saslYAML(c.SASLPlaintext(), kafkabed.User{Name: "alice", Password: "guess"}), "bad", ".* authentication", "authentication failed for user alice by SCRAM-SHA-256", 4},
		"no password":    {brokersYAML(c.SASLPlaintext()), "bad", ".* authentication", "wants authentication by", 4},
		"another CA":     {tls(fmt.Sprintf("ca_file: %q", other.CA)), "bad", ".* certificate", "kafka.tls.ca_file", 4},
		"no CA":          {tls("server_name: \"\""), "bad", ".* certificate", "kafka.tls.ca_file", 4},
		"another name":   {tls(fmt.Sprintf("ca_file: %q, server_name: elsewhere.example", c.Certs().CA)), "bad", ".* certificate", "kafka.tls.server_name", 4},
		"TLS left out":   {brokersYAML(c.TLS()), "bad", ".* answers", "speaks TLS", 4},
		"TLS too much":   {fmt.Sprintf("%s, tls: {enabled: true, ca_file: %q}", brokersYAML(c.Brokers()), c.Certs().CA), "bad", ".* certificate", "does not speak TLS", 4},
		"nobody there":   {brokersYAML([]string{"127.0.0.1:1"}), "unreachable", ".* reachable", "refused", 1},
		"one of two":     {brokersYAML([]string{"127.0.0.1:1", c.Brokers()[0]}), "unreachable", "127.0.0.1:1 reachable", "refused", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := product.Local(t)
			began := time.Now()
			visit(t, doctorJob(t, test.kafka, root, localYAML(root), topic), test.code).finds(t, test.grade, test.check, test.says)
			if took := time.Since(began); took > time.Minute {
				t.Errorf("it took %s", took)
			}
		})
	}
}

// A broker that advertises an address where nobody is: the classic mistake.
func TestDoctorFindsAdvertisedListenersThatCannotBeReached(t *testing.T) {
	t.Parallel()
	c := servers.OwnKafka(t, kafkabed.Options{Properties: map[string]string{"advertised.listeners": "PLAINTEXT://127.0.0.1:1"}})
	root := product.Local(t)
	// There is no topic, since nobody can make one. Whether that shows depends on which address is asked first.
	e := visit(t, doctorJob(t, brokersYAML(c.Brokers()), root, localYAML(root), "orders"), 1, 4)
	e.finds(t, "ok", ".* protocol", "Kafka ")
	e.finds(t, "unreachable", "broker 1: 127.0.0.1:1 reachable", "advertised.listeners")
}

func TestDoctorSeesABrokerThatIsDownOrHangs(t *testing.T) {
	t.Parallel()
	c := servers.OwnKafka(t, kafkabed.Options{Nodes: 3})
	topic := produce.Name("down")
	if _, err := produce.PlainTopic(soon(t), c.Brokers(), produce.Spec{Topic: topic, Records: 100, Partitions: 3, Replication: 3}); err != nil {
		t.Fatal(err)
	}
	root := product.Local(t)
	j := doctorJob(t, brokersYAML(c.Brokers()), root, localYAML(root), topic)
	visit(t, j, 0).finds(t, "ok", "broker 3", "")
	if err := c.Nodes()[2].Pause(); err != nil {
		t.Fatal(err)
	}
	e := visit(t, j, 1)
	e.finds(t, "unreachable", regexp.QuoteMeta(c.Nodes()[2].Address())+" answers", "")
	if err := c.Nodes()[2].Kill(); err != nil {
		t.Fatal(err)
	}
	e = visit(t, j, 1)
	e.finds(t, "unreachable", regexp.QuoteMeta(c.Nodes()[2].Address())+" reachable", "refused")
	e.finds(t, "doubtful", "partitions", "replicas are missing or behind")
}

// A transaction that nobody ends is named, with its producer.
func TestDoctorNamesAnOpenTransaction(t *testing.T) {
	t.Parallel()
	c := servers.Kafka(t)
	topic := produce.Name("open")
	bodies(t, c.Brokers(), topic)
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.Brokers()...), kgo.TransactionalID(topic+"-writer"), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	if err := cl.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := cl.ProduceSync(soon(t), &kgo.Record{Topic: topic, Value: []byte("{}")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	root := product.Local(t)
	e := visit(t, doctorJob(t, brokersYAML(c.Brokers()), root, localYAML(root), topic), 0)
	e.finds(t, "ok", "open transactions", fmt.Sprintf("transactional id %q", topic+"-writer"))
	e.finds(t, "ok", "open transactions", "begun ")
}

// A folder in which one may not write.
func TestDoctorOfAReadOnlyFolder(t *testing.T) {
	t.Parallel()
	c := servers.Kafka(t)
	topic := produce.Name("readonly")
	bodies(t, c.Brokers(), topic)
	dir, err := os.MkdirTemp("", "readonly-") // TempDir's parents are closed to others
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	lake := filepath.Join(dir, "lake")
	for path, mode := range map[string]os.FileMode{dir: 0o755, lake: 0o555} {
		if err := errorsOf(os.MkdirAll(path, 0o755), os.Chmod(path, mode)); err != nil {
			t.Fatal(err)
		}
	}
	root := product.Local(t)
	j := doctorJob(t, brokersYAML(c.Brokers()), root, fmt.Sprintf("url: %q", "file://"+lake), topic)
	cmd := asNobody(t, dir, j)
	out, err := cmd.Output()
	if code := cmd.ProcessState.ExitCode(); code != 4 {
		t.Errorf("doctor exits %d, want 4 (%v)\n%s", code, err, out)
	}
	for _, says := range []string{`may create objects +BAD .*permission denied.*needs read and write permission`, `keeps the contract +not seen`, `_shadoof/store.json +not seen`} {
		if !regexp.MustCompile(says).Match(out) {
			t.Errorf("no line says %s in\n%s", says, out)
		}
	}
}

// asNobody prepares the doctor of a job as a user without rights: the tests may be root, to whom no mode is an obstacle.
func asNobody(t *testing.T, dir string, j *product.Job) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	for name, from := range map[string]string{"shadoof": product.Release(t), "shadoof.yaml": j.Config, "body.avsc": filepath.Join(filepath.Dir(j.Config), "body.avsc")} {
		data, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), data, 0o755)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(ctx, filepath.Join(dir, "shadoof"), "--config", filepath.Join(dir, "shadoof.yaml"), "doctor")
	if os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	return cmd
}

func errorsOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func TestDoctorOnHDFS(t *testing.T) {
	t.Parallel()
	c, files := servers.Kafka(t), servers.HDFS(t)
	topic := produce.Name("namenode")
	bodies(t, c.Brokers(), topic)
	j := product.NewJob(t, c.Brokers(), product.HDFS(t, files, files.Authority()), topic, "", "")
	e := visit(t, j, 0)
	e.finds(t, "ok", "of many that create at once one wins", "32 racers, 20 rounds")
	e.finds(t, "ok", "safe mode", "off")
	e.finds(t, "ok", "publishing", "files can be moved from")
	e.finds(t, "ok", "_shadoof/store.json", "written")
	j.Must(t, 0, "run")
	visit(t, j, 0).finds(t, "ok", "committed offsets", "at the end")
}
