package policy

import (
	"fmt"
	"math"
	"slices"

	"guidedpolicysearch/gps/internal/dense"
	"guidedpolicysearch/gps/lqg"
)

// NearestNeighbour runs, of several local controllers, the one that was made for the start nearest
// to the state at t = 0, to the end of the trial. The distance is Euclidean over features, entries
// of the state, each divided by its standard deviation over the controllers' own starts; a feature
// that is the same for all of them says nothing and has no weight. (As few starts as there are tell
// little about correlations, hence none.) Of equally near ones the first is taken. It remembers its
// choice: one goroutine at a time.
type NearestNeighbour struct {
	controllers []*lqg.Controller
	feature     []int
	starts      []float64 // controllers x features
	scale       []float64 // 1 / standard deviation, features
	chosen      int       // -1 before the first choice
}

// NewNearestNeighbour returns the policy over M controllers of the same sizes and the states that
// they were made for (M x dX). feature lists the entries of the state that are compared; nil is all
// of them. The controllers are shared. Errors wrap ErrInvalid or are those of Controller.Validate.
func NewNearestNeighbour(controllers []*lqg.Controller, starts [][]float64, feature []int) (*NearestNeighbour, error) {
	if err := checkControllers(controllers); err != nil {
		return nil, err
	}
	if len(starts) != len(controllers) {
		return nil, fmt.Errorf("%w: %d starts for %d controllers", ErrInvalid, len(starts), len(controllers))
	}
	dX := controllers[0].DX
	p := &NearestNeighbour{controllers: slices.Clone(controllers), feature: every(feature, dX), chosen: -1}
	if err := checkSelection("feature", p.feature, dX); err != nil {
		return nil, err
	}
	for k, x := range starts {
		if len(x) != dX {
			return nil, fmt.Errorf("%w: start %d has %d entries, the controllers' states %d", ErrInvalid, k, len(x), dX)
		}
		for _, j := range p.feature {
			p.starts = append(p.starts, x[j])
		}
	}
	p.measure()
	if err := p.Validate(); err != nil {
		return nil, err
	}
	return p, nil
}

// constant is the part of its largest number below which a feature's spread is rounding.
const constant = 1e-9

// measure sets the features' scales.
func (p *NearestNeighbour) measure() {
	n, M := len(p.feature), float64(len(p.controllers))
	p.scale = make([]float64, n)
	for i := range n {
		mean, squares, largest := 0.0, 0.0, 0.0
		for j := i; j < len(p.starts); j += n {
			mean += p.starts[j] / M
			largest = math.Max(largest, math.Abs(p.starts[j]))
		}
		for j := i; j < len(p.starts); j += n {
			squares += (p.starts[j] - mean) * (p.starts[j] - mean) / M
		}
		if deviation := math.Sqrt(squares); math.IsInf(deviation, 0) {
			p.scale[i] = math.NaN() // for Validate
		} else if deviation > constant*largest {
			p.scale[i] = 1 / deviation
		}
	}
}

// Sizes returns T, dX and dU.
func (p *NearestNeighbour) Sizes() (T, dX, dU int) { return p.controllers[0].Sizes() }

// Act implements Policy. At t = 0 the controller is chosen, and for a first call at another step
// by the state there.
func (p *NearestNeighbour) Act(dst, x []float64, t int, noise []float64) {
	if t == 0 || p.chosen < 0 {
		p.chosen = p.Nearest(x)
	}
	p.controllers[p.chosen].Act(dst, x, t, noise)
}

// Nearest returns the index of the controller for a trial that starts in x (dX).
func (p *NearestNeighbour) Nearest(x []float64) int {
	if dX := p.controllers[0].DX; len(x) != dX {
		panic(fmt.Sprintf("policy: nearest start to %d states, need %d", len(x), dX))
	}
	best, least := 0, math.Inf(1)
	for k := range p.controllers {
		d := 0.0
		for i, start := range block(p.starts, k, len(p.feature)) {
			v := (x[p.feature[i]] - start) * p.scale[i]
			d += v * v
		}
		if d < least {
			best, least = k, d
		}
	}
	return best
}

// Fork returns a policy that shares the controllers and has not chosen yet.
func (p *NearestNeighbour) Fork() *NearestNeighbour {
	f := *p
	f.chosen = -1
	return &f
}

// Validate returns an error that names the controller or start that is wrong.
func (p *NearestNeighbour) Validate() error {
	if err := checkControllers(p.controllers); err != nil {
		return err
	}
	n := len(p.feature)
	if n == 0 {
		return fmt.Errorf("%w: no feature tells the starts apart", ErrInvalid)
	}
	if i := dense.FirstNotFinite(p.starts); i >= 0 {
		return fmt.Errorf("%w: start %d has %v in entry %d of the state", ErrInvalid, i/n, p.starts[i], p.feature[i%n])
	}
	if i := dense.FirstNotFinite(p.scale); i >= 0 {
		return fmt.Errorf("%w: the starts' spread in entry %d of the state is out of range", ErrInvalid, p.feature[i])
	}
	return nil
}

// checkControllers returns an error that names the first controller that is missing, invalid or of
// another size than the first.
func checkControllers(controllers []*lqg.Controller) error {
	if len(controllers) == 0 {
		return fmt.Errorf("%w: there is no controller, need 1 or more", ErrInvalid)
	}
	for k, c := range controllers {
		if c == nil {
			return fmt.Errorf("%w: controller %d is nil", ErrInvalid, k)
		}
		if err := c.Validate(); err != nil {
			return fmt.Errorf("controller %d: %w", k, err)
		}
		if f := controllers[0]; c.T != f.T || c.DX != f.DX || c.DU != f.DU {
			return fmt.Errorf("%w: controller %d has T=%d dX=%d dU=%d, controller 0 T=%d dX=%d dU=%d", ErrInvalid, k, c.T, c.DX, c.DU, f.T, f.DX, f.DU)
		}
	}
	return nil
}
