// Package rostime is the time of a ROS 2 node: the system clock or, with use_sim_time, what
// /clock says (the ROS time of rclcpp's TimeSource), and a steady clock that never jumps.
//
// Simulated time is 0 before the first message. It goes where /clock goes, back too: a
// simulation that is reset, or a bag that is played again, begins anew. What must not jump
// takes Steady. Messages that no clock can mean (truncated, before 0, a second or more of
// nanoseconds) are counted and change nothing.
package rostime

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"guidedpolicysearch/msgs/rosgraph_msgs"
	"guidedpolicysearch/node/transport"
)

// Topic is where simulated time is published, before remapping.
const Topic = "/clock"

// Subscriber is what opens the subscription to /clock; a transport.Node is one.
type Subscriber interface {
	Subscribe(topic string, typ transport.Type, q transport.QoS, h transport.Handler, status transport.StatusHandler) (transport.Subscription, error)
}

// Change says if a jump goes from one source of time to the other.
type Change int

// The changes.
const (
	NoChange    Change = iota // within simulated time
	Activated                 // from system to simulated time
	Deactivated               // from simulated to system time
)

// Jump is a discontinuity of ROS time.
type Jump struct {
	Change Change
	// From and To are the times before and after, in ns since the epoch of their source.
	From, To int64
}

// Config says where time comes from. Only Node is required.
type Config struct {
	Node Subscriber
	// Topic is the resolved name of /clock; default Topic.
	Topic string
	// Type is rosgraph_msgs/msg/Clock, with its hash where that matters.
	Type transport.Type
	// OnJump is told of changes of the source, of every step back, and of steps forward of
	// MinForward or more; it may be nil. It runs on the goroutine of the message or of the
	// caller of UseSimTime, and must not block.
	OnJump func(Jump)
	// MinForward is the smallest step forward that is a jump; 0 is none at all.
	MinForward time.Duration
	// System is the system clock in ns since the Unix epoch; default that of the machine.
	System func() int64
}

// Stats counts what came on /clock.
type Stats struct {
	Messages uint64 // that set the time
	Rejected uint64 // that no clock can mean
	Backward uint64 // that set it back
	// Publishers is how many are connected; 0 leaves simulated time standing.
	Publishers int
}

// systemTime is what Clock.simulated holds while time is not simulated; simulated time is
// never negative.
const systemTime = -1

// Clock is the ROS time of a node.
type Clock struct {
	config    Config
	began     time.Time    // of the steady clock
	simulated atomic.Int64 // ns, or systemTime

	mu           sync.Mutex
	closed       bool
	latest       int64 // last good time on /clock, 0 before
	subscription transport.Subscription
	stats        Stats

	message rosgraph_msgs.Clock // of the message goroutine
}

// New returns a clock that shows system time.
func New(c Config) *Clock {
	if c.Topic == "" {
		c.Topic = Topic
	}
	if c.Type.Name == "" {
		c.Type.Name = "rosgraph_msgs/msg/Clock"
	}
	if c.System == nil {
		c.System = func() int64 { return time.Now().UnixNano() }
	}
	k := &Clock{config: c, began: time.Now()}
	k.simulated.Store(systemTime)
	return k
}

// Now is the ROS time in ns since the epoch of its source; with simulated time 0 until the
// first message. It does not allocate, and takes one atomic load besides the system clock.
func (c *Clock) Now() int64 {
	if t := c.simulated.Load(); t != systemTime {
		return t
	}
	return c.config.System()
}

// Steady is a time that never jumps, in ns, > 0. Its zero means nothing.
func (c *Clock) Steady() int64 { return int64(time.Since(c.began)) + 1 }

// Simulated says if time is simulated now.
func (c *Clock) Simulated() bool { return c.simulated.Load() != systemTime }

// UseSimTime takes the value of the parameter use_sim_time, at start or at run time: with
// true it subscribes to /clock, where time stands at what was last heard there, with false it
// unsubscribes. An error is that of the transport; if it is of subscribing, time goes on as
// before.
func (c *Clock) UseSimTime(on bool) error {
	jump, err := c.switchTo(on)
	if jump.Change != NoChange && c.config.OnJump != nil {
		c.config.OnJump(jump)
	}
	return err
}

func (c *Clock) switchTo(on bool) (Jump, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return Jump{}, fmt.Errorf("clock on %s: %w", c.config.Topic, transport.ErrClosed)
	}
	if on == (c.subscription != nil) {
		return Jump{}, nil
	}
	from := c.Now()
	if on {
		s, err := c.config.Node.Subscribe(c.config.Topic, c.config.Type, transport.Clock(), c.take, nil)
		if err != nil {
			return Jump{}, fmt.Errorf("use_sim_time: %w", err)
		}
		c.subscription = s
		c.simulated.Store(c.latest)
		return Jump{Change: Activated, From: from, To: c.latest}, nil
	}
	err := c.subscription.Close()
	c.subscription = nil
	c.simulated.Store(systemTime)
	return Jump{Change: Deactivated, From: from, To: c.Now()}, err
}

// take handles a message on /clock; messages come one at a time.
func (c *Clock) take(payload []byte, _ transport.Info) {
	if jump, ok := c.set(payload); ok && c.config.OnJump != nil {
		c.config.OnJump(jump)
	}
}

// set sets the time and says if that was a jump.
func (c *Clock) set(payload []byte) (Jump, bool) {
	err := c.message.UnmarshalCDR(payload)
	stamp := c.message.Clock
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.subscription == nil {
		return Jump{}, false // under way when the subscription was closed
	}
	if err != nil || stamp.Sec < 0 || stamp.Nanosec >= 1e9 {
		c.stats.Rejected++
		return Jump{}, false
	}
	c.stats.Messages++
	jump := Jump{From: c.latest, To: int64(stamp.Sec)*1e9 + int64(stamp.Nanosec)}
	c.latest = jump.To
	c.simulated.Store(jump.To)
	if jump.To < jump.From {
		c.stats.Backward++
		return jump, true
	}
	return jump, c.config.MinForward > 0 && jump.To-jump.From >= int64(c.config.MinForward)
}

// Stats returns the counts since the clock was made.
func (c *Clock) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.stats
	if c.subscription != nil {
		s.Publishers = c.subscription.Matched()
	}
	return s
}

// Close ends the subscription, if there is one; time stays what it is. Closing twice does
// nothing.
func (c *Clock) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	if c.subscription == nil {
		return nil
	}
	s := c.subscription
	c.subscription = nil
	return s.Close()
}
