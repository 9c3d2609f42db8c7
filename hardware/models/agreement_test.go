//go:build cgo && !nomujoco

package models

import (
	"encoding/xml"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"guidedpolicysearch/hardware/mujoco"
	"guidedpolicysearch/hardware/rigidbody"
)

// open returns the simulator of a model in this package.
func open(t testing.TB, name string, c mujoco.Config) *mujoco.Simulator {
	t.Helper()
	folder, file, err := Open(URI(name))
	if err != nil {
		t.Fatal(err)
	}
	s, err := mujoco.Load(folder, file, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// TestDescriptionsAgree compares each model's URDF with its MJCF: names, limits, damping, mass
// matrix, bias torques and where the last link is.
func TestDescriptionsAgree(t *testing.T) {
	for name, last := range map[string][2]string{"arm7": {"hand", "hand"}, "peg_insertion": {"peg", "peg"}, "planar_pusher": {"link3", "link3"}} {
		t.Run(name, func(t *testing.T) {
			s := open(t, name+".xml", mujoco.Config{})
			joints := s.JointNames()
			description := parse(t, name+".urdf")
			tree, err := rigidbody.New(description, rigidbody.Config{Joints: joints, Gravity: [3]float64{0, 0, -9.81}})
			if err != nil {
				t.Fatal(err)
			}
			if movable := description.Movable(); fmt.Sprint(movable) != fmt.Sprint(joints) {
				t.Errorf("joints are %v in the URDF and %v in the MJCF", movable, joints)
			}
			n := len(joints)
			lower, upper, _, effort := tree.Limits()
			compare(t, "effort limits", effort, s.EffortLimits(), 0)
			ranges, damping := jointAttributes(t, name+".xml")
			ones, friction := make([]float64, n), make([]float64, n)
			for i := range ones {
				ones[i] = 1
			}
			tree.Friction(friction, ones)
			for i, joint := range joints {
				if want := fmt.Sprintf("%g %g", lower[i], upper[i]); ranges[joint] != want {
					t.Errorf("joint %s: range is %q in the MJCF, want %q", joint, ranges[joint], want)
				}
				if want := fmt.Sprintf("%g", friction[i]); damping[joint] != want {
					t.Errorf("joint %s: damping is %q in the MJCF, want %q", joint, damping[joint], want)
				}
			}
			link, err := tree.Link(last[0])
			if err != nil {
				t.Fatal(err)
			}
			random := rand.New(rand.NewPCG(1, 2))
			x, mass, theirMass := make([]float64, 2*n), make([]float64, n*n), make([]float64, n*n)
			bias, theirBias := make([]float64, n), make([]float64, n)
			jacobian, theirJacobian := make([]float64, 6*n), make([]float64, 6*n)
			point := [3]float64{0.02, -0.01, 0.12}
			for range 20 {
				for i := range x {
					x[i] = 4*random.Float64() - 2
				}
				q, dq := x[:n], x[n:]
				must(t, s.SetState(x))
				tree.MassMatrix(mass, q)
				must(t, s.MassMatrix(theirMass))
				compare(t, "mass matrix", mass, theirMass, 1e-10)
				tree.Bias(bias, q, dq)
				must(t, s.Bias(theirBias))
				compare(t, "bias", bias, theirBias, 1e-9)
				tree.Jacobian(jacobian, q, link, point)
				must(t, s.PointJacobian(theirJacobian, last[1], point))
				compare(t, "Jacobian of "+last[0], jacobian, theirJacobian, 1e-10)
			}
		})
	}
}

// jointAttributes reads range and damping of each joint of a file.
func jointAttributes(t *testing.T, name string) (ranges, damping map[string]string) {
	t.Helper()
	data, err := Read(URI(name))
	if err != nil {
		t.Fatal(err)
	}
	ranges, damping = map[string]string{}, map[string]string{}
	for d := xml.NewDecoder(strings.NewReader(string(data))); ; {
		token, _ := d.Token()
		if token == nil {
			return ranges, damping
		}
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "joint" {
			of := map[string]string{}
			for _, a := range e.Attr {
				of[a.Name.Local] = a.Value
			}
			ranges[of["name"]], damping[of["name"]] = of["range"], of["damping"]
		}
	}
}

func compare(t *testing.T, what string, got, want []float64, tolerance float64) {
	t.Helper()
	for i := range want {
		if !(math.Abs(got[i]-want[i]) <= tolerance) {
			t.Fatalf("%s: element %d is %.12g, want %.12g", what, i, got[i], want[i])
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// BenchmarkStep times the physics of each model near its home, at rest in gravity.
func BenchmarkStep(b *testing.B) {
	for _, name := range []string{"arm7.xml", "peg_insertion.xml", "planar_pusher.xml"} {
		b.Run(name, func(b *testing.B) {
			s := open(b, name, mujoco.Config{})
			u := make([]float64, len(s.JointNames()))
			must(b, s.Bias(u))
			b.ReportAllocs()
			for b.Loop() {
				must(b, s.Step(u))
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "steps/s")
		})
	}
}
