// Package nn evaluates small feed-forward networks: policies of the kind that guided policy
// search trains (Levine et al., "End-to-End Training of Deep Visuomotor Policies", JMLR 2016,
// section 5, without the vision layers).
package nn

import (
	"errors"
	"fmt"
	"math"

	"guidedpolicysearch/gps/internal/kernel"
)

// ErrConfig marks a description that no network can be built from.
var ErrConfig = errors.New("nn: invalid network")

// Activation is what the hidden layers do to each of their sums.
type Activation string

// The activations. The last layer has none.
const (
	ReLU Activation = "relu"
	Tanh Activation = "tanh"
)

// Config describes a network.
type Config struct {
	// Sizes are those of the input, the hidden layers and the output; two or more, 1 to 4096.
	Sizes []int
	// Hidden is the activation of all layers but the last.
	Hidden Activation
}

// DefaultConfig returns two hidden layers of 64 with ReLU for dX states and dU actions.
func DefaultConfig(dX, dU int) Config { return Config{Sizes: []int{dX, 64, 64, dU}, Hidden: ReLU} }

const maxSize = 4096

// Validate returns an error wrapping ErrConfig that names the key and what was expected.
func (c Config) Validate() error {
	if len(c.Sizes) < 2 {
		return fmt.Errorf("%w: sizes is %v, expected at least those of input and output", ErrConfig, c.Sizes)
	}
	for i, n := range c.Sizes {
		if n < 1 || n > maxSize {
			return fmt.Errorf("%w: sizes[%d] is %d, expected 1 to %d", ErrConfig, i, n, maxSize)
		}
	}
	if c.Hidden != ReLU && c.Hidden != Tanh {
		return fmt.Errorf("%w: hidden is %q, expected %q or %q", ErrConfig, c.Hidden, ReLU, Tanh)
	}
	return nil
}

// Network is y = W_n s(... s(W_1 x + b_1) ...) + b_n. It may be evaluated by several goroutines,
// each with a workspace of its own, while nobody sets its numbers.
type Network struct {
	cfg    Config
	layers []layer
}

type layer struct {
	in, out int
	weights kernel.Block // out x in
	bias    kernel.Block // out x 1
}

// New returns a network of zeros, or the error of cfg.Validate.
func New(cfg Config) (*Network, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	n := &Network{cfg: cfg}
	for i, in := range cfg.Sizes[:len(cfg.Sizes)-1] {
		out := cfg.Sizes[i+1]
		n.layers = append(n.layers, layer{in: in, out: out, weights: kernel.NewBlock(out, in), bias: kernel.NewBlock(out, 1)})
	}
	return n, nil
}

// Dims returns the sizes of the input and the output.
func (n *Network) Dims() (in, out int) {
	return n.cfg.Sizes[0], n.cfg.Sizes[len(n.cfg.Sizes)-1]
}

// Layers returns how many layers have weights: one less than there are sizes.
func (n *Network) Layers() int { return len(n.layers) }

// SetLayer sets layer i: weights W (out x in, by rows) and bias b (out). Other sizes, and a
// layer that is not there, panic. Numbers are not checked: what is not finite reaches the
// output.
func (n *Network) SetLayer(i int, weights, bias []float64) {
	if uint(i) >= uint(len(n.layers)) {
		panic(fmt.Sprintf("nn: layer %d of %d", i, len(n.layers)))
	}
	l := &n.layers[i]
	if len(weights) != l.out*l.in || len(bias) != l.out {
		panic(fmt.Sprintf("nn: layer %d is given %d weights and %d biases, it has %d x %d and %d", i, len(weights), len(bias), l.out, l.in, l.out))
	}
	for r := range l.out {
		for c := range l.in {
			l.weights.Set(r, c, weights[r*l.in+c])
		}
		l.bias.Set(r, 0, bias[r])
	}
}

// Workspace is what an evaluation needs: one goroutine at a time.
type Workspace struct {
	network *Network
	sums    []kernel.Block // of each layer
}

// NewWorkspace returns the workspace of a network.
func (n *Network) NewWorkspace() *Workspace {
	w := &Workspace{network: n}
	for _, l := range n.layers {
		w.sums = append(w.sums, kernel.NewBlock(l.out, 1))
	}
	return w
}

// Forward writes y (as many as outputs) for x (as many as inputs). Other sizes panic. It does
// not allocate, and does not check numbers: a NaN of x reaches y, where the caller checks.
func (w *Workspace) Forward(y, x []float64) {
	n := w.network
	if in, out := n.Dims(); len(x) != in || len(y) != out {
		panic(fmt.Sprintf("nn: network of %d inputs and %d outputs is given %d numbers and %d for the result", in, out, len(x), len(y)))
	}
	right := kernel.Right{Data: x, Inner: 1, Outer: 1}
	last := len(n.layers) - 1
	for i := range n.layers {
		l, sums := &n.layers[i], w.sums[i]
		kernel.Add(sums, l.bias, l.weights, right, l.out, 1, l.in)
		if i < last {
			n.cfg.Hidden.apply(sums.Column(0, l.out))
			right = sums.N()
		}
	}
	copy(y, w.sums[last].Data)
}

// apply replaces each number by its activation. A NaN stays one.
func (a Activation) apply(z []float64) {
	switch a {
	case ReLU:
		for i, v := range z {
			z[i] = max(v, 0)
		}
	case Tanh:
		for i, v := range z {
			z[i] = math.Tanh(v)
		}
	}
}
