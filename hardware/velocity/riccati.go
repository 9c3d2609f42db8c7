package velocity

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
)

// Design returns the steady-state Kalman filter of an encoder for motion with white-noise
// jerk (Bar-Shalom, Li and Kirubarajan, "Estimation with Applications to Tracking and
// Navigation", 2001, section 6.2.3): A = (I - b [1 0 0]) F (3x3, row-major) and the gain b
// (3), where b is that of the stationary solution of the Riccati equation. A reading has
// the variance resolution²/12 + noise². Errors wrap ErrConfig and name the key.
func (c EncoderConfig) Design() (transition, gain []float64, err error) {
	for _, v := range []struct {
		key   string
		value float64
		good  bool
		need  string
	}{
		{"period", c.Period.Seconds(), c.Period > 0, "a time > 0"},
		{"resolution", c.Resolution, c.Resolution >= 0, "a finite number >= 0"},
		{"noise", c.Noise, c.Noise >= 0, "a finite number >= 0"},
		{"jerk", c.Jerk, c.Jerk > 0, "a finite number > 0"},
	} {
		if !v.good || math.IsInf(v.value, 0) {
			return nil, nil, fmt.Errorf("%w: encoder_filter.%s is %v, need %s", ErrConfig, v.key, v.value, v.need)
		}
	}
	deviation := math.Hypot(c.Resolution/math.Sqrt(12), c.Noise)
	if deviation == 0 {
		return nil, nil, fmt.Errorf("%w: encoder_filter.resolution and encoder_filter.noise are both 0, need one of them > 0 to tell motion from noise", ErrConfig)
	}
	// With time in periods and positions in deviations of a reading, one number is left.
	t := c.Period.Seconds()
	index := c.Jerk / deviation * math.Pow(t, 2.5)
	if !(index >= 1e-8 && index <= 1e4) {
		return nil, nil, fmt.Errorf("%w: encoder_filter.jerk moves a joint by %.3g deviations of a reading within a period, need 1e-8 to 1e4: check the units of jerk, resolution, noise and period", ErrConfig, index)
	}
	k, err := stationaryGain(index)
	if err != nil {
		return nil, nil, err
	}
	gain = []float64{k[0], k[1] / t, k[2] / (t * t)}
	a := closedLoop(gain, t)
	return a[:], gain, nil
}

// stationaryGain returns the Kalman gain for white-noise jerk of root spectral density
// index, readings of variance 1, and a period of 1. It solves the Riccati equation by
// doubling (Anderson, "Second-order convergent algorithms for the steady-state Riccati
// equation", Int. J. Control 28, 1978): step k holds the solution after 2^k readings.
func stationaryGain(index float64) (gain [3]float64, err error) {
	q := index * index
	a := mat.NewDense(3, 3, []float64{1, 0, 0, 1, 1, 0, 0.5, 1, 1}) // Fᵀ
	g := mat.NewDense(3, 3, []float64{1, 0, 0, 0, 0, 0, 0, 0, 0})
	p := mat.NewDense(3, 3, []float64{
		q / 20, q / 8, q / 6,
		q / 8, q / 3, q / 2,
		q / 6, q / 2, q})
	const doublings = 64
	for range doublings {
		var w, wa, wg, next, change mat.Dense
		w.Mul(g, p)
		for i := range 3 {
			w.Set(i, i, w.At(i, i)+1)
		}
		if err := wa.Solve(&w, a); err != nil {
			return gain, fmt.Errorf("%w: the Riccati equation of encoder_filter has no solution that can be computed: %v", ErrConfig, err)
		}
		if err := wg.Solve(&w, g); err != nil {
			return gain, fmt.Errorf("%w: the Riccati equation of encoder_filter has no solution that can be computed: %v", ErrConfig, err)
		}
		change.Product(a.T(), p, &wa)
		next.Mul(a, &wa)
		wg.Product(a, &wg, a.T())
		g.Add(g, &wg)
		p.Add(p, &change)
		a.Copy(&next)
		if mat.Norm(&change, 1) <= 1e-15*mat.Norm(p, 1) {
			for i := range gain {
				gain[i] = p.At(i, 0) / (p.At(0, 0) + 1)
			}
			return gain, nil
		}
	}
	return gain, fmt.Errorf("%w: the Riccati equation of encoder_filter did not converge: check jerk, resolution, noise and period", ErrConfig)
}
