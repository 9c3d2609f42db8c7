package ilqg

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"guidedpolicysearch/gps/cost"
)

// The best known cost of every swing-up, reached from at least 18 of 20 random starts.
func TestPendulumSwingUp(t *testing.T) {
	for _, c := range []struct {
		torque, speed float64
		everyStep     bool
		best          float64
		within        float64 // relative
	}{
		{8, 8, false, 0.566988, 0.005},
		{8, 8, true, 51.482386, 0.005},
		{2, 8, false, 0.566988, 0.005},
		{2, 8, true, 152.486869, 0.005},
		{8, 2, false, 2.526596, 0.025},
		{8, 2, true, 58.803357, 0.005},
		{2, 2, false, 2.833173, 0.025},
		{2, 2, true, 347.25, 0.025},
	} {
		t.Run(fmt.Sprintf("%v N m, %v rad/s, every step %v", c.torque, c.speed, c.everyStep), func(t *testing.T) {
			t.Parallel()
			cfg := DefaultConfig()
			cfg.Regularization, cfg.Tolerance, cfg.MaxIterations = StateSpace, 1e-6, 200
			s := mustSolver(t, swingUp(c.torque, c.speed, c.everyStep), cfg)
			reached := 0
			for seed := range uint64(20) {
				rng := rand.New(rand.NewPCG(seed, 13))
				res, err := s.Search(hanging, normal(rng, pendulumSteps), DefaultStartsConfig(), rng, nil)
				if err != nil {
					t.Fatal(err)
				}
				if res.Cost <= c.best*(1+c.within) {
					reached++
				}
				if res.Cost < c.best*(1-1e-3) {
					t.Errorf("seed %d: cost %v, well below the best known %v", seed, res.Cost, c.best)
				}
				checkResult(t, res, c.torque)
			}
			if reached < 18 {
				t.Errorf("%d of 20 starts reached %v", reached, c.best)
			}
		})
	}
}

// checkResult holds a search to what it promises: costs never rise within a descent, the
// best is returned, and its cost is that of its trajectory, run again.
func checkResult(t *testing.T, res *Result, torque float64) {
	t.Helper()
	for i, d := range res.Descents {
		last := d.Start
		for _, it := range d.Iterations {
			if it.Cost > last {
				t.Errorf("descent %d: cost rose from %v to %v at iteration %d", i, last, it.Cost, it.Number)
			}
			last = it.Cost
		}
		if last != d.Cost || res.Cost > d.Cost {
			t.Errorf("descent %d ended at %v, says %v; the best says %v", i, last, d.Cost, res.Cost)
		}
	}
	for i, u := range res.Rollout.U {
		if math.Abs(u) > torque {
			t.Errorf("control %d is %v", i, u)
		}
	}
	if res.Descents[res.Best].Cost != res.Cost {
		t.Errorf("the best is descent %d at %v, says %v", res.Best, res.Descents[res.Best].Cost, res.Cost)
	}
}

// No small change of the controls improves on the solution: it is a local minimum, with
// the limits active.
func TestSwingUpIsStationary(t *testing.T) {
	problem := swingUp(0.5, 8, false)
	s := mustSolver(t, problem, DefaultConfig())
	if _, err := s.Solve(hanging, normal(rand.New(rand.NewPCG(3, 1)), pendulumSteps), nil); err != nil {
		t.Fatal(err)
	}
	u := append([]float64(nil), s.Trajectory().U...)
	cost := func() float64 {
		if err := s.Start(hanging, u); err != nil {
			t.Fatal(err)
		}
		return s.Cost()
	}
	base, held := cost(), 0
	for i, old := range u {
		const h = 1e-4
		for _, change := range []float64{-h, h} {
			if u[i] = old + change; math.Abs(u[i]) > 0.5 {
				held++
				continue // clamped: no change
			}
			// The cost's curvature is at least 0.02: a gradient g would gain g h.
			if got := cost(); got < base-1e-4*h {
				t.Errorf("control %d: %v gives %v, below %v", i, u[i], got, base)
			}
		}
		u[i] = old
	}
	if held == 0 {
		t.Error("no control is at its limit; the test shows less than it should")
	}
}

