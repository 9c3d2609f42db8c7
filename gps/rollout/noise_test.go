package rollout_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"guidedpolicysearch/gps/rollout"
	"guidedpolicysearch/internal/vectors"
)

func TestVectorsNoise(t *testing.T) {
	vectors.Run(t, "noise_smooth", func(t *testing.T, c vectors.Case) {
		cfg := rollout.NoiseConfig{Sigma: c.Inputs.Get("sigma").Float(), Normalization: rollout.NormalizeNone}
		if c.Inputs.Get("renormalise").Bool() {
			cfg.Normalization = rollout.NormalizeTrial
		}
		white := c.Inputs.Get("white")
		got, err := rollout.Smooth(white.Floats(), white.Shape()[1], cfg)
		if err != nil {
			t.Fatal(err)
		}
		vectors.Close(t, "smooth", got, c.Outputs.Get("smooth").Floats(), c.Tolerance)
	})
}

// Exact cases of smoothing, and autocorrelations of the smoothed noise of long trials: in
// closed form against the theory given, and as measured on noise that was drawn.
func TestVectorsDonkSmoothNoise(t *testing.T) {
	for _, c := range vectors.Donk(t, "smooth_noise") {
		t.Run(c.Name, func(t *testing.T) {
			cfg := rollout.NoiseConfig{Sigma: c.Inputs.Get("kernel_std").Float()}
			if c.Inputs.Has("noise") {
				white := c.Inputs.Get("noise")
				cfg.Normalization, cfg.Edge = rollout.NormalizeMatch, rollout.Nearest
				got := smooth(t, white.Floats(), white.Shape()[1], cfg)
				vectors.Close(t, "smoothed", got, c.Outputs.Get("smoothed").Floats(), 1e-10)
				return
			}
			cfg.Normalization = rollout.NormalizeProcess
			lags, theory := c.Inputs.Get("lags").Ints(), c.Outputs.Get("theory").Floats()
			measured, limit := c.Outputs.Get("measured_T400000").Floats(), c.Outputs.Get("gaussian_limit").Floats()
			// The wider the kernel, the fewer independent values a trial has.
			T := int(200_000 * min(max(2, cfg.Sigma), 100))
			noise := draw(t, 1, T, 1, cfg)
			filter := responses(t, slices.Max(lags)+1, cfg)
			for i, lag := range lags {
				sum := 0.0
				for k := range T - lag {
					sum += noise[k] * noise[k+lag] / float64(T-lag)
				}
				if math.Abs(sum-theory[i]) > 0.02 {
					t.Errorf("lag %d: measured autocorrelation %.4f, want %.4f", lag, sum, theory[i])
				}
				exact := dot(filter[0], filter[lag])
				if math.Abs(exact-theory[i]) > 1e-10 {
					t.Errorf("lag %d: autocorrelation %.15f, want %.15f", lag, exact, theory[i])
				}
				// The reference's own trial has few independent values under a wide kernel.
				if math.Abs(exact-measured[i]) > 0.02*math.Sqrt(max(1, cfg.Sigma/10)) {
					t.Errorf("lag %d: autocorrelation %.4f, the reference measured %.4f", lag, exact, measured[i])
				}
				// The kernel cut off at 4 sigma and sampled once a step is no longer near the
				// continuous one where it is narrower than a step.
				if cfg.Sigma >= 1 && math.Abs(exact-limit[i]) > 1e-3 {
					t.Errorf("lag %d: autocorrelation %.4f, that of a continuous kernel is %.4f", lag, exact, limit[i])
				}
			}
		})
	}
}

