package dynamics_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"guidedpolicysearch/gps/dynamics"
	"guidedpolicysearch/gps/internal/kernel"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/rollout"
	"guidedpolicysearch/internal/vectors"
)

// onPath runs f with the kernels of a path.
func onPath(t *testing.T, p kernel.Path, f func()) {
	t.Helper()
	before, err := kernel.Use(p)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = kernel.Use(before) }()
	f()
}

// mixed returns the prior of a mixture over the transitions of the rollouts.
func mixed(t testing.TB, samples []*rollout.Rollout) dynamics.Prior {
	t.Helper()
	cfg := dynamics.DefaultPriorConfig()
	data := new(dynamics.MixturePrior).Add(cfg, samples)
	if _, err := data.Fit(t.Context(), cfg, rand.New(rand.NewPCG(1, 1))); err != nil {
		t.Fatal(err)
	}
	prior, err := dynamics.FromMixture(data.Mixture)
	if err != nil {
		t.Fatal(err)
	}
	return prior
}

// wishart returns a prior of D dimensions with all numbers different.
func wishart(rng *rand.Rand, D int) *dynamics.NIW {
	p := dynamics.NewNIW(D)
	p.NMean, p.NCovar = 1.5, 2.5
	root := make([]float64, D*D)
	for i := range root {
		root[i] = rng.NormFloat64() / math.Sqrt(float64(D))
	}
	for i := range D {
		p.Mean[i] = rng.NormFloat64()
		for j := range D {
			for k := range D {
				p.Scatter[i*D+j] += root[i*D+k] * root[j*D+k]
			}
		}
	}
	return p
}

// Every path but plain, and any number of workers, gives the same bits: with and without
// priors, and where the noise's eigenvalues are raised; and for many sizes.
func TestKernelAndWorkersChangeNothing(t *testing.T) {
	for _, s := range []struct{ n, dX, dU int }{{9, 1, 1}, {20, 4, 1}, {12, 7, 2}, {5, 8, 8}, {20, 26, 7}} {
		const T = 13
		samples := random(s.n, T, s.dX, s.dU)
		for name, prior := range map[string]dynamics.Prior{"none": nil, "constant": wishart(rand.New(rand.NewPCG(1, 9)), 2*s.dX+s.dU), "mixture": mixed(t, samples)} {
			for _, regularizer := range []dynamics.Regularizer{dynamics.AddDiagonal, dynamics.LiftEigenvalues, dynamics.AddWholeBlock} {
				if prior == nil && regularizer == dynamics.AddWholeBlock && s.n <= s.dX+s.dU {
					continue // leaves the covariance singular
				}
				cfg := dynamics.DefaultConfig()
				cfg.Regularizer, cfg.Strength = regularizer, 1.25
				var want *lqg.Dynamics
				for _, p := range kernel.Available() {
					if p == kernel.Plain {
						continue
					}
					for _, workers := range []int{1, 2, 3, 5, 0} {
						cfg.Workers = workers
						onPath(t, p, func() {
							got, _, err := dynamics.Fit(samples, prior, cfg)
							if err != nil {
								t.Fatal(err)
							}
							if want == nil {
								want = got
							}
							if !slices.Equal(got.F, want.F) || !slices.Equal(got.Bias, want.Bias) || !slices.Equal(got.Cov, want.Cov) {
								t.Errorf("%+v, prior %s, %s, path %s, %d workers: other bits", s, name, regularizer, p, workers)
							}
						})
					}
				}
			}
		}
	}
}

