package velocity

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// ErrConfig marks settings that no estimator can be built from.
var ErrConfig = errors.New("velocity: invalid settings")

// Sources of joint velocities.
const (
	Message       = "message"
	Difference    = "difference"
	EncoderFilter = "encoder_filter"
)

// Where the gains of the encoder filter come from.
const (
	GivenGains    = "given"
	DesignedGains = "designed"
)

// Config says where joint velocities come from.
type Config struct {
	Source  string        `param:"source" desc:"Joint velocities: message takes those of joint_states, difference filters the differences of positions, encoder_filter is a steady-state Kalman filter that smooths the positions too." choices:"message|difference|encoder_filter"`
	Cutoff  float64       `param:"cutoff" desc:"Cut-off frequency of the low-pass filter on differences of positions." unit:"Hz" range:"(0, inf)"`
	Encoder EncoderConfig `param:"encoder_filter"`
}

// EncoderConfig describes the steady-state Kalman filter x <- A x + b y of one joint, with
// the state x = position, velocity, acceleration and the reading y, a position. All joints
// have the same filter.
type EncoderConfig struct {
	Period  time.Duration `param:"period" desc:"Time between two readings that the filter is made for." unit:"s" range:"(0, inf)"`
	MaxLost int           `param:"max_lost" desc:"Readings lost in a row that the filter bridges by prediction; after more of them, or of what its gains can stand, it starts anew." range:"[0, 100]"`
	Gains   string        `param:"gains" desc:"Filter matrices: given takes transition and gain, designed computes them from resolution, noise and jerk." choices:"given|designed"`
	// Transition is A (3x3, row-major), Gain is b (3).
	Transition []float64 `param:"transition" desc:"Matrix A of the filter x = A x + b y with x = position, velocity, acceleration, by rows; 9 numbers."`
	Gain       []float64 `param:"gain" desc:"Vector b of the filter x = A x + b y; 3 numbers."`
	// Resolution and Noise make the variance of a reading, Jerk that of the motion.
	Resolution float64 `param:"resolution" desc:"Smallest step of the encoder, at the joint." unit:"rad" range:"[0, inf)"`
	Noise      float64 `param:"noise" desc:"Standard deviation of the encoder's noise beside its resolution." unit:"rad" range:"[0, inf)"`
	Jerk       float64 `param:"jerk" desc:"Square root of the spectral density of the jerk: the acceleration changes by about this much within a second; larger follows faster and smooths less." unit:"rad/s^2.5" range:"(0, inf)"`
}

// DefaultConfig takes velocities from the message. The encoder filter's matrices are those
// of the reference at 1 kHz, the design is for an encoder of 16 bit on a quick arm.
func DefaultConfig() Config {
	return Config{Source: Message, Cutoff: 30, Encoder: EncoderConfig{
		Period: time.Millisecond, MaxLost: 10, Gains: GivenGains,
		Transition: []float64{
			0.29752, 0.00029752, 1.4876e-07,
			-106.5, 0.8935, 0.00094675,
			-6447.3059, -6.4473, 0.99678},
		Gain:       []float64{0.70248, 106.5, 6447.3059},
		Resolution: 2 * math.Pi / 65536, Jerk: 100}}
}

// Validate returns an error wrapping ErrConfig that names the key and says what was
// expected.
func (c Config) Validate() error {
	switch c.Source {
	case Message:
		return nil
	case Difference:
		if !(c.Cutoff > 0) || math.IsInf(c.Cutoff, 0) {
			return fmt.Errorf("%w: cutoff is %v Hz, need a finite number > 0", ErrConfig, c.Cutoff)
		}
		return nil
	case EncoderFilter:
		_, err := newEncoderFilter(c.Encoder, 0)
		return err
	}
	return fmt.Errorf("%w: source is %q, need %s, %s or %s", ErrConfig, c.Source, Message, Difference, EncoderFilter)
}

// matrices returns the filter's A (3x3, row-major) and b (3), given or designed.
func (c EncoderConfig) matrices() (transition, gain []float64, err error) {
	switch c.Gains {
	case DesignedGains:
		return c.Design()
	case GivenGains:
		return c.Transition, c.Gain, c.checkGiven()
	}
	return nil, nil, fmt.Errorf("%w: encoder_filter.gains is %q, need %s or %s", ErrConfig, c.Gains, GivenGains, DesignedGains)
}

// checkGiven holds A and b to the model of constant acceleration: A = (I - b [1 0 0]) F,
// where F predicts over one period. That finds a period, a unit or an order of elements
// that is not the filter's.
func (c EncoderConfig) checkGiven() error {
	for _, list := range []struct {
		key    string
		values []float64
		n      int
	}{{"transition", c.Transition, 9}, {"gain", c.Gain, 3}} {
		if len(list.values) != list.n {
			return fmt.Errorf("%w: encoder_filter.%s has %d numbers, need %d", ErrConfig, list.key, len(list.values), list.n)
		}
		for i, v := range list.values {
			if v-v != 0 {
				return fmt.Errorf("%w: encoder_filter.%s[%d] is %v, need a finite number", ErrConfig, list.key, i, v)
			}
		}
	}
	// The matrices come rounded to a few digits.
	const tolerance = 1e-4
	period := c.Period.Seconds()
	want := closedLoop(c.Gain, period)
	for i, v := range c.Transition {
		row, column := i/3, i%3
		// The larger of the two products that make the element.
		scale := max(math.Abs(c.Gain[row]), 1) * prediction(period)[column]
		if !(math.Abs(v-want[i]) <= tolerance*max(scale, math.Abs(want[i]))) {
			return fmt.Errorf("%w: encoder_filter.transition[%d] is %v, but gain and a period of %v with constant acceleration make it %.6g: are the period, the units and the order of the numbers right?", ErrConfig, i, v, c.Period, want[i])
		}
	}
	return nil
}
