package ilqg

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"
)

// realPendulum is not what the controller believes: heavier, with friction and gusts.
func realPendulum(x []float64, u float64, rng *rand.Rand) {
	v := x[1] + (15*math.Sin(x[0])+3/1.05*u-0.1*x[1]+0.3*rng.NormFloat64())*pendulumDT
	x[0] += v * pendulumDT
	x[1] = v
}

// closedLoop runs the controller on the real pendulum for some time steps, with a kick at
// the middle. worst is the largest angle from upright just before the kick and over the
// last quarter; warm counts its iterations, cold those of descents from the same states
// without the plan of the step before.
func closedLoop(t *testing.T, iterations int) (worst float64, warm, cold int) {
	t.Helper()
	problem := swingUp(4, 8, true)
	problem.T = 60
	cfg := DefaultConfig()
	cfg.Tolerance = 1e-4
	start := normal(rand.New(rand.NewPCG(4, 1)), problem.T)
	m, err := NewMPC(problem, cfg, iterations, start)
	if err != nil {
		t.Fatal(err)
	}
	without := mustSolver(t, problem, cfg)
	rng := rand.New(rand.NewPCG(5, 1))
	x, u := []float64{math.Pi, 0}, make([]float64, 1)
	const steps = 200
	for i := range steps {
		it, err := m.Act(u, x)
		if err != nil {
			t.Fatal(err)
		}
		if it.Number > iterations || math.Abs(u[0]) > 4 {
			t.Fatalf("%+v, u = %v", it, u)
		}
		warm += it.Number
		if it, err = without.Solve(x, start, nil); err != nil {
			t.Fatal(err)
		}
		cold += it.Number
		if i == steps/2 {
			x[1] += 1.5
		}
		realPendulum(x, u[0], rng)
		if i > steps*3/4 || i > steps*2/5 && i < steps/2 {
			worst = max(worst, math.Abs(math.Remainder(x[0], 2*math.Pi)))
		}
	}
	return worst, warm, cold
}

// In closed loop, under gusts, a kick and a model that is wrong, the pendulum swings up
// and stays there; with the plan of the step before it takes fewer iterations than without.
func TestMPCSwingsUpAndBalances(t *testing.T) {
	for _, iterations := range []int{200, 2} {
		worst, warm, cold := closedLoop(t, iterations)
		t.Logf("up to %d iterations per step: %.3f rad from upright, %d iterations in all, %d cold", iterations, worst, warm, cold)
		if worst > 0.15 {
			t.Errorf("up to %d iterations per step: %v rad from upright", iterations, worst)
		}
		if warm*3 > cold {
			t.Errorf("up to %d iterations per step: %d warm, %d cold, want at most a third", iterations, warm, cold)
		}
		if again, total, _ := closedLoop(t, iterations); again != worst || total != warm {
			t.Errorf("not the same again: %v after %d, then %v after %d", worst, warm, again, total)
		}
	}
}

// On the model itself, without disturbance, the plan of a step goes on at the next: no
// iteration changes the cost by much.
func TestMPCKeepsItsPlan(t *testing.T) {
	problem := swingUp(8, 8, false)
	problem.T = 40
	m, err := NewMPC(problem, DefaultConfig(), 500, normal(rand.New(rand.NewPCG(6, 1)), 40))
	if err != nil {
		t.Fatal(err)
	}
	x, next, u := []float64{math.Pi, 0}, make([]float64, 2), make([]float64, 1)
	if _, err := m.Act(u, x); err != nil {
		t.Fatal(err)
	}
	plan := append([]float64(nil), m.Plan()...)
	if u[0] != plan[0] || len(m.Gain()) != 2 {
		t.Errorf("control %v, plan begins with %v, gain %v", u, plan[0], m.Gain())
	}
	problem.Dynamics.Step(next, x, u, 0)
	if !m.follow(next) {
		t.Fatal("the plan diverged")
	}
	for i, v := range m.Plan()[:39] {
		if math.Abs(v-plan[i+1]) > 1e-9 {
			t.Errorf("control %d is %v, was %v one step ago", i, v, plan[i+1])
		}
	}
}

// After Reset the controller is a new one: its controls at other states, elsewhere and after
// a plan of its own, are those of a controller that never had a plan.
func TestMPCResetStartsCold(t *testing.T) {
	problem := swingUp(4, 8, true)
	problem.T = 30
	start := normal(rand.New(rand.NewPCG(7, 1)), problem.T)
	build := func() *MPC {
		m, err := NewMPC(problem, DefaultConfig(), 4, start)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	act := func(m *MPC, x float64) float64 {
		u := make([]float64, 1)
		if _, err := m.Act(u, []float64{x, 0.2}); err != nil {
			t.Fatal(err)
		}
		return u[0]
	}
	used, kept, fresh := build(), build(), build()
	for _, m := range []*MPC{used, kept} {
		for i := range 5 {
			act(m, math.Pi-0.1*float64(i))
		}
	}
	used.Reset()
	differs := false
	for _, x := range []float64{1.3, 1.2, 1.1} {
		got, want := act(used, x), act(fresh, x)
		if got != want {
			t.Errorf("control %v after Reset, %v of a new controller", got, want)
		}
		differs = differs || act(kept, x) != want
	}
	if !differs {
		t.Error("a plan makes no difference here")
	}
}

func TestMPCRefuses(t *testing.T) {
	problem := swingUp(8, 8, true)
	if _, err := NewMPC(problem, DefaultConfig(), 0, nil); !errors.Is(err, ErrConfig) {
		t.Error(err)
	}
	bad := make([]float64, problem.T)
	bad[7] = math.NaN()
	if _, err := NewMPC(problem, DefaultConfig(), 1, bad); !errors.Is(err, ErrNotFinite) {
		t.Error(err)
	}
	m, err := NewMPC(problem, DefaultConfig(), 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	u := []float64{7}
	if _, err := m.Act(u, []float64{math.NaN(), 0}); !errors.Is(err, ErrNotFinite) || u[0] != 7 {
		t.Errorf("%v, u = %v", err, u)
	}
	if _, err := m.Act(u, []float64{0.1, 0}); err != nil || u[0] == 7 {
		t.Errorf("after a bad state: %v, u = %v", err, u)
	}
}

func TestMPCDoesNotAllocate(t *testing.T) {
	problem := swingUp(8, 8, true)
	m, err := NewMPC(problem, DefaultConfig(), 3, nil)
	if err != nil {
		t.Fatal(err)
	}
	u, x := make([]float64, 1), []float64{0.3, 0}
	act := func() {
		if _, err := m.Act(u, x); err != nil {
			t.Fatal(err)
		}
		x[0] += 0.01
	}
	act()
	if n := testing.AllocsPerRun(20, act); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
