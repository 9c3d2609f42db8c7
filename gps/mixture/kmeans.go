package mixture

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
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
	c := newClustering(points, D, K, false)
	c.seed(rng)
	c.refine()
	return c.assign
}

// clustering is the state of k-means.
type clustering struct {
	D, K, N int
	points  []float64 // less their mean, scaled
	centers []float64 // K x D
	assign  []int     // the cluster of each point
}

// newClustering moves the points to their mean, so that a large offset costs no digits,
// and, if scaled, divides each dimension by its standard deviation.
func newClustering(points []float64, D, K int, scaled bool) *clustering {
	c := &clustering{D: D, K: K, N: len(points) / D, points: slices.Clone(points), centers: make([]float64, K*D)}
	c.assign = make([]int, c.N)
	for i := range D {
		origin, mean, square := points[i], 0.0, 0.0
		for n := range c.N {
			mean += (points[n*D+i] - origin) / float64(c.N)
		}
		for n := range c.N {
			v := points[n*D+i] - origin - mean
			c.points[n*D+i] = v
			square += v * v / float64(c.N)
		}
		if deviation := math.Sqrt(square); scaled && deviation > 0 {
			for n := range c.N {
				c.points[n*D+i] /= deviation
			}
		}
	}
	return c
}

func (c *clustering) point(n int) []float64  { return c.points[n*c.D : (n+1)*c.D] }
func (c *clustering) center(k int) []float64 { return c.centers[k*c.D : (k+1)*c.D] }

// seed draws the centres by greedy k-means++.
func (c *clustering) seed(rng *rand.Rand) {
	copy(c.center(0), c.point(rng.IntN(c.N)))
	nearest := make([]float64, c.N) // squared distance to the nearest centre so far
	sum := 0.0
	for n := range nearest {
		nearest[n] = squaredDistance(c.point(n), c.center(0), math.Inf(1))
		sum += nearest[n]
	}
	candidates := 2 + int(math.Log(float64(c.K)))
	trial, best := make([]float64, c.N), make([]float64, c.N)
	for k := 1; k < c.K; k++ {
		bestSum := math.Inf(1)
		for range candidates {
			pick, trialSum := draw(rng, nearest, sum), 0.0
			for n := range trial {
				trial[n] = squaredDistance(c.point(n), c.point(pick), nearest[n])
				trialSum += trial[n]
			}
			if trialSum < bestSum {
				bestSum = trialSum
				trial, best = best, trial
				copy(c.center(k), c.point(pick))
			}
		}
		nearest, best = best, nearest
		sum = bestSum
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
	counts := make([]float64, c.K)
	clear(c.assign)
	for range maxRounds {
		if !c.assignNearest() {
			return
		}
		clear(counts)
		for _, k := range c.assign {
			counts[k]++
		}
		for k, count := range counts {
			if count > 0 {
				clear(c.center(k))
			}
		}
		for n, k := range c.assign {
			center := c.center(k)
			for i, v := range c.point(n) {
				center[i] += v / counts[k]
			}
		}
	}
}

// assignNearest assigns every point to the nearest centre; it reports whether any
// assignment changed.
func (c *clustering) assignNearest() (changed bool) {
	for n, old := range c.assign {
		x := c.point(n)
		best, bestDistance := old, squaredDistance(x, c.center(old), math.Inf(1))
		for k := range c.K {
			if v := squaredDistance(x, c.center(k), bestDistance); v < bestDistance {
				best, bestDistance = k, v
			}
		}
		changed = changed || best != old
		c.assign[n] = best
	}
	return changed
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
