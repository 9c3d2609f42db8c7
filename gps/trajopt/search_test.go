package trajopt_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
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
		func(c *trajopt.Config) { c.MaxPassesPerStep = 1 },
		func(c *trajopt.Config) { c.CovarianceFloor = math.NaN() },
	} {
		cfg := trajopt.DefaultConfig()
		bad(&cfg)
		if _, err := trajopt.New(cfg, 5, 2, 1); err == nil {
			t.Errorf("config %+v was accepted", cfg)
		}
	}
}

// What any kind of search makes of bad parts: an error that says what and where.
func TestUpdateSaysWhatIsWrong(t *testing.T) {
	rng := rand.New(rand.NewPCG(17, 8))
	for _, v := range []struct {
		name, says string
		kind       error
		spoil      func(*trajopt.Problem)
	}{
		{"NaN in the cost", "cost's linear term at time step 3 is NaN", lqg.ErrNotFinite, func(p *trajopt.Problem) { p.Cost.LinAt(3)[1] = math.NaN() }},
		{"infinite dynamics", "dynamics F at time step 2 is +Inf", lqg.ErrNotFinite, func(p *trajopt.Problem) { p.Dynamics.FAt(2)[0] = math.Inf(1) }},
		{"anchor without covariance", "time step 4", lqg.ErrIndefinite, func(p *trajopt.Problem) { p.Anchor.CholAt(4)[0] = 0 }},
		{"indefinite x0", "initial covariance", lqg.ErrIndefinite, func(p *trajopt.Problem) { p.X0.Cov[0] = -1 }},
		{"asymmetric x0", "initial covariance", lqg.ErrIndefinite, func(p *trajopt.Problem) { p.X0.Cov[1] = 0.5 }},
		{"indefinite noise", "dynamics covariance at time step 1", lqg.ErrIndefinite, func(p *trajopt.Problem) { p.Dynamics.CovAt(1)[3] = -1 }},
		{"overflowing states", "covariance of the marginal at time step 1", lqg.ErrNotFinite, func(p *trajopt.Problem) {
			for k := range 5 {
				p.Dynamics.FAt(k)[0] = 1e200
			}
		}},
		{"entropy", "weight of the entropy is NaN", nil, func(p *trajopt.Problem) { p.MaxEnt = math.NaN() }},
		{"policy's weight", "policy's weight at time step 2 is -1", nil, func(p *trajopt.Problem) {
			p.Policy = &lqg.PolicyTerm{Surrogate: lqg.NewSurrogate(p.Anchor), Weight: []float64{0, 0, -1, 0, 0}, DualGain: make([]float64, 10), DualBias: make([]float64, 5)}
		}},
	} {
		for _, search := range []trajopt.Search{trajopt.Secant, trajopt.Bisection} {
			cfg := trajopt.DefaultConfig()
			cfg.Search = search
			o, err := trajopt.New(cfg, 5, 2, 1)
			if err != nil {
				t.Fatal(err)
			}
			p := randomProblem(rng, 5, 2, 1, false)
			v.spoil(p)
			ones := []float64{1, 1, 1, 1, 1}
			_, whole := o.Update(p, 1, 1)
			_, perStep := o.UpdatePerStep(p, ones, ones)
			if search == trajopt.Bisection && (p.MaxEnt != 0 || p.Policy != nil) {
				perStep = whole // refused for another reason
			}
			for _, err := range []error{whole, perStep} {
				if err == nil || !strings.Contains(err.Error(), v.says) || v.kind != nil && !errors.Is(err, v.kind) {
					t.Errorf("%s, %s: got %v, want an error that says %q", v.name, search, err, v.says)
				}
			}
		}
	}
}

