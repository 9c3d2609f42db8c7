package ilqg

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"guidedpolicysearch/gps/cost"
)

// broken is a system of one state whose step, derivative or cost fails at a time step.
type broken struct {
	step, derivative, value, gradient, hessian int
	bad                                        float64
}

func sound() broken { return broken{-1, -1, -1, -1, -1, math.NaN()} }

func (b broken) Step(dst, x, u []float64, t int) {
	if dst[0] = x[0] + u[0]; t == b.step {
		dst[0] = b.bad
	}
}

func (b broken) Linearize(dst, _, _ []float64, t int) {
	if dst[0], dst[1] = 1, 1; t == b.derivative {
		dst[1] = b.bad
	}
}

func (b broken) Value(x, u []float64, t int) float64 {
	if t == b.value {
		return b.bad
	}
	l := x[0] * x[0]
	if u != nil {
		l += u[0] * u[0]
	}
	return l
}

func (b broken) Expand(grad, hess, x, u []float64, t int) {
	if grad[0], hess[0] = 2*x[0], 2; u != nil {
		grad[1], hess[3] = 2*u[0], 2
	}
	if t == b.gradient {
		grad[0] = b.bad
	}
	if t == b.hessian {
		hess[0] = b.bad
	}
}

func (b broken) problem() Problem {
	return Problem{T: 5, DX: 1, DU: 1, Dynamics: b, Derivatives: b, Cost: PerStep{b}}
}

// What is not finite gives an error that names what, where and when.
func TestSolverNamesWhatIsNotFinite(t *testing.T) {
	with := func(change func(*broken)) broken { b := sound(); change(&b); return b }
	for _, c := range []struct {
		name     string
		system   broken
		x0       float64
		control  float64
		sentinel error
		want     []string
	}{
		{"initial state", sound(), math.Inf(1), 0, ErrNotFinite, []string{"initial state", "+Inf"}},
		{"control", sound(), 1, math.NaN(), ErrNotFinite, []string{"control", "time step 3"}},
		{"system", with(func(b *broken) { b.step = 2 }), 1, 0, ErrDiverged, []string{"time step 3", "initial controls"}},
		{"derivative", with(func(b *broken) { b.derivative = 2 }), 1, 0, ErrNotFinite, []string{"derivative", "element 1 of [x; u]", "time step 2"}},
		{"cost", with(func(b *broken) { b.value = 4 }), 1, 0, ErrNotFinite, []string{"cost", "time step 4"}},
		{"final cost", with(func(b *broken) { b.value, b.bad = 5, math.Inf(-1) }), 1, 0, ErrNotFinite, []string{"cost", "time step 5"}},
		{"sum of costs", with(func(b *broken) { b.value, b.bad = 4, math.MaxFloat64 }), 1e154, 0, ErrNotFinite, []string{"sum", "scale"}},
		{"gradient", with(func(b *broken) { b.gradient = 1 }), 1, 0, ErrNotFinite, []string{"gradient", "time step 1"}},
		{"Hessian", with(func(b *broken) { b.hessian = 0 }), 1, 0, ErrNotFinite, []string{"Hessian element (0, 0)", "time step 0"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := mustSolver(t, c.system.problem(), DefaultConfig())
			u := make([]float64, 5)
			u[3] = c.control
			_, err := s.Solve([]float64{c.x0}, u, nil)
			if !errors.Is(err, c.sentinel) {
				t.Fatalf("%v, want %v", err, c.sentinel)
			}
			for _, w := range c.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%q is not in: %v", w, err)
				}
			}
		})
	}
}

// A control without a cost and without an effect leaves Q_uu singular, whatever lambda is in
// state space.
func TestSingularControl(t *testing.T) {
	p := scalarProblem{a: 1, q: 1}
	cfg := DefaultConfig()
	cfg.Regularization = StateSpace
	problem := Problem{T: 3, DX: 1, DU: 1, Dynamics: p, Derivatives: p, Cost: PerStep{p}}
	_, err := mustSolver(t, problem, cfg).Solve([]float64{1}, make([]float64, 3), nil)
	if !errors.Is(err, ErrIndefinite) {
		t.Fatalf("%v, want ErrIndefinite", err)
	}
	for _, w := range []string{"time step 2", "condition number", "control space"} {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%q is not in: %v", w, err)
		}
	}
	if it, err := mustSolver(t, problem, DefaultConfig()).Solve([]float64{1}, make([]float64, 3), nil); err != nil || it.Status != Converged {
		t.Errorf("in control space: %+v, %v", it, err)
	}
}

