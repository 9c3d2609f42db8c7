package onnx

import (
	"fmt"
	"math"
	"slices"
)

// constant is a value that does not depend on the observation. Its numbers are read when they are
// first asked for, once.
type constant struct {
	name    string
	dims    []int64
	stored  *tensor
	numbers []float64
}

func newConstant(name string, t *tensor) *constant {
	return &constant{name: name, dims: t.dims, stored: t}
}

// values returns the numbers by rows. They are not to be changed.
func (c *constant) values() ([]float64, error) {
	if c.numbers != nil {
		return c.numbers, nil
	}
	var err error
	c.numbers, err = c.stored.values()
	return c.numbers, err
}

// integers returns at most maxRank numbers of an integer type.
func (c *constant) integers() ([]int64, error) {
	if c.stored == nil {
		return nil, fmt.Errorf("%w: %q is no tensor of integers", ErrUnsupported, c.name)
	}
	all, err := c.stored.integers()
	if err == nil && len(all) > maxRank {
		return nil, fmt.Errorf("%w: %q has %d numbers, expected at most %d dimensions", ErrUnsupported, c.name, len(all), maxRank)
	}
	return all, err
}

// constantNode returns the value of the one attribute that Constant has.
func (d *decoder) constantNode(n *node) (*constant, error) {
	if len(n.attributes) != 1 {
		return nil, fmt.Errorf("%w: has %d attributes, expected the value", ErrMalformed, len(n.attributes))
	}
	for key, a := range n.attributes {
		t := &tensor{name: n.outputs[0]}
		switch key {
		case "value":
			if a.tensor == nil {
				return nil, fmt.Errorf("%w: the attribute value holds no tensor", ErrMalformed)
			}
			t = a.tensor
			t.name = n.outputs[0]
		case "value_float":
			t.element, t.floats = typeFloat, []float64{a.float}
		case "value_floats":
			t.element, t.floats, t.dims = typeFloat, a.floats, []int64{int64(len(a.floats))}
		case "value_int":
			t.element, t.int64s = typeInt64, []int64{a.integer}
		case "value_ints":
			t.element, t.int64s, t.dims = typeInt64, a.ints, []int64{int64(len(a.ints))}
		}
		return newConstant(n.outputs[0], t), nil
	}
	return nil, nil
}

func (d *decoder) sameConstant(n *node) (*constant, error) { return d.constants[n.inputs[0]], nil }

// castConstant keeps float16 and float32 as they are; float64 that goes to float32 is rounded.
func (d *decoder) castConstant(n *node) (*constant, error) {
	c, to := d.constants[n.inputs[0]], n.integer("to", 0)
	if to != typeFloat && to != typeDouble {
		return nil, unsupported("casts to %s, expected float32 or float64", elementName(to))
	}
	values, err := c.values()
	if err != nil || to == typeDouble {
		return c, err
	}
	if err := d.chain.charge(len(values)); err != nil {
		return nil, err
	}
	rounded := each(values, func(v float64) float64 { return float64(float32(v)) })
	for i, v := range rounded {
		if math.IsInf(v, 0) {
			return nil, fmt.Errorf("%w: element %d of %q is %v, which float32 cannot hold", ErrNotFinite, i, c.name, values[i])
		}
	}
	return &constant{name: c.name, dims: c.dims, numbers: rounded}, nil
}

// transpose turns a matrix over.
func (d *decoder) transpose(n *node) (*constant, error) {
	c := d.constants[n.inputs[0]]
	values, err := c.values()
	if err != nil {
		return nil, err
	}
	if perm, ok := n.attributes["perm"]; len(c.dims) != 2 || ok && !slices.Equal(perm.ints, []int64{1, 0}) {
		return nil, unsupported("permutes %q of shape %v by %v, expected a matrix and [1 0]", c.name, c.dims, perm.ints)
	}
	if err := d.chain.charge(len(values)); err != nil {
		return nil, err
	}
	rows, cols := int(c.dims[0]), int(c.dims[1])
	out := make([]float64, len(values))
	for r := range rows {
		for k := range cols {
			out[k*rows+r] = values[r*cols+k]
		}
	}
	return &constant{name: n.outputs[0], dims: []int64{c.dims[1], c.dims[0]}, numbers: out}, nil
}
