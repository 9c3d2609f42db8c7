package onnx

import (
	"fmt"
	"slices"

	"guidedpolicysearch/gps/nn"
)

// operator is an operator of ONNX: how many inputs it takes, its attributes, and what it does to
// the decoder. One of onRows, for a node with an input that depends on the observation (number at),
// and onConstants is nil where there is no such node.
type operator struct {
	least, most int
	attributes  map[string]int64 // their kinds
	onRows      func(d *decoder, n *node, at int) error
	onConstants func(d *decoder, n *node) (*constant, error)
}

// operatorTable returns what Decode reads, by name. What is listed without onRows
// is for constants only.
func operatorTable() map[string]operator {
	return map[string]operator{
		"Add":                {2, 2, nil, (*decoder).add, nil},
		"BatchNormalization": {5, 5, map[string]int64{"epsilon": kindFloat, "momentum": kindFloat, "spatial": kindInteger, "training_mode": kindInteger}, (*decoder).batchNormalization, nil},
		"Cast":               {1, 1, map[string]int64{"to": kindInteger, "saturate": kindInteger}, (*decoder).cast, (*decoder).castConstant},
		"Clip":               {1, 3, map[string]int64{"min": kindFloat, "max": kindFloat}, (*decoder).clip, nil},
		"Constant":           {0, 0, map[string]int64{"value": kindTensor, "value_float": kindFloat, "value_floats": kindFloats, "value_int": kindInteger, "value_ints": kindInts}, nil, (*decoder).constantNode},
		"Div":                {2, 2, nil, (*decoder).divide, nil},
		"Flatten":            {1, 1, map[string]int64{"axis": kindInteger}, (*decoder).flatten, nil},
		"Gemm":               {2, 3, map[string]int64{"alpha": kindFloat, "beta": kindFloat, "transA": kindInteger, "transB": kindInteger}, (*decoder).gemm, nil},
		"Identity":           {1, 1, nil, func(*decoder, *node, int) error { return nil }, (*decoder).sameConstant},
		"MatMul":             {2, 2, nil, (*decoder).matMul, nil},
		"Mul":                {2, 2, nil, (*decoder).multiply, nil},
		"Relu":               {1, 1, nil, activation(nn.ReLU), nil},
		"Reshape":            {2, 2, map[string]int64{"allowzero": kindInteger}, (*decoder).reshape, nil},
		"Sigmoid":            {1, 1, nil, func(d *decoder, _ *node, _ int) error { return d.chain.sigmoid() }, nil},
		"Squeeze":            {1, 2, map[string]int64{"axes": kindInts}, (*decoder).squeeze, nil},
		"Sub":                {2, 2, nil, (*decoder).subtract, nil},
		"Tanh":               {1, 1, nil, activation(nn.Tanh), nil},
		"Transpose":          {1, 1, map[string]int64{"perm": kindInts}, nil, (*decoder).transpose},
		"Unsqueeze":          {1, 2, map[string]int64{"axes": kindInts}, (*decoder).unsqueeze, nil},
	}
}

func activation(a nn.Activation) func(*decoder, *node, int) error {
	return func(d *decoder, _ *node, _ int) error { return d.chain.activate(a) }
}

// unsupported says what of a node cannot be read; the decoder adds which node.
func unsupported(format string, values ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrUnsupported}, values...)...)
}

// onFirst refuses nodes whose observation is not the first input.
func onFirst(at int) error {
	if at != 0 {
		return unsupported("input %d depends on the observation, expected input 0 only", at)
	}
	return nil
}

// broadcast returns the constant that is the other of two inputs: one number, or one for each
// of a row's.
func (d *decoder) broadcast(n *node, at int) ([]float64, error) {
	c := d.constants[n.inputs[1-at]]
	values, err := c.values()
	if err != nil {
		return nil, err
	}
	return values, fits(c, len(values), d.chain.width, d.shape)
}

// fits refuses a constant of n numbers that is not one number or one row for the value it meets:
// it would make other rows, or more.
func fits(c *constant, n, width int, value shape) error {
	if n != 1 && n != width || len(c.dims) > len(value) || n > 1 && c.dims[len(c.dims)-1] != int64(n) {
		return unsupported("constant %q has shape %v, the value it meets %v: expected one number or %d, the same for every row", c.name, c.dims, value, width)
	}
	return nil
}

func (d *decoder) add(n *node, at int) error {
	c, err := d.broadcast(n, at)
	if err != nil {
		return err
	}
	return d.chain.add(c)
}

func (d *decoder) multiply(n *node, at int) error {
	c, err := d.broadcast(n, at)
	if err != nil {
		return err
	}
	return d.chain.multiply(c)
}

// subtract takes x - c, or c - x.
func (d *decoder) subtract(n *node, at int) error {
	c, err := d.broadcast(n, at)
	if err != nil {
		return err
	}
	if at == 1 {
		if err := d.chain.multiply([]float64{-1}); err != nil {
			return err
		}
		return d.chain.add(c)
	}
	return d.chain.add(each(c, func(v float64) float64 { return -v }))
}

// divide takes x / c.
func (d *decoder) divide(n *node, at int) error {
	if err := onFirst(at); err != nil {
		return err
	}
	c, err := d.broadcast(n, at)
	if err != nil {
		return err
	}
	if i := slices.Index(c, 0); i >= 0 {
		return fmt.Errorf("%w: divides by element %d of %q, which is 0", ErrNotFinite, i, n.inputs[1])
	}
	return d.chain.multiply(each(c, func(v float64) float64 { return 1 / v }))
}

func each(values []float64, f func(float64) float64) []float64 {
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = f(v)
	}
	return out
}

