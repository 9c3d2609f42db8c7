package main

import (
	"io"
	"strings"
	"testing"
)

// What go test -bench prints becomes the best time per repetition; other lines do not count.
func TestReadBenchmarks(t *testing.T) {
	const printed = `goos: linux
pkg: guidedpolicysearch/gps/bench
BenchmarkEM/N=10/of=ours-2         	       7	 200 ns/op	  150 best-ns/op	 300 cpu-ns/op	   16 B/op	       3 allocs/op
BenchmarkEM/N=10/of=ours-2         	       7	 100 ns/op	  120 best-ns/op	 200 cpu-ns/op	   16 B/op	       2 allocs/op
BenchmarkFit/T=5/of=naive         	       7	 100 ns/op	  90.5 best-ns/op	 200 cpu-ns/op	   16 B/op	       2 allocs/op
PASS
`
	m, err := readBenchmarks(strings.NewReader(printed), map[string]float64{"EM/N=10": 4}, newProgress(io.Discard, false))
	if err != nil {
		t.Fatal(err)
	}
	if ns := m.times["EM/N=10"][ours]; ns != 30 {
		t.Errorf("EM took %v ns per repetition, want 30", ns)
	}
	if cpu, allocations := m.processor["EM/N=10"][ours], m.allocations["EM/N=10"][ours]; cpu != 50 || allocations != 2 {
		t.Errorf("EM: processor time %v and %v allocations, want 50 and 2", cpu, allocations)
	}
	if ns := m.times["Fit/T=5"][naive]; ns != 90.5 {
		t.Errorf("fit took %v ns, want 90.5", ns)
	}
	for name, bad := range map[string]string{"nothing": "PASS\n", "no implementation": "BenchmarkEM-2 1 2 ns/op\n", "no number": "BenchmarkEM/of=ours-2 1 x ns/op\n"} {
		if _, err := readBenchmarks(strings.NewReader(bad), nil, newProgress(io.Discard, false)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// A table has the columns that were measured, with ratios to this module's times.
func TestTable(t *testing.T) {
	o := &outcome{Machine: machine{Processor: "a processor", Cores: 2, Peak: 50}, Left: []string{"torch: not there"},
		Rows: []row{{Work: "EM", Size: "N=10", NS: 2e3, Peers: map[string]float64{numpy: 5e3}, Allocations: 3, Flops: 2e4, Workers: 1},
			{Work: "EM, 2 cores", Size: "N=10", NS: 1e3, Flops: 2e4, Workers: 2}},
		Learning: []*learned{{System: "arm", Conditions: 1, CPU: 5.5, Wall: 4, Slowest: 8, Memory: 20, First: 400, Last: 20}},
		Growth:   []growth{{Work: "EM", Variable: "N", At: []int{1, 10}, NS: []float64{1e3, 1e4}, Exponent: 1}}}
	var text strings.Builder
	o.write(&text)
	for _, want := range []string{"2 us", "3", "10 ", "20%", "5 us (2.50x)", "Left out: torch: not there", "550 ms (100x)", "20 MB", "1: 1 us, 10: 10 us"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, text.String())
		}
	}
	if strings.Contains(text.String(), titles[torch]+"  ") || strings.Contains(text.String(), titles[hpipm]) {
		t.Errorf("the table has columns without a figure:\n%s", text.String())
	}
}

func TestDuration(t *testing.T) {
	for ns, want := range map[float64]string{0: "-", 12.34: "12.3 ns", 99949: "99.9 us", 999600: "1 ms", 2.5e9: "2.5 s"} {
		if got := duration(ns); got != want {
			t.Errorf("%v ns is shown as %q, want %q", ns, got, want)
		}
	}
	for _, c := range []struct {
		other float64
		want  string
	}{{5, "0.50x"}, {99.4, "9.94x"}, {99.6, "10x"}, {1234, "123x"}} {
		if got := ratio(c.other, 10); got != c.want {
			t.Errorf("%v to 10 is shown as %q, want %q", c.other, got, c.want)
		}
	}
}
