package cost

import (
	"math"

	"guidedpolicysearch/gps/rollout"
)

// RegionConfig describes a cost that only tells inside from outside.
type RegionConfig struct {
	// Start is the first element of the slice in x.
	Start int
	// Target is the centre of the region; its length is the slice's.
	Target []float64
	// MaxDistance is the largest sum |x - target| inside, >= 0.
	MaxDistance float64
	// Inside and Outside are the costs per time step, any finite numbers.
	Inside, Outside float64
}

// DefaultRegionConfig returns a cost of 0 inside and 1 outside.
func DefaultRegionConfig(start int, target []float64, maxDistance float64) RegionConfig {
	return RegionConfig{Start: start, Target: target, MaxDistance: maxDistance, Outside: 1}
}

// Validate returns an error wrapping ErrConfig that names key, value and what was expected.
func (c RegionConfig) Validate() error {
	return first(
		start("start", c.Start),
		checkTarget(c.Target),
		notNegative("max_distance", c.MaxDistance),
		isFinite("inside", c.Inside),
		isFinite("outside", c.Outside))
}

// Region costs one constant within an L1 distance of a target and another beyond it.
// Its derivatives are zero (but at the border, where there are none): it measures
// success and does not guide a gradient.
type Region struct{ config RegionConfig }

// NewRegion returns the term, or the error of c.Validate.
func NewRegion(c RegionConfig) (*Region, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c.Target = append([]float64(nil), c.Target...)
	return &Region{config: c}, nil
}

// Add adds the term; see Term.
func (g *Region) Add(dst *Expansion, weight float64, r *rollout.Rollout) error {
	checkRollout(dst, r)
	c := &g.config
	if err := fitsState("region cost", c.Start, len(c.Target), r); err != nil {
		return err
	}
	for t := range r.T {
		x, distance := r.State(t)[c.Start:], 0.0
		for i, target := range c.Target {
			distance += math.Abs(x[i] - target)
		}
		if distance > c.MaxDistance {
			dst.L[t] += weight * c.Outside
		} else {
			dst.L[t] += weight * c.Inside
		}
	}
	return nil
}
