package mixture

import (
	"cmp"
	"math"
	"slices"

	"guidedpolicysearch/gps/internal/kernel"
)

// smallestMass is a summed responsibility below which a component has no mean.
const smallestMass = 1e-200

// maximize sets the parameters from the responsibilities (Bishop 2006, equations 9.24 to
// 9.27). Dead components are revived, but not in the last step, which no E-step follows.
func (e *em) maximize(last bool) (revived bool) {
	e.m, e.previous = e.previous, e.m
	e.crew.Run(e.m.K, (*maximization)(e))
	if e.turns > 0 && !last && e.allSound() {
		e.turns--
		e.look()
	}
	if e.cfg.ReferenceRules || last {
		return false
	}
	for k := range e.m.K {
		if e.dead(k) && e.revivals > 0 {
			e.revive(k)
			e.revivals--
			revived = true
		}
	}
	if revived {
		normalizeWeights(e.m.logWeights)
		for k := range e.m.K {
			e.sound[k] = e.sound[k] && e.settle(k, e.moments[0].factoring)
		}
	}
	return revived
}

func (e *em) allSound() bool { return !slices.Contains(e.sound, false) }

func (e *em) dead(k int) bool {
	return e.mass[k] < e.cfg.MinWeight/float64(e.m.K)*float64(e.n) || e.mass[k] < smallestMass
}

// maximization is the M-step of one component.
type maximization em

// Do is crew.Task's.
func (t *maximization) Do(worker, k int) {
	e, s := (*em)(t), t.moments[worker]
	e.mass[k] = s.mean(e, k)
	e.m.logWeights[k] = math.Log(math.Max(e.mass[k]/float64(e.n), math.SmallestNonzeroFloat64))
	switch {
	case e.dead(k) && e.cfg.ReferenceRules:
		e.spread(k, s)
	case e.mass[k] < smallestMass:
		copy(e.m.mean(k), e.previous.mean(k))
		copy(e.m.covs[k].Data, e.previous.covs[k].Data)
	default:
		s.scatter(e, k, e.mass[k])
	}
	e.sound[k] = e.m.factor(k, e.m.covs[k], s.factoring)
	if e.guarded && !(e.sound[k] && e.improved(k, s)) {
		copy(e.m.covs[k].Data, e.previous.covs[k].Data)
		copy(e.m.inverses[k].Data, e.previous.inverses[k].Data)
		e.m.logDets[k], e.sound[k] = e.previous.logDets[k], true
	}
	e.sound[k] = e.sound[k] && e.settle(k, s.factoring)
	e.drifts[k] = s.drift(e, k)
}

// moments is the workspace of one worker that sums up a component's points.
type moments struct {
	*factoring
	rows    kernel.Block // sqrt(r) (x - mu), stride x blockSize
	count   int          // in rows
	started bool         // rows have been added to the scatter
	product kernel.Block // stride x D
}

func newMoments(D int) *moments {
	return &moments{factoring: newFactoring(D), rows: kernel.NewBlock(D, blockSize), product: kernel.NewBlock(D, D)}
}

// mean sets component k's mean and returns its summed responsibility.
func (s *moments) mean(e *em, k int) (mass float64) {
	mean, stride := e.m.mean(k), e.m.stride
	clear(mean)
	for b := range e.blocks {
		points, weights := e.entries[b].of(k)
		x := e.blocks[b].x
		for i, n := range points {
			mass += weights[i]
			kernel.Axpy(mean, weights[i], x[int(n)*stride:][:stride])
		}
	}
	if mass > 0 {
		for i := range mean {
			mean[i] /= mass
		}
	}
	return mass
}

// scatter sets component k's covariance to the scatter about its mean, divided by a divisor,
// with the regularisation. Raw second moments less the mean's would cancel.
func (s *moments) scatter(e *em, k int, divisor float64) {
	s.begin()
	for b := range e.blocks {
		points, weights := e.entries[b].of(k)
		for i, n := range points {
			s.add(e, k, b, int(n), math.Sqrt(weights[i]/divisor))
		}
	}
	s.end(e, k)
}

