package trajectory

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"guidedpolicysearch/gps/ilqg"
	"guidedpolicysearch/node/params"
	"guidedpolicysearch/node/simrobot"
)

func pendulum() simrobot.Config {
	c := simrobot.DefaultConfig()
	c.Joints, c.InitialPosition, c.Substeps, c.Integrator = []string{"joint1"}, []float64{math.Pi}, 1, "semi_implicit_euler"
	c.Plant = simrobot.PlantConfig{Type: "pendulum", Lengths: []float64{1}, Masses: []float64{1}, Damping: []float64{0}, Gravity: 10, MaxEffort: []float64{8}, MaxSpeed: []float64{8}}
	return c
}

func cartPole() simrobot.Config {
	c := pendulum()
	c.Joints, c.InitialPosition = []string{"cart", "pole"}, []float64{0, math.Pi}
	c.Plant = simrobot.PlantConfig{Type: "cart_pole", Lengths: []float64{0.9}, Masses: []float64{1, 0.2}, Damping: []float64{0.1, 0.02}, Gravity: 9.81, MaxEffort: []float64{5}}
	return c
}

func newProblem(t *testing.T, cfg Config, simulated simrobot.Config) *Problem {
	t.Helper()
	p, err := NewProblem(cfg, &simulated)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// The generic models make the simulator's step, to rounding, and all three kinds of
// derivatives agree, for either scheme and on both sides of the limits.
func TestModelsAreTheSimulator(t *testing.T) {
	for name, simulated := range map[string]simrobot.Config{"pendulum": pendulum(), "cart-pole": cartPole()} {
		for _, integrator := range []string{"semi_implicit_euler", "runge_kutta_4"} {
			for _, substeps := range []int{1, 3} {
				simulated.Integrator, simulated.Substeps = integrator, substeps
				simulated.Plant.MaxEffort = []float64{2}
				if name == "pendulum" {
					simulated.Plant.MaxSpeed = []float64{2}
				}
				plant, integration, err := simulated.NewPlant()
				if err != nil {
					t.Fatal(err)
				}
				nQ, nU := plant.Dims()
				d := 2*nQ + nU
				generic, err := automatic(&simulated, integration, nQ, nU)
				if err != nil {
					t.Fatal(err)
				}
				simulator, err := simulated.Simulator()
				if err != nil {
					t.Fatal(err)
				}
				dynamics := &simulation{simulator}
				own, err1 := DerivativesConfig{Kind: "plant"}.linearizer(&simulated, plant, integration)
				central, err2 := DerivativesConfig{Kind: "central_differences", Step: 1e-5}.linearizer(&simulated, plant, integration)
				if err := errors.Join(err1, err2); err != nil {
					t.Fatal(err)
				}
				rng := rand.New(rand.NewPCG(31, 1))
				want, got := make([]float64, 2*nQ), make([]float64, 2*nQ)
				jw, ja, jc := make([]float64, 2*nQ*d), make([]float64, 2*nQ*d), make([]float64, 2*nQ*d)
				compared := 0
				for range 100 {
					x, u := make([]float64, 2*nQ), []float64{3 * rng.NormFloat64()}
					for i := range x {
						x[i] = 2 * rng.NormFloat64()
					}
					dynamics.Step(want, x, u, 0)
					generic.Step(got, x, u, 0)
					own.Linearize(jw, x, u, 0)
					generic.Linearize(ja, x, u, 0)
					central.Linearize(jc, x, u, 0)
					for i := range want {
						if math.Abs(want[i]-got[i]) > 1e-12 {
							t.Errorf("%s, %s: state element %d is %v, the model's %v", name, integrator, i, want[i], got[i])
						}
					}
					kink := false
					for i, v := range jw {
						if math.Abs(v-ja[i]) > 1e-12*(1+math.Abs(v)) {
							t.Errorf("%s, %s: derivative %d is %v, by automatic differentiation %v", name, integrator, i, v, ja[i])
						}
						kink = kink || math.Abs(v-jc[i]) > 1e-6
					}
					if !kink {
						compared++
					}
				}
				// Differences that straddle a limit do not count.
				if compared < 95 {
					t.Errorf("%s, %s: central differences agree at %d of 100 points", name, integrator, compared)
				}
			}
		}
	}
}

// A bound on a control is no kink: at the bound its derivative is that of the inside,
// beyond it there is none. A speed at its limit has none either.
func TestDerivativesAtTheBounds(t *testing.T) {
	simulated := pendulum()
	plant, integration, err := simulated.NewPlant()
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"plant", "automatic", "central_differences"} {
		l, err := DerivativesConfig{Kind: kind, Step: 1e-5}.linearizer(&simulated, plant, integration)
		if err != nil {
			t.Fatal(err)
		}
		at, inside, beyond := make([]float64, 6), make([]float64, 6), make([]float64, 6)
		l.Linearize(at, []float64{1, 0}, []float64{8}, 0)
		l.Linearize(inside, []float64{1, 0}, []float64{7}, 0)
		l.Linearize(beyond, []float64{1, 0}, []float64{9}, 0)
		if math.Abs(at[5]-inside[5]) > 1e-9 || at[5] < 0.1 {
			t.Errorf("%s: by the control %v at the bound, %v inside", kind, at[5], inside[5])
		}
		if beyond[2] != 0 || beyond[5] != 0 || beyond[0] == 0 {
			t.Errorf("%s: %v beyond the bound, want none by the control", kind, beyond)
		}
		for _, x := range [][]float64{{math.Pi / 2, 8}, {math.Pi, 8}} { // faster than the limit, and on it
			l.Linearize(at, x, []float64{0}, 0)
			if at[3] != 0 || at[4] != 0 || at[5] != 0 {
				t.Errorf("%s: velocity at its limit has the derivatives %v", kind, at[3:])
			}
		}
	}
}

