package mixture

import (
	"fmt"
	"math"
	"math/rand/v2"

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
	counts := make([]int, c.K)
	c.search.reset()
	for range maxRounds {
		if !c.search.run() {
			return
		}
		clear(counts)
		for _, k := range c.assign {
			counts[k]++
		}
		c.search.move(counts)
	}
}

// assignNearest assigns every point to the nearest centre.
func (c *clustering) assignNearest() {
	c.search.reset()
	c.search.run()
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
