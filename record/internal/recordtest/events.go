package recordtest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
)

// EventType is the schema of the benchmarks: a tracking event of 18 leaves.
func EventType() *Type {
	text, long := &Type{Kind: "string"}, &Type{Kind: "long"}
	millis := &Type{Kind: "long", Logical: "timestamp-millis"}
	optional := func(t *Type) *Type { return &Type{Kind: "union", Branches: []*Type{{Kind: "null"}, t}} }
	return &Type{Kind: "record", Name: "com.example.tracking.PageView", Fields: []Field{
		{"header", &Type{Kind: "record", Name: "com.example.tracking.Header", Fields: []Field{{"messageId", text}, {"time", millis}, {"server", text}, {"service", text}}}},
		{"memberId", long},
		{"sessionId", text},
		{"eventTime", millis},
		{"pageKey", text},
		{"pageUrl", text},
		{"userAgent", text},
		{"deviceType", &Type{Kind: "enum", Name: "com.example.tracking.Device", Symbols: []string{"DESKTOP", "PHONE", "TABLET", "TV", "OTHER"}}},
		{"tags", &Type{Kind: "array", Elem: text}},
		{"score", optional(&Type{Kind: "double"})},
		{"properties", &Type{Kind: "map", Elem: text}},
		{"requestId", long},
		{"durationMs", &Type{Kind: "int"}},
		{"referrer", optional(text)},
	}}
}

// Events makes n rows of EventType, always the same ones: about 360 bytes each in Avro, 630 in JSON.
func Events(n int) [][]any {
	r := rand.New(rand.NewPCG(11, 7))
	words := strings.Fields("feed profile jobs search messaging network learning company school group article video ads sales settings invite share comment follow apply save view click scroll open close submit login")
	word := func() string { return words[r.IntN(len(words))] }
	random := func(alphabet string, n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = alphabet[r.IntN(len(alphabet))]
		}
		return string(b)
	}
	const digits, letters = "0123456789abcdef", "abcdefghijklmnopqrstuvwxyz0123456789"
	pool := func(n int, make func() string) func() string {
		p := []string{}
		for range n {
			p = append(p, make())
		}
		return func() string { return p[int(float64(n)*math.Pow(r.Float64(), 3))] }
	}
	servers := pool(500, func() string {
		return fmt.Sprintf("%s-app%04d.prod-dc%d.example.net", word()[:2], r.IntN(10000), r.IntN(4))
	})
	agents := pool(300, func() string {
		return fmt.Sprintf("Mozilla/5.0 (X11; Linux x86_64) Engine/%d.%d Browser/%d.0", 500+r.IntN(50), r.IntN(50), 90+r.IntN(40))
	})
	referrers := pool(5000, func() string {
		return "https://www." + random(letters, 6) + ".com/" + word() + "/" + random(letters, 15)
	})
	now := int64(1_795_000_000_000)
	rows := make([][]any, n)
	for i := range rows {
		now += int64(r.IntN(2))
		id := random(digits, 32)
		tags := []any{}
		for range r.IntN(5) {
			tags = append(tags, word()+":"+random(letters, 4))
		}
		var score, referrer any
		if r.IntN(10) >= 3 {
			score = math.Round(r.NormFloat64()*1e6) / 1e6
		}
		if r.IntN(2) == 0 {
			referrer = referrers()
		}
		properties := []Entry{}
		for j, k := range r.Perm(len(words))[:r.IntN(4)] {
			properties = append(properties, Entry{words[k], fmt.Sprintf("%s.%d", word(), j*10+r.IntN(10))})
		}
		rows[i] = []any{
			[]any{id[:8] + "-" + id[8:12] + "-" + id[12:16] + "-" + id[16:20] + "-" + id[20:], now, servers(), word() + "-" + word()},
			int64(r.IntN(90_000_000)), random(digits, 24), now - int64(r.IntN(3000)), "d_" + word() + "3_" + word() + "_" + word(),
			"/" + word() + "/" + word() + "-" + word() + "-" + random(letters, 9) + "/?id=" + fmt.Sprint(r.IntN(100_000_000)), agents(),
			[]string{"DESKTOP", "PHONE", "TABLET", "TV", "OTHER"}[r.IntN(5)], tags, score, properties, int64(r.Uint64() >> 1), int32(math.Exp(r.NormFloat64()*1.5 + 5)), referrer,
		}
	}
	return rows
}

// EventsAvro encodes Events.
func EventsAvro(n int) [][]byte {
	r, t := rand.New(rand.NewPCG(1, 1)), EventType()
	out := make([][]byte, n)
	for i, row := range Events(n) {
		out[i] = AppendAvro(nil, r, t, row)
	}
	return out
}

// Size is the mean length of encoded records.
func Size(records [][]byte) int64 {
	n := 0
	for _, r := range records {
		n += len(r)
	}
	return int64(n / len(records))
}
