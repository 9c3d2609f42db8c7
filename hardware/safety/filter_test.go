package safety_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"guidedpolicysearch/hardware"
	"guidedpolicysearch/hardware/kinematics"
	"guidedpolicysearch/hardware/safety"
)

// constant is a model of two joints that do not act on each other.
type constant struct{ inertia, gravity float64 }

func (c constant) MassMatrix(dst, _ []float64) { copy(dst, []float64{c.inertia, 0, 0, c.inertia}) }
func (c constant) Bias(dst, _, _ []float64)    { c.Gravity(dst, nil) }
func (c constant) Gravity(dst, _ []float64)    { dst[0], dst[1] = c.gravity, -c.gravity }

// two returns a robot of joints a and b with torques up to 10 and 20 N m and no limits else.
func two() safety.Robot {
	return safety.Robot{Joints: []string{"a", "b"}, EffortLimit: []float64{10, 20}, Stiffness: []float64{50, 50}, Damping: []float64{2, 2}}
}

// plain returns settings without a ramp, for readings that are not late.
func plain() safety.Config {
	c := safety.DefaultConfig()
	c.RampTime, c.Delay = 0, 0
	return c
}

func filter(t testing.TB, c safety.Config, r safety.Robot) *safety.Filter {
	t.Helper()
	f, err := safety.New(c, r)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func at(q0, q1, v0, v1 float64) *hardware.JointState {
	return &hardware.JointState{Position: []float64{q0, q1}, Velocity: []float64{v0, v1}}
}

func wantTorque(t *testing.T, what string, got safety.Torque, want ...float64) {
	t.Helper()
	values := got.Values()
	for i := range want {
		if len(values) != len(want) || math.Abs(values[i]-want[i]) > 1e-9 {
			t.Errorf("%s: torques are %v, want %v", what, values, want)
			return
		}
	}
}

func wantFault(t *testing.T, what string, f *safety.Filter, want safety.FaultKind) {
	t.Helper()
	if got := f.Fault(); got.Kind != want {
		t.Errorf("%s: fault %d (%v), want %d", what, got.Kind, got, want)
	}
}

func TestTorqueLimit(t *testing.T) {
	f := filter(t, plain(), two())
	for _, c := range []struct{ wanted, want []float64 }{
		{[]float64{1, -2}, []float64{1, -2}},
		{[]float64{10, -20}, []float64{10, -20}},
		{[]float64{10.5, -1e300}, []float64{10, -20}},
		{[]float64{math.MaxFloat64, -math.MaxFloat64}, []float64{10, -20}},
	} {
		wantTorque(t, fmt.Sprint(c.wanted), f.Tick(at(0, 0, 0, 0), c.wanted, safety.Learned, 0.01), c.want...)
		if clamped := f.Intervened() == safety.Clamped; clamped != (c.wanted[0] > 10) {
			t.Errorf("%v: intervened %b", c.wanted, f.Intervened())
		}
	}
	if values := (safety.Torque{}).Values(); values != nil {
		t.Errorf("the zero Torque has values %v", values)
	}
	torque := f.Tick(at(0, 0, 0, 0), []float64{1, 1}, safety.Learned, 0.01)
	torque.Values()[0] = 1e9
	wantTorque(t, "after somebody wrote to the values", torque, 1, 1)
}

func TestSlewLimit(t *testing.T) {
	c := plain()
	c.SlewLimit = []float64{100, 1000}
	f := filter(t, c, two())
	tick := func(dt float64, want ...float64) {
		t.Helper()
		wantTorque(t, fmt.Sprintf("after %v s", dt), f.Tick(at(0, 0, 0, 0), []float64{9, -9}, safety.Position, dt), want...)
	}
	tick(0.01, 1, -9)
	if f.Intervened() != safety.Slewed {
		t.Errorf("intervened %b", f.Intervened())
	}
	tick(0.02, 3, -9)
	for _, dt := range []float64{0, -1, math.NaN()} {
		tick(dt, 3, -9)
	}
	f.Zero()
	tick(0.01, 1, -9)
	tick(1e300, 9, -9)
	c.SlewLimit = []float64{4, 5}
	slow := filter(t, c, two())
	wantTorque(t, "after a long pause", slow.Tick(at(0, 0, 0, 0), []float64{9, -9}, safety.Position, 1e300), 4, -5)
	f.Trip(safety.Fault{Kind: safety.Gap})
	wantTorque(t, "a fault does not wait", f.Tick(at(0, 0, 0, 0), []float64{9, -9}, safety.Position, 0.01), 0, 0)
}

func TestPowerLimit(t *testing.T) {
	c := plain()
	c.PowerLimit = 6
	f := filter(t, c, two())
	wantTorque(t, "within", f.Tick(at(0, 0, 1, 1), []float64{4, 2}, safety.Learned, 0.01), 4, 2)
	wantTorque(t, "twice as much", f.Tick(at(0, 0, 1, 2), []float64{4, 4}, safety.Learned, 0.01), 2, 2)
	if f.Intervened() != safety.Powered {
		t.Errorf("intervened %b", f.Intervened())
	}
	wantTorque(t, "braking is no power", f.Tick(at(0, 0, 3, -5), []float64{4, 20}, safety.Learned, 0.01), 2, 20)
	c.SlewLimit = []float64{100, 100}
	f = filter(t, c, two())
	for range 8 {
		f.Tick(at(0, 0, 0, 0), []float64{8, 0}, safety.Learned, 0.01)
	}
	wantTorque(t, "the slew limit goes first", f.Tick(at(0, 0, 10, 0), []float64{8, 0}, safety.Learned, 0.01), 7, 0)
}

func TestRamp(t *testing.T) {
	c, r := plain(), two()
	c.RampTime = 100 * time.Millisecond
	c.Filter = safety.FilterNever
	r.Compensate, r.Dynamics = true, constant{1, 3}
	f := filter(t, c, r)
	for _, again := range []func(){f.Start, func() { f.Reset() }, func() {}} {
		for i := range 13 {
			part := min(1, float64(i)/10)
			wantTorque(t, fmt.Sprintf("tick %d", i), f.Tick(at(0, 0, 0, 0), []float64{4, 4}, safety.Learned, 0.01), 3+4*part, -3+4*part)
			if ramped := f.Intervened() == safety.Ramped; i != 10 && ramped != (i < 10) {
				t.Errorf("tick %d: intervened %b", i, f.Intervened())
			}
		}
		again()
	}
}

func TestGravityCompensation(t *testing.T) {
	r := two()
	r.Compensate, r.Dynamics = true, constant{1, 3}
	f := filter(t, plain(), r)
	applied := make([]float64, 2)
	wantTorque(t, "learned", f.Tick(at(0, 0, 0, 0), []float64{1, 1}, safety.Learned, 0.01), 4, -2)
	if f.Applied(applied); !slices.Equal(applied, []float64{1, 1}) {
		t.Errorf("applied %v, want 1, 1", applied)
	}
	wantTorque(t, "relaxed", f.Tick(at(0, 0, 0, 0), nil, safety.Relaxed, 0.01), 3, -3)
	wantTorque(t, "at the torque limit", f.Tick(at(0, 0, 0, 0), []float64{9, 9}, safety.Learned, 0.01), 10, 6)
	if f.Applied(applied); !slices.Equal(applied, []float64{7, 9}) {
		t.Errorf("applied %v, want 7, 9", applied)
	}
	wantTorque(t, "zero", f.Zero(), 0, 0)
	if f.Applied(applied); !slices.Equal(applied, []float64{0, 0}) {
		t.Errorf("applied %v, want zeros", applied)
	}
}

// TestResponses: what each choice does in a fault, with and without usable readings.
func TestResponses(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		on   string
		want []float64
	}{{safety.OnFaultZero, []float64{0, 0}}, {safety.OnFaultDamp, []float64{3 - 2*1, -3 + 2*2}}, {safety.OnFaultHold, []float64{3 - 2*1 - 50*0.1, -3 + 2*2 + 50*0.2}}} {
		cfg, r := plain(), two()
		cfg.OnFault = c.on
		r.Compensate, r.Dynamics = true, constant{1, 3}
		f := filter(t, cfg, r)
		f.Trip(safety.Fault{Kind: safety.MissedDeadlines})
		first := []float64{0, 0}
		if c.on != safety.OnFaultZero {
			first = []float64{3, -3}
		}
		wantTorque(t, c.on+" at the place of the fault", f.Tick(at(0.5, 0.5, 0, 0), []float64{9, 9}, safety.Learned, 0.01), first...)
		wantTorque(t, c.on+" away from it", f.Tick(at(0.6, 0.3, 1, -2), []float64{9, 9}, safety.Learned, 0.01), c.want...)
		if !f.Intervened().Has(safety.Responded) {
			t.Errorf("%s: intervened %b", c.on, f.Intervened())
		}
		wantTorque(t, c.on+" far from it", f.Tick(at(1e9, -1e9, 0, 0), []float64{9, 9}, safety.Learned, 0.01), map[string][]float64{
			safety.OnFaultZero: {0, 0}, safety.OnFaultDamp: {3, -3}, safety.OnFaultHold: {-10, 20}}[c.on]...)
		wantTorque(t, c.on+" without a reading", f.Tick(at(0.5, nan, 0, 0), []float64{9, 9}, safety.Learned, 0.01), 0, 0)
		wantTorque(t, c.on+" blind", f.Blind(), 0, 0)
		wantFault(t, c.on, f, safety.MissedDeadlines)
		f.Reset()
		f.Trip(safety.Fault{Kind: safety.Gap})
		wantTorque(t, c.on+" at the place of the next fault", f.Tick(at(0.1, 0.1, 0, 0), []float64{9, 9}, safety.Learned, 0.01), first...)
	}
}