func smooth(t testing.TB, white []float64, dU int, cfg rollout.NoiseConfig) []float64 {
	t.Helper()
	out, err := rollout.Smooth(white, dU, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func draw(t testing.TB, seed uint64, T, dU int, cfg rollout.NoiseConfig) []float64 {
	t.Helper()
	out, err := rollout.Noise(seed, T, dU, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// responses returns the linear map from white noise to T steps of smoothed noise: row t
// holds the weights of e_t. E[e_t e_s] is the product of rows t and s.
func responses(t testing.TB, T int, cfg rollout.NoiseConfig) [][]float64 {
	t.Helper()
	rows := T + 2*cfg.Lead()
	out := make([][]float64, T)
	for i := range out {
		out[i] = make([]float64, rows)
	}
	impulse := make([]float64, rows)
	for i := range impulse {
		impulse[i] = 1
		for k, v := range smooth(t, impulse, 1, cfg) {
			out[k][i] = v
		}
		impulse[i] = 0
	}
	return out
}

func dot(a, b []float64) float64 {
	s := 0.0
	for i, v := range a {
		s += v * b[i]
	}
	return s
}

// TestProcessIsStationary: for every horizon and width, in closed form, the variance is 1
// at every step, and the correlation of any two steps that of the kernel at their distance.
func TestProcessIsStationary(t *testing.T) {
	for _, sigma := range []float64{0, 0.1, 0.5, 1, 2, 7.3, 50} {
		for _, T := range []int{1, 2, 3, 10, 40} {
			cfg := rollout.NoiseConfig{Sigma: sigma, Normalization: rollout.NormalizeProcess}
			w := responses(t, T, cfg)
			// The kernel, summed here anew.
			r := int(4*sigma + 0.5)
			weight := func(i int) float64 {
				if i < -r || i > r {
					return 0
				}
				if i == 0 {
					return 1
				}
				return math.Exp(-float64(i*i) / (2 * sigma * sigma))
			}
			rho := func(lag int) float64 {
				a, b := 0.0, 0.0
				for i := -r; i <= r; i++ {
					a += weight(i) * weight(i+lag)
					b += weight(i) * weight(i)
				}
				return a / b
			}
			for i := range w {
				for j := range w {
					if got, want := dot(w[i], w[j]), rho(i-j); math.Abs(got-want) > 1e-12 {
						t.Fatalf("sigma %v, T=%d: E[e_%d e_%d] is %v, want %v", sigma, T, i, j, got, want)
					}
				}
			}
		}
	}
}

// moment2 returns the mean of e_t e_s over trials.
func moment2(t *testing.T, trials, T int, cfg rollout.NoiseConfig) [][]float64 {
	m := make([][]float64, T)
	for i := range m {
		m[i] = make([]float64, T)
	}
	for n := range trials {
		e := draw(t, uint64(2*n), T, 1, cfg)
		for i := range e {
			for j := range e {
				m[i][j] += e[i] * e[j] / float64(trials)
			}
		}
	}
	return m
}

// TestMomentsOfDrawnNoise measures variance and lag-1 correlation over trials, of short
// trials, with a filter wider than the trial, and of one step.
func TestMomentsOfDrawnNoise(t *testing.T) {
	const trials = 40_000
	for _, c := range []struct {
		T     int
		sigma float64
	}{{1, 2}, {2, 2}, {6, 1}, {6, 2}, {3, 30}} {
		cfg := rollout.DefaultNoiseConfig()
		cfg.Sigma = c.sigma
		m := moment2(t, trials, c.T, cfg)
		rho := 1.0
		if c.T > 1 {
			w := responses(t, 2, cfg)
			rho = dot(w[0], w[1])
		}
		for k := range c.T {
			// Four standard deviations of a mean of squared normals.
			if bound := 4 * math.Sqrt(2.0/trials); math.Abs(m[k][k]-1) > bound {
				t.Errorf("T=%d sigma %v: variance %.4f at step %d, want 1", c.T, c.sigma, m[k][k], k)
			} else if k > 0 && math.Abs(m[k][k-1]-rho) > bound {
				t.Errorf("T=%d sigma %v: E[e_%d e_%d] is %.4f, want %.4f", c.T, c.sigma, k, k-1, m[k][k-1], rho)
			}
		}
	}
}

// TestNormalizationsByTrial shows what the per-trial normalisations of the two references
// do to trials that are not long against the filter, and why they are not the default.
func TestNormalizationsByTrial(t *testing.T) {
	const trials = 20_000
	// With two steps the difference of the two is always 2, whatever was drawn, and the
	// second moment is that of a ratio whose denominator comes near 0.
	for seed := range uint64(50) {
		e := draw(t, seed, 2, 1, rollout.NoiseConfig{Sigma: 2, Normalization: rollout.NormalizeTrial})
		if math.Abs(math.Abs(e[0]-e[1])-2) > 1e-9 {
			t.Fatalf("two steps: %v", e)
		}
	}
	for _, T := range []int{2, 3, 5} {
		if m := moment2(t, trials, T, rollout.NoiseConfig{Sigma: 2, Normalization: rollout.NormalizeTrial}); m[0][0] < 10 {
			t.Errorf("%s, T=%d: variance %.3g at the first step: it was to show a defect", rollout.NormalizeTrial, T, m[0][0])
		}
	}
	// Matching the trial's own moments keeps the variance about right in the mean over
	// the trial, but not at each step, nor the correlation.
	cfg := rollout.NoiseConfig{Sigma: 2, Normalization: rollout.NormalizeMatch, Edge: rollout.Nearest}
	m := moment2(t, trials, 20, cfg)
	least, most, correlation := math.Inf(1), 0.0, m[10][9]
	for k := range m {
		least, most = min(least, m[k][k]), max(most, m[k][k])
	}
	w := responses(t, 2, rollout.NoiseConfig{Sigma: 2, Normalization: rollout.NormalizeProcess})
	if rho := dot(w[0], w[1]); most-least < 0.5 || math.Abs(correlation-rho) < 0.05 {
		t.Errorf("%s: variance from %.3f to %.3f, correlation %.3f (kernel %.3f): they were to show a defect", rollout.NormalizeMatch, least, most, correlation, rho)
	}
}

// TestNoiseOfOneStep: no normalisation fails on a trial of one step, or of none but the
// white noise's own value.
func TestNoiseOfOneStep(t *testing.T) {
	for _, n := range []rollout.Normalization{rollout.NormalizeProcess, rollout.NormalizeTrial, rollout.NormalizeMatch, rollout.NormalizeNone} {
		for _, v := range draw(t, 3, 1, 2, rollout.NoiseConfig{Sigma: 2, Normalization: n}) {
			if v-v != 0 || v == 0 {
				t.Errorf("%s: noise of one step is %v", n, v)
			}
		}
	}
}

// TestNoFilter: with sigma 0 the noise stays white, and is normalised like any other: a
// trial's own deviation becomes 1, nothing else changes it.
func TestNoFilter(t *testing.T) {
	const T, dU = 25, 2
	white := draw(t, 5, T, dU, rollout.NoiseConfig{Sigma: 0, Normalization: rollout.NormalizeNone})
	for _, n := range []rollout.Normalization{rollout.NormalizeProcess, rollout.NormalizeMatch, rollout.NormalizeNone} {
		for _, edge := range []rollout.Edge{rollout.Mirror, rollout.Nearest} {
			vectors.Close(t, string(n), smooth(t, white, dU, rollout.NoiseConfig{Normalization: n, Edge: edge}), white, 1e-15)
		}
	}
	got := smooth(t, white, dU, rollout.NoiseConfig{Normalization: rollout.NormalizeTrial})
	for j := range dU {
		mean, squares := 0.0, 0.0
		for k := range T {
			mean += white[k*dU+j] / T
			squares += white[k*dU+j] * white[k*dU+j] / T
		}
		deviation := math.Sqrt(squares - mean*mean)
		for k := range T {
			if want := white[k*dU+j] / deviation; math.Abs(got[k*dU+j]-want) > 1e-12 {
				t.Fatalf("action %d at step %d: %v, want %v", j, k, got[k*dU+j], want)
			}
		}
	}
}

// TestLongKernels: kernels that are applied by a transform give what the sum gives.
func TestLongKernels(t *testing.T) {
	const T, sigma = 600, 80.0
	rng := rand.New(rand.NewPCG(1, 2))
	cfg := rollout.NoiseConfig{Sigma: sigma, Normalization: rollout.NormalizeNone, Edge: rollout.Nearest}
	white := make([]float64, T)
	for i := range white {
		white[i] = rng.NormFloat64()
	}
	got := smooth(t, white, 1, cfg)
	for k := range T {
		sum, total := 0.0, 0.0
		for i := -320; i <= 320; i++ {
			w := math.Exp(-float64(i*i) / (2 * sigma * sigma))
			sum, total = sum+w*white[min(max(k+i, 0), T-1)], total+w
		}
		if math.Abs(got[k]-sum/total) > 1e-13 {
			t.Fatalf("step %d: %v, want %v", k, got[k], sum/total)
		}
	}
}

func TestNoiseRepeats(t *testing.T) {
	for _, n := range []rollout.Normalization{rollout.NormalizeProcess, rollout.NormalizeTrial} {
		cfg := rollout.NoiseConfig{Sigma: 2, Normalization: n}
		a, b := draw(t, 7, 50, 2, cfg), draw(t, 7, 50, 2, cfg)
		if !slices.Equal(a, b) {
			t.Error("one seed gave two noises")
		}
		if slices.Equal(a, draw(t, 6, 50, 2, cfg)) {
			t.Error("two seeds gave one noise")
		}
	}
}

func TestNoiseRefused(t *testing.T) {
	good := rollout.DefaultNoiseConfig()
	bad := func(change func(*rollout.NoiseConfig)) error {
		c := good
		change(&c)
		_, err := rollout.Noise(1, 5, 2, c)
		return err
	}
	size := func(T, dU int) error { _, err := rollout.Noise(1, T, dU, good); return err }
	white := func(white []float64, dU int) error { _, err := rollout.Smooth(white, dU, good); return err }
	for name, err := range map[string]error{
		"negative sigma": bad(func(c *rollout.NoiseConfig) { c.Sigma = -1 }),
		"NaN sigma":      bad(func(c *rollout.NoiseConfig) { c.Sigma = math.NaN() }),
		"huge sigma":     bad(func(c *rollout.NoiseConfig) { c.Sigma = 1e5 }),
		"normalization":  bad(func(c *rollout.NoiseConfig) { c.Normalization = "" }),
		"edge":           bad(func(c *rollout.NoiseConfig) { c.Edge = 2 }),
		"no step":        size(0, 1),
		"no action":      size(1, 0),
		"huge T":         size(math.MaxInt, 1),
		"huge T and dU":  size(1<<20, 1<<20),
		"too few rows":   white(make([]float64, 16), 1),
		"half a row":     white(make([]float64, 101), 2),
		"no actions":     white(make([]float64, 101), 0),
		"NaN":            white(append(make([]float64, 100), math.NaN()), 1),
	} {
		if !errors.Is(err, rollout.ErrNoise) {
			t.Errorf("%s: error is %v", name, err)
		}
	}
}

func FuzzNoise(f *testing.F) {
	for i, n := range []rollout.Normalization{rollout.NormalizeProcess, rollout.NormalizeTrial, rollout.NormalizeMatch, rollout.NormalizeNone, "other"} {
		f.Add(uint64(i), 1+i, 2, 2.0*float64(i), string(n), i%2, 1.0)
	}
	f.Add(uint64(1), 600, 1, 200.0, "process", 0, 1e300)
	f.Add(uint64(1), math.MaxInt, math.MaxInt, 1e4, "trial", 1, 1e-300)
	f.Fuzz(func(t *testing.T, seed uint64, T, dU int, sigma float64, how string, edge int, scale float64) {
		if n := (float64(T) + 8*sigma + 1) * float64(dU); n > 1<<17 && n < 1<<28 {
			return // allowed or nearly so, but long
		}
		cfg := rollout.NoiseConfig{Sigma: sigma, Normalization: rollout.Normalization(how), Edge: rollout.Edge(edge)}
		check := func(out []float64, rows int, err error) {
			if err != nil {
				return
			}
			if len(out) != rows*dU {
				t.Fatalf("%d numbers for T=%d dU=%d", len(out), rows, dU)
			}
			for i, v := range out {
				if v-v != 0 {
					t.Fatalf("entry %d is %v", i, v)
				}
			}
		}
		out, err := rollout.Noise(seed, T, dU, cfg)
		check(out, T, err)
		if err == nil {
			for i := range out {
				out[i] *= scale
			}
			again, err := rollout.Smooth(out, dU, cfg)
			check(again, T-2*cfg.Lead(), err)
		}
	})
}
