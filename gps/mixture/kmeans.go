package mixture

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"guidedpolicysearch/gps/internal/crew"
	"guidedpolicysearch/gps/internal/kernel"
)

// maxRounds bounds the rounds of Lloyd's algorithm.
const maxRounds = 100

// KMeansPlusPlus assigns the points (N x D, finite) to K clusters: seeds by greedy
// k-means++ (Arthur & Vassilvitskii 2007; of several candidates the one that brings the
// points nearest to the seeds), then Lloyd's algorithm, with distances in the points' own
// units.
func KMeansPlusPlus(rng *rand.Rand, points []float64, D, K int) []int {
	if D < 1 || K < 1 || len(points) < D || len(points)%D != 0 {
		panic(fmt.Sprintf("mixture: %d numbers are no points of D=%d dimensions to put into K=%d clusters", len(points), D, K))
	}
	workers := crew.New(1)
	defer workers.Stop()
	c := newClustering(points, D, K, false, workers)
	c.seed(rng)
	c.refine()
	return c.assign
}

// clustering is the state of k-means. Squared distances are computed as
// |x|^2 - 2 x'c + |c|^2, many at once; where rounding could decide, they are computed anew
// from the differences.
type clustering struct {
	D, K, N, stride int
	points          []float64 // less their mean, scaled, N x stride
	squares         []float64 // |x|^2
	centers         []float64 // K x stride
	assign          []int     // the cluster of each point
	crew            *crew.Crew
	trial           *trial
	search          *search
}

// newClustering moves the points to their mean, so that a large offset costs no digits,
// and, if scaled, divides each dimension by its standard deviation.
func newClustering(points []float64, D, K int, scaled bool, workers *crew.Crew) *clustering {
	N, stride := len(points)/D, kernel.Pad(D)
	c := &clustering{D: D, K: K, N: N, stride: stride, crew: workers, assign: make([]int, N), squares: make([]float64, N)}
	arena := kernel.NewArena(kernel.Space(N*stride) + kernel.Space(K*stride))
	c.points, c.centers = arena.Take(N*stride), arena.Take(K*stride)
	mean := make([]float64, D)
	for n := range N {
		x := c.point(n)[:D]
		kernel.Difference(x, points[n*D:(n+1)*D], points[:D], 1)
		kernel.Axpy(mean, 1/float64(N), x)
	}
	for n := range N {
		x := c.point(n)[:D]
		kernel.Difference(x, x, mean, 1)
	}
	if scaled {
		c.scale()
	}
	for n := range N {
		c.squares[n] = kernel.Dot(c.point(n), c.point(n))
	}
	c.trial, c.search = newTrial(c), newSearch(c)
	return c
}

// scale divides each dimension by its standard deviation, unless that is 0.
func (c *clustering) scale() {
	deviation := make([]float64, c.D)
	for n := range c.N {
		for i, v := range c.point(n)[:c.D] {
			deviation[i] += v * v / float64(c.N)
		}
	}
	for i, v := range deviation {
		if deviation[i] = 1; v > 0 {
			deviation[i] = math.Sqrt(v)
		}
	}
	for n := range c.N {
		x := c.point(n)[:c.D]
		for i, v := range deviation {
			x[i] /= v
		}
	}
}

func (c *clustering) point(n int) []float64 {
	return c.points[n*c.stride : (n+1)*c.stride : (n+1)*c.stride]
}
func (c *clustering) center(k int) []float64 {
	return c.centers[k*c.stride : (k+1)*c.stride : (k+1)*c.stride]
}

// blocks is the number of blocks of points.
func (c *clustering) blocks() int { return (c.N + blockSize - 1) / blockSize }

// multiply writes the products of centres, the rows of left, with the points of a block. It
// returns the points' numbers.
func (c *clustering) multiply(products, left kernel.Block, rows, block int) (from, to int) {
	from, to = block*blockSize, min((block+1)*blockSize, c.N)
	right := kernel.Right{Data: c.points[from*c.stride:], Inner: 1, Outer: int32(c.stride)}
	kernel.Set(products, left, right, rows, to-from, c.D)
	return from, to
}

