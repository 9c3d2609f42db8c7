package safety_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"guidedpolicysearch/hardware"
	"guidedpolicysearch/hardware/kinematics"
	"guidedpolicysearch/hardware/safety"
)

// TestWorkspaceKept: under the programme no controller gets an arm out of its box by more than
// the margin, at which it would be a fault.
func TestWorkspaceKept(t *testing.T) {
	for i, b := range bodies(t)[2:4] {
		worst := 0.0
		for left, seed := ticks(t)/4, uint64(i)<<40; left > 0 && !t.Failed(); seed++ {
			length := min(left, 1000)
			left -= length
			worst = max(worst, keepWorkspace(t, b, length, seed))
		}
		t.Logf("%s: at most %.2g m out of the box", b.name, worst)
	}
}

func keepWorkspace(t *testing.T, b *body, ticks int, seed uint64) (worst float64) {
	t.Helper()
	r := &trial{body: b, t: t, seed: seed, rng: rand.New(rand.NewPCG(seed, 3)), n: 2, reading: hardware.NewJointState(2), wanted: make([]float64, 2)}
	c := plain()
	c.WorkspaceLower, c.WorkspaceUpper = []float64{-0.4, -0.5}, []float64{0.6, 0.45}
	c.WorkspaceMargin, c.WorkspaceBraking, c.AccelerationError = 0.02, 2, b.error
	if r.rng.IntN(2) == 0 {
		c.SlewLimit = b.slew
	}
	f := filter(t, c, b.robot)
	q, tip := make([]float64, 2), make([]float64, 2)
	out := func() float64 {
		b.robot.EndEffector.Points(tip, q)
		most := math.Inf(-1)
		for i, x := range tip {
			most = max(most, x-c.WorkspaceUpper[i], c.WorkspaceLower[i]-x)
		}
		return most
	}
	for first := true; first || out() > -0.1; first = false {
		for i, limit := range b.robot.Upper {
			q[i] = 0.8 * limit * (2*r.rng.Float64() - 1)
		}
	}
	b.begin(q)
	control := r.controller()
	for tick := range ticks {
		b.read(r.reading)
		copy(q, r.reading.Position)
		worst = max(worst, out())
		control()
		torque := f.Tick(r.reading, r.wanted, safety.Learned, b.dt).Values()
		if fault := f.Fault(); fault.Kind != safety.NoFault {
			t.Errorf("%s, seed %d, tick %d: %v", b.name, seed, tick, fault)
			return worst
		}
		if err := b.step(torque); err != nil {
			t.Fatal(err)
		}
	}
	return worst
}

// known is an end effector that knows its points' accelerations.
type known struct {
	*kinematics.Planar
	calls int
}

func (k *known) PointBias(dst, q, dq []float64) {
	k.calls++
	dst[0] = -math.Cos(q[0])*dq[0]*dq[0] - math.Cos(q[0]+q[1])*(dq[0]+dq[1])*(dq[0]+dq[1])
	dst[1] = -math.Sin(q[0])*dq[0]*dq[0] - math.Sin(q[0]+q[1])*(dq[0]+dq[1])*(dq[0]+dq[1])
}

// TestPointBias: the accelerations by differences give the torques that those by formula give.
func TestPointBias(t *testing.T) {
	arm, err := kinematics.NewPlanar(kinematics.PlanarConfig{Lengths: []float64{1, 1}, Coordinates: 2})
	if err != nil {
		t.Fatal(err)
	}
	c, r := plain(), two()
	c.WorkspaceUpper, c.WorkspaceMargin = []float64{1.2, 1.2}, 10
	r.Dynamics, r.EndEffector = constant{1, 0}, arm
	byDifferences := filter(t, c, r)
	exact := &known{Planar: arm}
	r.EndEffector = exact
	byFormula := filter(t, c, r)
	changed := 0
	rng := rand.New(rand.NewPCG(1, 1))
	for range 1000 {
		s := at(rng.Float64(), 2*rng.Float64(), rng.NormFloat64(), rng.NormFloat64())
		wanted := []float64{10 * rng.NormFloat64(), 10 * rng.NormFloat64()}
		want := append([]float64(nil), byFormula.Tick(s, wanted, safety.Learned, 0.001).Values()...)
		got := byDifferences.Tick(s, wanted, safety.Learned, 0.001).Values()
		for i := range got {
			if math.Abs(got[i]-want[i]) > 1e-6 {
				t.Fatalf("torque %v, want %v", got, want)
			}
		}
		if byFormula.Intervened().Has(safety.Barrier) {
			changed++
		}
		byDifferences.Reset()
		byFormula.Reset()
	}
	if changed < 50 || exact.calls < 1000 {
		t.Errorf("the programme changed %d torques, with %d calls of the formula: that shows nothing", changed, exact.calls)
	}
}
