package sim

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"guidedpolicysearch/internal/vectors"
)

func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// mechanics is a plant with the energies that its equations must follow from, written
// with positions and velocities of the masses, and without use of the plant.
type mechanics struct {
	plant     Plant
	kinetic   func(q, dq []float64) float64
	potential func(q []float64) float64
	force     func(i int, dq, u []float64) float64 // generalised force on q_i
}

// armConfig returns an arm of n different links.
func armConfig(n int, damping, gravity float64) PlanarArmConfig {
	c := PlanarArmConfig{Gravity: gravity}
	for i := range n {
		c.Lengths = append(c.Lengths, 0.3+0.1*float64(i%3))
		c.Masses = append(c.Masses, 0.5+0.4*float64((i+1)%3))
		c.Damping = append(c.Damping, damping*(1+float64(i)))
	}
	return c
}

func armMechanics(t testing.TB, c PlanarArmConfig) mechanics {
	return mechanics{
		plant: must[*PlanarArm](t)(NewPlanarArm(c)),
		kinetic: func(q, dq []float64) float64 {
			var angle, rate, vx, vy, sum float64
			for i, l := range c.Lengths {
				angle, rate = angle+q[i], rate+dq[i]
				sin, cos := math.Sincos(angle)
				cx, cy := vx-l/2*sin*rate, vy+l/2*cos*rate
				sum += c.Masses[i]*(cx*cx+cy*cy)/2 + c.Masses[i]*l*l/12*rate*rate/2
				vx, vy = vx-l*sin*rate, vy+l*cos*rate
			}
			return sum
		},
		potential: func(q []float64) float64 {
			var angle, y, sum float64
			for i, l := range c.Lengths {
				angle += q[i]
				sum += c.Masses[i] * c.Gravity * (y + l/2*math.Sin(angle))
				y += l * math.Sin(angle)
			}
			return sum
		},
		force: func(i int, dq, u []float64) float64 { return u[i] - c.Damping[i]*dq[i] },
	}
}

func allMechanics(t testing.TB, damping float64) map[string]mechanics {
	all := map[string]mechanics{}
	for n := 1; n <= 7; n++ {
		all[fmt.Sprintf("arm%d", n)] = armMechanics(t, armConfig(n, damping, 9.81))
	}
	pc := PendulumConfig{Mass: 1.3, Length: 0.7, Damping: damping, Gravity: 10}
	all["pendulum"] = mechanics{
		plant: must[*Pendulum](t)(NewPendulum(pc)),
		kinetic: func(q, dq []float64) float64 {
			v := pc.Length / 2 * dq[0]
			return pc.Mass*v*v/2 + pc.Mass*pc.Length*pc.Length/12*dq[0]*dq[0]/2
		},
		potential: func(q []float64) float64 { return pc.Mass * pc.Gravity * pc.Length / 2 * math.Cos(q[0]) },
		force:     func(i int, dq, u []float64) float64 { return u[0] - pc.Damping*dq[0] },
	}
	cc := CartPoleConfig{CartMass: 1.1, PoleMass: 0.3, PoleLength: 0.8, CartDamping: damping, PoleDamping: damping / 2, Gravity: 9.81}
	all["cartpole"] = mechanics{
		plant: must[*CartPole](t)(NewCartPole(cc)),
		kinetic: func(q, dq []float64) float64 {
			half := cc.PoleLength / 2
			vx, vy := dq[0]+half*math.Cos(q[1])*dq[1], -half*math.Sin(q[1])*dq[1]
			return cc.CartMass*dq[0]*dq[0]/2 + cc.PoleMass*(vx*vx+vy*vy)/2 + cc.PoleMass*half*half/3*dq[1]*dq[1]/2
		},
		potential: func(q []float64) float64 { return cc.PoleMass * cc.Gravity * cc.PoleLength / 2 * math.Cos(q[1]) },
		force: func(i int, dq, u []float64) float64 {
			if i == 0 {
				return u[0] - cc.CartDamping*dq[0]
			}
			return -cc.PoleDamping * dq[1]
		},
	}
	mc := PointMassConfig{Mass: 1.7, Damping: damping}
	all["pointmass"] = mechanics{
		plant:     must[*PointMass](t)(NewPointMass(mc)),
		kinetic:   func(q, dq []float64) float64 { return mc.Mass * (dq[0]*dq[0] + dq[1]*dq[1]) / 2 },
		potential: func(q []float64) float64 { return 0 },
		force:     func(i int, dq, u []float64) float64 { return u[i] - mc.Damping*dq[i] },
	}
	return all
}

