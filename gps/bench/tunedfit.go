package main

import (
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"

	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/rollout"
)

// regularization is added to the variances of [x, u] in the fit, and to those of EM.
const regularization = 1e-6

// tunedFit is the regression of all steps with gonum's BLAS in memory of its own.
type tunedFit struct {
	samples              []*rollout.Rollout
	dyn                  *lqg.Dynamics
	points, mean         []float64 // N x P, P
	sigma, factor, cross []float64 // P x P, d x d, d x dX
	ones                 []float64 // N times 1/N
}

func newTunedFit(samples []*rollout.Rollout) *tunedFit {
	s, N := samples[0], len(samples)
	d := s.DX + s.DU
	p := d + s.DX
	f := &tunedFit{samples: samples, dyn: lqg.NewDynamics(s.T, s.DX, s.DU), points: make([]float64, N*p), mean: make([]float64, p),
		sigma: make([]float64, p*p), factor: make([]float64, d*d), cross: make([]float64, d*s.DX), ones: make([]float64, N)}
	for i := range f.ones {
		f.ones[i] = 1 / float64(N)
	}
	return f
}

func (f *tunedFit) run() error {
	T, dX, dU, N := f.dyn.T, f.dyn.DX, f.dyn.DU, len(f.samples)
	d := dX + dU
	p := d + dX
	points := general(N, p, p, f.points)
	for t := range T {
		for n, s := range f.samples {
			row := f.points[n*p : (n+1)*p]
			copy(row, s.State(t))
			copy(row[dX:], s.Action(t))
			copy(row[d:], s.State(t+1))
		}
		blas64.Gemv(blas.Trans, 1, points, column(f.ones), 0, column(f.mean))
		for n := range N {
			blas64.Axpy(-1, column(f.mean), column(f.points[n*p:(n+1)*p]))
		}
		blas64.Gemm(blas.Trans, blas.NoTrans, 1/float64(N), points, points, 0, general(p, p, p, f.sigma))
		for i := range d {
			f.sigma[i*p+i] += regularization
			copy(f.factor[i*d:(i+1)*d], f.sigma[i*p:])
			copy(f.cross[i*dX:(i+1)*dX], f.sigma[i*p+d:])
		}
		if err := factorize(f.factor, d); err != nil {
			return err
		}
		l, half := lower(f.factor, d), general(d, dX, dX, f.cross)
		blas64.Trsm(blas.Left, blas.NoTrans, 1, l, half)
		noise := f.dyn.CovAt(t)
		for i := range dX {
			copy(noise[i*dX:(i+1)*dX], f.sigma[(d+i)*p+d:])
		}
		blas64.Gemm(blas.Trans, blas.NoTrans, -1, half, half, 1, general(dX, dX, dX, noise))
		blas64.Trsm(blas.Left, blas.Trans, 1, l, half)
		gain, bias := f.dyn.FAt(t), f.dyn.BiasAt(t)
		for i := range dX {
			for j := range d {
				gain[i*d+j] = f.cross[j*dX+i]
			}
		}
		copy(bias, f.mean[d:])
		blas64.Gemv(blas.NoTrans, -1, general(dX, d, d, gain), column(f.mean[:d]), 1, column(bias))
	}
	return nil
}

// tunedEM runs EM iterations with gonum's BLAS in memory of its own.
type tunedEM struct {
	N, D, K              int
	points               []float64
	start                [3][]float64 // weights, means, covariances
	weights, means, covs []float64
	factor               []float64 // D x D
	diff                 []float64 // N x D
	resp, mass           []float64 // N x K, K
}

func newTunedEM(points []float64, D int, weights, means, covs []float64) *tunedEM {
	N, K := len(points)/D, len(weights)
	vec := func(n int) []float64 { return make([]float64, n) }
	return &tunedEM{N: N, D: D, K: K, points: points, start: [3][]float64{weights, means, covs}, weights: vec(K), means: vec(K * D), covs: vec(K * D * D),
		factor: vec(D * D), diff: vec(N * D), resp: vec(N * K), mass: vec(K)}
}

func (e *tunedEM) run(iterations int) error {
	N, D, K := e.N, e.D, e.K
	copy(e.weights, e.start[0])
	copy(e.means, e.start[1])
	copy(e.covs, e.start[2])
	points, diff, resp := general(N, D, D, e.points), general(N, D, D, e.diff), general(N, K, K, e.resp)
	for range iterations {
		for k := range K {
			copy(e.factor, e.covs[k*D*D:(k+1)*D*D])
			if err := factorize(e.factor, D); err != nil {
				return err
			}
			base := math.Log(e.weights[k]) - 0.5*float64(D)*math.Log(2*math.Pi)
			for i := range D {
				base -= math.Log(e.factor[i*D+i])
			}
			e.center(k)
			blas64.Trsm(blas.Right, blas.Trans, 1, lower(e.factor, D), diff)
			for n := range N {
				row := column(e.diff[n*D : (n+1)*D])
				e.resp[n*K+k] = base - 0.5*blas64.Dot(row, row)
			}
		}
		clear(e.mass)
		for n := range N {
			row := e.resp[n*K : (n+1)*K]
			normalizeLog(row)
			blas64.Axpy(1, column(row), column(e.mass))
		}
		blas64.Gemm(blas.Trans, blas.NoTrans, 1, resp, points, 0, general(K, D, D, e.means))
		for k, mass := range e.mass {
			e.weights[k] = mass / float64(N)
			blas64.Scal(1/mass, column(e.means[k*D:(k+1)*D]))
			e.center(k)
			for n := range N {
				blas64.Scal(math.Sqrt(e.resp[n*K+k]/mass), column(e.diff[n*D:(n+1)*D]))
			}
			cov := e.covs[k*D*D : (k+1)*D*D]
			blas64.Gemm(blas.Trans, blas.NoTrans, 1, diff, diff, 0, general(D, D, D, cov))
			for i := range D {
				cov[i*D+i] += regularization
			}
		}
	}
	return nil
}

// center writes the points less the mean of component k to e.diff.
func (e *tunedEM) center(k int) {
	mean := e.means[k*e.D : (k+1)*e.D]
	for n := range e.N {
		row := e.diff[n*e.D : (n+1)*e.D]
		for i, v := range e.points[n*e.D : (n+1)*e.D] {
			row[i] = v - mean[i]
		}
	}
}

// normalizeLog turns logarithms into weights that sum to 1.
func normalizeLog(row []float64) {
	most := math.Inf(-1)
	for _, v := range row {
		most = math.Max(most, v)
	}
	sum := 0.0
	for i, v := range row {
		row[i] = math.Exp(v - most)
		sum += row[i]
	}
	for i := range row {
		row[i] /= sum
	}
}
