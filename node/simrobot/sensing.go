package simrobot

import (
	"math"
	"math/rand/v2"
)

// Streams of random numbers: each is the same whatever the others are used for.
const (
	positionStream uint64 = iota + 1
	velocityStream
	jitterStream
	stateLossStream
	commandLossStream
)

func (c *Config) stream(number uint64) *rand.Rand { return rand.New(rand.NewPCG(c.Seed, number)) }

// maxJitter is the most that a stamp is off, in periods: less than half, so that stamps rise.
const maxJitter = 0.45

// sensing turns the plant's state into what the joints' sensors measure.
type sensing struct {
	velocity                                 string
	resolution, positionNoise, velocityNoise []float64 // empty for none
	position, speed, jitter                  *rand.Rand
	deviation                                float64 // of the stamps, ns
	period                                   float64 // of the measurements, ns
	last                                     []float64
	measured                                 bool // there is a last
}

func newSensing(c *Config) *sensing {
	return &sensing{velocity: c.Velocity, resolution: c.EncoderResolution, positionNoise: c.PositionNoise, velocityNoise: c.VelocityNoise,
		position: c.stream(positionStream), speed: c.stream(velocityStream), jitter: c.stream(jitterStream),
		deviation: float64(c.StampJitter), period: float64(c.Every() * int64(c.Step())), last: make([]float64, len(c.Joints))}
}

// measure writes positions and velocities of all joints. It does not allocate.
func (s *sensing) measure(dst *Reading, position, velocity []float64) {
	copy(dst.Position, position)
	disturb(dst.Position, s.positionNoise, s.position)
	for i, count := range s.resolution {
		if count > 0 {
			dst.Position[i] = count * math.Round(dst.Position[i]/count)
		}
	}
	switch s.velocity {
	case VelocityMeasured:
		copy(dst.Velocity, velocity)
		disturb(dst.Velocity, s.velocityNoise, s.speed)
	case VelocityDifference:
		for i, q := range dst.Position {
			dst.Velocity[i] = 0
			if s.measured {
				dst.Velocity[i] = (q - s.last[i]) / (s.period * 1e-9)
			}
		}
	}
	copy(s.last, dst.Position)
	s.measured = true
}

// disturb adds noise of the standard deviations given, if any.
func disturb(v, deviation []float64, random *rand.Rand) {
	for i, d := range deviation {
		v[i] += d * random.NormFloat64()
	}
}

// stamp returns the stamp of a measurement at a time in ns, which is not negative.
func (s *sensing) stamp(at int64) int64 {
	if s.deviation == 0 {
		return at
	}
	most := maxJitter * s.period
	return max(0, at+int64(math.Round(max(-most, min(most, s.deviation*s.jitter.NormFloat64())))))
}
