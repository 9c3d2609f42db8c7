package main

import (
	"errors"
	"math"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distmv"

	"guidedpolicysearch/gps/mixture"
	"guidedpolicysearch/gps/rollout"
)

var errIndefinite = errors.New("matrix is not positive definite")

// naiveController is what matrix types make of a controller.
type naiveController struct {
	K, cov []*mat.Dense
	k      []*mat.VecDense
}

// naiveLQ is a problem in matrix types.
type naiveLQ struct {
	*lq
	F, Q, S            []*mat.Dense
	f, q               []*mat.VecDense
	anchor, controller naiveController
}

func newNaiveLQ(p *lq) *naiveLQ {
	T, dX, dU, d := p.T, p.dX, p.dU, p.dX+p.dU
	n := &naiveLQ{lq: p}
	for t := range T + 1 {
		n.Q = append(n.Q, mat.NewDense(d, d, p.cost.QuadAt(t)))
		n.q = append(n.q, mat.NewVecDense(d, p.cost.LinAt(t)))
		if t == T {
			break
		}
		n.F = append(n.F, mat.NewDense(dX, d, p.dyn.FAt(t)))
		n.f = append(n.f, mat.NewVecDense(dX, p.dyn.BiasAt(t)))
		n.S = append(n.S, mat.NewDense(dX, dX, p.dyn.CovAt(t)))
		for _, c := range []struct {
			dst  *naiveController
			K, k []float64
			L    []float64
		}{{&n.anchor, p.anchor.Gain(t), p.anchor.BiasAt(t), p.anchor.CholAt(t)},
			{&n.controller, p.controller.Gain(t), p.controller.BiasAt(t), p.controller.CholAt(t)}} {
			var cov mat.Dense
			l := mat.NewDense(dU, dU, c.L)
			cov.Mul(l, l.T())
			c.dst.K, c.dst.k = append(c.dst.K, mat.NewDense(dU, dX, c.K)), append(c.dst.k, mat.NewVecDense(dU, c.k))
			c.dst.cov = append(c.dst.cov, &cov)
		}
	}
	return n
}

// symmetric returns the mean of a and its transpose.
func symmetric(a mat.Matrix) *mat.SymDense {
	n, _ := a.Dims()
	s := mat.NewSymDense(n, nil)
	for i := range n {
		for j := range i + 1 {
			s.SetSym(i, j, 0.5*(a.At(i, j)+a.At(j, i)))
		}
	}
	return s
}

func (p *naiveLQ) backward() (c naiveController, err error) {
	T, dX, dU, d := p.T, p.dX, p.dU, p.dX+p.dU
	c = naiveController{K: make([]*mat.Dense, T), k: make([]*mat.VecDense, T), cov: make([]*mat.Dense, T)}
	var V mat.Matrix = symmetric(p.Q[T].Slice(0, dX, 0, dX))
	var v mat.Vector = p.q[T].SliceVec(0, dX)
	for t := T - 1; t >= 0; t-- {
		var VF, Q, Vf, q mat.Dense
		VF.Mul(V, p.F[t])
		Q.Mul(p.F[t].T(), &VF)
		Q.Add(&Q, p.Q[t])
		Vf.Mul(V, p.f[t])
		Vf.Add(&Vf, v)
		q.Mul(p.F[t].T(), &Vf)
		q.Add(&q, p.q[t])

		var chol mat.Cholesky
		if !chol.Factorize(symmetric(Q.Slice(dX, d, dX, d))) {
			return c, errIndefinite
		}
		var K, k mat.Dense
		if err := errors.Join(chol.SolveTo(&K, Q.Slice(dX, d, 0, dX)), chol.SolveTo(&k, q.Slice(dX, d, 0, 1))); err != nil {
			return c, err
		}
		K.Scale(-1, &K)
		k.Scale(-1, &k)
		var cov mat.SymDense
		if err := chol.InverseTo(&cov); err != nil {
			return c, err
		}
		var next, linear mat.Dense
		next.Mul(Q.Slice(0, dX, dX, d), &K)
		next.Add(&next, Q.Slice(0, dX, 0, dX))
		linear.Mul(Q.Slice(0, dX, dX, d), &k)
		linear.Add(&linear, q.Slice(0, dX, 0, 1))
		V, v = symmetric(&next), linear.ColView(0)
		c.K[t], c.k[t], c.cov[t] = &K, mat.NewVecDense(dU, k.RawMatrix().Data), mat.DenseCopyOf(&cov)
	}
	return c, nil
}

// forward returns the divergence of the controller from the anchor at every step.
func (p *naiveLQ) forward() (kl []float64, err error) {
	dX, d := p.dX, p.dX+p.dU
	var mean mat.Vector = mat.NewVecDense(dX, p.x0.Mean)
	var cov mat.Matrix = mat.NewDense(dX, dX, p.x0.Cov)
	for t := range p.T {
		step, err := p.divergence(t, mean, cov)
		if err != nil {
			return nil, err
		}
		kl = append(kl, step)

		A, B := p.F[t].Slice(0, dX, 0, dX), p.F[t].Slice(0, dX, dX, d)
		var M, half, next, BC, spread mat.Dense
		M.Mul(B, p.controller.K[t])
		M.Add(&M, A)
		half.Mul(&M, cov)
		next.Mul(&half, M.T())
		BC.Mul(B, p.controller.cov[t])
		spread.Mul(&BC, B.T())
		next.Add(&next, &spread)
		next.Add(&next, p.S[t])
		var Mm, Bk mat.VecDense
		Mm.MulVec(&M, mean)
		Bk.MulVec(B, p.controller.k[t])
		Mm.AddVec(&Mm, &Bk)
		Mm.AddVec(&Mm, p.f[t])
		mean, cov = &Mm, symmetric(&next)
	}
	return kl, nil
}

