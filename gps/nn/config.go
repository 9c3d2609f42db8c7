package nn

import (
	"errors"
	"fmt"
	"slices"
)

// ErrConfig marks a description that no network can be built or trained from.
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
	// Sizes are those of the input, the hidden layers and the output: 2 to 65 of them, each 1 to
	// 4096, with at most 2^25 parameters together.
	Sizes []int
	// Hidden is the activation of all layers but the last; empty where Activations has them.
	Hidden Activation
	// Activations, where not empty, has that of each layer but the last, which may differ.
	Activations []Activation
}

// DefaultConfig returns two hidden layers of 64 with ReLU for dX states and dU actions.
func DefaultConfig(dX, dU int) Config { return Config{Sizes: []int{dX, 64, 64, dU}, Hidden: ReLU} }

const (
	maxSize   = 4096
	maxLayers = 64
	maxSpace  = 1 << 25 // parameters, padding included: 128 MB
)

// Validate returns an error wrapping ErrConfig that names the key and what was expected.
func (c Config) Validate() error {
	if len(c.Sizes) < 2 || len(c.Sizes) > maxLayers+1 {
		return fmt.Errorf("%w: sizes is %v, expected 2 to %d numbers: at least those of input and output", ErrConfig, c.Sizes[:min(len(c.Sizes), 8)], maxLayers+1)
	}
	for i, n := range c.Sizes {
		if n < 1 || n > maxSize {
			return fmt.Errorf("%w: sizes[%d] is %d, expected 1 to %d", ErrConfig, i, n, maxSize)
		}
	}
	if n := c.space(); n > maxSpace {
		return fmt.Errorf("%w: sizes %v make %d parameters, expected at most %d", ErrConfig, c.Sizes, n, maxSpace)
	}
	if len(c.Activations) == 0 {
		if c.Hidden != ReLU && c.Hidden != Tanh {
			return fmt.Errorf("%w: hidden is %q, expected %q or %q", ErrConfig, c.Hidden, ReLU, Tanh)
		}
		return nil
	}
	if n := len(c.Sizes) - 2; len(c.Activations) != n || c.Hidden != "" {
		return fmt.Errorf("%w: there are %d activations, and hidden is %q: expected one for each of %d hidden layers, and hidden empty", ErrConfig, len(c.Activations), c.Hidden, n)
	}
	for i, a := range c.Activations {
		if a != ReLU && a != Tanh {
			return fmt.Errorf("%w: activations[%d] is %q, expected %q or %q", ErrConfig, i, a, ReLU, Tanh)
		}
	}
	return nil
}

// Activation returns what layer i does to each of its sums: for the last one nothing, "".
func (c Config) Activation(i int) Activation {
	switch {
	case i >= len(c.Sizes)-2:
		return ""
	case len(c.Activations) > 0:
		return c.Activations[i]
	}
	return c.Hidden
}

// clone returns a copy that shares nothing.
func (c Config) clone() Config {
	return Config{Sizes: slices.Clone(c.Sizes), Hidden: c.Hidden, Activations: slices.Clone(c.Activations)}
}