func TestUpdatePerStepRefusesBadBounds(t *testing.T) {
	rng := rand.New(rand.NewPCG(18, 8))
	p := randomProblem(rng, 3, 2, 1, false)
	cfg := trajopt.DefaultConfig()
	o, err := trajopt.New(cfg, 3, 2, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []float64{0, -1, math.NaN(), math.Inf(1)} {
		for _, v := range [][2][]float64{{{1, 1, bad}, {1, 1, 1}}, {{1, 1, 1}, {1, 1, bad}}} {
			if _, err := o.UpdatePerStep(p, v[0], v[1]); err == nil || !strings.Contains(err.Error(), "time step 2") {
				t.Errorf("bounds %v, etas %v: got %v, want an error for time step 2", v[0], v[1], err)
			}
		}
	}
	cfg.Search = trajopt.Bisection
	if o, err = trajopt.New(cfg, 3, 2, 1); err != nil {
		t.Fatal(err)
	}
	p.MaxEnt = 1
	if _, err := o.UpdatePerStep(p, []float64{1, 1, 1}, []float64{1, 1, 1}); err == nil {
		t.Error("the reference's search took an entropy that it does not have")
	}
}

// Parts of another size than the optimizer's panic with both sizes.
func TestShapesPanic(t *testing.T) {
	rng := rand.New(rand.NewPCG(19, 8))
	o, err := trajopt.New(trajopt.DefaultConfig(), 5, 3, 2)
	if err != nil {
		t.Fatal(err)
	}
	other := randomProblem(rng, 4, 2, 1, false)
	for name, spoil := range map[string]func(*trajopt.Problem){
		"anchor":         func(p *trajopt.Problem) { p.Anchor = other.Anchor },
		"dynamics":       func(p *trajopt.Problem) { p.Dynamics = other.Dynamics },
		"cost":           func(p *trajopt.Problem) { p.Cost = other.Cost },
		"initial state":  func(p *trajopt.Problem) { p.X0 = other.X0 },
		"short dynamics": func(p *trajopt.Problem) { p.Dynamics.F = p.Dynamics.F[:7] },
		"short cost":     func(p *trajopt.Problem) { p.Cost.Lin = p.Cost.Lin[:7] },
		"no anchor":      func(p *trajopt.Problem) { p.Anchor = nil },
		"no dynamics":    func(p *trajopt.Problem) { p.Dynamics = nil },
		"no cost":        func(p *trajopt.Problem) { p.Cost = nil },
		"no x0":          func(p *trajopt.Problem) { p.X0 = nil },
		"policy":         func(p *trajopt.Problem) { p.Policy = new(lqg.PolicyTerm) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if message, ok := recover().(string); !ok || !strings.Contains(message, "T=5 dX=3 dU=2") {
					t.Errorf("panics with %q, want both sizes", message)
				}
			}()
			p := randomProblem(rng, 5, 3, 2, false)
			spoil(p)
			_, err := o.Update(p, 1, 1)
			t.Errorf("returned %v", err)
		})
	}
}

// Where no eta up to MaxEta keeps the bound, both searches go back to the anchor and say so.
func TestAnchorWhereNoEtaKeepsTheBound(t *testing.T) {
	rng := rand.New(rand.NewPCG(20, 8))
	p := randomProblem(rng, 6, 3, 2, false)
	for i := range p.Cost.Lin {
		p.Cost.Lin[i] *= 1e6
	}
	cfg := trajopt.DefaultConfig()
	cfg.MaxEta = 10
	o, err := trajopt.New(cfg, 6, 3, 2)
	if err != nil {
		t.Fatal(err)
	}
	r, err := o.Update(p, 1e-3, 1)
	if err != nil {
		t.Fatal(err)
	}
	if !r.Anchored || r.Active || r.Eta != cfg.MaxEta || r.KL != 0 || !slices.Equal(r.Controller.K, p.Anchor.K) || !slices.Equal(r.Controller.Chol, p.Anchor.Chol) {
		t.Errorf("anchored %v, eta %g, KL %g", r.Anchored, r.Eta, r.KL)
	}
	bounds, etas := make([]float64, 6), make([]float64, 6)
	for i := range bounds {
		bounds[i], etas[i] = 1e-4, 1
	}
	s, err := o.UpdatePerStep(p, bounds, etas)
	if err != nil {
		t.Fatal(err)
	}
	if !s.Anchored || s.Settled || !slices.Equal(s.Controller.Bias, p.Anchor.Bias) {
		t.Errorf("per step: anchored %v, settled %v", s.Anchored, s.Settled)
	}
}

