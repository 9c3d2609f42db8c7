package rigidbody

import (
	"testing"

	"guidedpolicysearch/hardware/urdf"
)

// ticks are the computations of a control tick on the seven-joint arm, by name. Each call is
// at another q.
func ticks(t testing.TB) map[string]func() {
	t.Helper()
	r := arm7()
	tree := build(t, r.model, r.config)
	const n = 7
	p, err := tree.Points("link7", [][3]float64{{0.05, 0, 0.1}, {-0.05, 0, 0.1}})
	if err != nil {
		t.Fatal(err)
	}
	l, err := tree.Link("link8")
	if err != nil {
		t.Fatal(err)
	}
	q := []float64{0.6, 0.8, 0.1, -0.2, 0.2, 0.5, 0}
	dq, ddq := []float64{1, -2, 3, -1, 0.5, 0.1, 2}, []float64{5, 4, -3, 2, 1, 0, -9}
	mass, torque, points, jac := make([]float64, n*n), make([]float64, n), make([]float64, 6), make([]float64, 6*n)
	var pose urdf.Pose
	elsewhere := func(f func()) func() {
		return func() {
			q[0] += 1e-3
			f()
		}
	}
	all := map[string]func(){
		"MassMatrix":      elsewhere(func() { tree.MassMatrix(mass, q) }),
		"Bias":            elsewhere(func() { tree.Bias(torque, q, dq) }),
		"MassMatrix+Bias": elsewhere(func() { tree.MassMatrix(mass, q); tree.Bias(torque, q, dq) }),
		"InverseDynamics": elsewhere(func() { tree.InverseDynamics(torque, q, dq, ddq) }),
		"Gravity":         elsewhere(func() { tree.Gravity(torque, q) }),
		"Friction":        elsewhere(func() { tree.Friction(torque, dq) }),
		"Pose":            elsewhere(func() { tree.Pose(&pose, q, l) }),
		"Jacobian":        elsewhere(func() { tree.Jacobian(jac, q, l, [3]float64{0, 0, 0.1}) }),
		"Points":          elsewhere(func() { p.Points(points, q) }),
		"Velocities":      elsewhere(func() { p.Velocities(points, q, dq) }),
		"PointsJacobian":  elsewhere(func() { p.Jacobian(jac, q) }),
		"PointBias":       elsewhere(func() { p.PointBias(points, q, dq) }),
	}
	all["Tick"] = elsewhere(func() {
		tree.MassMatrix(mass, q)
		tree.Bias(torque, q, dq)
		tree.Gravity(torque, q)
		p.Points(points, q)
		p.Velocities(points, q, dq)
		p.Jacobian(jac, q)
		p.PointBias(points, q, dq)
	})
	return all
}

func TestAllocations(t *testing.T) {
	for name, f := range ticks(t) {
		if a := testing.AllocsPerRun(100, f); a != 0 {
			t.Errorf("%s: %v allocations, want 0", name, a)
		}
	}
}

// BenchmarkArm7 times each computation alone, at a q that is new, for seven joints and two
// points; Tick is all of them at one q, as a safety filter needs them.
func BenchmarkArm7(b *testing.B) {
	for name, f := range ticks(b) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				f()
			}
		})
	}
}
