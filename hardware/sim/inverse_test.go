package sim

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestInverseDynamics: the plant's own accelerations under the actions are those asked
// for, and the actions are those that a motion was made with.
func TestInverseDynamics(t *testing.T) {
	plants := map[string]Plant{"coupled": must[*CoupledArm](t)(NewCoupledArm(DefaultCoupledArmConfig()))}
	for name, m := range allMechanics(t, 0.3) {
		plants[name] = m.plant
	}
	rng := rand.New(rand.NewPCG(5, 6))
	for name, p := range plants {
		inverse, ok := p.(Invertible)
		if ok == (name == "cartpole") {
			t.Errorf("%s: inverse dynamics: %v", name, ok)
		}
		if !ok {
			continue
		}
		n, nU := p.Dims()
		if nU != n {
			t.Fatalf("%s: %d joints, %d actions", name, n, nU)
		}
		u, back := make([]float64, n), make([]float64, n)
		for range 100 {
			q, dq, ddq := random(rng, n), random(rng, n), random(rng, n)
			inverse.InverseDynamics(u, q, dq, ddq)
			p.Accelerations(back, q, dq, u)
			for i, want := range ddq {
				if math.Abs(back[i]-want) > 1e-10*(1+math.Abs(want)) {
					t.Fatalf("%s: acceleration of joint %d is %v, want %v", name, i, back[i], want)
				}
			}
			p.Accelerations(ddq, q, dq, u)
			inverse.InverseDynamics(back, q, dq, ddq)
			for i, want := range u {
				if math.Abs(back[i]-want) > 1e-10*(1+math.Abs(want)) {
					t.Fatalf("%s: action %d is %v, want %v", name, i, back[i], want)
				}
			}
		}
		q := random(rng, n)
		if a := testing.AllocsPerRun(20, func() { inverse.InverseDynamics(u, q, q, q) }); a != 0 {
			t.Errorf("%s: %v allocations, want 0", name, a)
		}
	}
}

// TestInverseDynamicsHoldsAgainstGravity: at rest the torques carry the weights, in closed
// form for two rods.
func TestInverseDynamicsHoldsAgainstGravity(t *testing.T) {
	arm := must[*PlanarArm](t)(NewPlanarArm(PlanarArmConfig{Lengths: []float64{0.5, 0.4}, Masses: []float64{2, 3}, Damping: []float64{1, 1}, Gravity: 9.81}))
	u, rest := make([]float64, 2), make([]float64, 2)
	q := []float64{0.3, 0.5}
	arm.InverseDynamics(u, q, rest, rest)
	elbow := 3 * 9.81 * 0.2 * math.Cos(0.8)
	shoulder := elbow + 9.81*math.Cos(0.3)*(2*0.25+3*0.5)
	if math.Abs(u[0]-shoulder) > 1e-12 || math.Abs(u[1]-elbow) > 1e-12 {
		t.Errorf("torques %v, want %v and %v", u, shoulder, elbow)
	}
}
