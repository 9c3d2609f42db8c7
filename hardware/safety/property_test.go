package safety_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"guidedpolicysearch/hardware"
	"guidedpolicysearch/hardware/safety"
)

// ticks returns how many ticks each plant is driven for: the environment's SAFETY_TICKS, or
// enough for a quick run.
func ticks(t testing.TB) int {
	text, set := os.LookupEnv("SAFETY_TICKS")
	if !set {
		return 100_000
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("SAFETY_TICKS is %q, need a number of ticks > 0", text)
	}
	return n
}

// TestProperties drives every plant with controllers that do their worst, and with faults:
// whatever happens, the torques and the plant stay within their limits and stated margins.
func TestProperties(t *testing.T) {
	for i, b := range bodies(t) {
		t.Run(b.name, func(t *testing.T) {
			drive(t, b, ticks(t), uint64(i+1))
		})
	}
}

// trial is one episode on a body under one set of settings.
type trial struct {
	*body
	t         *testing.T
	rng       *rand.Rand
	seed      uint64
	cfg       safety.Config
	source    safety.Source
	walls     bool // in place of the programme
	f         *safety.Filter
	n         int
	reading   *hardware.JointState
	seen      *hardware.JointState // what the filter is shown
	wanted    []float64
	before    []float64 // published last
	position  []float64 // margins
	velocity  []float64
	tick      int
	worst     *[3]float64 // parts of the margins, and of the model's error, that were used
	mass      []float64
	off       []float64 // errors of the model
	pushed    int       // ticks that a push counts for yet
	after     int       // ticks after a push
	predicted []float64
	past      []*hardware.JointState // of the last ticks, the latest first, as long as the delay and a tick
	age       int                    // in ticks, of the reading that the filter was shown last
	steady    bool                   // all are as old as the delay
	counts    *[safety.NumChecks]int
}

// drive runs episodes until so many ticks are done.
// It returns which parts of the margins were used.
func drive(t *testing.T, b *body, ticks int, plant uint64) (worst [3]float64) {
	var counts [safety.NumChecks]int
	pushes := 0
	for episode := uint64(0); ticks > 0; episode++ {
		length := min(ticks, 1000)
		ticks -= length
		seed := plant<<40 + episode
		r := newTrial(t, b, seed)
		r.worst, r.counts = &worst, &counts
		r.run(length)
		if pushes += r.after; t.Failed() {
			t.Logf("plant %q, seed %d, settings %+v", b.name, seed, r.cfg)
			return worst
		}
	}
	t.Logf("used of the margin: position %.0f %%, velocity %.0f %%; of the error %.0f %%", 100*worst[0], 100*worst[1], 100*worst[2])
	for i, n := range counts {
		t.Logf("%-18s %d", safety.CheckName(i), n)
	}
	t.Logf("ticks after a push %d", pushes)
	return worst
}

func newTrial(t *testing.T, b *body, seed uint64) *trial {
	t.Helper()
	n := len(b.robot.Joints)
	r := &trial{body: b, t: t, seed: seed, rng: rand.New(rand.NewPCG(seed, 1)), n: n, reading: hardware.NewJointState(n), seen: hardware.NewJointState(n),
		wanted: make([]float64, n), before: make([]float64, n), position: make([]float64, n), velocity: make([]float64, n),
		mass: make([]float64, n*n), predicted: make([]float64, n), off: make([]float64, n)}
	c := safety.DefaultConfig()
	c.OnFault = []string{safety.OnFaultZero, safety.OnFaultDamp, safety.OnFaultHold}[r.rng.IntN(3)]
	c.AccelerationError = b.error
	if c.Delay = b.delay; b.concealed {
		c.Delay = 0
	}
	if !b.driven {
		c.AccelerationError = 0
	}
	r.source = []safety.Source{safety.Learned, safety.Position}[r.rng.IntN(2)]
	if r.walls = r.rng.IntN(4) == 0; r.walls {
		c.Filter = safety.FilterNever
	} else {
		// The programme alone keeps the limits: a fault for them would be one too many.
		c.PositionMargin, c.VelocityMargin = 10, 1000
	}
	c.RampTime /= 5
	if r.rng.IntN(2) == 0 || b.slewed {
		c.SlewLimit = b.slew
	}
	if r.rng.IntN(3) == 0 {
		c.PowerLimit = b.power
	}
	c.Braking = b.braking
	robot := b.robot
	robot.Compensate = b.driven && r.rng.IntN(2) == 0
	f, err := safety.New(c, robot)
	if err != nil {
		t.Fatal(err)
	}
	r.cfg, r.f = c, f
	if !r.walls {
		b.braking = f.Braking()
	}
	if stated := f.Margins(r.position, r.velocity, b.dt); stated != (b.driven && !r.walls) {
		t.Fatalf("margins are stated: %v", stated)
	}
	for range int(math.Ceil(b.delay.Seconds()/b.dt-1e-9)) + 1 {
		r.past = append(r.past, hardware.NewJointState(n))
	}
	r.steady = r.rng.IntN(2) == 0
	q := make([]float64, n)
	for i := range q {
		if b.driven {
			q[i] = 0.9 * b.robot.Upper[i] * (2*r.rng.Float64() - 1)
		}
	}
	b.begin(q)
	r.read(r.reading)
	for _, p := range r.past {
		p.CopyFrom(r.reading)
	}
	return r
}

