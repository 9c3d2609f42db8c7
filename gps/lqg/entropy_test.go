package lqg_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"guidedpolicysearch/gps/lqg"
)

// Maximum entropy at temperature tau: min E[cost] - tau H has C_t = tau Q_uu^-1 with the
// gains of the plain problem, so the covariances are tau times those at tau = 1.
func TestMaximumEntropyCovariance(t *testing.T) {
	rng := rand.New(rand.NewPCG(31, 1))
	T, dX, dU := 6, 3, 2
	dyn, cost, _ := random(rng, T, dX, dU)
	pass := lqg.NewBackwardPass(dX, dU)
	one, hot := lqg.NewController(T, dX, dU), lqg.NewController(T, dX, dU)
	obj := plain(cost)
	if err := pass.Run(one, obj, dyn, 0); err != nil {
		t.Fatal(err)
	}
	const tau = 3.7
	obj.MaxEnt = tau
	if err := pass.Run(hot, obj, dyn, 0); err != nil {
		t.Fatal(err)
	}
	near(t, "gains", hot.K, one.K, 1e-12)
	near(t, "biases", hot.Bias, one.Bias, 1e-12)
	a, b := make([]float64, dU*dU), make([]float64, dU*dU)
	for k := range T {
		one.Covariance(a, k)
		hot.Covariance(b, k)
		for i := range a {
			a[i] *= tau
		}
		near(t, "covariance", b, a, 1e-12)
	}
}

func near(t *testing.T, name string, got, want []float64, tolerance float64) {
	t.Helper()
	for i, w := range want {
		if !(math.Abs(got[i]-w) <= tolerance*(1+math.Abs(w))) {
			t.Errorf("%s: entry %d is %.12g, want %.12g", name, i, got[i], w)
		}
	}
}

// One step and one action, with the KL term and the entropy together: u minimises
// E[r u^2/2 + q u] - w H + eta KL(N(m, C) || N(a, s^2)), which is solved by
// C = (eta+w)/(r + eta/s^2), m = -(q - eta a/s^2)/(r + eta/s^2).
func TestMaximumEntropyWithAnchorByHand(t *testing.T) {
	const r, q, w, eta, a, s = 2.0, 0.7, 0.3, 0.9, -1.5, 0.4
	cost, dyn, anchor := lqg.NewCost(1, 1, 1), lqg.NewDynamics(1, 1, 1), lqg.NewController(1, 1, 1)
	cost.QuadAt(0)[3], cost.LinAt(0)[1] = r, q
	anchor.Bias[0], anchor.Chol[0] = a, s
	c := lqg.NewController(1, 1, 1)
	if err := lqg.NewBackwardPass(1, 1).Run(c, &lqg.Objective{Cost: cost, Anchor: lqg.NewSurrogate(anchor), MaxEnt: w}, dyn, eta); err != nil {
		t.Fatal(err)
	}
	precision := r + eta/(s*s)
	near(t, "covariance", []float64{c.Chol[0] * c.Chol[0]}, []float64{(eta + w) / precision}, 1e-14)
	near(t, "mean", []float64{c.Bias[0], c.K[0]}, []float64{-(q - eta*a/(s*s)) / precision, 0}, 1e-14)
	// The derivative of the objective over the standard deviation vanishes there.
	value := func(sd float64) float64 {
		kl := math.Log(s/sd) + (sd*sd+(c.Bias[0]-a)*(c.Bias[0]-a))/(2*s*s) - 0.5
		return r*(sd*sd+c.Bias[0]*c.Bias[0])/2 + q*c.Bias[0] - w*math.Log(sd) + eta*kl
	}
	const h = 1e-5
	if slope := (value(c.Chol[0]+h) - value(c.Chol[0]-h)) / (2 * h); math.Abs(slope) > 1e-8 {
		t.Errorf("slope %g over the standard deviation", slope)
	}
}