func (s *moments) begin() { s.count, s.started = 0, false }

// add takes a point of block b into component k's scatter; root is the square root of its
// weight.
func (s *moments) add(e *em, k, b, n int, root float64) {
	stride := e.m.stride
	kernel.Difference(s.rows.Column(s.count, stride), e.blocks[b].x[n*stride:][:stride], e.m.mean(k), root)
	if s.count++; s.count == blockSize {
		s.flush(e, k)
	}
}

// end adds the rows that are left and the regularisation, and mirrors the lower part.
func (s *moments) end(e *em, k int) {
	if s.count > 0 || !s.started {
		s.flush(e, k)
	}
	cov := e.m.covs[k]
	for j, place := range e.m.order {
		cov.Data[j*cov.Stride+j] += e.coordinates.regularization[place]
	}
	kernel.Mirror(cov, e.m.D)
}

func (s *moments) flush(e *em, k int) {
	D, cov := e.m.D, e.m.covs[k]
	if s.started {
		kernel.AddLower(cov, cov, s.rows, s.rows.T(), D, D, s.count)
	} else {
		kernel.SetLower(cov, s.rows, s.rows.T(), D, D, s.count)
	}
	s.count, s.started = 0, true
}

// spread gives a component the mean and covariance of all points.
func (e *em) spread(k int, s *moments) {
	mean, stride, share := e.m.mean(k), e.m.stride, 1/float64(e.n)
	clear(mean)
	for _, b := range e.blocks {
		for n := range b.n {
			kernel.Axpy(mean, share, b.x[n*stride:][:stride])
		}
	}
	s.begin()
	for b := range e.blocks {
		for n := range e.blocks[b].n {
			s.add(e, k, b, n, math.Sqrt(share))
		}
	}
	s.end(e, k)
}

// splitOffset is how far from a component's mean its halves are put, in standard
// deviations along its longest axis: so far that about half its variance there is
// between them, and covariances keep half the regularisation.
const splitOffset = 0.7

// longestSteps and longestTolerance, a share of the variance, end the search for the longest
// axis: among axes of almost the same length any is as good.
const (
	longestSteps     = 200
	longestTolerance = 1e-6
)

// revive gives dead component k half of the component that is spread the most, by its
// mass times its largest variance: both get half the weight, and means and covariances
// that together have the same moments.
func (e *em) revive(k int) {
	m, D, s := e.m, e.m.D, e.moments[0]
	from, most := k, -1.0
	axis := make([]float64, D) // of the length of a standard deviation
	for _, j := range e.bySpread(k) {
		if e.spreads[j] < most {
			break
		}
		deviation, variance := s.longest(m.covs[j], m.order)
		if v := e.mass[j] * variance; v > most || v == most && j < from {
			from, most = j, v
			copy(axis, deviation)
		}
	}
	if from == k {
		return
	}
	copy(m.mean(k), m.mean(from))
	kernel.Axpy(m.mean(k)[:D], -splitOffset, axis)
	kernel.Axpy(m.mean(from)[:D], splitOffset, axis)
	for j, w := range axis {
		kernel.Axpy(m.covs[from].Column(j, D), -splitOffset*splitOffset*w, axis)
	}
	kernel.Mirror(m.covs[from], D)
	copy(m.covs[k].Data, m.covs[from].Data)
	e.mass[from] /= 2
	e.mass[k] = e.mass[from]
	m.logWeights[from] -= math.Log(2)
	m.logWeights[k] = m.logWeights[from]
	for _, j := range []int{k, from} {
		e.sound[j] = m.factor(j, m.covs[j], e.moments[0].factoring)
		e.drifts[j] = drift{}
	}
}

