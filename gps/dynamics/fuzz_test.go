package dynamics_test

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"guidedpolicysearch/gps/dynamics"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/rollout"
)

// numbers turns bytes into numbers of all kinds: small whole ones (so that points
// coincide), spread ones, huge and tiny ones, infinities and NaN. It goes on for ever.
func numbers(data []byte) func() float64 {
	at := 0
	take := func() byte {
		if len(data) == 0 {
			return 0
		}
		at++
		return data[(at-1)%len(data)] + byte(at/len(data))
	}
	return func() float64 {
		switch b := take(); {
		case b < 100:
			return float64(b) - 50
		case b < 200:
			return math.Sinh(float64(take())/16 - 8)
		case b < 251:
			var bits [8]byte
			for i := range bits {
				bits[i] = take()
			}
			return math.Float64frombits(binary.LittleEndian.Uint64(bits[:]))
		case b == 251:
			return 1e200
		case b == 252:
			return math.NaN()
		case b == 253:
			return math.Inf(1)
		case b == 254:
			return 1e-300
		}
		return 0
	}
}

func fill(a []float64, next func() float64) {
	for i := range a {
		a[i] = next()
	}
}

// finite fails unless all numbers are.
func finite(t *testing.T, what string, parts ...[]float64) {
	t.Helper()
	for _, part := range parts {
		for i, v := range part {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				t.Fatalf("%s: number %d is %v", what, i, v)
			}
		}
	}
}

// seeds are samples of ordinary numbers, of equal ones, of huge ones and of NaN.
func seeds(f *testing.F) {
	ordinary := make([]byte, 400)
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range ordinary {
		ordinary[i] = byte(100 + rng.IntN(100))
	}
	f.Add(uint8(6), uint8(2), uint8(2), uint8(1), ordinary)
	f.Add(uint8(9), uint8(1), uint8(3), uint8(1), ordinary)
	f.Add(uint8(0), uint8(1), uint8(1), uint8(1), ordinary)
	f.Add(uint8(1), uint8(0), uint8(0), uint8(0), []byte{7})
	f.Add(uint8(5), uint8(2), uint8(1), uint8(1), []byte{50, 251, 120, 3, 254, 10})
	f.Add(uint8(5), uint8(2), uint8(1), uint8(1), []byte{50, 252, 120, 3})
	f.Add(uint8(4), uint8(2), uint8(2), uint8(2), []byte{})
}

// wild returns rollouts of small sizes with any numbers.
func wild(n, T, dX, dU uint8, next func() float64) []*rollout.Rollout {
	var list []*rollout.Rollout
	for range n % 12 {
		r := rollout.New(1+int(T%4), 1+int(dX%4), 1+int(dU%3))
		fill(r.X, next)
		fill(r.U, next)
		list = append(list, r)
	}
	return list
}

// FuzzFit: whatever the rollouts and the settings, a fit gives finite dynamics with a
// covariance of noise that is at least positive semi-definite, or an error.
func FuzzFit(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, n, T, dX, dU uint8, data []byte) {
		next := numbers(data)
		samples := wild(n, T, dX, dU, next)
		cfg := dynamics.DefaultConfig()
		cfg.Regularizer = []dynamics.Regularizer{dynamics.AddDiagonal, dynamics.LiftEigenvalues, dynamics.AddWholeBlock}[n%3]
		cfg.Regularization, cfg.NoiseFloor = []float64{1e-6, 0, 1, next()}[T%4], []float64{1e-8, 0, 1e-3}[dX%3]
		cfg.Workers = int(n % 4)
		var prior dynamics.Prior
		if dU%2 == 1 && len(samples) > 0 {
			p := dynamics.NewNIW(2*samples[0].DX + samples[0].DU)
			fill(p.Mean, next)
			fill(p.Scatter, next)
			if dU%4 == 1 { // one that is not refused as a rule
				D := len(p.Mean)
				square := make([]float64, D*D)
				for i, v := range p.Scatter {
					for j := i / D * D; j < (i/D+1)*D; j++ {
						square[i%D*D+j%D] += v * p.Scatter[j]
					}
				}
				p.Scatter = square
			}
			p.NMean, p.NCovar = next(), next()
			prior = p
		}
		dyn, report, err := dynamics.Fit(samples, prior, cfg)
		if err != nil {
			return
		}
		if report == nil {
			t.Fatal("no report")
		}
		finite(t, "dynamics", dyn.F, dyn.Bias, dyn.Cov)
		likelihood, err := dynamics.LogLikelihood(dyn, samples)
		if err == nil {
			finite(t, "log-likelihood", likelihood)
		}
	})
}

