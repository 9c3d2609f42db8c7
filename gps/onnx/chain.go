package onnx

import (
	"fmt"
	"math"
	"slices"

	"guidedpolicysearch/gps/nn"
)

// dense is y = W x + b, followed by an activation, or by none.
type dense struct {
	in, out    int
	weights    []float64 // out x in, by rows
	bias       []float64 // out
	activation nn.Activation
}

// affine is y_i = scale_i x_i + shift_i; nil stands for ones and zeros, so that what is only one
// of both stays as it is, bit by bit.
type affine struct{ scale, shift []float64 }

func (a *affine) isIdentity() bool { return a.scale == nil && a.shift == nil }

// at returns the scale and the shift of number i.
func (a *affine) at(i int) (scale, shift float64) {
	scale = 1
	if a.scale != nil {
		scale = a.scale[i]
	}
	if a.shift != nil {
		shift = a.shift[i]
	}
	return scale, shift
}

// chain is the part of a network that the nodes so far make: normalisation, layers, and what is
// pending for the numbers of the last value.
type chain struct {
	inputs        int
	width         int // of the last value
	normalisation affine
	layers        []dense
	pending       affine
	work          int
}

// charge counts numbers that are about to be made or touched.
func (c *chain) charge(numbers ...int) error {
	product := 1
	for _, n := range numbers {
		product *= n // of at most three sizes of at most maxWidth
	}
	if c.work += product; c.work > maxWork {
		return fmt.Errorf("%w: its weights and their folding take more than %d operations", ErrUnsupported, maxWork)
	}
	return nil
}

// multiply takes y_i = x_i by_i; a by of one number is for all.
func (c *chain) multiply(by []float64) error {
	if err := c.charge(c.width); err != nil {
		return err
	}
	scale := make([]float64, c.width)
	for i := range scale {
		s, t := c.pending.at(i)
		scale[i] = s * by[i%len(by)]
		if c.pending.shift != nil {
			c.pending.shift[i] = t * by[i%len(by)]
		}
	}
	c.pending.scale = scale
	return nil
}

// add takes y_i = x_i + what_i; a what of one number is for all.
func (c *chain) add(what []float64) error {
	if err := c.charge(c.width); err != nil {
		return err
	}
	fresh := c.pending.shift == nil
	if fresh {
		c.pending.shift = make([]float64, c.width)
	}
	for i := range c.pending.shift {
		if fresh {
			c.pending.shift[i] = what[i%len(what)] // a sum with 0 would lose the sign of -0
		} else {
			c.pending.shift[i] += what[i%len(what)]
		}
	}
	return nil
}

// open says if the last value is that of a layer without an activation.
func (c *chain) open() bool {
	return len(c.layers) > 0 && c.layers[len(c.layers)-1].activation == ""
}

// linear takes the layer d, which has been charged for; its weights and bias become the chain's.
func (c *chain) linear(d dense) error {
	switch {
	case len(c.layers) == 0:
		c.normalisation, c.pending = c.pending, affine{}
		c.layers = append(c.layers, d)
	case c.open():
		c.settle()
		last := &c.layers[len(c.layers)-1]
		if err := c.charge(d.out, d.in, last.in); err != nil {
			return err
		}
		*last = compose(d, *last)
	default:
		c.pending.before(&d)
		c.pending = affine{}
		c.layers = append(c.layers, d)
	}
	c.width = d.out
	return nil
}

// activate takes an activation of every number.
func (c *chain) activate(a nn.Activation) error {
	if err := c.close(); err != nil {
		return err
	}
	c.layers[len(c.layers)-1].activation = a
	return nil
}

// sigmoid takes 1 / (1 + exp(-x)) of every number, which is (1 + tanh(x/2)) / 2.
func (c *chain) sigmoid() error {
	err := c.multiply([]float64{0.5})
	if err == nil {
		err = c.activate(nn.Tanh)
	}
	if err == nil {
		err = c.multiply([]float64{0.5})
	}
	if err == nil {
		err = c.add([]float64{0.5})
	}
	return err
}