// The cart-pole swings up from any start, in under 100 iterations of one descent.
func TestCartPoleSwingUp(t *testing.T) {
	const steps, force = 60, 5.0
	a := newCartPole(t)
	cfg := DefaultConfig()
	cfg.Tolerance = 1e-6
	s := mustSolver(t, Problem{T: steps, DX: 4, DU: 1, Dynamics: a, Derivatives: a, Cost: PerStep{cartPoleCost{}},
		Lower: []float64{-force}, Upper: []float64{force}}, cfg)
	up := 0
	for seed := range uint64(20) {
		it, err := s.Solve([]float64{0, math.Pi, 0, 0}, normal(rand.New(rand.NewPCG(seed, 14)), steps), nil)
		if err != nil {
			t.Fatal(err)
		}
		x := s.Trajectory().State(steps)
		if it.Status == Converged && it.Number < 100 && math.Cos(x[1]) > math.Cos(0.05) && math.Abs(x[0]) < 0.1 && math.Abs(x[2]) < 0.1 && math.Abs(x[3]) < 0.1 {
			up++
		} else {
			t.Logf("seed %d: %+v, ends at %v", seed, it, x)
		}
	}
	if up < 18 {
		t.Errorf("%d of 20 starts end upright", up)
	}
}

// Short steps in a row raise lambda, whole ones lower it, and others leave it, on a cost of
// the end alone, which the model follows for a part of the way only.
func TestShortStepsRaiseLambda(t *testing.T) {
	const T = 60
	term, err := cost.NewExpression(cost.DefaultExpressionConfig("0.01*f^2 + (t == T-1 ? 100*(1-cos(q)) + 10*p^2 + 2*v^2 + 2*w^2 : 0)", []string{"p", "q", "v", "w"}, []string{"f"}))
	if err != nil {
		t.Fatal(err)
	}
	a := newCartPole(t)
	cfg := DefaultConfig()
	cfg.Tolerance = 1e-6
	s := mustSolver(t, Problem{T: T, DX: 4, DU: 1, Dynamics: a, Derivatives: a, Cost: NewTermCost(term, T, 4, 1), Lower: []float64{-10}, Upper: []float64{10}}, cfg)
	raised, up, total := 0, 0, 0
	for seed := range uint64(20) {
		short := 0
		var last Iteration
		it, err := s.Solve([]float64{0, math.Pi, 0, 0}, normal(rand.New(rand.NewPCG(seed, 5)), T), func(it Iteration) error {
			switch {
			case last.Alpha == 0 || it.Passes > 1:
			case short >= mostShort:
				raised++
				if it.Lambda != max(cfg.MinLambda, cfg.LambdaFactor*last.Lambda) {
					t.Errorf("seed %d: lambda %v after %d short steps at %v", seed, it.Lambda, short, last.Lambda)
				}
			case last.Alpha < 1 && it.Lambda != last.Lambda:
				t.Errorf("seed %d: lambda %v after alpha %v at %v", seed, it.Lambda, last.Alpha, last.Lambda)
			case last.Alpha == 1 && it.Lambda > last.Lambda:
				t.Errorf("seed %d: lambda %v after a whole step at %v", seed, it.Lambda, last.Lambda)
			}
			if short++; !(it.Alpha > 0 && it.Alpha < 0.5) {
				short = 0
			}
			last = it
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		total += it.Number
		if math.Cos(s.Trajectory().State(T)[1]) > math.Cos(0.1) {
			up++
		}
	}
	t.Logf("%d raised, %d up, %d iterations", raised, up, total)
	if raised < 20 {
		t.Errorf("lambda was raised %d times; the test shows little", raised)
	}
}
