package protobuf_test

import (
	"io/fs"
	"os"
	"strings"
	"testing"

	"shadoof/record"
	"shadoof/record/protobuf"
)

func TestImportsThatNeedNoReference(t *testing.T) {
	t.Parallel()
	n := 0
	err := fs.WalkDir(os.DirFS("imports"), ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		n++
		text := "syntax = \"proto3\";\nimport \"" + path + "\";\nmessage M { int32 a = 1; }"
		_, err = protobuf.Parse(&record.SchemaText{Format: "protobuf", Text: text}, record.ReadOptions{})
		return err
	})
	if err != nil || n != 15 {
		t.Errorf("%d files: %v", n, err)
	}
	text := `syntax = "proto3";
import "confluent/meta.proto";
import "confluent/type/decimal.proto";
import "google/type/money.proto";
message M {
  confluent.type.Decimal price = 1 [(confluent.field_meta).doc = "what it costs"];
  google.type.Money tip = 2;
}`
	w, err := protobuf.Parse(&record.SchemaText{Format: "protobuf", Text: text}, record.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var types []string
	for _, f := range w.Rows().Fields {
		types = append(types, f.Name+" "+record.TypeName(f.Type))
	}
	if got, want := strings.Join(types, "; "), "price struct<value bytes, precision int64, scale int32>; tip struct<currency_code string, units int64, nanos int32>"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
