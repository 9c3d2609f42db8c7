package lqg

import "math"

// Divergence computes KL divergences between controllers, with its workspace.
type Divergence struct {
	dX, dU    int
	precision []float64 // dU x dU
	cov       []float64 // dU x dU
	dGain     []float64 // K_old - K_new, dU x dX
	dMean     []float64 // dU
	row       []float64 // dX
}

// NewDivergence returns a workspace for dX states and dU actions.
func NewDivergence(dX, dU int) *Divergence {
	checkSizes(1, dX, dU)
	return &Divergence{dX: dX, dU: dU,
		precision: make([]float64, dU*dU), cov: make([]float64, dU*dU),
		dGain: make([]float64, dU*dX), dMean: make([]float64, dU), row: make([]float64, dX)}
}

// PerStep writes the expected divergence E[KL(p(u_t|x_t) || q(u_t|x_t))] for t = 0..T-1
// to dst (T), with x_t distributed as in m, and returns the sum:
//
//	1/2 [tr(P_q C_p) - dU + log det C_q - log det C_p + d'P_q d + tr(dK'P_q dK Sigma_x)]
//
// with dK = K_q - K_p and d the difference of the mean actions at the mean state
// (arXiv:1504.00702, appendix A.1). With m the marginals of p it is the divergence of
// the trajectory distributions. It does not allocate.
func (w *Divergence) PerStep(dst []float64, p, q *Controller, m *Trajectory) float64 {
	dX, dU := w.dX, w.dU
	d := dX + dU
	total := 0.0
	for t := range p.T {
		q.Precision(w.precision, t)
		p.Covariance(w.cov, t)
		mean, cov := m.MeanAt(t), m.CovAt(t)
		pk, qk := p.Gain(t), q.Gain(t)
		for i := range w.dGain {
			w.dGain[i] = qk[i] - pk[i]
		}
		for i := range dU {
			v := q.BiasAt(t)[i] - p.BiasAt(t)[i]
			for j := range dX {
				v += w.dGain[i*dX+j] * mean[j]
			}
			w.dMean[i] = v
		}
		s := q.LogDet(t) - p.LogDet(t) - float64(dU)
		for i := range dU {
			// row = dK_i Sigma_x
			clear(w.row)
			for l := range dX {
				g := w.dGain[i*dX+l]
				for j := range dX {
					w.row[j] += g * cov[l*d+j]
				}
			}
			for j := range dU {
				spread := 0.0
				for l := range dX {
					spread += w.row[l] * w.dGain[j*dX+l]
				}
				s += w.precision[i*dU+j] * (w.cov[i*dU+j] + w.dMean[i]*w.dMean[j] + spread)
			}
		}
		// Rounding may leave a tiny negative number where the controllers are equal.
		dst[t] = math.Max(0, 0.5*s)
		total += dst[t]
	}
	return total
}
