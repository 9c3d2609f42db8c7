package mixture_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"guidedpolicysearch/gps/mixture"
)

// plainKMeans is greedy k-means++ and Lloyd's algorithm with every distance computed from
// its definition.
func plainKMeans(rng *rand.Rand, points []float64, D, K int) []int {
	N := len(points) / D
	distance := func(n int, c []float64) float64 {
		s := 0.0
		for i, v := range c {
			s += (points[n*D+i] - v) * (points[n*D+i] - v)
		}
		return s
	}
	point := func(n int) []float64 { return points[n*D : (n+1)*D] }
	centers := [][]float64{slices.Clone(point(rng.IntN(N)))}
	nearest, sum := make([]float64, N), 0.0
	for n := range nearest {
		nearest[n] = distance(n, centers[0])
		sum += nearest[n]
	}
	for len(centers) < K {
		var best []float64
		bestSum, bestPick := math.Inf(1), 0
		for range 2 + int(math.Log(float64(K))) {
			target, pick := rng.Float64()*sum, N-1
			for n, v := range nearest {
				if target -= v; target < 0 {
					pick = n
					break
				}
			}
			trial, trialSum := make([]float64, N), 0.0
			for n := range trial {
				trial[n] = min(nearest[n], distance(n, point(pick)))
				trialSum += trial[n]
			}
			if trialSum < bestSum {
				best, bestSum, bestPick = trial, trialSum, pick
			}
		}
		nearest, sum = best, bestSum
		centers = append(centers, slices.Clone(point(bestPick)))
	}
	assign := make([]int, N)
	for range 100 {
		changed := false
		for n, own := range assign {
			best := own
			for k := range centers {
				if distance(n, centers[k]) < distance(n, centers[best]) {
					best = k
				}
			}
			changed = changed || best != own
			assign[n] = best
		}
		if !changed {
			break
		}
		for k := range centers {
			mean, count := make([]float64, D), 0.0
			for n, own := range assign {
				if own == k {
					count++
					for i, v := range point(n) {
						mean[i] += v
					}
				}
			}
			if count > 0 {
				for i := range mean {
					centers[k][i] = mean[i] / count
				}
			}
		}
	}
	return assign
}

// Clusters are those that distances computed one by one give, whatever the sizes, where
// many points are equal, and where one dimension's numbers are so large that products of
// them hold no digit of the others.
func TestKMeansIsExact(t *testing.T) {
	for trial := range uint64(60) {
		rng := rand.New(rand.NewPCG(trial, 5))
		D, K, N := 1+rng.IntN(30), 1+rng.IntN(12), 20+rng.IntN(400)
		g := newGaussians(rng, max(2, D), K, 1.5, 0, 1)
		g.D = max(2, D)
		D = g.D
		points := g.points(rng, N)
		switch trial % 3 {
		case 1:
			for n := range N / 2 {
				copy(points[n*D:(n+1)*D], points[rng.IntN(N)*D:])
			}
		case 2:
			for n := range N {
				points[n*D] *= 1e9
			}
		}
		// About their mean, as the clustering sees them.
		for i := range D {
			mean := 0.0
			for n := range N {
				mean += points[n*D+i] / float64(N)
			}
			for n := range N {
				points[n*D+i] -= mean
			}
		}
		got := mixture.KMeansPlusPlus(rand.New(rand.NewPCG(trial, 6)), points, D, K)
		want := plainKMeans(rand.New(rand.NewPCG(trial, 6)), points, D, K)
		if !slices.Equal(got, want) {
			different := 0
			for n := range got {
				if got[n] != want[n] {
					different++
				}
			}
			t.Errorf("trial %d, N=%d D=%d K=%d: %d points in another cluster", trial, N, D, K, different)
		}
	}
}
