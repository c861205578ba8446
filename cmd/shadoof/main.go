// Command shadoof lifts Kafka topics into HDFS, object storage and local folders, exactly once.
package main

import (
	"os"
	_ "time/tzdata" // the binary runs where there is no zone database
)

func main() {
	a := &app{stdout: os.Stdout, stderr: os.Stderr, env: os.LookupEnv}
	os.Exit(a.main(os.Args[1:]))
}
