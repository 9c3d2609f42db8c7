package nn_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"guidedpolicysearch/gps/nn"
)

var shapes = [][]int{{1, 1}, {3, 2}, {26, 64, 64, 7}, {7, 8, 9}, {2, 1, 1, 1, 5}, {9, 17, 33, 4}, {1, 100, 1}}

func TestForwardIsItsDefinition(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, sizes := range shapes {
		for _, cfg := range activated(sizes) {
			t.Run(fmt.Sprint(cfg), func(t *testing.T) {
				n, o := random(t, rng, cfg)
				w, again := n.NewWorkspace(), n.Clone().NewWorkspace()
				in, out := n.Dims()
				for range 5 {
					x, y, y2 := normals(rng, in), make([]float64, out), make([]float64, out)
					w.Forward(y, x)
					again.Forward(y2, x)
					for i, want := range o.forward(x) {
						if math.Abs(y[i]-want) > 5e-6*(1+math.Abs(want)) {
							t.Errorf("output %d is %v, want %v", i, y[i], want)
						}
					}
					if !equal(y, y2) {
						t.Errorf("%v in one workspace and %v in a clone's", y, y2)
					}
				}
			})
		}
	}
}

// The Jacobian is that of finite differences of the definition in float64.
func TestJacobian(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 3))
	for _, sizes := range shapes {
		for _, cfg := range activated(sizes) {
			n, o := random(t, rng, cfg)
			in, out := n.Dims()
			w, x, y, dst := n.NewWorkspace(), normals(rng, in), make([]float64, out), make([]float64, out*in)
			w.Jacobian(dst, y, x)
			want := make([]float64, out)
			n.NewWorkspace().Forward(want, x)
			if !equal(y, want) {
				t.Errorf("%v: the value is %v beside the Jacobian, %v without", cfg, y, want)
			}
			for c := range in {
				const h = 1e-6
				ahead, behind := append([]float64(nil), x...), append([]float64(nil), x...)
				ahead[c] += h
				behind[c] -= h
				a, b := o.forward(ahead), o.forward(behind)
				for r := range out {
					if want := (a[r] - b[r]) / (2 * h); math.Abs(dst[r*in+c]-want) > 2e-5*(1+math.Abs(want)) {
						t.Errorf("%v: d y[%d] / d x[%d] is %v, want %v", cfg, r, c, dst[r*in+c], want)
					}
				}
			}
		}
	}
}

// What is not finite is not hidden by an activation.
func TestNaNReachesTheOutput(t *testing.T) {
	for _, hidden := range []nn.Activation{nn.ReLU, nn.Tanh} {
		for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
			n, _ := random(t, rand.New(rand.NewPCG(3, 4)), nn.Config{Sizes: []int{3, 10, 2}, Hidden: hidden})
			y, j, x := make([]float64, 2), make([]float64, 6), []float64{0, bad, 1}
			w := n.NewWorkspace()
			w.Forward(y, x)
			if math.IsNaN(bad) && !(math.IsNaN(y[0]) && math.IsNaN(y[1])) {
				t.Errorf("%s: %v gives %v", hidden, bad, y)
			}
			if w.Jacobian(j, y, x); math.IsNaN(bad) && !math.IsNaN(j[0]) {
				t.Errorf("%s: %v gives the Jacobian %v", hidden, bad, j)
			}
			if x[1] = 0.5; true { // nothing of it is left behind
				w.Forward(y, x)
				w.Jacobian(j, nil, x)
			}
			for _, v := range append(y, j...) {
				if v-v != 0 {
					t.Errorf("%s: after %v a finite input gives %v and %v", hidden, bad, y, j)
				}
			}
		}
	}
}

