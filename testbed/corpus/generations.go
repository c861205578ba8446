package corpus

import (
	"strings"

	"github.com/twmb/avro"
)

// Generations are the Avro schemas of an Event over the years, the oldest first. Each reads what those before it wrote: the second has a
// field more and its enum's symbols in another order, the third has one field more, and a number that became wider.
var Generations = func() [3]string {
	first := replaced(Schema, ` {"name":"score","type":["null","double"]},`+"\n", "")
	first = replaced(first, ","+"\n"+` {"name":"referrer","type":["null","string"]}`, "")
	second := replaced(first, ` {"name":"properties"`, ` {"name":"score","type":["null","double"],"default":null},`+"\n"+` {"name":"properties"`)
	second = replaced(second, `["desktop","phone","tablet","television","other"]`, `["other","desktop","phone","tablet","television"]`)
	third := replaced(second, `{"name":"duration","type":"int"}`, `{"name":"duration","type":"long"},`+"\n"+` {"name":"referrer","type":["null","string"],"default":null}`)
	return [3]string{first, second, third}
}()

func replaced(text, old, by string) string {
	if !strings.Contains(text, old) {
		panic(old + " is not in " + text)
	}
	return strings.Replace(text, old, by, 1)
}

var generationEncoders = func() (all [len(Generations)]*avro.Schema) {
	for i, text := range Generations {
		all[i] = avro.MustParse(text)
	}
	return all
}()

// GenerationEncoder is the parsed schema of a generation, counted from 0.
func GenerationEncoder(i int) *avro.Schema { return generationEncoders[i] }

// As is the event as a generation knew it: without what it had no field for.
func (e *Event) As(generation int) *Event {
	known := *e
	if generation < 1 {
		known.Score = nil
	}
	if generation < 2 {
		known.Referrer = nil
	}
	return &known
}
