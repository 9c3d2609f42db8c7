package safety

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"guidedpolicysearch/hardware"
)

// ErrEmergencyStop says that a fault cannot end while the emergency stop is pressed.
var ErrEmergencyStop = errors.New("safety: the emergency stop is pressed: release it, then reset the fault")

// Filter is the one way from a controller to the robot: it turns the torques that are wanted
// into a Torque that keeps every limit, and latches faults. It owns workspace: one goroutine
// at a time. No function of it but New allocates.
type Filter struct {
	cfg                    Config
	robot                  Robot
	n                      int
	lower, upper, velocity []float64 // limits, ±Inf for none, n
	stiffness, damping     []float64 // of the soft walls, n
	ramp                   float64   // s
	model                  bool      // M and b are needed
	barrier                *barrier  // nil: no quadratic programme
	history                *history  // torques that may be on their way
	workspace              *workspace
	rub                    friction // nil: the model has none

	fault   Fault
	pressed bool // the emergency stop
	holding bool // hold is set
	started float64
	located bool  // place and stamp are set
	stamp   int64 // of the last reading that was taken, ns
	acts    Checks

	place, placeView []float64 // position of the last reading that was taken, and its copy for Position; n
	torque, view     []float64 // published last, and its copy for Values; n
	gravity          []float64 // compensation of the last tick, n
	wish             []float64
	low, high        []float64 // torques within the limits of size and slew, n
	hold             []float64 // position of the fault
	mass, bias       []float64 // n x n, n
	rubbed           []float64 // friction, n
	position, dq     []float64 // of the reading in this tick
}

