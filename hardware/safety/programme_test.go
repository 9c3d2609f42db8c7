package safety_test

import (
	"math"
	"testing"
	"time"

	"guidedpolicysearch/hardware/kinematics"
	"guidedpolicysearch/hardware/safety"
)

// rubbing is a model with viscous friction of 3 N m s/rad.
type rubbing struct{ constant }

func (rubbing) Friction(dst, dq []float64) { dst[0], dst[1] = 3*dq[0], 3*dq[1] }

// TestWhoUsesProgramme: controllers by default, an arm that is let go of too where it is on, and the
// responses.
func TestWhoUsesProgramme(t *testing.T) {
	for _, c := range []struct {
		filter string
		source safety.Source
		fault  bool
		want   bool
	}{
		{safety.FilterAuto, safety.Learned, false, true},
		{safety.FilterAuto, safety.Position, false, true},
		{safety.FilterAuto, safety.Relaxed, false, false},
		{safety.FilterAuto, safety.Position, true, true},
		{safety.FilterAlways, safety.Position, false, true},
		{safety.FilterAlways, safety.Relaxed, false, true},
		{safety.FilterNever, safety.Position, false, false},
		{safety.FilterNever, safety.Learned, false, false},
		{safety.FilterNever, safety.Learned, true, false},
	} {
		cfg, r := plain(), two()
		cfg.Filter, cfg.OnFault = c.filter, safety.OnFaultHold
		r.Dynamics, r.Upper = constant{1, 0}, []float64{1, 1}
		f := filter(t, cfg, r)
		if c.fault {
			f.Trip(safety.Fault{Kind: safety.Gap})
			f.Tick(at(0.999, 0, 0, 0), []float64{0, 0}, c.source, 0.001)
		}
		f.Tick(at(0.95, 0, 1, 0), []float64{10, 0}, c.source, 0.001)
		if acts := f.Intervened(); acts.Has(safety.Barrier) != c.want || acts.Has(safety.PositionWall) == c.want {
			t.Errorf("%+v: intervened %b", c, acts)
		}
	}
}

// TestProgrammeByHand: torques at limits of a joint of 1 kg m^2, where they are easily told.
func TestProgrammeByHand(t *testing.T) {
	c, r := plain(), two()
	c.Braking, c.VelocityMargin = []float64{5, 5}, 10
	r.Dynamics, r.Upper, r.Velocity = rubbing{constant{1, 2}}, []float64{1, 1}, []float64{1, 1}
	f := filter(t, c, r)
	near := func(what string, torque safety.Torque, want float64, infeasible bool) {
		t.Helper()
		if got := torque.Values()[0]; math.Abs(got-want) > 1e-3 {
			t.Errorf("%s: torque is %v, want %v", what, got, want)
		}
		if f.Intervened().Has(safety.Infeasible) != infeasible {
			t.Errorf("%s: intervened %b", what, f.Intervened())
		}
	}
	wanted := []float64{10, 0}
	near("at full speed it takes gravity and friction to go on", f.Tick(at(-9, 0, 1, 0), wanted, safety.Learned, 0.001), 2+3, false)
	near("at rest at the limit only gravity is carried", f.Tick(at(1, 0, 0, 0), wanted, safety.Learned, 0.001), 2, false)
	near("and the same where no time passed", f.Tick(at(1, 0, 0, 0), wanted, safety.Learned, 0), 2, false)
	// 2 (5 + 1) rad/s^2 of braking are wanted: 2 + 3*1.5 - 12 N m.
	near("too fast, it brakes", f.Tick(at(-9, 0, 1.5, 0), wanted, safety.Learned, 0.001), -5.5, false)
	near("where friction brakes by more, it need not", f.Tick(at(-9, 0, -5, 0), []float64{0, 0}, safety.Learned, 0.001), 0, false)
	r.EffortLimit = []float64{3, 20}
	f = filter(t, c, r)
	near("with too little torque it cannot", f.Tick(at(-9, 0, 1.5, 0), wanted, safety.Learned, 0.001), -3, true)
}

