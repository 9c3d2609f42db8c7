package ilqg

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// linearQuadratic is a random problem: time-varying f(x, u) = A_t x + B_t u + c_t and
// l = 1/2 y'Q_t y + q_t'y, Q_t positive definite with cross terms.
type linearQuadratic struct {
	T, dX, dU int
	f, bias   []float64 // T x dX x D, T x dX
	quad, lin []float64 // (T+1) x D x D, (T+1) x D
	start     []float64 // x0
}

func newLinearQuadratic(rng *rand.Rand, T, dX, dU int) *linearQuadratic {
	d := dX + dU
	p := &linearQuadratic{T: T, dX: dX, dU: dU, f: normal(rng, T*dX*d), bias: normal(rng, T*dX), lin: normal(rng, (T+1)*d),
		quad: make([]float64, (T+1)*d*d), start: normal(rng, dX)}
	for i := range p.f {
		p.f[i] /= math.Sqrt(float64(d)) // neither vanishing nor exploding
	}
	for t := range T + 1 {
		copy(p.quad[t*d*d:], positiveDefinite(rng, d))
	}
	return p
}

func (p *linearQuadratic) Step(dst, x, u []float64, t int) {
	d := p.dX + p.dU
	for i := range dst {
		row := p.f[(t*p.dX+i)*d : (t*p.dX+i+1)*d]
		dst[i] = p.bias[t*p.dX+i]
		for j, v := range x {
			dst[i] += row[j] * v
		}
		for j, v := range u {
			dst[i] += row[p.dX+j] * v
		}
	}
}

func (p *linearQuadratic) Linearize(dst, _, _ []float64, t int) {
	copy(dst, p.f[t*len(dst):(t+1)*len(dst)])
}

func (p *linearQuadratic) Value(x, u []float64, t int) float64 {
	d, y := p.dX+p.dU, make([]float64, p.dX+p.dU)
	copy(y[copy(y, x):], u)
	sum := 0.0
	for i, yi := range y {
		sum += p.lin[t*d+i] * yi
		for j, yj := range y {
			sum += yi * p.quad[(t*d+i)*d+j] * yj / 2
		}
	}
	return sum
}

func (p *linearQuadratic) Expand(grad, hess, x, u []float64, t int) {
	d, y := p.dX+p.dU, make([]float64, p.dX+p.dU)
	copy(y[copy(y, x):], u)
	copy(hess, p.quad[t*d*d:(t+1)*d*d])
	for i := range y {
		grad[i] = p.lin[t*d+i]
		for j, v := range y {
			grad[i] += hess[i*d+j] * v
		}
	}
}

func (p *linearQuadratic) problem() Problem {
	return Problem{T: p.T, DX: p.dX, DU: p.dU, Dynamics: p, Derivatives: p, Cost: PerStep{p}}
}

// total is the cost of controls, T x dU.
func (p *linearQuadratic) total(controls []float64) float64 {
	x, next, sum := append([]float64(nil), p.start...), make([]float64, p.dX), 0.0
	for t := range p.T {
		u := controls[t*p.dU : (t+1)*p.dU]
		sum += p.Value(x, u, t)
		p.Step(next, x, u, t)
		copy(x, next)
	}
	return sum + p.Value(x, nil, p.T)
}

// condensed returns H and g of the cost 1/2 u'Hu + g'u + c as a function of all controls,
// from values of the cost alone: differences of a quadratic are exact.
func (p *linearQuadratic) condensed() (h *mat.SymDense, g []float64, c float64) {
	n := p.T * p.dU
	u := make([]float64, n)
	at := func(i, j int) float64 {
		clear(u)
		u[i]++
		u[j]++
		return p.total(u)
	}
	c = p.total(u)
	one, g := make([]float64, n), make([]float64, n)
	h = mat.NewSymDense(n, nil)
	for i := range n {
		clear(u)
		u[i] = 1
		one[i] = p.total(u)
		clear(u)
		u[i] = -1
		g[i] = (one[i] - p.total(u)) / 2
	}
	for i := range n {
		for j := range i + 1 {
			h.SetSym(i, j, at(i, j)-one[i]-one[j]+c)
		}
	}
	return h, g, c
}

func normal(rng *rand.Rand, n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = rng.NormFloat64()
	}
	return v
}

// positiveDefinite returns a random n x n matrix with eigenvalues of at least 0.1.
func positiveDefinite(rng *rand.Rand, n int) []float64 {
	a, h := normal(rng, n*n), make([]float64, n*n)
	for i := range n {
		for j := range n {
			for k := range n {
				h[i*n+j] += a[i*n+k] * a[j*n+k] / float64(n)
			}
		}
		h[i*n+i] += 0.1
	}
	return h
}

