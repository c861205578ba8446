package generations_test

import (
	"testing"

	"shadoof/testbed/product"
	"shadoof/testbed/servers"
)

// A schema may get a message before the one that records are of, and nobody has to say which is meant once there are rows.
func TestAMessageBeforeThatOfTheTopic(t *testing.T) {
	t.Parallel()
	tp := newTopic(t, &protobufFormat)
	j := newJob(t, servers.Registry(t).URL, product.Local(t), tp.name, "value: {format: protobuf}\n")
	tp.register(t, 1)
	tp.produce(t, 30, 0, 1, 1)
	run(t, j, 0)
	rows := tp.united(since(tp.columns, 1))
	tp.sent = nil
	tp.register(t, 2)
	tp.register(t, 3)
	tp.produce(t, 90, 0, 1, all...)
	if of, _ := run(t, j, 0); of[tp.name].Rows != 90 || of[tp.name].Quarantined != 0 {
		t.Errorf("%+v, want 90 rows", of[tp.name])
	}
	checkRows(t, "parquet", j.Root.Folder(t, tp.name), true, sorted(append(rows, tp.want(tp.columns, 0)...)))
	tp.checkSchema(t, j, "grown", tp.columns, all...)
	j.Must(t, 0, "verify", "--deep")
}

// Where the first message is taken for that of the topic and is not, records of the other lose no field in silence. Once it is named, they
// come back.
func TestAMessageThatNobodyNamed(t *testing.T) {
	t.Parallel()
	tp := newTopic(t, &protobufFormat)
	for _, g := range all {
		tp.register(t, g)
	}
	tp.produce(t, 90, 0, 1, all...)
	root := product.Local(t)
	unnamed := newJob(t, servers.Registry(t).URL, root, tp.name, "value: {format: protobuf}\n")
	of, _ := run(t, unnamed, 0)
	if r := of[tp.name]; r.Rows != 60 || r.Quarantined != 30 {
		t.Errorf("%+v, want 30 of 90 records in quarantine", r)
	}
	named := tp.job(t, root, "", "")
	named.Must(t, 0, "quarantine", "retry", "--topic", tp.name)
	tp.checkKept(t, named)
	named.Must(t, 0, "verify", "--deep")
}