func random(rng *rand.Rand, n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = 2 * rng.NormFloat64()
	}
	return v
}

// TestLagrange checks d/dt dL/dq' - dL/dq = force with derivatives by differences. The
// momentum dT/dq' is exact by a central difference, as T is quadratic in q'.
func TestLagrange(t *testing.T) {
	for name, m := range allMechanics(t, 0.3) {
		rng := rand.New(rand.NewPCG(3, 4))
		nQ, nU := m.plant.Dims()
		momentum := func(i int, q, dq []float64) float64 {
			old := dq[i]
			dq[i] = old + 1
			hi := m.kinetic(q, dq)
			dq[i] = old - 1
			lo := m.kinetic(q, dq)
			dq[i] = old
			return (hi - lo) / 2
		}
		for range 5 {
			q, dq, u, ddq := random(rng, nQ), random(rng, nQ), random(rng, nU), make([]float64, nQ)
			m.plant.Accelerations(ddq, q, dq, u)
			got, want := make([]float64, nQ), make([]float64, nQ)
			for i := range nQ {
				const h = 1e-5
				along := func(s float64) float64 { // momentum at time s along the motion
					qs, dqs := make([]float64, nQ), make([]float64, nQ)
					for j := range nQ {
						qs[j] = q[j] + s*dq[j] + s*s/2*ddq[j]
						dqs[j] = dq[j] + s*ddq[j]
					}
					return momentum(i, qs, dqs)
				}
				lagrangian := func(s float64) float64 {
					old := q[i]
					q[i] += s
					defer func() { q[i] = old }()
					return m.kinetic(q, dq) - m.potential(q)
				}
				got[i] = (along(h)-along(-h))/(2*h) - (lagrangian(h)-lagrangian(-h))/(2*h)
				want[i] = m.force(i, dq, u)
			}
			vectors.Close(t, name, got, want, 1e-5)
		}
	}
}

// TestEnergy checks that without damping and action the energy stays, and that the
// error of the scheme falls with the fourth power of the step.
func TestEnergy(t *testing.T) {
	for name, m := range allMechanics(t, 0) {
		rng := rand.New(rand.NewPCG(5, 6))
		nQ, nU := m.plant.Dims()
		start := random(rng, 2*nQ)
		for i := range start {
			start[i] /= 2
		}
		drift := func(substeps int) float64 {
			s := must[*Simulator](t)(New(m.plant, Config{TimeStep: 0.05, Substeps: substeps}))
			if err := s.SetState(start); err != nil {
				t.Fatal(err)
			}
			energy := func() float64 { return m.kinetic(s.Positions(), s.Velocities()) + m.potential(s.Positions()) }
			before, scale := energy(), m.kinetic(s.Positions(), s.Velocities())
			u := make([]float64, nU)
			for range 20 {
				if err := s.Step(u); err != nil {
					t.Fatal(err)
				}
			}
			return math.Abs(energy()-before) / (1 + scale)
		}
		coarse, fine := drift(50), drift(200)
		if fine > 1e-6 {
			t.Errorf("%s: energy drifts by %g, want at most 1e-6", name, fine)
		}
		if coarse > 1e-9 && fine > coarse/60 {
			t.Errorf("%s: drift %g at 50 substeps and %g at 200: want a fall by about 4^4", name, coarse, fine)
		}
	}
}

// TestCoupledArm checks M q” against the right-hand side with M written out.
func TestCoupledArm(t *testing.T) {
	c := DefaultCoupledArmConfig()
	arm := must[*CoupledArm](t)(NewCoupledArm(c))
	rng := rand.New(rand.NewPCG(7, 8))
	n := len(c.Inertias)
	q, dq, u, ddq := random(rng, n), random(rng, n), random(rng, n), make([]float64, n)
	arm.Accelerations(ddq, q, dq, u)
	col, angle := make([]float64, n), 0.0
	for i := range n {
		angle += q[i]
		col[i] = math.Cos(angle) * math.Sqrt(c.Inertias[i])
	}
	got, want := make([]float64, n), make([]float64, n)
	for i, inertia := range c.Inertias {
		got[i] = inertia * ddq[i]
		for j := range n {
			got[i] += c.Coupling * col[i] * col[j] * ddq[j]
		}
		want[i] = u[i] - c.Damping*inertia*dq[i] - c.Restoring*inertia*math.Sin(q[i])
	}
	vectors.Close(t, "M q''", got, want, 1e-13)
}