// matrix returns input 1 of a node as a new layer without biases.
func (d *decoder) matrix(n *node, scale float64, byOutputs bool) (dense, error) {
	c := d.constants[n.inputs[1]]
	values, err := c.values()
	if err != nil {
		return dense{}, err
	}
	if len(c.dims) != 2 {
		return dense{}, unsupported("matrix %q has shape %v, expected two dimensions", c.name, c.dims)
	}
	in, out := int(c.dims[0]), int(c.dims[1])
	if byOutputs {
		in, out = out, in
	}
	if in != d.chain.width {
		return dense{}, fmt.Errorf("%w: matrix %q takes %d numbers, the value before it has %d: the shapes %v and %v do not chain", ErrMalformed, c.name, in, d.chain.width, d.shape, c.dims)
	}
	if out < 1 || out > maxWidth {
		return dense{}, unsupported("matrix %q gives %d numbers, expected 1 to %d", c.name, out, maxWidth)
	}
	if err := d.chain.charge(in, out); err != nil {
		return dense{}, err
	}
	l := dense{in: in, out: out, weights: make([]float64, out*in), bias: make([]float64, out)}
	for r := range out {
		for k := range in {
			if byOutputs {
				l.weights[r*in+k] = scale * values[r*in+k]
			} else {
				l.weights[r*in+k] = scale * values[k*out+r]
			}
		}
	}
	return l, nil
}

// linear takes a layer; every row gets its size.
func (d *decoder) linear(l dense) error {
	if err := d.chain.linear(l); err != nil {
		return err
	}
	d.shape[len(d.shape)-1] = int64(l.out)
	return nil
}

func (d *decoder) matMul(n *node, at int) error {
	if err := onFirst(at); err != nil {
		return err
	}
	l, err := d.matrix(n, 1, false)
	if err != nil {
		return err
	}
	return d.linear(l)
}

// gemm takes alpha x B + beta C, with B transposed or not.
func (d *decoder) gemm(n *node, at int) error {
	if err := onFirst(at); err != nil {
		return err
	}
	if n.integer("transA", 0) != 0 {
		return unsupported("transA is %d, expected 0: a row of the observation is one observation", n.integer("transA", 0))
	}
	if len(d.shape) != 2 {
		return fmt.Errorf("%w: its input has shape %v, expected two dimensions", ErrMalformed, d.shape)
	}
	l, err := d.matrix(n, n.float("alpha", 1), n.integer("transB", 0) != 0)
	if err != nil {
		return err
	}
	if len(n.inputs) > 2 && n.inputs[2] != "" {
		c := d.constants[n.inputs[2]]
		values, err := c.values()
		if err != nil {
			return err
		}
		if err := fits(c, len(values), l.out, shape{d.shape[0], int64(l.out)}); err != nil {
			return err
		}
		beta := n.float("beta", 1)
		for i := range l.bias {
			l.bias[i] = beta * values[i%len(values)]
		}
	}
	return d.linear(l)
}

// cast leaves the numbers as they are: they are computed in the network's own type.
func (d *decoder) cast(n *node, _ int) error {
	if to := n.integer("to", 0); to != typeFloat && to != typeDouble {
		return unsupported("casts to %s, expected float32 or float64", elementName(to))
	}
	return nil
}

// take makes s the shape of the value, if the numbers are the same in it.
func (d *decoder) take(s shape) error {
	if len(s) > maxRank || !d.shape.same(s) {
		return unsupported("makes the shape %v of %v, expected the same numbers in the same rows", s, d.shape)
	}
	d.shape = s
	return nil
}

func (d *decoder) flatten(n *node, _ int) error {
	s, err := d.shape.flattened(n.integer("axis", 1))
	if err != nil {
		return err
	}
	return d.take(s)
}

func (d *decoder) reshape(n *node, at int) error {
	if err := onFirst(at); err != nil {
		return err
	}
	if n.integer("allowzero", 0) != 0 {
		return unsupported("allowzero is set, expected 0 to keep a dimension")
	}
	to, err := d.constants[n.inputs[1]].integers()
	if err != nil {
		return err
	}
	s, err := d.shape.reshaped(to)
	if err != nil {
		return err
	}
	return d.take(s)
}

func (d *decoder) squeeze(n *node, at int) error {
	axes, given, err := d.axes(n, at)
	if err != nil {
		return err
	}
	s, err := d.shape.squeezed(axes, given)
	if err != nil {
		return err
	}
	return d.take(s)
}

func (d *decoder) unsqueeze(n *node, at int) error {
	axes, _, err := d.axes(n, at)
	if err != nil {
		return err
	}
	s, err := d.shape.unsqueezed(axes)
	if err != nil {
		return err
	}
	return d.take(s)
}

// axes returns those of an attribute or, in newer operator sets, of an input.
func (d *decoder) axes(n *node, at int) (axes []int64, given bool, err error) {
	if err := onFirst(at); err != nil {
		return nil, false, err
	}
	a, isAttribute := n.attributes["axes"]
	isInput := len(n.inputs) > 1 && n.inputs[1] != ""
	if d.opset < axesAreInput && isInput || d.opset >= axesAreInput && isAttribute {
		return nil, false, fmt.Errorf("%w: operator set %d has the axes elsewhere: an input from %d on, an attribute before", ErrMalformed, d.opset, axesAreInput)
	}
	if isInput {
		a.ints, err = d.constants[n.inputs[1]].integers()
	}
	if len(a.ints) > maxRank {
		return nil, false, unsupported("has %d axes, expected at most %d", len(a.ints), maxRank)
	}
	return a.ints, isInput || isAttribute, err
}
