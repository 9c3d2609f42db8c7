package trajopt

import (
	"fmt"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"

	"guidedpolicysearch/gps/internal/dense"
	"guidedpolicysearch/gps/lqg"
)

// whitened is a problem in the anchor's own units: with u = K x + k + L e, for the anchor
// N(K x + k, L L'), the anchor becomes e ~ N(0, I). Its -log density is then e'e/2 whatever
// its gains and covariance are. In the states' block, where K'PK would cancel against
// -K'P (P)^-1 PK, nothing is left, and tiny and huge covariances do no harm.
type whitened struct {
	standard *lqg.Controller // e ~ N(0, I)
	dynamics *lqg.Dynamics
	// objective holds the whitened cost, policy term included, and the anchor e'e/2.
	objective lqg.Objective
	weights   lqg.PolicyTerm
	quad      []float64 // D x D
	lin       []float64 // D
	cross     []float64 // Q_ux + Q_uu K, dU x dX
}

func newWhitened(T, dX, dU int) *whitened {
	d := dX + dU
	w := &whitened{standard: lqg.NewController(T, dX, dU), dynamics: lqg.NewDynamics(T, dX, dU),
		quad: make([]float64, d*d), lin: make([]float64, d), cross: make([]float64, dU*dX)}
	for t := range T {
		for i := range dU {
			w.standard.CholAt(t)[i*dU+i] = 1
		}
	}
	w.objective.Cost = lqg.NewCost(T, dX, dU)
	w.objective.Anchor = lqg.NewSurrogate(w.standard)
	return w
}

// set writes the problem in the anchor's units. It fails where that overflows.
func (w *whitened) set(p *Problem) error {
	T, dX, dU := p.Anchor.T, p.Anchor.DX, p.Anchor.DU
	d := dX + dU
	w.objective.MaxEnt, w.objective.Policy, w.objective.ReferenceScale = p.MaxEnt, nil, p.ReferenceScale
	if p.Policy != nil {
		w.weights.Weight = p.Policy.Weight
		w.objective.Policy = &w.weights
	}
	given := lqg.Objective{Cost: p.Cost, Policy: p.Policy}
	copy(w.dynamics.Cov, p.Dynamics.Cov)
	for t := range T {
		gain, bias := dense.Matrix(dU, dX, dX, p.Anchor.Gain(t)), dense.Vector(p.Anchor.BiasAt(t))
		chol := dense.Factor(p.Anchor.CholAt(t), dU)

		given.WithoutAnchor(t, w.quad, w.lin)
		dense.Symmetrize(w.quad, d, d)
		qxx, qux := dense.Matrix(dX, dX, d, w.quad), dense.Matrix(dU, dX, d, w.quad[dX*d:])
		qxu, quu := dense.Matrix(dX, dU, d, w.quad[dX:]), dense.Matrix(dU, dU, d, w.quad[dX*d+dX:])
		lx, lu := dense.Vector(w.lin[:dX]), dense.Vector(w.lin[dX:])
		// The linear term at (0, k), then along x and e.
		blas64.Gemv(blas.NoTrans, 1, qxu, bias, 1, lx)
		blas64.Gemv(blas.NoTrans, 1, quu, bias, 1, lu)
		blas64.Gemv(blas.Trans, 1, gain, lu, 1, lx)
		blas64.Trmv(blas.Trans, chol, lu)
		copy(w.objective.Cost.LinAt(t), w.lin)

		cross := dense.Matrix(dU, dX, dX, w.cross)
		for i := range dU {
			copy(w.cross[i*dX:(i+1)*dX], w.quad[(dX+i)*d:(dX+i)*d+dX])
		}
		blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, quu, gain, 1, cross)
		blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, qxu, gain, 1, qxx)
		blas64.Gemm(blas.Trans, blas.NoTrans, 1, gain, cross, 1, qxx)
		blas64.Trmm(blas.Left, blas.Trans, 1, chol, cross)
		blas64.Trmm(blas.Left, blas.Trans, 1, chol, quu)
		blas64.Trmm(blas.Right, blas.NoTrans, 1, chol, quu)
		for i := range dU {
			for j := range dX {
				v := w.cross[i*dX+j]
				qux.Data[i*d+j], qxu.Data[j*d+i] = v, v
			}
		}
		dense.Symmetrize(w.quad, d, d)
		copy(w.objective.Cost.QuadAt(t), w.quad)

		given, bent := p.Dynamics.FAt(t), w.dynamics.FAt(t)
		copy(bent, given)
		fu := dense.Matrix(dX, dU, d, given[dX:])
		blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, fu, gain, 1, dense.Matrix(dX, dX, d, bent))
		blas64.Trmm(blas.Right, blas.NoTrans, 1, chol, dense.Matrix(dX, dU, d, bent[dX:]))
		copy(w.dynamics.BiasAt(t), p.Dynamics.BiasAt(t))
		blas64.Gemv(blas.NoTrans, 1, fu, bias, 1, dense.Vector(w.dynamics.BiasAt(t)))
		for _, part := range [][]float64{w.quad, w.lin, bent, w.dynamics.BiasAt(t)} {
			if dense.FirstNotFinite(part) >= 0 {
				return fmt.Errorf("%w: the cost and the dynamics overflow in the anchor's units at time step %d: check the scale of its gains and covariances", lqg.ErrNotFinite, t)
			}
		}
	}
	given.WithoutAnchor(T, w.objective.Cost.QuadAt(T), w.objective.Cost.LinAt(T))
	return nil
}

// restore writes the controller c of whitened actions as one of the problem's actions.
func restore(dst, c, anchor *lqg.Controller) {
	dX, dU := c.DX, c.DU
	dst.CopyFrom(c)
	for t := range c.T {
		chol := dense.Factor(anchor.CholAt(t), dU)
		blas64.Trmm(blas.Left, blas.NoTrans, 1, chol, dense.Matrix(dU, dX, dX, dst.Gain(t)))
		blas64.Trmv(blas.NoTrans, chol, dense.Vector(dst.BiasAt(t)))
		blas64.Trmm(blas.Left, blas.NoTrans, 1, chol, dense.Matrix(dU, dU, dU, dst.CholAt(t)))
		blas64.Axpy(1, dense.Vector(anchor.Gain(t)), dense.Vector(dst.Gain(t)))
		blas64.Axpy(1, dense.Vector(anchor.BiasAt(t)), dense.Vector(dst.BiasAt(t)))
	}
}
