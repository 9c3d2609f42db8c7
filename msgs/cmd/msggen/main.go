// Command msggen writes the Go types of ROS 2 interface definitions; package msgs
// calls it through go generate. Its arguments are those of gen.ParseArgs.
package main

import (
	"fmt"
	"os"

	"guidedpolicysearch/msgs/gen"
)

func main() {
	job, err := gen.ParseArgs(".", os.Args[1:])
	if err == nil {
		err = job.Write()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
