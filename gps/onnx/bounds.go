package onnx

import (
	"fmt"
	"math"
)

// clip takes min(max(x, min), max) with bounds of one number each: attributes or, in newer operator
// sets, inputs.
func (d *decoder) clip(n *node, at int) error {
	if err := onFirst(at); err != nil {
		return err
	}
	bounds := [2]float64{math.Inf(-1), math.Inf(1)}
	for i, key := range []string{"min", "max"} {
		a, isAttribute := n.attributes[key]
		isInput := len(n.inputs) > i+1 && n.inputs[i+1] != ""
		if d.opset < boundsAreInputs && isInput || d.opset >= boundsAreInputs && isAttribute {
			return fmt.Errorf("%w: operator set %d has the bounds elsewhere: inputs from %d on, attributes before", ErrMalformed, d.opset, boundsAreInputs)
		}
		switch {
		case isAttribute:
			bounds[i] = a.float
		case isInput:
			c := d.constants[n.inputs[i+1]]
			values, err := c.values()
			if err != nil {
				return err
			}
			if len(values) != 1 {
				return unsupported("%s is %q of shape %v, expected one number for all", key, c.name, c.dims)
			}
			bounds[i] = values[0]
		}
		// The defaults of older operator sets are the ends of float32: no bounds.
		if math.Abs(bounds[i]) >= math.MaxFloat32 {
			bounds[i] = math.Copysign(math.Inf(1), bounds[i])
		}
	}
	low, high := bounds[0], bounds[1]
	if !(low <= high) || math.IsInf(low, 1) || math.IsInf(high, -1) {
		return unsupported("min is %v and max %v, expected a range", low, high)
	}
	return d.chain.clip(low, high)
}

// batchNormalization takes what it is after training: scale (x - mean) / sqrt(variance + epsilon) + bias,
// per number of a row.
func (d *decoder) batchNormalization(n *node, at int) error {
	if err := onFirst(at); err != nil {
		return err
	}
	if n.integer("training_mode", 0) != 0 || n.integer("spatial", 1) != 1 {
		return unsupported("training_mode is %d and spatial %d, expected 0 and 1: export the model for inference", n.integer("training_mode", 0), n.integer("spatial", 1))
	}
	if len(d.shape) != 2 {
		return unsupported("normalises a value of shape %v, expected [batch, numbers]", d.shape)
	}
	var parts [4][]float64 // scale, bias, mean, variance
	for i := range parts {
		c := d.constants[n.inputs[i+1]]
		values, err := c.values()
		if err != nil {
			return err
		}
		if len(values) != d.chain.width || len(c.dims) != 1 {
			return fmt.Errorf("%w: %q has shape %v, expected %d numbers for a value of shape %v", ErrMalformed, c.name, c.dims, d.chain.width, d.shape)
		}
		parts[i] = values
	}
	epsilon := n.float("epsilon", 1e-5)
	factor, shift := make([]float64, d.chain.width), make([]float64, d.chain.width)
	for i := range factor {
		deviation := math.Sqrt(parts[3][i] + epsilon)
		if !(deviation > 0) || math.IsInf(deviation, 0) {
			return fmt.Errorf("%w: the variance %v of number %d, with epsilon %v, has no inverse root", ErrNotFinite, parts[3][i], i, epsilon)
		}
		factor[i] = parts[0][i] / deviation
		shift[i] = parts[1][i] - parts[2][i]*factor[i]
	}
	if err := d.chain.multiply(factor); err != nil {
		return err
	}
	return d.chain.add(shift)
}
