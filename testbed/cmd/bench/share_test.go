package main

import (
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// message appends fields: a number for a number, bytes for bytes.
func message(fields ...any) (out []byte) {
	for i := 0; i < len(fields); i += 2 {
		field := protowire.Number(fields[i].(int))
		switch v := fields[i+1].(type) {
		case int:
			out = protowire.AppendVarint(protowire.AppendTag(out, field, protowire.VarintType), uint64(v))
		case []byte:
			out = protowire.AppendBytes(protowire.AppendTag(out, field, protowire.BytesType), v)
		}
	}
	return out
}

func TestShareOfAProfileCountsCalleesAndInlinedCode(t *testing.T) {
	t.Parallel()
	text := message(
		profileSample, message(sampleLocation, []byte{3, 2, 1}, sampleValue, []byte{6, 60}), // a callee of location 2
		profileSample, message(sampleLocation, 1, sampleValue, 2),
		profileSample, message(sampleLocation, 4, sampleValue, 2), // a file of that name elsewhere
		profileLocation, message(locationID, 1, locationLine, message(lineFunction, 10)),
		profileLocation, message(locationID, 2, locationLine, message(lineFunction, 11), locationLine, message(lineFunction, 10)),
		profileLocation, message(locationID, 3, locationLine, message(lineFunction, 10)),
		profileLocation, message(locationID, 4, locationLine, message(lineFunction, 12)),
		profileFunction, message(functionID, 10, functionFile, 1),
		profileFunction, message(functionID, 11, functionFile, 2),
		profileFunction, message(functionID, 12, functionFile, 3),
		profileStrings, []byte{},
		profileStrings, []byte("/src/shadoof/writers/parquet/chunk.go"),
		profileStrings, []byte("/src/shadoof/writers/parquet/dictionary.go"),
		profileStrings, []byte("/src/parquet-go/dictionary.go"),
	)
	p, err := readProfile(text)
	if err != nil {
		t.Fatal(err)
	}
	if got := p.share(dictionaryCode); got != 0.6 {
		t.Errorf("share %v, want 0.6", got)
	}
	if _, err := readProfile(text[:len(text)-3]); err == nil {
		t.Error("half a profile is read")
	}
}
