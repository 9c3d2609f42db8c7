package onnx

import (
	"fmt"
	"slices"
)

// unfixed stands for a dimension that the file leaves open: the batch.
const unfixed = -1

// shape is that of a value which depends on the observation: the last dimension counts the
// numbers of a row, one before counts rows, all others are 1; without rows there is one.
type shape []int64

// inputShape returns the shape of the graph's input, or why no policy has it.
func inputShape(p port) (shape, error) {
	if len(p.dims) == 0 {
		return nil, fmt.Errorf("%w: input %q has no shape, expected [batch, numbers]; export the model with one", ErrUnsupported, p.name)
	}
	s := shape(slices.Clone(p.dims))
	if w := s[len(s)-1]; w == unfixed || w > maxWidth {
		return nil, fmt.Errorf("%w: input %q has shape %v, expected [batch, numbers] with 1 to %d numbers", ErrUnsupported, p.name, s, maxWidth)
	}
	if !s.isRows() || len(s) > maxRank {
		return nil, fmt.Errorf("%w: input %q has shape %v, expected [batch, numbers]; further dimensions have to be 1, and all at most %d", ErrUnsupported, p.name, s, maxRank)
	}
	return s, nil
}

// String writes the shape as ONNX's tools do.
func (s shape) String() string {
	text := "["
	for i, d := range s {
		if i > 0 {
			text += ", "
		}
		if d == unfixed {
			text += "batch"
		} else {
			text += fmt.Sprint(d)
		}
	}
	return text + "]"
}

// width returns how many numbers a row has.
func (s shape) width() int { return int(s[len(s)-1]) }

// rows returns how many rows there are, maybe unfixed. It is for shapes of rows.
func (s shape) rows() int64 {
	for _, d := range s[:len(s)-1] {
		if d != 1 {
			return d
		}
	}
	return 1
}

// isRows says if at most one dimension beside the last is not 1.
func (s shape) isRows() bool {
	many := 0
	for _, d := range s[:len(s)-1] {
		if d != 1 {
			many++
		}
	}
	return many <= 1
}

// same says if a shape has the same rows of the same width: then values in one are those in
// the other, as both are stored by rows.
func (s shape) same(other shape) bool {
	return len(other) > 0 && other.isRows() && other.rows() == s.rows() && other[len(other)-1] == s[len(s)-1]
}

// axis returns an axis that may count from the end, for n dimensions.
func axis(a int64, n int) (int, error) {
	if a < -int64(n) || a >= int64(n) {
		return 0, fmt.Errorf("%w: axis %d of a value of %d dimensions", ErrMalformed, a, n)
	}
	if a < 0 {
		a += int64(n)
	}
	return int(a), nil
}

// flattened returns the shape [before axis, from axis on].
func (s shape) flattened(a int64) (shape, error) {
	if a < -int64(len(s)) || a > int64(len(s)) { // the axis after the last is allowed here
		return nil, fmt.Errorf("%w: axis %d of a value of %d dimensions", ErrMalformed, a, len(s))
	}
	if a < 0 {
		a += int64(len(s))
	}
	out := shape{1, 1}
	for i, d := range s {
		side := &out[0]
		if i >= int(a) {
			side = &out[1]
		}
		if d == unfixed && *side == 1 || *side == unfixed && d == 1 {
			*side = unfixed
		} else if *side == unfixed {
			*side = 0 // rows within rows: no width
		} else {
			*side *= d
		}
	}
	return out, nil
}

// reshaped returns the shape that Reshape gives for to: 0 keeps a dimension, one -1 takes what
// is left.
func (s shape) reshaped(to []int64) (shape, error) {
	out := make(shape, len(to))
	left := -1
	for i, d := range to {
		switch {
		case d == -1 && left < 0:
			left = i
			out[i] = 1
		case d == 0 && i < len(s):
			out[i] = s[i]
		case d > 0:
			out[i] = d
		default:
			return nil, fmt.Errorf("%w: Reshape to %v of a value of shape %v", ErrMalformed, to, s)
		}
	}
	if left < 0 {
		return out, nil
	}
	// What is left is what makes the shape the same, if anything does: the rows or the width.
	for _, d := range []int64{s.rows(), s[len(s)-1]} {
		if out[left] = d; s.same(out) {
			break
		}
	}
	return out, nil
}

// squeezed returns the shape without the given dimensions, which must be 1; all that are 1 if
// there are none given.
func (s shape) squeezed(axes []int64, given bool) (shape, error) {
	drop := make([]bool, len(s))
	if !given {
		for i, d := range s {
			drop[i] = d == 1
		}
	}
	for _, a := range axes {
		i, err := axis(a, len(s))
		if err != nil {
			return nil, err
		}
		if s[i] != 1 {
			return nil, fmt.Errorf("%w: takes away dimension %d of shape %v, expected one that is 1", ErrUnsupported, i, s)
		}
		drop[i] = true
	}
	var out shape
	for i, d := range s {
		if !drop[i] {
			out = append(out, d)
		}
	}
	return out, nil
}

// unsqueezed returns the shape with a 1 inserted at each axis of the result.
func (s shape) unsqueezed(axes []int64) (shape, error) {
	n := len(s) + len(axes)
	one := make([]bool, n)
	for _, a := range axes {
		i, err := axis(a, n)
		if err != nil {
			return nil, err
		}
		if one[i] {
			return nil, fmt.Errorf("%w: axes %v have %d twice", ErrMalformed, axes, a)
		}
		one[i] = true
	}
	out, rest := make(shape, 0, n), s
	for _, isOne := range one {
		if isOne {
			out = append(out, 1)
		} else {
			out, rest = append(out, rest[0]), rest[1:]
		}
	}
	return out, nil
}
