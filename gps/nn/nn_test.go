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

// naive is a network as its definition has it.
type naive struct {
	cfg     nn.Config
	weights [][]float64
	biases  [][]float64
}

func (n *naive) forward(x []float64) []float64 {
	for l, w := range n.weights {
		y := make([]float64, n.cfg.Sizes[l+1])
		for i := range y {
			y[i] = n.biases[l][i]
			for j, v := range x {
				y[i] += w[i*len(x)+j] * v
			}
			if l == len(n.weights)-1 {
				continue
			}
			if n.cfg.Hidden == nn.Tanh {
				y[i] = math.Tanh(y[i])
			} else if y[i] < 0 {
				y[i] = 0
			}
		}
		x = y
	}
	return x
}

// random returns a network and what it is compared with.
func random(t testing.TB, rng *rand.Rand, cfg nn.Config) (*nn.Network, *naive) {
	t.Helper()
	n, err := nn.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	o := &naive{cfg: cfg}
	for l := range n.Layers() {
		in, out := cfg.Sizes[l], cfg.Sizes[l+1]
		w, b := normals(rng, in*out), normals(rng, out)
		n.SetLayer(l, w, b)
		o.weights, o.biases = append(o.weights, w), append(o.biases, b)
	}
	return n, o
}

func normals(rng *rand.Rand, n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = rng.NormFloat64()
	}
	return v
}

func TestForwardIsItsDefinition(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, sizes := range [][]int{{1, 1}, {3, 2}, {26, 64, 64, 7}, {7, 8, 9}, {2, 1, 1, 1, 5}, {9, 17, 33, 4}, {1, 100, 1}} {
		for _, hidden := range []nn.Activation{nn.ReLU, nn.Tanh} {
			t.Run(fmt.Sprint(sizes, hidden), func(t *testing.T) {
				n, o := random(t, rng, nn.Config{Sizes: sizes, Hidden: hidden})
				w, again := n.NewWorkspace(), n.NewWorkspace()
				in, out := n.Dims()
				for range 5 {
					x, y, y2 := normals(rng, in), make([]float64, out), make([]float64, out)
					w.Forward(y, x)
					again.Forward(y2, x)
					for i, want := range o.forward(x) {
						if math.Abs(y[i]-want) > 2e-5*(1+math.Abs(want)) {
							t.Errorf("output %d is %v, want %v", i, y[i], want)
						}
						if y2[i] != y[i] {
							t.Errorf("output %d is %v in one workspace and %v in another", i, y[i], y2[i])
						}
					}
				}
			})
		}
	}
}

// What is not finite is not hidden by an activation.
func TestNaNReachesTheOutput(t *testing.T) {
	for _, hidden := range []nn.Activation{nn.ReLU, nn.Tanh} {
		n, _ := random(t, rand.New(rand.NewPCG(3, 4)), nn.Config{Sizes: []int{3, 10, 2}, Hidden: hidden})
		y := make([]float64, 2)
		n.NewWorkspace().Forward(y, []float64{0, math.NaN(), 1})
		if !math.IsNaN(y[0]) || !math.IsNaN(y[1]) {
			t.Errorf("%s: a NaN gives %v", hidden, y)
		}
	}
}

func TestConfigErrors(t *testing.T) {
	if err := nn.DefaultConfig(26, 7).Validate(); err != nil {
		t.Error(err)
	}
	for want, cfg := range map[string]nn.Config{
		"sizes is [3]":    {Sizes: []int{3}, Hidden: nn.ReLU},
		"sizes[1] is 0":   {Sizes: []int{3, 0, 2}, Hidden: nn.ReLU},
		"sizes[0] is 999": {Sizes: []int{999999, 2}, Hidden: nn.ReLU},
		`hidden is "abs"`: {Sizes: []int{3, 2}, Hidden: "abs"},
	} {
		if _, err := nn.New(cfg); !errors.Is(err, nn.ErrConfig) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", cfg, err, want)
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
		"given 4 numbers and 2":       func() { w.Forward(make([]float64, 2), make([]float64, 4)) },
		"given 3 numbers and 1":       func() { w.Forward(make([]float64, 1), make([]float64, 3)) },
		"layer 3 of 3":                func() { n.SetLayer(3, nil, nil) },
		"layer -1 of 3":               func() { n.SetLayer(-1, nil, nil) },
		"given 5 weights and 64":      func() { n.SetLayer(0, make([]float64, 5), make([]float64, 64)) },
		"given 192 weights and 1 bia": func() { n.SetLayer(0, make([]float64, 192), make([]float64, 1)) },
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

func TestForwardAllocatesNothing(t *testing.T) {
	n, _ := random(t, rand.New(rand.NewPCG(5, 6)), nn.DefaultConfig(26, 7))
	w, x, y := n.NewWorkspace(), make([]float64, 26), make([]float64, 7)
	if a := testing.AllocsPerRun(100, func() { w.Forward(y, x) }); a != 0 {
		t.Errorf("allocates %v times", a)
	}
}
