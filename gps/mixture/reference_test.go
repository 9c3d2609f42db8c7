package mixture_test

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"guidedpolicysearch/gps/mixture"
)

// The defects of the public reference implementation, and why the default is right.

// |dL| < tolerance * L holds for no negative L: the reference runs on for all iterations
// on points whose log-likelihood is negative, and ends no likelier.
func TestStopRuleHoldsForNegativeLogLikelihoods(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	points := newGaussians(rng, 3, 2, 100, 0, 1).points(rng, 200)
	for i := range points {
		points[i] *= 10
	}
	own := start(t, rng, points, 3, 2, mixture.DefaultConfig())
	reference := own.Clone()
	cfg := mixture.DefaultConfig()
	trace := fit(t, own, points, cfg)
	if n := len(trace.LogLikelihoods); n == cfg.MaxIterations || trace.LogLikelihoods[n-1] >= 0 {
		t.Errorf("%d E-steps to a log-likelihood of %g", n, trace.LogLikelihoods[n-1])
	}
	// Even at a tolerance of 1e-3 it runs until nothing changes but rounding.
	cfg.ReferenceRules, cfg.Tolerance = true, 1e-3
	other, err := mixture.Fit(context.Background(), reference, points, cfg)
	if err != nil {
		t.Fatal(err)
	}
	last := len(other.LogLikelihoods) - 1
	if changed := math.Abs(other.LogLikelihoods[last] - other.LogLikelihoods[last-1]); changed > 1e-9*math.Abs(other.LogLikelihoods[last]) {
		t.Errorf("under the reference's rule the fit ended at a change of %g", changed)
	}
	if len(other.LogLikelihoods) <= len(trace.LogLikelihoods) {
		t.Errorf("%d E-steps, %d under the reference's rule", len(trace.LogLikelihoods), len(other.LogLikelihoods))
	}
	if a, b := perPoint(t, own, points), perPoint(t, reference, points); a < b-1e-3*math.Abs(b) {
		t.Errorf("log-likelihood %g, under the reference's rule %g", a, b)
	}
}

// The reference keeps a step that the regularisation made lower the log-likelihood. Here
// it must: one component's points are on a line, and its start has their covariance and
// 0.6 of the regularisation. The other component, whose mean is off, must improve all the
// same.
func TestStepThatLowersTheLogLikelihoodIsTakenBack(t *testing.T) {
	rng := rand.New(rand.NewPCG(13, 13))
	var points []float64
	assign := make([]int, 80)
	for i := range 40 {
		points = append(points, float64(i)/20, float64(i)/20)
	}
	for i := range 40 {
		points = append(points, 100+rng.NormFloat64(), rng.NormFloat64())
		assign[40+i] = 1
	}
	narrow := mixture.FromAssignment(points, 2, assign, 2, 6e-3, 0)
	narrow.Mean(1)[0] += 0.5
	before := perPoint(t, narrow, points)
	cfg := mixture.DefaultConfig()
	cfg.Regularization, cfg.Tolerance = 1e-2, 1e-12
	for _, steps := range []int{1, 2, 3, 100} {
		cfg.MaxIterations = steps
		m := narrow.Clone()
		trace := fit(t, m, points, cfg)
		after := perPoint(t, m, points)
		if after < before || !slices.IsSorted(trace.LogLikelihoods) {
			t.Errorf("%d steps: log-likelihood %g, at the start %g; %v", steps, after, before, trace.LogLikelihoods)
		}
		if steps == 100 && after < before+0.03 {
			t.Errorf("log-likelihood %g, at the start %g: one component held up the other", after, before)
		}
	}
	cfg.ReferenceRules, cfg.MaxIterations = true, 1
	reference := narrow.Clone()
	if _, err := mixture.Fit(context.Background(), reference, points, cfg); err != nil {
		t.Fatal(err)
	}
	if after := perPoint(t, reference, points); after >= before {
		t.Errorf("log-likelihood under the reference's rule %g, at the start %g: the test tests nothing", after, before)
	}
}

