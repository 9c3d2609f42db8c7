package rollout

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
)

// ErrNoise marks exploration noise that cannot be made as it was asked for.
var ErrNoise = errors.New("rollout: invalid exploration noise")

// Normalization says what the variance of smoothed noise is brought back to.
type Normalization string

const (
	// NormalizeProcess makes the noise a stationary Gaussian process: the filter runs
	// over white noise that goes on beyond both ends of the trial, and its output is
	// divided by the kernel's norm. For any T >= 1 and any two steps
	// E[e_t] = 0, E[e_t e_s] = rho(t-s), rho(k) = sum_i w_i w_{i+k} / sum_i w_i^2.
	NormalizeProcess Normalization = "process"
	// NormalizeTrial divides each action's filtered noise by its standard deviation
	// over the trial, about its mean there (the reference implementation of Levine et
	// al.). In short trials the second moment is not 1: it grows without bound as the
	// standard deviation nears 0. A column that does not vary stays as it is.
	NormalizeTrial Normalization = "trial"
	// NormalizeMatch gives each action's filtered noise the standard deviation and
	// then the mean that the white noise had over the trial (as donk.ai does). A
	// column that does not vary is shifted only.
	NormalizeMatch Normalization = "match"
	// NormalizeNone leaves what the filter makes: its variance is below 1.
	NormalizeNone Normalization = "none"
)

// Edge says what the filter takes for the white noise before the first and after the
// last step of a trial.
type Edge int

const (
	// Mirror repeats it backwards, with the edge value twice: c b a | a b c | c b a.
	Mirror Edge = iota
	// Nearest repeats the edge value: a a a | a b c | c c c.
	Nearest
)

// maxSigma bounds NoiseConfig.Sigma, and with it the length of the kernel.
const maxSigma = 1e4

// maxNoise bounds the numbers drawn for one trial: 1 GiB.
const maxNoise = 1 << 27

// NoiseConfig describes the exploration noise of a trial.
type NoiseConfig struct {
	// Sigma is the standard deviation of the Gaussian filter over time, in steps, 0 to
	// 10000; 0 filters nothing. Default 2.
	Sigma float64
	// Normalization is that of the smoothed noise. Default NormalizeProcess.
	Normalization Normalization
	// Edge is the filter's at the ends of the trial; NormalizeProcess has no edges.
	// Default Mirror.
	Edge Edge
}

// DefaultNoiseConfig returns the defaults.
func DefaultNoiseConfig() NoiseConfig {
	return NoiseConfig{Sigma: 2, Normalization: NormalizeProcess, Edge: Mirror}
}

// Validate returns an error wrapping ErrNoise that names the field that is out of range.
func (c NoiseConfig) Validate() error {
	if !(c.Sigma >= 0 && c.Sigma <= maxSigma) {
		return fmt.Errorf("%w: sigma is %v steps, need a number in [0, %g]", ErrNoise, c.Sigma, maxSigma)
	}
	switch c.Normalization {
	case NormalizeProcess, NormalizeTrial, NormalizeMatch, NormalizeNone:
	default:
		return fmt.Errorf("%w: normalization is %q, need %s, %s, %s or %s", ErrNoise, c.Normalization, NormalizeProcess, NormalizeTrial, NormalizeMatch, NormalizeNone)
	}
	if c.Edge != Mirror && c.Edge != Nearest {
		return fmt.Errorf("%w: edge is %d, need Mirror or Nearest", ErrNoise, c.Edge)
	}
	return nil
}

// Lead returns the rows of white noise that Smooth needs before the first step of a
// trial, and as many after the last.
func (c NoiseConfig) Lead() int {
	if c.Normalization != NormalizeProcess {
		return 0
	}
	return kernelRadius(c.Sigma)
}

// Noise returns the exploration noise of one trial, T x dU, in units of the standard
// normal e of u = K x + k + chol e. One seed gives one noise. Errors wrap
// ErrNoise.
func Noise(seed uint64, T, dU int, cfg NoiseConfig) ([]float64, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if T < 1 || dU < 1 || (float64(T)+2*float64(cfg.Lead()))*float64(dU) > maxNoise {
		return nil, fmt.Errorf("%w: T=%d steps of dU=%d actions at sigma %v, need T and dU >= 1 and no more than %d numbers", ErrNoise, T, dU, cfg.Sigma, maxNoise)
	}
	rng := rand.New(rand.NewPCG(seed, 0x6e6f697365)) // the stream of noise
	white := make([]float64, (T+2*cfg.Lead())*dU)
	for i := range white {
		white[i] = rng.NormFloat64()
	}
	return Smooth(white, dU, cfg)
}

