package main

import (
	"math"
	"strings"
	"testing"

	"guidedpolicysearch/node/bench/harness"
)

// A disturbance that hits all subjects of a round leaves the ratios as they are, and one that
// hits a single round does not count.
func TestRowsCompareWithinRounds(t *testing.T) {
	bare := [][]uint32{{10, 20}, {100, 200}, {10, 20}}
	node := [][]uint32{{12, 30}, {120, 300}, {999, 999}}
	r := rows([]string{waitset, own}, [][][]uint32{bare, node})
	if math.Abs(r[0].NodeP50-1.2) > 1e-12 || math.Abs(r[0].NodeP99-1.5) > 1e-12 {
		t.Errorf("the node is to bare DDS as %v at p50 and %v at p99, want 1.2 and 1.5", r[0].NodeP50, r[0].NodeP99)
	}
	if r[1].NodeP50 != 0 || r[1].Max != 999 || r[0].P50 != 20 {
		t.Errorf("rows %+v", r)
	}
	var out strings.Builder
	o := outcome{Machine: harness.Machine{Processor: "P", Load: "0.1"}, Rows: r, Left: []string{"rclcpp: none"}}
	if err := o.write(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"1.20x", "1.50x", "gps_node", "Left out: rclcpp: none"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in:\n%s", want, &out)
		}
	}
}

func TestValidate(t *testing.T) {
	good := options{rounds: 1, turns: 10, count: 1000, warm: 100, domain: 120}
	for _, c := range []struct {
		name   string
		change func(*options)
		want   string
	}{
		{"good", func(*options) {}, ""},
		{"no rounds", func(o *options) { o.rounds = 0 }, "-rounds is 0"},
		{"too long a trial", func(o *options) { o.turns = 100 }, "expected at most 50000"},
		{"no domain", func(o *options) { o.domain = 300 }, "-domain is 300"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := good
			c.change(&o)
			err := o.validate()
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestGrowth(t *testing.T) {
	for _, c := range []struct {
		resident []int
		grew     bool
	}{
		{[]int{5000, 9000, 5000 + allowedGrowth}, false},
		{[]int{5000, 5000, 5001 + allowedGrowth}, true},
		{[]int{5000, 4000}, false},
	} {
		var out strings.Builder
		if err := (&growth{resident: c.resident}).write(&out); (err != nil) != c.grew {
			t.Errorf("%v: %v", c.resident, err)
		}
	}
}
