package protobuf

import "embed"

// imports are files that schemas of a registry import without a reference, as Confluent's serializers know them: confluent/meta.proto,
// confluent/type/decimal.proto, google/type/*.proto. Those of google/protobuf come with the compiler.
//
//go:embed imports
var imports embed.FS