func (p *naiveLQ) divergence(t int, mx mat.Vector, Sx mat.Matrix) (float64, error) {
	var own, other mat.Cholesky
	if !own.Factorize(symmetric(p.controller.cov[t])) || !other.Factorize(symmetric(p.anchor.cov[t])) {
		return 0, errIndefinite
	}
	var P mat.SymDense
	if err := other.InverseTo(&P); err != nil {
		return 0, err
	}
	var PC, dK, PdK, weight, spread mat.Dense
	var d, dk mat.VecDense
	PC.Mul(&P, p.controller.cov[t])
	dK.Sub(p.controller.K[t], p.anchor.K[t])
	dk.SubVec(p.controller.k[t], p.anchor.k[t])
	d.MulVec(&dK, mx)
	d.AddVec(&d, &dk)
	PdK.Mul(&P, &dK)
	weight.Mul(dK.T(), &PdK)
	spread.Mul(&weight, Sx)
	return 0.5 * (mat.Trace(&PC) - float64(p.dU) + other.LogDet() - own.LogDet() + mat.Inner(&d, &P, &d) + mat.Trace(&spread)), nil
}

// naiveFit is the regression of all steps' transitions with 1e-6 on the inputs' variances.
func naiveFit(samples []*rollout.Rollout) (F, noise []*mat.Dense, f []*mat.VecDense, err error) {
	T, dX, dU := samples[0].T, samples[0].DX, samples[0].DU
	d, N := dX+dU, len(samples)
	for t := range T {
		points := mat.NewDense(N, d+dX, nil)
		for n, s := range samples {
			points.SetRow(n, append(append(append([]float64(nil), s.State(t)...), s.Action(t)...), s.State(t+1)...))
		}
		var cov mat.SymDense
		stat.CovarianceMatrix(&cov, points, nil)
		cov.ScaleSym(float64(N-1)/float64(N), &cov)
		for i := range d {
			cov.SetSym(i, i, cov.At(i, i)+regularization)
		}
		mean := mat.NewVecDense(d+dX, nil)
		for i := range d + dX {
			mean.SetVec(i, stat.Mean(mat.Col(nil, i, points), nil))
		}
		var chol mat.Cholesky
		if !chol.Factorize(cov.SliceSym(0, d)) {
			return nil, nil, nil, errIndefinite
		}
		cross := mat.DenseCopyOf(&cov).Slice(0, d, d, d+dX)
		var solved, gain, explained, left mat.Dense
		if err := chol.SolveTo(&solved, cross); err != nil {
			return nil, nil, nil, err
		}
		gain.CloneFrom(solved.T())
		explained.Mul(&gain, cross)
		left.Sub(mat.DenseCopyOf(&cov).Slice(d, d+dX, d, d+dX), &explained)
		var bias mat.VecDense
		bias.MulVec(&gain, mean.SliceVec(0, d))
		bias.SubVec(mean.SliceVec(d, d+dX), &bias)
		F, f, noise = append(F, &gain), append(f, &bias), append(noise, mat.DenseCopyOf(symmetric(&left)))
	}
	return F, noise, f, nil
}

// naiveEM runs EM iterations from a mixture of full covariances and returns weights, means
// and covariances.
func naiveEM(points []float64, D int, weights, means, covs []float64, iterations int) (all [3][]float64, err error) {
	N, K := len(points)/D, len(weights)
	X := mat.NewDense(N, D, points)
	weights = append([]float64(nil), weights...)
	mean, cov := make([]*mat.VecDense, K), make([]*mat.SymDense, K)
	for k := range K {
		mean[k] = mat.NewVecDense(D, append([]float64(nil), means[k*D:(k+1)*D]...))
		cov[k] = symmetric(mat.NewDense(D, D, covs[k*D*D:(k+1)*D*D]))
	}
	for range iterations {
		R := mat.NewDense(N, K, nil)
		for k := range K {
			normal, ok := distmv.NewNormal(mean[k].RawVector().Data, cov[k], nil)
			if !ok {
				return all, errIndefinite
			}
			for n := range N {
				R.Set(n, k, math.Log(weights[k])+normal.LogProb(X.RawRowView(n)))
			}
		}
		for n := range N {
			normalizeLog(R.RawRowView(n))
		}
		for k := range K {
			r := mat.Col(nil, k, R)
			mass := 0.0
			m := mat.NewVecDense(D, nil)
			for n, v := range r {
				mass += v
				m.AddScaledVec(m, v, X.RowView(n))
			}
			m.ScaleVec(1/mass, m)
			c := mat.NewSymDense(D, nil)
			for n, v := range r {
				var diff mat.VecDense
				diff.SubVec(X.RowView(n), m)
				c.SymRankOne(c, v/mass, &diff)
			}
			for i := range D {
				c.SetSym(i, i, c.At(i, i)+regularization)
			}
			weights[k], mean[k], cov[k] = mass/float64(N), m, c
		}
	}
	all[0] = weights
	for k := range K {
		all[1] = append(all[1], mean[k].RawVector().Data...)
		all[2] = append(all[2], mat.DenseCopyOf(cov[k]).RawMatrix().Data...)
	}
	return all, nil
}

// mixtureOf is the mixture of these weights, means and covariances.
func mixtureOf(D int, weights, means, covs []float64) *mixture.Mixture {
	m := mixture.New(len(weights), D)
	copy(m.Means, means)
	copy(m.Covs, covs)
	for k, v := range weights {
		m.LogWeights[k] = math.Log(v)
	}
	return m
}
