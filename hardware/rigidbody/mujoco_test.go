//go:build cgo && !nomujoco

package rigidbody

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	mat64 "gonum.org/v1/gonum/mat"

	"guidedpolicysearch/hardware/mujoco"
	"guidedpolicysearch/hardware/urdf"
	"guidedpolicysearch/internal/vectors"
)

// quaternion (w, x, y, z) of a rotation, from the largest of its components.
func quaternion(r [3][3]float64) [4]float64 {
	k := 0
	traces := [4]float64{r[0][0] + r[1][1] + r[2][2], r[0][0] - r[1][1] - r[2][2], r[1][1] - r[0][0] - r[2][2], r[2][2] - r[0][0] - r[1][1]}
	for i, v := range traces {
		if v > traces[k] {
			k = i
		}
	}
	big := math.Sqrt(1+traces[k]) / 2
	var q [4]float64
	skew := [4]float64{0, r[2][1] - r[1][2], r[0][2] - r[2][0], r[1][0] - r[0][1]} // 4 w (x, y, z)
	for i := range q {
		switch {
		case i == k:
			q[i] = big
		case k == 0:
			q[i] = skew[i] / (4 * big)
		case i == 0:
			q[i] = skew[k] / (4 * big)
		default:
			q[i] = (r[i-1][k-1] + r[k-1][i-1]) / (4 * big)
		}
	}
	return q
}

func text(v ...float64) string {
	s := make([]string, len(v))
	for i := range v {
		s[i] = fmt.Sprintf("%.17g", v[i])
	}
	return strings.Join(s, " ")
}

// principal returns the moments and axes of an inertia: MuJoCo finds them itself only to 1e-8.
func principal(inertia [3][3]float64) (moments []float64, axes [3][3]float64) {
	flat := slices.Concat(inertia[0][:], inertia[1][:], inertia[2][:])
	var e mat64.EigenSym
	var v mat64.Dense
	e.Factorize(mat64.NewSymDense(3, flat), true)
	e.VectorsTo(&v)
	sign := 1.0
	if mat64.Det(&v) < 0 {
		sign = -1
	}
	for i := range axes {
		for j := range axes {
			axes[i][j] = sign * v.At(i, j)
		}
	}
	return e.Values(nil), axes
}

// mjcf writes the robot in MuJoCo's format. What is locked becomes part of the bodies' poses.
func mjcf(r robot) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<mujoco><compiler angle="radian" inertiafromgeom="false"/><option gravity="%s"/><worldbody>`, text(r.config.Gravity[:]...))
	var link func(i int)
	link = func(i int) {
		pose := urdf.Pose{Rotation: rotation([4]float64{1, 0, 0, 0})}
		joint := ""
		if i > 0 {
			j := r.model.Joints[i-1]
			pose = j.Origin
			if slices.Contains(r.config.Joints, j.Name) {
				kind := map[bool]string{true: "slide", false: "hinge"}[j.Type == urdf.Prismatic]
				joint = fmt.Sprintf(`<joint name="%s" type="%s" axis="%s"/>`, j.Name, kind, text(j.Axis[:]...))
			} else if k := slices.Index(r.config.LockedJoints, j.Name); k >= 0 {
				at := r.config.LockedPositions[k]
				if j.Type == urdf.Prismatic {
					shift := image(pose.Rotation, j.Axis)
					for k := range shift {
						pose.Translation[k] += at * shift[k]
					}
				} else {
					sin, cos := math.Sincos(at / 2)
					pose.Rotation = product(pose.Rotation, rotation([4]float64{cos, sin * j.Axis[0], sin * j.Axis[1], sin * j.Axis[2]}))
				}
			}
		}
		quat := quaternion(pose.Rotation)
		fmt.Fprintf(&b, `<body name="%s" pos="%s" quat="%s">%s`, r.model.Links[i].Name, text(pose.Translation[:]...), text(quat[:]...), joint)
		if in := r.model.Links[i].Inertial; in != nil {
			moments, axes := principal(product(product(in.Origin.Rotation, in.Inertia), transpose(in.Origin.Rotation)))
			quat := quaternion(axes)
			fmt.Fprintf(&b, `<inertial mass="%s" pos="%s" quat="%s" diaginertia="%s"/>`, text(in.Mass), text(in.Origin.Translation[:]...), text(quat[:]...), text(moments...))
		}
		for _, j := range r.model.Joints {
			if j.Parent == i {
				link(j.Child)
			}
		}
		b.WriteString("</body>\n")
	}
	link(0)
	b.WriteString("</worldbody><actuator>")
	for _, name := range r.config.Joints {
		fmt.Fprintf(&b, `<motor joint="%s"/>`, name)
	}
	b.WriteString("</actuator></mujoco>")
	return b.String()
}

// TestAgainstMuJoCo compares random chains and trees in random states with another engine:
// both in double precision, so that only rounding errors are between them.
func TestAgainstMuJoCo(t *testing.T) {
	for k, r := range append(robots(false), arm7()) {
		t.Run(r.name, func(t *testing.T) {
			if r.name == "arm7" { // the gripper's default: the limit next to 0
				r.config.LockedJoints, r.config.LockedPositions = []string{"joint8"}, []float64{0.01}
			}
			s, err := mujoco.Load(fstest.MapFS{"robot.xml": {Data: []byte(mjcf(r))}}, "robot.xml", mujoco.Config{Joints: r.config.Joints})
			if err != nil {
				t.Fatalf("%v\n%s", err, mjcf(r))
			}
			defer s.Close()
			must := func(err error) {
				t.Helper()
				if err != nil {
					t.Fatal(err)
				}
			}
			tree := build(t, r.model, r.config)
			rng := rand.New(rand.NewPCG(uint64(k), 5))
			n := len(r.config.Joints)
			got, want := make([]float64, n), make([]float64, n)
			mass, theirs := make([]float64, n*n), make([]float64, n*n)
			jac, other := make([]float64, 6*n), make([]float64, 6*n)
			for range 5 {
				q, dq, ddq := randomList(rng, n, 3), randomList(rng, n, 3), randomList(rng, n, 10)
				must(s.SetState(append(append([]float64(nil), q...), dq...)))
				for i, l := range r.model.Links {
					var pose urdf.Pose
					tree.Pose(&pose, q, LinkID(i))
					p, err := s.BodyPose(l.Name)
					must(err)
					vectors.Close(t, "position of "+l.Name, pose.Translation[:], p.Position[:], 1e-11)
					flat := slices.Concat(pose.Rotation[0][:], pose.Rotation[1][:], pose.Rotation[2][:])
					vectors.Close(t, "rotation of "+l.Name, flat, p.Rotation[:], 1e-11)
					point := randomVector(rng, 0.3)
					tree.Jacobian(jac, q, LinkID(i), point)
					must(s.PointJacobian(other, l.Name, point))
					vectors.Close(t, "Jacobian of "+l.Name, jac, other, 1e-11)
				}
				tree.MassMatrix(mass, q)
				must(s.MassMatrix(theirs))
				vectors.Close(t, "mass matrix", mass, theirs, 1e-11)
				tree.Bias(got, q, dq)
				must(s.Bias(want))
				vectors.Close(t, "bias", got, want, 1e-11)
				tree.InverseDynamics(got, q, dq, ddq)
				must(s.InverseDynamics(want, ddq))
				vectors.Close(t, "torques", got, want, 1e-11)
				must(s.SetState(append(append([]float64(nil), q...), make([]float64, n)...)))
				tree.Gravity(got, q)
				must(s.Bias(want))
				vectors.Close(t, "gravity", got, want, 1e-11)
			}
		})
	}
}
