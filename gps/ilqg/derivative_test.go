package ilqg

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"guidedpolicysearch/gps/autodiff"
)

// generic is the pendulum over a generic scalar.
func (p pendulum) differentiable(t testing.TB) *Automatic {
	a, err := NewAutomatic(pendulumStep[autodiff.Real](p.speed), pendulumStep[autodiff.Var](p.speed), 2, 1)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func pendulumStep[S autodiff.Scalar[S]](speed float64) func(dst, x, u []S, t int) {
	return func(dst, x, u []S, _ int) {
		v := x[1].Add(x[0].AddConst(math.Pi).Sin().Scale(-1.5 * pendulumGravity).Add(u[0].Scale(3)).Scale(pendulumDT))
		dst[0] = x[0].Add(v.Scale(pendulumDT))
		dst[1] = v.Const(-speed).Max(v.Const(speed).Min(v))
	}
}

func newCartPole(t testing.TB) *Automatic {
	a, err := NewAutomatic(cartPole[autodiff.Real], cartPole[autodiff.Var], 4, 1)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// The plant's own Jacobian, automatic differentiation and central differences agree, on
// both sides of the speed limit.
func TestDerivativesAgree(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 1))
	p := pendulum{speed: 2}
	automatic := p.differentiable(t)
	differences, err := NewCentralDifferences(p, 2, 1, DefaultDifference)
	if err != nil {
		t.Fatal(err)
	}
	own, auto, central := make([]float64, 6), make([]float64, 6), make([]float64, 6)
	next, same := make([]float64, 2), make([]float64, 2)
	clipped := 0
	for range 200 {
		x, u := []float64{4 * rng.NormFloat64(), rng.NormFloat64()}, []float64{4 * rng.NormFloat64()}
		p.Step(next, x, u, 0)
		automatic.Step(same, x, u, 0)
		if math.Abs(next[0]-same[0]) > 1e-14 || math.Abs(next[1]-same[1]) > 1e-14 {
			t.Fatalf("the systems differ: %v and %v", next, same)
		}
		if math.Abs(math.Abs(next[1])-p.speed) < 1e-3 && math.Abs(next[1]) < p.speed {
			continue // differences across the limit
		} else if math.Abs(next[1]) == p.speed {
			clipped++
		}
		p.Linearize(own, x, u, 0)
		automatic.Linearize(auto, x, u, 0)
		differences.Linearize(central, x, u, 0)
		for i, v := range own {
			if math.Abs(v-auto[i]) > 1e-14 || math.Abs(v-central[i]) > 1e-8 {
				t.Errorf("element %d at x=%v u=%v: own %v, automatic %v, central %v", i, x, u, v, auto[i], central[i])
			}
		}
	}
	if clipped < 10 || clipped > 190 {
		t.Errorf("%d of 200 points at the limit", clipped)
	}
}

func TestCartPoleDerivativesAgree(t *testing.T) {
	rng := rand.New(rand.NewPCG(12, 1))
	a := newCartPole(t)
	differences, err := NewCentralDifferences(a, 4, 1, DefaultDifference)
	if err != nil {
		t.Fatal(err)
	}
	auto, central := make([]float64, 20), make([]float64, 20)
	for range 100 {
		x, u := normal(rng, 4), []float64{10 * rng.NormFloat64()}
		a.Linearize(auto, x, u, 0)
		differences.Linearize(central, x, u, 0)
		for i, v := range auto {
			if math.Abs(v-central[i]) > 1e-7*(1+math.Abs(v)) {
				t.Errorf("element %d at x=%v u=%v: automatic %v, central %v", i, x, u, v, central[i])
			}
		}
	}
}

// The three kinds lead to the same trajectory.
func TestDescentsOfAllDerivativesAgree(t *testing.T) {
	p := pendulum{speed: 8}
	differences, err := NewCentralDifferences(p, 2, 1, DefaultDifference)
	if err != nil {
		t.Fatal(err)
	}
	for name, l := range map[string]Linearizer{"automatic": p.differentiable(t), "central differences": differences} {
		problem := swingUp(8, 8, false)
		own := mustSolver(t, problem, DefaultConfig())
		problem.Derivatives = l
		other := mustSolver(t, problem, DefaultConfig())
		u := normal(rand.New(rand.NewPCG(1, 1)), pendulumSteps)
		want, err1 := own.Solve(hanging, u, nil)
		got, err2 := other.Solve(hanging, u, nil)
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		if math.Abs(got.Cost-want.Cost) > 1e-6*want.Cost {
			t.Errorf("%s: cost %v, want %v", name, got.Cost, want.Cost)
		}
	}
}

func TestDerivativesDoNotAllocate(t *testing.T) {
	a := newCartPole(t)
	differences, err := NewCentralDifferences(a, 4, 1, DefaultDifference)
	if err != nil {
		t.Fatal(err)
	}
	dst, x, u := make([]float64, 20), []float64{0, 1, 0, 0}, []float64{1}
	for name, l := range map[string]Linearizer{"automatic": a, "central differences": differences} {
		l.Linearize(dst, x, u, 0)
		if n := testing.AllocsPerRun(20, func() { l.Linearize(dst, x, u, 0) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func TestDerivativesRefuse(t *testing.T) {
	p := pendulum{speed: 8}
	for _, h := range []float64{0, -1, math.NaN(), math.Inf(1)} {
		if _, err := NewCentralDifferences(p, 2, 1, h); !errors.Is(err, ErrConfig) {
			t.Errorf("h = %v: %v", h, err)
		}
	}
	if _, err := NewCentralDifferences(nil, 2, 1, 1e-5); !errors.Is(err, ErrConfig) {
		t.Error(err)
	}
	if _, err := NewAutomatic(nil, nil, 2, 1); !errors.Is(err, ErrConfig) {
		t.Error(err)
	}
}
