package simrobot

import (
	"errors"
	"fmt"
	"math"
)

// placement is where the robot is put with the next measurement.
type placement struct {
	due   bool
	state []float64 // [q; dq]
	seed  uint64
}

// Place puts the robot at a position, at rest, and everything else back to its place, with the
// next measurement. From there on no reading depends on what was before: what is on its way is
// forgotten, readings that the latency holds back are of the new place, and the random numbers
// of the driver begin anew, named by seed beside the parameter seed. Only time goes on. position
// has an entry, which must be finite, for each joint; the error says which is not.
func (r *Robot) Place(position []float64, seed uint64) error {
	nQ, _ := r.plant.Dims()
	if len(position) != nQ {
		return fmt.Errorf("simrobot: place has %d positions, expected %d, one for each of %q", len(position), nQ, r.cfg.Joints)
	}
	for i, q := range position {
		if math.IsNaN(q) || math.IsInf(q, 0) {
			return fmt.Errorf("simrobot: place has position %v for joint %q, expected a finite number", q, r.cfg.Joints[i])
		}
	}
	if r.placement.state == nil {
		r.placement.state = make([]float64, 2*nQ)
	}
	copy(r.placement.state, position)
	clear(r.placement.state[nQ:])
	r.placement.seed, r.placement.due = seed, true
	return nil
}

// place does what Place asked for, at a time of a measurement.
func (r *Robot) place() error {
	r.placement.due = false
	var err error
	if r.scene != nil {
		err = r.scene.ResetObjects()
	}
	if err = errors.Join(err, r.plant.SetState(r.placement.state)); err != nil {
		return fmt.Errorf("simulated time %.3f s: place the robot: %w", float64(r.began+r.now())*1e-9, err)
	}
	r.randomize(r.placement.seed)
	clear(r.effort)
	for r.commands.size > 0 {
		r.commands.pop()
	}
	for r.readings.size > 0 {
		r.readings.pop()
	}
	return r.stand()
}

// randomize begins the driver's random numbers, and what its sensors remember.
func (r *Robot) randomize(seed uint64) {
	cfg := r.cfg
	cfg.Seed ^= seed
	r.sensing = newSensing(&cfg)
	r.lost.state, r.lost.command = cfg.stream(stateLossStream), cfg.stream(commandLossStream)
}

// stand measures as if the robot had stood still for its latency.
func (r *Robot) stand() error {
	period := r.every * r.dt
	for i := int64(r.cfg.StateLatency) / period; i >= 0; i-- {
		if err := r.measure(r.now()-i*period, false); err != nil {
			return err
		}
	}
	return nil
}
