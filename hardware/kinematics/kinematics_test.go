package kinematics

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"guidedpolicysearch/internal/vectors"
)

// chain is what the tests share between the two chains.
type chain interface {
	Dims() (joints, coordinates int)
	Points(dst, q []float64)
	Velocities(dst, q, dq []float64)
	Jacobian(dst, q []float64)
}

func chains(t *testing.T) map[string]chain {
	t.Helper()
	all := map[string]chain{}
	for n := 1; n <= 7; n++ {
		c := PlanarConfig{Coordinates: 2 + n%2}
		for i := range n {
			c.Lengths = append(c.Lengths, 0.2+0.1*float64(i))
		}
		p, err := NewPlanar(c)
		if err != nil {
			t.Fatal(err)
		}
		all[fmt.Sprintf("planar%d", n)] = p
	}
	skew := SerialConfig{Joints: []Joint{{Axis: [3]float64{1, 2, 3}, Shift: [3]float64{0.1, -0.2, 0.3}},
		{Axis: [3]float64{-1, 0.5, 0.1}, Shift: [3]float64{0, 0.4, 0}}, {Axis: [3]float64{0, 0, -2}, Shift: [3]float64{0.2, 0, 0}}},
		Tips: [][3]float64{{0, 0, 0}, {0.1, 0.2, 0.3}, {-0.3, 0, 0.1}}}
	for name, c := range map[string]SerialConfig{"serial7": DefaultSerialConfig(), "skew": skew} {
		s, err := NewSerial(c)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = s
	}
	return all
}

func random(rng *rand.Rand, n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = 3 * rng.NormFloat64()
	}
	return v
}

func TestDerivatives(t *testing.T) {
	for name, c := range chains(t) {
		rng := rand.New(rand.NewPCG(1, 2))
		n, m := c.Dims()
		for range 5 {
			q, dq := random(rng, n), random(rng, n)
			jac, lo, hi, vel := make([]float64, m*n), make([]float64, m), make([]float64, m), make([]float64, m)
			c.Jacobian(jac, q)
			c.Velocities(vel, q, dq)
			const h = 1e-5
			want, product := make([]float64, m*n), make([]float64, m)
			for j := range n {
				q[j] += h
				c.Points(hi, q)
				q[j] -= 2 * h
				c.Points(lo, q)
				q[j] += h
				for i := range m {
					want[i*n+j] = (hi[i] - lo[i]) / (2 * h)
					product[i] += jac[i*n+j] * dq[j]
				}
			}
			vectors.Close(t, name+" Jacobian", jac, want, 1e-8)
			vectors.Close(t, name+" velocity", vel, product, 1e-12)
		}
	}
}

func TestPlanarByHand(t *testing.T) {
	p, err := NewPlanar(PlanarConfig{Lengths: []float64{2, 1}, Coordinates: 3})
	if err != nil {
		t.Fatal(err)
	}
	tip, jac := make([]float64, 3), make([]float64, 6)
	q := []float64{math.Pi / 2, -math.Pi / 2}
	p.Points(tip, q)
	p.Jacobian(jac, q)
	vectors.Close(t, "tip", tip, []float64{1, 2, 0}, 1e-15)
	vectors.Close(t, "Jacobian", jac, []float64{-2, 0, 1, 1, 0, 0}, 1e-15)
}

func TestAllocations(t *testing.T) {
	for name, c := range chains(t) {
		n, m := c.Dims()
		q, points, jac := make([]float64, n), make([]float64, m), make([]float64, m*n)
		if a := testing.AllocsPerRun(100, func() {
			c.Points(points, q)
			c.Velocities(points, q, q)
			c.Jacobian(jac, q)
		}); a != 0 {
			t.Errorf("%s: %v allocations, want 0", name, a)
		}
	}
}

func TestVectors(t *testing.T) {
	vectors.Run(t, "arm2_rollout", func(t *testing.T, c vectors.Case) {
		p, err := NewPlanar(DefaultPlanarConfig())
		if err != nil {
			t.Fatal(err)
		}
		states, tips := c.Outputs.Get("states").Floats(-1, 4), c.Outputs.Get("tip").Floats(-1, 3)
		got := make([]float64, len(tips))
		for i := range len(tips) / 3 {
			p.Points(got[3*i:3*i+3], states[4*i:4*i+2])
		}
		vectors.Close(t, "tip", got, tips, c.Tolerance)
	})
	vectors.Run(t, "arm7_rollout", func(t *testing.T, c vectors.Case) {
		s, err := NewSerial(DefaultSerialConfig())
		if err != nil {
			t.Fatal(err)
		}
		q, points := c.Outputs.Get("q").Floats(-1, 7), c.Outputs.Get("points").Floats(-1, 6)
		got, jac := make([]float64, len(points)), make([]float64, 42)
		for i := range len(points) / 6 {
			s.Points(got[6*i:6*i+6], q[7*i:7*i+7])
		}
		s.Jacobian(jac, q[len(q)-7:])
		vectors.Close(t, "points", got, points, c.Tolerance)
		vectors.Close(t, "Jacobian", jac, c.Outputs.Get("jacobian_last").Floats(6, 7), c.Tolerance)
	})
}

func TestValidate(t *testing.T) {
	nan := math.NaN()
	planar := func(l ...float64) error { _, err := NewPlanar(PlanarConfig{Lengths: l, Coordinates: 2}); return err }
	serial := func(change func(*SerialConfig)) error {
		c := DefaultSerialConfig()
		change(&c)
		_, err := NewSerial(c)
		return err
	}
	for want, err := range map[string]error{
		"lengths has 0 elements": planar(),
		"lengths[1] is -1":       planar(1, -1),
		"lengths[0] is 1e+31":    planar(1e31),
		"lengths[0] is NaN":      planar(nan),
		"lengths has 65":         planar(make([]float64, 65)...),
		"coordinates is 4":       PlanarConfig{Lengths: []float64{1}, Coordinates: 4}.Validate(),
		"joints has 0":           serial(func(c *SerialConfig) { c.Joints = nil }),
		"joints has 65":          serial(func(c *SerialConfig) { c.Joints = make([]Joint, 65) }),
		"tips has 0":             serial(func(c *SerialConfig) { c.Tips = nil }),
		"joints[2].axis is [0":   serial(func(c *SerialConfig) { c.Joints[2].Axis = [3]float64{} }),
		"joints[1].axis is [1e":  serial(func(c *SerialConfig) { c.Joints[1].Axis = [3]float64{1e300, 0, 0} }),
		"joints[6].shift is [N":  serial(func(c *SerialConfig) { c.Joints[6].Shift[0] = nan }),
		"tips[1] is [":           serial(func(c *SerialConfig) { c.Tips[1][2] = math.Inf(1) }),
	} {
		if !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "want ") {
			t.Errorf("error is %v, want %q and an expectation", err, want)
		}
	}
}