// clip takes min(max(x, low), high) of every number; infinite bounds are none. As max(x, low) is
// relu(x - low) + low, a bound is a layer of ReLU: what is far outside becomes the bound itself, and
// what is within keeps its value but for the rounding of a difference with the bound.
func (c *chain) clip(low, high float64) error {
	for _, b := range []struct{ sign, bound float64 }{{1, low}, {-1, high}} { // min(x, b) is -max(-x, -b)
		if math.IsInf(b.bound, 0) {
			continue
		}
		err := c.multiply([]float64{b.sign})
		if err == nil {
			err = c.add([]float64{-b.sign * b.bound})
		}
		if err == nil {
			err = c.activate(nn.ReLU)
		}
		if err == nil {
			err = c.multiply([]float64{b.sign})
		}
		if err == nil {
			err = c.add([]float64{b.bound})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// close makes what is pending part of an open last layer.
func (c *chain) close() error {
	if !c.open() {
		if err := c.charge(c.width, c.width); err != nil {
			return err
		}
		if err := c.linear(identity(c.width)); err != nil {
			return err
		}
	}
	c.settle()
	return nil
}

// settle folds what is pending into the open last layer: s (W x + b) + t.
func (c *chain) settle() {
	if c.pending.isIdentity() {
		return
	}
	l := &c.layers[len(c.layers)-1]
	for r := range l.out {
		s, t := c.pending.at(r)
		row := l.weights[r*l.in:][:l.in]
		for i := range row {
			row[i] *= s
		}
		l.bias[r] = l.bias[r]*s + t
	}
	c.pending = affine{}
}

// before folds an affine map into the layer that follows it: W (s x + t) + b.
func (a *affine) before(d *dense) {
	if a.isIdentity() {
		return
	}
	for r := range d.out {
		row := d.weights[r*d.in:][:d.in]
		for i := range row {
			s, t := a.at(i)
			d.bias[r] += row[i] * t
			row[i] *= s
		}
	}
}

// compose returns the layer second(first(x)); first has no activation.
func compose(second, first dense) dense {
	d := dense{in: first.in, out: second.out, weights: make([]float64, second.out*first.in), bias: second.bias}
	for r := range second.out {
		row := d.weights[r*d.in:][:d.in]
		for k, w := range second.weights[r*second.in:][:second.in] {
			d.bias[r] += w * first.bias[k]
			for i, v := range first.weights[k*first.in:][:first.in] {
				row[i] += w * v
			}
		}
	}
	return d
}

// identity returns the layer y = x.
func identity(n int) dense {
	d := dense{in: n, out: n, weights: make([]float64, n*n), bias: make([]float64, n)}
	for i := range n {
		d.weights[i*n+i] = 1
	}
	return d
}

// network returns the chain as a network.
func (c *chain) network() (*nn.Network, error) {
	if err := c.close(); err != nil {
		return nil, err
	}
	cfg := nn.Config{Sizes: []int{c.inputs}, Hidden: nn.ReLU}
	var activations []nn.Activation
	for i, l := range c.layers {
		cfg.Sizes = append(cfg.Sizes, l.out)
		if i < len(c.layers)-1 {
			activations = append(activations, l.activation)
		}
	}
	if same := slices.Compact(slices.Clone(activations)); len(same) == 1 {
		cfg.Hidden = same[0]
	} else if len(same) > 1 {
		cfg.Hidden, cfg.Activations = "", activations
	}
	n, err := nn.New(cfg)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	for i, l := range c.layers {
		n.SetLayer(i, l.weights, l.bias)
	}
	scale, bias := n.Normalisation()
	for i := range scale {
		scale[i], bias[i] = c.normalisation.at(i)
	}
	n.SetNormalisation(scale, bias)
	if err := n.Validate(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotFinite, err)
	}
	return n, nil
}
