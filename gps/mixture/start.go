package mixture

import (
	"math"
	"math/rand/v2"

	"guidedpolicysearch/gps/internal/dense"
)

// FromAssignment returns the mixture of the hard clusters assign[n] in [0, K): means and
// covariances of the members plus the regularisation, equal weights. The scatter is
// divided by the number of members, or by divisor if that is not 0. An empty cluster
// gets the mean and covariance of all points.
func FromAssignment(points []float64, D int, assign []int, K int, regularization, divisor float64) *Mixture {
	m := New(K, D)
	counts := make([]float64, K)
	for n, k := range assign {
		counts[k]++
		for i, v := range points[n*D : (n+1)*D] {
			m.Means[k*D+i] += v
		}
	}
	for k, c := range counts {
		for i := range D {
			m.Means[k*D+i] /= math.Max(1, c)
		}
	}
	for n, k := range assign {
		dense.AddOuter(m.Cov(k), 1, points[n*D:(n+1)*D], m.Mean(k))
	}
	whole := &em{cfg: Config{Regularization: regularization}, m: m, points: points, n: len(assign)}
	for k, c := range counts {
		if c == 0 {
			whole.revive(k)
			continue
		}
		if divisor != 0 {
			c = divisor
		}
		whole.finish(k, 1/c)
	}
	m.FitCount = len(assign)
	return m
}

// KMeansPlusPlus assigns the points (N x D) to K clusters: seeds by greedy k-means++
// (Arthur & Vassilvitskii 2007; of several candidates the one that brings the points
// nearest to the seeds), and Lloyd's algorithm, on dimensions scaled to unit variance.
func KMeansPlusPlus(rng *rand.Rand, points []float64, D, K int) []int {
	const rounds = 5
	N := len(points) / D
	scale := inverseDeviations(points, D)
	centers := make([]float64, K*D)
	copy(centers, points[rng.IntN(N)*D:][:D])
	nearest := make([]float64, N) // squared distance to the nearest centre so far
	sum := 0.0
	for n := range N {
		nearest[n] = scaledDistance(points[n*D:(n+1)*D], centers[:D], scale, math.Inf(1))
		sum += nearest[n]
	}
	candidates := 2 + int(math.Log(float64(K)))
	trial, best := make([]float64, N), make([]float64, N)
	for k := 1; k < K; k++ {
		bestSum := math.Inf(1)
		for range candidates {
			pick := draw(rng, nearest, sum)
			trialSum := 0.0
			for n := range N {
				trial[n] = scaledDistance(points[n*D:(n+1)*D], points[pick*D:(pick+1)*D], scale, nearest[n])
				trialSum += trial[n]
			}
			if trialSum < bestSum {
				bestSum = trialSum
				trial, best = best, trial
				copy(centers[k*D:(k+1)*D], points[pick*D:(pick+1)*D])
			}
		}
		nearest, best = best, nearest
		sum = bestSum
	}
	assign := make([]int, N)
	counts := make([]int, K)
	for range rounds {
		changed := false
		for n := range N {
			x := points[n*D : (n+1)*D]
			best, bestDistance := 0, math.Inf(1)
			for k := range K {
				if v := scaledDistance(x, centers[k*D:(k+1)*D], scale, bestDistance); v < bestDistance {
					best, bestDistance = k, v
				}
			}
			changed = changed || assign[n] != best
			assign[n] = best
		}
		if !changed {
			break
		}
		clear(counts)
		for _, k := range assign {
			counts[k]++
		}
		for k, c := range counts {
			if c > 0 {
				clear(centers[k*D : (k+1)*D])
			}
		}
		for n, k := range assign {
			for i, v := range points[n*D : (n+1)*D] {
				centers[k*D+i] += v / float64(counts[k])
			}
		}
	}
	return assign
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

// inverseDeviations returns 1/standard deviation per dimension; 0 where it is constant.
func inverseDeviations(points []float64, D int) []float64 {
	N := float64(len(points) / D)
	mean, scale := make([]float64, D), make([]float64, D)
	for i, v := range points {
		mean[i%D] += v / N
	}
	for i, v := range points {
		scale[i%D] += (v - mean[i%D]) * (v - mean[i%D]) / N
	}
	for i, v := range scale {
		if v > 0 {
			scale[i] = 1 / math.Sqrt(v)
		}
	}
	return scale
}

// scaledDistance returns the squared distance of x and y, or limit if it is not below.
func scaledDistance(x, y, scale []float64, limit float64) float64 {
	s := 0.0
	for i, v := range x {
		d := (v - y[i]) * scale[i]
		if s += d * d; s >= limit {
			return limit
		}
	}
	return s
}