// The cost is counted once per control, and at the last state or at all T+1.
func TestCostCounts(t *testing.T) {
	for _, c := range []struct {
		everyStep bool
		want      float64
	}{{false, 99*2 + 5}, {true, 99*2 + 100*5}} {
		cfg := DefaultConfig()
		cfg.Cost = CostConfig{Stage: "2 + 0*u0", Final: "5 + 0*q0", EveryStep: c.everyStep}
		cfg.Starts.Restarts = 0
		out, err := newProblem(t, cfg, pendulum()).Optimize(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(out.Cost-c.want) > 1e-9 || math.Abs(out.ReplayCost-c.want) > 1e-9 {
			t.Errorf("every step %v: cost %v, again %v, want %v", c.everyStep, out.Cost, out.ReplayCost, c.want)
		}
	}
}

// One seed gives one result; all kinds of derivatives lead to the same cost.
func TestOptimize(t *testing.T) {
	for _, kind := range []string{"plant", "automatic", "central_differences"} {
		cfg := DefaultConfig()
		cfg.Derivatives.Kind, cfg.Solver.Tolerance = kind, 1e-6
		out, err := newProblem(t, cfg, pendulum()).Optimize(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		again, err := newProblem(t, cfg, pendulum()).Optimize(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if out.Cost != again.Cost || out.Best != again.Best {
			t.Errorf("%s: %v from start %d, then %v from %d", kind, out.Cost, out.Best, again.Cost, again.Best)
		}
		if math.Abs(out.Cost-0.566988) > 0.005*0.566988 || math.Abs(out.ReplayCost-out.Cost) > 1e-12 {
			t.Errorf("%s: cost %v, again %v, want 0.566988", kind, out.Cost, out.ReplayCost)
		}
	}
}

// Central differences lead where the plant's own derivatives do, along a bound as well.
func TestDifferencesAlongABound(t *testing.T) {
	simulated := cartPole()
	simulated.Plant.Lengths, simulated.Plant.Masses, simulated.Plant.Damping = []float64{1}, []float64{1, 0.1}, []float64{0, 0}
	for seed := range uint64(5) {
		var costs []float64
		for _, kind := range []string{"plant", "central_differences"} {
			cfg := DefaultConfig()
			cfg.Seed, cfg.Steps, cfg.Iterations, cfg.Derivatives.Kind = seed, 60, 100, kind
			cfg.Starts.Restarts, cfg.Starts.Spread, cfg.Solver.Regularization, cfg.Solver.Tolerance = 0, 1, "state", 1e-6
			cfg.Cost = CostConfig{Stage: "0.001*u0^2 + 0.01*(q0^2 + 2*(1-cos(q1)) + 0.1*dq0^2 + 0.1*dq1^2)", Final: "10*(q0^2 + 2*(1-cos(q1)) + 0.1*dq0^2 + 0.1*dq1^2)"}
			out, err := newProblem(t, cfg, simulated).Optimize(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			costs = append(costs, out.Cost)
		}
		if math.Abs(costs[1]-costs[0]) > 1e-3*costs[0] {
			t.Errorf("seed %d: cost %v by differences, %v by the plant's derivatives", seed, costs[1], costs[0])
		}
	}
}

func TestOptimizeStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	_, err := newProblem(t, DefaultConfig(), pendulum()).Optimize(ctx, func(int, ilqg.Iteration) {
		if n++; n == 5 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || n != 5 {
		t.Errorf("%v after %d iterations", err, n)
	}
}

func TestNewProblemBlames(t *testing.T) {
	for key, change := range map[string]func(*Config, *simrobot.Config){
		"cost.stage":       func(c *Config, _ *simrobot.Config) { c.Cost.Stage = "0.01*u1^2" },
		"cost.final":       func(c *Config, _ *simrobot.Config) { c.Cost.Final = "(1-cos(q0)" },
		"derivatives.kind": func(c *Config, s *simrobot.Config) { c.Derivatives.Kind = "plant"; *s = simrobot.DefaultConfig() },
	} {
		cfg, simulated := DefaultConfig(), pendulum()
		change(&cfg, &simulated)
		_, err := NewProblem(cfg, &simulated)
		var field params.FieldError
		if !errors.As(err, &field) || field.Key != key {
			t.Errorf("%v, want the blame on %s", err, key)
		}
	}
	cfg, simulated := DefaultConfig(), simrobot.DefaultConfig()
	cfg.Derivatives.Kind = "automatic"
	if _, err := NewProblem(cfg, &simulated); err == nil || !strings.Contains(err.Error(), "planar_arm") {
		t.Errorf("%v, want the plant named", err)
	}
}

func TestReferenceFor(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Reference = ReferenceConfig{MaxEffort: []float64{8, 2, 5}, MaxSpeed: []float64{8, 8, 0}, EveryStep: []bool{false, false, true}, Cost: []float64{1, 2, 3}, Margin: []float64{0.1, 0.1, 0.1}}
	for _, c := range []struct {
		effort, speed []float64
		everyStep     bool
		want          float64 // 0 for none
	}{
		{[]float64{8}, []float64{8}, false, 1},
		{[]float64{2}, []float64{8}, false, 2},
		{[]float64{2, 2}, []float64{8, 8}, false, 2},
		{[]float64{2, 3}, []float64{8, 8}, false, 0},
		{[]float64{8}, []float64{8}, true, 0},
		{[]float64{5}, nil, true, 3},
		{[]float64{5}, []float64{0}, true, 3},
		{nil, []float64{8}, false, 0},
	} {
		cfg.Cost.EveryStep = c.everyStep
		got := 0.0
		if r := cfg.ReferenceFor(c.effort, c.speed); r != nil {
			got = r.Cost
		}
		if got != c.want {
			t.Errorf("%v/%v every step %v: %v, want %v", c.effort, c.speed, c.everyStep, got, c.want)
		}
	}
	r := Reference{Cost: 2, Margin: 0.1}
	if !r.Reached(2.2) || r.Reached(2.21) {
		t.Error("the margin is a part of the cost")
	}
}

// Costs that are NaN beyond a speed bound the search instead of ending it, and a cost
// without a minimum is an error that says so.
func TestCostsWithoutValue(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Derivatives.Kind = "plant"
	simulated := pendulum()
	simulated.Plant.MaxSpeed = []float64{50}
	for _, stage := range []string{"0.01*u0^2 - 0.01*log(40-dq0^2)", "0.01*u0^2 + sqrt(30-dq0^2)"} {
		cfg.Cost.Stage = stage
		out, err := newProblem(t, cfg, simulated).Optimize(context.Background(), nil)
		if err != nil {
			t.Errorf("%s: %v", stage, err)
			continue
		}
		if math.Abs(out.ReplayCost-out.Cost) > 1e-9*(1+math.Abs(out.Cost)) {
			t.Errorf("%s: cost %v, run again %v", stage, out.Cost, out.ReplayCost)
		}
	}
	cfg.Cost.Stage = "-u0^2"
	simulated.Plant.MaxEffort = nil
	if _, err := newProblem(t, cfg, simulated).Optimize(context.Background(), nil); !errors.Is(err, ilqg.ErrUnbounded) {
		t.Errorf("error is %v, want ErrUnbounded", err)
	}
}
