package mixture

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"guidedpolicysearch/gps/internal/crew"
	"guidedpolicysearch/gps/trace"
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
	coordinates, err := standardize(points, D, cfg.Regularization)
	if err != nil {
		return nil, err
	}
	workers := crew.New(cfg.workers(N, K))
	defer workers.Stop()
	c := newClustering(points, D, K, cfg.Method == ScaledKMeans, workers)
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
	best, err := foretell(ctx, assignments, points, D, K, cfg, workers)
	if err != nil {
		return nil, err
	}
	m := New(K, D)
	m.FitCount = N
	fromAssignment(m, coordinates, points, assignments[best], 0, workers)
	return m, nil
}

// folds is the number of parts that points are left out in.
const folds = 5

// foretell returns which of the assignments foretells points left out best.
func foretell(ctx context.Context, assignments [][]int, points []float64, D, K int, cfg Config, workers *crew.Crew) (best int, err error) {
	if len(assignments) == 1 || len(points)/D < 2*folds {
		return 0, nil
	}
	cfg.MaxIterations, cfg.Workers = 1, 1
	t := &foretelling{ctx: trace.Off(ctx), cfg: cfg, D: D, K: K, points: points, assignments: assignments, scores: make([]float64, folds*len(assignments))}
	workers.Run(len(t.scores), t)
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	scores := make([]float64, len(assignments))
	for i, v := range t.scores {
		scores[i/folds] += v
	}
	for i, s := range scores {
		if s > scores[best] {
			best = i
		}
	}
	return best, nil
}

// foretelling is the cross-validation of assignments.
type foretelling struct {
	ctx         context.Context
	cfg         Config
	D, K        int
	points      []float64
	assignments [][]int
	scores      []float64 // assignments x folds
}

// Do is crew.Task's: it fits an assignment without a fold, and sets the fold's
// log-likelihood.
func (t *foretelling) Do(_, block int) {
	t.scores[block] = math.Inf(-1)
	a, f, N := t.assignments[block/folds], block%folds, len(t.points)/t.D
	from, to := N*f/folds, N*(f+1)/folds
	rest := append(append([]float64(nil), t.points[:from*t.D]...), t.points[to*t.D:]...)
	m := FromAssignment(rest, t.D, append(append([]int(nil), a[:from]...), a[to:]...), t.K, t.cfg.Regularization, 0)
	if _, err := Fit(t.ctx, m, rest, t.cfg); err != nil {
		return // the others degenerate it
	}
	if l, err := m.LogLikelihood(t.points[from*t.D : to*t.D]); err == nil {
		t.scores[block] = l
	}
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
	if e.divisor != 0 {
		count = e.divisor
	}
	s.scatter(e, k, count)
}
