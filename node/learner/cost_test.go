package learner

import (
	"math"
	"testing"

	"guidedpolicysearch/gps/cost"
	"guidedpolicysearch/gps/rollout"
	"guidedpolicysearch/hardware/robot"
)

// expand builds the cost of a config and expands it along a rollout of the default robot.
func expand(t *testing.T, r *rollout.Rollout, edit func(*CostConfig)) *cost.Expansion {
	t.Helper()
	cfg := DefaultConfig()
	cfg.Cost.Torque.Weight, cfg.Cost.Position.Weight = 0, 0
	edit(&cfg.Cost)
	p, err := NewProblem(cfg, mustRobot(t, robot.DefaultConfig()))
	if err != nil {
		t.Fatal(err)
	}
	term, err := p.cost()
	if err != nil {
		t.Fatal(err)
	}
	e := cost.NewExpansion(r.T, r.DX, r.DU)
	if err := cost.Expand(e, term, r); err != nil {
		t.Fatal(err)
	}
	return e
}

func bentRollout() *rollout.Rollout {
	r := rollout.New(5, 7, 2)
	for i := range r.X {
		r.X[i] = math.Sin(float64(3 * i))
	}
	for i := range r.U {
		r.U[i] = math.Cos(float64(2 * i))
	}
	return r
}

// The task's own cost as text is that of the built-in terms, with all derivatives.
func TestExpressionEqualsTerms(t *testing.T) {
	r := bentRollout()
	terms := expand(t, r, func(c *CostConfig) {
		c.Torque.Weight, c.Position.Weight, c.Position.Target, c.Position.Ramp = 0.1, 2, []float64{0.5, -1}, "linear"
	})
	text := expand(t, r, func(c *CostConfig) {
		c.Expression.Text = "0.05*(u0^2 + u1^2) + (t+1)/T*((q0 - 0.5)^2 + (q1 + 1)^2)"
	})
	for _, part := range []struct {
		name      string
		got, want []float64
	}{{"cost", text.L, terms.L}, {"gradient", text.Ly, terms.Ly}, {"Hessian", text.Lyy, terms.Lyy}} {
		for i, v := range part.want {
			if math.Abs(part.got[i]-v) > 1e-12 {
				t.Errorf("%s %d is %v, want %v", part.name, i, part.got[i], v)
			}
		}
	}
}

// Every norm of a target is the formula that its parameter names.
func TestNormsOfTarget(t *testing.T) {
	r := bentRollout()
	norms := expand(t, r, func(c *CostConfig) {
		c.Position.Weight, c.Position.L2, c.Position.L1, c.Position.Log, c.Position.SmoothL1, c.Position.LogCosh, c.Position.Alpha = 1, 0, 1, 2, 3, 4, 0.1
		c.Position.Target = []float64{0.5, -1}
	})
	text := expand(t, r, func(c *CostConfig) {
		c.Expression.Text = "let a = q0-0.5; let b = q1+1; let s = 0.1 + a^2 + b^2; sqrt(s) + log(s) + 3*(smooth_abs(a, 0.1) + smooth_abs(b, 0.1)) + 4*(log_cosh(a) + log_cosh(b))"
	})
	for i, want := range text.L {
		if math.Abs(norms.L[i]-want) > 1e-12 {
			t.Errorf("cost at time step %d is %v, want %v", i, norms.L[i], want)
		}
	}
}

func TestSmoothnessAndConvex(t *testing.T) {
	r := bentRollout()
	want := 0.0
	for k := 1; k < r.T; k++ {
		for j := range r.DU {
			d := r.Action(k)[j] - r.Action(k - 1)[j]
			want += 0.5 * 3 * d * d
		}
	}
	e := expand(t, r, func(c *CostConfig) { c.Smoothness.Weight = 3 })
	if math.Abs(e.Total()-want) > 1e-12 {
		t.Errorf("cost of the changes is %v, want %v", e.Total(), want)
	}
	// cos bends down at 0 and up at pi; the projection keeps the one and removes the other.
	r.State(0)[0], r.State(1)[0] = 0, math.Pi
	e = expand(t, r, func(c *CostConfig) { c.Expression.Text, c.Convex = "cos(q0)", true })
	if down, up := e.Hessian(0)[0], e.Hessian(1)[0]; down != 0 || math.Abs(up-1) > 1e-12 {
		t.Errorf("second derivatives at 0 and pi are %v and %v, want 0 and 1", down, up)
	}
}
