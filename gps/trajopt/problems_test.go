package trajopt_test

import (
	"math"
	"math/rand/v2"

	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/trajopt"
)

// drawn is a random well-posed problem: finite, with an anchor that is a controller. Its cost
// may be indefinite in the states, the actions and across, and in any unit; its model may
// grow by up to 1.3 a step.
type drawn struct {
	*trajopt.Problem
	T, dX, dU     int
	epsilon, eta0 float64
	unstable      bool // the model grows by more than 1.03 a step
}

// logUniform draws 10^a to 10^b.
func logUniform(rng *rand.Rand, a, b float64) float64 { return math.Pow(10, a+(b-a)*rng.Float64()) }

// sizes draws from the whole range up to T=100 dX=26 dU=7; its corners come up now and then.
func sizes(rng *rand.Rand) (T, dX, dU int) {
	pick := func(most int) int {
		switch rng.IntN(10) {
		case 0:
			return 1
		case 1:
			return most
		}
		return 1 + int(float64(most)*math.Pow(rng.Float64(), 1.5))
	}
	if rng.IntN(50) == 0 {
		return 100, 26, 7
	}
	return pick(100), pick(26), pick(7)
}

// fill writes scale times a random matrix whose singular values are about 1.
func fill(rng *rand.Rand, dst []float64, rows, cols, stride int, scale float64) {
	scale /= math.Sqrt(float64(max(rows, cols)))
	for i := range rows {
		for j := range cols {
			dst[i*stride+j] = scale * rng.NormFloat64()
		}
	}
}

// outer adds weight v v' for a random direction v of n entries, scaled entry by entry.
func outer(rng *rand.Rand, dst []float64, first, n, stride int, weight float64, scale []float64) {
	v := make([]float64, n)
	for i := range v {
		v[i] = scale[first+i] * rng.NormFloat64()
	}
	for i := range n {
		for j := range n {
			dst[(first+i)*stride+first+j] += weight * v[i] * v[j] / float64(n)
		}
	}
}

func draw(rng *rand.Rand) *drawn {
	T, dX, dU := sizes(rng)
	d := dX + dU
	p := &trajopt.Problem{Dynamics: lqg.NewDynamics(T, dX, dU), Cost: lqg.NewCost(T, dX, dU), Anchor: lqg.NewController(T, dX, dU),
		X0: &lqg.InitialState{Mean: make([]float64, dX), Cov: make([]float64, dX*dX)}}

	// States and actions have units of their own; the model is drawn in unit ones.
	unit := make([]float64, d)
	for i := range unit {
		unit[i] = logUniform(rng, -2, 2)
	}
	growth := 0.5 + 0.53*rng.Float64() // up to 1.03 a step
	if rng.IntN(6) == 0 {
		growth = 1.03 + 0.27*rng.Float64()
	}
	steady := rng.IntN(2) == 0 // the same model at every step
	authority := logUniform(rng, -1.5, 0.5)
	noise := logUniform(rng, -4, -0.5)
	for t := range T {
		F := p.Dynamics.FAt(t)
		if steady && t > 0 {
			copy(F, p.Dynamics.FAt(0))
		} else {
			fill(rng, F, dX, d, d, 0.2)
			for i := range dX {
				for j := range dX {
					F[i*d+j] *= growth
				}
				F[i*d+i] += 0.8 * growth
				for j := range dU {
					F[i*d+dX+j] *= 5 * authority
				}
				for j := range d {
					F[i*d+j] *= unit[i] / unit[j]
				}
			}
		}
		for i := range dX {
			p.Dynamics.BiasAt(t)[i] = 0.05 * unit[i] * rng.NormFloat64()
		}
		outer(rng, p.Dynamics.CovAt(t), 0, dX, dX, noise*noise, unit)
		for i := range dX {
			p.Dynamics.CovAt(t)[i*dX+i] += noise * noise * unit[i] * unit[i]
		}
	}
	for i := range dX {
		p.X0.Mean[i] = unit[i] * rng.NormFloat64()
	}
	outer(rng, p.X0.Cov, 0, dX, dX, 0.1, unit)

	// The cost has a scale of its own, and one per entry.
	weight, inverse := logUniform(rng, -3, 3), make([]float64, d)
	if rng.IntN(5) == 0 {
		weight = logUniform(rng, -6, 20)
	}
	for i := range inverse {
		inverse[i] = logUniform(rng, -1, 1) / unit[i]
	}
	states, actions, across := rng.IntN(3) == 0, rng.IntN(4) == 0, rng.IntN(3) == 0
	for t := range T + 1 {
		quad, lin := p.Cost.QuadAt(t), p.Cost.LinAt(t)
		n := d
		if t == T {
			n = dX
		}
		for i := range n {
			quad[i*d+i] = weight * rng.Float64() * inverse[i] * inverse[i]
			lin[i] = weight * rng.NormFloat64() * inverse[i]
		}
		outer(rng, quad, 0, dX, d, weight, inverse)
		if states {
			outer(rng, quad, 0, dX, d, -2*weight, inverse)
		}
		if t == T {
			continue
		}
		if actions && rng.IntN(3) == 0 {
			outer(rng, quad, dX, dU, d, -2*weight, inverse)
		}
		if across {
			outer(rng, quad, 0, d, d, weight, inverse)
			outer(rng, quad, 0, d, d, -weight, inverse)
		}
	}

	// The anchor's covariances lie anywhere, and are correlated.
	spread := make([]float64, dU)
	for i := range spread {
		spread[i] = unit[dX+i] * logUniform(rng, -4, 1)
	}
	for t := range T {
		for i := range dU {
			for j := range dX {
				p.Anchor.Gain(t)[i*dX+j] = 0.05 / (0.3 + authority) * unit[dX+i] / unit[j] * rng.NormFloat64() / float64(dX)
			}
			p.Anchor.BiasAt(t)[i] = 0.3 * unit[dX+i] * rng.NormFloat64()
			p.Anchor.CholAt(t)[i*dU+i] = spread[i] * (0.5 + rng.Float64())
			for j := range i {
				p.Anchor.CholAt(t)[i*dU+j] = 0.5 * spread[i] * rng.NormFloat64()
			}
		}
	}
	if rng.IntN(5) == 0 {
		p.MaxEnt = weight * logUniform(rng, -3, 0)
	}
	return &drawn{Problem: p, T: T, dX: dX, dU: dU, unstable: growth > 1.03,
		epsilon: logUniform(rng, -3, 3), eta0: logUniform(rng, -6, 6)}
}
