package riccati_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"

	"guidedpolicysearch/gps/internal/riccati"
)

// system is a problem in plain matrices, time step by time step.
type system struct {
	T, dX, dU int
	F         []*mat.Dense    // dX x D
	f         []*mat.VecDense // dX
	S         []*mat.Dense    // dX x dX
	C         []*mat.Dense    // D x D, T+1 of them
	c         []*mat.VecDense // D
	mean      *mat.VecDense   // of x_0
	cov       *mat.Dense
}

// newSystem draws a stable system with convex costs that weigh states against actions.
func newSystem(rng *rand.Rand, T, dX, dU int) *system {
	d := dX + dU
	vector := func(n int) *mat.VecDense {
		v := mat.NewVecDense(n, nil)
		for i := range n {
			v.SetVec(i, rng.NormFloat64())
		}
		return v
	}
	square := func(n int, least float64) *mat.Dense {
		var a, s mat.Dense
		a = *mat.NewDense(n, n, nil)
		for i := range n {
			for j := range n {
				a.Set(i, j, rng.NormFloat64()/math.Sqrt(float64(n)))
			}
		}
		s.Mul(&a, a.T())
		for i := range n {
			s.Set(i, i, s.At(i, i)+least)
			for j := range i { // rounding leaves the halves apart
				s.Set(i, j, s.At(j, i))
			}
		}
		return &s
	}
	p := &system{T: T, dX: dX, dU: dU, mean: vector(dX), cov: square(dX, 0.1)}
	for t := range T + 1 {
		p.C, p.c = append(p.C, square(d, 0.1)), append(p.c, vector(d))
		if t == T {
			break
		}
		F := mat.NewDense(dX, d, nil)
		for i := range dX {
			for j := range d {
				F.Set(i, j, 0.5*rng.NormFloat64()/math.Sqrt(float64(d)))
			}
			F.Set(i, i, F.At(i, i)+0.6)
		}
		p.F, p.f, p.S = append(p.F, F), append(p.f, vector(dX)), append(p.S, square(dX, 0.01))
	}
	return p
}

// pack returns the system as a packed problem.
func (p *system) pack() *riccati.Problem {
	q := riccati.NewProblem(p.T, p.dX, p.dU)
	for t := range p.T + 1 {
		q.SetCost(t, p.C[t].RawMatrix().Data, p.c[t].RawVector().Data)
		if t < p.T {
			q.SetDynamics(t, p.F[t].RawMatrix().Data, p.f[t].RawVector().Data, p.S[t].RawMatrix().Data)
		}
	}
	return q
}

// policy is a controller in plain matrices.
type policy struct {
	K []*mat.Dense    // dU x dX
	k []*mat.VecDense // dU
	C []*mat.Dense    // dU x dU
}

// backward is the recursion as a textbook has it, with an inverse: of the cost plus eta
// e'e/2, with covariances (eta + w) Q_uu^-1. under, if given, is whose value function goes back.
func (p *system) backward(eta float64, weight func(t int) float64, under *policy) *policy {
	dX, d := p.dX, p.dX+p.dU
	out := &policy{K: make([]*mat.Dense, p.T), k: make([]*mat.VecDense, p.T), C: make([]*mat.Dense, p.T)}
	V, v := mat.DenseCopyOf(p.C[p.T].Slice(0, dX, 0, dX)), mat.VecDenseCopyOf(p.c[p.T].SliceVec(0, dX))
	for t := p.T - 1; t >= 0; t-- {
		var vf, Q mat.Dense
		var vl, q mat.VecDense
		vf.Mul(V, p.F[t])
		Q.Mul(p.F[t].T(), &vf)
		Q.Add(&Q, p.C[t])
		for i := dX; i < d; i++ {
			Q.Set(i, i, Q.At(i, i)+eta)
		}
		vl.MulVec(V, p.f[t])
		vl.AddVec(&vl, v)
		q.MulVec(p.F[t].T(), &vl)
		q.AddVec(&q, p.c[t])
		qux, quu := Q.Slice(dX, d, 0, dX), Q.Slice(dX, d, dX, d)
		inverse, K, C := new(mat.Dense), new(mat.Dense), new(mat.Dense)
		if err := inverse.Inverse(quu); err != nil {
			panic(err)
		}
		K.Mul(inverse, qux)
		K.Scale(-1, K)
		k := new(mat.VecDense)
		k.MulVec(inverse, q.SliceVec(dX, d))
		k.ScaleVec(-1, k)
		C.Scale(eta+weight(t), inverse)
		out.K[t], out.k[t], out.C[t] = K, k, C
		if under != nil {
			K, k = under.K[t], under.k[t]
		}
		// V = [I; K]' Q [I; K], v = [I; K]'(q + Q [0; k]).
		stack := mat.NewDense(d, dX, nil)
		for i := range dX {
			stack.Set(i, i, 1)
		}
		stack.Slice(dX, d, 0, dX).(*mat.Dense).Copy(K)
		shift := mat.NewVecDense(d, nil)
		shift.SliceVec(dX, d).(*mat.VecDense).CopyVec(k)
		var qs mat.Dense
		qs.Mul(&Q, stack)
		V = new(mat.Dense)
		V.Mul(stack.T(), &qs)
		var at mat.VecDense
		at.MulVec(&Q, shift)
		at.AddVec(&at, &q)
		v = new(mat.VecDense)
		v.MulVec(stack.T(), &at)
	}
	return out
}

