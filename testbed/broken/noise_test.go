package broken_test

import (
	"encoding/base64"
	"encoding/json"
	"math/rand/v2"
	"testing"
	"time"

	"shadoof/testbed/produce"
	"shadoof/testbed/product"
	"shadoof/testbed/readers"
	"shadoof/testbed/servers"
)

// TestNoise lifts topics of random bytes, of which some begin well, and of events with bytes changed. Each record is either a row or in
// quarantine, with its bytes.
func TestNoise(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	for name, format := range formats {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			topic := produce.Name("noise-" + name)
			tp := &noise{topic: newTopic(format(t, topic)), random: rand.New(rand.NewPCG(seed, 1))}
			tp.produce(t, produce.Spec{Topic: topic, Records: 5000, Partitions: 2, Encode: tp.encode}, false)
			j := tp.job(t, product.Local(t), "commit_every: {bytes: 300KiB}\n")
			runMeasured(t, j)
			rows, bad := tp.sort(t, j)
			t.Logf("%d rows, %d records in quarantine: %v", rows, bad, tp.reasons())
			if rows+bad != 5000 || rows < 50 || bad < 2500 {
				t.Errorf("%d rows and %d records in quarantine, want 5000, and enough of both", rows, bad)
			}
			checkAccount(t, j, tp.topic)
			checkQuarantine(t, j, tp.topic)
			if long() || name == "protobuf" {
				checkListed(t, j, tp.topic)
			}
		})
	}
}

// A noise is a topic with records of which nobody can say beforehand what becomes of them.
type noise struct {
	*topic
	random *rand.Rand
}

func (tp *noise) encode(b produce.Body) ([]byte, error) {
	r := tp.random
	random := make([]byte, r.IntN(200))
	for i := range random {
		random[i] = byte(r.Uint32())
	}
	good := tp.f.good(newEvent(b))
	switch b.Seq % 8 {
	case 0:
		return random, nil
	case 1: // few ids: each that the registry has not got is asked for once
		return framed(int32(1_999_000_000+r.IntN(50)), random), nil
	case 2, 3:
		return append(good[:5:5], random...), nil
	case 4:
		return good[:r.IntN(len(good)+1)], nil
	}
	for range 1 + r.IntN(3) {
		switch at := 5 + r.IntN(len(good)-5); r.IntN(4) {
		case 0:
			good[at] ^= 1 << r.IntN(8)
		case 1:
			good[at] = byte(r.Uint32())
		case 2:
			good = append(good[:at], append(random[:min(len(random), 3):min(len(random), 3)], good[at:]...)...)
		case 3:
			good = append(good[:at], good[min(len(good), at+1+r.IntN(3)):]...)
		}
		if len(good) < 7 {
			break
		}
	}
	return good, nil
}

// sort takes over what became of the records.
func (tp *noise) sort(t *testing.T, j *product.Job) (rows, bad int) {
	t.Helper()
	note := func(reader, folder string, columns []string, each func(q quarantined, at produce.At)) (n int) {
		lines, err := servers.Readers(t).Rows(t.Context(), readers.Query{Reader: reader, Folder: folder, Columns: columns})
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range lines {
			var q quarantined
			if err := json.Unmarshal([]byte(l), &q); err != nil {
				t.Fatal(err)
			}
			at := produce.At{Partition: q.Partition, Offset: q.Offset}
			if tp.made[at].kind != "" {
				t.Errorf("%s is %s, and there once more", at, tp.made[at].kind)
			}
			each(q, at)
		}
		return len(lines)
	}
	reader := readers.PyArrow
	if tp.f.by != nil {
		reader = tp.f.by[0]
	}
	rows = note(reader, j.Root.Folder(t, j.Topic), readers.DefaultOrder, func(_ quarantined, at produce.At) { tp.made[at] = outcome{kind: "a row"} })
	bad = note(readers.PyArrow, quarantineFolder(t, j), []string{"_kafka_partition", "_kafka_offset", "reason", "detail"}, func(q quarantined, at produce.At) {
		tp.made[at] = outcome{kind: "in quarantine", reason: q.Reason, detail: q.Detail}
		if q.Detail == "" {
			t.Errorf("%s is %s, and nothing is said of it", at, base64.StdEncoding.EncodeToString(tp.Records[at].Value))
		}
	})
	return rows, bad
}
