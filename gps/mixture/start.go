package mixture

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"guidedpolicysearch/gps/internal/crew"
)

// Start returns a mixture of K components to begin a fit of the points (N x D) with:
// clusters by cfg.Method, as FromAssignment makes a mixture of them. Of cfg.Starts
// clusterings it takes the one that foretells best: each fifth of the points in turn,
// whole rollouts where they come in order, is judged by a mixture of the others.
// Errors wrap ErrBadPoints, or are those of cfg.Validate or ctx.
func Start(ctx context.Context, rng *rand.Rand, points []float64, D, K int, cfg Config) (*Mixture, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	N, err := checkPoints(points, D)
	if err != nil {
		return nil, err
	}
	if K < 1 || K > N {
		return nil, fmt.Errorf("%w: %d points for %d components, need 1 to %d components", ErrBadPoints, N, K, N)
	}
	if _, err := standardize(points, D, cfg.Regularization); err != nil {
		return nil, err
	}
	c := newClustering(points, D, K, cfg.Method == ScaledKMeans)
	assignments := make([][]int, cfg.Starts)
	for i := range assignments {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if cfg.Method == Random {
			c.seedRandom(rng)
			c.assignNearest()
		} else {
			c.seed(rng)
			c.refine()
		}
		assignments[i] = append([]int(nil), c.assign...)
	}
	best, err := foretell(ctx, assignments, points, D, K, cfg)
	if err != nil {
		return nil, err
	}
	return FromAssignment(points, D, assignments[best], K, cfg.Regularization, 0), nil
}

// foretell returns which of the assignments foretells points left out best.
func foretell(ctx context.Context, assignments [][]int, points []float64, D, K int, cfg Config) (best int, err error) {
	const folds = 5
	N := len(points) / D
	if len(assignments) == 1 || N < 2*folds {
		return 0, nil
	}
	cfg.MaxIterations = 1
	scores := make([]float64, len(assignments))
	for f := range folds {
		from, to := N*f/folds, N*(f+1)/folds
		rest := append(append([]float64(nil), points[:from*D]...), points[to*D:]...)
		for i, a := range assignments {
			m := FromAssignment(rest, D, append(append([]int(nil), a[:from]...), a[to:]...), K, cfg.Regularization, 0)
			if _, err := Fit(ctx, m, rest, cfg); err != nil {
				if ctx.Err() != nil {
					return 0, err
				}
				scores[i] = math.Inf(-1) // the others degenerate it
				continue
			}
			l, err := m.LogLikelihood(points[from*D : to*D])
			if err != nil {
				l = math.Inf(-1)
			}
			scores[i] += l
		}
	}
	for i, s := range scores {
		if s > scores[best] {
			best = i
		}
	}
	return best, nil
}

// FromAssignment returns the mixture of the hard clusters assign[n] in [0, K): means and
// covariances of the members plus the regularisation (as in Config), equal weights. The
// scatter is divided by the number of members, or by divisor if that is not 0. An empty
// cluster gets the mean and covariance of all points, which must be finite and at most
// 1e100 apart.
func FromAssignment(points []float64, D int, assign []int, K int, regularization, divisor float64) *Mixture {
	if len(points) != len(assign)*D {
		panic(fmt.Sprintf("mixture: %d numbers for %d points of %d dimensions", len(points), len(assign), D))
	}
	m := New(K, D)
	if m.FitCount = len(assign); m.FitCount == 0 {
		return m
	}
	coordinates, err := standardize(points, D, regularization)
	if err != nil {
		panic(err.Error())
	}
	workers := crew.New(1)
	defer workers.Stop()
	fromAssignment(m, coordinates, points, assign, divisor, workers)
	return m
}

func fromAssignment(m *Mixture, c *coordinates, points []float64, assign []int, divisor float64, workers *crew.Crew) {
	e := newEM(Config{}, c, naturalOrder(m.D), points, m.K, workers)
	e.divisor = divisor
	for b := range e.blocks {
		from, n := b*blockSize, e.blocks[b].n
		r := responsibilities{make([]int32, 0, n), make([]float64, 0, n), make([]int, m.K)}
		r.assign(assign[from : from+n])
		e.entries = append(e.entries, r)
	}
	workers.Run(m.K, (*membership)(e))
	e.outward(m)
}

// assign makes the responsibilities those of points that belong to one component each.
func (r *responsibilities) assign(components []int) {
	for k := range r.ends {
		for n, component := range components {
			if component == k {
				r.add(int32(n), 1)
			}
		}
		r.ends[k] = len(r.points)
	}
}

// membership sets the mean and covariance of one cluster.
type membership em

// Do is crew.Task's.
func (t *membership) Do(worker, k int) {
	e, s := (*em)(t), t.moments[worker]
	e.m.logWeights[k] = -math.Log(float64(e.m.K))
	count := s.mean(e, k)
	if count == 0 {
		e.spread(k, s)
		return
	}
	s.scatter(e, k)
	if e.divisor != 0 {
		count = e.divisor
	}
	e.finish(k, 1/count)
}
