package mixture_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"guidedpolicysearch/gps/mixture"
)

// Far from all components, where no density is above zero, the prior is that of the
// component with the smallest Mahalanobis distance.
func TestPriorFarAway(t *testing.T) {
	m := identity(3, 2)
	copy(m.Means, []float64{0, 0, 5, 5, -5, 5})
	m.Cov(1)[0] = 9   // widest along dimension 0
	m.Cov(2)[3] = 100 // widest along dimension 1
	q, err := mixture.NewQuery(m)
	if err != nil {
		t.Fatal(err)
	}
	for _, far := range []float64{1e3, 1e100, 1e155, 1e200, 1e300, math.MaxFloat64} {
		for i := range 2 {
			for _, sign := range []float64{-1, 1} {
				x := []float64{0, 0}
				x[i] = sign * far
				var p mixture.Prior
				if err := q.Prior(&p, x); err != nil {
					t.Fatal(err)
				}
				finite(t, p.Mean, p.Cov, []float64{p.M, p.N0})
				if w := q.Weights(x); math.Abs(w[i+1]-1) > 1e-12 {
					t.Errorf("at %v the weights are %v", x, w)
				}
				l, err := m.LogLikelihood(append(x, x...))
				joint := make([]float64, 3)
				if joinErr := m.LogJoint(joint, x); err != nil || joinErr != nil {
					t.Fatal(err, joinErr)
				}
				finite(t, []float64{l}, joint)
			}
		}
	}
	// One point near and one far away.
	if w := q.Weights([]float64{0, 0, 1e200, 0}); math.Abs(w[0]-0.5) > 1e-3 || math.Abs(w[1]-0.5) > 1e-3 {
		t.Errorf("weights %v, want 0.5 for components 0 and 1", w)
	}
}

func TestPriorErrors(t *testing.T) {
	q, err := mixture.NewQuery(identity(2, 2))
	if err != nil {
		t.Fatal(err)
	}
	var p mixture.Prior
	for name, points := range map[string][]float64{"none": nil, "NaN": {0, math.NaN()}, "infinite": {0, math.Inf(1)}} {
		if err := q.Prior(&p, points); !errors.Is(err, mixture.ErrBadPoints) {
			t.Errorf("%s: %v", name, err)
		}
	}
	apart := identity(2, 1)
	copy(apart.Means, []float64{-1e200, 1e200})
	if q, err = mixture.NewQuery(apart); err != nil {
		t.Fatal(err)
	}
	if err := q.Prior(&p, []float64{-1e200, 1e200}); !errors.Is(err, mixture.ErrBadPoints) {
		t.Errorf("components too far apart: %v", err)
	}
	if _, err := mixture.NewQuery(mixture.New(2, 2)); !errors.Is(err, mixture.ErrDegenerate) {
		t.Errorf("no covariance: %v", err)
	}
	if _, err := identity(2, 2).LogLikelihood([]float64{0, math.NaN()}); !errors.Is(err, mixture.ErrBadPoints) {
		t.Errorf("NaN: %v", err)
	}
	if err := identity(1, 2).LogJoint(make([]float64, 1), []float64{0, math.NaN()}); !errors.Is(err, mixture.ErrBadPoints) {
		t.Errorf("NaN: %v", err)
	}
}

// The sparse responsibilities are those computed straight from the densities, and the
// prior's moments those of points drawn from the weighted mixture.
func TestPriorAgainstDefinition(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 11))
	const D, K, n = 3, 5, 12
	points := newGaussians(rng, D, K, 1.5, 0, 1).points(rng, 300)
	m := start(t, rng, points, D, K, mixture.DefaultConfig())
	fit(t, m, points, mixture.DefaultConfig())
	q, err := mixture.NewQuery(m)
	if err != nil {
		t.Fatal(err)
	}
	joint := make([]float64, n*K)
	if err := m.LogJoint(joint, points[:n*D]); err != nil {
		t.Fatal(err)
	}
	want := make([]float64, K)
	for i := range n {
		sum := 0.0
		for _, v := range joint[i*K : (i+1)*K] {
			sum += math.Exp(v)
		}
		for k, v := range joint[i*K : (i+1)*K] {
			want[k] += math.Exp(v) / sum / n
		}
	}
	var p mixture.Prior
	if err := q.Prior(&p, points[:n*D]); err != nil {
		t.Fatal(err)
	}
	for k, w := range q.Weights(points[:n*D]) {
		if math.Abs(w-want[k]) > 1e-12 {
			t.Errorf("weight %d is %v, want %v", k, w, want[k])
		}
	}
	for i := range D {
		first := 0.0
		for k, w := range want {
			first += w * m.Mean(k)[i]
		}
		if math.Abs(p.Mean[i]-first) > 1e-12 {
			t.Errorf("mean %d is %v, want %v", i, p.Mean[i], first)
		}
		for j := range D {
			second := 0.0 // E[xx'] - mean mean'
			for k, w := range want {
				second += w * (m.Cov(k)[i*D+j] + m.Mean(k)[i]*m.Mean(k)[j])
			}
			if second -= p.Mean[i] * p.Mean[j]; math.Abs(p.Cov[i*D+j]-second) > 1e-10 {
				t.Errorf("covariance [%d, %d] is %v, want %v", i, j, p.Cov[i*D+j], second)
			}
		}
	}
	if p.M != 1 || p.N0 != (300.0-2-D)/300 {
		t.Errorf("m=%v n0=%v", p.M, p.N0)
	}
	if allocs := testing.AllocsPerRun(10, func() { _ = q.Prior(&p, points[:n*D]) }); allocs != 0 {
		t.Errorf("%v allocations per query", allocs)
	}
}
