package safety

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"guidedpolicysearch/hardware"
	"guidedpolicysearch/hardware/kinematics"
	"guidedpolicysearch/hardware/safety/qp"
)

// coupled is an arm whose mass matrix and bias torques are given.
type coupled struct{ mass, bias []float64 }

func (c *coupled) MassMatrix(dst, _ []float64) { copy(dst, c.mass) }
func (c *coupled) Bias(dst, _, _ []float64)    { copy(dst, c.bias) }
func (c *coupled) Gravity(dst, _ []float64)    { copy(dst, c.bias) }

// whole solves the filter's programme with the rows of all limits, as it is before Tick takes a
// reading and torques whose wish is given, and returns it.
func whole(t *testing.T, f *Filter, tau, wish []float64, dt float64) *qp.Problem {
	b := f.barrier
	p := qp.Problem{Wanted: wish, Scale: f.robot.EffortLimit, Low: f.low, High: f.high}
	b.up.dt, b.down.dt = max(dt, f.history.gap), max(dt, f.history.gap)
	b.up.wait(f.history.times[:f.history.size])
	b.down.wait(f.history.times[:f.history.size])
	for k, drift := range b.drift {
		row := b.mobility[k*f.n : (k+1)*f.n]
		b.look(k)
		f.history.worst(b.up.before[:], b.down.before[:], row, drift)
		for side, s := range []*stop{&b.up, &b.down} {
			sign := float64(1 - 2*side)
			fastest := sign * drift
			for j, v := range row {
				fastest += max(sign*v*f.low[j], sign*v*f.high[j])
			}
			bound := min(fastest, s.acceleration(fastest))
			for _, v := range row {
				p.Rows = append(p.Rows, sign*v/s.braking)
			}
			p.Most = append(p.Most, (bound-sign*drift)/s.braking)
		}
	}
	result := qp.New(f.n, len(p.Most)).Solve(tau, &p)
	if !result.Exact {
		t.Fatal("the whole programme is not solved")
	}
	return &p
}

// excess returns by how much the torque exceeds most of each row.
func excess(p *qp.Problem, tau []float64) []float64 {
	list := make([]float64, len(p.Most))
	for r, most := range p.Most {
		list[r] = -most
		for j, g := range p.Rows[r*len(tau) : (r+1)*len(tau)] {
			list[r] += g * tau[j]
		}
	}
	return list
}

// TestRowsOnDemand: torques are those of the programme with all rows, though it is given only those
// that are violated without.
func TestRowsOnDemand(t *testing.T) {
	const n, dt = 4, 0.001
	arm, err := kinematics.NewPlanar(kinematics.PlanarConfig{Lengths: []float64{0.4, 0.3, 0.2, 0.1}, Coordinates: 2})
	if err != nil {
		t.Fatal(err)
	}
	bound := make([]int, 20) // ticks, by how many rows bind
	asked, all, powered := 0, 0, 0
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 5))
		c := DefaultConfig()
		c.RampTime, c.Delay, c.Braking = 0, 5*time.Millisecond, []float64{20, 20, 30, 40}
		c.PositionMargin, c.VelocityMargin, c.WorkspaceMargin = 9, 9, 9
		r := Robot{Joints: []string{"a", "b", "c", "d"}, EffortLimit: []float64{80, 60, 20, 10}, Lower: []float64{-1, -1, -1, -1}, Upper: []float64{1, 1, 1, 1},
			Velocity: []float64{2, 2, 3, 3}, Stiffness: make([]float64, n), Damping: make([]float64, n)}
		if seed%2 == 1 {
			c.WorkspaceLower, c.WorkspaceUpper, r.EndEffector = []float64{-0.8, -0.8}, []float64{0.8, 0.8}, arm
		}
		if seed%3 == 0 {
			c.SlewLimit = []float64{8000, 6000, 2000, 1000}
		}
		if seed%4 == 3 {
			c.PowerLimit = 20
		}
		model := &coupled{make([]float64, n*n), make([]float64, n)}
		for range 6 {
			v := [n]float64{rng.NormFloat64(), 0.6 * rng.NormFloat64(), 0.3 * rng.NormFloat64(), 0.2 * rng.NormFloat64()}
			for i := range n {
				for j := range n {
					model.mass[i*n+j] += v[i] * v[j]
				}
			}
		}
		r.Dynamics = model
		f, err := New(c, r)
		if err != nil {
			t.Fatal(err)
		}
		reading, wanted, want := hardware.NewJointState(n), make([]float64, n), make([]float64, n)
		for tick := range 300 {
			reading.Stamp += int64(700_000 + rng.IntN(600_000))
			for i := range n {
				reading.Position[i] = math.Sin(float64(tick)/200 + float64(i) + rng.Float64()*0.1)
				reading.Velocity[i] = rng.NormFloat64()
				wanted[i] = r.EffortLimit[i] * rng.NormFloat64() * math.Exp(-3*rng.Float64())
				model.bias[i] = 0.1 * r.EffortLimit[i] * rng.NormFloat64()
			}
			f.position, f.dq = reading.Position, reading.Velocity
			f.compute()
			f.history.read(reading.Stamp)
			copy(f.wish, wanted)
			f.box(dt)
			f.barrier.apply(dt) // the points' rows
			copy(f.wish, wanted)
			f.box(dt)
			p := whole(t, f, want, slices.Clone(f.wish), dt)
			binding := 0
			for _, v := range excess(p, want) {
				if v > -1e-9 {
					binding++
				}
			}
			got := f.Tick(reading, wanted, Learned, dt).Values()
			if f.Fault().Kind != NoFault {
				t.Fatalf("seed %d: %s", seed, f.Fault())
			}
			bound[binding]++
			asked, all = asked+len(f.barrier.problem.Most), all+2*len(f.barrier.drift)
			if f.acts.Has(Powered) { // the torque is another, of a narrower box
				powered++
				if v := slices.Max(excess(p, got)); v > 0.0201 && !f.acts.Has(Infeasible) { // 0.02 is what solve tells as infeasible
					t.Fatalf("seed %d, tick %d: within the power limit a row is exceeded by %v", seed, tick, v)
				}
				continue
			}
			// Where rows contradict one another, their large multipliers take some precision.
			tolerance := 1e-7
			if f.acts.Has(Infeasible) {
				tolerance = 1e-5
			}
			for i, v := range got {
				if math.Abs(v-want[i]) > tolerance*r.EffortLimit[i] {
					t.Fatalf("seed %d, tick %d: torque %d is %v, with all rows %v; %d rows bind, %d of %d are in the programme", seed, tick, i, v, want[i], binding, len(f.barrier.problem.Most), 2*len(f.barrier.drift))
				}
			}
		}
	}
	if asked*4 > all {
		t.Errorf("%d of %d rows are in the programmes, which saves little", asked, all)
	}
	if powered < 500 {
		t.Errorf("the power limit acts in %d ticks, which shows little", powered)
	}
	for binding, ticks := range bound[:4] {
		if ticks < 100 {
			t.Errorf("%d rows bind in %d ticks, which shows little", binding, ticks)
		}
	}
}
