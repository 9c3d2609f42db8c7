package node

import (
	"context"
	"math"
	"sync"
	"time"

	"guidedpolicysearch/hardware"
	"guidedpolicysearch/hardware/safety"
	"guidedpolicysearch/hardware/velocity"
	"guidedpolicysearch/node/diagnostics"
	"guidedpolicysearch/node/record"
	"guidedpolicysearch/node/ros2control"
	"guidedpolicysearch/node/rosio"
	"guidedpolicysearch/node/rostime"
	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/trial"
)

// loop is the control loop: it answers joint states with torques, each on the goroutine that
// received it, or all on a thread that a timer wakes. In steady state it neither allocates nor
// waits for anything but the lock, which nobody holds for longer than a tick.
type loop struct {
	mu       sync.Mutex
	machine  *trial.Machine
	sources  sources
	reader   *rosio.JointReader
	velocity *velocity.Estimator
	writer   ros2control.Writer
	state    *hardware.JointState
	commands transport.Publisher
	clock    *rostime.Clock
	lockStep bool
	timer    bool // drives the loop
	recorded *record.Trial
	spare    *record.Trial // takes its place when a trial is broken off
	partial  *record.Trial // of that trial
	failures uint64        // commands that could not be published
	lastErr  error
	sent     *diagnostics.Frequency
	timing   timing
	thread   *thread // real-time, outside lock step
	pulse    pulse
	notes    []string  // what the system does not allow it
	recorder *recorder // of further topics, nil for none
	extras   []int64   // stamps of the extra topics' latest messages in ns, or unstamped
	waiting  []byte    // in lock step, a joint state whose extras have not come yet; empty for none
	waits    transport.Info
	replaced bool // the arm is at another place in the next reading that is later than before
	before   int64
	received int64 // when the middleware received the latest joint state, in ns since the epoch
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
	l.awake(arrival)
	l.take(payload, info, arrival)
}

// take handles a message on joint_states, under the lock.
func (l *loop) take(payload []byte, info transport.Info, arrival int64) {
	before := l.machine.Phase()
	var out trial.Output
	err := l.reader.Read(l.state, payload)
	two := err == nil && l.sources.check(info.Publisher)
	usable := err == nil && !two
	if usable && !l.paired() {
		l.waiting, l.waits = append(l.waiting[:0], payload...), info
		return
	}
	l.waiting = l.waiting[:0]
	if usable {
		l.forget()
		estimate(l.velocity, l.state)
	}
	l.received = info.ReceiveTime
	switch {
	case err != nil:
		out = l.machine.Unreadable(err, arrival)
	case two:
		out = l.machine.TwoSources(arrival)
	case l.timer:
		l.machine.Observe(l.state, arrival, l.clock.Now())
	default:
		out = l.machine.Reading(l.state, arrival, l.clock.Now())
		l.timing.arrived(l.state.Stamp, arrival)
	}
	l.note(before)
	if before == trial.Run || l.machine.Phase() == trial.Run {
		l.recorded.JointStates.Append(payload, info.ReceiveTime, info.SourceTime)
	}
	l.swap(before)
	if l.timer {
		return // the timer's thread publishes
	}
	l.publish(out)
	l.done(arrival)
	l.pulse.turn(arrival)
}

// estimate puts estimated velocities into a reading. One that cannot be estimated is NaN, for the
// machine to refuse, unless the reading itself says what is wrong.
func estimate(e *velocity.Estimator, s *hardware.JointState) {
	if joint := e.Update(s); joint >= 0 && !math.IsInf(s.Position[joint], 0) && !math.IsInf(s.Velocity[joint], 0) {
		s.Velocity[joint] = math.NaN()
	}
}

// tick answers the latest joint state when the timer says so, late by a time and after missing
// some ticks.
func (l *loop) tick(late time.Duration, missed int) {
	begin := l.clock.Steady()
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.zeroOnPanic()
	l.awake(begin)
	before := l.machine.Phase()
	out := l.machine.Tick(begin, missed)
	l.note(before)
	l.publish(out)
	l.swap(before)
	l.timing.woken(late, missed)
	l.done(begin)
	l.pulse.turn(begin)
}

// done notes how long a tick took that began at a steady time.
func (l *loop) done(begin int64) {
	l.timing.done(l.clock.Steady()-begin, l.received)
	if l.machine.Phase() != trial.Run {
		l.recorder.end()
		l.timing.end()
	}
}

// zeroOnPanic is deferred where torque is published, under the lock: whatever is wrong with this
// program, the torque is zero before it ends.
func (l *loop) zeroOnPanic() {
	if p := recover(); p != nil {
		l.publish(l.machine.Stop())
		panic(p)
	}
}

