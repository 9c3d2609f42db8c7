package mixture

import (
	"math"

	"guidedpolicysearch/gps/internal/dense"
)

// smallestMass is a summed responsibility below which a component has no mean.
const smallestMass = 1e-200

// maximize sets the parameters from the responsibilities (Bishop 2006, equations 9.24 to
// 9.27). Dead components are revived, but not in the last step, which no E-step follows.
// When guarded, a covariance stays as it is where the new one is less likely.
func (e *em) maximize(guarded, last bool) (revived bool) {
	m, D := e.m, e.m.D
	clear(e.mass)
	clear(m.Means)
	clear(m.Covs)
	e.each(func(n int, r responsibility) {
		e.mass[r.component] += r.weight
		mean := m.Mean(int(r.component))
		for i, v := range e.points[n*D : (n+1)*D] {
			mean[i] += r.weight * v
		}
	})
	for k := range m.K {
		if e.mass[k] > 0 {
			for i := range D {
				m.Means[k*D+i] /= e.mass[k]
			}
		}
		m.LogWeights[k] = math.Log(math.Max(e.mass[k]/float64(e.n), math.SmallestNonzeroFloat64))
	}
	// About the component's own mean: raw second moments less the mean's would cancel.
	e.each(func(n int, r responsibility) {
		dense.AddOuter(m.Cov(int(r.component)), r.weight, e.points[n*D:(n+1)*D], m.Mean(int(r.component)))
	})
	dead := e.cfg.MinWeight / float64(m.K) * float64(e.n)
	isDead := func(k int) bool { return e.mass[k] < dead || e.mass[k] < smallestMass }
	for k := range m.K {
		switch {
		case isDead(k) && e.cfg.ReferenceRules:
			e.spread(k)
		case e.mass[k] < smallestMass:
			copy(m.Mean(k), e.previous.Mean(k))
			copy(m.Cov(k), e.previous.Cov(k))
		default:
			e.finish(k, 1/e.mass[k])
			if guarded && !e.improved(k) {
				copy(m.Cov(k), e.previous.Cov(k))
			}
		}
	}
	if e.cfg.ReferenceRules || last {
		return false
	}
	for k := range m.K {
		if isDead(k) && e.revivals > 0 {
			e.revive(k)
			e.revivals--
			revived = true
		}
	}
	if revived {
		m.normalizeWeights()
	}
	return revived
}

func (e *em) each(visit func(n int, r responsibility)) {
	start := 0
	for n, end := range e.end {
		for _, r := range e.entries[start:end] {
			visit(n, r)
		}
		start = end
	}
}

// finish scales a component's scatter, mirrors it and adds the regularisation.
func (e *em) finish(k int, scale float64) {
	D, cov := e.m.D, e.m.Cov(k)
	for i := range D {
		for j := range i + 1 {
			v := cov[i*D+j] * scale
			cov[i*D+j], cov[j*D+i] = v, v
		}
		cov[i*D+i] += e.coordinates.regularization[i]
	}
}

// spread gives a component the mean and covariance of all points.
func (e *em) spread(k int) {
	D, mean, cov := e.m.D, e.m.Mean(k), e.m.Cov(k)
	clear(mean)
	clear(cov)
	for n := range e.n {
		for i, v := range e.points[n*D : (n+1)*D] {
			mean[i] += v / float64(e.n)
		}
	}
	for n := range e.n {
		dense.AddOuter(cov, 1, e.points[n*D:(n+1)*D], mean)
	}
	e.finish(k, 1/float64(e.n))
}

// splitOffset is how far from a component's mean its halves are put, in standard
// deviations along its longest axis: so far that about half its variance there is
// between them, and covariances keep half the regularisation.
const splitOffset = 0.7

// revive gives dead component k half of the component that is spread the most, by its
// mass times its largest variance: both get half the weight, and means and covariances
// that together have the same moments.
func (e *em) revive(k int) {
	m, D := e.m, e.m.D
	from, most := k, -1.0
	var axis []float64 // of unit length
	var variance float64
	eigen := dense.NewEigen(D)
	for j := range m.K {
		if j == k || !(e.mass[j] > 0) || !eigen.Decompose(m.Cov(j)) {
			continue
		}
		largest := eigen.Values[D-1]
		if v := e.mass[j] * largest; v > most {
			from, most, variance = j, v, largest
			axis = axis[:0]
			for i := range D {
				axis = append(axis, eigen.Vectors[i*D+D-1])
			}
		}
	}
	if from == k {
		return
	}
	mean, cov := m.Mean(from), m.Cov(from)
	copy(m.Mean(k), mean)
	step := splitOffset * math.Sqrt(variance)
	for i, v := range axis {
		m.Mean(k)[i] += step * v
		mean[i] -= step * v
		for j, w := range axis {
			cov[i*D+j] -= step * step * (v * w)
		}
	}
	copy(m.Cov(k), cov)
	e.mass[from] /= 2
	e.mass[k] = e.mass[from]
	m.LogWeights[from] -= math.Log(2)
	m.LogWeights[k] = m.LogWeights[from]
}

func (m *Mixture) normalizeWeights() {
	sum := 0.0
	for _, l := range m.LogWeights {
		sum += math.Exp(l)
	}
	for k := range m.LogWeights {
		m.LogWeights[k] -= math.Log(sum)
	}
}

// improved says if component k's new covariance is likelier than its old one for the
// scatter about its new mean.
func (e *em) improved(k int) bool {
	return e.misfit(k, e.m.Cov(k)) <= e.misfit(k, e.previous.Cov(k))
}

// misfit returns log |cov| + tr(cov^-1 S) for component k's scatter S, which is its new
// covariance without the regularisation.
func (e *em) misfit(k int, cov []float64) float64 {
	D, a := e.m.D, append([]float64(nil), cov...)
	if !dense.Cholesky(a, D) {
		return math.Inf(1)
	}
	sum := 0.0
	for i := range D {
		sum += 2 * math.Log(a[i*D+i])
	}
	dense.InvertFactored(a, D)
	for i, v := range e.m.Cov(k) {
		sum += a[i] * v
	}
	for i, v := range e.coordinates.regularization {
		sum -= a[i*D+i] * v
	}
	return sum
}

// regularized says if component k's covariance has at least half the regularisation in
// every direction.
func (e *em) regularized(k int) bool {
	D, a := e.m.D, append([]float64(nil), e.m.Cov(k)...)
	for i, v := range e.coordinates.regularization {
		a[i*D+i] -= v / 2
	}
	return dense.Cholesky(a, D)
}
