package mixture

import (
	"math"

	"guidedpolicysearch/gps/internal/kernel"
)

const (
	// pruneBelow is how far, in nat, a component's log density may fall behind the best
	// one of a point before it is taken to be zero: e^-30 is 1e-13.
	pruneBelow = 30
	pruned     = 9.3e-14 // e^-30
	// slackShare of a bound makes up for the rounding beyond a component's slack.
	slackShare = 0x1p-10
	// blockSize is how many points are evaluated together, and panel how many rows of a
	// distance: what a tile of the kernels holds.
	blockSize = 128
	panel     = 3 * kernel.Lane
	// headColumns is how many points' heads are evaluated together, to stay in the
	// fastest cache.
	headColumns = 32
	// worthBounds: where more than one in as many pairs is left by the bounds that are
	// kept, new ones are computed.
	worthBounds = 3
)

// block is a number of points in the layout of a density.
type block struct {
	n int
	x []float64 // n x stride, zero padded, in the density's order
}

// widen raises size to a point's absolute values.
func widen(size, x []float64) {
	for i, v := range x {
		size[i] = max(size[i], math.Abs(v))
	}
}

// responsibilities are the responsibilities of a block of points that are not zero,
// sorted by component.
type responsibilities struct {
	points  []int32 // in the block
	weights []float64
	ends    []int // end of each component's entries
}

func newResponsibilities(points, K int) responsibilities {
	return responsibilities{make([]int32, 0, points*K), make([]float64, 0, points*K), make([]int, K)}
}

// of returns component k's entries.
func (r *responsibilities) of(k int) ([]int32, []float64) {
	start := 0
	if k > 0 {
		start = r.ends[k-1]
	}
	return r.points[start:r.ends[k]], r.weights[start:r.ends[k]]
}

func (r *responsibilities) reset() { r.points, r.weights = r.points[:0], r.weights[:0] }

func (r *responsibilities) add(point int32, weight float64) {
	r.points, r.weights = append(r.points, point), append(r.weights, weight)
}

// evaluator is the workspace of one worker that evaluates blocks of points under a
// density.
type evaluator struct {
	products  kernel.Block // of the heads, (views K) x headColumns
	bounds    []float64    // lower bounds of squared distances, blockSize x K
	rows, z   kernel.Block // x - mu and W (x - mu), stride x blockSize
	distances []float64    // of the points in rows, squared
	lists     []int32      // points to be evaluated under each component, K x blockSize
	counts    []int        // their number
	tops      []float64    // each point's highest log density so far
	best      []int32      // its component
	firsts    []float64    // each point's log density under its first component
	floors    []float64    // what a log density must reach for a weight
	sums      []float64
	reach     []float64 // lower bounds of distances, of the block under way, or nil
}

func newEvaluator(K, D int) *evaluator {
	stride := kernel.Pad(D)
	arena := kernel.NewArena(kernel.Pad(views*K)*headColumns + kernel.Space(blockSize*K) + 2*stride*blockSize)
	e := &evaluator{products: arena.TakeBlock(views*K, headColumns), bounds: arena.Take(blockSize * K),
		rows: arena.TakeBlock(stride, blockSize), z: arena.TakeBlock(stride, blockSize)}
	e.lists, e.counts = make([]int32, K*blockSize), make([]int, K)
	e.best = make([]int32, blockSize)
	for _, list := range []*[]float64{&e.distances, &e.tops, &e.firsts, &e.floors, &e.sums} {
		*list = make([]float64, blockSize)
	}
	return e
}

// posterior overwrites r with the responsibilities of the points and logp with log p(x).
// first has the component to try first for each point, or -1, and receives the likeliest:
// the likelier the first one is, the more is pruned. reach, if it is not nil, has lower bounds
// of the distances of all pairs, as kept says, and receives new ones.
func (e *evaluator) posterior(d *density, p block, r *responsibilities, logp []float64, first []int32, reach []float64, kept []drift) {
	e.reach = reach
	bounded := p.n > 0 && first[0] < 0
	if bounded {
		e.bound(d, p)
		e.guess(d, p, first)
	}
	e.tryFirst(d, p, first)
	if reach == nil || bounded {
		e.survive(d, p, first)
	} else if !e.outlast(d, p, kept) {
		e.bound(d, p)
		e.survive(d, p, first)
	}
	e.tryRest(d, p, r, first)
	e.normalize(d, p, r, logp)
	copy(first, e.best[:p.n])
}

