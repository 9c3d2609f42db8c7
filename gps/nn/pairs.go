package nn

import (
	"fmt"
	"math"
	"math/rand/v2"

	"guidedpolicysearch/gps/internal/kernel"
)

// pairs are a dataset's numbers as training reads them: in float32, observations normalised.
type pairs struct {
	x         kernel.Block32 // In x N
	y         []float32      // N x Out
	precision []float32      // as Dataset.Precision
	each      int            // numbers of precision per pair
	weight    []float32      // N
	train     []int          // indices of the pairs that are trained on
	heldOut   []int          // and of those that are not
}

// newPairs copies a valid dataset, or returns an error wrapping ErrData where the network's
// normalisation takes an observation beyond float32, or too few rollouts are there to hold one out.
func newPairs(n *Network, d *Dataset, heldOut float64, rng *rand.Rand) (*pairs, error) {
	p := &pairs{x: kernel.NewBlock32(d.In, d.N), y: single(d.Y), precision: single(d.Precision), each: len(d.Precision) / d.N, weight: single(d.Weight)}
	for i := range d.N {
		x := p.x.Column(i, d.In)
		n.normalise(x, d.X[i*d.In:(i+1)*d.In])
		for j, v := range x {
			if v-v != 0 {
				return nil, fmt.Errorf("%w: observation %d of pair %d, %v, is normalised to %v, expected a finite number: look at the normalisation", ErrData, j, i, d.X[i*d.In+j], v)
			}
		}
	}
	if d.Weight == nil {
		p.weight = make([]float32, d.N)
		for i := range p.weight {
			p.weight[i] = 1
		}
	}
	return p, p.split(d, heldOut, rng)
}

func single(a []float64) []float32 {
	s := make([]float32, len(a))
	for i, v := range a {
		s[i] = float32(v)
	}
	return s
}

// split parts the rollouts that are held out from those that are trained on.
func (p *pairs) split(d *Dataset, part float64, rng *rand.Rand) error {
	held := map[int]bool{}
	if part > 0 {
		if len(d.Rollout) == 0 {
			return fmt.Errorf("%w: Rollout is empty, so that no whole rollouts can be held out: name them, or train on all with held_out 0", ErrData)
		}
		var rollouts []int
		seen := map[int]bool{}
		for _, r := range d.Rollout {
			if !seen[r] {
				seen[r], rollouts = true, append(rollouts, r)
			}
		}
		if len(rollouts) < 2 {
			return fmt.Errorf("%w: all %d pairs are of one rollout, of which nothing can be held out: give more, or train on all with held_out 0", ErrData, d.N)
		}
		chosen := d.HeldOut
		if chosen == nil {
			rng.Shuffle(len(rollouts), func(i, j int) { rollouts[i], rollouts[j] = rollouts[j], rollouts[i] })
			count := int(math.Round(part * float64(len(rollouts))))
			chosen = rollouts[:min(max(count, 1), len(rollouts)-1)]
		}
		for _, r := range chosen {
			held[r] = true
		}
		if len(held) == 0 || len(held) == len(rollouts) {
			return fmt.Errorf("%w: HeldOut has %d of %d rollouts, expected some to train on and some to hold out", ErrData, len(held), len(rollouts))
		}
	}
	for i := range d.N {
		if part > 0 && held[d.Rollout[i]] {
			p.heldOut = append(p.heldOut, i)
		} else {
			p.train = append(p.train, i)
		}
	}
	return nil
}

// difference writes w_n P_n (y - a) times share for pair n to delta, where y is the network's
// output, and returns w_n (y - a)' P_n (y - a). A float32
// is rounded after each product, and products of two are exact in float64: so the result does not
// depend on whether a processor multiplies and adds in one.
func (p *pairs) difference(delta, y []float32, n int, share float32, e []float32) float64 {
	out := len(e)
	a, w := p.y[n*out:(n+1)*out], p.weight[n]
	for i := range e {
		e[i] = y[i] - a[i]
	}
	scale, sum := float32(w*share), 0.0
	precision := p.precision[n*p.each : (n+1)*p.each]
	if p.each == out*out && out > 1 {
		for i, v := range e {
			q := float32(0)
			for j, u := range e {
				q += float32(precision[i*out+j] * u)
			}
			sum += float64(v) * float64(q)
			delta[i] = float32(q * scale)
		}
		return float64(float64(w) * sum)
	}
	for i, v := range e {
		if p.each > 0 {
			v = float32(precision[i] * v)
		}
		sum += float64(e[i]) * float64(v)
		delta[i] = float32(v * scale)
	}
	return float64(float64(w) * sum)
}

// zeroLoss returns the loss of a network that is 0 everywhere, over the pairs that are trained on.
func (p *pairs) zeroLoss(out int) float64 {
	sum, y, delta, e := 0.0, make([]float32, out), make([]float32, out), make([]float32, out)
	for _, n := range p.train {
		sum += p.difference(delta, y, n, 0, e)
	}
	return sum / 2 / float64(len(p.train))
}