// Smooth filters white noise of T + 2 cfg.Lead() rows of dU over time by a Gaussian kernel
//
//	w_i ~ exp(-i^2 / (2 sigma^2)), |i| <= int(4 sigma + 1/2), sum_i w_i = 1,
//
// normalises it, and returns T x dU. With sigma 0 nothing is filtered: only NormalizeTrial
// changes the noise then.
// Errors wrap ErrNoise.
func Smooth(white []float64, dU int, cfg NoiseConfig) ([]float64, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	lead := cfg.Lead()
	if dU < 1 || len(white)%dU != 0 || len(white)/dU <= 2*lead {
		return nil, fmt.Errorf("%w: %d numbers of white noise, need whole rows of dU=%d, and more than %d of them", ErrNoise, len(white), dU, 2*lead)
	}
	for i, v := range white {
		if v-v != 0 {
			return nil, fmt.Errorf("%w: white noise of action %d in row %d is %v", ErrNoise, i%dU, i/dU, v)
		}
	}
	T := len(white)/dU - 2*lead
	out := make([]float64, T*dU)
	kernel := gaussianKernel(cfg.Sigma)
	filter := newConvolution(kernel, T)
	input, output := make([]float64, T+len(kernel)-1), make([]float64, T)
	// Beyond the rows there are: none with a lead.
	beyond := len(kernel)/2 - lead
	for j := range dU {
		for i := range input {
			row := i - beyond
			if cfg.Edge == Nearest {
				row = min(max(row, 0), T+2*lead-1)
			} else {
				row = mirror(row, T+2*lead)
			}
			input[i] = white[row*dU+j]
		}
		filter.run(output, input)
		normalize(output, input[beyond:], kernel, cfg.Normalization)
		for t, v := range output {
			if v-v != 0 {
				return nil, fmt.Errorf("%w: smoothed noise of action %d at time step %d is %v: the white noise is too large", ErrNoise, j, t, v)
			}
			out[t*dU+j] = v
		}
	}
	return out, nil
}

func kernelRadius(sigma float64) int { return int(4*sigma + 0.5) }

func gaussianKernel(sigma float64) []float64 {
	r := kernelRadius(sigma)
	if r == 0 {
		return []float64{1} // sigma may be 0
	}
	kernel, sum := make([]float64, 2*r+1), 0.0
	for i := range kernel {
		d := float64(i-r) / sigma
		kernel[i] = math.Exp(-0.5 * d * d)
		sum += kernel[i]
	}
	for i := range kernel {
		kernel[i] /= sum
	}
	return kernel
}

// mirror folds an index into [0, n) as ... c b a | a b c ... | c b a ...
func mirror(i, n int) int {
	period := 2 * n
	i = ((i % period) + period) % period
	if i >= n {
		return period - 1 - i
	}
	return i
}

// normalize scales one action's filtered noise in place; white is what it was made from,
// from the first step on.
func normalize(filtered, white, kernel []float64, how Normalization) {
	switch how {
	case NormalizeProcess:
		norm := 0.0
		for _, w := range kernel {
			norm += w * w
		}
		norm = math.Sqrt(norm)
		for t := range filtered {
			filtered[t] /= norm
		}
	case NormalizeTrial:
		if _, deviation := meanAndDeviation(filtered); deviation > 0 {
			for t := range filtered {
				filtered[t] /= deviation
			}
		}
	case NormalizeMatch:
		wantMean, wantDeviation := meanAndDeviation(white[:len(filtered)])
		if _, deviation := meanAndDeviation(filtered); deviation > 0 {
			for t := range filtered {
				filtered[t] *= wantDeviation / deviation
			}
		}
		mean, _ := meanAndDeviation(filtered)
		for t := range filtered {
			filtered[t] += wantMean - mean
		}
	}
}

// meanAndDeviation returns mean and standard deviation of all numbers (not of a sample).
func meanAndDeviation(a []float64) (mean, deviation float64) {
	n, variance := float64(len(a)), 0.0
	for _, v := range a {
		mean += v / n
	}
	for _, v := range a {
		variance += (v - mean) * (v - mean) / n
	}
	return mean, math.Sqrt(variance)
}
