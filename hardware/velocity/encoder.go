package velocity

import (
	"fmt"

	"gonum.org/v1/gonum/mat"
)

// prediction returns the first row of F, which moves position, velocity and acceleration
// on by t seconds.
func prediction(t float64) [3]float64 { return [3]float64{1, t, t * t / 2} }

// closedLoop returns A = (I - b [1 0 0]) F (3x3, row-major) for the gain b and readings
// t seconds apart.
func closedLoop(gain []float64, t float64) [9]float64 {
	first := prediction(t)
	a := [9]float64{1, t, t * t / 2, 0, 1, t, 0, 0, 1}
	for i := range a {
		a[i] -= gain[i/3] * first[i%3]
	}
	return a
}

// isStable says if all eigenvalues of a (3x3, row-major) are inside the unit circle.
func isStable(a [9]float64) bool {
	for _, v := range a {
		if v-v != 0 {
			return false
		}
	}
	var eigen mat.Eigen
	if !eigen.Factorize(mat.NewDense(3, 3, a[:]), mat.EigenNone) {
		return false
	}
	for _, v := range eigen.Values(nil) {
		if !(real(v)*real(v)+imag(v)*imag(v) < 1) {
			return false
		}
	}
	return true
}

// encoderFilter is the steady-state Kalman filter x <- A x + b y per joint.
type encoderFilter struct {
	a       [9]float64
	b       [3]float64
	period  float64      // s
	longest float64      // interval that is bridged, s
	state   [][3]float64 // position, velocity, acceleration per joint
}

// newEncoderFilter returns the filter, or an error wrapping ErrConfig.
func newEncoderFilter(c EncoderConfig, joints int) (*encoderFilter, error) {
	if c.Period <= 0 {
		return nil, fmt.Errorf("%w: encoder_filter.period is %v, need a time > 0", ErrConfig, c.Period)
	}
	if c.MaxLost < 0 || c.MaxLost > 100 {
		return nil, fmt.Errorf("%w: encoder_filter.max_lost is %d, need 0 to 100", ErrConfig, c.MaxLost)
	}
	a, b, err := c.matrices()
	if err != nil {
		return nil, err
	}
	f := &encoderFilter{period: c.Period.Seconds(), state: make([][3]float64, joints)}
	copy(f.a[:], a)
	copy(f.b[:], b)
	if !isStable(f.a) {
		return nil, fmt.Errorf("%w: encoder_filter.transition has an eigenvalue on or outside the unit circle, so that errors never die out: is encoder_filter.gain right?", ErrConfig)
	}
	// Readings that always come late must not swing the filter up, whatever max_lost says.
	periods := 1
	for periods <= c.MaxLost && isStable(closedLoop(b, float64(periods+1)*f.period)) {
		periods++
	}
	f.longest = (float64(periods) + 0.5) * f.period
	return f, nil
}

// start begins anew at a position and velocity.
func (f *encoderFilter) start(joint int, position, velocity float64) {
	f.state[joint] = [3]float64{position, velocity, 0}
}

// update takes the reading y of a joint, dt seconds after the one before.
func (f *encoderFilter) update(joint int, y, dt float64) {
	x := &f.state[joint]
	// A predicts over one period; what the interval has more or less goes first.
	t := dt - f.period
	p, v, a := x[0]+t*(x[1]+t*x[2]/2), x[1]+t*x[2], x[2]
	for i := range x {
		x[i] = f.a[3*i]*p + f.a[3*i+1]*v + f.a[3*i+2]*a + f.b[i]*y
	}
}

// bridges says if an interval of dt seconds is short enough to predict over.
func (f *encoderFilter) bridges(dt float64) bool { return dt <= f.longest }
