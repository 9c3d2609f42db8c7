package policy

import (
	"fmt"

	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/nn"
)

// Bounds of what a file describes.
const (
	maxSteps       = 1_000_000
	maxEntries     = 4096
	maxControllers = 4096
	maxNumbers     = 1 << 27 // 1 GiB
)

// The kinds of policies.
const (
	kindLinear  = "linear"
	kindNetwork = "network"
	kindNearest = "nearest"
	kindMixture = "mixture"
)

// description is the line of JSON of a file's payload.
type description struct {
	Kind         string    `json:"kind"`
	Steps        int       `json:"steps"`
	DX           int       `json:"state_size"`
	DU           int       `json:"action_size"`
	States       []string  `json:"states,omitempty"`
	Actions      []string  `json:"actions,omitempty"`
	Observations []string  `json:"observations,omitempty"`
	Step         float64   `json:"time_step,omitempty"`
	Training     *Training `json:"training,omitempty"`
	// Of a network.
	Observed   []int         `json:"observed,omitempty"`
	Sizes      []int         `json:"sizes,omitempty"`
	Activation nn.Activation `json:"activation,omitempty"`
	// Activations has that of each hidden layer, in place of Activation where they differ; since
	// version 2.
	Activations []nn.Activation `json:"activations,omitempty"`
	Noise       bool            `json:"noise,omitempty"`
	// Of several controllers.
	Controllers int   `json:"controllers,omitempty"`
	Features    []int `json:"features,omitempty"`
}

// config describes a network.
func (d *description) config() nn.Config {
	return nn.Config{Sizes: d.Sizes, Hidden: d.Activation, Activations: d.Activations}
}

// version is the least one whose programs read what is described: older programs go on reading all
// that they can.
func (d *description) version() int {
	if len(d.Activations) > 0 {
		return 2
	}
	return 1
}

// describe returns the description of a policy without its names, and its numbers.
func describe(p Policy) (*description, []float64, error) {
	T, dX, dU := p.Sizes()
	d := &description{Steps: T, DX: dX, DU: dU}
	switch p := p.(type) {
	case *lqg.Controller:
		d.Kind = kindLinear
		return d, controllerNumbers(nil, p), nil
	case *Network:
		cfg := p.net.Config()
		d.Kind, d.Observed, d.Sizes, d.Activation, d.Activations, d.Noise = kindNetwork, p.observation, cfg.Sizes, cfg.Hidden, cfg.Activations, p.chol != nil
		scale, bias := p.net.Normalisation()
		numbers := append(scale, bias...)
		for i := range p.net.Layers() {
			w, b := p.net.Layer(i)
			numbers = append(append(numbers, w...), b...)
		}
		return d, append(numbers, p.chol...), nil
	case *NearestNeighbour:
		d.Kind, d.Controllers, d.Features = kindNearest, len(p.controllers), p.feature
		return d, append(controllerNumbers(nil, p.controllers...), p.starts...), nil
	case *Mixture:
		d.Kind, d.Controllers, d.Features = kindMixture, len(p.controllers), p.feature
		numbers := append(controllerNumbers(nil, p.controllers...), p.offset...)
		return d, append(append(numbers, p.mean...), p.factor...), nil
	}
	return nil, nil, fmt.Errorf("%w: a %T cannot be written to a file", ErrInvalid, p)
}

func controllerNumbers(numbers []float64, controllers ...*lqg.Controller) []float64 {
	for _, c := range controllers {
		numbers = append(append(append(numbers, c.K...), c.Bias...), c.Chol...)
	}
	return numbers
}

