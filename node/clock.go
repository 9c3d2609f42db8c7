package node

import (
	"sync/atomic"
	"time"

	"guidedpolicysearch/msgs/rosgraph_msgs"
	"guidedpolicysearch/node/rosio"
	"guidedpolicysearch/node/transport"
)

// Clock is the ROS time: the system clock, or with use_sim_time what /clock said last.
type Clock struct {
	simulated bool
	latest    atomic.Int64
	msg       rosgraph_msgs.Clock
}

// Now returns the ROS time in ns; with simulated time 0 until the first /clock.
func (c *Clock) Now() int64 {
	if c.simulated {
		return c.latest.Load()
	}
	return time.Now().UnixNano()
}

// take handles a message on /clock; messages come one at a time.
func (c *Clock) take(payload []byte, _ transport.Info) {
	if err := c.msg.UnmarshalCDR(payload); err == nil {
		c.latest.Store(rosio.Nanoseconds(c.msg.Clock))
	}
}

// began is the zero of the steady clock.
var began = time.Now()

// steady returns a clock that never jumps, in ns, > 0.
func steady() int64 { return int64(time.Since(began)) + 1 }
