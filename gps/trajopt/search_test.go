package trajopt_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/trajopt"
)

// randomProblem draws a stable system with a convex cost (indefinite in x now and then)
// and a previous controller.
func randomProblem(rng *rand.Rand, T, dX, dU int, indefinite bool) *trajopt.Problem {
	d := dX + dU
	p := &trajopt.Problem{Dynamics: lqg.NewDynamics(T, dX, dU), Cost: lqg.NewCost(T, dX, dU), Anchor: lqg.NewController(T, dX, dU),
		X0: &lqg.InitialState{Mean: make([]float64, dX), Cov: make([]float64, dX*dX)}}
	for i := range dX {
		p.X0.Mean[i] = rng.NormFloat64()
		p.X0.Cov[i*dX+i] = 0.01
	}
	for t := range T {
		F := p.Dynamics.FAt(t)
		for i := range dX {
			for j := range d {
				F[i*d+j] = 0.3 * rng.NormFloat64() / math.Sqrt(float64(d))
			}
			F[i*d+i] += 0.7
			p.Dynamics.BiasAt(t)[i] = 0.1 * rng.NormFloat64()
			p.Dynamics.CovAt(t)[i*dX+i] = 1e-3
		}
		for i := range dU {
			for j := range dX {
				p.Anchor.Gain(t)[i*dX+j] = 0.1 * rng.NormFloat64()
			}
			p.Anchor.BiasAt(t)[i] = rng.NormFloat64()
			p.Anchor.CholAt(t)[i*dU+i] = 0.1 + rng.Float64()
		}
		for i := range d {
			p.Cost.QuadAt(t)[i*d+i] = 0.1 + rng.Float64()
			p.Cost.LinAt(t)[i] = rng.NormFloat64()
		}
		if indefinite {
			i := rng.IntN(dX)
			p.Cost.QuadAt(t)[i*d+i] = -2
		}
	}
	return p
}

// The bound is inactive: the search must not walk the whole bracket.
func TestSearchInactiveBound(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	p := randomProblem(rng, 20, 4, 2, false)
	o, err := trajopt.New(trajopt.DefaultConfig(), 20, 4, 2)
	if err != nil {
		t.Fatal(err)
	}
	r, err := o.Update(p, 1e9, 1)
	if err != nil {
		t.Fatal(err)
	}
	if r.Active || r.Passes > 12 {
		t.Errorf("active %v after %d passes, want inactive within 12", r.Active, r.Passes)
	}
}

// Q_uu is indefinite at every small eta: those are lower ends of the bracket.
func TestSearchIndefinite(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	p := randomProblem(rng, 10, 3, 2, false)
	d := 5
	for k := range 10 {
		p.Cost.QuadAt(k)[3*d+3] = -5
	}
	o, err := trajopt.New(trajopt.DefaultConfig(), 10, 3, 2)
	if err != nil {
		t.Fatal(err)
	}
	for _, epsilon := range []float64{1e-3, 1, 100} {
		r, err := o.Update(p, epsilon, 1e-3)
		if err != nil {
			t.Fatal(err)
		}
		if r.KL > 1.1*epsilon || r.KL < 0.9*epsilon {
			t.Errorf("epsilon %g: KL %g", epsilon, r.KL)
		}
	}
}

func TestUpdateRefusesBadInput(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	o, err := trajopt.New(trajopt.DefaultConfig(), 5, 2, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, epsilon := range []float64{0, -1, math.NaN(), math.Inf(1)} {
		if _, err := o.Update(randomProblem(rng, 5, 2, 1, false), epsilon, 1); err == nil {
			t.Errorf("bound %v was accepted", epsilon)
		}
	}
	p := randomProblem(rng, 5, 2, 1, false)
	p.Cost.Quad[3] = math.NaN()
	if r, err := o.Update(p, 1, 1); err == nil {
		t.Errorf("NaN in the cost gave a controller with KL %v", r.KL)
	}
	p = randomProblem(rng, 5, 2, 1, false)
	p.X0.Mean[0] = math.Inf(1)
	if _, err := o.Update(p, 1, 1); !errors.Is(err, lqg.ErrNotFinite) {
		t.Errorf("infinite initial state: %v, want ErrNotFinite", err)
	}
	for _, bad := range []func(*trajopt.Config){
		func(c *trajopt.Config) { c.Search = "guess" },
		func(c *trajopt.Config) { c.MinEta = 0 },
		func(c *trajopt.Config) { c.MaxEta = c.MinEta },
		func(c *trajopt.Config) { c.Tolerance = 1 },
		func(c *trajopt.Config) { c.MaxPasses = 1 },
		func(c *trajopt.Config) { c.CovarianceFloor = math.NaN() },
	} {
		cfg := trajopt.DefaultConfig()
		bad(&cfg)
		if _, err := trajopt.New(cfg, 5, 2, 1); err == nil {
			t.Errorf("config %+v was accepted", cfg)
		}
	}
}

// The controller that a search returns costs less than its anchor under the model.
func TestUpdateLowersExpectedCost(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	for range 20 {
		p := randomProblem(rng, 15, 4, 2, false)
		o, err := trajopt.New(trajopt.DefaultConfig(), 15, 4, 2)
		if err != nil {
			t.Fatal(err)
		}
		r, err := o.Update(p, 5, 1)
		if err != nil {
			t.Fatal(err)
		}
		m, cost := lqg.NewTrajectory(15, 4, 2), make([]float64, 16)
		forward := lqg.NewForwardPass(4, 2)
		forward.Run(m, p.X0, p.Anchor, p.Dynamics)
		before := lqg.ExpectedCost(cost, p.Cost, m)
		forward.Run(m, p.X0, r.Controller, p.Dynamics)
		if after := lqg.ExpectedCost(cost, p.Cost, m); after >= before {
			t.Errorf("expected cost went from %g to %g", before, after)
		}
	}
}