// check returns an error wrapping ErrDamaged unless the description is one of a policy that has as
// many numbers as there are. Nothing is allocated for a policy before.
func (d *description) check(numbers int) error {
	dX, dU := d.DX, d.DU
	if d.Steps < 1 || d.Steps > maxSteps || dX < 1 || dX > maxEntries || dU < 1 || dU > maxEntries {
		return fmt.Errorf("%w: a policy of %d steps, %d states and %d actions, expected 1 to %d steps and 1 to %d entries", ErrDamaged, d.Steps, dX, dU, maxSteps, maxEntries)
	}
	var want float64 // no product overflows
	T, x, u, k, n := float64(d.Steps), float64(dX), float64(dU), float64(d.Controllers), float64(len(d.Features))
	linear := T * u * (x + 1 + u)
	switch d.Kind {
	case kindLinear:
		want = linear
	case kindNetwork:
		cfg := d.config()
		if err := cfg.Validate(); err != nil {
			return fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		if d.Sizes[0] != len(d.Observed) || d.Sizes[len(d.Sizes)-1] != dU {
			return fmt.Errorf("%w: a network of %d inputs and %d outputs for %d observations and %d actions", ErrDamaged, d.Sizes[0], d.Sizes[len(d.Sizes)-1], len(d.Observed), dU)
		}
		want = 2 * float64(d.Sizes[0])
		for i, in := range d.Sizes[:len(d.Sizes)-1] {
			want += float64(d.Sizes[i+1]) * float64(in+1)
		}
		if d.Noise {
			want += u * u
		}
	case kindNearest, kindMixture:
		if d.Controllers < 1 || d.Controllers > maxControllers {
			return fmt.Errorf("%w: a policy of %d controllers, expected 1 to %d", ErrDamaged, d.Controllers, maxControllers)
		}
		if len(d.Features) > dX {
			return fmt.Errorf("%w: a policy with %d features of %d states", ErrDamaged, len(d.Features), dX)
		}
		if want = k * (linear + n); d.Kind == kindMixture {
			want = k * (linear + T*(1+n+n*n))
		}
	default:
		return fmt.Errorf("%w: a policy of kind %.40q, expected %q, %q, %q or %q", ErrDamaged, d.Kind, kindLinear, kindNetwork, kindNearest, kindMixture)
	}
	if want != float64(numbers) {
		return fmt.Errorf("%w: a policy of kind %q, %d steps, %d states and %d actions has %.0f numbers by its description, the file %d", ErrDamaged, d.Kind, d.Steps, dX, dU, want, numbers)
	}
	return nil
}

// policy builds what the description and its numbers say; check has passed.
func (d *description) policy(numbers []float64) (Policy, error) {
	dX, dU := d.DX, d.DU
	take := func(dst ...[]float64) {
		for _, part := range dst {
			numbers = numbers[copy(part, numbers):]
		}
	}
	if d.Kind == kindNetwork {
		return d.network(take)
	}
	controllers := make([]*lqg.Controller, max(1, d.Controllers))
	for i := range controllers {
		c := lqg.NewController(d.Steps, dX, dU)
		take(c.K, c.Bias, c.Chol)
		controllers[i] = c
	}
	if d.Kind == kindLinear {
		return controllers[0], controllers[0].Validate()
	}
	if err := checkControllers(controllers); err != nil {
		return nil, err
	}
	if err := checkSelection("feature", d.Features, dX); err != nil {
		return nil, err
	}
	if d.Kind == kindNearest {
		p := &NearestNeighbour{controllers: controllers, feature: d.Features, starts: make([]float64, len(numbers)), chosen: -1}
		take(p.starts)
		p.measure()
		return p, p.Validate()
	}
	p := newMixture(controllers, d.Features)
	take(p.offset, p.mean, p.factor)
	return p, p.Validate()
}

func (d *description) network(take func(...[]float64)) (Policy, error) {
	net, err := nn.New(d.config())
	if err != nil {
		return nil, err
	}
	scale, bias := make([]float64, d.Sizes[0]), make([]float64, d.Sizes[0])
	take(scale, bias)
	net.SetNormalisation(scale, bias)
	for i := range net.Layers() {
		w, b := make([]float64, d.Sizes[i]*d.Sizes[i+1]), make([]float64, d.Sizes[i+1])
		take(w, b)
		net.SetLayer(i, w, b)
	}
	var chol []float64
	if d.Noise {
		chol = make([]float64, d.DU*d.DU)
		take(chol)
	}
	return NewNetwork(net, d.Observed, d.Steps, d.DX, chol)
}