// moved is an end effector whose point is accelerated by 1 m/s^2 along y with its joints at rest.
type moved struct{ *kinematics.Planar }

func (moved) PointBias(dst, _, _ []float64) { dst[0], dst[1] = 0, 1 }

// TestPointAcceleration: a point at the end of the workspace is not accelerated out of it.
func TestPointAcceleration(t *testing.T) {
	arm, err := kinematics.NewPlanar(kinematics.PlanarConfig{Lengths: []float64{1, 1}, Coordinates: 2})
	if err != nil {
		t.Fatal(err)
	}
	c, r := plain(), two()
	c.WorkspaceUpper = []float64{3, 1}
	r.Dynamics, r.EndEffector = constant{1, 0}, moved{arm}
	f := filter(t, c, r)
	q := math.Asin(0.5)
	x := 2 * math.Cos(q)
	torque := f.Tick(at(q, 0, 0, 0), []float64{0, 0}, safety.Learned, 0.001).Values()
	if along := x*torque[0] + x/2*torque[1] + 1; math.Abs(along) > 1e-3 {
		t.Errorf("torques %v accelerate the point by %v, want 0", torque, along)
	}
}

// TestMarginsAreStated only where braking is certain at full speed.
func TestMarginsAreStated(t *testing.T) {
	for speed, want := range map[float64]bool{2: true, 3.2: false} { // friction takes 6 or 9.6 of 10 N m
		c, r := plain(), two()
		r.Dynamics, r.Velocity = rubbing{constant{1, 0}}, []float64{speed, speed}
		// Friction helps to brake, gravity need not.
		r.Dynamics = against{rubbing{constant{1, 0}}}
		position, velocity := make([]float64, 2), make([]float64, 2)
		if got := filter(t, c, r).Margins(position, velocity, 0.001); got != want {
			t.Errorf("at %v rad/s: stated %v", speed, got)
		}
	}
	c, r := plain(), two()
	c.Braking, c.AccelerationError, c.ApproachTime = []float64{5, 5}, 2, 0
	r.Dynamics, r.Velocity = constant{1, 0}, []float64{1, 3}
	position, velocity := make([]float64, 2), make([]float64, 2)
	f := filter(t, c, r)
	if !f.Margins(position, velocity, 0.01) {
		t.Error("not stated")
	}
	for i, v := range r.Velocity {
		e := (2 + 5e-3) * 0.01
		if want := e*(v/5+0.02) + e*e/10; math.Abs(position[i]-want) > 1e-12 || math.Abs(velocity[i]-e) > 1e-12 {
			t.Errorf("joint %d: margins %v, %v, want %v, %v", i, position[i], velocity[i], want, e)
		}
	}
	// A delay of 5 ms takes the place of as much of a tick.
	c.Delay = 5 * time.Millisecond
	f = filter(t, c, r)
	f.Margins(position, velocity, 0.01)
	e := (2 + 5e-3) * 0.015
	if want := e*(1.0/5+0.01+0.015) + e*e/10; math.Abs(position[0]-want) > 1e-12 || math.Abs(velocity[0]-e) > 1e-12 {
		t.Errorf("with a delay: margins %v, %v, want %v, %v", position[0], velocity[0], want, e)
	}
	f.SetDelay(0)
	if f.Margins(position, velocity, 0.01); math.Abs(velocity[0]-(2+5e-3)*0.01) > 1e-12 {
		t.Errorf("in lock step: margin %v", velocity[0])
	}
	if filter(t, c, two()).Margins(position, velocity, 0.01) || filter(t, c, two()).Braking() != nil {
		t.Error("stated without a model")
	}
}

// against is a model in which motion drives itself on.
type against struct{ rubbing }

func (a against) Bias(dst, _, dq []float64) { dst[0], dst[1] = -6*dq[0], -6*dq[1] }
