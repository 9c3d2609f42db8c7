package safety

import (
	"time"

	"guidedpolicysearch/hardware"
)

// Guard checks joint readings as they arrive, and how long ago the last one did.
type Guard struct {
	joints  []string
	timeout int64
	// waits: the robot repeats its last reading while it waits for a command, so that a
	// repetition is a sign of life. Otherwise it is a frozen driver.
	waits bool

	seen        bool
	lastStamp   int64
	lastArrival int64
	lastFresh   int64 // arrival of the last reading with a new stamp
}

// NewGuard returns a guard for readings of the given joints; timeout is the age at which
// a state is stale. waits says that the robot repeats its last reading while it waits for
// a command.
func NewGuard(joints []string, timeout time.Duration, waits bool) *Guard {
	return &Guard{joints: joints, timeout: int64(timeout), waits: waits}
}

// shortestLeap of a clock is no step of a simulation that runs faster than time passes.
const shortestLeap = time.Second

// Check judges a reading. A stamp that is later than the last by more than the time that passed
// and the time-out, of a second at least, is a jump of the robot's clock, and so is one that is as
// far ahead of now. arrival is a steady clock in ns. now is the ROS time in ns, or 0 where it is not
// known; then the age of the stamp is not judged. fresh is false for a repetition of the last
// reading.
func (g *Guard) Check(s *hardware.JointState, arrival, now int64) (fresh bool, fault Fault) {
	since := arrival - g.lastArrival
	g.lastArrival = arrival
	for i := range g.joints {
		for _, v := range [2]float64{s.Position[i], s.Velocity[i]} {
			if v-v != 0 {
				return true, Fault{Kind: NotFinite, Joint: i, Name: g.joints[i], Value: v}
			}
		}
	}
	last, seen := g.lastStamp, g.seen
	leap := max(g.timeout, int64(shortestLeap))
	g.lastStamp, g.seen = s.Stamp, true
	fresh = !seen || s.Stamp != last
	if fresh {
		g.lastFresh = arrival
	}
	switch {
	case seen && s.Stamp < last:
		return true, Fault{Kind: Backwards, Duration: time.Duration(last - s.Stamp)}
	case seen && s.Stamp-last-leap > since:
		return true, Fault{Kind: ClockJump, Duration: time.Duration(s.Stamp - last), Limit: time.Duration(leap)}
	case now != 0 && s.Stamp-now > leap:
		return fresh, Fault{Kind: ClockJump, Duration: time.Duration(s.Stamp - now), Limit: time.Duration(leap)}
	case now != 0 && now-s.Stamp > g.timeout:
		return fresh, Fault{Kind: Old, Duration: time.Duration(now - s.Stamp), Limit: time.Duration(g.timeout)}
	}
	return fresh, Fault{}
}

// Unpaced says that the robot does not wait for commands: a repetition of its last
// reading is no sign of life.
func (g *Guard) Unpaced() { g.waits = false }

// SetStaleTimeout changes the age at which a state is stale.
func (g *Guard) SetStaleTimeout(timeout time.Duration) { g.timeout = int64(timeout) }

// Touch notes the arrival of a message that could not be read.
func (g *Guard) Touch(arrival int64) { g.lastArrival = arrival }

// Silent returns a fault if no message, or none with a new reading, arrived for longer
// than the time-out. now is the clock of the arrivals.
func (g *Guard) Silent(now int64) Fault {
	kind, last := Silent, g.lastArrival
	if !g.waits && last != 0 && now-last <= g.timeout {
		kind, last = Frozen, g.lastFresh
	}
	if last != 0 && now-last > g.timeout {
		return Fault{Kind: kind, Duration: time.Duration(now - last), Limit: time.Duration(g.timeout)}
	}
	return Fault{}
}

// Deadline returns when the robot will have been silent for too long if nothing arrives
// after now: a time on the clock of the arrivals.
func (g *Guard) Deadline(now int64) int64 {
	last := g.lastArrival
	if !g.waits {
		last = g.lastFresh
	}
	if due := last + g.timeout + 1; last != 0 && due > now {
		return due
	}
	return now + g.timeout + 1
}
