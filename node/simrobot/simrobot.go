// Package simrobot is the driver of a simulated robot: it publishes joint_states and the
// clock, and takes efforts as ros2_control's effort controllers do.
//
// In lock step one command moves the simulation by one time step, and nothing moves
// without: the driver and the node advance together, as fast as they can or at a real-time
// factor, and no message is lost, reordered or late.
package simrobot

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"guidedpolicysearch/hardware/sim"
	"guidedpolicysearch/msgs/rosgraph_msgs"
	"guidedpolicysearch/msgs/sensor_msgs"
	"guidedpolicysearch/msgs/std_msgs"
	"guidedpolicysearch/node/diagnostics"
	"guidedpolicysearch/node/rosio"
	"guidedpolicysearch/node/rostype"
	"guidedpolicysearch/node/transport"
)

// Topics holds the resolved names of the driver's topics.
type Topics struct{ JointStates, Commands, Clock string }

// Driver runs a simulated robot on a transport.
type Driver struct {
	cfg       Config
	simulator *sim.Simulator
	writer    *rosio.JointWriter
	states    transport.Publisher
	clock     transport.Publisher
	efforts   int
	log       func(string)

	mu      sync.Mutex
	reader  rosio.EffortReader
	command []float64 // the latest
	refused bool      // the last message was refused and that was said
	dropped uint64    // messages that were refused so far
	arrived chan struct{}

	stamp   int64 // ns of simulated time
	steps   atomic.Uint64
	payload []byte
}

// New opens the driver's topics. log takes lines of text. The caller closes the node.
func New(cfg Config, node transport.Node, topics Topics, log func(string)) (*Driver, error) {
	simulator, err := cfg.Simulator()
	if err != nil {
		return nil, err
	}
	_, efforts := simulator.Plant().Dims()
	d := &Driver{cfg: cfg, simulator: simulator, writer: rosio.NewJointWriter(simulator.Plant().JointNames()), efforts: efforts,
		log: log, command: make([]float64, efforts), arrived: make(chan struct{}, 1)}
	if d.states, err = node.Publisher(topics.JointStates, rostype.Of(new(sensor_msgs.JointState)), transport.Default(), nil); err != nil {
		return nil, err
	}
	if d.clock, err = node.Publisher(topics.Clock, rostype.Of(new(rosgraph_msgs.Clock)), transport.Default(), nil); err != nil {
		return nil, err
	}
	_, err = node.Subscribe(topics.Commands, rostype.Of(new(std_msgs.Float64MultiArray)), transport.Default(), d.take, nil)
	return d, err
}

// take keeps the latest command. A message that is no command of this robot is refused,
// which is said once.
func (d *Driver) take(payload []byte, _ transport.Info) {
	d.mu.Lock()
	defer d.mu.Unlock()
	efforts, err := d.reader.Read(payload, d.efforts)
	if err != nil {
		if !d.refused {
			d.log(err.Error() + "; the message is ignored")
		}
		d.refused = true
		d.dropped++
		return
	}
	d.refused = false
	copy(d.command, efforts)
	select {
	case d.arrived <- struct{}{}:
	default:
	}
}

// Run simulates until ctx ends, which is no error.
func (d *Driver) Run(ctx context.Context) error {
	u := make([]float64, d.efforts)
	pace := newPace(d.cfg)
	for {
		// A command that came before this state does not answer it.
		select {
		case <-d.arrived:
		default:
		}
		if err := d.publish(); err != nil {
			return err
		}
		if !d.await(ctx) || !pace.wait(ctx) {
			return nil
		}
		d.mu.Lock()
		copy(u, d.command)
		d.mu.Unlock()
		if err := d.simulator.Step(u); err != nil {
			return fmt.Errorf("simulated time %.3f s: %w", float64(d.stamp)*1e-9, err)
		}
		d.stamp += int64(d.cfg.Step())
		d.steps.Add(1)
	}
}

// Health says how far the simulation is, for the diagnostics.
func (d *Driver) Health(s *diagnostics.Status) {
	s.Summary(diagnostics.OK, "simulating")
	d.mu.Lock()
	refused, dropped := d.refused, d.dropped
	d.mu.Unlock()
	if refused {
		s.Summary(diagnostics.Warn, "the latest message on the commands' topic is no command of this robot")
	}
	s.Add("plant", d.cfg.Plant.Type)
	s.Add("steps", d.steps.Load())
	s.Add("malformed commands", dropped)
}

// await waits for the command that answers the state just published; it returns at once if
// the driver is not in lock step. It returns false when ctx has ended.
func (d *Driver) await(ctx context.Context) bool {
	if !d.cfg.LockStep {
		return ctx.Err() == nil
	}
	heartbeat := time.NewTicker(d.cfg.Heartbeat)
	defer heartbeat.Stop()
	for {
		select {
		case <-d.arrived:
			return true
		case <-heartbeat.C:
			if err := d.publish(); err != nil {
				d.log(err.Error())
			}
		case <-ctx.Done():
			return false
		}
	}
}

// publish publishes the time and then the joint state.
func (d *Driver) publish() error {
	clock := rosgraph_msgs.Clock{Clock: rosio.Stamp(d.stamp)}
	d.payload = clock.AppendCDR(d.payload[:0])
	err := d.clock.Publish(d.payload)
	err = errors.Join(err, d.states.Publish(d.writer.Write(d.stamp, d.simulator.Positions(), d.simulator.Velocities())))
	if errors.Is(err, transport.ErrBlocked) {
		d.log(err.Error())
		return nil
	}
	return err
}

// pace keeps the real-time factor.
type pace struct {
	period time.Duration // wall time of a step; 0 is none
	next   time.Time
}

func newPace(c Config) *pace {
	factor := c.RealTimeFactor
	if factor == 0 && !c.LockStep {
		factor = 1
	}
	if factor == 0 {
		return &pace{}
	}
	return &pace{period: time.Duration(c.TimeStep / factor * float64(time.Second)), next: time.Now()}
}

// wait waits until the step is due; it returns false when ctx has ended.
func (p *pace) wait(ctx context.Context) bool {
	if p.period == 0 {
		return ctx.Err() == nil
	}
	p.next = p.next.Add(p.period)
	late := time.Until(p.next)
	if late < -p.period {
		// After a pause, go on from now instead of rushing to catch up.
		p.next = time.Now()
	}
	if late <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(late)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
