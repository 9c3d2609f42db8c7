package main

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"guidedpolicysearch/hardware"
	"guidedpolicysearch/hardware/robot"
	"guidedpolicysearch/hardware/safety"
	"guidedpolicysearch/hardware/velocity"
	"guidedpolicysearch/node/diagnostics"
	"guidedpolicysearch/node/realtime"
	"guidedpolicysearch/node/record"
	"guidedpolicysearch/node/ros2control"
	"guidedpolicysearch/node/rosio"
	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/trial"
)

// control is what the node's control loop on a timer is in the middle of a trial: the goroutine of
// messages observes joint states, the timer's thread answers the latest, and one lock guards both.
type control struct {
	mu       sync.Mutex
	arm      *robot.Robot // for its names and sizes
	runners  []*runner    // by contender
	machine  *trial.Machine
	reader   *rosio.JointReader
	velocity *velocity.Estimator
	writer   ros2control.Writer
	state    *hardware.JointState
	commands transport.Publisher
	sent     *diagnostics.Frequency
	recorded *record.Trial
	received int64 // when the middleware received the latest joint state, in ns since the epoch
	broken   int   // trials of the present turn that a fault broke off

	observed  int           // joint states of the present turn
	observing time.Duration // what those since the last tick took

	whole, trial timings
}

// timings are the node's histograms of its control loop.
type timings struct{ latency, jitter, compute realtime.Histogram }

// runner is a machine and the trial that it runs, time and again.
type runner struct {
	machine *trial.Machine
	command *trial.Command
}

// longestTurn is how many ticks a turn may have at a rate: trials last for longer.
func longestTurn(rate int) int { return rate + 1000 }

// newControl returns the loop for ticks at a rate in Hz.
func newControl(rate int) (*control, error) {
	c := &control{sent: diagnostics.NewFrequency(diagnostics.FrequencyConfig{}, nil)}
	for _, k := range contenders {
		arm, err := newArm()
		if err != nil {
			return nil, err
		}
		c.arm = arm
		r, err := newRunner(k, arm, rate)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", k.name, err)
		}
		c.runners = append(c.runners, r)
	}
	c.machine = c.runners[0].machine
	n := c.arm.DU()
	c.state, c.reader = hardware.NewJointState(n), rosio.NewJointReader(c.arm.Joints(), true)
	var err error
	if c.velocity, err = velocity.New(velocity.DefaultConfig(), n); err != nil {
		return nil, err
	}
	if c.writer, err = ros2control.Float64MultiArray.NewWriter(n); err != nil {
		return nil, err
	}
	messages := 2 * longestTurn(rate)
	c.recorded = record.NewTrial(record.Topics{}, messages, messages*(256+64*n))
	return c, nil
}

// newRunner returns a machine with the node's settings but for what lets trials begin at once,
// wherever the arm is, and again after a fault.
func newRunner(k contender, arm *robot.Robot, rate int) (*runner, error) {
	cfg := trial.DefaultConfig()
	cfg.Loop.DrivenBy, cfg.Loop.Rate = trial.ByTimer, float64(rate)
	cfg.Reset = trial.ResetConfig{Stiffness: []float64{60, 60, 40, 40, 4, 4, 1}, Damping: []float64{12, 12, 8, 8, 0.6, 0.6, 0.1},
		PositionTolerance: 10, VelocityTolerance: 10, SettleSteps: 1, Timeout: time.Hour, Attempts: 1}
	cfg.Safety.RampTime = 0
	m, err := trial.NewMachine(cfg, arm)
	if err != nil {
		return nil, err
	}
	step := k.step(time.Second / time.Duration(rate)).Seconds()
	steps := max(horizon, 1+int(math.Ceil(float64(longestTurn(rate))/(float64(rate)*step))))
	driver, err := k.build(steps, arm.DX(), arm.DU())
	if err != nil {
		return nil, err
	}
	r := &runner{m, &trial.Command{Iteration: 1, DT: step, InitialPosition: make([]float64, arm.DU()), Controller: driver}}
	_, err = m.Start(r.command, 0)
	return r, err
}