// FuzzGaussianFit: whatever the points, their weights and an unchecked prior, the result is
// finite or there is an error, again after one too.
func FuzzGaussianFit(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, n, in, out, kind uint8, data []byte) {
		next, d, dX := numbers(data), 1+int(in%9), 1+int(out%9)
		p := d + dX
		fit := dynamics.NewGaussianFit(d, dX)
		for _, count := range []int{int(n % 12), 3} {
			points, prior := make([]float64, count*p), dynamics.NewNIW(p)
			fill(points, next)
			var weights []float64
			if kind%2 == 1 {
				weights = make([]float64, count)
				fill(weights, next)
			}
			if kind%4 < 2 {
				fill(prior.Mean, next)
				fill(prior.Scatter, next)
				prior.NMean, prior.NCovar = next(), next()
			} else {
				prior = nil
			}
			var change func(sigma []float64)
			if kind%8 < 4 {
				change = func(sigma []float64) {
					for i := range p {
						sigma[i*p+i] += 1e-3
					}
				}
			}
			c := dynamics.Conditional{Gain: make([]float64, d*dX), Bias: make([]float64, dX), Cov: make([]float64, dX*dX)}
			if err := fit.Fit(&c, points, weights, prior, dynamics.ShrunkMean, change); err == nil {
				finite(t, "conditional", c.Gain, c.Bias, c.Cov)
			}
		}
	})
}

// FuzzFitBayesian: whatever the rollouts and the prior, the posterior and its predictions
// are finite, or there is an error.
func FuzzFitBayesian(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, n, T, dX, dU uint8, data []byte) {
		next := numbers(data)
		samples := wild(n, T, dX, dU, next)
		nT, nx, nu := 1+int(T%4), 1+int(dX%4), 1+int(dU%3)
		prior, err := dynamics.NominalPrior(nT, nx, nu, nil, []float64{0.1, 1e3, 1e-150, next()}[n%4])
		if err != nil {
			return
		}
		fill(prior.Nominal.F[:1], next)
		if dU%2 == 1 {
			prior.Precision[len(prior.Precision)-1] = next()
		}
		cfg := dynamics.DefaultBayesianConfig()
		if T%2 == 1 {
			cfg.NoiseVariance, cfg.NoiseCount = make([]float64, nx), next()
			fill(cfg.NoiseVariance, next)
		}
		post, err := dynamics.FitBayesian(samples, prior, cfg)
		if err != nil {
			return
		}
		finite(t, "posterior", post.Dynamics.F, post.Dynamics.Bias, post.Dynamics.Cov, post.NoiseVariance)
		prediction, covariance := post.NewPrediction(), make([]float64, (nx+nu+1)*(nx+nu+1))
		for k := range nT {
			w := append(append([]float64(nil), samples[0].State(k)...), samples[0].Action(k)...)
			if err := post.Predict(prediction, k, w); err != nil {
				if !errors.Is(err, dynamics.ErrNotFinite) {
					t.Fatal(err)
				}
				continue
			}
			finite(t, "prediction", prediction.Mean, prediction.Variance)
			for i := range nx {
				low, high := prediction.Interval(i, 0.95)
				finite(t, "interval", []float64{low, high})
				if low > high {
					t.Fatalf("interval from %v to %v", low, high)
				}
				post.WeightCovariance(covariance, k, i)
				finite(t, "covariance of the weights", covariance)
			}
		}
	})
}

// FuzzInitialState: the fits of states give finite Gaussians or errors.
func FuzzInitialState(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, n, T, dX, dU uint8, data []byte) {
		next := numbers(data)
		samples := wild(n, T, dX, dU, next)
		prior := wild(dU, T, dX, dU, next)
		cfg := dynamics.DefaultInitialStateConfig()
		cfg.UndividedScatter = n%2 == 1
		check := func(x *lqg.InitialState, err error) {
			if err == nil {
				finite(t, "state", x.Mean, x.Cov)
			}
		}
		check(dynamics.FitInitialState(samples, prior, cfg))
		size := 1 + int(dX%4)
		states := make([]float64, int(n%9)*size)
		fill(states, next)
		check(dynamics.FitStates(states, size))
	})
}

// FuzzMixturePrior: data of any numbers make a prior that fits give finite dynamics
// under, or an error.
func FuzzMixturePrior(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, n, T, dX, dU uint8, data []byte) {
		samples := wild(n, T, dX, dU, numbers(data))
		cfg := dynamics.DefaultPriorConfig()
		cfg.MinSamplesPerCluster = 4
		cfg.EM.MaxIterations = 10
		prior := new(dynamics.MixturePrior).Add(cfg, samples)
		if _, err := prior.Fit(context.Background(), cfg, rand.New(rand.NewPCG(uint64(n), 1))); err != nil {
			return
		}
		source, err := dynamics.FromMixture(prior.Mixture)
		if err != nil {
			return
		}
		dyn, _, err := dynamics.Fit(samples, source, dynamics.DefaultConfig())
		if err == nil {
			finite(t, "dynamics", dyn.F, dyn.Bias, dyn.Cov)
		}
	})
}