// outlast lists, for every component, the points of which the bounds that are kept leave it a
// weight, those that it was the first of included. It reports whether the others are so few
// that new bounds are not worth the while.
func (e *evaluator) outlast(d *density, p block, kept []drift) bool {
	clear(e.counts)
	K, listed := d.K, 0
	kept, offsets := kept[:K], d.offsets[:K]
	for n := range p.n {
		floor := 2 * e.floors[n]
		for k, v := range e.reach[n*K : (n+1)*K] {
			if v = float64(v*kept[k].shrink) - kept[k].moved; v < 0 {
				v = 0
			}
			e.reach[n*K+k] = v
			// Not <=: where numbers are out of range, nothing is known.
			if !((1-slackShare)*float64(v*v)+floor > 2*offsets[k]) {
				e.list(k, n)
				listed++
			}
		}
	}
	return (listed-p.n)*worthBounds < p.n*K
}

// bound computes the squared distances along the views, for all pairs of points and
// components.
func (e *evaluator) bound(d *density, p block) {
	K := d.K
	for n := 0; n < p.n; n += headColumns {
		columns := min(headColumns, p.n-n)
		kernel.Set(e.products, d.head, kernel.Right{Data: p.x[n*d.stride:], Inner: 1, Outer: int32(d.stride)}, views*K, columns, d.D)
		for c := range columns {
			z, bounds := e.products.Column(c, views*K), e.bounds[(n+c)*K:][:K]
			for k := range bounds {
				z, at := z[views*k:][:views], d.at[views*k:][:views]
				a, b, c, d := z[0]-at[0], z[1]-at[1], z[2]-at[2], z[3]-at[3]
				// Converted, so that no processor fuses them.
				bounds[k] = (float64(a*a) + float64(b*b)) + (float64(c*c) + float64(d*d))
			}
		}
	}
}

// guess takes for the points without a first component the likeliest one so far.
func (e *evaluator) guess(d *density, p block, first []int32) {
	for n := range p.n {
		if first[n] >= 0 {
			continue
		}
		first[n] = 0
		least := math.Inf(1)
		for k, v := range e.bounds[n*d.K : (n+1)*d.K] {
			if v -= 2 * d.offsets[k]; v < least {
				first[n], least = int32(k), v
			}
		}
	}
}

// tryFirst evaluates every point under its first component.
func (e *evaluator) tryFirst(d *density, p block, first []int32) {
	clear(e.counts)
	for n, k := range first {
		e.list(int(k), n)
	}
	for k := range d.K {
		list := e.listed(k)
		e.measure(d, k, p, list, false)
		for i, n := range list {
			v := d.offsets[k] - 0.5*e.distances[i]
			e.reached(int(n)*d.K+k, e.distances[i])
			if v != v { // the difference of two infinities
				v = math.Inf(-1)
			}
			e.firsts[n], e.tops[n], e.best[n], e.floors[n] = v, v, int32(k), v-pruneBelow
		}
	}
}

// reached keeps a lower bound of a squared distance.
func (e *evaluator) reached(pair int, square float64) {
	if e.reach != nil {
		e.reach[pair] = math.Sqrt(square)
	}
}

func (e *evaluator) list(k, n int) {
	e.lists[k*blockSize+e.counts[k]] = int32(n)
	e.counts[k]++
}

func (e *evaluator) listed(k int) []int32 { return e.lists[k*blockSize:][:e.counts[k]] }

// survive lists, for every component, the points whose bound leaves it a weight, those
// that it was the first of included.
func (e *evaluator) survive(d *density, p block, first []int32) {
	clear(e.counts)
	K := d.K
	for n := range p.n {
		floor := 2 * e.floors[n]
		for k, v := range e.bounds[n*K : (n+1)*K] {
			// Not <=: where numbers are out of range, nothing is known.
			if !((1-slackShare)*v+floor > 2*d.offsets[k]+d.slack[k]) || k == int(first[n]) {
				e.list(k, n)
			} else if e.reach != nil {
				if v = math.Sqrt((1-slackShare)*v - d.slack[k]); v > e.reach[n*K+k] {
					e.reach[n*K+k] = v
				}
			}
		}
	}
}