// seed draws the centres by greedy k-means++.
func (c *clustering) seed(rng *rand.Rand) {
	t := c.trial
	for n := range t.nearest {
		t.nearest[n] = math.Inf(1)
	}
	t.take(0, rng.IntN(c.N))
	for k := range c.K {
		if k > 0 {
			for i := range t.picks {
				t.take(i, draw(rng, t.nearest, t.sum))
			}
		}
		copy(c.center(k), c.point(t.run(k == 0)))
	}
}

// trial compares points as candidates for the next centre.
type trial struct {
	*clustering
	picks    []int
	count    int // picks that stand
	left     kernel.Block
	products []kernel.Block // of each worker, Pad(picks) x blockSize
	// nearest is the squared distance of each point to the nearest centre, sum their sum.
	nearest   []float64
	sum       float64
	distances []float64 // that with each candidate added, picks x N
	sums      []float64 // blocks x picks
}

func newTrial(c *clustering) *trial {
	picks := 2 + int(math.Log(float64(c.K)))
	t := &trial{clustering: c, picks: make([]int, picks), left: kernel.NewBlock(picks, c.D), nearest: make([]float64, c.N),
		distances: make([]float64, picks*c.N), sums: make([]float64, c.blocks()*picks)}
	for range c.crew.Size() {
		t.products = append(t.products, kernel.NewBlock(picks, blockSize))
	}
	return t
}

// take makes a point candidate i.
func (t *trial) take(i, n int) {
	t.picks[i] = n
	for j, v := range t.point(n)[:t.D] {
		t.left.Set(i, j, v)
	}
}

// run returns the point that brings the points nearest to the centres, of all candidates or
// only the first, and adds it to them.
func (t *trial) run(only bool) int {
	t.count = len(t.picks)
	if only {
		t.count = 1
	}
	t.crew.Run(t.blocks(), t)
	best, bestSum := 0, math.Inf(1)
	for i := range t.count {
		sum := 0.0
		for b := range t.blocks() {
			sum += t.sums[b*len(t.picks)+i]
		}
		if sum < bestSum {
			best, bestSum = i, sum
		}
	}
	copy(t.nearest, t.distances[best*t.N:(best+1)*t.N])
	t.sum = bestSum
	return t.picks[best]
}

// cancelled is the share of |x|^2 + |c|^2 below which a squared distance computed from
// them has too few digits left.
const cancelled = 1e-6

// Do is crew.Task's.
func (t *trial) Do(worker, b int) {
	z := t.products[worker]
	from, to := t.multiply(z, t.left, len(t.picks), b)
	for i, pick := range t.picks[:t.count] {
		square, sum, distances := t.squares[pick], 0.0, t.distances[i*t.N:(i+1)*t.N]
		for n := from; n < to; n++ {
			both := t.squares[n] + square
			v := both - 2*z.At(i, n-from)
			if !(v > cancelled*both) {
				v = squaredDistance(t.point(n), t.point(pick), t.nearest[n])
			}
			v = min(v, t.nearest[n])
			distances[n] = v
			sum += v
		}
		t.sums[b*len(t.picks)+i] = sum
	}
}

// seedRandom takes K different points as centres.
func (c *clustering) seedRandom(rng *rand.Rand) {
	for k, n := range rng.Perm(c.N)[:c.K] {
		copy(c.center(k), c.point(n))
	}
}

// refine moves the centres by Lloyd's algorithm.
func (c *clustering) refine() {
	s, counts := c.search, make([]int, c.K)
	clear(c.assign)
	s.moveAll()
	for range maxRounds {
		if !s.run() {
			return
		}
		clear(counts)
		for _, k := range c.assign {
			counts[k]++
		}
		s.move(counts)
	}
}

// assignNearest assigns every point to the nearest centre.
func (c *clustering) assignNearest() {
	clear(c.assign)
	c.search.moveAll()
	c.search.run()
}

// search looks for the nearest centre of every point. Late in Lloyd's algorithm only few
// centres move: only what they change is computed anew.
type search struct {
	*clustering
	moved    []int          // centres that moved since the last run
	still    []bool         // those that did not
	left     kernel.Block   // the moved ones, K x D
	squares  []float64      // |c|^2
	largest  float64        // of them
	scores   []float64      // |c|^2 - 2 x'c, N x K
	products []kernel.Block // of each worker, K x blockSize
	touched  []bool         // clusters that points of a block left or joined, blocks x K
	weights  []float64      // 1/number of points of the moved
}