// Numbers of float32 come back as they were set.
func TestLayersRoundTrip(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 7))
	n, err := nn.New(nn.Config{Sizes: []int{5, 17, 3}, Hidden: nn.Tanh})
	if err != nil {
		t.Fatal(err)
	}
	for l, sizes := range [][2]int{{5, 17}, {17, 3}} {
		draw := func(count int) []float64 {
			v := make([]float64, count)
			for i := range v {
				f := math.Float32frombits(rng.Uint32())
				for f != f || math.IsInf(float64(f), 0) {
					f = math.Float32frombits(rng.Uint32())
				}
				v[i] = float64(f)
			}
			return v
		}
		weights, bias := draw(sizes[0]*sizes[1]), draw(sizes[1])
		n.SetLayer(l, weights, bias)
		w, b := n.Layer(l)
		if !equal(w, weights) || !equal(b, bias) {
			t.Errorf("layer %d comes back with other numbers", l)
		}
		w[0], b[0] = math.NaN(), math.NaN() // copies
	}
	scale, bias := normals(rng, 5), normals(rng, 5)
	n.SetNormalisation(scale, bias)
	s, b := n.Normalisation()
	if !equal(s, scale) || !equal(b, bias) {
		t.Errorf("normalisation is %v, %v, want %v, %v", s, b, scale, bias)
	}
	s[0] = math.NaN()
	if err := n.Validate(); err != nil {
		t.Error(err)
	}
}

func TestCloneSharesNothing(t *testing.T) {
	cfg := nn.DefaultConfig(3, 2)
	made, err := nn.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Sizes[3], made.Config().Sizes[0] = 99, 99
	if in, out := made.Dims(); in != 3 || out != 2 {
		t.Errorf("a change of what the network was made from makes it %d to %d", in, out)
	}
	n, _ := random(t, rand.New(rand.NewPCG(6, 7)), nn.DefaultConfig(3, 2))
	before, c := numbers(n), n.Clone()
	c.Initialise(1)
	c.SetNormalisation([]float64{9, 9, 9}, []float64{9, 9, 9})
	if s, _ := n.Normalisation(); !equal(numbers(n), before) || s[0] == 9 {
		t.Error("a change of the clone changes the network")
	}
	if cfg := n.Config(); fmt.Sprint(cfg) != fmt.Sprint(nn.DefaultConfig(3, 2)) {
		t.Errorf("it was made from %v", cfg)
	}
}

// Initial weights have the variances of the documentation, and depend on the seed alone.
func TestInitialise(t *testing.T) {
	for _, c := range []struct {
		hidden    nn.Activation
		variances []float64
	}{{nn.ReLU, []float64{2. / 40, 2. / 200, 0.01 / 100}}, {nn.Tanh, []float64{1. / 40, 1. / 200, 0.01 / 100}}} {
		n, _ := random(t, rand.New(rand.NewPCG(1, 1)), nn.Config{Sizes: []int{40, 200, 100, 50}, Hidden: c.hidden})
		n.Initialise(3)
		for l, want := range c.variances {
			weights, bias := n.Layer(l)
			sum, squares := 0.0, 0.0
			for _, v := range weights {
				sum += v
				squares += v * v
			}
			count := float64(len(weights))
			if v := squares / count; math.Abs(v/want-1) > 0.08 || math.Abs(sum/count) > 4*math.Sqrt(want/count) {
				t.Errorf("%s: layer %d has mean %v and variance %v, want 0 and %v", c.hidden, l, sum/count, v, want)
			}
			for _, v := range bias {
				if v != 0 {
					t.Fatalf("a bias is %v", v)
				}
			}
		}
		same, other := n.Clone(), n.Clone()
		same.Initialise(3)
		other.Initialise(4)
		if !equal(numbers(n), numbers(same)) || equal(numbers(n), numbers(other)) {
			t.Error("what a seed draws is not its own")
		}
	}
}

func TestConfigErrors(t *testing.T) {
	if err := nn.DefaultConfig(26, 7).Validate(); err != nil {
		t.Error(err)
	}
	for want, cfg := range map[string]nn.Config{
		"sizes is [3]":         {Sizes: []int{3}, Hidden: nn.ReLU},
		"expected 2 to 65":     {Sizes: make([]int, 100), Hidden: nn.ReLU},
		"sizes[1] is 0":        {Sizes: []int{3, 0, 2}, Hidden: nn.ReLU},
		"sizes[0] is 999":      {Sizes: []int{999999, 2}, Hidden: nn.ReLU},
		"parameters, expected": {Sizes: []int{4096, 4096, 4096, 4096}, Hidden: nn.ReLU},
		`hidden is "abs"`:      {Sizes: []int{3, 2}, Hidden: "abs"},
		`hidden is "", expec`:  {Sizes: []int{3, 2}},
		"there are 1 activa":   {Sizes: []int{3, 4, 5, 2}, Activations: []nn.Activation{nn.ReLU}},
		"there are 2 activa":   {Sizes: []int{3, 4, 2}, Activations: []nn.Activation{nn.ReLU, nn.Tanh}},
		"hidden is \"relu\": ": {Sizes: []int{3, 4, 2}, Hidden: nn.ReLU, Activations: []nn.Activation{nn.ReLU}},
		`activations[1] is ""`: {Sizes: []int{3, 4, 5, 2}, Activations: []nn.Activation{nn.ReLU, ""}},
	} {
		if _, err := nn.New(cfg); !errors.Is(err, nn.ErrConfig) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", cfg, err, want)
		}
	}
}

