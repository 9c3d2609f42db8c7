package nn_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"guidedpolicysearch/gps/nn"
)

// activated returns descriptions of networks of the sizes: one activation for all layers, or several
// in turns.
func activated(sizes []int) []nn.Config {
	all := []nn.Config{{Sizes: sizes, Hidden: nn.ReLU}, {Sizes: sizes, Hidden: nn.Tanh}}
	if len(sizes) < 4 {
		return all
	}
	turns := nn.Config{Sizes: sizes}
	for i := range len(sizes) - 2 {
		turns.Activations = append(turns.Activations, []nn.Activation{nn.ReLU, nn.Tanh}[i%2])
	}
	return append(all, turns)
}

// naive is a network as its definition has it, in float64.
type naive struct {
	cfg         nn.Config
	scale, bias []float64
	weights     [][]float64
	biases      [][]float64
}

func (n *naive) forward(x []float64) []float64 {
	z := make([]float64, len(x))
	for i, v := range x {
		z[i] = n.scale[i]*v + n.bias[i]
	}
	x = z
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
			activation := n.cfg.Hidden
			if n.cfg.Activations != nil {
				activation = n.cfg.Activations[l]
			}
			if activation == nn.Tanh {
				y[i] = math.Tanh(y[i])
			} else if y[i] < 0 {
				y[i] = 0
			}
		}
		x = y
	}
	return x
}

// loss is that of package nn's documentation.
func (n *naive) loss(d *nn.Dataset) float64 {
	sum := 0.0
	for i := range d.N {
		y, w := n.forward(d.X[i*d.In:(i+1)*d.In]), 1.0
		if d.Weight != nil {
			w = d.Weight[i]
		}
		for r := range y {
			for c := range y {
				p := 0.0
				switch {
				case len(d.Precision) == d.N*d.Out*d.Out:
					p = d.Precision[(i*d.Out+r)*d.Out+c]
				case r != c:
				case d.Precision == nil:
					p = 1
				default:
					p = d.Precision[i*d.Out+r]
				}
				sum += w * (y[r] - d.Y[i*d.Out+r]) * p * (y[c] - d.Y[i*d.Out+c])
			}
		}
	}
	return sum / 2 / float64(d.N)
}

// parameters returns all of them, in the order of nn.State.
func (n *naive) parameters() []*float64 {
	var all []*float64
	for l := range n.weights {
		for i := range n.weights[l] {
			all = append(all, &n.weights[l][i])
		}
		for i := range n.biases[l] {
			all = append(all, &n.biases[l][i])
		}
	}
	return all
}

// random returns a network with normalisation and what it is compared with.
func random(t testing.TB, rng *rand.Rand, cfg nn.Config) (*nn.Network, *naive) {
	t.Helper()
	n, err := nn.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for l := range n.Layers() {
		in, out := cfg.Sizes[l], cfg.Sizes[l+1]
		w := normals(rng, in*out)
		for i := range w {
			w[i] *= math.Sqrt(2 / float64(in))
		}
		n.SetLayer(l, w, normals(rng, out))
	}
	n.SetNormalisation(normals(rng, cfg.Sizes[0]), normals(rng, cfg.Sizes[0]))
	return n, same(n)
}

// same returns the naive network with the same numbers.
func same(n *nn.Network) *naive {
	o := &naive{cfg: n.Config()}
	o.scale, o.bias = n.Normalisation()
	for l := range n.Layers() {
		w, b := n.Layer(l)
		o.weights, o.biases = append(o.weights, w), append(o.biases, b)
	}
	return o
}

func normals(rng *rand.Rand, n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = rng.NormFloat64()
	}
	return v
}

// numbers returns all parameters of a network.
func numbers(n *nn.Network) []float64 {
	var all []float64
	for _, v := range same(n).parameters() {
		all = append(all, *v)
	}
	return all
}

// equal says if all numbers are the same, bit by bit.
func equal(a, b []float64) bool {
	for i := range a {
		if math.Float64bits(a[i]) != math.Float64bits(b[i]) {
			return false
		}
	}
	return len(a) == len(b)
}