// sense leaves what the body does in r.reading, and what the filter is shown of it in r.seen: the
// reading of a time before, which is never older than the delay, nor than the one before it.
func (r *trial) sense() {
	last := r.past[len(r.past)-1]
	copy(r.past[1:], r.past)
	r.past[0] = last
	r.read(r.reading)
	last.CopyFrom(r.reading)
	most := int(r.delay.Seconds()/r.dt + 1e-9)
	switch {
	case r.steady:
		r.age = most
	case r.rng.IntN(3) > 0:
		r.age = min(r.age+1, most) // nothing new, or the next one
		r.age -= r.rng.IntN(2) * min(r.age, 1)
	default:
		r.age = r.rng.IntN(min(r.age+1, most) + 1)
	}
	r.seen.CopyFrom(r.past[r.age])
}

// run drives the body for so many ticks, or until a fault leaves it to itself.
func (r *trial) run(ticks int) {
	control := r.controller()
	fault := r.rng.IntN(2) * r.rng.IntN(ticks) // the tick of an injected fault, 0 for none
	for r.tick = range ticks {
		r.sense()
		control()
		if r.tick == fault && fault > 0 {
			if r.inject(); r.t.Failed() || r.cfg.OnFault == safety.OnFaultZero {
				return
			}
			continue
		}
		want := r.f.Fault().Kind
		beyond := want == safety.NoFault && r.driven && r.walls
		if beyond {
			want = r.beyond()
		}
		if r.publish(want); r.t.Failed() || beyond && want != safety.NoFault {
			return
		}
		if r.f.Fault().Kind != safety.NoFault && r.rng.IntN(100) == 0 {
			if err := r.f.Reset(); err != nil {
				r.t.Errorf("tick %d: %v", r.tick, err)
			}
		}
	}
}

// inject makes one fault happen in this tick, which must latch it and stay so.
func (r *trial) inject() {
	bad := []float64{math.NaN(), math.Inf(1), math.Inf(-1)}[r.rng.IntN(3)]
	joint := r.rng.IntN(r.n)
	kind := safety.BadTorque
	switch r.rng.IntN(5) {
	case 0:
		r.wanted[joint] = bad
		if beyond := r.beyond(); beyond != safety.NoFault { // a contact came before it
			kind = beyond
		}
	case 1:
		r.seen.Position[joint], kind = bad, safety.NotFinite
	case 2:
		r.seen.Velocity[joint], kind = bad, safety.NotFinite
	case 3:
		r.f.EmergencyStop(true)
		kind = safety.EmergencyStop
	case 4:
		r.f.Trip(safety.Fault{Kind: safety.LearnerSilent})
		kind = safety.LearnerSilent
	}
	r.publish(kind)
	if kind == safety.NotFinite && r.cfg.OnFault != safety.OnFaultZero {
		// The torque fell to zero out of all limits of the programme: begin anew, at rest.
		q := make([]float64, r.n)
		r.begin(q)
		for _, p := range r.past {
			copy(p.Position, q)
			clear(p.Velocity)
		}
	}
	latched := r.f.Fault().Kind
	r.f.Trip(safety.Fault{Kind: safety.Workspace})
	if got := r.f.Fault().Kind; got != latched {
		r.t.Errorf("tick %d: a second fault made kind %d of %d", r.tick, got, latched)
	}
	if kind == safety.EmergencyStop {
		if err := r.f.Reset(); err != safety.ErrEmergencyStop || r.f.Fault().Kind != kind {
			r.t.Errorf("tick %d: reset with the emergency stop pressed: %v, fault %v", r.tick, err, r.f.Fault())
		}
		r.f.EmergencyStop(false)
	}
}

// beyond returns the fault that the reading is: soft walls do not keep the limits of any plant
// under any torque, but beyond the margin the same tick latches a fault.
func (r *trial) beyond() safety.FaultKind {
	if !r.driven {
		return safety.NoFault
	}
	for i := range r.n {
		if math.Abs(r.seen.Position[i]) > r.robot.Upper[i]+r.cfg.PositionMargin {
			return safety.PositionLimit
		}
		if math.Abs(r.seen.Velocity[i]) > r.robot.Velocity[i]*(1+r.cfg.VelocityMargin) {
			return safety.VelocityLimit
		}
	}
	return safety.NoFault
}

