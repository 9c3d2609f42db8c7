package trajopt_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"guidedpolicysearch/gps/internal/kernel"
	"guidedpolicysearch/gps/trajopt"
)

// Every path of the linear algebra but plain gives the same controller, bit for bit, and the
// same search.
func TestKernelPathsGiveTheSameUpdate(t *testing.T) {
	for _, size := range [][3]int{{1, 1, 1}, {12, 4, 1}, {9, 14, 7}, {6, 26, 7}, {5, 3, 11}} {
		var want *trajopt.Result
		for _, path := range kernel.Available() {
			p := randomProblem(rand.New(rand.NewPCG(23, 8)), size[0], size[1], size[2], false)
			o, err := trajopt.New(trajopt.DefaultConfig(), size[0], size[1], size[2])
			if err != nil {
				t.Fatal(err)
			}
			before, err := kernel.Use(path)
			if err != nil {
				t.Fatal(err)
			}
			got, err := o.Update(p, 0.7, 0.1)
			kernel.Use(before)
			if err != nil {
				t.Fatal(err)
			}
			if want == nil {
				want = got
			}
			if path == kernel.Plain {
				if math.Abs(got.Eta-want.Eta) > 1e-6*want.Eta {
					t.Errorf("%v: eta %v by plain arithmetic, %v by %s", size, got.Eta, want.Eta, kernel.Available()[0])
				}
				continue
			}
			for _, part := range [][2][]float64{{got.Controller.K, want.Controller.K}, {got.Controller.Bias, want.Controller.Bias},
				{got.Controller.Chol, want.Controller.Chol}, {got.KLPerStep, want.KLPerStep}, {got.Trace, want.Trace}} {
				for i, v := range part[0] {
					if math.Float64bits(v) != math.Float64bits(part[1][i]) {
						t.Fatalf("%v: %v by %s, %v by %s", size, v, path, part[1][i], kernel.Available()[0])
					}
				}
			}
		}
	}
}

// An Update allocates the Result, its controller, and their five slices.
func TestUpdateAllocatesItsResultAlone(t *testing.T) {
	p := randomProblem(rand.New(rand.NewPCG(24, 8)), 10, 6, 3, false)
	o, err := trajopt.New(trajopt.DefaultConfig(), 10, 6, 3)
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(20, func() {
		if _, err := o.Update(p, 1, 1); err != nil {
			t.Fatal(err)
		}
	}); n > 7 {
		t.Errorf("%v allocations, want 7", n)
	}
}
