package kinematics

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"
)

// FuzzChains: a configuration is refused or makes a chain of which points, velocities and
// Jacobian are finite at angles of any size, and agree with central differences where those
// are exact enough.
func FuzzChains(f *testing.F) {
	for _, serial := range []bool{false, true} {
		f.Add(serial, uint8(2), uint8(1), uint64(1), 0.5, 1.0, 3.0)
		f.Add(serial, uint8(7), uint8(2), uint64(2), 0.2, -2.0, 100.0)
		f.Add(serial, uint8(64), uint8(64), uint64(3), 10.0, 1e-8, 1.0)
		f.Add(serial, uint8(3), uint8(2), uint64(4), 1e-30, 1e150, 1e300)
		f.Add(serial, uint8(3), uint8(2), uint64(5), 1e308, 1e-150, 1.0)
		f.Add(serial, uint8(3), uint8(2), uint64(6), math.NaN(), math.Inf(1), 1.0)
		f.Add(serial, uint8(0), uint8(0), uint64(7), 1.0, 1.0, 1.0)
		f.Add(serial, uint8(65), uint8(1), uint64(8), 1.0, 0.0, 1.0)
	}
	f.Fuzz(func(t *testing.T, serial bool, joints, tips uint8, seed uint64, length, axis, scale float64) {
		rng := rand.New(rand.NewPCG(seed, 1))
		n := int(joints) % (maxJoints + 2) // one too many and none too
		vector := func(size float64) (v [3]float64) {
			for i := range v {
				v[i] = size * (2*rng.Float64() - 1)
			}
			return v
		}
		var c chain
		var err error
		if serial {
			var config SerialConfig
			for range n {
				config.Joints = append(config.Joints, Joint{Axis: vector(axis), Shift: vector(length)})
			}
			for range int(tips) % (maxJoints + 2) {
				config.Tips = append(config.Tips, vector(length))
			}
			c, err = NewSerial(config)
		} else {
			config := PlanarConfig{Coordinates: int(tips) % 5}
			for range n {
				config.Lengths = append(config.Lengths, length*(0.5+rng.Float64()))
			}
			c, err = NewPlanar(config)
		}
		if err != nil {
			if !errors.Is(err, ErrConfig) {
				t.Fatalf("error %v does not wrap ErrConfig", err)
			}
			return
		}
		if !(math.Abs(scale) <= 1e200) {
			return // sums of angles and products with rates leave the finite numbers
		}
		n, m := c.Dims()
		q, dq := make([]float64, n), make([]float64, n)
		for i := range n {
			q[i], dq[i] = scale*(2*rng.Float64()-1), scale*(2*rng.Float64()-1)
		}
		points, velocities, jacobian := make([]float64, m), make([]float64, m), make([]float64, m*n)
		c.Points(points, q)
		c.Velocities(velocities, q, dq)
		c.Jacobian(jacobian, q)
		for _, list := range [][]float64{points, velocities, jacobian} {
			for _, v := range list {
				if math.IsNaN(v) || math.IsInf(v, 0) {
					t.Fatalf("%T: %v at angles %v", c, list, q)
				}
			}
		}
		if math.Abs(scale) > 100 {
			return
		}
		const h = 1e-5
		// No point is farther from a hinge than the links are long together.
		reach := 2 * math.Abs(length) * float64(n+1)
		hi, lo := make([]float64, m), make([]float64, m)
		for j := range n {
			at := q[j]
			q[j] = at + h
			c.Points(hi, q)
			q[j] = at - h
			c.Points(lo, q)
			q[j] = at
			for i := range m {
				if want := (hi[i] - lo[i]) / (2 * h); math.Abs(jacobian[i*n+j]-want) > 1e-7*reach {
					t.Fatalf("%T: Jacobian[%d,%d] is %v, %v by differences", c, i, j, jacobian[i*n+j], want)
				}
			}
		}
		for i, v := range velocities {
			want, size := 0.0, 0.0
			for j := range n {
				want += jacobian[i*n+j] * dq[j]
				size += math.Abs(dq[j]) * reach
			}
			if math.Abs(v-want) > 1e-12*size {
				t.Fatalf("%T: velocity %d is %v, want %v, the Jacobian times the rates", c, i, v, want)
			}
		}
	})
}