func TestFaultsLatch(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	limits := func() (safety.Config, safety.Robot) {
		c, r := plain(), two()
		r.Lower, r.Upper, r.Velocity = []float64{-1, -2}, []float64{1, 2}, []float64{3, inf}
		return c, r
	}
	for _, c := range []struct {
		name    string
		reading *hardware.JointState
		wanted  []float64
		source  safety.Source
		want    safety.Fault
	}{
		{"position is NaN", at(0, nan, 0, 0), []float64{0, 0}, safety.Learned, safety.Fault{Kind: safety.NotFinite, Joint: 1, Name: "b"}},
		{"velocity is infinite", at(0, 0, -inf, 0), []float64{0, 0}, safety.Learned, safety.Fault{Kind: safety.NotFinite, Joint: 0, Name: "a"}},
		{"torque is NaN", at(0, 0, 0, 0), []float64{0, nan}, safety.Learned, safety.Fault{Kind: safety.BadTorque, Joint: 1, Name: "b", Step: -2}},
		{"torque of the position controller is infinite", at(0, 0, 0, 0), []float64{inf, 0}, safety.Position, safety.Fault{Kind: safety.BadTorque, Joint: 0, Name: "a", Step: -1}},
		{"above", at(0, 2.051, 0, 0), []float64{0, 0}, safety.Learned, safety.Fault{Kind: safety.PositionLimit, Joint: 1, Name: "b", Bound: 2}},
		{"below", at(-1.051, 0, 0, 0), []float64{0, 0}, safety.Learned, safety.Fault{Kind: safety.PositionLimit, Joint: 0, Name: "a", Bound: -1}},
		{"fast", at(0, 0, -3.61, 0), []float64{0, 0}, safety.Relaxed, safety.Fault{Kind: safety.VelocityLimit, Joint: 0, Name: "a", Bound: -3}},
		{"just within all margins", at(-1.0499, 2.0499, 3.599, 1e9), []float64{0, 0}, safety.Learned, safety.Fault{}},
	} {
		f := filter(t, func() safety.Config { c, _ := limits(); return c }(), func() safety.Robot { _, r := limits(); return r }())
		torque := f.Tick(c.reading, c.wanted, c.source, 0.01)
		got := f.Fault()
		got.Value = 0
		if got != c.want {
			t.Errorf("%s: fault %+v, want %+v", c.name, got, c.want)
		}
		if c.want.Kind == safety.NoFault {
			continue
		}
		wantTorque(t, c.name, torque, 0, 0)
		f.Trip(safety.Fault{Kind: safety.Gap})
		wantTorque(t, c.name+", later", f.Tick(at(0, 0, 0, 0), []float64{1, 1}, safety.Learned, 0.01), 0, 0)
		wantFault(t, c.name+", later", f, c.want.Kind)
		if err := f.Reset(); err != nil {
			t.Errorf("%s: reset: %v", c.name, err)
		}
		wantTorque(t, c.name+", after a reset", f.Tick(at(0, 0, 0, 0), []float64{1, 1}, safety.Learned, 0.01), 1, 1)
	}
}

