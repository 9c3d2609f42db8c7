package simrobot

import (
	"context"
	"sync/atomic"
	"time"

	"guidedpolicysearch/node/diagnostics"
)

// makeUp is how much simulated time is made up for at most, in ns and in time steps,
// whichever is more.
const (
	makeUp      = int64(100 * time.Millisecond)
	makeUpSteps = 10
)

// timing tells how the driver kept its time, in ns of simulated time.
type timing struct {
	overruns atomic.Int64 // time steps that were late by more than their length
	stood    atomic.Int64 // for how long time stood still because too much was missing
	latest   atomic.Int64 // the most that a time step was late
	told     int64        // overruns that the diagnostics have warned of
}

// health is called by one goroutine.
func (t *timing) health(s *diagnostics.Status) {
	overruns := t.overruns.Load()
	if overruns > t.told {
		s.Summary(diagnostics.Warn, "%d time steps came too late and had no joint state", overruns-t.told)
	}
	t.told = overruns
	s.Add("overruns", overruns)
	s.Add("longest lateness (s)", float64(t.latest.Load())*1e-9)
	s.Add("simulated time stood still (s)", float64(t.stood.Load())*1e-9)
}

// runFreely follows the clock, and publishes what comes out at its time.
func (d *Driver) runFreely(ctx context.Context) error {
	dt := int64(d.cfg.Step())
	for {
		// A time step is simulated when it is over, by what was commanded until then.
		over := d.robot.now() + dt
		if err := d.publishArrived(over - dt); err != nil {
			return err
		}
		for next := d.robot.readings.head(); next != nil && next.arrives < over; next = d.robot.readings.head() {
			if !d.pace.wait(ctx, next.arrives) {
				return nil
			}
			if err := d.publishArrived(next.arrives); err != nil {
				return err
			}
		}
		if !d.pace.wait(ctx, over) {
			return nil
		}
		if err := d.catchUp(d.pace.time(d.pace.clock())-over, dt); err != nil {
			return err
		}
	}
}

// publishArrived publishes what comes out until a time.
func (d *Driver) publishArrived(until int64) error {
	for r := d.robot.arrived(until); r != nil; r = d.robot.arrived(until) {
		if err := d.publish(r); err != nil {
			return err
		}
	}
	return nil
}

// catchUp simulates the time step that is over, and those before it that were missed: the
// next one is late by that much.
func (d *Driver) catchUp(late, dt int64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	t := &d.timing
	t.latest.Store(max(t.latest.Load(), late))
	missed := late / dt
	t.overruns.Add(missed)
	if missed*dt > max(makeUp, makeUpSteps*dt) {
		d.pace.slip(missed * dt)
		t.stood.Add(missed * dt)
		missed = 0
	}
	for range missed {
		d.robot.apply()
		if err := d.robot.pass(); err != nil {
			return err
		}
	}
	d.robot.apply()
	if err := d.robot.advance(); err != nil {
		return err
	}
	d.steps.Store(d.robot.step)
	return nil
}