// Along negative curvature there is no feedback: it would make the cost to go grow without
// bound over an unstable system.
func TestNegativeCurvatureOverUnstableSystem(t *testing.T) {
	p := scalarProblem{a: 1.2, b: 1, q: -1, r: 1e-3}
	problem := Problem{T: 99, DX: 1, DU: 1, Dynamics: p, Derivatives: p, Cost: PerStep{p}, Lower: []float64{-1}, Upper: []float64{1}}
	u := normal(rand.New(rand.NewPCG(19, 1)), 99)
	for i := range u {
		u[i] *= 1e-6
	}
	for _, kind := range []Regularization{ControlSpace, StateSpace} {
		cfg := DefaultConfig()
		cfg.Regularization = kind
		it, err := mustSolver(t, problem, cfg).Solve([]float64{1e-6}, u, nil)
		if err != nil {
			t.Fatal(err)
		}
		// Pushing all the way to one side is the best that can be done.
		best, x := 0.0, 1e-6
		for range 99 {
			best += -x*x + 1e-3
			x = 1.2*x + 1
		}
		if best -= x * x; it.Cost > 0.99*best {
			t.Errorf("%s: %+v, want %v", kind, it, best)
		}
	}
}

// unbounded has a cost without a minimum: -u^2.
type unbounded struct{ broken }

func (unbounded) Value(_, u []float64, _ int) float64 {
	if u == nil {
		return 0
	}
	return -u[0] * u[0]
}

func (unbounded) Expand(grad, hess, _, u []float64, _ int) {
	if u != nil {
		grad[1], hess[3] = -2*u[0], -2
	}
}

