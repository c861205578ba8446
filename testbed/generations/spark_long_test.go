//go:build long

package generations_test

import (
	"path/filepath"
	"testing"

	"shadoof/testbed/product"
	"shadoof/testbed/spark"
)

// Spark reads what the other readers do, in files that records of three generations share.
func TestSparkReadsGenerations(t *testing.T) {
	t.Parallel()
	s, err := spark.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(t.Failed()) })
	for _, f := range formats {
		t.Run(f.name, func(t *testing.T) {
			tp := newTopic(t, f)
			for _, g := range all {
				tp.register(t, g)
			}
			tp.produce(t, 240, 0, 3, all...)
			for _, version := range []string{"grown", "latest"} {
				root := product.Local(t)
				j := tp.job(t, root, ", version: "+version, "")
				run(t, j, 0)
				checkHours(t, j, 3)
				columns, target := tp.columns, 0
				if version == "latest" {
					columns, target = since(tp.columns, newest), newest
				}
				byHour := byHour(tp.want(columns, target))
				for h := range 3 {
					files, err := filepath.Glob(filepath.Join(root.Folder(t, tp.name), "dt=2026-11-20", hourFolder(h), "*.parquet"))
					if err != nil || len(files) != 1 {
						t.Fatalf("hour %d: files %q, %v", h, files, err)
					}
					for _, o := range []spark.Options{{}, {RowByRow: true}} {
						lines, err := s.Rows(t.Context(), files[0], o)
						if err != nil {
							t.Fatal(err)
						}
						compareRows(t, "spark", byHour[h], lines)
					}
				}
			}
		})
	}
}