// longest returns the longest axis of a covariance, by power iteration, as the vector
// C v / sqrt(v'C v) of the last v, and its variance v'C v. Of any such vector u the matrix
// C - t^2 u u' with t < 1 is positive definite. order has the dimensions' order of the points,
// on which nothing may depend but rounding.
func (s *moments) longest(cov kernel.Block, order []int) (deviation []float64, variance float64) {
	D := len(order)
	v, next := s.rows.Column(0, cov.Stride), s.rows.Column(1, cov.Stride)
	// The longest column, and a little of all for what it may know nothing of.
	clear(v)
	longest, square := 0, -1.0
	for j := range D {
		column := cov.Column(j, D)
		if c := kernel.Dot(column, column); c > square || c == square && order[j] < order[longest] {
			longest, square = j, c
		}
	}
	copy(v, cov.Column(longest, D))
	for j, place := range order {
		v[j] += 1e-2 * math.Sqrt(cov.At(j, j)*cov.At(longest, longest)) * (1 + float64(place)/float64(D))
	}
	for range longestSteps {
		length := math.Sqrt(kernel.Dot(v[:D], v[:D]))
		if !(length > 0 && length < math.Inf(1)) {
			return v[:D], 0
		}
		for j := range D {
			v[j] /= length
		}
		kernel.Set(kernel.Block{Data: next, Stride: len(next)}, cov, kernel.Right{Data: v, Inner: 1}, D, 1, D)
		last := variance
		variance = kernel.Dot(v[:D], next[:D])
		v, next = next, v
		if !(variance-last > longestTolerance*variance) {
			break
		}
	}
	if !(variance > 0) {
		return v[:D], 0
	}
	deviation = v[:D]
	for j := range deviation {
		deviation[j] /= math.Sqrt(variance)
	}
	return deviation, variance
}

// normalizeWeights makes weights sum to 1, given their logarithms.
func normalizeWeights(logWeights []float64) {
	sum := 0.0
	for _, l := range logWeights {
		sum += math.Exp(l)
	}
	for k := range logWeights {
		logWeights[k] -= math.Log(sum)
	}
}

// improved says if component k's new covariance is likelier than its old one for the
// scatter about its new mean.
func (e *em) improved(k int, s *moments) bool {
	return e.misfit(k, e.m.density, s) <= e.misfit(k, e.previous.density, s)
}

// misfit returns log |cov| + tr(cov^-1 S) for the covariance that d has for component k,
// and the component's scatter S, which is its new covariance without the regularisation.
func (e *em) misfit(k int, d *density, s *moments) float64 {
	D, w := d.D, d.inverses[k]
	kernel.Set(s.product, w, e.m.covs[k].N(), D, D, D)
	sum := 2*d.logDets[k] + kernel.Dot(s.product.Data, w.Data)
	for j, place := range d.order {
		column := w.Column(j, d.stride)
		sum -= e.coordinates.regularization[place] * kernel.Dot(column, column)
	}
	return sum
}

// bySpread returns the components with mass other than k, those with the largest bound on
// their spread first, and leaves the bounds in e.spreads: no eigenvalue is above the norm of
// the matrix, so that few components have to be decomposed.
func (e *em) bySpread(k int) []int {
	m, D := e.m, e.m.D
	e.spreads = append(e.spreads[:0], make([]float64, m.K)...)
	var list []int
	for j := range m.K {
		if j == k || !(e.mass[j] > 0) {
			continue
		}
		square := 0.0
		for i := range D {
			column := m.covs[j].Column(i, D)
			square += kernel.Dot(column, column)
		}
		// The norm's own rounding, and that of the eigenvalues.
		e.spreads[j] = e.mass[j] * math.Sqrt(square) * (1 + 1e-9)
		list = append(list, j)
	}
	slices.SortStableFunc(list, func(a, b int) int { return cmp.Compare(e.spreads[b], e.spreads[a]) })
	return list
}
