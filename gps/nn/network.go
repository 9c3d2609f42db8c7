package nn

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"guidedpolicysearch/gps/internal/kernel"
)

// ErrNumber marks a network or normalisation with a number that is not finite.
var ErrNumber = errors.New("nn: number is not finite")

// Network is y = W_n s(... s(W_1 (scale x + bias) + b_1) ...) + b_n. It may be evaluated by
// several goroutines, each with a workspace of its own, while nobody sets its numbers.
type Network struct {
	cfg         Config
	scale, bias []float64 // of the input
	// parameters of all layers, one after the other as layer.take cuts them.
	parameters []float32
	layers     []layer
}

// layer is a view of parameters, or of what is kept for each of them.
type layer struct {
	in, out int
	weights kernel.Block32 // out x in
	bias    kernel.Block32 // out x 1
}

// space returns how many numbers the layers of a network take, padding included.
func (c Config) space() int {
	n := 0
	for i, in := range c.Sizes[:len(c.Sizes)-1] {
		n += kernel.Pad32(c.Sizes[i+1]) * (in + 1)
	}
	return n
}

// view cuts all into layers: the columns of the weights, then the bias.
func (c Config) view(all []float32) []layer {
	layers := make([]layer, len(c.Sizes)-1)
	for i := range layers {
		l := layer{in: c.Sizes[i], out: c.Sizes[i+1]}
		stride := kernel.Pad32(l.out)
		weights := stride * l.in
		l.weights = kernel.Block32{Data: all[:weights:weights], Stride: stride}
		l.bias = kernel.Block32{Data: all[weights : weights+stride : weights+stride], Stride: stride}
		layers[i], all = l, all[weights+stride:]
	}
	return layers
}

// New returns a network of zeros whose normalisation changes nothing, or the error of
// cfg.Validate.
func New(cfg Config) (*Network, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.clone()
	n := &Network{cfg: cfg, parameters: kernel.NewSlice32(cfg.space())}
	n.layers = cfg.view(n.parameters)
	n.scale, n.bias = make([]float64, cfg.Sizes[0]), make([]float64, cfg.Sizes[0])
	for i := range n.scale {
		n.scale[i] = 1
	}
	return n, nil
}

// Config returns what the network was made from.
func (n *Network) Config() Config { return n.cfg.clone() }

// Dims returns the sizes of the input and the output.
func (n *Network) Dims() (in, out int) {
	return n.cfg.Sizes[0], n.cfg.Sizes[len(n.cfg.Sizes)-1]
}

// Layers returns how many layers have weights: one less than there are sizes.
func (n *Network) Layers() int { return len(n.layers) }

// SetLayer sets layer i: weights W (out x in, by rows) and bias b (out), rounded to float32.
// Other sizes, and a layer that is not there, panic. Numbers are not checked: Validate does that.
func (n *Network) SetLayer(i int, weights, bias []float64) {
	l := n.layer(i)
	if len(weights) != l.out*l.in || len(bias) != l.out {
		panic(fmt.Sprintf("nn: layer %d is given %d weights and %d biases, it has %d x %d and %d", i, len(weights), len(bias), l.out, l.in, l.out))
	}
	l.set(weights, bias)
}

// Layer returns copies of layer i's weights (out x in, by rows) and bias (out). SetLayer with
// them gives the same network to the last bit. A layer that is not there panics.
func (n *Network) Layer(i int) (weights, bias []float64) {
	l := n.layer(i)
	weights, bias = make([]float64, l.out*l.in), make([]float64, l.out)
	l.get(weights, bias)
	return weights, bias
}

func (n *Network) layer(i int) *layer {
	if uint(i) >= uint(len(n.layers)) {
		panic(fmt.Sprintf("nn: layer %d of %d", i, len(n.layers)))
	}
	return &n.layers[i]
}

func (l *layer) set(weights, bias []float64) {
	for r := range l.out {
		for c := range l.in {
			l.weights.Set(r, c, float32(weights[r*l.in+c]))
		}
		l.bias.Set(r, 0, float32(bias[r]))
	}
}

func (l *layer) get(weights, bias []float64) {
	for r := range l.out {
		for c := range l.in {
			weights[r*l.in+c] = float64(l.weights.At(r, c))
		}
		bias[r] = float64(l.bias.At(r, 0))
	}
}

// SetNormalisation sets what the input becomes before the first layer: scale_i x_i + bias_i.
// Other lengths than the input's panic. Training goes on best under the normalisation that it
// began with: another one changes what the network computes.
func (n *Network) SetNormalisation(scale, bias []float64) {
	if in, _ := n.Dims(); len(scale) != in || len(bias) != in {
		panic(fmt.Sprintf("nn: normalisation of %d inputs is given %d scales and %d biases", in, len(scale), len(bias)))
	}
	copy(n.scale, scale)
	copy(n.bias, bias)
}

// Normalisation returns copies of the input's scale and bias.
func (n *Network) Normalisation() (scale, bias []float64) {
	return slices.Clone(n.scale), slices.Clone(n.bias)
}

// Initialise draws all weights from normal distributions and sets biases to zero: variance 2/in
// for ReLU (He, Zhang, Ren and Sun, "Delving Deep into Rectifiers", ICCV 2015, equation 10) and 1/in
// for tanh (LeCun, Bottou, Orr and Müller, "Efficient BackProp", 1998, section 4.6). Those of the
// last layer have a hundredth of 1/in: an untrained policy hardly acts.
func (n *Network) Initialise(seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 0x6e6e)) // a stream of its own
	clear(n.parameters)
	for i, l := range n.layers {
		variance := 1 / float64(l.in)
		switch {
		case i == len(n.layers)-1:
			variance /= 100
		case n.cfg.Activation(i) == ReLU:
			variance *= 2
		}
		deviation := math.Sqrt(variance)
		for c := range l.in {
			for r := range l.out {
				l.weights.Set(r, c, float32(deviation*rng.NormFloat64()))
			}
		}
	}
}

// Validate returns an error wrapping ErrNumber that names the first number that is not finite,
// as what SetLayer rounds beyond the largest float32 is not.
func (n *Network) Validate() error {
	for i, l := range n.layers {
		for r := range l.out {
			for c := range l.in {
				if v := l.weights.At(r, c); v-v != 0 {
					return fmt.Errorf("%w: weight (%d, %d) of layer %d is %v", ErrNumber, r, c, i, v)
				}
			}
			if v := l.bias.At(r, 0); v-v != 0 {
				return fmt.Errorf("%w: bias %d of layer %d is %v", ErrNumber, r, i, v)
			}
		}
	}
	for i := range n.scale {
		if s, b := n.scale[i], n.bias[i]; s-s != 0 || b-b != 0 {
			return fmt.Errorf("%w: input %d is scaled by %v and moved by %v", ErrNumber, i, s, b)
		}
	}
	return nil
}

// Clone returns a copy that shares nothing.
func (n *Network) Clone() *Network {
	c := &Network{cfg: n.cfg.clone(), scale: slices.Clone(n.scale), bias: slices.Clone(n.bias), parameters: kernel.NewSlice32(len(n.parameters))}
	copy(c.parameters, n.parameters)
	c.layers = c.cfg.view(c.parameters)
	return c
}