// Over a horizon: no small change of a gain, a bias or a covariance factor lowers
// E[cost] - w H + eta KL, all taken from the forward pass and the divergence.
func TestBackwardMinimisesTheLagrangian(t *testing.T) {
	rng := rand.New(rand.NewPCG(32, 1))
	const T, dX, dU, eta, w = 4, 2, 2, 0.8, 0.25
	dyn, cost, x0 := random(rng, T, dX, dU)
	anchor := lqg.NewController(T, dX, dU)
	for i := range anchor.K {
		anchor.K[i] = 0.3 * rng.NormFloat64()
	}
	for k := range T {
		copy(anchor.CholAt(k), []float64{0.5, 0, 0.2 * rng.NormFloat64(), 0.8})
		anchor.BiasAt(k)[0] = rng.NormFloat64()
	}
	c := lqg.NewController(T, dX, dU)
	if err := lqg.NewBackwardPass(dX, dU).Run(c, &lqg.Objective{Cost: cost, Anchor: lqg.NewSurrogate(anchor), MaxEnt: w}, dyn, eta); err != nil {
		t.Fatal(err)
	}
	m, forward, kl := lqg.NewTrajectory(T, dX, dU), lqg.NewForwardPass(dX, dU), lqg.NewDivergence(dX, dU)
	parts, steps := make([]float64, T+1), make([]float64, T)
	lagrangian := func() float64 {
		forward.Run(m, x0, c, dyn)
		v := lqg.ExpectedCost(parts, cost, m) + eta*kl.PerStep(steps, c, anchor, m)
		for k := range T {
			v -= w * c.LogDet(k) / 2
		}
		return v
	}
	if slope, falls := steepest(lagrangian, parameters(c)); slope > 1e-6 || falls {
		t.Errorf("slope %v at the optimum, which can be lowered: %v", slope, falls)
	}
}

// parameters returns all numbers of a controller: gains, biases and the lower parts of the
// factors.
func parameters(c *lqg.Controller) []*float64 {
	all := pointers(c.K, c.Bias)
	n := c.DU
	for i := range c.Chol {
		if i%n <= i%(n*n)/n {
			all = append(all, &c.Chol[i])
		}
	}
	return all
}

