package velocity

import (
	"fmt"
	"math"

	"guidedpolicysearch/hardware"
)

// Estimator puts estimated velocities into readings of joints. It owns workspace: one
// goroutine at a time.
type Estimator struct {
	source string
	rate   float64        // of the low-pass filter, 1/s
	filter *encoderFilter // nil unless the source is EncoderFilter

	seen     bool
	stamp    int64
	read     []float64 // positions of the latest reading
	position []float64 // what the latest reading became
	velocity []float64
}

// New returns an estimator for readings of the given number of joints, or an error
// wrapping ErrConfig.
func New(cfg Config, joints int) (*Estimator, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	e := &Estimator{source: cfg.Source, rate: 2 * math.Pi * cfg.Cutoff,
		read: make([]float64, joints), position: make([]float64, joints), velocity: make([]float64, joints)}
	if cfg.Source == EncoderFilter {
		filter, err := newEncoderFilter(cfg.Encoder, joints)
		if err != nil {
			return nil, err
		}
		e.filter = filter
	}
	return e, nil
}

// Reset forgets all readings, as after a fault: the next one is the first.
func (e *Estimator) Reset() { e.seen = false }

// Update overwrites the velocities of a reading, and with the encoder filter its positions,
// with the estimates at its stamp. It does not allocate.
//
// The first reading, and one that is older than the one before it, has velocity 0. A
// repetition (equal stamp) gets the same estimates again. Intervals may differ: differences
// are exact for any, the encoder filter predicts over what was lost, and after more than it
// bridges starts anew with the mean velocity over the gap.
//
// It returns -1, or a joint whose position (or velocity, with the source Message) is not
// finite: then the reading is left as it is and counts as lost. A joint whose estimate is
// out of all bounds is returned too, and the next reading is the first.
func (e *Estimator) Update(s *hardware.JointState) int {
	if len(s.Position) != len(e.read) || len(s.Velocity) != len(e.read) {
		panic(fmt.Sprintf("velocity: reading of %d positions and %d velocities for %d joints", len(s.Position), len(s.Velocity), len(e.read)))
	}
	if joint := notFinite(s.Position); joint >= 0 {
		return joint
	}
	if e.source == Message {
		return notFinite(s.Velocity)
	}
	switch {
	case !e.seen || s.Stamp < e.stamp:
		e.start(s)
	case s.Stamp > e.stamp:
		e.advance(s)
	}
	if joint := max(notFinite(e.velocity), notFinite(e.position)); joint >= 0 {
		e.seen = false
		return joint
	}
	copy(s.Position, e.position)
	copy(s.Velocity, e.velocity)
	return -1
}

// start takes a reading for the first, at rest.
func (e *Estimator) start(s *hardware.JointState) {
	e.seen, e.stamp = true, s.Stamp
	copy(e.read, s.Position)
	copy(e.position, s.Position)
	clear(e.velocity)
	for i, q := range s.Position {
		if e.filter != nil {
			e.filter.start(i, q, 0)
		}
	}
}

// advance takes a reading that is newer than the one before.
func (e *Estimator) advance(s *hardware.JointState) {
	// The difference of two int64 fits into a uint64.
	dt := float64(uint64(s.Stamp)-uint64(e.stamp)) * 1e-9
	e.stamp = s.Stamp
	// A low-pass filter of first order on a velocity that is constant between readings.
	share := -math.Expm1(-e.rate * dt)
	for i, q := range s.Position {
		mean := (q - e.read[i]) / dt
		e.read[i] = q
		switch {
		case e.filter == nil:
			e.position[i] = q
			e.velocity[i] += share * (mean - e.velocity[i])
			continue
		case e.filter.bridges(dt):
			e.filter.update(i, q, dt)
		default:
			e.filter.start(i, q, mean)
		}
		e.position[i], e.velocity[i] = e.filter.state[i][0], e.filter.state[i][1]
	}
}

// notFinite returns the index of the first number that is NaN or infinite, or -1.
func notFinite(list []float64) int {
	for i, v := range list {
		if v-v != 0 {
			return i
		}
	}
	return -1
}
