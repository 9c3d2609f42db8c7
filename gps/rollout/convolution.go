package rollout

import "gonum.org/v1/gonum/dsp/fourier"

// convolution filters series of one length by a symmetric kernel.
type convolution struct {
	kernel []float64
	// For long kernels: a transform of a power of two, and the kernel's.
	transform *fourier.FFT
	response  []complex128
	series    []float64
	spectrum  []complex128
}

// longKernel is where the transform begins to be faster.
const longKernel = 128

// newConvolution returns the filter for series of T+len(kernel)-1 numbers.
func newConvolution(kernel []float64, T int) *convolution {
	c := &convolution{kernel: kernel}
	if min(T, len(kernel)) < longKernel {
		return c
	}
	n := 1
	for n < T+len(kernel)-1 {
		n *= 2
	}
	c.transform = fourier.NewFFT(n)
	c.series = make([]float64, n)
	copy(c.series, kernel)
	c.response = c.transform.Coefficients(nil, c.series)
	c.spectrum = make([]complex128, len(c.response))
	return c
}

// run writes dst[t] = sum_i kernel[i] src[t+i].
func (c *convolution) run(dst, src []float64) {
	if c.transform == nil {
		for t := range dst {
			s := 0.0
			for i, w := range c.kernel {
				s += w * src[t+i]
			}
			dst[t] = s
		}
		return
	}
	clear(c.series[copy(c.series, src):])
	c.transform.Coefficients(c.spectrum, c.series)
	for i, r := range c.response {
		c.spectrum[i] *= r
	}
	c.transform.Sequence(c.series, c.spectrum)
	// What wraps around ends before the first sum that the kernel lies within.
	for t := range dst {
		dst[t] = c.series[t+len(c.kernel)-1] / float64(len(c.series))
	}
}