// An anchor below the floor stays possible: a small bound holds, the covariances do not
// shrink further, and one that is above the floor in all directions comes down to it only.
func TestFloorNeverBreaksTheBound(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 8))
	for _, epsilon := range []float64{1e-3, 1, 1e4} {
		p := randomProblem(rng, 12, 4, 2, false)
		for k := range 6 {
			for i := range p.Anchor.CholAt(k) {
				p.Anchor.CholAt(k)[i] *= 1e-4
			}
		}
		cfg := trajopt.DefaultConfig()
		cfg.CovarianceFloor = 1e-2
		o, err := trajopt.New(cfg, 12, 4, 2)
		if err != nil {
			t.Fatal(err)
		}
		r, err := o.Update(p, epsilon, 1)
		if err != nil {
			t.Fatal(err)
		}
		if r.Anchored || !(r.KL <= 1.1*epsilon) || r.Active && r.KL < 0.9*epsilon {
			t.Errorf("epsilon %g: KL %g, anchored %v", epsilon, r.KL, r.Anchored)
		}
		ours, theirs := make([]float64, 4), make([]float64, 4)
		for k := range 12 {
			r.Controller.Covariance(ours, k)
			p.Anchor.Covariance(theirs, k)
			floor := cfg.CovarianceFloor
			if k < 6 {
				floor = math.Min(theirs[0], theirs[3])
			}
			least := (ours[0]+ours[3])/2 - math.Hypot((ours[0]-ours[3])/2, ours[1])
			if least < floor*(1-1e-6) {
				t.Errorf("epsilon %g step %d: smallest eigenvalue %g, floor %g", epsilon, k, least, floor)
			}
		}
	}
}

// The per-step solution is the best one within its bounds: no random controller near it
// that keeps them has a lower expected cost.
func TestPerStepIsBestWithinItsBounds(t *testing.T) {
	rng := rand.New(rand.NewPCG(22, 8))
	for range 5 {
		T, dX, dU := 3+rng.IntN(4), 1+rng.IntN(3), 1+rng.IntN(2)
		p := &drawn{Problem: randomProblem(rng, T, dX, dU, false), T: T, dX: dX, dU: dU}
		cfg := trajopt.DefaultConfig()
		cfg.Tolerance, cfg.CovarianceFloor = 1e-7, 0
		o, err := trajopt.New(cfg, T, dX, dU)
		if err != nil {
			t.Fatal(err)
		}
		epsilon, eta := make([]float64, T), make([]float64, T)
		for k := range T {
			epsilon[k], eta[k] = 0.05+rng.Float64(), 1
		}
		r, err := o.UpdatePerStep(p.Problem, epsilon, eta)
		if err != nil {
			t.Fatal(err)
		}
		_, best := measured(p, r.Controller)
		tried := 0
		for range 3000 {
			c := r.Controller.Clone()
			size := math.Pow(10, -4*rng.Float64())
			for _, part := range [][]float64{c.K, c.Bias} {
				for i := range part {
					part[i] += size * 0.3 * rng.NormFloat64()
				}
			}
			for i := range c.Chol {
				c.Chol[i] *= 1 + size*rng.NormFloat64()
			}
			// Back within the bounds, by moving towards the anchor.
			share := 1.0
			for ; share > 1e-3; share *= 0.9 {
				mixed := c.Clone()
				mix(mixed.K, p.Anchor.K, share)
				mix(mixed.Bias, p.Anchor.Bias, share)
				mix(mixed.Chol, p.Anchor.Chol, share)
				if mixed.Validate() != nil {
					continue
				}
				kl, cost := measured(p, mixed)
				if !within(kl, epsilon) {
					continue
				}
				tried++
				if cost < best-1e-5*(1+math.Abs(best)) {
					t.Fatalf("T=%d dX=%d dU=%d: cost %.10g, %.10g is possible within the bounds", T, dX, dU, best, cost)
				}
				break
			}
		}
		if tried < 1000 {
			t.Errorf("only %d controllers within the bounds", tried)
		}
	}
}

func mix(dst, with []float64, share float64) {
	for i, v := range with {
		dst[i] = share*dst[i] + (1-share)*v
	}
}

func within(kl, epsilon []float64) bool {
	for i, v := range kl {
		if v > epsilon[i] {
			return false
		}
	}
	return true
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