func TestSemiImplicitByHand(t *testing.T) {
	p := must[*PointMass](t)(NewPointMass(PointMassConfig{Mass: 2}))
	s := must[*Simulator](t)(New(p, Config{TimeStep: 1, Substeps: 2, Integrator: SemiImplicitEuler}))
	if err := s.Step([]float64{4, -8}); err != nil {
		t.Fatal(err)
	}
	x := make([]float64, 4)
	s.State(x)
	// h = 0.5: v = 1 then 2 (times 1, -2), q = 0.5 then 1.5.
	vectors.Close(t, "state", x, []float64{1.5, -3, 2, -4}, 0)
}

func TestVectors(t *testing.T) {
	vectors.Run(t, "arm2_rollout", func(t *testing.T, c vectors.Case) {
		config := DefaultPlanarArmConfig()
		config.Gravity = c.Inputs.Get("parameters", "g").Float()
		s := must[*Simulator](t)(New(must[*PlanarArm](t)(NewPlanarArm(config)), DefaultConfig()))
		got := simulate(t, s, c.Inputs.Get("state0").Floats(4), c.Inputs.Get("torques").Floats(-1, 2))
		vectors.Close(t, "states", got, c.Outputs.Get("states").Floats(-1, 4), c.Tolerance)
	})
	vectors.Run(t, "arm7_rollout", func(t *testing.T, c vectors.Case) {
		arm := must[*CoupledArm](t)(NewCoupledArm(DefaultCoupledArmConfig()))
		s := must[*Simulator](t)(New(arm, CoupledArmIntegration()))
		start := append(c.Inputs.Get("q0").Floats(7), c.Inputs.Get("dq0").Floats(7)...)
		states := simulate(t, s, start, c.Inputs.Get("torques").Floats(-1, 7))
		var q, dq []float64
		for i := 0; i < len(states); i += 14 {
			q, dq = append(q, states[i:i+7]...), append(dq, states[i+7:i+14]...)
		}
		vectors.Close(t, "q", q, c.Outputs.Get("q").Floats(-1, 7), c.Tolerance)
		vectors.Close(t, "dq", dq, c.Outputs.Get("dq").Floats(-1, 7), c.Tolerance)
	})
}

// simulate returns the states, (T+1) x 2 nQ, under the actions, T x nU.
func simulate(t *testing.T, s *Simulator, start, actions []float64) []float64 {
	t.Helper()
	if err := s.SetState(start); err != nil {
		t.Fatal(err)
	}
	_, nU := s.Plant().Dims()
	states := append([]float64(nil), start...)
	x := make([]float64, len(start))
	for ; len(actions) > 0; actions = actions[nU:] {
		if err := s.Step(actions[:nU]); err != nil {
			t.Fatal(err)
		}
		s.State(x)
		states = append(states, x...)
	}
	return states
}

func TestStepAllocations(t *testing.T) {
	plants := map[string]Plant{"coupled": must[*CoupledArm](t)(NewCoupledArm(DefaultCoupledArmConfig()))}
	for name, m := range allMechanics(t, 0.1) {
		plants[name] = m.plant
	}
	for name, p := range plants {
		for _, scheme := range []Integrator{RungeKutta4, SemiImplicitEuler} {
			s := must[*Simulator](t)(New(p, Config{TimeStep: 0.01, Substeps: 5, Integrator: scheme}))
			_, nU := p.Dims()
			u := make([]float64, nU)
			if a := testing.AllocsPerRun(20, func() {
				if err := s.Step(u); err != nil {
					t.Fatal(err)
				}
			}); a != 0 {
				t.Errorf("%s: %v allocations per step, want 0", name, a)
			}
		}
	}
}

func TestStepErrors(t *testing.T) {
	s := must[*Simulator](t)(New(must[*PlanarArm](t)(NewPlanarArm(DefaultPlanarArmConfig())), DefaultConfig()))
	start := []float64{0.1, 0.2, 0.3, 0.4}
	if err := s.SetState(start); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		err   error
		is    error
		wants string
	}{
		{s.Step([]float64{0, math.NaN()}), ErrNotFinite, "action 2 of 2 is NaN"},
		{s.Step([]float64{math.Inf(1), 0}), ErrNotFinite, "action 1 of 2 is +Inf"},
		{s.Step([]float64{1e200, 0}), ErrDiverged, "use more substeps"},
		{s.SetState([]float64{0, 0, math.NaN(), 0}), ErrNotFinite, "velocity of joint1 is NaN"},
	} {
		if !errors.Is(c.err, c.is) || !strings.Contains(c.err.Error(), c.wants) {
			t.Errorf("error is %v, want %q", c.err, c.wants)
		}
	}
	x := make([]float64, 4)
	s.State(x)
	vectors.Close(t, "state after errors", x, start, 0)
}