// publish ticks the filter, holds its torque to everything that is promised, and moves the body.
func (r *trial) publish(want safety.FaultKind) {
	torque := r.f.Tick(r.seen, r.wanted, r.source, r.dt).Values()
	acts := r.f.Intervened()
	for i := range safety.NumChecks {
		if acts.Has(1 << i) {
			r.counts[i]++
		}
	}
	fail := func(format string, args ...any) {
		r.t.Errorf("tick %d: %s", r.tick, fmt.Sprintf(format, args...))
	}
	// What is pushed so fast by a contact may be told as a leap, which is looked for first.
	if got := r.f.Fault().Kind; got != want && (got != safety.Leap || want != safety.VelocityLimit) {
		fail("fault is %d (%v), want %d", got, r.f.Fault(), want)
	}
	usable := true
	for i := range r.n {
		usable = usable && r.seen.Position[i]-r.seen.Position[i] == 0 && r.seen.Velocity[i]-r.seen.Velocity[i] == 0
	}
	zero := want != safety.NoFault && (!usable || r.cfg.OnFault == safety.OnFaultZero)
	power, held := 0.0, false
	for i, v := range torque {
		if !(math.Abs(v) <= r.robot.EffortLimit[i]) {
			fail("joint %d has a torque of %v, limit %v", i, v, r.robot.EffortLimit[i])
		}
		if zero && v != 0 {
			fail("joint %d has a torque of %v after a fault", i, v)
		}
		if len(r.cfg.SlewLimit) > 0 && !zero {
			step := r.cfg.SlewLimit[i] * r.dt
			if !(math.Abs(v-r.before[i]) <= step*(1+1e-12)) {
				fail("joint %d has a torque of %v after %v, limit %v", i, v, r.before[i], step)
			}
			// The slew limit may keep a torque from falling with the power.
			held = held || v*r.seen.Velocity[i] > 0 && math.Abs(math.Abs(v-r.before[i])-step) < 1e-12*r.robot.EffortLimit[i]
		}
		power += max(0, v*r.seen.Velocity[i])
	}
	if r.cfg.PowerLimit > 0 && usable && !(power <= r.cfg.PowerLimit*(1+1e-9)) && !held {
		fail("the power is %v, limit %v", power, r.cfg.PowerLimit)
	}
	copy(r.before, torque)
	if r.t.Failed() {
		return
	}
	if err := r.step(torque); err != nil {
		fail("%v", err)
	}
	if r.driven && !zero && !r.walls {
		r.within(torque, fail)
	}
}

// wrong returns by how much the model's acceleration of each joint, at a reading of before, was wrong
// while the torque acted, n.
func (r *trial) wrong(dst []float64, torque []float64, at *hardware.JointState) {
	r.robot.Dynamics.MassMatrix(r.mass, at.Position)
	r.robot.Dynamics.Bias(r.predicted, at.Position, at.Velocity)
	for i, v := range torque {
		r.predicted[i] = v - r.predicted[i]
	}
	solve(r.mass, r.predicted)
	for i := range dst {
		dst[i] = max(dst[i], math.Abs((r.seen.Velocity[i]-r.reading.Velocity[i])/r.dt-r.predicted[i]))
	}
}

// within holds the body to the limits and the stated margins. After a push of which the model
// knows nothing they count again as soon as the body is back within its limits.
func (r *trial) within(torque []float64, fail func(string, ...any)) {
	r.read(r.seen)
	most := [2]float64{}
	// The torque acted on a body of which the filter knew the present reading, or an older one.
	clear(r.off)
	r.wrong(r.off, torque, r.past[0])
	if oldest := len(r.past) - 1; oldest > 0 {
		r.wrong(r.off, torque, r.past[oldest])
	}
	for i, wrong := range r.off {
		q, v := r.seen.Position[i], r.seen.Velocity[i]
		if wrong > r.error && r.body.pushes {
			r.pushed = len(r.past)
		} else if wrong > r.error {
			fail("the model of joint %d is wrong by %v rad/s^2: the margins are stated for %v", i, wrong, r.error)
		}
		over, fast := max(q-r.robot.Upper[i], r.robot.Lower[i]-q), math.Abs(v)-r.robot.Velocity[i]
		most[0], most[1] = max(most[0], over/r.position[i]), max(most[1], fast/r.velocity[i])
		if r.pushed > 0 {
			continue
		}
		r.worst[2] = max(r.worst[2], wrong/r.error)
		if r.concealed {
			continue
		}
		if over > r.position[i] {
			fail("joint %d is at %v, limits %v and %v, margin %v; its speed is %v", i, q, r.robot.Lower[i], r.robot.Upper[i], r.position[i], v)
		}
		if fast > r.velocity[i] {
			fail("joint %d has a speed of %v, limit %v, margin %v", i, v, r.robot.Velocity[i], r.velocity[i])
		}
	}
	if r.pushed > 0 {
		r.after++
		if r.pushed--; r.pushed == 0 && (most[0] > 0 || most[1] > 0) {
			r.pushed = 1
		}
		return
	}
	r.worst[0], r.worst[1] = max(r.worst[0], most[0]), max(r.worst[1], most[1])
}
