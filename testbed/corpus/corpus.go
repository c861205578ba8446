// Package corpus makes tracking events as web sites send them: for measurements, whose figures depend on how large values are, how
// often they repeat and how much of them is null.
package corpus

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"

	"github.com/twmb/avro"
)

// Schema is the Avro schema of an Event: 18 leaf columns.
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

// Encoder is the parsed Schema.
var Encoder = avro.MustParse(Schema)

// An Event is one record's value. Its tags are those of all the libraries that write or read it.
type Event struct {
	Header struct {
		ID      string `avro:"id" json:"id" parquet:"id"`
		Time    int64  `avro:"time" json:"time" parquet:"time"` // milliseconds
		Host    string `avro:"host" json:"host" parquet:"host,dict"`
		Service string `avro:"service" json:"service" parquet:"service,dict"`
	} `avro:"header" json:"header" parquet:"header"`
	Account    int64             `avro:"account" json:"account" parquet:"account"`
	Session    string            `avro:"session" json:"session" parquet:"session,dict"`
	Received   int64             `avro:"received" json:"received" parquet:"received"`
	Page       string            `avro:"page" json:"page" parquet:"page,dict"`
	URL        string            `avro:"url" json:"url" parquet:"url"`
	Agent      string            `avro:"agent" json:"agent" parquet:"agent,dict"`
	Device     string            `avro:"device" json:"device" parquet:"device,dict"`
	Labels     []string          `avro:"labels" json:"labels" parquet:"labels,list" parquet-element:",dict"`
	Score      *float64          `avro:"score" json:"score" parquet:"score"`
	Properties map[string]string `avro:"properties" json:"properties" parquet:"properties" parquet-key:",dict"`
	Request    int64             `avro:"request" json:"request" parquet:"request"`
	Duration   int32             `avro:"duration" json:"duration" parquet:"duration"`
	Referrer   *string           `avro:"referrer" json:"referrer" parquet:"referrer,dict"`
}

// visitor is who looks at pages for a while.
type visitor struct {
	session, agent, device string
	account                int64
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
	c.hosts = c.list(400, func() string {
		return fmt.Sprintf("%s-%04d.zone%d.shop.example", c.word(), c.r.IntN(10_000), c.r.IntN(4))
	})
	c.services = c.list(40, func() string { return c.word() + "-" + c.word() })
	c.pages = c.list(200, func() string { return "page_" + c.word() + "_" + c.word() })
	c.agents = c.list(300, func() string {
		return fmt.Sprintf("Mozilla/5.0 (%s) Engine/%d.%d Browser/%d.0.%d", c.word(), 500+c.r.IntN(50), c.r.IntN(50), 90+c.r.IntN(40), c.r.IntN(7000))
	})
	c.labels = c.list(500, func() string { return c.word() + ":" + c.text(letters, 3+c.r.IntN(5)) })
	c.referrers = c.list(5000, func() string {
		return "https://www." + c.text(letters, 6) + ".example/" + c.word() + "/" + c.text(letters, 4+c.r.IntN(24))
	})
	c.popularPage = c.zipf(c.pages)
	c.popularAgent = c.zipf(c.agents)
	c.popularLabel = c.zipf(c.labels)
	c.popularIn = c.zipf(c.referrers)
	c.visitors = make([]visitor, 20_000)
	for i := range c.visitors {
		c.visitors[i] = c.visitor()
	}
	return c
}

func (c *Corpus) list(n int, make func() string) []string {
	var out []string
	for range n {
		out = append(out, make())
	}
	return out
}

func (c *Corpus) zipf(of []string) *rand.Zipf { return rand.NewZipf(c.r, 1.15, 4, uint64(len(of)-1)) }

var devices = []string{"desktop", "desktop", "desktop", "phone", "phone", "phone", "tablet", "television", "other"}

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

// Next makes an event of the time, in milliseconds.
func (c *Corpus) Next(time int64) *Event {
	at := c.r.IntN(len(c.visitors))
	if c.r.IntN(20) == 0 {
		c.visitors[at] = c.visitor()
	}
	v := &c.visitors[at]
	e := &Event{
		Account: v.account, Session: v.session, Agent: v.agent, Device: v.device,
		Received: time + c.r.Int64N(3000), Page: c.pages[c.popularPage.Uint64()],
		URL:    fmt.Sprintf("/%s/%s-%s-%s/?id=%d", c.word(), c.word(), c.word(), c.text(letters, 4+c.r.IntN(10)), c.r.IntN(100_000_000)),
		Labels: make([]string, c.r.IntN(5)), Properties: map[string]string{},
		Request: c.r.Int64(), Duration: int32(math.Exp(c.r.NormFloat64()*1.5 + 5)),
	}
	e.Header.ID = fmt.Sprintf("%s-%s-%s", c.text(digits, 8), c.text(digits, 12), c.text(digits, 12))
	e.Header.Time, e.Header.Host, e.Header.Service = time, c.hosts[c.r.IntN(len(c.hosts))], c.services[c.r.IntN(len(c.services))]
	for i := range e.Labels {
		e.Labels[i] = c.labels[c.popularLabel.Uint64()]
	}
	if c.r.IntN(10) >= 3 {
		score := math.Round(c.r.NormFloat64()*1e6) / 1e6
		e.Score = &score
	}
	for range c.r.IntN(4) {
		e.Properties[properties[c.r.IntN(len(properties))]] = fmt.Sprintf("%s.%d", c.word(), c.r.IntN(40))
	}
	if c.r.IntN(2) == 0 {
		e.Referrer = &c.referrers[c.popularIn.Uint64()]
	}
	return e
}