func TestEmergencyStop(t *testing.T) {
	f := filter(t, plain(), two())
	f.Trip(safety.Fault{Kind: safety.Gap})
	f.EmergencyStop(true)
	wantFault(t, "the first stays", f, safety.Gap)
	if err := f.Reset(); !errors.Is(err, safety.ErrEmergencyStop) {
		t.Errorf("reset while pressed: %v", err)
	}
	wantFault(t, "after the refused reset", f, safety.Gap)
	f.EmergencyStop(false)
	wantTorque(t, "released", f.Tick(at(0, 0, 0, 0), []float64{1, 1}, safety.Learned, 0.01), 0, 0)
	if err := f.Reset(); err != nil {
		t.Error(err)
	}
	wantFault(t, "after the reset", f, safety.NoFault)
	f.EmergencyStop(true)
	wantFault(t, "pressed again", f, safety.EmergencyStop)
}

func TestRecoverable(t *testing.T) {
	own := []safety.FaultKind{safety.Unreadable, safety.NotFinite, safety.Backwards, safety.Silent, safety.Frozen, safety.Old, safety.Gap, safety.ResetTimeout, safety.ClockJump}
	for k := safety.NoFault; k <= safety.TwoSources; k++ {
		if got := (safety.Fault{Kind: k}).Recoverable(); got != slices.Contains(own, k) {
			t.Errorf("kind %d: recoverable %v", k, got)
		}
	}
}

