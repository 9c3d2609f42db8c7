package rigidbody

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"guidedpolicysearch/hardware/urdf"
)

// TestKinematicsOnly: models without inertias have kinematics, and no dynamics by mistake.
func TestKinematicsOnly(t *testing.T) {
	r := arm7()
	q := []float64{0.6, 0.8, 0.1, -0.2, 0.2, 0.5, 0}
	var want, got urdf.Pose
	build(t, r.model, r.config).Pose(&want, q, 7)
	for i := range r.model.Links {
		r.model.Links[i].Inertial = nil
	}
	r.config.KinematicsOnly = true
	tree := build(t, r.model, r.config)
	tree.Pose(&got, q, 7)
	if got != want {
		t.Errorf("pose is %v, want %v", got, want)
	}
	dst := make([]float64, 7)
	for name, f := range map[string]func(){
		"MassMatrix":      func() { tree.MassMatrix(make([]float64, 49), q) },
		"Bias":            func() { tree.Bias(dst, q, q) },
		"InverseDynamics": func() { tree.InverseDynamics(dst, q, q, q) },
		"Gravity":         func() { tree.Gravity(dst, q) },
	} {
		if said := panicOf(f); !strings.Contains(said, "KinematicsOnly") {
			t.Errorf("%s: panic %q, want one about KinematicsOnly", name, said)
		}
	}
}

func panicOf(f func()) (said string) {
	defer func() {
		if r := recover(); r != nil {
			said = fmt.Sprint(r)
		}
	}()
	f()
	return ""
}

func TestShapes(t *testing.T) {
	r := arm7()
	tree := build(t, r.model, r.config)
	p, err := tree.Points("link7", [][3]float64{{}, {}})
	if err != nil {
		t.Fatal(err)
	}
	v := func(n int) []float64 { return make([]float64, n) }
	var pose urdf.Pose
	for i, c := range []struct {
		want string
		f    func()
	}{
		{"mass matrix has 48 elements, want 49", func() { tree.MassMatrix(v(48), v(7)) }},
		{"joint positions has 6 elements, want 7", func() { tree.MassMatrix(v(49), v(6)) }},
		{"torques has 8 elements, want 7", func() { tree.InverseDynamics(v(8), v(7), v(7), v(7)) }},
		{"joint positions has 8 elements, want 7", func() { tree.InverseDynamics(v(7), v(8), v(7), v(7)) }},
		{"joint velocities has 8 elements, want 7", func() { tree.InverseDynamics(v(7), v(7), v(8), v(7)) }},
		{"joint accelerations has 8 elements, want 7", func() { tree.InverseDynamics(v(7), v(7), v(7), v(8)) }},
		{"joint velocities has 1 elements, want 7", func() { tree.Bias(v(7), v(7), v(1)) }},
		{"torques has 6 elements, want 7", func() { tree.Gravity(v(6), v(7)) }},
		{"joint positions has 6 elements, want 7", func() { tree.Gravity(v(7), v(6)) }},
		{"torques has 6 elements, want 7", func() { tree.Friction(v(6), v(7)) }},
		{"joint velocities has 6 elements, want 7", func() { tree.Friction(v(7), v(6)) }},
		{"joint positions has 6 elements, want 7", func() { tree.Pose(&pose, v(6), 0) }},
		{"Jacobian has 41 elements, want 42", func() { tree.Jacobian(v(41), v(7), 0, [3]float64{}) }},
		{"joint positions has 0 elements, want 7", func() { tree.Jacobian(v(42), nil, 0, [3]float64{}) }},
		{"points has 3 elements, want 6", func() { p.Points(v(3), v(7)) }},
		{"joint positions has 3 elements, want 7", func() { p.Points(v(6), v(3)) }},
		{"velocities has 3 elements, want 6", func() { p.Velocities(v(3), v(7), v(7)) }},
		{"joint velocities has 6 elements, want 7", func() { p.Velocities(v(6), v(7), v(6)) }},
		{"Jacobian has 6 elements, want 42", func() { p.Jacobian(v(6), v(7)) }},
		{"accelerations has 5 elements, want 6", func() { p.PointBias(v(5), v(7), v(7)) }},
		{"joint velocities has 6 elements, want 7", func() { p.PointBias(v(6), v(7), v(6)) }},
	} {
		if said := panicOf(c.f); said != "rigidbody: "+c.want {
			t.Errorf("case %d: panic %q, want %q", i, said, c.want)
		}
	}
}

// TestOrderOfCalls: what was computed before, at the same q or another one, or at numbers that
// are not finite, changes no bit of a result.
func TestOrderOfCalls(t *testing.T) {
	const n = 7
	r := arm7()
	tree := build(t, r.model, r.config)
	rng := rand.New(rand.NewPCG(4, 4))
	p, err := tree.Points("link7", [][3]float64{{0.05, 0, 0.1}, {-0.05, 0, 0.1}})
	if err != nil {
		t.Fatal(err)
	}
	calls := []struct {
		size int
		f    func(tree *Tree, p *Points, dst, q, dq []float64)
	}{
		{n * n, func(tree *Tree, p *Points, dst, q, dq []float64) { tree.MassMatrix(dst, q) }},
		{n, func(tree *Tree, p *Points, dst, q, dq []float64) { tree.Bias(dst, q, dq) }},
		{n, func(tree *Tree, p *Points, dst, q, dq []float64) { tree.InverseDynamics(dst, q, dq, dq) }},
		{n, func(tree *Tree, p *Points, dst, q, dq []float64) { tree.Gravity(dst, q) }},
		{6 * n, func(tree *Tree, p *Points, dst, q, dq []float64) { tree.Jacobian(dst, q, 4, [3]float64{1, 2, 3}) }},
		{6, func(tree *Tree, p *Points, dst, q, dq []float64) { p.Points(dst, q) }},
		{6, func(tree *Tree, p *Points, dst, q, dq []float64) { p.Velocities(dst, q, dq) }},
		{6 * n, func(tree *Tree, p *Points, dst, q, dq []float64) { p.Jacobian(dst, q) }},
		{6, func(tree *Tree, p *Points, dst, q, dq []float64) { p.PointBias(dst, q, dq) }},
	}
	states := [][]float64{randomList(rng, n, 3), randomList(rng, n, 3), {math.NaN(), 0, 0, 0, 0, 0, 0}, {0, 0, math.Inf(1), 0, 0, 0, 1e300}}
	for range 300 {
		c, q, dq := calls[rng.IntN(len(calls))], states[rng.IntN(len(states))], states[rng.IntN(len(states))]
		got, want := make([]float64, c.size), make([]float64, c.size)
		for i := range got {
			got[i] = 7 // of no concern
		}
		c.f(tree, p, got, q, dq)
		fresh := build(t, r.model, r.config)
		other, err := fresh.Points("link7", [][3]float64{{0.05, 0, 0.1}, {-0.05, 0, 0.1}})
		if err != nil {
			t.Fatal(err)
		}
		c.f(fresh, other, want, q, dq)
		for i := range got {
			if got[i] != want[i] && !(math.IsNaN(got[i]) && math.IsNaN(want[i])) {
				t.Fatalf("element %d is %v, %v from a new tree", i, got[i], want[i])
			}
		}
	}
}
