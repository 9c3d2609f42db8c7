package rigidbody

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"guidedpolicysearch/hardware/urdf"
)

// FuzzNew: a random robot in which one number is wrong is refused, or gives finite numbers.
func FuzzNew(f *testing.F) {
	for i, v := range []float64{0, 1, -1, 1e-300, 1e30, -1e30, 1e300, math.NaN(), math.Inf(1)} {
		for k := range 16 {
			f.Add(uint64(i*16+k), uint8(k), uint16(k*37), v)
		}
	}
	f.Fuzz(func(t *testing.T, seed uint64, field uint8, at uint16, value float64) {
		rng := rand.New(rand.NewPCG(seed, 1))
		r := randomRobot(rng, 1+int(seed%7), seed%2 == 0, true)
		j := &r.model.Joints[int(at)%len(r.model.Joints)]
		l := &r.model.Links[int(at)%len(r.model.Links)]
		in := randomInertial(rng)
		if l.Inertial == nil {
			l.Inertial = in
		}
		k, i := int(at)%3, int(at/3)%3
		switch field % 16 {
		case 0:
			j.Origin.Translation[k] = value
		case 1:
			j.Origin.Rotation[k][i] = value
		case 2:
			j.Axis[k] = value
		case 3:
			j.Damping = value
		case 4:
			j.Limit = &urdf.Limit{Lower: value, Upper: 1, Effort: 1, Velocity: 1}
		case 5:
			j.Mimic = &urdf.Mimic{Joint: r.model.Joints[int(at/5)%len(r.model.Joints)].Name, Multiplier: value, Offset: 1}
		case 6:
			l.Inertial.Mass = value
		case 7:
			l.Inertial.Inertia[k][i], l.Inertial.Inertia[i][k] = value, value
		case 8:
			l.Inertial.Origin.Translation[k] = value
		case 9:
			j.Parent = int(int8(at))
		case 10:
			j.Child = int(int8(at))
		case 11:
			j.Type = urdf.JointType([]string{"", "floating", "fixed", "prismatic"}[at%4])
		case 12:
			l.Inertial = nil
		case 13:
			r.config.Gravity[k] = value
		case 14:
			r.config.LockedJoints, r.config.LockedPositions = []string{j.Name}, []float64{value}
		case 15:
			r.config.KinematicsOnly = true
			j.Name = "other"
		}
		tree, err := New(r.model, r.config)
		if err != nil {
			if !errors.Is(err, ErrConfig) && !errors.Is(err, ErrModel) {
				t.Fatalf("error %v wraps neither ErrConfig nor ErrModel", err)
			}
			return
		}
		n := len(r.config.Joints)
		q, dq := randomList(rng, n, 3), randomList(rng, n, 3)
		out := make([]float64, 6*n+2*n+n*n)
		tree.Jacobian(out[:6*n], q, LinkID(len(r.model.Links)-1), [3]float64{1, 2, 3})
		if !r.config.KinematicsOnly {
			tree.InverseDynamics(out[6*n:7*n], q, dq, dq)
			tree.Gravity(out[7*n:8*n], q)
			tree.MassMatrix(out[8*n:], q)
		}
		for _, v := range out {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				t.Fatalf("results %v are not finite", out)
			}
		}
	})
}