// TestBlind: without readings to trust no response may need them.
func TestBlind(t *testing.T) {
	own := []safety.FaultKind{safety.Unreadable, safety.NotFinite, safety.Backwards, safety.Silent, safety.Frozen, safety.Old, safety.ClockJump, safety.Stalled, safety.TwoSources}
	for k := safety.NoFault; k <= safety.TwoSources; k++ {
		if got := (safety.Fault{Kind: k}).Blind(); got != slices.Contains(own, k) {
			t.Errorf("kind %d: blind %v", k, got)
		}
	}
}

// TestWalls: without a model what pushes towards a limit fades, and a spring and a damper push back.
func TestWalls(t *testing.T) {
	c, r := plain(), two()
	r.Lower, r.Upper, r.Velocity = []float64{-1, math.Inf(-1)}, []float64{1, math.Inf(1)}, []float64{math.Inf(1), 4}
	c.WallStiffness, c.WallDamping, c.VelocityZone = []float64{20, 0}, []float64{3, 5}, 0.25
	f := filter(t, c, r)
	for _, w := range []struct {
		name    string
		reading *hardware.JointState
		wanted  []float64
		want    []float64
		acts    safety.Checks
	}{
		{"outside the zones", at(0.89, 100, 9, 2.9), []float64{8, 8}, []float64{8, 8}, 0},
		{"half way in", at(0.95, 0, 0, 0), []float64{8, 8}, []float64{8*0.5 - 20*0.05, 8}, safety.PositionWall},
		{"half way in on the other side", at(-0.95, 0, 0, 0), []float64{-8, 8}, []float64{-8*0.5 + 20*0.05, 8}, safety.PositionWall},
		{"half way in, back", at(0.95, 0, 0, 0), []float64{-8, 8}, []float64{-8 - 20*0.05, 8}, safety.PositionWall},
		{"half way in, moving on", at(0.95, 0, 2, 0), []float64{0, 0}, []float64{-20*0.05 - 3*2*0.5, 0}, safety.PositionWall},
		{"half way in, moving back", at(0.95, 0, -2, 0), []float64{0, 0}, []float64{-20 * 0.05, 0}, safety.PositionWall},
		{"half way in on the other side, moving on", at(-0.95, 0, -2, 0), []float64{0, 0}, []float64{20*0.05 + 3*2*0.5, 0}, safety.PositionWall},
		{"at the limit", at(1, 0, 0, 0), []float64{8, 0}, []float64{-20 * 0.1, 0}, safety.PositionWall},
		{"fast", at(0, 0, 0, 3.5), []float64{0, 8}, []float64{0, 8*0.5 - 5*0.5}, safety.VelocityWall},
		{"fast the other way", at(0, 0, 0, -3.5), []float64{0, -8}, []float64{0, -8*0.5 + 5*0.5}, safety.VelocityWall},
		{"fast, braking", at(0, 0, 0, 3.5), []float64{0, -8}, []float64{0, -8 - 5*0.5}, safety.VelocityWall},
		{"too fast", at(0, 0, 0, 4.4), []float64{0, 8}, []float64{0, -5 * 1.4}, safety.VelocityWall},
	} {
		wantTorque(t, w.name, f.Tick(w.reading, w.wanted, safety.Learned, 0.01), w.want...)
		if f.Intervened() != w.acts {
			t.Errorf("%s: intervened %b, want %b", w.name, f.Intervened(), w.acts)
		}
		wantFault(t, w.name, f, safety.NoFault)
	}
	c.WallStiffness, c.WallDamping = nil, nil
	r.Velocity[0] = 2
	f = filter(t, c, r)
	wantTorque(t, "default stiffness reaches the torque limit at the limit", f.Tick(at(1, 0, 0, 0), []float64{5, 0}, safety.Learned, 0.01), -10, 0)
	wantTorque(t, "default damping reaches it at the velocity limit", f.Tick(at(0.95, 0, 0.5, 0), []float64{0, 0}, safety.Learned, 0.01), -5-10.0/2*0.5*0.5, 0)
}

