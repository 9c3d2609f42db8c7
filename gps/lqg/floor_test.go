package lqg_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"

	"guidedpolicysearch/gps/lqg"
)

// eigenvalues returns those of a symmetric matrix, ascending.
func eigenvalues(t *testing.T, a []float64, n int) []float64 {
	t.Helper()
	var e mat.EigenSym
	if !e.Factorize(mat.NewSymDense(n, append([]float64(nil), a...)), false) {
		t.Fatal("no eigenvalues")
	}
	return e.Values(nil)
}

// randomCovariance draws a covariance whose directions are of very different size.
func randomCovariance(rng *rand.Rand, n int, scale float64) []float64 {
	a, c := make([]float64, n*n), make([]float64, n*n)
	for j := range n {
		s := scale * math.Pow(10, -2+3*rng.Float64())
		for i := range n {
			a[i*n+j] = s * rng.NormFloat64()
		}
	}
	for i := range n {
		for j := range n {
			for k := range n {
				c[i*n+j] += a[i*n+k] * a[j*n+k]
			}
		}
		c[i*n+i] += 1e-9 * scale * scale
	}
	return c
}

// The eigenvalues of what a pass returns are at least the floor, and equal it where the
// plain covariance lies below; covariances above the floor stay as they are.
func TestFloorBoundsEigenvalues(t *testing.T) {
	rng := rand.New(rand.NewPCG(41, 1))
	for range 200 {
		n := 1 + rng.IntN(7)
		variance := math.Pow(10, -4+4*rng.Float64())
		f := lqg.NewFloor(variance, 1, n)
		plain := randomCovariance(rng, n, 1)
		cov := append([]float64(nil), plain...)
		raised := f.Raise(cov, 0)
		before, after := eigenvalues(t, plain, n), eigenvalues(t, cov, n)
		if raised != (before[0] < variance) {
			t.Errorf("raised %v, smallest eigenvalue %g, floor %g", raised, before[0], variance)
		}
		for i, v := range before {
			if want := math.Max(v, variance); math.Abs(after[i]-want) > 1e-9*(want+before[n-1]*1e-4) {
				t.Errorf("eigenvalue %d of %d goes from %g to %g, floor %g", i, n, v, after[i], variance)
			}
		}
	}
}

// In the units of an anchor the floor is the smaller of itself and of the anchor: the
// anchor (the identity) stays as it is, the covariance in plain units is above the floor
// wherever the anchor is, and nothing allowed minimises tr(C^-1 Z) - log det Z better.
func TestWhitenedFloor(t *testing.T) {
	rng := rand.New(rand.NewPCG(42, 1))
	for i := range 100 {
		n := 1 + rng.IntN(5)
		anchor := lqg.NewController(1, 1, n)
		var chol mat.Cholesky
		plain := randomCovariance(rng, n, math.Pow(10, -2+3*rng.Float64()))
		if !chol.Factorize(mat.NewSymDense(n, plain)) {
			continue
		}
		var l mat.TriDense
		chol.LTo(&l)
		for a := range n {
			for b := range a + 1 {
				anchor.Chol[a*n+b] = l.At(a, b)
			}
		}
		const variance = 1e-3
		f := lqg.NewWhitenedFloor(variance, anchor)
		identity := make([]float64, n*n)
		for a := range n {
			identity[a*n+a] = 1
		}
		f.Raise(identity, 0)
		for k, v := range identity {
			want := 0.0
			if k%(n+1) == 0 {
				want = 1
			}
			if math.Abs(v-want) > 1e-6 {
				t.Fatalf("the anchor's own covariance is raised: entry %d is %g", k, v)
			}
		}
		c := randomCovariance(rng, n, 0.3)
		z := append([]float64(nil), c...)
		f.Raise(z, 0)
		if eigenvalues(t, plain, n)[0] > variance {
			var w, restored mat.Dense
			w.Mul(&l, mat.NewDense(n, n, z))
			restored.Mul(&w, l.T())
			if least := eigenvalues(t, restored.RawMatrix().Data, n)[0]; least < variance*(1-1e-6) {
				t.Errorf("smallest eigenvalue %g below the floor %g", least, variance)
			}
		}
		if i < 20 {
			bestUnderFloor(t, rng, f, c, z, n)
		}
	}
}

