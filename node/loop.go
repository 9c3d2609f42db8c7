package node

import (
	"context"
	"sync"
	"time"

	"guidedpolicysearch/hardware"
	"guidedpolicysearch/hardware/safety"
	"guidedpolicysearch/node/diagnostics"
	"guidedpolicysearch/node/record"
	"guidedpolicysearch/node/rosio"
	"guidedpolicysearch/node/rostime"
	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/trial"
)

// loop is the control loop: each joint state is answered with a torque on the goroutine
// that received it. In steady state it neither allocates nor waits for anything but the
// lock, which nobody holds for longer than a tick.
type loop struct {
	mu       sync.Mutex
	machine  *trial.Machine
	reader   *rosio.JointReader
	writer   rosio.EffortWriter
	state    *hardware.JointState
	commands transport.Publisher
	clock    *rostime.Clock
	lockStep bool
	recorded *record.Trial
	failures uint64 // commands that could not be published
	lastErr  error
	sent     *diagnostics.Frequency
	// ticks and faults are those of the loops before this one.
	ticks, faults uint64
}

// jointState handles a message on joint_states.
func (l *loop) jointState(payload []byte, info transport.Info) {
	if l.lockStep && l.commands.Matched() == 0 {
		return // nobody would hear the answer; the robot will repeat the joint state
	}
	arrival := l.clock.Steady()
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.zeroOnPanic()
	before := l.machine.Phase()
	var out trial.Output
	if err := l.reader.Read(l.state, payload); err != nil {
		out = l.machine.Unreadable(err, arrival)
	} else {
		out = l.machine.Reading(l.state, arrival, l.clock.Now())
	}
	l.note(before, payload, info.ReceiveTime, info.SourceTime)
	l.publish(out)
}

// zeroOnPanic is deferred where torque is published, under the lock: whatever is wrong with this program, the torque is
// zero before it ends.
func (l *loop) zeroOnPanic() {
	if p := recover(); p != nil {
		l.publish(l.machine.Stop())
		panic(p)
	}
}

// note records the message if it belongs to a trial.
func (l *loop) note(before trial.Phase, payload []byte, received, sent int64) {
	after := l.machine.Phase()
	if before != trial.Run && after == trial.Run {
		l.recorded.Reset()
	}
	if before == trial.Run || after == trial.Run {
		l.recorded.JointStates.Append(payload, received, sent)
	}
}

// publish sends the torque, if there is one to send.
func (l *loop) publish(out trial.Output) {
	if !out.Publish {
		return
	}
	payload := l.writer.Write(out.Torque)
	if err := l.commands.Publish(payload); err != nil {
		l.failures++
		l.lastErr = err
		return
	}
	l.sent.Tick()
	if l.machine.Phase() == trial.Run {
		now := time.Now().UnixNano()
		l.recorded.Commands.Append(payload, now, now)
	}
}

// start begins a trial.
func (l *loop) start(c *trial.Command) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	out, err := l.machine.Start(c, l.clock.Steady())
	l.publish(out)
	return err
}

// finished returns what the trial that has just finished left behind, with its log: once
// the tick that finished it is over. Both stay as they are until the next start.
func (l *loop) finished() (*trial.Record, *record.Trial) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.machine.Record(), l.recorded
}

// watcher zeroes the torque when the robot falls silent, at the moment it has been silent for
// too long.
type watcher struct {
	cancel context.CancelFunc
	done   chan struct{}
}

// watch starts a watcher of a loop.
func watch(l *loop) *watcher {
	ctx, cancel := context.WithCancel(context.Background())
	w := &watcher{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(w.done)
		timer := time.NewTimer(0)
		defer timer.Stop()
		for {
			select {
			case <-timer.C:
				timer.Reset(l.check())
			case <-ctx.Done():
				return
			}
		}
	}()
	return w
}

// stop ends the watcher and waits for it.
func (w *watcher) stop() {
	w.cancel()
	<-w.done
}

// check publishes zero torque if the robot is silent and returns when to check again.
func (l *loop) check() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.zeroOnPanic()
	now := l.clock.Steady()
	l.publish(l.machine.Watch(now))
	return max(time.Millisecond, time.Duration(l.machine.Deadline(now)-now))
}

// stop publishes zero torque, for good.
func (l *loop) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.publish(l.machine.Stop())
}

// abort breaks off the running trial, which begins again.
func (l *loop) abort() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.machine.Abort()
}

// resetFault ends the present fault with the next good reading, and returns it.
func (l *loop) resetFault() (safety.Fault, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.machine.Fault(), l.machine.ResetFault()
}

// configure takes other settings, between trials.
func (l *loop) configure(cfg trial.Config) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.machine.Configure(cfg)
}

// status is what ~/state tells.
type status struct {
	phase                        trial.Phase
	iteration, condition, sample int
	fault                        safety.Fault
	ticks, faults, failures      uint64
	lastErr                      error
}

func (l *loop) status() status {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := status{phase: l.machine.Phase(), fault: l.machine.Fault(), failures: l.failures, lastErr: l.lastErr}
	s.ticks, s.faults = l.machine.Counts()
	s.ticks, s.faults = s.ticks+l.ticks, s.faults+l.faults
	if c := l.machine.Command(); c != nil {
		s.iteration, s.condition, s.sample = c.Iteration, c.Condition, c.Sample
	}
	return s
}