// forward is the propagation of moments, and the divergence from N(0, I) at each step.
func (p *system) forward(c *policy) (kl, atMeans []float64) {
	dU := p.dU
	mean, cov := mat.VecDenseCopyOf(p.mean), mat.DenseCopyOf(p.cov)
	for t := range p.T {
		var a, ks, kk, noise, next mat.Dense
		u := new(mat.VecDense)
		u.MulVec(c.K[t], mean)
		u.AddVec(u, c.k[t])
		ks.Mul(c.K[t], cov)
		kk.Mul(&ks, c.K[t].T())
		d := -float64(dU) - math.Log(mat.Det(c.C[t])) + mat.Dot(u, u) + mat.Trace(c.C[t])
		atMeans = append(atMeans, 0.5*d)
		kl = append(kl, 0.5*(d+mat.Trace(&kk)))
		A, B := p.F[t].Slice(0, p.dX, 0, p.dX), p.F[t].Slice(0, p.dX, p.dX, p.dX+dU)
		a.Mul(B, c.K[t])
		a.Add(&a, A)
		next.Mul(&a, cov)
		cov = new(mat.Dense)
		cov.Mul(&next, a.T())
		noise.Mul(B, c.C[t])
		var spread mat.Dense
		spread.Mul(&noise, B.T())
		cov.Add(cov, &spread)
		cov.Add(cov, p.S[t])
		moved, acted := new(mat.VecDense), new(mat.VecDense)
		moved.MulVec(A, mean)
		acted.MulVec(B, u)
		moved.AddVec(moved, acted)
		moved.AddVec(moved, p.f[t])
		mean = moved
	}
	return kl, atMeans
}

// compare fails where a packed controller is not the plain one.
func compare(t *testing.T, got *riccati.Gains, want *policy, tolerance float64) {
	t.Helper()
	dU, dX := want.K[0].Dims()
	gain, bias, chol := make([]float64, dU*dX), make([]float64, dU), make([]float64, dU*dU)
	for k := range want.K {
		got.Get(k, gain, bias, chol)
		var cov mat.Dense
		l := mat.NewDense(dU, dU, chol)
		cov.Mul(l, l.T())
		for i := range dU {
			for j := range dU {
				if j > i && l.At(i, j) != 0 {
					t.Fatalf("step %d: factor has %v at (%d, %d)", k, l.At(i, j), i, j)
				}
			}
		}
		near(t, k, "gain", gain, want.K[k].RawMatrix().Data, tolerance)
		near(t, k, "bias", bias, want.k[k].RawVector().Data, tolerance)
		near(t, k, "covariance", cov.RawMatrix().Data, want.C[k].RawMatrix().Data, tolerance)
	}
}

func near(t *testing.T, step int, name string, got, want []float64, tolerance float64) {
	t.Helper()
	size := 0.0
	for _, w := range want {
		size = math.Max(size, math.Abs(w))
	}
	for i, w := range want {
		if !(math.Abs(got[i]-w) <= tolerance*size) {
			t.Fatalf("step %d: entry %d of the %s is %.15g, want %.15g", step, i, name, got[i], w)
		}
	}
}

// sizes are (T, dX, dU): one of each, those of the bench, more actions than states, more
// actions than a block has rows, and none a multiple of a block.
var sizes = [][3]int{{1, 1, 1}, {7, 4, 1}, {6, 7, 2}, {9, 14, 7}, {5, 26, 7}, {3, 50, 10}, {4, 2, 5}, {4, 8, 8}, {3, 9, 17}, {3, 16, 3}, {2, 23, 9}}
