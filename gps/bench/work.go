package main

import (
	"fmt"
	"math"
)

// The implementations, as benchmarks and peers name them.
const (
	ours         = "ours"
	packing      = "packing"
	naive        = "naive"
	preallocated = "preallocated"
	numpy        = "numpy"
	sklearn      = "sklearn"
	torch        = "torch"
	hpipm        = "hpipm"
	reference    = "reference"
)

// work is a piece of work at one size: a row of the table.
type work struct {
	// Kind is the Go benchmark's name, Title what the table calls it.
	Kind, Title string
	// Size says the size in the table, Key in names of benchmarks.
	Size, Key string
	// Flops counts the floating-point operations that the work takes where symmetry is used.
	Flops float64
	// Repeats is how many times the work is done in one run, at least 1: times are divided
	// by it.
	Repeats int
	// Workers is the number of cores that this module's implementation uses, 0 for one.
	Workers int
	// Peers names the implementations outside Go that do it.
	Peers []string
	// Short is whether a quick run has it too.
	Short bool
	// Make prepares the numbers and the implementations in Go.
	Make func() (*instance, error)
}

// Name is that of the work's benchmark, without the implementation.
func (w *work) Name() string { return w.Kind + "/" + w.Key }

// instance is work with its numbers.
type instance struct {
	// Inputs are what peers get, in order.
	Inputs []array
	Done   []implementation
	// Flops counts the operations where they depend on the numbers, else 0.
	Flops float64
	// Close, if not nil, ends what the instance keeps running.
	Close func()
}

// close ends what the instance keeps running.
func (in *instance) close() {
	if in.Close != nil {
		in.Close()
	}
}

// implementation does the work in Go.
type implementation struct {
	Of  string
	Run func() error
	// Slow is left out of a quick run.
	Slow bool
	// Result returns what the last Run computed; the arrays of all implementations and
	// peers of an instance are the same ones in the same order.
	Result func() []array
}

// array is a named array of a shape.
type array struct {
	Name  string
	Shape []int
	Data  []float64
	// Tolerance is how far results may differ, relative to the array's largest number.
	Tolerance float64
}

func vector(name string, data ...float64) array {
	return array{Name: name, Shape: []int{len(data)}, Data: data}
}

// differ returns the largest difference of two results relative to each array's largest
// number, and an error if one is beyond its tolerance.
func differ(got []float64, want []array) (float64, error) {
	most := 0.0
	for _, a := range want {
		if len(got) < len(a.Data) {
			return 0, fmt.Errorf("%d numbers are missing from %s on", len(a.Data)-len(got), a.Name)
		}
		scale, d := 0.0, 0.0
		for i, v := range a.Data {
			scale = math.Max(scale, math.Abs(v))
			d = math.Max(d, math.Abs(got[i]-v)) // NaN if either is
		}
		if !(d <= a.Tolerance*scale) {
			return 0, fmt.Errorf("%s differs by %.3g of its largest number %.3g, more than %g of it", a.Name, d/scale, scale, a.Tolerance)
		}
		if scale > 0 {
			most = math.Max(most, d/scale)
		}
		got = got[len(a.Data):]
	}
	if len(got) > 0 {
		return 0, fmt.Errorf("%d numbers too many", len(got))
	}
	return most, nil
}

// flat joins arrays.
func flat(arrays []array) []float64 {
	var all []float64
	for _, a := range arrays {
		all = append(all, a.Data...)
	}
	return all
}

// check runs an instance's implementations in Go and compares them with the first; a quick
// check leaves out slow ones.
func (in *instance) check(quick bool) ([]array, error) {
	var want []array
	for i, d := range in.Done {
		if quick && d.Slow {
			continue
		}
		if err := d.Run(); err != nil {
			return nil, fmt.Errorf("%s: %w", d.Of, err)
		}
		if i == 0 {
			want = d.Result()
			continue
		}
		if _, err := differ(flat(d.Result()), want); err != nil {
			return nil, fmt.Errorf("%s computes something else than %s: %w", d.Of, in.Done[0].Of, err)
		}
	}
	return want, nil
}
