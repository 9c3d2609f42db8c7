// Command asm writes the kernels of package kernel in assembly, once for AVX-512 and once
// for AVX2 with FMA:
//
//	go run . -out ../kernel_amd64.s -stubs ../stubs_amd64.go
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/pass"
	"github.com/mmcloughlin/avo/printer"
)

func main() {
	flags := flag.NewFlagSet("asm", flag.ExitOnError) // avo has flags of its own in the global one
	out := flags.String("out", "", "`file` for the assembly")
	stubs := flags.String("stubs", "", "`file` for the Go declarations")
	_ = flags.Parse(os.Args[1:]) // exits on an error
	assembly, declarations, err := generate()
	if err == nil {
		err = errors.Join(os.WriteFile(*out, assembly, 0o644), os.WriteFile(*stubs, declarations, 0o644))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "asm:", err)
		os.Exit(1)
	}
}

// generate returns the assembly and the Go declarations of all kernels.
func generate() (assembly, declarations []byte, err error) {
	c := build.NewContext()
	wide, narrow := machine{Context: c, set: avx512}, machine{Context: c, set: avx2}
	k := newConstants(c)
	wide.factor512(k)
	narrow.factor256(k)
	for _, m := range []machine{wide, narrow} {
		m.product()
		m.dot()
		m.squares()
		m.axpy()
		m.difference()
		m.mirror(k)
		m.transposeTo(k)
		m.peak()
	}
	machine{Context: c}.prefetch()
	wide.single, narrow.single = true, true
	for _, m := range []machine{wide, narrow} {
		m.product()
		m.relu()
		m.reluSlope()
		m.tanh(k)
		m.tanhSlope(k)
		m.adam()
	}
	narrow.transpose32()
	file, err := c.Result()
	if err != nil {
		return nil, nil, err
	}
	if err := pass.Compile.Execute(file); err != nil {
		return nil, nil, err
	}
	config := printer.Config{Name: "the module in gps/internal/kernel/asm", Pkg: "kernel"}
	if assembly, err = printer.NewGoAsm(config).Print(file); err != nil {
		return nil, nil, err
	}
	declarations, err = printer.NewStubs(config).Print(file)
	return assembly, declarations, err
}
