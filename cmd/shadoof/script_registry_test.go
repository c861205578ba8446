package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"os"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/twmb/avro"

	"shadoof/internal/kafkatest"
	"shadoof/internal/registrytest"
)

type registryKey struct{}

// registryCommands are what scripts do to their registry, whose address is $REGISTRY, and to topics whose records name its schemas.
func registryCommands() map[string]func(ts *testscript.TestScript, neg bool, args []string) {
	return map[string]func(ts *testscript.TestScript, neg bool, args []string){
		"register": register,
		"forget":   func(ts *testscript.TestScript, _ bool, _ []string) { schemaRegistry(ts).Forget() },
		"registry": func(ts *testscript.TestScript, _ bool, args []string) { schemaRegistry(ts).SetDown(args[0] == "down") },
		"framed":   framed,
		"sayavro":  sayAvro,
	}
}

func schemaRegistry(ts *testscript.TestScript) *registrytest.Registry {
	return ts.Value(registryKey{}).(*registrytest.Registry)
}

// register VARIABLE SUBJECT FORMAT FILE [NAME=SUBJECT]... gives a subject its next version, and a variable the schema's id.
func register(ts *testscript.TestScript, _ bool, args []string) {
	var references []registrytest.Reference
	for _, r := range args[4:] {
		name, subject, _ := strings.Cut(r, "=")
		references = append(references, registrytest.Reference{Name: name, Subject: subject})
	}
	id, err := schemaRegistry(ts).Register(args[1], args[2], ts.ReadFile(args[3]), references...)
	ts.Check(err)
	ts.Setenv(args[0], strconv.Itoa(int(id)))
}

// framed TOPIC PARTITION ID VALUE appends a value behind the id of its schema.
func framed(ts *testscript.TestScript, _ bool, args []string) {
	value := append(header(ts, args[2]), unescape(ts, args[3])...)
	ts.Check(cluster(ts).Produce(context.Background(), args[0], kafkatest.Record{Partition: int32(number(ts, args[1])), Time: saidAt, Value: value}))
}

// sayavro TOPIC PARTITION ID FILE JSON [KEY-ID FILE JSON] appends JSON as Avro data of the schema in a file; "-" is no value.
func sayAvro(ts *testscript.TestScript, _ bool, args []string) {
	r := kafkatest.Record{Partition: int32(number(ts, args[1])), Time: saidAt, Value: avroData(ts, args[2:5])}
	if len(args) > 5 {
		r.Key = avroData(ts, args[5:8])
	}
	ts.Check(cluster(ts).Produce(context.Background(), args[0], r))
}

func avroData(ts *testscript.TestScript, args []string) []byte {
	if args[2] == "-" {
		return nil
	}
	text, err := os.ReadFile(ts.MkAbs(args[1]))
	ts.Check(err)
	schema, err := avro.Parse(string(text))
	ts.Check(err)
	var value any
	ts.Check(json.Unmarshal([]byte(args[2]), &value))
	data, err := schema.Encode(value)
	ts.Check(err)
	return append(header(ts, args[0]), data...)
}

func header(ts *testscript.TestScript, id string) []byte {
	return binary.BigEndian.AppendUint32([]byte{0}, uint32(number(ts, id)))
}