// New returns a filter. The error wraps ErrConfig and names the key, the joint and what is
// needed.
func New(c Config, r Robot) (*Filter, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if err := r.validate(&c); err != nil {
		return nil, err
	}
	n := len(r.Joints)
	vec := func() []float64 { return make([]float64, n) }
	f := &Filter{cfg: c, n: n, ramp: c.RampTime.Seconds(), place: vec(), placeView: vec(), torque: vec(), view: vec(), gravity: vec(), wish: vec(),
		low: vec(), high: vec(), hold: vec(), mass: make([]float64, n*n), bias: vec(), rubbed: vec()}
	f.rub, _ = r.Dynamics.(friction)
	f.robot = Robot{Joints: slices.Clone(r.Joints), EffortLimit: slices.Clone(r.EffortLimit), Dynamics: r.Dynamics, EndEffector: r.EndEffector,
		Compensate: r.Compensate, Stiffness: slices.Clone(r.Stiffness), Damping: slices.Clone(r.Damping)}
	f.cfg.SlewLimit = slices.Clone(c.SlewLimit)
	var err error
	if f.lower, f.upper, f.velocity, err = r.limits(&c); err != nil {
		return nil, err
	}
	f.stiffness, f.damping = f.wallGains()
	f.history = newHistory(n, c.Delay)
	f.workspace = newWorkspace(&f.cfg, &f.robot)
	if c.Filter != FilterNever && r.Dynamics != nil {
		if f.barrier, err = newBarrier(f); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// SetDelay changes Config.Delay: for a robot that waits for each torque, or does not any more. A
// negative one panics.
func (f *Filter) SetDelay(delay time.Duration) {
	if delay < 0 {
		panic(fmt.Sprintf("safety: delay is %v, want >= 0", delay))
	}
	f.history.delay = int64(delay)
}

// Start begins (again): the ramp of the controllers' torques begins with the next tick.
func (f *Filter) Start() { f.started = 0 }

// Ramping tells whether controllers do not have their full torque yet.
func (f *Filter) Ramping() bool { return f.started < f.ramp }

// Trip latches a fault. One that is latched already stays.
func (f *Filter) Trip(fault Fault) {
	if f.fault.Kind == NoFault && fault.Kind != NoFault {
		f.fault, f.holding = fault, false
	}
}

// Fault returns the latched fault; its Kind is NoFault if there is none.
func (f *Filter) Fault() Fault { return f.fault }

// EmergencyStop notes whether the emergency stop is pressed. Pressing it is a fault.
func (f *Filter) EmergencyStop(pressed bool) {
	f.pressed = pressed
	if pressed {
		f.Trip(Fault{Kind: EmergencyStop})
	}
}

// Stopped tells whether the emergency stop is pressed.
func (f *Filter) Stopped() bool { return f.pressed }

// Reset ends the fault and begins again, as Start does. The error is ErrEmergencyStop while the
// emergency stop is pressed; then the fault stays. Whether a fault may end without a person is
// for the caller to ask: Config.Recovery and Fault.Recoverable.
func (f *Filter) Reset() error {
	if f.pressed {
		return ErrEmergencyStop
	}
	f.fault = Fault{}
	f.Start()
	return nil
}

// Zero returns a torque of zero, at once, for a stop and the end. The slew limit goes on from
// zero.
func (f *Filter) Zero() Torque {
	clear(f.torque)
	clear(f.gravity)
	f.acts = 0
	f.history.widen(f.torque)
	return Torque{f}
}

// Blind returns a torque of zero: there is no usable reading to check another one with.
func (f *Filter) Blind() Torque { return f.Zero() }

// Applied writes what was let through last, n, less the gravity compensation in it, in N m:
// the action that the arm's dynamics are fitted to.
func (f *Filter) Applied(dst []float64) {
	checkLen("applied", dst, f.n)
	for i := range dst {
		dst[i] = f.torque[i] - f.gravity[i]
	}
}

// Intervened returns the checks that changed the torque in the last call.
func (f *Filter) Intervened() Checks { return f.acts }

// Limits returns the limits of position and velocity that are kept, ±Inf for none; the caller
// must not change them.
func (f *Filter) Limits() (lower, upper, velocity []float64) { return f.lower, f.upper, f.velocity }

// Tick checks reading r and the torques that source wants (n; nil for Relaxed), dt s after the
// tick before, and returns what is to be published: wanted if it keeps every limit, else the
// nearest that does, and the response to the fault while one is latched. Numbers of any kind
// make it neither panic nor give a torque that is not finite; lists of other sizes panic.
func (f *Filter) Tick(r *hardware.JointState, wanted []float64, source Source, dt float64) Torque {
	checkLen("positions", r.Position, f.n)
	checkLen("velocities", r.Velocity, f.n)
	if source != Relaxed {
		checkLen("wanted torques", wanted, f.n)
	}
	f.acts = 0
	f.position, f.dq = r.Position, r.Velocity
	if !(dt > 0) {
		dt = 0
	}
	dt = min(dt, longestTick)
	if !f.readable() || !f.compute() {
		t := f.Zero()
		f.acts = Responded
		return t
	}
	f.history.read(r.Stamp)
	f.checkLeap(r.Stamp)
	copy(f.place, f.position)
	f.located, f.stamp = true, r.Stamp
	f.checkLimits()
	if source != Relaxed {
		f.checkWanted(wanted, source)
	}
	respond := f.fault.Kind != NoFault
	// An arm that is let go of is moved by hands, of which the model knows nothing: walls are gentler.
	programme := f.barrier != nil && (respond || f.cfg.Filter == FilterAlways || source != Relaxed)
	switch {
	case respond && f.cfg.OnFault == OnFaultZero:
		t := f.Zero()
		f.history.push(f.torque)
		f.acts = Responded
		return t
	case respond:
		f.respond()
	case source == Relaxed:
		clear(f.wish)
	default:
		f.rampIn(wanted)
	}
	f.started += dt
	if !programme {
		f.walls()
	}
	f.box(dt)
	if programme {
		f.barrier.apply(dt)
	}
	f.boundPower(programme)
	copy(f.torque, f.wish)
	f.history.push(f.torque)
	return Torque{f}
}

// longestTick, in s, bounds what is made of one tick: after a longer pause no larger step of the
// torque, and no longer look ahead, is right.
const longestTick = 1

// readable latches a fault and says false where the reading is not finite.
func (f *Filter) readable() bool {
	for i := range f.n {
		for _, v := range [2]float64{f.position[i], f.dq[i]} {
			if v-v != 0 {
				f.Trip(Fault{Kind: NotFinite, Joint: i, Name: f.robot.Joints[i], Value: v})
				return false
			}
		}
	}
	return true
}

// compute evaluates the model at the reading. It latches a fault and says false where the
// numbers overflow.
func (f *Filter) compute() bool {
	if f.robot.Compensate {
		f.robot.Dynamics.Gravity(f.gravity, f.position)
		if !f.finite("gravity torque", f.gravity) {
			return false
		}
	}
	if f.barrier != nil {
		f.robot.Dynamics.MassMatrix(f.mass, f.position)
		f.biasAt(f.bias, f.position, f.dq)
		if !f.finite("mass matrix", f.mass) || !f.finite("Coriolis and gravity torque", f.bias) {
			return false
		}
		if !f.barrier.invert() {
			f.Trip(Fault{Kind: NotFinite, Joint: -1, Name: "inverse of the mass matrix", Value: math.NaN()})
			return false
		}
	}
	if f.workspace != nil {
		if name, v := f.workspace.compute(f.position, f.dq); name != "" {
			f.Trip(Fault{Kind: NotFinite, Joint: -1, Name: name, Value: v})
			return false
		}
	}
	return true
}

// biasAt writes the model's bias torques, with friction where the model knows it.
func (f *Filter) biasAt(dst, q, dq []float64) {
	f.robot.Dynamics.Bias(dst, q, dq)
	if f.rub != nil {
		f.rub.Friction(f.rubbed, dq)
		for i, v := range f.rubbed {
			dst[i] += v
		}
	}
}

func (f *Filter) finite(name string, list []float64) bool {
	for _, v := range list {
		if v-v != 0 {
			f.Trip(Fault{Kind: NotFinite, Joint: -1, Name: name, Value: v})
			return false
		}
	}
	return true
}

// checkLeap latches a fault where a joint is farther from where it was than it can have moved since
// the last reading: there are two publishers of joint states, or an encoder has slipped.
func (f *Filter) checkLeap(stamp int64) {
	if !f.located || f.fault.Kind != NoFault || stamp <= f.stamp {
		return
	}
	dt := float64(stamp-f.stamp) * 1e-9
	for i, v := range f.velocity {
		most := v*(1+f.cfg.VelocityMargin)*dt + f.cfg.PositionMargin
		if way := math.Abs(f.position[i] - f.place[i]); way > most {
			f.Trip(Fault{Kind: Leap, Joint: i, Name: f.robot.Joints[i], Value: way, Bound: most})
		}
	}
}

// checkLimits latches a fault where a reading is beyond a limit by more than its margin.
func (f *Filter) checkLimits() {
	for i := range f.n {
		q, v := f.position[i], f.dq[i]
		switch m := f.cfg.PositionMargin; {
		case q > f.upper[i]+m:
			f.Trip(Fault{Kind: PositionLimit, Joint: i, Name: f.robot.Joints[i], Value: q, Bound: f.upper[i]})
		case q < f.lower[i]-m:
			f.Trip(Fault{Kind: PositionLimit, Joint: i, Name: f.robot.Joints[i], Value: q, Bound: f.lower[i]})
		}
		if math.Abs(v) > f.velocity[i]*(1+f.cfg.VelocityMargin) {
			f.Trip(Fault{Kind: VelocityLimit, Joint: i, Name: f.robot.Joints[i], Value: v, Bound: math.Copysign(f.velocity[i], v)})
		}
	}
	if f.workspace != nil {
		f.Trip(f.workspace.check())
	}
}

// checkWanted latches a fault where a torque that is wanted is not finite.
func (f *Filter) checkWanted(wanted []float64, source Source) {
	for i, v := range wanted {
		if v-v != 0 {
			step := -1
			if source == Learned {
				step = -2
			}
			f.Trip(Fault{Kind: BadTorque, Joint: i, Name: f.robot.Joints[i], Value: v, Step: step})
		}
	}
}

// respond wants what slows or holds the arm after a fault.
func (f *Filter) respond() {
	f.acts |= Responded
	if !f.holding {
		copy(f.hold, f.position)
		f.holding = true
	}
	for i := range f.wish {
		f.wish[i] = bounded(-f.robot.Damping[i] * f.dq[i])
		if f.cfg.OnFault == OnFaultHold {
			f.wish[i] += bounded(f.robot.Stiffness[i] * bounded(f.hold[i]-f.position[i]))
		}
	}
}

// bounded keeps products and sums of a few numbers finite.
func bounded(v float64) float64 { return min(max(v, -largest), largest) }

// rampIn wants as much of the controller's torque as the time since the start allows.
func (f *Filter) rampIn(wanted []float64) {
	scale := 1.0
	if f.started < f.ramp {
		scale = f.started / f.ramp
		f.acts |= Ramped
	}
	for i, v := range wanted {
		f.wish[i] = scale * bounded(v)
	}
}

// box adds the gravity compensation, computes the torques that the limits of size and slew
// allow, and brings the wish among them.
func (f *Filter) box(dt float64) {
	for i, limit := range f.robot.EffortLimit {
		f.low[i], f.high[i] = -limit, limit
		v := f.wish[i]
		if f.robot.Compensate {
			v += f.gravity[i]
		}
		if math.Abs(v) > limit {
			f.acts |= Clamped
			v = min(max(v, -limit), limit)
		}
		if len(f.cfg.SlewLimit) > 0 {
			step := f.cfg.SlewLimit[i] * dt
			f.low[i], f.high[i] = max(-limit, f.torque[i]-step), min(limit, f.torque[i]+step)
			if v < f.low[i] || v > f.high[i] {
				f.acts |= Slewed
				v = min(max(v, f.low[i]), f.high[i])
			}
		}
		f.wish[i] = v
	}
}

// boundPower narrows the torques to those whose power is within the limit, shared as the wish
// shares it, and brings the wish among them, by the programme where there is one. Where the
// slew limit does not let a torque fall as fast, the power stays above until it does.
func (f *Filter) boundPower(programme bool) {
	limit := f.cfg.PowerLimit
	if limit == 0 {
		return
	}
	total := 0.0
	for i, v := range f.wish {
		total += max(0, v*f.dq[i])
	}
	if total <= limit {
		return
	}
	f.acts |= Powered
	for i, v := range f.wish {
		share := 0.0
		if v*f.dq[i] > 0 {
			share = v * (limit / total)
		}
		if f.dq[i] > 0 {
			f.high[i] = max(f.low[i], min(f.high[i], max(0, share)))
		} else if f.dq[i] < 0 {
			f.low[i] = min(f.high[i], max(f.low[i], min(0, share)))
		}
		f.wish[i] = min(max(v, f.low[i]), f.high[i])
	}
	if programme {
		f.barrier.solve()
	}
}

func checkLen(name string, v []float64, want int) {
	if len(v) != want {
		panic(fmt.Sprintf("safety: %s has %d elements, want %d", name, len(v), want))
	}
}