// The reference divides a cluster's scatter by the number of clusters, and an empty
// cluster's sum by 0. The default divides by the number of members, as their variance
// computed straight from its definition shows, and an empty cluster gets that of all.
func TestFromAssignment(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	const D, K, N = 3, 4, 60
	points := newGaussians(rng, D, 3, 3, 50, 1).points(rng, N)
	assign := make([]int, N)
	for n := range assign {
		assign[n] = n % (K - 1) // cluster 3 is empty
	}
	m := mixture.FromAssignment(points, D, assign, K, 1e-6, 0)
	for k := range K {
		var members [][]float64
		for n, c := range assign {
			if c == k || k == K-1 {
				members = append(members, points[n*D:(n+1)*D])
			}
		}
		mean := make([]float64, D)
		for _, x := range members {
			for i, v := range x {
				mean[i] += v / float64(len(members))
			}
		}
		for i := range D {
			if math.Abs(m.Mean(k)[i]-mean[i]) > 1e-12*math.Abs(mean[i]) {
				t.Errorf("mean %d of cluster %d is %v, want %v", i, k, m.Mean(k)[i], mean[i])
			}
			for j := range D {
				want := 0.0
				for _, x := range members {
					want += (x[i] - mean[i]) * (x[j] - mean[j]) / float64(len(members))
				}
				if i == j {
					want += 1e-6
				}
				if got := m.Cov(k)[i*D+j]; math.Abs(got-want) > 1e-12*(1+math.Abs(want)) {
					t.Errorf("covariance [%d, %d] of cluster %d is %v, want %v", i, j, k, got, want)
				}
			}
		}
	}
	byClusters := mixture.FromAssignment(points, D, assign, K, 0, float64(K))
	exact := mixture.FromAssignment(points, D, assign, K, 0, 0)
	if got, want := byClusters.Cov(0)[0], exact.Cov(0)[0]*20/K; math.Abs(got-want) > 1e-12*want {
		t.Errorf("variance by the number of clusters %v, want %v", got, want)
	}
	fit(t, m, points, mixture.DefaultConfig())
}

// Raw second moments less the mean's, as the reference computes them, lose a variance of
// 1 at an offset of 1e8; about the mean it is there to rounding.
func TestRawMomentsCancel(t *testing.T) {
	const N, offset = 1000, 1e8
	rng := rand.New(rand.NewPCG(12, 12))
	points := make([]float64, N)
	mean, raw := 0.0, 0.0
	for n := range points {
		points[n] = offset + rng.NormFloat64()
		mean += points[n] / N
		raw += points[n] * points[n] / N
	}
	variance := 0.0
	for _, v := range points {
		variance += (v - mean) * (v - mean) / N
	}
	if e := math.Abs(raw - mean*mean - variance); e < 0.1 {
		t.Errorf("raw moments are off by %g: the test tests nothing", e)
	}
	m := identity(1, 1)
	m.Means[0] = offset
	fit(t, m, points, mixture.DefaultConfig())
	if got, want := m.Covs[0], variance+1e-6; math.Abs(got-want) > 1e-9 {
		t.Errorf("variance %v, want %v", got, want)
	}
}

// The reference leaves a dead component its weight of nothing, whatever its new
// parameters are: it stays dead. Revived, it takes its share.
func TestReferenceLeavesDeadComponentsDead(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	g := newGaussians(rng, 2, 3, 10, 0, 1)
	points := g.points(rng, 300)
	own := identity(3, 2)
	copy(own.Means, g.means)
	copy(own.Mean(2), []float64{1e4, 1e4})
	reference := own.Clone()
	fit(t, own, points, mixture.DefaultConfig())
	cfg := mixture.DefaultConfig()
	cfg.ReferenceRules = true
	if _, err := mixture.Fit(context.Background(), reference, points, cfg); err != nil {
		t.Fatal(err)
	}
	if w := math.Exp(reference.LogWeights[2]); w > 1e-100 {
		t.Errorf("weight %g under the reference's rules", w)
	}
	if w := slices.Min(exp(own.LogWeights)); w < 0.05 {
		t.Errorf("smallest weight %g", w)
	}
	if a, b := perPoint(t, own, points), perPoint(t, reference, points); a < b+0.1 {
		t.Errorf("log-likelihood %g, with a dead component %g", a, b)
	}
}