// A concave cost ends at the bounds if there are any; without, it has no minimum, and
// that is what the descent says.
func TestConcaveCost(t *testing.T) {
	b := unbounded{sound()}
	p := b.problem()
	p.Cost = PerStep{b}
	for _, kind := range []Regularization{ControlSpace, StateSpace} {
		cfg := DefaultConfig()
		cfg.Regularization = kind
		p.Lower, p.Upper = []float64{-1}, []float64{2}
		it, err := mustSolver(t, p, cfg).Solve([]float64{0}, []float64{0.1, 0.1, 0.1, 0.1, 0.1}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if kind == ControlSpace && it.Cost != -20 {
			t.Errorf("%s: %+v, want -20 at the upper bounds", kind, it)
		}
		p.Lower, p.Upper = nil, nil
		it, err = mustSolver(t, p, cfg).Solve([]float64{0}, []float64{0.1, 0.1, 0.1, 0.1, 0.1}, nil)
		if !errors.Is(err, ErrUnbounded) || it.Status != Unbounded || !finite(it.Cost) {
			t.Errorf("%s: %+v, %v", kind, it, err)
		}
	}
}

func TestProblemAndConfigRefuse(t *testing.T) {
	good := sound().problem()
	inf := math.Inf(1)
	for name, change := range map[string]func(*Problem){
		"T":           func(p *Problem) { p.T = 0 },
		"dX":          func(p *Problem) { p.DX = -1 },
		"too large":   func(p *Problem) { p.T, p.DX = 1<<27, 1<<27 },
		"Dynamics":    func(p *Problem) { p.Dynamics = nil },
		"Derivatives": func(p *Problem) { p.Derivatives = nil },
		"Cost":        func(p *Problem) { p.Cost = nil },
		"Lower":       func(p *Problem) { p.Lower = []float64{0} },
		"upper":       func(p *Problem) { p.Lower, p.Upper = []float64{1}, []float64{0} },
		"NaN":         func(p *Problem) { p.Lower, p.Upper = []float64{math.NaN()}, []float64{0} },
		"Inf":         func(p *Problem) { p.Lower, p.Upper = []float64{inf}, []float64{inf} },
	} {
		p := good
		change(&p)
		_, err := New(p, DefaultConfig())
		if !errors.Is(err, ErrConfig) {
			t.Errorf("%s: %v", name, err)
		} else if !strings.Contains(err.Error(), name) && name != "too large" {
			t.Errorf("%s is not in: %v", name, err)
		}
	}
	nan := math.NaN()
	for name, change := range map[string]func(*Config){
		"Regularization": func(c *Config) { c.Regularization = "none" },
		"Lambda ":        func(c *Config) { c.Lambda = nan },
		"LambdaFactor":   func(c *Config) { c.LambdaFactor = 1 },
		"MinLambda":      func(c *Config) { c.MinLambda = 0 },
		"MaxLambda":      func(c *Config) { c.MaxLambda = inf },
		"Halvings":       func(c *Config) { c.Halvings = 100 },
		"Accept":         func(c *Config) { c.Accept = 1 },
		"Tolerance":      func(c *Config) { c.Tolerance = nan },
		"MaxIterations":  func(c *Config) { c.MaxIterations = 0 },
	} {
		c := DefaultConfig()
		change(&c)
		if _, err := New(good, c); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	s := mustSolver(t, good, DefaultConfig())
	for name, change := range map[string]func(*StartsConfig){
		"Restarts":  func(c *StartsConfig) { c.Restarts = -1 },
		"Spread":    func(c *StartsConfig) { c.Spread = nan },
		"Screening": func(c *StartsConfig) { c.Screening = 0 },
		"Finalists": func(c *StartsConfig) { c.Finalists = 0 },
	} {
		c := DefaultStartsConfig()
		change(&c)
		if _, err := s.Search([]float64{0}, make([]float64, 5), c, nil, nil); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSearchWantsRandomNumbers(t *testing.T) {
	s := mustSolver(t, sound().problem(), DefaultConfig())
	c := DefaultStartsConfig()
	if _, err := s.Search([]float64{1}, make([]float64, 5), c, nil, nil); !errors.Is(err, ErrConfig) {
		t.Errorf("%v, want ErrConfig", err)
	}
	c.Restarts = 0
	if _, err := s.Search([]float64{1}, make([]float64, 5), c, nil, nil); err != nil {
		t.Errorf("without random starts: %v", err)
	}
}

func TestShapesPanic(t *testing.T) {
	s := mustSolver(t, sound().problem(), DefaultConfig())
	for name, call := range map[string]func(){
		"initial state has 2 elements, want 1": func() { _ = s.Start(make([]float64, 2), make([]float64, 5)) },
		"controls has 4 elements, want 5":      func() { _ = s.Start(make([]float64, 1), make([]float64, 4)) },
		"H has 3 elements, want 4": func() {
			_ = NewBoxQP(2).Solve(make([]float64, 2), make([]float64, 3), make([]float64, 2), make([]float64, 2), make([]float64, 2))
		},
		"cost is for T=6 dX=1 dU=1, trajectory has T=5 dX=1 dU=1": func() {
			p := sound().problem()
			p.Cost = NewTermCost(actionTerm(t, 1), 6, 1, 1)
			_ = mustSolver(t, p, DefaultConfig()).Start([]float64{0}, make([]float64, 5))
		},
	} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.Contains(got, name) {
					t.Errorf("panic %q, want %q", got, name)
				}
			}()
			call()
		}()
	}
}

func actionTerm(t testing.TB, dU int) cost.Term {
	weights := make([]float64, dU)
	for i := range weights {
		weights[i] = 0.02
	}
	term, err := cost.NewAction(weights)
	if err != nil {
		t.Fatal(err)
	}
	return term
}

// Terms of package cost serve as well as code of one's own.
func TestTermCost(t *testing.T) {
	state, err := cost.NewState(cost.StateConfig{Target: []float64{1, 0}, Weights: []float64{1, 0.1}, Penalty: cost.Penalty{L2: 1}, Ramp: cost.FinalOnlyRamp, FinalMultiplier: 1})
	if err != nil {
		t.Fatal(err)
	}
	sum, err := cost.NewSum(cost.Weighted{Weight: 1, Term: actionTerm(t, 1)}, cost.Weighted{Weight: 2, Term: state})
	if err != nil {
		t.Fatal(err)
	}
	p := swingUp(8, 8, false)
	p.Cost = PerStep{toOne{}}
	u := normal(rand.New(rand.NewPCG(15, 1)), p.T)
	want, err := mustSolver(t, p, DefaultConfig()).Solve(hanging, u, nil)
	if err != nil {
		t.Fatal(err)
	}
	p.Cost = NewTermCost(sum, p.T, 2, 1)
	got, err := mustSolver(t, p, DefaultConfig()).Solve(hanging, u, nil)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(got.Cost-want.Cost) > 1e-9 || got.Number != want.Number {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// toOne is 0.01 u^2 and (q-1)^2 + 0.1 dq^2 at the end.
type toOne struct{}

func (toOne) Value(x, u []float64, _ int) float64 {
	if u != nil {
		return 0.01 * u[0] * u[0]
	}
	return (x[0]-1)*(x[0]-1) + 0.1*x[1]*x[1]
}

func (toOne) Expand(grad, hess, x, u []float64, _ int) {
	if u != nil {
		grad[2], hess[8] = 0.02*u[0], 0.02
		return
	}
	grad[0], grad[1], hess[0], hess[4] = 2*(x[0]-1), 0.2*x[1], 2, 0.2
}

func TestIterateDoesNotAllocate(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Tolerance = 0
	random := newLinearQuadratic(rand.New(rand.NewPCG(16, 1)), 20, 6, 3).problem()
	random.Cost = NewTermCost(actionTerm(t, 3), random.T, random.DX, random.DU)
	random.Lower, random.Upper = []float64{-1, -1, -1}, []float64{0.5, 0.5, 0.5}
	for name, p := range map[string]Problem{"pendulum": swingUp(2, 2, true), "random": random} {
		s := mustSolver(t, p, cfg)
		u := normal(rand.New(rand.NewPCG(17, 1)), p.T*p.DU)
		x := make([]float64, p.DX)
		x[0] = 1
		iterate := func() {
			if err := s.Start(x, u); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Iterate(); err != nil {
				t.Fatal(err)
			}
		}
		iterate()
		if n := testing.AllocsPerRun(20, iterate); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// FuzzSolver gives a problem of any numbers: there is an error, or a finite cost that did
// not rise.
func FuzzSolver(f *testing.F) {
	f.Add(bits(1, 0.5, -0.3, 1, 2, 0.1, 1, 1, -1, 1, 0.5, 0.1), uint8(5))
	f.Add(bits(1e200, 1e200, -1, 1e300, 1e300, 1e300, 1, 1, -1e300, 1e300, 1e200, 1e200), uint8(20))
	f.Add(bits(1, 1, 1, -1, -2, 0, -1, 1, math.Inf(-1), math.Inf(1), 1, 1), uint8(9))
	f.Add(bits(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), uint8(1))
	f.Fuzz(func(t *testing.T, data []byte, horizon uint8) {
		v := floats(data, 13)
		p := scalarProblem{v[0], v[1], v[2], v[3], v[4], v[5], v[6]}
		problem := Problem{T: int(horizon%32) + 1, DX: 1, DU: 1, Dynamics: p, Derivatives: p, Cost: PerStep{p}}
		if v[7] > 0 {
			problem.Lower, problem.Upper = v[8:9], v[9:10]
		}
		cfg := DefaultConfig()
		cfg.MaxIterations = 20
		if v[12] > 0 {
			cfg.Regularization = StateSpace
		}
		s, err := New(problem, cfg)
		if err != nil {
			return
		}
		u := make([]float64, problem.T)
		for i := range u {
			u[i] = v[11]
		}
		first := math.NaN()
		it, err := s.Solve(v[10:11], u, func(it Iteration) error {
			if math.IsNaN(first) {
				first = it.Cost
			}
			if it.Cost > first {
				t.Errorf("the cost rose from %v: %+v", first, it)
			}
			first = it.Cost
			return nil
		})
		if err != nil {
			return
		}
		if !finite(it.Cost) || s.Trajectory().Validate() != nil {
			t.Errorf("%+v, %v", it, s.Trajectory().Validate())
		}
		if m, err := NewMPC(problem, cfg, 2, u); err == nil {
			x, out := []float64{v[10]}, []float64{0}
			for range 3 {
				if _, err := m.Act(out, x); err == nil && !finite(out[0]) {
					t.Errorf("control %v at %v", out, x)
				}
				x[0] += v[11]
			}
		}
	})
}

// scalarProblem is x' = a x + b u + c x^2 with the cost q x^2 + r u^2 + s x u + w cos x.
type scalarProblem struct{ a, b, c, q, r, s, w float64 }

func (p scalarProblem) Step(dst, x, u []float64, _ int) {
	dst[0] = p.a*x[0] + p.b*u[0] + p.c*x[0]*x[0]
}

func (p scalarProblem) Linearize(dst, x, _ []float64, _ int) {
	dst[0], dst[1] = p.a+2*p.c*x[0], p.b
}

func (p scalarProblem) Value(x, u []float64, _ int) float64 {
	l := p.q*x[0]*x[0] + p.w*math.Cos(x[0])
	if u != nil {
		l += p.r*u[0]*u[0] + p.s*x[0]*u[0]
	}
	return l
}

func (p scalarProblem) Expand(grad, hess, x, u []float64, _ int) {
	grad[0], hess[0] = 2*p.q*x[0]-p.w*math.Sin(x[0]), 2*p.q-p.w*math.Cos(x[0])
	if u != nil {
		grad[0] += p.s * u[0]
		grad[1] = 2*p.r*u[0] + p.s*x[0]
		hess[1], hess[2], hess[3] = p.s, p.s, 2*p.r
	}
}

// A random start that leaves the finite numbers is passed over; an error of progress ends
// the search.
func TestSearchPassesOverStartsThatDiverge(t *testing.T) {
	p := fragile{sound()}
	problem := p.problem()
	problem.Dynamics = p
	s := mustSolver(t, problem, DefaultConfig())
	c := DefaultStartsConfig()
	c.Spread = 0.2
	res, err := s.Search([]float64{0.5}, make([]float64, 5), c, rand.New(rand.NewPCG(18, 1)), nil)
	if err != nil {
		t.Fatal(err)
	}
	diverged := 0
	for _, d := range res.Descents {
		if math.IsNaN(d.Cost) {
			diverged++
		} else if d.Cost < res.Cost {
			t.Errorf("%v is better than the best, %v", d.Cost, res.Cost)
		}
	}
	if diverged == 0 || diverged == len(res.Descents) {
		t.Errorf("%d of %d starts diverged; the test shows nothing", diverged, len(res.Descents))
	}
	stop := errors.New("enough")
	if _, err := s.Search([]float64{0.5}, make([]float64, 5), c, rand.New(rand.NewPCG(18, 1)), func(int, Iteration) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("%v, want %v", err, stop)
	}
}

// fragile breaks at states above 1.
type fragile struct{ broken }

func (fragile) Step(dst, x, u []float64, _ int) {
	if dst[0] = x[0] + u[0]; dst[0] > 1 {
		dst[0] = math.NaN()
	}
}

// Negative curvature is clipped in its own directions only.
func TestClip(t *testing.T) {
	b := newBackward(1, 1, 2)
	// Eigenvalues 3 along (1, 1) and -1 along (1, -1).
	copy(b.quu, []float64{1, 2, 2, 1})
	b.clip()
	for i, v := range b.quu {
		if math.Abs(v-1.5) > 1e-14 {
			t.Errorf("element %d is %v, want 1.5", i, v)
		}
	}
	copy(b.quu, []float64{2, 1, 1, 3})
	b.clip()
	if b.quu[0] != 2 || b.quu[1] != 1 || b.quu[3] != 3 {
		t.Errorf("a positive definite matrix became %v", b.quu)
	}
}