func TestWorkspaceWallAndFault(t *testing.T) {
	arm, err := kinematics.NewPlanar(kinematics.PlanarConfig{Lengths: []float64{1, 1}, Coordinates: 2})
	if err != nil {
		t.Fatal(err)
	}
	c, r := plain(), two()
	r.EndEffector = arm
	c.WorkspaceLower, c.WorkspaceUpper = []float64{-3, -0.5}, []float64{math.Inf(1), 1}
	c.WorkspaceStiffness, c.WorkspaceDamping = 100, 10
	f := filter(t, c, r)
	// Stretched along x, turned so that y = 2 sin q is 0.025 below the end: half way in the zone.
	q := math.Asin(0.975 / 2)
	x := 2 * math.Cos(q)
	wantTorque(t, "at rest", f.Tick(at(q, 0, 0, 0), []float64{0, 0}, safety.Learned, 0.01), -100*0.025*x, -100*0.025*x/2)
	if f.Intervened() != safety.WorkspaceWall {
		t.Errorf("intervened %b", f.Intervened())
	}
	force := -100*0.025 - 10*0.25*x*0.5
	wantTorque(t, "moving on", f.Tick(at(q, 0, 0.25, 0), []float64{0, 0}, safety.Learned, 0.01), force*x, force*x/2)
	wantTorque(t, "moving back", f.Tick(at(q, 0, -0.5, 0), []float64{0, 0}, safety.Learned, 0.01), -100*0.025*x, -100*0.025*x/2)
	f.Tick(at(math.Asin(1.0199/2), 0, 0, 0), []float64{0, 0}, safety.Learned, 0.01)
	wantFault(t, "within the margin", f, safety.NoFault)
	f.Tick(at(math.Asin(1.0201/2), 0, 0, 0), []float64{0, 0}, safety.Learned, 0.01)
	if got := f.Fault(); got.Kind != safety.Workspace || got.Name != "y of point 1" || got.Bound != 1 || math.Abs(got.Value-1.0201) > 1e-9 {
		t.Errorf("fault %+v", got)
	}
	f.Reset()
	f.Tick(at(math.Asin(-0.5199/2), 0, 0, 0), []float64{0, 0}, safety.Learned, 0.01)
	wantFault(t, "within the margin below", f, safety.NoFault)
	f.Tick(at(math.Asin(-0.5201/2), 0, 0, 0), []float64{0, 0}, safety.Learned, 0.01)
	if got := f.Fault(); got.Kind != safety.Workspace || got.Name != "y of point 1" || got.Bound != -0.5 {
		t.Errorf("fault %+v", got)
	}
}

