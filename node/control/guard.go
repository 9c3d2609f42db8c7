package control

import (
	"time"

	"guidedpolicysearch/hardware"
)

// Guard checks joint readings as they arrive, and how long ago the last one did.
type Guard struct {
	joints  []string
	timeout int64

	seen        bool
	lastStamp   int64
	lastArrival int64
}

// NewGuard returns a guard for readings of the given joints; timeout is the age at which
// a state is stale.
func NewGuard(joints []string, timeout time.Duration) *Guard {
	return &Guard{joints: joints, timeout: int64(timeout)}
}

// Check judges a reading. arrival is a steady clock in ns. now is the ROS time in ns, or
// 0 where it is not known; then the age of the stamp is not judged. fresh is false for a
// repetition of the last reading, which some drivers send while they wait.
func (g *Guard) Check(s *hardware.JointState, arrival, now int64) (fresh bool, fault Fault) {
	g.lastArrival = arrival
	for i := range g.joints {
		for _, v := range [2]float64{s.Position[i], s.Velocity[i]} {
			if v-v != 0 {
				return true, Fault{Kind: NotFinite, Joint: i, Name: g.joints[i], Value: v}
			}
		}
	}
	last, seen := g.lastStamp, g.seen
	g.lastStamp, g.seen = s.Stamp, true
	switch {
	case seen && s.Stamp == last:
		return false, Fault{}
	case seen && s.Stamp < last:
		return true, Fault{Kind: Backwards, Duration: time.Duration(last - s.Stamp)}
	case now != 0 && now-s.Stamp > g.timeout:
		return true, Fault{Kind: Old, Duration: time.Duration(now - s.Stamp), Limit: time.Duration(g.timeout)}
	}
	return true, Fault{}
}

// Touch notes the arrival of a message that could not be read.
func (g *Guard) Touch(arrival int64) { g.lastArrival = arrival }

// Silent returns a fault if no message arrived for longer than the time-out. now is the
// clock of the arrivals.
func (g *Guard) Silent(now int64) Fault {
	if g.lastArrival != 0 && now-g.lastArrival > g.timeout {
		return Fault{Kind: Silent, Duration: time.Duration(now - g.lastArrival), Limit: time.Duration(g.timeout)}
	}
	return Fault{}
}

// Deadline returns when the robot will have been silent for too long if nothing arrives
// after now: a time on the clock of the arrivals.
func (g *Guard) Deadline(now int64) int64 {
	if due := g.lastArrival + g.timeout + 1; g.lastArrival != 0 && due > now {
		return due
	}
	return now + g.timeout + 1
}