// tryRest evaluates the listed points and collects the log densities that are high enough.
func (e *evaluator) tryRest(d *density, p block, r *responsibilities, first []int32) {
	r.reset()
	for k := range d.K {
		list, kept := e.listed(k), 0
		for _, n := range list {
			if int(first[n]) == k {
				r.add(n, e.firsts[n])
			} else {
				list[kept] = n
				kept++
			}
		}
		list = e.measure(d, k, p, list[:kept], true)
		for i, n := range list {
			e.reached(int(n)*d.K+k, e.distances[i])
			if !(e.distances[i] <= 2*(d.offsets[k]-e.floors[n])) {
				continue
			}
			v := d.offsets[k] - 0.5*e.distances[i]
			r.add(n, v)
			if v > e.tops[n] {
				e.tops[n], e.best[n], e.floors[n] = v, int32(k), v-pruneBelow
			}
		}
		r.ends[k] = len(r.points)
	}
}

// measure computes the squared distances of the listed points from component k's mean. If
// pruning, it drops points from the list as soon as their floors are out of reach. It returns
// the list.
func (e *evaluator) measure(d *density, k int, p block, list []int32, pruning bool) []int32 {
	mean, distances := d.mean(k), e.distances[:len(list)]
	clear(distances)
	for row := 0; row < d.stride && len(list) > 0; row += panel {
		end := min(row+panel, d.stride)
		if pruning {
			e.gather(p, mean, list, row, end)
		} else if row == 0 {
			e.gather(p, mean, list, 0, d.stride)
		}
		kernel.Set(e.z, d.inverses[k].From(row, 0), e.rows.N(), end-row, len(list), min(d.D, end))
		kernel.AddSquares(distances[:len(list)], e.z, end-row)
		if !pruning || end == d.stride {
			continue
		}
		kept, limit := 0, 2*d.offsets[k]
		for i, n := range list {
			if distances[i] > limit-2*e.floors[n] {
				e.reached(int(n)*d.K+k, distances[i])
				continue
			}
			if kept < i {
				list[kept], distances[kept] = n, distances[i]
				copy(e.rows.Column(kept, end), e.rows.Column(i, end))
			}
			kept++
		}
		list = list[:kept]
	}
	return list
}

// gather puts what the listed points are off the mean into the rows, in dimensions from to
// to.
func (e *evaluator) gather(p block, mean []float64, list []int32, from, to int) {
	stride := len(mean)
	for i, n := range list {
		kernel.Difference(e.rows.Column(i, to)[from:], p.x[int(n)*stride:][from:to], mean[from:to], 1)
	}
}

// normalize turns log densities into responsibilities (Bishop 2006, equation 9.23).
func (e *evaluator) normalize(d *density, p block, r *responsibilities, logp []float64) {
	sums := e.sums[:p.n]
	clear(sums)
	for i, n := range r.points {
		w := 1.0
		if v := r.weights[i] - e.tops[n]; v != 0 {
			w = math.Exp(v)
		}
		r.weights[i] = w
		sums[n] += w
	}
	kept, start, far := 0, 0, false
	for k, end := range r.ends {
		for i := start; i < end; i++ {
			n := r.points[i]
			if w := r.weights[i]; w >= pruned && e.tops[n] > lowestLog {
				r.points[kept], r.weights[kept] = n, w/sums[n]
				kept++
			}
		}
		start, r.ends[k] = end, kept
	}
	r.points, r.weights = r.points[:kept], r.weights[:kept]
	for n, s := range sums {
		logp[n] = e.tops[n]
		if s != 1 {
			logp[n] += math.Log(s)
		}
		far = far || !(e.tops[n] > lowestLog)
	}
	if far {
		e.settleFar(d, p, r, logp)
	}
}

// settleFar gives each point that is far from all components to the nearest one.
func (e *evaluator) settleFar(d *density, p block, r *responsibilities, logp []float64) {
	for n := range p.n {
		if e.tops[n] > lowestLog {
			continue
		}
		k := d.nearest(p.x[n*d.stride:][:d.D], int(e.best[n]))
		logp[n], e.best[n] = lowestLog, int32(k)
		r.add(0, 0)
		at := r.ends[k]
		copy(r.points[at+1:], r.points[at:])
		copy(r.weights[at+1:], r.weights[at:])
		r.points[at], r.weights[at] = int32(n), 1
		for j := k; j < d.K; j++ {
			r.ends[j]++
		}
	}
}