// note begins the recording of a trial that has just begun.
func (l *loop) note(before trial.Phase) {
	if before != trial.Run && l.machine.Phase() == trial.Run {
		l.recorded.Reset()
		l.recorder.begin()
		l.timing.begin()
	}
}

// swap keeps what was recorded of a trial that has just been broken off.
func (l *loop) swap(before trial.Phase) {
	if before != trial.Run || l.machine.Phase() != trial.Fault || l.partial != nil || l.machine.TakePartial() == nil {
		return
	}
	l.recorder.end()
	l.timing.end()
	l.timing.write(&l.recorded.Rollout.Timing)
	l.partial, l.recorded, l.spare = l.recorded, l.spare, nil
}

// publish sends the torque, if there is one to send.
func (l *loop) publish(out trial.Output) {
	if !out.Publish {
		return
	}
	payload := l.writer.Write(out.Torque)
	if payload == nil {
		return // nothing was commanded yet, and where the arm is is not known
	}
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
	defer l.zeroOnPanic()
	now := l.clock.Steady()
	l.awake(now)
	out, err := l.machine.Start(c, now)
	l.publish(out)
	return err
}

// placed says that the scene is in order, and whether the arm was put there itself.
func (l *loop) placed(replaced bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.zeroOnPanic()
	now := l.clock.Steady()
	l.awake(now)
	place := l.machine.Placed
	if replaced {
		place = l.machine.Replaced
		l.replaced, l.before = true, l.state.Stamp
	}
	out, err := place(now)
	l.publish(out)
	return err
}

// forget begins to estimate velocities anew with the first reading of an arm that was replaced, not
// with one before it that is repeated.
func (l *loop) forget() {
	if l.replaced && l.state.Stamp > l.before {
		l.replaced = false
		l.velocity.Reset()
	}
}

// command is that of the present trial.
func (l *loop) command() *trial.Command {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.machine.Command()
}

// finished returns what the trial that has just finished left behind, with its log: once
// the tick that finished it is over. Both stay as they are until the next start.
func (l *loop) finished() (*trial.Record, *record.Trial) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.timing.write(&l.recorded.Rollout.Timing)
	return l.machine.Record(), l.recorded
}

// broken returns what there is of a trial that was broken off, nil if there is nothing new. It
// stays as it is until it is released.
func (l *loop) broken() (*trial.Record, *record.Trial) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.partial == nil {
		return nil, nil
	}
	return l.machine.TakePartial(), l.partial
}

// release makes room for the next trial that is broken off.
func (l *loop) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.machine.ReleasePartial()
	l.spare, l.partial = l.partial, nil
}

// unstamped is the stamp of extra topics that have none.
const unstamped = -1

// extra takes what an extra topic tells, measured at a stamp in ns, or unstamped.
func (l *loop) extra(topic int, values []float64, stamp int64) {
	arrival := l.clock.Steady()
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.zeroOnPanic()
	l.awake(arrival)
	l.machine.Extra(topic, values, arrival)
	l.extras[topic] = stamp
	if len(l.waiting) > 0 {
		l.take(l.waiting, l.waits, arrival)
	}
}

// paired tells whether the extra topics are as far as the latest joint state. In lock step each
// comes with every joint state, but topics may overtake one another.
func (l *loop) paired() bool {
	if !l.lockStep {
		return true
	}
	for _, stamp := range l.extras {
		if stamp != unstamped && stamp != l.state.Stamp {
			return false
		}
	}
	return true
}

// driver keeps a loop going until it is stopped.
type driver interface {
	// stop ends the driver and waits for it.
	stop()
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
	l.awake(now)
	before := l.machine.Phase()
	l.publish(l.machine.Watch(now))
	l.swap(before)
	l.pulse.turn(now)
	return max(time.Millisecond, l.pulse.every(time.Duration(l.machine.Deadline(now)-now)))
}

// stop publishes zero torque, for good.
func (l *loop) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.publish(l.machine.Stop())
	l.pulse.over.Store(true)
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

// relax lets go of the arm.
func (l *loop) relax() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.machine.Relax()
}

// resume takes hold of the arm again.
func (l *loop) resume() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.machine.Resume()
}

// trip latches a fault from outside the loop, and answers it at once.
func (l *loop) trip(f safety.Fault) {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.zeroOnPanic()
	before := l.machine.Phase()
	l.publish(l.machine.Trip(f, l.clock.Steady()))
	l.swap(before)
}

// emergencyStop latches the fault of a stop that is pressed, and answers it at once.
func (l *loop) emergencyStop(pressed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.zeroOnPanic()
	before := l.machine.Phase()
	l.publish(l.machine.EmergencyStop(pressed, l.clock.Steady()))
	l.swap(before)
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