func TestValidate(t *testing.T) {
	nan := math.NaN()
	arm := func(change func(*PlanarArmConfig)) error {
		c := DefaultPlanarArmConfig()
		change(&c)
		_, err := NewPlanarArm(c)
		return err
	}
	coupled := func(change func(*CoupledArmConfig)) error {
		c := DefaultCoupledArmConfig()
		change(&c)
		_, err := NewCoupledArm(c)
		return err
	}
	pendulum := func(c PendulumConfig) error { _, err := NewPendulum(c); return err }
	cart := func(c CartPoleConfig) error { _, err := NewCartPole(c); return err }
	mass := func(c PointMassConfig) error { _, err := NewPointMass(c); return err }
	run := func(c Config) error {
		_, err := New(must[*PointMass](t)(NewPointMass(DefaultPointMassConfig())), c)
		return err
	}
	for want, err := range map[string]error{
		"masses[1] is -1, want a number > 0 in kg":       arm(func(c *PlanarArmConfig) { c.Masses[1] = -1 }),
		"masses has 1 elements, want 2":                  arm(func(c *PlanarArmConfig) { c.Masses = c.Masses[:1] }),
		"lengths has 0":                                  arm(func(c *PlanarArmConfig) { c.Lengths = nil }),
		"lengths has 65":                                 arm(func(c *PlanarArmConfig) { c.Lengths = make([]float64, 65) }),
		"lengths[0] is NaN":                              arm(func(c *PlanarArmConfig) { c.Lengths[0] = nan }),
		"damping[1] is -0.1":                             arm(func(c *PlanarArmConfig) { c.Damping[1] = -0.1 }),
		"lengths[1] is 1e-200, want a number from 1e-30": arm(func(c *PlanarArmConfig) { c.Lengths[1] = 1e-200 }),
		"masses[1] is 1e+200, want a number from 1e-30":  arm(func(c *PlanarArmConfig) { c.Masses[1] = 1e200 }),
		"its pivot at link 2 is": arm(func(c *PlanarArmConfig) {
			c.Masses, c.Lengths, c.Damping = []float64{1e-12, 1e-12, 1e3}, []float64{1, 1, 1}, []float64{0, 0, 0}
		}),
		"gravity is +Inf":            arm(func(c *PlanarArmConfig) { c.Gravity = math.Inf(1) }),
		"joints has 1 names, want 2": arm(func(c *PlanarArmConfig) { c.Joints = []string{"a"} }),
		"joints[1] is \"a\" again":   arm(func(c *PlanarArmConfig) { c.Joints = []string{"a", "a"} }),
		"joints[0] is empty":         arm(func(c *PlanarArmConfig) { c.Joints = []string{"", "a"} }),
		"inertias[6] is 0":           coupled(func(c *CoupledArmConfig) { c.Inertias[6] = 0 }),
		"inertias has 0":             coupled(func(c *CoupledArmConfig) { c.Inertias = nil }),
		"coupling is -1":             coupled(func(c *CoupledArmConfig) { c.Coupling = -1 }),
		"mass is 0":                  pendulum(PendulumConfig{Length: 1}),
		"length is 0":                pendulum(PendulumConfig{Mass: 1}),
		"pole_mass is 0":             cart(CartPoleConfig{CartMass: 1}),
		"damping is NaN":             mass(PointMassConfig{Mass: 1, Damping: nan}),
		"time_step is 0":             run(Config{Substeps: 1}),
		"substeps is 0":              run(Config{TimeStep: 1}),
		"substeps is 100001":         run(Config{TimeStep: 1, Substeps: 100001}),
		"integrator is 2":            run(Config{TimeStep: 1, Substeps: 1, Integrator: 2}),
	} {
		if !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "want ") {
			t.Errorf("error is %v, want %q and an expectation", err, want)
		}
	}
	for name, err := range map[string]error{"pendulum": pendulum(DefaultPendulumConfig()), "cart-pole": cart(DefaultCartPoleConfig()),
		"point mass": mass(DefaultPointMassConfig())} {
		if err != nil {
			t.Errorf("%s: default: %v", name, err)
		}
	}
}

func TestJointNames(t *testing.T) {
	c := DefaultPlanarArmConfig()
	if got := fmt.Sprint(must[*PlanarArm](t)(NewPlanarArm(c)).JointNames()); got != "[joint1 joint2]" {
		t.Errorf("names are %s", got)
	}
	c.Joints = []string{"shoulder", "elbow"}
	if got := fmt.Sprint(must[*PlanarArm](t)(NewPlanarArm(c)).JointNames()); got != "[shoulder elbow]" {
		t.Errorf("names are %s", got)
	}
}