func TestValidateNamesTheNumber(t *testing.T) {
	for want, spoil := range map[string]func(n *nn.Network){
		"weight (1, 2) of layer 0 is NaN": func(n *nn.Network) { n.SetLayer(0, []float64{0, 0, 0, 0, 0, math.NaN()}, []float64{0, 0}) },
		"weight (0, 0) of layer 0 is +In": func(n *nn.Network) { n.SetLayer(0, []float64{1e39, 0, 0, 0, 0, 0}, []float64{0, 0}) },
		"bias 0 of layer 1 is -Inf":       func(n *nn.Network) { n.SetLayer(1, []float64{0, 0}, []float64{math.Inf(-1)}) },
		"input 1 is scaled by NaN":        func(n *nn.Network) { n.SetNormalisation([]float64{1, math.NaN(), 1}, make([]float64, 3)) },
		"moved by +Inf":                   func(n *nn.Network) { n.SetNormalisation(make([]float64, 3), []float64{0, 0, math.Inf(1)}) },
	} {
		n, err := nn.New(nn.Config{Sizes: []int{3, 2, 1}, Hidden: nn.ReLU})
		if err != nil {
			t.Fatal(err)
		}
		spoil(n)
		if err := n.Validate(); !errors.Is(err, nn.ErrNumber) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestMisusePanicsWithSizes(t *testing.T) {
	n, err := nn.New(nn.DefaultConfig(3, 2))
	if err != nil {
		t.Fatal(err)
	}
	w := n.NewWorkspace()
	for want, f := range map[string]func(){
		"given 4 numbers and 2":         func() { w.Forward(make([]float64, 2), make([]float64, 4)) },
		"given 3 numbers and 1":         func() { w.Forward(make([]float64, 1), make([]float64, 3)) },
		"0 for the value and 5 for the": func() { w.Jacobian(make([]float64, 5), nil, make([]float64, 3)) },
		"1 for the value and 6 for the": func() { w.Jacobian(make([]float64, 6), make([]float64, 1), make([]float64, 3)) },
		"given 2 numbers, 0":            func() { w.Jacobian(make([]float64, 6), nil, make([]float64, 2)) },
		"layer 3 of 3":                  func() { n.SetLayer(3, nil, nil) },
		"layer -1 of 3":                 func() { n.Layer(-1) },
		"given 5 weights and 64":        func() { n.SetLayer(0, make([]float64, 5), make([]float64, 64)) },
		"given 192 weights and 1 bia":   func() { n.SetLayer(0, make([]float64, 192), make([]float64, 1)) },
		"given 2 scales and 3":          func() { n.SetNormalisation(make([]float64, 2), make([]float64, 3)) },
	} {
		func() {
			defer func() {
				if message, ok := recover().(string); !ok || !strings.Contains(message, want) {
					t.Errorf("panics with %q, want %q", message, want)
				}
			}()
			f()
		}()
	}
}

func TestEvaluationAllocatesNothing(t *testing.T) {
	for _, hidden := range []nn.Activation{nn.ReLU, nn.Tanh} {
		n, _ := random(t, rand.New(rand.NewPCG(5, 6)), nn.Config{Sizes: []int{26, 64, 64, 7}, Hidden: hidden})
		w, x, y, j := n.NewWorkspace(), make([]float64, 26), make([]float64, 7), make([]float64, 7*26)
		if a := testing.AllocsPerRun(100, func() { w.Forward(y, x); w.Jacobian(j, y, x) }); a != 0 {
			t.Errorf("%s: allocates %v times", hidden, a)
		}
	}
}