func newSearch(c *clustering) *search {
	s := &search{clustering: c, still: make([]bool, c.K), left: kernel.NewBlock(c.K, c.D), squares: make([]float64, c.K),
		scores: make([]float64, c.N*c.K), touched: make([]bool, c.blocks()*c.K), weights: make([]float64, c.K)}
	for range c.crew.Size() {
		s.products = append(s.products, kernel.NewBlock(c.K, blockSize))
	}
	return s
}

// moveAll takes all centres as new.
func (s *search) moveAll() {
	s.moved = s.moved[:0]
	for k := range s.K {
		s.moved = append(s.moved, k)
	}
}

// move moves the centres of the clusters that points left or joined to their points' mean.
func (s *search) move(counts []int) {
	s.moved = s.moved[:0]
	clear(s.weights)
	for k, count := range counts {
		for b := 0; count > 0 && b < s.blocks(); b++ {
			if s.touched[b*s.K+k] {
				s.moved = append(s.moved, k)
				s.weights[k] = 1 / float64(count)
				clear(s.center(k))
				break
			}
		}
	}
	for n, k := range s.assign {
		if w := s.weights[k]; w > 0 {
			kernel.Axpy(s.center(k), w, s.point(n))
		}
	}
}

// run assigns every point to the nearest centre; it reports whether any assignment changed.
func (s *search) run() (changed bool) {
	for k := range s.still {
		s.still[k] = true
	}
	for i, k := range s.moved {
		center := s.center(k)
		s.still[k], s.squares[k] = false, kernel.Dot(center, center)
		for j, v := range center[:s.D] {
			s.left.Set(i, j, v)
		}
	}
	s.largest = slices.Max(s.squares)
	clear(s.touched)
	s.crew.Run(s.blocks(), s)
	return slices.Contains(s.touched, true)
}

// Do is crew.Task's.
func (s *search) Do(worker, b int) {
	z, K := s.products[worker], s.K
	from, to := s.multiply(z, s.left, len(s.moved), b)
	// Rounding of sums of D products of numbers whose squares are summed, twice over.
	rounding := 4 * float64(s.D+8) * 0x1p-53
	for n := from; n < to; n++ {
		products, scores := z.Column(n-from, len(s.moved)), s.scores[n*K:(n+1)*K]
		own := s.assign[n]
		// A point whose centre has not moved can only go to one that has.
		best, least, second := own, scores[own], math.Inf(1)
		if !s.still[own] {
			least = math.Inf(1)
		}
		for i, k := range s.moved {
			v := s.squares[k] - 2*products[i]
			scores[k] = v
			if v < least {
				best, least, second = k, v, least
			} else if v < second {
				second = v
			}
		}
		if !s.still[own] {
			for k, v := range scores {
				if !s.still[k] {
					continue
				}
				if v < least {
					best, least, second = k, v, least
				} else if v < second {
					second = v
				}
			}
		}
		if margin := rounding * (s.clustering.squares[n] + s.largest); !(second-least > margin) {
			best = s.nearest(n, scores, least+margin)
		}
		if best != own {
			s.assign[n] = best
			s.touched[b*K+own], s.touched[b*K+best] = true, true
		}
	}
}

// nearest compares the centres in question from the differences; of equals, the point stays
// with its own, or else the first has it.
func (s *search) nearest(n int, scores []float64, limit float64) int {
	x, best := s.point(n), s.assign[n]
	least := squaredDistance(x, s.center(best), math.Inf(1))
	for k, v := range scores {
		if v > limit {
			continue
		}
		if v := squaredDistance(x, s.center(k), least); v < least {
			best, least = k, v
		}
	}
	return best
}

// draw returns an index with probability proportional to its weight.
func draw(rng *rand.Rand, weights []float64, sum float64) int {
	target := rng.Float64() * sum
	for n, v := range weights {
		if target -= v; target < 0 {
			return n
		}
	}
	return len(weights) - 1
}

// squaredDistance returns that of x and y, or limit if it is not below.
func squaredDistance(x, y []float64, limit float64) float64 {
	s := 0.0
	for i, v := range x {
		d := v - y[i]
		if s += d * d; s >= limit {
			return limit
		}
	}
	return s
}