// choose has the trial of a contender run from now on.
func (c *control) choose(contender int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.machine = c.runners[contender].machine
	c.observed, c.broken, c.observing = 0, 0, 0
}

// seen tells whether a joint state has come since choose.
func (c *control) seen() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.observed > 0
}

// leave breaks off the trial, which begins again when its contender is chosen again.
func (c *control) leave() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.machine.Phase() == trial.Fault {
		return c.recover()
	}
	return c.machine.Abort()
}

// jointState takes a message, which arrived at a steady time when the system's clock said now, both
// in ns.
func (c *control) jointState(payload []byte, info transport.Info, arrival, now int64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	began := time.Now()
	if err := c.reader.Read(c.state, payload); err != nil {
		return err
	}
	if joint := c.velocity.Update(c.state); joint >= 0 {
		c.state.Velocity[joint] = math.NaN() // for the machine to refuse
	}
	c.received = info.ReceiveTime
	c.machine.Observe(c.state, arrival, now)
	if c.machine.Phase() == trial.Run {
		c.recorded.JointStates.Append(payload, info.ReceiveTime, info.SourceTime)
	}
	c.observed++
	c.observing += time.Since(began)
	return nil
}

// ticked is what a tick took.
type ticked struct {
	// inTrial says that the trial goes on after it.
	inTrial bool
	// compute is what it took to wait for the lock, to answer, and to write the command's message;
	// publish is the rest, which includes the recording of the message and the histograms.
	compute, publish time.Duration
	// observe is what the goroutine of messages has taken for joint states since the tick before.
	observe time.Duration
}

// tick answers the latest joint state at a steady time in ns, late by a time and after missing some
// ticks. It does not allocate.
func (c *control) tick(now int64, late time.Duration, missed int) (ticked, error) {
	began := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	before := c.machine.Phase()
	out := c.machine.Tick(now, missed)
	phase := c.machine.Phase()
	if before != trial.Run && phase == trial.Run {
		c.recorded.Reset()
		c.trial.reset()
	}
	var payload []byte
	if out.Publish {
		payload = c.writer.Write(out.Torque)
	}
	t := ticked{inTrial: phase == trial.Run, compute: time.Since(began), observe: c.observing}
	c.observing = 0
	if out.Publish {
		if err := c.commands.Publish(payload); err != nil {
			return t, err
		}
		c.sent.Tick()
		if t.inTrial {
			now := time.Now().UnixNano()
			c.recorded.Commands.Append(payload, now, now)
		}
	}
	took, latency := time.Since(began), time.Duration(max(0, time.Now().UnixNano()-c.received))
	c.whole.add(late, took, latency)
	if t.inTrial {
		c.trial.add(late, took, latency)
	}
	t.publish = time.Since(began) - t.compute
	if phase != trial.Fault {
		return t, nil
	}
	if before == trial.Run {
		c.broken++
	}
	return t, c.recover()
}

// recover lets the trial begin again after a fault of a machine that stood still. Any other is an
// error: ticks would not be what was meant.
func (c *control) recover() error {
	switch f := c.machine.Fault(); f.Kind {
	case safety.Gap, safety.MissedDeadlines, safety.Silent, safety.Frozen, safety.Old:
		c.machine.ReleasePartial()
	default:
		return fmt.Errorf("control: the loop latched a fault: %s", f)
	}
	if err := c.machine.ResetFault(); !errors.Is(err, trial.ErrBlind) {
		return err
	}
	return nil // with a later tick
}

func (t *timings) add(late, took, latency time.Duration) {
	t.jitter.Add(late)
	t.compute.Add(took)
	t.latency.Add(latency)
}

func (t *timings) reset() {
	t.jitter.Reset()
	t.compute.Reset()
	t.latency.Reset()
}