// TestNarrowerLimits: of description and settings the narrower limit counts.
func TestNarrowerLimits(t *testing.T) {
	inf := math.Inf(1)
	c, r := plain(), two()
	check := func(want ...float64) {
		t.Helper()
		lower, upper, velocity := filter(t, c, r).Limits()
		if got := slices.Concat(lower, upper, velocity); !slices.Equal(got, want) {
			t.Errorf("limits are %v, want %v", got, want)
		}
	}
	check(-inf, -inf, inf, inf, inf, inf)
	r.Lower, r.Upper, r.Velocity = []float64{-1, -2}, []float64{1, 2}, []float64{3, 4}
	check(-1, -2, 1, 2, 3, 4)
	c.PositionLower, c.PositionUpper, c.VelocityLimit = []float64{-0.5, -3}, []float64{1.5, 1.5}, []float64{5, 2}
	check(-0.5, -2, 1, 1.5, 3, 2)
}

// TestRefused: each mistake in settings or robot has an error that names it.
func TestRefused(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	arm, err := kinematics.NewPlanar(kinematics.DefaultPlanarConfig())
	if err != nil {
		t.Fatal(err)
	}
	hinges := kinematics.DefaultSerialConfig()
	hinges.Joints = hinges.Joints[:2]
	pair, err := kinematics.NewSerial(hinges)
	if err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*safety.Config, *safety.Robot){
		`recovery is "never"`:                 func(c *safety.Config, _ *safety.Robot) { c.Recovery = "never" },
		`on_fault is ""`:                      func(c *safety.Config, _ *safety.Robot) { c.OnFault = "" },
		`filter is "qp"`:                      func(c *safety.Config, _ *safety.Robot) { c.Filter = "qp" },
		"stale_timeout is 0":                  func(c *safety.Config, _ *safety.Robot) { c.StaleTimeout = 0 },
		"power_limit is NaN":                  func(c *safety.Config, _ *safety.Robot) { c.PowerLimit = nan },
		"power_limit is +Inf":                 func(c *safety.Config, _ *safety.Robot) { c.PowerLimit = inf },
		"position_margin is -1":               func(c *safety.Config, _ *safety.Robot) { c.PositionMargin = -1 },
		"velocity_zone is 1.5":                func(c *safety.Config, _ *safety.Robot) { c.VelocityZone = 1.5 },
		"missed_per_second is 10001":          func(c *safety.Config, _ *safety.Robot) { c.MissedPerSecond = 10001 },
		"slew_limit[1] is 0":                  func(c *safety.Config, _ *safety.Robot) { c.SlewLimit = []float64{1, 0} },
		"slew_limit has 1 entries":            func(c *safety.Config, _ *safety.Robot) { c.SlewLimit = []float64{1} },
		"velocity_limit[0] is NaN":            func(c *safety.Config, _ *safety.Robot) { c.VelocityLimit = []float64{nan, 1} },
		"braking[0] is +Inf":                  func(c *safety.Config, _ *safety.Robot) { c.Braking = []float64{inf, 1} },
		"position_lower has 3 entries":        func(c *safety.Config, _ *safety.Robot) { c.PositionLower = []float64{1, 1, 1} },
		`position_upper of joint "b" is NaN`:  func(c *safety.Config, _ *safety.Robot) { c.PositionUpper = []float64{1, nan} },
		`joint "a" may move from 2 to 1`:      func(c *safety.Config, r *safety.Robot) { c.PositionLower, r.Upper = []float64{2, 0}, []float64{1, 1} },
		"there are 0 joints":                  func(_ *safety.Config, r *safety.Robot) { r.Joints = nil },
		"effort limit has 1 entries":          func(_ *safety.Config, r *safety.Robot) { r.EffortLimit = []float64{1} },
		`effort limit of joint "a" is 0`:      func(_ *safety.Config, r *safety.Robot) { r.EffortLimit = []float64{0, 1} },
		`velocity limit of joint "b" is -1`:   func(_ *safety.Config, r *safety.Robot) { r.Velocity = []float64{1, -1} },
		"damping has 0 entries":               func(c *safety.Config, r *safety.Robot) { c.OnFault, r.Damping = safety.OnFaultDamp, nil },
		"gravity is to be compensated":        func(_ *safety.Config, r *safety.Robot) { r.Compensate = true },
		`filter is "always", but there is no`: func(c *safety.Config, _ *safety.Robot) { c.Filter = safety.FilterAlways },
		"no end-effector points":              func(c *safety.Config, _ *safety.Robot) { c.WorkspaceLower = []float64{0, 0, 0} },
		"workspace_lower has 2 entries, need": func(c *safety.Config, r *safety.Robot) { c.WorkspaceLower, r.EndEffector = []float64{0, 0}, arm },
		// As many as fit into the coordinates of its two points, but y would be held as x, and z as y.
		"workspace_upper has 2 entries, need 3: x, y and z": func(c *safety.Config, r *safety.Robot) {
			c.WorkspaceUpper, r.EndEffector = []float64{1, 1}, pair
		},
		"workspace_lower[1] is 3 and workspace_upper[1] is 2": func(c *safety.Config, r *safety.Robot) {
			c.WorkspaceLower, c.WorkspaceUpper, r.EndEffector = []float64{0, 3, 0}, []float64{1, 2, 3}, arm
		},
		`joint "a" needs 11 N m against gravity`: func(_ *safety.Config, r *safety.Robot) {
			r.Dynamics, r.Upper = constant{1, 11}, []float64{1, 1}
		},
		"no usable mass matrix": func(_ *safety.Config, r *safety.Robot) { r.Dynamics, r.Upper = constant{nan, 1}, []float64{1, 1} },
	} {
		c, r := plain(), two()
		change(&c, &r)
		if _, err := safety.New(c, r); !errors.Is(err, safety.ErrConfig) || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want %q", err, want)
		}
	}
}