// With a policy term whose weights change from step to step, and an entropy term, the pass
// minimises E[cost - u'lambda] - w H + sum_t (eta KL_t to the anchor + nu_t KL_t to the
// policy), all taken from the forward pass and the divergence. Two steps are enough. With
// the reference's scale of the value function it does not, but for w = 0 or equal weights.
func TestBackwardMinimisesWithPolicyAndEntropy(t *testing.T) {
	const T, dX, dU, eta = 2, 2, 2, 0.8
	for _, problem := range []struct {
		w  float64
		nu []float64
	}{{0.6, []float64{0.3, 2.5}}, {0.6, []float64{2.5, 0.3}}, {0, []float64{0.3, 2.5}}, {0.6, []float64{0.7, 0.7}}} {
		rng := rand.New(rand.NewPCG(34, 1))
		dyn, cost, x0 := random(rng, T, dX, dU)
		controller := func() *lqg.Controller {
			c := lqg.NewController(T, dX, dU)
			for i := range c.K {
				c.K[i] = 0.3 * rng.NormFloat64()
			}
			for i := range c.Bias {
				c.Bias[i] = rng.NormFloat64()
			}
			for k := range T {
				copy(c.CholAt(k), []float64{0.5, 0, 0.2 * rng.NormFloat64(), 0.8})
			}
			return c
		}
		anchor, policy := controller(), controller()
		dual := controller() // for its gains and biases
		obj := &lqg.Objective{Cost: cost, Anchor: lqg.NewSurrogate(anchor), MaxEnt: problem.w,
			Policy: &lqg.PolicyTerm{Surrogate: lqg.NewSurrogate(policy), Weight: problem.nu, DualGain: dual.K, DualBias: dual.Bias}}
		charged := cost.Clone() // with the multipliers
		const d = dX + dU
		for k := range T {
			for i := range dU {
				charged.LinAt(k)[dX+i] -= dual.BiasAt(k)[i]
				for j := range dX {
					charged.QuadAt(k)[(dX+i)*d+j] -= dual.Gain(k)[i*dX+j]
					charged.QuadAt(k)[j*d+dX+i] -= dual.Gain(k)[i*dX+j]
				}
			}
		}
		c := lqg.NewController(T, dX, dU)
		m, forward, kl := lqg.NewTrajectory(T, dX, dU), lqg.NewForwardPass(dX, dU), lqg.NewDivergence(dX, dU)
		parts, steps := make([]float64, T+1), make([]float64, T)
		lagrangian := func() float64 {
			forward.Run(m, x0, c, dyn)
			v := lqg.ExpectedCost(parts, charged, m) + eta*kl.PerStep(steps, c, anchor, m)
			kl.PerStep(steps, c, policy, m)
			for k := range T {
				v += problem.nu[k]*steps[k] - problem.w*c.LogDet(k)/2
			}
			return v
		}
		run := func(reference bool) (slope float64, falls bool) {
			obj.ReferenceScale = reference
			if err := lqg.NewBackwardPass(dX, dU).Run(c, obj, dyn, eta); err != nil {
				t.Fatal(err)
			}
			return steepest(lagrangian, parameters(c))
		}
		if slope, falls := run(false); slope > 1e-6 || falls {
			t.Errorf("w %v, nu %v: slope %v at the optimum, which can be lowered: %v", problem.w, problem.nu, slope, falls)
		}
		same := problem.w == 0 || problem.nu[0] == problem.nu[1]
		if slope, falls := run(true); same != (slope <= 1e-6) || same == falls {
			t.Errorf("w %v, nu %v: slope %v with the reference's scale, which can be lowered: %v", problem.w, problem.nu, slope, falls)
		}
	}
}

// With the value function of another controller, step t is the best one if all later steps
// follow that controller: with step t in its place, no change of its gain or bias lowers the
// expectation of the objective.
func TestPropagateUnderAnotherController(t *testing.T) {
	rng := rand.New(rand.NewPCG(33, 1))
	const T, dX, dU, eta = 5, 3, 2, 0.6
	dyn, cost, x0 := random(rng, T, dX, dU)
	anchor := lqg.NewController(T, dX, dU)
	for i := range anchor.K {
		anchor.K[i] = 0.3 * rng.NormFloat64()
	}
	for i := range anchor.Bias {
		anchor.Bias[i] = rng.NormFloat64()
	}
	for k := range T {
		copy(anchor.CholAt(k), []float64{0.5, 0, 0.2, 0.8})
	}
	obj := &lqg.Objective{Cost: cost, Anchor: lqg.NewSurrogate(anchor)}
	pass := lqg.NewBackwardPass(dX, dU)
	pass.PropagateUnder = anchor
	c := lqg.NewController(T, dX, dU)
	if err := pass.Run(c, obj, dyn, eta); err != nil {
		t.Fatal(err)
	}
	staged := cost.Clone()
	for k := range T + 1 {
		obj.Stage(k, eta, staged.QuadAt(k), staged.LinAt(k))
	}
	m, forward, parts := lqg.NewTrajectory(T, dX, dU), lqg.NewForwardPass(dX, dU), make([]float64, T+1)
	for k := range T {
		mixed := anchor.Clone()
		mixed.CopyStep(c, k)
		expected := func() float64 {
			forward.Run(m, x0, mixed, dyn)
			return lqg.ExpectedCost(parts, staged, m)
		}
		best := expected()
		if slope, falls := steepest(expected, pointers(mixed.Gain(k), mixed.BiasAt(k))); slope > 1e-6*math.Abs(best) || falls {
			t.Errorf("step %d: slope %v at the expected cost %v, which can be lowered: %v", k, slope, best, falls)
		}
	}
}
