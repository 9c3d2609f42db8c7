package algorithm_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"guidedpolicysearch/gps/algorithm"
	"guidedpolicysearch/gps/internal/dense"
	"guidedpolicysearch/gps/lqg"
)

// trial draws a trial of the controller under the model, and returns what the algorithm minimises of
// it: its cost, and the pull towards the linearised policy.
func trial(rng *rand.Rand, name string, of *algorithm.Condition, c *lqg.Controller, model *algorithm.Model) float64 {
	T, dX, dU := c.Sizes()
	D := dX + dU
	normal := func(mean, cov []float64) []float64 {
		n := len(mean)
		l := slices.Clone(cov)
		if !dense.Cholesky(l, n) {
			panic("a covariance is not positive definite")
		}
		z, v := make([]float64, n), make([]float64, n)
		for i := range n {
			z[i], v[i] = rng.NormFloat64(), mean[i]
			for j := range i + 1 {
				v[i] += l[i*n+j] * z[j]
			}
		}
		return v
	}
	value, x := 0.0, normal(model.X0.Mean, model.X0.Cov)
	mean, cov := make([]float64, dU), make([]float64, dU*dU)
	act := func(c *lqg.Controller, t int) []float64 {
		c.Act(mean, x, t, nil)
		c.Covariance(cov, t)
		return append([]float64(nil), mean...)
	}
	for t := range T + 1 {
		z := append([]float64(nil), x...)
		var u []float64
		if t < T {
			u = normal(act(c, t), cov)
			z = append(z, u...)
		} else {
			z = append(z, make([]float64, dU)...)
		}
		value += model.Cost.Const[t]
		for i := range D {
			value += model.Cost.Lin[t*D+i] * z[i]
			for j := range D {
				value += z[i] * model.Cost.Quad[(t*D+i)*D+j] * z[j] / 2
			}
		}
		if t == T {
			break
		}
		likely := density(u, act(c, t), cov)
		pi := act(of.Linear, t)
		nu, d := of.Duals.Weight[t], of.Duals
		for i := range dU {
			lambda := d.Bias[t*dU+i]
			for j := range dX {
				lambda += d.Gain[(t*dU+i)*dX+j] * x[j]
			}
			if name == "lagrangian" {
				value += lambda*(pi[i]-u[i]) + nu*(u[i]-pi[i])*(u[i]-pi[i])
			} else {
				value -= lambda * u[i]
			}
		}
		if name != "lagrangian" {
			value += nu * (likely - density(u, pi, cov))
		}
		next := append([]float64(nil), model.Dynamics.Bias[t*dX:(t+1)*dX]...)
		for i := range dX {
			for j := range D {
				next[i] += model.Dynamics.F[(t*dX+i)*D+j] * z[j]
			}
		}
		x = normal(next, model.Dynamics.Cov[t*dX*dX:(t+1)*dX*dX])
	}
	return value
}

// density is the logarithm of that of one action.
func density(u, mean, variance []float64) float64 {
	d := u[0] - mean[0]
	return -0.5 * (d*d/variance[0] + math.Log(2*math.Pi*variance[0]))
}

// What an update promised and gave is told of what it minimised, the pull towards the policy included:
// it is what trials that are drawn from the models show.
func TestImprovementHasThePull(t *testing.T) {
	for _, name := range []string{"badmm", "constrained", "lagrangian"} {
		a := massAlgorithm(t, name, exploring)
		state, _ := massRun(t, a, massState(1), 2, 6)
		next, reports := massRun(t, a, state, 1, 6)
		for m := range state.Conditions {
			c, report := &state.Conditions[m], &reports[0].Conditions[m]
			rng := rand.New(rand.NewPCG(uint64(m), 9))
			const draws = 5000
			average := func(controller *lqg.Controller, model *algorithm.Model) (mean, variance float64) {
				squares := 0.0
				for range draws {
					v := trial(rng, name, c, controller, model)
					mean += v / draws
					squares += v * v / draws
				}
				return mean, (squares - mean*mean) / draws
			}
			before, v0 := average(c.Previous.Controller, c.Previous)
			promised, v1 := average(c.Controller, c.Previous)
			is, v2 := average(c.Controller, next.Conditions[m].Previous)
			if got, want, tolerance := report.Predicted, before-promised, 5*math.Sqrt(v0+v1); math.Abs(got-want) > tolerance {
				t.Errorf("%s, condition %d: promised %v, trials say %v within %v", name, m, got, want, tolerance)
			}
			if got, want, tolerance := report.Actual, before-is, 5*math.Sqrt(v0+v2); math.Abs(got-want) > tolerance {
				t.Errorf("%s, condition %d: gave %v, trials say %v within %v", name, m, got, want, tolerance)
			}
		}
	}
}
