package sim

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"
)

// fuzzPlant builds one of the plants, with sizes within some decades of those given, and its
// error.
func fuzzPlant(kind, links, decades uint8, mass, length, damping, gravity float64, rng *rand.Rand) (Plant, error) {
	n := int(links) % (maxLinks + 2) // one too many and none too
	around := func(v float64) []float64 {
		list := make([]float64, n)
		for i := range list {
			list[i] = v * math.Pow(10, float64(decades%16)*(rng.Float64()-0.5))
		}
		return list
	}
	switch kind % 5 {
	case 0:
		return NewPlanarArm(PlanarArmConfig{Lengths: around(length), Masses: around(mass), Damping: around(damping), Gravity: gravity})
	case 1:
		return NewCoupledArm(CoupledArmConfig{Inertias: around(mass), Coupling: length, Damping: damping, Restoring: gravity})
	case 2:
		return NewPendulum(PendulumConfig{Mass: mass, Length: length, Damping: damping, Gravity: gravity})
	case 3:
		return NewCartPole(CartPoleConfig{CartMass: mass, PoleMass: mass / 10, PoleLength: length, CartDamping: damping, PoleDamping: damping, Gravity: gravity})
	}
	return NewPointMass(PointMassConfig{Mass: mass, Damping: damping})
}

func allFinite(v []float64) bool {
	for _, x := range v {
		if !finite(x) {
			return false
		}
	}
	return true
}

// FuzzPlants: a configuration is refused or makes a plant of which every value is finite at
// states and actions of ordinary size; at all others a step gives an error and leaves the
// state, or is finite.
func FuzzPlants(f *testing.F) {
	for kind := range uint8(5) {
		f.Add(kind, uint8(2), uint8(1), uint64(kind), 1.0, 0.5, 0.5, 9.81, 0.05, 2.0)
		f.Add(kind, uint8(7), uint8(6), uint64(kind), 0.1, 2.0, 0.0, 0.0, 0.01, 100.0)
		f.Add(kind, uint8(64), uint8(14), uint64(kind), 1.0, 0.1, 0.1, -9.81, 0.001, 1.0)
		f.Add(kind, uint8(35), uint8(64), uint64(17), 9.0, 2.5, 69.5, 9.81, 0.05, 0.0)
		f.Add(kind, uint8(64), uint8(47), uint64(17), 9.0, 2.5, 69.5, 9.81, 0.05, 1.0)
		f.Add(kind, uint8(1), uint8(0), uint64(kind), 1e-310, 1e-200, 1e300, 1e300, 1e-300, 1e200)
		f.Add(kind, uint8(3), uint8(0), uint64(kind), 1e-30, 1e-30, 1e30, 1e30, 1e30, 1e300)
		f.Add(kind, uint8(3), uint8(0), uint64(kind), math.NaN(), math.Inf(1), -1.0, math.NaN(), math.Inf(1), math.NaN())
		f.Add(kind, uint8(0), uint8(0), uint64(kind), 1.0, 1.0, 1.0, 1.0, 1.0, 1.0)
		f.Add(kind, uint8(65), uint8(0), uint64(kind), 1.0, 1.0, 1.0, 1.0, 1.0, 1.0)
	}
	f.Fuzz(func(t *testing.T, kind, links, decades uint8, seed uint64, mass, length, damping, gravity, timeStep, scale float64) {
		rng := rand.New(rand.NewPCG(seed, 1))
		p, err := fuzzPlant(kind, links, decades, mass, length, damping, gravity, rng)
		if err != nil {
			if !errors.Is(err, ErrConfig) {
				t.Fatalf("error %v does not wrap ErrConfig", err)
			}
			return
		}
		nQ, nU := p.Dims()
		c := Config{TimeStep: timeStep, Substeps: 1 + rng.IntN(5), Integrator: Integrator(rng.IntN(2))}
		if rng.IntN(2) == 0 {
			for range nQ {
				c.MaxSpeed = append(c.MaxSpeed, 10)
			}
			for range nU {
				c.MaxEffort = append(c.MaxEffort, 10)
			}
		}
		s, err := New(p, c)
		if err != nil {
			if !errors.Is(err, ErrConfig) {
				t.Fatalf("error %v does not wrap ErrConfig", err)
			}
			return
		}
		some := func(n int) []float64 {
			v := make([]float64, n)
			for i := range v {
				v[i] = scale * (2*rng.Float64() - 1)
			}
			return v
		}
		x, u := some(2*nQ), some(nU)
		q, dq := x[:nQ], x[nQ:]

		ordinary := math.Abs(scale) <= 1e3 && math.Abs(gravity) <= 1e3 && damping <= 1e3 && timeStep <= 1
		if ordinary {
			ddq := make([]float64, nQ)
			p.Accelerations(ddq, q, dq, u)
			if !allFinite(ddq) {
				t.Fatalf("%T: accelerations %v at %v under %v", p, ddq, x, u)
			}
			if inverse, ok := p.(Invertible); ok {
				actions := make([]float64, nU)
				inverse.InverseDynamics(actions, q, dq, some(nQ))
				if !allFinite(actions) {
					t.Fatalf("%T: actions %v at %v", p, actions, x)
				}
			}
			if d, ok := p.(Differentiable); ok {
				derivatives := make([]float64, nQ*(2*nQ+nU))
				d.AccelerationDerivatives(derivatives, q, dq, u)
				if !allFinite(derivatives) {
					t.Fatalf("%T: derivatives %v at %v under %v", p, derivatives, x, u)
				}
			}
		}

		if err := s.SetState(x); (err == nil) != allFinite(x) {
			t.Fatalf("state %v: error %v", x, err)
		} else if err != nil {
			return
		}
		after := make([]float64, 2*nQ)
		err = s.Step(u)
		s.State(after)
		switch {
		case err == nil && !allFinite(after):
			t.Fatalf("%T: state %v after %v under %v, without an error", p, after, x, u)
		case err == nil:
		case !errors.Is(err, ErrNotFinite) && !errors.Is(err, ErrDiverged):
			t.Fatalf("error %v is of no kind", err)
		default:
			for i := range x {
				if after[i] != x[i] {
					t.Fatalf("%v, and the state has changed from %v to %v", err, x, after)
				}
			}
			return
		}
		j, err := NewJacobian(p, c)
		if err != nil {
			if _, ok := p.(Differentiable); ok || !errors.Is(err, ErrConfig) {
				t.Fatalf("%T: %v", p, err)
			}
			return
		}
		// Not where the scheme is far from stable, where speed limits hide it.
		if ordinary && mass >= 0.1 && length >= 0.1 && damping <= 1e-3 && math.Abs(gravity) <= 10 && timeStep <= 0.05 && math.Abs(scale) <= 10 {
			derivatives := make([]float64, 2*nQ*(2*nQ+nU))
			j.Linearize(derivatives, x, u)
			if !allFinite(derivatives) {
				t.Fatalf("%T: derivatives %v of the step from %v under %v", p, derivatives, x, u)
			}
		}
	})
}
