package extract

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"math"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"shadoof/internal/kafkatest"
	"shadoof/record"
)

// A craftedBatch is a record batch as a test wants it, byte by byte.
type craftedBatch struct {
	base, last int64
	epoch      int32
	attrs      int16
	producer   int64
	firstTime  int64
	maxTime    int64
	records    []record.Raw
}

func (b craftedBatch) bytes(t testing.TB, codec kgo.CompressionCodec) []byte {
	t.Helper()
	var body []byte
	for _, r := range b.records {
		body = appendRecord(body, r, b.base, b.firstTime)
	}
	attrs := b.attrs
	if len(b.records) > 0 && attrs&controlBit == 0 {
		var used kgo.CompressionCodecType
		if comp := compressor(t, codec); comp != nil {
			body, used = comp.Compress(new(bytes.Buffer), body)
		}
		attrs |= int16(used)
	}
	return rawBatch(b, attrs, body, int32(len(b.records)))
}

var (
	compressorsMu sync.Mutex
	compressors   = map[kgo.CompressionCodec]kgo.Compressor{}
)

func compressor(t testing.TB, codec kgo.CompressionCodec) kgo.Compressor {
	compressorsMu.Lock()
	defer compressorsMu.Unlock()
	if c, ok := compressors[codec]; ok {
		return c
	}
	c, err := kgo.DefaultCompressor(codec)
	if err != nil {
		t.Fatal(err)
	}
	compressors[codec] = c
	return c
}

func rawBatch(b craftedBatch, attrs int16, body []byte, records int32) []byte {
	be := binary.BigEndian
	out := be.AppendUint64(nil, uint64(b.base))
	out = be.AppendUint32(out, uint32(batchHeaderBytes-frameBytes+len(body)))
	out = be.AppendUint32(out, uint32(b.epoch))
	out = append(out, 2, 0, 0, 0, 0)
	out = be.AppendUint16(out, uint16(attrs))
	out = be.AppendUint32(out, uint32(b.last-b.base))
	out = be.AppendUint64(out, uint64(b.firstTime))
	out = be.AppendUint64(out, uint64(b.maxTime))
	out = be.AppendUint64(out, uint64(b.producer))
	out = be.AppendUint16(out, 0)
	out = be.AppendUint32(out, 0)
	out = be.AppendUint32(out, uint32(records))
	out = append(out, body...)
	return sealBatch(out)
}

// sealBatch sets the checksum of a batch.
func sealBatch(b []byte) []byte {
	binary.BigEndian.PutUint32(b[17:], crc32.Checksum(b[21:], castagnoli))
	return b
}

func appendRecord(out []byte, r record.Raw, base, firstTime int64) []byte {
	body := []byte{0}
	body = binary.AppendVarint(body, r.Timestamp-firstTime)
	body = binary.AppendVarint(body, r.Offset-base)
	body = appendVarBytes(body, r.Key)
	body = appendVarBytes(body, r.Value)
	body = binary.AppendVarint(body, int64(len(r.Headers)))
	for _, h := range r.Headers {
		body = appendVarBytes(body, []byte(h.Key))
		body = appendVarBytes(body, h.Value)
	}
	out = binary.AppendVarint(out, int64(len(body)))
	return append(out, body...)
}

func appendVarBytes(out, b []byte) []byte {
	if b == nil {
		return binary.AppendVarint(out, -1)
	}
	return append(binary.AppendVarint(out, int64(len(b))), b...)
}

// marker is the record of a control batch.
func marker(offset int64, commit bool) record.Raw {
	key := []byte{0, 0, 0, 0}
	if commit {
		key[3] = 1
	}
	return record.Raw{Offset: offset, Key: key, Value: []byte{0, 0, 0, 0, 0, 0}}
}

// A craftedLog answers the fetches of partition 0 of topic "a" of a cluster.
type craftedLog struct {
	batches [][]byte
	aborted []abortedTransaction
	end     int64       // high watermark, and last stable offset
	limit   int         // bytes per answer; 0 is what the request says
	cut     bool        // as brokers before 0.10.1 did: also the first batch is cut at the limit
	asked   func(n int) // is told of each fetch, by its number from 1

	mu      sync.Mutex
	sizes   []int32 // PartitionMaxBytes of the requests
	offsets []int64
	rng     *rand.Rand
}

type abortedTransaction struct{ producer, first, last int64 }

