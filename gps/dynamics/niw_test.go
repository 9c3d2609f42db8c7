package dynamics_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"guidedpolicysearch/gps/dynamics"
	"guidedpolicysearch/internal/vectors"
)

// moments returns the mean and the covariance (1/N) of points.
func moments(points []float64, D int) (n float64, mean, cov []float64) {
	n, mean, cov = float64(len(points)/D), make([]float64, D), make([]float64, D*D)
	for i, v := range points {
		mean[i%D] += v / n
	}
	for k := 0; k < len(points); k += D {
		for i := range D {
			for j := range D {
				cov[i*D+j] += (points[k+i] - mean[i]) * (points[k+j] - mean[j]) / n
			}
		}
	}
	return n, mean, cov
}

// From no information the posterior's MAP is the sample's own mean and covariance, and a
// chain of updates is one update with all points, in any order.
func TestNIWUpdates(t *testing.T) {
	const D = 3
	rng := rand.New(rand.NewPCG(1, 3))
	points := make([]float64, 40*D)
	for i := range points {
		points[i] = float64(i%D) + rng.NormFloat64()*float64(1+i%D)
	}
	update := func(p *dynamics.NIW, points []float64) {
		t.Helper()
		n, mean, cov := moments(points, D)
		if err := p.Update(n, mean, cov); err != nil {
			t.Fatal(err)
		}
	}
	whole := dynamics.NewNIW(D)
	update(whole, points)
	n, mean, cov := moments(points, D)
	got := make([]float64, D*D)
	if err := whole.MAPCovariance(got); err != nil {
		t.Fatal(err)
	}
	vectors.Close(t, "mean", whole.Mean, mean, 1e-12)
	vectors.Close(t, "covariance", got, cov, 1e-12)
	if whole.Weight() != n {
		t.Errorf("the covariance weighs %v, want %v", whole.Weight(), n)
	}
	for _, cuts := range [][]int{{1, 40}, {7, 8, 40}, {39, 40}} {
		chain, from := dynamics.NewNIW(D), 0
		for _, to := range cuts {
			update(chain, points[from*D:to*D])
			from = to
		}
		vectors.Close(t, "mean of the chain", chain.Mean, whole.Mean, 1e-12)
		vectors.Close(t, "scatter of the chain", chain.Scatter, whole.Scatter, 1e-12)
		if chain.NMean != whole.NMean || chain.NCovar != whole.NCovar {
			t.Errorf("weights %v and %v, want %v and %v", chain.NMean, chain.NCovar, whole.NMean, whole.NCovar)
		}
	}
}

// The most probable covariance is where the inverse-Wishart density has its maximum: in
// one dimension log p(s) = -(nu/2 + 1) log s - Phi/(2 s), found on a grid.
func TestMAPCovarianceIsTheMode(t *testing.T) {
	p := &dynamics.NIW{Mean: []float64{0}, Scatter: []float64{3}, NMean: 2, NCovar: 5}
	got := make([]float64, 1)
	if err := p.MAPCovariance(got); err != nil {
		t.Fatal(err)
	}
	best, at := math.Inf(-1), 0.0
	for s := 0.01; s < 3; s += 1e-5 {
		if v := -(5.0/2+1)*math.Log(s) - 3/(2*s); v > best {
			best, at = v, s
		}
	}
	if math.Abs(got[0]-at) > 2e-5 {
		t.Errorf("most probable variance %v, the density's maximum is at %v", got[0], at)
	}
}

func TestNIWRefuses(t *testing.T) {
	p, cov := dynamics.NewNIW(2), make([]float64, 4)
	if err := p.MAPCovariance(cov); !errors.Is(err, dynamics.ErrTooFewSamples) {
		t.Errorf("covariance of nothing: %v", err)
	}
	for _, n := range []float64{0, -1, math.NaN(), math.Inf(1)} {
		if err := p.Update(n, []float64{1, 2}, cov); !errors.Is(err, dynamics.ErrTooFewSamples) {
			t.Errorf("%v observations: %v", n, err)
		}
	}
	for _, mean := range [][]float64{{1, math.NaN()}, {math.Inf(-1), 0}} {
		if err := p.Update(3, mean, cov); !errors.Is(err, dynamics.ErrNotFinite) {
			t.Errorf("mean %v: %v", mean, err)
		}
	}
	if err := p.Update(3, []float64{1, 2}, []float64{1, 0, 0, -1}); err == nil {
		t.Error("a negative variance was accepted")
	}
	if p.NMean != 0 || p.Mean[0] != 0 || p.Scatter[3] != 0 {
		t.Errorf("failed updates left %+v", p)
	}
}

// FuzzNIW: any update gives finite numbers or an error.
func FuzzNIW(f *testing.F) {
	f.Add(uint8(2), []byte{5, 1, 2, 200, 7, 8, 90, 3})
	f.Add(uint8(1), []byte{255, 254, 0, 1})
	f.Fuzz(func(t *testing.T, d uint8, data []byte) {
		D := 1 + int(d%4)
		p, next := dynamics.NewNIW(D), numbers(data)
		mean, cov := make([]float64, D), make([]float64, D*D)
		for range 4 {
			fill(mean, next)
			fill(cov, next)
			err := p.Update(next(), mean, cov)
			if got := make([]float64, D*D); err == nil && p.MAPCovariance(got) == nil {
				finite(t, "covariance", got)
			}
			finite(t, "NIW", p.Mean, p.Scatter, []float64{p.NMean, p.NCovar})
		}
	})
}