// bestUnderFloor tries random allowed covariances, made from z by moving it towards others
// that the floor allows.
func bestUnderFloor(t *testing.T, rng *rand.Rand, f *lqg.Floor, c, z []float64, n int) {
	t.Helper()
	var inverse mat.SymDense
	var chol mat.Cholesky
	if !chol.Factorize(mat.NewSymDense(n, append([]float64(nil), c...))) || chol.InverseTo(&inverse) != nil {
		return
	}
	value := func(a []float64) float64 {
		var chol mat.Cholesky
		if !chol.Factorize(mat.NewSymDense(n, append([]float64(nil), a...))) {
			return math.Inf(1)
		}
		v := -chol.LogDet()
		for i := range n {
			for j := range n {
				v += inverse.At(i, j) * a[i*n+j]
			}
		}
		return v
	}
	best := value(z)
	for range 50 {
		other := randomCovariance(rng, n, 0.3)
		f.Raise(other, 0)
		share := math.Pow(10, -4*rng.Float64())
		for i := range other {
			other[i] = share*other[i] + (1-share)*z[i]
		}
		if v := value(other); v < best-1e-7*(1+math.Abs(best)) {
			t.Fatalf("%g under the floor, %g is possible", best, v)
		}
	}
}

// What Run returns is above its floor; gains do not depend on it.
func TestBackwardKeepsFloor(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	dyn, cost, _ := random(rng, 5, 2, 2)
	for i := range cost.Quad {
		cost.Quad[i] *= 1e8
	}
	pass := lqg.NewBackwardPass(2, 2)
	without, c := lqg.NewController(5, 2, 2), lqg.NewController(5, 2, 2)
	if err := pass.Run(without, plain(cost), dyn, 0); err != nil {
		t.Fatal(err)
	}
	pass.Floor = lqg.NewFloor(1e-3, 5, 2)
	if err := pass.Run(c, plain(cost), dyn, 0); err != nil {
		t.Fatal(err)
	}
	near(t, "gains", c.K, without.K, 0)
	cov := make([]float64, 4)
	for k := range 5 {
		c.Covariance(cov, k)
		if least := eigenvalues(t, cov, 2)[0]; least < 1e-3*(1-1e-9) {
			t.Errorf("step %d: smallest eigenvalue %v", k, least)
		}
	}
}

// A floor that is high in one direction only counts in that direction, where Q_uu is large.
func TestFloorOfOneDirection(t *testing.T) {
	const dU, variance = 4, 2e-6
	anchor := lqg.NewController(1, 1, dU)
	for i, v := range []float64{1e3, 1e3, 1e3, 1} {
		anchor.Chol[i*dU+i] = v
	}
	standard, cost, dyn := lqg.NewController(1, 1, dU), lqg.NewCost(1, 1, dU), lqg.NewDynamics(1, 1, dU)
	for i, v := range []float64{1, 1, 1, 1e6} {
		standard.Chol[i*dU+i] = 1
		cost.QuadAt(0)[(1+i)*(1+dU)+1+i] = v
	}
	pass := lqg.NewBackwardPass(1, dU)
	pass.Floor = lqg.NewWhitenedFloor(variance, anchor)
	c := lqg.NewController(1, 1, dU)
	if err := pass.Run(c, &lqg.Objective{Cost: cost, Anchor: lqg.NewSurrogate(standard), MaxEnt: 1}, dyn, 0); err != nil {
		t.Fatal(err)
	}
	if got := c.Chol[dU*dU-1]; math.Abs(got*got-variance) > 1e-9*variance {
		t.Errorf("variance %v, want the floor of %v", got*got, variance)
	}
	if got := c.Chol[0]; got != 1 {
		t.Errorf("standard deviation %v where there is next to no floor, want 1", got)
	}
}
