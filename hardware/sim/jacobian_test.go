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

// differentiable are the plants that know their derivatives, with integrations that
// differ in all that the chain rule goes through.
func differentiable(t testing.TB) map[string]struct {
	plant  Plant
	config Config
} {
	pendulum := must[*Pendulum](t)(NewPendulum(PendulumConfig{Mass: 1.3, Length: 0.7, Damping: 0.2, Gravity: 10}))
	cart := must[*CartPole](t)(NewCartPole(CartPoleConfig{CartMass: 1.1, PoleMass: 0.3, PoleLength: 0.8, CartDamping: 0.3, PoleDamping: 0.1, Gravity: 9.81}))
	all := map[string]struct {
		plant  Plant
		config Config
	}{}
	for name, p := range map[string]Plant{"pendulum": pendulum, "cart-pole": cart} {
		nQ, nU := p.Dims()
		for _, scheme := range []Integrator{RungeKutta4, SemiImplicitEuler} {
			for _, substeps := range []int{1, 4} {
				c := Config{TimeStep: 0.05, Substeps: substeps, Integrator: scheme}
				all[fmt.Sprintf("%s, scheme %d, %d substeps", name, scheme, substeps)] = struct {
					plant  Plant
					config Config
				}{p, c}
				for range nQ {
					c.MaxSpeed = append(c.MaxSpeed, 1.5)
				}
				for range nU {
					c.MaxEffort = append(c.MaxEffort, 2)
				}
				all[fmt.Sprintf("%s, scheme %d, %d substeps, limited", name, scheme, substeps)] = struct {
					plant  Plant
					config Config
				}{p, c}
			}
		}
	}
	return all
}

// TestJacobian checks the derivatives of a step by differences, and that zeros where a
// limit clips occur.
func TestJacobian(t *testing.T) {
	for name, c := range differentiable(t) {
		t.Run(name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(21, 1))
			s, j := must[*Simulator](t)(New(c.plant, c.config)), must[*Jacobian](t)(NewJacobian(c.plant, c.config))
			nQ, nU := c.plant.Dims()
			nX := 2 * nQ
			d := nX + nU
			got, want := make([]float64, nX*d), make([]float64, nX*d)
			after := func(y []float64) []float64 {
				x := make([]float64, nX)
				if err := errors.Join(s.SetState(y[:nX]), s.Step(y[nX:])); err != nil {
					t.Fatal(err)
				}
				s.State(x)
				return x
			}
			zeros := 0
			for range 40 {
				y := random(rng, d)
				const h = 1e-5
				smooth := true
				for k := range d {
					old := y[k]
					y[k] = old + h
					hi := after(y)
					y[k] = old - h
					lo := after(y)
					y[k] = old
					at := after(y)
					for i := range nX {
						want[i*d+k] = (hi[i] - lo[i]) / (2 * h)
						// Differences across a limit have no meaning.
						smooth = smooth && math.Abs((hi[i]-at[i])-(at[i]-lo[i])) < 1e-7
					}
				}
				if !smooth {
					continue
				}
				j.Linearize(got, y[:nX], y[nX:])
				vectors.Close(t, "derivatives", got, want, 1e-7)
				if got[nQ*d+nX] == 0 {
					zeros++
				}
			}
			if limited := c.config.MaxSpeed != nil; limited != (zeros > 0) || zeros > 30 {
				t.Errorf("limits %v, but %d of 40 velocities were clipped", limited, zeros)
			}
			y := random(rng, d)
			if n := testing.AllocsPerRun(20, func() { j.Linearize(got, y[:nX], y[nX:]) }); n != 0 {
				t.Errorf("%v allocations", n)
			}
		})
	}
}

func TestJacobianRefuses(t *testing.T) {
	p := must[*PointMass](t)(NewPointMass(DefaultPointMassConfig()))
	if _, err := NewJacobian(p, DefaultConfig()); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), "PointMass") {
		t.Error(err)
	}
}

// TestSwingUpPendulum checks one substep of semi-implicit Euler under both limits against
// the pendulum of the usual swing-up task, with the position moved by the velocity as it
// was before the clip.
func TestSwingUpPendulum(t *testing.T) {
	const g, m, l, dt = 10.0, 1.0, 1.0, 0.05
	for _, limit := range [][2]float64{{8, 8}, {2, 8}, {8, 2}, {2, 2}} {
		s := must[*Simulator](t)(New(must[*Pendulum](t)(NewPendulum(DefaultPendulumConfig())),
			Config{TimeStep: dt, Substeps: 1, Integrator: SemiImplicitEuler, MaxEffort: limit[:1], MaxSpeed: limit[1:]}))
		th, thdot := math.Pi, 0.0
		if err := s.SetState([]float64{th, thdot}); err != nil {
			t.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(22, 1))
		x := make([]float64, 2)
		clipped := 0
		for i := range 99 {
			u := 6*math.Sin(2*math.Pi*float64(i)/32) + rng.NormFloat64() // near resonance
			if err := s.Step([]float64{u}); err != nil {
				t.Fatal(err)
			}
			u = max(-limit[0], min(limit[0], u))
			newthdot := thdot + (-3*g/(2*l)*math.Sin(th+math.Pi)+3/(m*l*l)*u)*dt
			th += newthdot * dt
			if thdot = max(-limit[1], min(limit[1], newthdot)); thdot != newthdot {
				clipped++
			}
			s.State(x)
			vectors.Close(t, fmt.Sprintf("limits %v, step %d", limit, i), x, []float64{th, thdot}, 1e-12)
			th, thdot = x[0], x[1] // rounding grows along an unstable motion
		}
		if limit[1] == 2 && clipped == 0 {
			t.Errorf("limits %v: the speed was never clipped", limit)
		}
	}
}

func TestLimitsValidate(t *testing.T) {
	p := must[*Pendulum](t)(NewPendulum(DefaultPendulumConfig()))
	for want, change := range map[string]func(*Config){
		"max_speed has 2 elements, want 1": func(c *Config) { c.MaxSpeed = []float64{1, 1} },
		"max_speed[0] is 0":                func(c *Config) { c.MaxSpeed = []float64{0} },
		"max_effort[0] is NaN":             func(c *Config) { c.MaxEffort = []float64{math.NaN()} },
	} {
		c := DefaultConfig()
		change(&c)
		if _, err := New(p, c); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