func mustSolver(t testing.TB, p Problem, c Config) *Solver {
	t.Helper()
	s, err := New(p, c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A linear-quadratic problem takes one iteration, from any start: the solution is that of
// the dense linear system over all controls.
func TestLinearQuadraticInOneIteration(t *testing.T) {
	for _, size := range [][3]int{{1, 1, 1}, {1, 3, 2}, {2, 4, 1}, {15, 4, 2}, {25, 6, 3}, {12, 2, 4}} {
		for _, kind := range []Regularization{ControlSpace, StateSpace} {
			t.Run(fmt.Sprint(size, kind), func(t *testing.T) {
				rng := rand.New(rand.NewPCG(7, uint64(size[0])))
				p := newLinearQuadratic(rng, size[0], size[1], size[2])
				h, g, c := p.condensed()
				var best mat.VecDense
				var factor mat.Cholesky
				if !factor.Factorize(h) {
					t.Fatal("the dense problem is not convex")
				}
				if err := factor.SolveVecTo(&best, mat.NewVecDense(len(g), g)); err != nil {
					t.Fatal(err)
				}
				best.ScaleVec(-1, &best)
				want := c + mat.Dot(&best, mat.NewVecDense(len(g), g))/2

				cfg := DefaultConfig()
				cfg.Regularization = kind
				s := mustSolver(t, p.problem(), cfg)
				start := normal(rng, p.T*p.dU)
				if err := s.Start(p.start, start); err != nil {
					t.Fatal(err)
				}
				it, err := s.Iterate()
				if err != nil {
					t.Fatal(err)
				}
				if it.Alpha != 1 || it.Passes != 1 || math.Abs(it.Cost-want) > 1e-10*(1+math.Abs(want)) {
					t.Errorf("%+v, want the cost %v with a whole step", it, want)
				}
				for i, u := range s.Trajectory().U {
					if w := best.AtVec(i); math.Abs(u-w) > 1e-10*(1+math.Abs(w)) {
						t.Errorf("control %d is %v, want %v", i, u, w)
					}
				}
			})
		}
	}
}

// On a linear-quadratic problem the model is exact for any gain, so a regularised step
// brings what was predicted: the value function must be that of the regularised gain.
func TestPredictionWithRegularization(t *testing.T) {
	for _, kind := range []Regularization{ControlSpace, StateSpace} {
		for _, lambda := range []float64{0.01, 1, 100} {
			p := newLinearQuadratic(rand.New(rand.NewPCG(8, 1)), 20, 4, 2)
			cfg := DefaultConfig()
			cfg.Regularization, cfg.Lambda = kind, lambda
			s := mustSolver(t, p.problem(), cfg)
			if err := s.Start(p.start, make([]float64, p.T*p.dU)); err != nil {
				t.Fatal(err)
			}
			it, err := s.Iterate()
			if err != nil {
				t.Fatal(err)
			}
			if it.Alpha != 1 || it.Lambda != lambda || math.Abs(it.Actual-it.Predicted) > 1e-9*it.Predicted {
				t.Errorf("%s, lambda %v: %+v, want the prediction to hold", kind, lambda, it)
			}
		}
	}
}

// Under bounds the solution of a linear-quadratic problem is that of the quadratic program
// over all controls.
func TestLinearQuadraticBetweenBounds(t *testing.T) {
	for seed := range uint64(10) {
		rng := rand.New(rand.NewPCG(9, seed))
		p := newLinearQuadratic(rng, 12, 3, 2)
		problem := p.problem()
		problem.Lower, problem.Upper = []float64{-0.3, -0.1}, []float64{0.2, 0.4}
		h, g, c := p.condensed()
		n := len(g)
		dense, lower, upper := make([]float64, n*n), make([]float64, n), make([]float64, n)
		for i := range n {
			lower[i], upper[i] = problem.Lower[i%2], problem.Upper[i%2]
			for j := range n {
				dense[i*n+j] = h.At(i, j)
			}
		}
		best := make([]float64, n)
		if err := NewBoxQP(n).Solve(best, dense, g, lower, upper); err != nil {
			t.Fatal(err)
		}
		want := c
		held := 0
		for i, u := range best {
			want += g[i] * u
			for j, v := range best {
				want += u * dense[i*n+j] * v / 2
			}
			if u == lower[i] || u == upper[i] {
				held++
			}
		}
		if held == 0 || held == n {
			t.Fatalf("seed %d: %d of %d controls at a bound; the test shows nothing", seed, held, n)
		}
		s := mustSolver(t, problem, DefaultConfig())
		it, err := s.Solve(p.start, normal(rng, n), nil)
		if err != nil {
			t.Fatal(err)
		}
		if it.Status != Converged || it.Cost < want-1e-9 || it.Cost > want+1e-6*(1+math.Abs(want)) {
			t.Errorf("seed %d: cost %v after %d iterations (%s), want %v", seed, it.Cost, it.Number, it.Status, want)
		}
		for i, u := range s.Trajectory().U {
			if u < lower[i] || u > upper[i] {
				t.Errorf("seed %d: control %d is %v, outside of [%v, %v]", seed, i, u, lower[i], upper[i])
			}
		}
	}
}
