package ilqg

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"testing"

	"guidedpolicysearch/gps/autodiff"
	"guidedpolicysearch/gps/cost"
)

// glider is x = (position, velocity) of a unit mass under a force, steps of 0.1 s.
func glider[S autodiff.Scalar[S]](dst, x, u []S, _ int) {
	v := x[1].Add(u[0].Scale(0.1))
	dst[0], dst[1] = x[0].Add(v.Scale(0.1)), v
}

// textProblem is glider with a cost given as text.
func textProblem(t *testing.T, text string, T int) Problem {
	t.Helper()
	a, err := NewAutomatic(glider[autodiff.Real], glider[autodiff.Var], 2, 1)
	if err != nil {
		t.Fatal(err)
	}
	term, err := cost.NewExpression(cost.DefaultExpressionConfig(text, []string{"q", "v"}, []string{"f"}))
	if err != nil {
		t.Fatal(err)
	}
	return Problem{T: T, DX: 2, DU: 1, Dynamics: a, Derivatives: a, Cost: NewTermCost(term, T, 2, 1)}
}

// barrier is 10 (q - 0.05)^2 + 0.001 f^2 - 0.01 log q, NaN at q < 0, as code of one's own.
type barrier struct{}

func (barrier) Value(x, u []float64, _ int) float64 {
	l := 10*(x[0]-0.05)*(x[0]-0.05) - 0.01*math.Log(x[0])
	if u != nil {
		l += 0.001 * u[0] * u[0]
	}
	return l
}

func (barrier) Expand(grad, hess, x, u []float64, _ int) {
	grad[0], hess[0] = 20*(x[0]-0.05)-0.01/x[0], 20+0.01/x[0]/x[0]
	if u != nil {
		grad[2], hess[8] = 0.002*u[0], 0.002
	}
}

// A trial whose cost is NaN is no improvement: the line search takes a shorter step, with a
// term of package cost as with code, and the descent ends inside the barrier.
func TestBarrierShortensTheStep(t *testing.T) {
	const T = 20
	p := textProblem(t, "10*(q-0.05)^2 + 0.001*f^2 - 0.01*log(q)", T)
	s := mustSolver(t, p, DefaultConfig())
	shortened := false
	last := math.Inf(1)
	got, err := s.Solve([]float64{2, 0}, make([]float64, T), func(it Iteration) error {
		shortened = shortened || it.Alpha < 1
		if it.Cost > last {
			t.Errorf("the cost rose from %v: %+v", last, it)
		}
		last = it.Cost
		return nil
	})
	if err != nil || got.Status != Converged || !shortened {
		t.Fatalf("%+v, shortened %v, %v", got, shortened, err)
	}
	for k := range T + 1 {
		if q := s.Trajectory().State(k)[0]; !(q > 0) {
			t.Errorf("position %v at time step %d is behind the barrier", q, k)
		}
	}
	p.Cost = PerStep{barrier{}}
	want, err := mustSolver(t, p, DefaultConfig()).Solve([]float64{2, 0}, make([]float64, T), nil)
	if err != nil || math.Abs(got.Cost-want.Cost) > 1e-6*math.Abs(want.Cost) {
		t.Errorf("%+v as text, %+v as code, %v", got, want, err)
	}
}

// Where a root has its edge the cost is finite and its derivative is not: no place to go on
// from.
func TestEdgeOfRoot(t *testing.T) {
	p := textProblem(t, "0.01*f^2 + q^2 + sqrt(4-v^2)", 30)
	it, err := mustSolver(t, p, DefaultConfig()).Solve([]float64{5, 0}, make([]float64, 30), nil)
	if err != nil || it.Status == Running {
		t.Errorf("%+v, %v", it, err)
	}
}

// A cost that is not finite at the start is an error that names the time step.
func TestStartBehindBarrier(t *testing.T) {
	p := textProblem(t, "log(q)", 3)
	err := mustSolver(t, p, DefaultConfig()).Start([]float64{-1, 0}, make([]float64, 3))
	if !errors.Is(err, ErrNotFinite) || !errors.Is(err, cost.ErrNotFinite) || !strings.Contains(err.Error(), "NaN at time step 0") {
		t.Error(err)
	}
}

// A problem without a minimum is no success.
func TestUnboundedCost(t *testing.T) {
	for _, text := range []string{"-q^2", "-f^2", "-exp(f)", "-cosh(f)", "-q*v"} {
		for _, T := range []int{1, 20} {
			p := textProblem(t, text, T)
			u := make([]float64, T)
			u[0] = 0.3
			s := mustSolver(t, p, DefaultConfig())
			it, err := s.Solve([]float64{1, 0}, u, nil)
			if !errors.Is(err, ErrUnbounded) || it.Status != Unbounded {
				t.Errorf("%s, T=%d: %+v, %v", text, T, it, err)
				continue
			}
			for _, want := range []string{"control 0", "time step", "bound the controls"} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is not in: %v", want, err)
				}
			}
			if again, err := s.Iterate(); err != nil || again != it {
				t.Errorf("after the end: %+v, %v", again, err)
			}
			p.Lower, p.Upper = []float64{-2}, []float64{2}
			if it, err := mustSolver(t, p, DefaultConfig()).Solve([]float64{1, 0}, u, nil); err != nil || it.Status != Converged {
				t.Errorf("%s between bounds, T=%d: %+v, %v", text, T, it, err)
			}
		}
	}
}

// Sizes that no memory holds are an error of New, not the end of the process.
func TestAbsurdSizes(t *testing.T) {
	for _, T := range []int{-1, 0, 1 << 40, math.MaxInt} {
		p := sound().problem()
		p.T = T
		p.Cost = NewTermCost(actionTerm(t, 1), p.T, 1, 1)
		if _, err := New(p, DefaultConfig()); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), strconv.Itoa(T)) {
			t.Error(err)
		}
	}
	if _, err := NewAutomatic(glider[autodiff.Real], glider[autodiff.Var], 1<<40, 1); !errors.Is(err, ErrConfig) {
		t.Error(err)
	}
	if _, err := NewCentralDifferences(sound(), 1, 1<<40, 1e-5); !errors.Is(err, ErrConfig) {
		t.Error(err)
	}
	c := DefaultStartsConfig()
	c.Restarts = maxStarts
	long := sound().problem()
	long.T = 1 << 15
	if _, err := mustSolver(t, long, DefaultConfig()).Search([]float64{0}, make([]float64, long.T), c, nil, nil); !errors.Is(err, ErrConfig) {
		t.Error(err)
	}
}
