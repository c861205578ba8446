package evolve

import (
	"fmt"
	"strings"

	"shadoof/record"
)

// A NameRule says in one word what is wrong with a name. Scripts rely on the words.
type NameRule string

const (
	NameEmpty      NameRule = "empty"
	NameTwice      NameRule = "twice"      // another field of the struct has it
	NameColumn     NameRule = "column"     // a column that the job adds has it
	NameCase       NameRule = "case"       // another has it but for the case
	NameFolder     NameRule = "folder"     // a folder's key has it, but for the case
	NameAvro       NameRule = "avro"       // Avro does not allow it
	NameCharacters NameRule = "characters" // characters that some readers refuse, or that have to be quoted
	NameDot        NameRule = "dot"
	NameLong       NameRule = "long"
)

// A NameProblem is a name that readers stumble over.
type NameProblem struct {
	Path    string   `json:"path"` // of the field
	Other   string   `json:"other,omitempty"`
	Rule    NameRule `json:"rule"`
	Refused bool     `json:"refused,omitempty"` // no file is written: no reader could open it, or some would take it for another
	Detail  string   `json:"detail"`            // who stumbles, and what to do
}

// String is the problem in words.
func (p NameProblem) String() string { return "field " + p.Path + ": " + p.Detail }

// NameOptions are what names can collide with.
type NameOptions struct {
	Format  string   // of the files: parquet, avro
	Folders []string // keys of the folders: dt and hr of dt=2026-11-20/hr=13
	Columns []string // that are added to the rows: the Kafka columns, key, headers
}

// longestName is how many bytes of a name AWS Glue keeps.
const longestName = 255

// Names are the problems with the names of rows, in the order of the fields. Nothing is renamed to solve them: which name a column gets
// would depend on the fields that happen to stand beside it, and could change with them. So people rename the field, or give it an
// alias in a schema of their own.
func Names(s *record.Schema, o NameOptions) []NameProblem {
	n := &namer{o: o}
	n.fields("", s.Fields)
	return n.problems
}

// FolderKeys are the keys in a path of folders: dt and hr in dt=2026-11-20/hr=13.
func FolderKeys(path string) (keys []string) {
	for part := range strings.SplitSeq(path, "/") {
		if key, _, ok := strings.Cut(part, "="); ok {
			keys = append(keys, key)
		}
	}
	return keys
}

type namer struct {
	o        NameOptions
	problems []NameProblem
}

func (n *namer) report(path, other string, rule NameRule, refused bool, format string, args ...any) {
	n.problems = append(n.problems, NameProblem{path, other, rule, refused, fmt.Sprintf(format, args...)})
}

func (n *namer) fields(path string, fields []record.Field) {
	exact := make(map[string]bool, len(fields))
	folded := make(map[string]string, len(fields)) // to the first of those names
	if path == "" {
		for _, c := range n.o.Columns {
			folded[record.FoldName(c)] = c
		}
	}
	for i := range fields {
		f := &fields[i]
		p := within(path, f.Name)
		other, taken := folded[record.FoldName(f.Name)]
		switch {
		case f.Name == "":
			n.report(p, "", NameEmpty, true, "it has no name")
		case exact[f.Name]:
			n.report(p, f.Name, NameTwice, true, "the name is used twice")
		case taken && f.Name == other:
			n.report(p, other, NameColumn, true, "a column of that name is added to the rows: rename the field, or leave that column out (output.kafka_columns, key.format, headers)")
		case taken && n.o.Format == "avro":
			n.report(p, other, NameCase, false, "but for the case its name is %s: Spark, Hive and DuckDB do not tell them apart", other)
		case taken:
			n.report(p, other, NameCase, true, "but for the case its name is %s, and Spark refuses such a file: rename one, or set output.format: avro", other)
		default:
			folded[record.FoldName(f.Name)] = f.Name
		}
		exact[f.Name] = true
		if path == "" {
			n.folder(f.Name)
		}
		n.spelling(p, f.Name)
		n.within(p, &f.Type)
	}
}

func (n *namer) within(path string, t *record.Type) {
	switch t.Kind {
	case record.Struct:
		n.fields(path, t.Fields)
	case record.List, record.Map:
		n.within(inElem(path, t.Kind), &t.Elem.Type)
	}
}

func (n *namer) folder(name string) {
	for _, key := range n.o.Folders {
		switch {
		case name == key:
			n.report(name, key, NameFolder, false, "folders are named %s=…: Spark and DuckDB show the folder's instead of the column, Hive has no such table, and pyarrow and Polars "+
				"refuse the folder where the types differ: rename the field, or choose another partition.layout", key)
		case record.FoldName(name) == record.FoldName(key):
			n.report(name, key, NameFolder, false, "folders are named %s=…: Spark and DuckDB show the folder's instead of the column: rename the field, or choose another partition.layout", key)
		}
	}
}

// spelling looks at a name by itself.
func (n *namer) spelling(path, name string) {
	if name == "" {
		return
	}
	if n.o.Format == "avro" && !record.IsAvroName(name) {
		n.report(path, "", NameAvro, true, "%q is not a name in Avro, which has letters of ASCII, digits and _, and no digit first: rename it, or set output.format: parquet", name)
		return
	}
	if bad := strings.IndexFunc(name, troubles); bad >= 0 {
		n.report(path, "", NameCharacters, false, "%q has the character %q: Hive keeps no such column, Spark before 3.3 refuses the file, and queries have to quote it", name, []rune(name[bad:])[0])
	}
	if strings.Contains(name, ".") {
		n.report(path, "", NameDot, false, "queries take the dot in %q for the way to a field within, unless it is quoted, and partition.field cannot name it", name)
	}
	if len(name) > longestName {
		n.report(path, "", NameLong, false, "its name has %d bytes, and catalogs keep no more than %d", len(name), longestName)
	}
}

// troubles are the characters that Spark's writer of Parquet refused for long, those that part the types and names in Hive's own text of
// a schema, quotes, and what does not print.
func troubles(r rune) bool {
	return r < ' ' || r == 0x7f || strings.ContainsRune(" ,;{}()=:<>`\"", r)
}