// serve starts a cluster whose topic a holds the log.
func (l *craftedLog) serve(t testing.TB, policy string) *kafkatest.Cluster {
	t.Helper()
	c := startClusterWithFetch(t, policy, func(req *kmsg.FetchRequest, p *kmsg.FetchResponseTopicPartition) {
		*p = l.answer(req, &req.Topics[0].Partitions[0])
	})
	return c
}

// startClusterWithFetch answers each fetch of topic a as told.
func startClusterWithFetch(t testing.TB, policy string, answer func(req *kmsg.FetchRequest, p *kmsg.FetchResponseTopicPartition)) *kafkatest.Cluster {
	t.Helper()
	c := startCluster(t, kafkatest.Options{})
	if err := c.CreateTopic("a", 1, map[string]string{"cleanup.policy": policy}); err != nil {
		t.Fatal(err)
	}
	c.Fake().ControlKey(int16(kmsg.Fetch), func(kreq kmsg.Request) (kmsg.Response, error, bool) {
		c.Fake().KeepControl()
		req := kreq.(*kmsg.FetchRequest)
		resp := req.ResponseKind().(*kmsg.FetchResponse)
		topic := kmsg.NewFetchResponseTopic()
		topic.Topic, topic.TopicID = "a", req.Topics[0].TopicID
		p := kmsg.NewFetchResponseTopicPartition()
		p.HighWatermark, p.LastStableOffset = math.MaxInt32, math.MaxInt32
		answer(req, &p)
		topic.Partitions = append(topic.Partitions, p)
		resp.Topics = append(resp.Topics, topic)
		return resp, nil, true
	})
	return c
}

func (l *craftedLog) answer(req *kmsg.FetchRequest, q *kmsg.FetchRequestTopicPartition) kmsg.FetchResponseTopicPartition {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sizes = append(l.sizes, q.PartitionMaxBytes)
	l.offsets = append(l.offsets, q.FetchOffset)
	if l.asked != nil {
		l.asked(len(l.offsets))
	}
	limit := int(q.PartitionMaxBytes)
	if l.limit > 0 {
		limit = l.limit
	}
	p := kmsg.NewFetchResponseTopicPartition()
	p.HighWatermark, p.LastStableOffset, p.LogStartOffset = l.end, l.end, 0
	p.RecordBatches = []byte{}
	upTo := q.FetchOffset
	for _, b := range l.batches {
		h, err := readHeader(b)
		if err != nil || h.last < q.FetchOffset {
			continue
		}
		room := limit - len(p.RecordBatches)
		if room <= 0 {
			break
		}
		if len(b) > room && (l.cut || len(p.RecordBatches) > 0) {
			p.RecordBatches = append(p.RecordBatches, b[:room]...)
			break
		}
		p.RecordBatches = append(p.RecordBatches, b...)
		upTo = h.last + 1
	}
	if req.IsolationLevel == committed {
		for _, a := range l.aborted {
			if a.last >= q.FetchOffset && a.first < upTo {
				p.AbortedTransactions = append(p.AbortedTransactions, kmsg.FetchResponseTopicPartitionAbortedTransaction{ProducerID: a.producer, FirstOffset: a.first})
			}
		}
		if l.rng != nil {
			l.rng.Shuffle(len(p.AbortedTransactions), func(i, j int) {
				p.AbortedTransactions[i], p.AbortedTransactions[j] = p.AbortedTransactions[j], p.AbortedTransactions[i]
			})
		}
	}
	return p
}

// serveWatermarks answers ListOffsets for a log from 0 to end.
func serveWatermarks(t testing.TB, c *kafkatest.Cluster, end int64) {
	t.Helper()
	c.Fake().ControlKey(int16(kmsg.ListOffsets), func(kreq kmsg.Request) (kmsg.Response, error, bool) {
		c.Fake().KeepControl()
		req := kreq.(*kmsg.ListOffsetsRequest)
		resp := req.ResponseKind().(*kmsg.ListOffsetsResponse)
		topic := kmsg.NewListOffsetsResponseTopic()
		topic.Topic = "a"
		p := kmsg.NewListOffsetsResponseTopicPartition()
		p.Offset = end
		if req.Topics[0].Partitions[0].Timestamp == earliest {
			p.Offset = 0
		}
		topic.Partitions = append(topic.Partitions, p)
		resp.Topics = append(resp.Topics, topic)
		return resp, nil, true
	})
}
