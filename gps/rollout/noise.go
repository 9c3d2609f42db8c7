package rollout

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// NoiseConfig describes the exploration noise of a trial.
type NoiseConfig struct {
	// Sigma is the standard deviation of the Gaussian filter over time, in steps, >= 0;
	// 0 leaves the noise white. Default 2.
	Sigma float64
	// Renormalize divides each action's filtered noise by its standard deviation over
	// the trial. Default true.
	Renormalize bool
}

// DefaultNoiseConfig returns the defaults.
func DefaultNoiseConfig() NoiseConfig { return NoiseConfig{Sigma: 2, Renormalize: true} }

// Validate returns an error that names the field that is out of range.
func (c NoiseConfig) Validate() error {
	if !(c.Sigma >= 0) || c.Sigma > 1e4 {
		return fmt.Errorf("rollout: noise smoothing is %v steps, need a number in [0, 10000]", c.Sigma)
	}
	return nil
}

// Noise returns the exploration noise of one trial, T x dU, standard normal before it is
// smoothed. One seed gives one noise; seeds that differ in their lowest bit only give
// noise of opposite sign.
func Noise(seed uint64, T, dU int, cfg NoiseConfig) []float64 {
	rng := rand.New(rand.NewPCG(seed>>1, 0x6e6f697365)) // the stream of noise
	sign := 1 - 2*float64(seed&1)
	white := make([]float64, T*dU)
	for i := range white {
		white[i] = sign * rng.NormFloat64()
	}
	return Smooth(white, dU, cfg)
}

// Smooth filters white noise (T x dU) over time by a Gaussian kernel cut off at 4 sigma,
// its edges mirrored with the edge value repeated, and renormalises it. A column that
// does not vary, as with T = 1, is left as the filter made it.
func Smooth(white []float64, dU int, cfg NoiseConfig) []float64 {
	T := len(white) / dU
	out := make([]float64, len(white))
	if cfg.Sigma == 0 {
		copy(out, white)
		return out
	}
	kernel := gaussianKernel(cfg.Sigma)
	radius := len(kernel) / 2
	for j := range dU {
		for t := range T {
			s := 0.0
			for i, w := range kernel {
				s += w * white[mirror(t+i-radius, T)*dU+j]
			}
			out[t*dU+j] = s
		}
		if cfg.Renormalize {
			renormalize(out, dU, j)
		}
	}
	return out
}

func gaussianKernel(sigma float64) []float64 {
	radius := int(4*sigma + 0.5)
	kernel, sum := make([]float64, 2*radius+1), 0.0
	for i := range kernel {
		d := float64(i-radius) / sigma
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

func renormalize(a []float64, dU, column int) {
	n := float64(len(a) / dU)
	mean, variance := 0.0, 0.0
	for i := column; i < len(a); i += dU {
		mean += a[i] / n
	}
	for i := column; i < len(a); i += dU {
		variance += (a[i] - mean) * (a[i] - mean) / n
	}
	if variance == 0 {
		return
	}
	for i := column; i < len(a); i += dU {
		a[i] /= math.Sqrt(variance)
	}
}