// TestOverflow: readings that are finite but overflow the model are a fault, not a torque.
func TestOverflow(t *testing.T) {
	for _, b := range bodies(t) {
		if !b.driven {
			continue
		}
		b.robot.Compensate = true
		for _, size := range []float64{1e160, 1e200, math.MaxFloat64} {
			for _, side := range []float64{1, -1} {
				for _, where := range []string{"position", "velocity"} {
					f := filter(t, plain(), b.robot)
					n := len(b.robot.Joints)
					s := hardware.NewJointState(n)
					list := s.Position
					if where == "velocity" {
						list = s.Velocity
					}
					for i := range list {
						list[i] = side * size
					}
					for i, v := range f.Tick(s, make([]float64, n), safety.Learned, 0.01).Values() {
						if v != 0 {
							t.Errorf("%s: %s %v: torque %d is %v, fault %v", b.name, where, side*size, i, v, f.Fault())
						}
					}
					if f.Fault().Kind == safety.NoFault {
						t.Errorf("%s: %s %v is no fault", b.name, where, side*size)
					}
				}
			}
		}
	}
}

func TestSizesPanic(t *testing.T) {
	f := filter(t, plain(), two())
	for want, call := range map[string]func(){
		"positions has 3 elements, want 2":      func() { f.Tick(hardware.NewJointState(3), []float64{0, 0}, safety.Learned, 0.01) },
		"wanted torques has 0 elements, want 2": func() { f.Tick(at(0, 0, 0, 0), nil, safety.Learned, 0.01) },
		"applied has 1 elements, want 2":        func() { f.Applied(make([]float64, 1)) },
	} {
		func() {
			defer func() {
				if text := fmt.Sprint(recover()); !strings.Contains(text, want) {
					t.Errorf("panic %q, want %q", text, want)
				}
			}()
			call()
		}()
	}
}