// plain is the fit written as sums over all elements: the posterior's mean and covariance,
// conditioned by elimination.
func plain(points []float64, d, dX int, prior *dynamics.NIW, regularization float64) (F, f, S []float64) {
	P := d + dX
	N := float64(len(points) / P)
	mean, sigma := make([]float64, P), make([]float64, P*P)
	for i, v := range points {
		mean[i%P] += v / N
	}
	m, divisor, own := 0.0, N, slices.Clone(mean)
	if prior != nil {
		m, divisor = prior.NMean, N+prior.Weight()
		for i := range mean {
			own[i] = (m*prior.Mean[i] + N*mean[i]) / (m + N)
		}
	}
	for i := range P {
		for j := range P {
			for k := 0; k < len(points); k += P {
				sigma[i*P+j] += (points[k+i] - mean[i]) * (points[k+j] - mean[j])
			}
			if prior != nil {
				sigma[i*P+j] += prior.Scatter[i*P+j] + N*m/(N+m)*(mean[i]-prior.Mean[i])*(mean[j]-prior.Mean[j])
			}
			sigma[i*P+j] /= divisor
		}
		if i < d {
			sigma[i*P+i] += regularization
		}
	}
	// Eliminating w leaves S, and the multipliers that do are F once w is solved for.
	a := slices.Clone(sigma)
	for k := range d {
		for i := range P {
			if i == k {
				continue
			}
			c := a[i*P+k] / a[k*P+k]
			for j := range P {
				a[i*P+j] -= c * a[k*P+j]
			}
		}
	}
	for i := range dX {
		f = append(f, own[d+i])
		for j := range d {
			F = append(F, a[j*P+d+i]/a[j*P+j])
			f[i] -= F[i*d+j] * own[j]
		}
		S = append(S, a[(d+i)*P+d:(d+i+1)*P]...)
	}
	return F, f, S
}

// The fit is the regression by definition, on every path, for sizes of one, of the kernels'
// lanes and between.
func TestKernelFitIsRegression(t *testing.T) {
	for _, p := range kernel.Available() {
		t.Run(string(p), func(t *testing.T) {
			for _, s := range []struct{ n, dX, dU int }{{9, 1, 1}, {30, 3, 2}, {40, 7, 1}, {60, 8, 8}, {60, 9, 7}, {90, 17, 3}, {80, 26, 7}} {
				const T = 3
				samples, D := random(s.n, T, s.dX, s.dU), 2*s.dX+s.dU
				for _, prior := range []*dynamics.NIW{nil, wishart(rand.New(rand.NewPCG(2, 9)), D)} {
					cfg := dynamics.DefaultConfig()
					cfg.NoiseFloor, cfg.Workers = 0, 2
					var source dynamics.Prior
					if prior != nil {
						source = prior
					}
					onPath(t, p, func() {
						got, _, err := dynamics.Fit(samples, source, cfg)
						if err != nil {
							t.Fatal(err)
						}
						for k := range T {
							var points []float64
							for _, r := range samples {
								points = append(append(append(points, r.State(k)...), r.Action(k)...), r.State(k+1)...)
							}
							F, f, S := plain(points, s.dX+s.dU, s.dX, prior, cfg.Regularization)
							name := fmt.Sprintf("%+v, prior %v, step %d: ", s, prior != nil, k)
							vectors.Close(t, name+"F", got.FAt(k), F, 1e-10)
							vectors.Close(t, name+"f", got.BiasAt(k), f, 1e-10)
							vectors.Close(t, name+"noise", got.CovAt(k), S, 1e-10)
						}
					})
				}
			}
		})
	}
}

// Weights are what repeated points are, and a point of weight 0 is none.
func TestKernelWeights(t *testing.T) {
	const in, out = 3, 2
	rng := rand.New(rand.NewPCG(3, 9))
	points, repeated := make([]float64, 12*(in+out)), []float64(nil)
	var weights []float64
	for i := range points {
		points[i] = rng.NormFloat64()
	}
	for i := range 12 {
		for range i % 4 {
			repeated = append(repeated, points[i*(in+out):(i+1)*(in+out)]...)
		}
		weights = append(weights, float64(i%4)/18)
	}
	for _, p := range kernel.Available() {
		onPath(t, p, func() {
			var got [2]dynamics.Conditional
			for i, list := range [][]float64{points, repeated} {
				got[i] = dynamics.Conditional{Gain: make([]float64, in*out), Bias: make([]float64, out), Cov: make([]float64, out*out)}
				w := weights
				if i == 1 {
					w = nil
				}
				if err := dynamics.NewGaussianFit(in, out).Fit(&got[i], list, w, nil, dynamics.ShrunkMean, nil); err != nil {
					t.Fatal(err)
				}
			}
			vectors.Close(t, "gain", got[0].Gain, got[1].Gain, 1e-12)
			vectors.Close(t, "bias", got[0].Bias, got[1].Bias, 1e-12)
			vectors.Close(t, "noise", got[0].Cov, got[1].Cov, 1e-12)
		})
	}
}
