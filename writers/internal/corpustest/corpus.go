// Package corpustest makes tracking events as web sites send them, in Avro, for benchmarks: what these measure depends on how large
// values are, how often they repeat and how much of them is null. The events are those of testbed/corpus, but for their seeds.
package corpustest

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
)

// Schema is the Avro schema of an event: 18 leaf columns.
const Schema = `{"type":"record","name":"PageView","namespace":"shop.tracking","fields":[
 {"name":"header","type":{"type":"record","name":"Header","fields":[
  {"name":"id","type":"string"},{"name":"time","type":"long"},{"name":"host","type":"string"},{"name":"service","type":"string"}]}},
 {"name":"account","type":"long"},
 {"name":"session","type":"string"},
 {"name":"received","type":"long"},
 {"name":"page","type":"string"},
 {"name":"url","type":"string"},
 {"name":"agent","type":"string"},
 {"name":"device","type":{"type":"enum","name":"Device","symbols":["desktop","phone","tablet","television","other"]}},
 {"name":"labels","type":{"type":"array","items":"string"}},
 {"name":"score","type":["null","double"]},
 {"name":"properties","type":{"type":"map","values":"string"}},
 {"name":"request","type":"long"},
 {"name":"duration","type":"int"},
 {"name":"referrer","type":["null","string"]}]}`

// Repeating are the leaf columns, by their paths, that a person who knows the events would give dictionaries.
var Repeating = []string{
	"header.host", "header.service", "session", "page", "agent", "device", "labels.list.element", "properties.key_value.key", "properties.key_value.value", "referrer",
}

// visitor is who looks at pages for a while.
type visitor struct {
	session, agent string
	device         int
	account        int64
}

// A Corpus makes events, the same ones for the same seed. Visitors come and go; pages, agents and referrers follow Zipf's law.
type Corpus struct {
	r *rand.Rand

	hosts, services, pages, agents, labels, referrers  []string
	popularPage, popularAgent, popularLabel, popularIn *rand.Zipf
	visitors                                           []visitor
}

// New makes a corpus.
func New(seed uint64) *Corpus {
	c := &Corpus{r: rand.New(rand.NewPCG(seed, 1))}
	c.hosts = list(400, func() string {
		return fmt.Sprintf("%s-%04d.zone%d.shop.example", c.word(), c.r.IntN(10_000), c.r.IntN(4))
	})
	c.services = list(40, func() string { return c.word() + "-" + c.word() })
	c.pages = list(200, func() string { return "page_" + c.word() + "_" + c.word() })
	c.agents = list(300, func() string {
		return fmt.Sprintf("Mozilla/5.0 (%s) Engine/%d.%d Browser/%d.0.%d", c.word(), 500+c.r.IntN(50), c.r.IntN(50), 90+c.r.IntN(40), c.r.IntN(7000))
	})
	c.labels = list(500, func() string { return c.word() + ":" + c.text(letters, 3+c.r.IntN(5)) })
	c.referrers = list(5000, func() string {
		return "https://www." + c.text(letters, 6) + ".example/" + c.word() + "/" + c.text(letters, 4+c.r.IntN(24))
	})
	c.popularPage, c.popularAgent, c.popularLabel, c.popularIn = c.zipf(c.pages), c.zipf(c.agents), c.zipf(c.labels), c.zipf(c.referrers)
	c.visitors = make([]visitor, 20_000)
	for i := range c.visitors {
		c.visitors[i] = c.visitor()
	}
	return c
}

func list(n int, make func() string) []string {
	var out []string
	for range n {
		out = append(out, make())
	}
	return out
}

func (c *Corpus) zipf(of []string) *rand.Zipf { return rand.NewZipf(c.r, 1.15, 4, uint64(len(of)-1)) }

var devices = []int{0, 0, 0, 1, 1, 1, 2, 3, 4}

func (c *Corpus) visitor() visitor {
	return visitor{c.text(digits, 24), c.agents[c.popularAgent.Uint64()], devices[c.r.IntN(len(devices))], 1000 + c.r.Int64N(90_000_000)}
}

const (
	digits  = "0123456789abcdef"
	letters = "abcdefghijklmnopqrstuvwxyz0123456789"
)

var words = strings.Fields("home search cart order list detail login profile help offer video image review rating account address payment invoice return mail chat news event group team map store gift sale")

func (c *Corpus) word() string { return words[c.r.IntN(len(words))] }

func (c *Corpus) text(of string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = of[c.r.IntN(len(of))]
	}
	return string(b)
}

var properties = []string{"country", "language", "experiment", "variant", "position", "module", "tracking", "version", "network", "channel", "campaign"}

// Append appends an event of the time, in milliseconds, to b.
func (c *Corpus) Append(b []byte, time int64) []byte {
	at := c.r.IntN(len(c.visitors))
	if c.r.IntN(20) == 0 {
		c.visitors[at] = c.visitor()
	}
	v := &c.visitors[at]
	b = text(b, fmt.Sprintf("%s-%s-%s", c.text(digits, 8), c.text(digits, 12), c.text(digits, 12)))
	b = long(b, time)
	b = text(b, c.hosts[c.r.IntN(len(c.hosts))])
	b = text(b, c.services[c.r.IntN(len(c.services))])
	b = long(b, v.account)
	b = text(b, v.session)
	b = long(b, time+c.r.Int64N(3000))
	b = text(b, c.pages[c.popularPage.Uint64()])
	b = text(b, fmt.Sprintf("/%s/%s-%s-%s/?id=%d", c.word(), c.word(), c.word(), c.text(letters, 4+c.r.IntN(10)), c.r.IntN(100_000_000)))
	b = text(b, v.agent)
	b = long(b, int64(v.device))
	b = c.blocks(b, c.r.IntN(5), func(b []byte, _ int) []byte { return text(b, c.labels[c.popularLabel.Uint64()]) })
	if c.r.IntN(10) < 3 {
		b = long(b, 0)
	} else {
		score := math.Round(c.r.NormFloat64()*1e6) / 1e6
		b = binary.LittleEndian.AppendUint64(long(b, 1), math.Float64bits(score))
	}
	first := c.r.IntN(len(properties))
	b = c.blocks(b, c.r.IntN(4), func(b []byte, i int) []byte {
		b = text(b, properties[(first+i)%len(properties)])
		return text(b, fmt.Sprintf("%s.%d", c.word(), c.r.IntN(40)))
	})
	b = long(b, c.r.Int64())
	b = long(b, int64(math.Exp(c.r.NormFloat64()*1.5+5)))
	if c.r.IntN(2) == 0 {
		return long(b, 0)
	}
	return text(long(b, 1), c.referrers[c.popularIn.Uint64()])
}

// blocks appends an array or a map of n items.
func (c *Corpus) blocks(b []byte, n int, item func([]byte, int) []byte) []byte {
	if n > 0 {
		b = long(b, int64(n))
	}
	for i := range n {
		b = item(b, i)
	}
	return long(b, 0)
}

func long(b []byte, v int64) []byte { return binary.AppendVarint(b, v) } // zigzag, as Avro's

func text(b []byte, s string) []byte { return append(long(b, int64(len(s))), s...) }