// TestResponseToHugeReadings holds the responses to finite torques where distance and damping
// both overflow, with opposite signs.
func TestResponseToHugeReadings(t *testing.T) {
	for _, stiffness := range []float64{0, 6, 1e30} {
		cfg := plain()
		cfg.OnFault = safety.OnFaultHold
		f := filter(t, cfg, safety.Robot{Joints: []string{"a"}, EffortLimit: []float64{5}, Stiffness: []float64{stiffness}, Damping: []float64{3}})
		f.Trip(safety.Fault{Kind: safety.EmergencyStop})
		s := hardware.NewJointState(1)
		f.Tick(s, []float64{0}, safety.Position, 0.01)
		s.Position[0], s.Velocity[0] = -math.MaxFloat64, math.MaxFloat64
		if v := f.Tick(s, []float64{0}, safety.Position, 0.01).Values()[0]; !(math.Abs(v) <= 5) {
			t.Errorf("stiffness %v: torque %v", stiffness, v)
		}
	}
}

// TestLeap: a joint that is farther away than it can have moved since the last reading is a fault,
// whatever velocity is read.
func TestLeap(t *testing.T) {
	for way, want := range map[float64]safety.FaultKind{0.07: safety.NoFault, -0.07: safety.NoFault, 0.075: safety.Leap, -0.075: safety.Leap, 4: safety.Leap} {
		cfg := plain()
		cfg.VelocityMargin, cfg.PositionMargin = 0.2, 0.05
		f := filter(t, cfg, safety.Robot{Joints: []string{"a"}, EffortLimit: []float64{5}, Velocity: []float64{2}})
		s := hardware.NewJointState(1)
		tick := func(stamp int64, q float64) {
			s.Stamp, s.Position[0] = stamp, q
			f.Tick(s, []float64{1}, safety.Position, 0.01)
		}
		tick(1_000_000_000, 1)
		tick(1_010_000_000, 1+way) // 10 ms at 2.4 rad/s, and the margin: 0.074
		if got := f.Fault(); got.Kind != want {
			t.Errorf("%v rad in 10 ms: fault %v, want kind %d", way, got, want)
		}
	}
}

// TestPositionOfTorque: what a command says of the joints is what the filter last took, and
// nothing before that.
func TestPositionOfTorque(t *testing.T) {
	f := filter(t, plain(), safety.Robot{Joints: []string{"a"}, EffortLimit: []float64{5}})
	if p := f.Zero().Position(); p != nil {
		t.Errorf("before the first reading: %v", p)
	}
	s := hardware.NewJointState(1)
	s.Position[0] = math.NaN()
	if p := f.Tick(s, []float64{1}, safety.Position, 0.01).Position(); p != nil {
		t.Errorf("after one that was refused: %v", p)
	}
	if err := f.Reset(); err != nil {
		t.Fatal(err)
	}
	s.Position[0] = 0.5
	f.Tick(s, []float64{1}, safety.Position, 0.01)
	s.Position[0] = math.Inf(1)
	if p := f.Tick(s, []float64{1}, safety.Position, 0.01).Position(); p[0] != 0.5 {
		t.Errorf("after one that was taken and one that was refused: %v", p)
	}
}
