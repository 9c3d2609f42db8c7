package rigidbody

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"guidedpolicysearch/hardware/urdf"
	"guidedpolicysearch/internal/vectors"
)

func TestLinksAndPoints(t *testing.T) {
	r := arm7()
	tree := build(t, r.model, r.config)
	check := func(err error, want string) {
		t.Helper()
		if !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want ErrConfig with %q", err, want)
		}
	}
	_, err := tree.Link("hand")
	check(err, `no link is named "hand"; the links are base, link1, link2`)
	_, err = tree.Points("hand", [][3]float64{{}})
	check(err, `no link is named "hand"`)
	_, err = tree.Points("link7", nil)
	check(err, `no points on link "link7"`)
	_, err = tree.Points("link7", [][3]float64{{}, {0, math.NaN(), 0}})
	check(err, `point 1 on link "link7" is [0 NaN 0]`)

	// A point of the base stays.
	p, err := tree.Points("base", [][3]float64{{1, 2, 3}})
	if err != nil {
		t.Fatal(err)
	}
	q := randomList(rand.New(rand.NewPCG(1, 1)), 7, 3)
	at, jac := make([]float64, 3), make([]float64, 21)
	p.Points(at, q)
	vectors.Close(t, "point of the base", at, []float64{1, 2, 3}, 0)
	p.Velocities(at, q, q)
	p.Jacobian(jac, q)
	vectors.Close(t, "its motion", append(jac, at...), make([]float64, 24), 0)
	p.PointBias(at, q, q)
	vectors.Close(t, "its acceleration", at, make([]float64, 3), 0)
}

// TestMimicOfMimic: joint8 follows joint7, which follows joint6 or, locked, its position.
func TestMimicOfMimic(t *testing.T) {
	r := arm7()
	r.model.Joints[7].Mimic = &urdf.Mimic{Joint: "joint7", Multiplier: 0.1, Offset: 0.2}
	r.model.Joints[6].Mimic = &urdf.Mimic{Joint: "joint6", Multiplier: -2, Offset: 0.3}
	free := arm7()
	free.model.Joints[7].Limit = nil
	free.config.Joints = append(free.config.Joints, "joint8")
	var got, want urdf.Pose
	q := []float64{0.1, 0.2, 0.3, 0.4, 0.5, 0.6}
	const q7 = -2*0.6 + 0.3
	build(t, free.model, free.config).Pose(&want, append(append([]float64(nil), q...), q7, 0.1*q7+0.2), 8)
	compare := func(what string) {
		t.Helper()
		for i := range want.Rotation {
			vectors.Close(t, what+": rotation", got.Rotation[i][:], want.Rotation[i][:], 1e-14)
		}
		vectors.Close(t, what+": position", got.Translation[:], want.Translation[:], 1e-14)
	}
	r.config.Joints = r.config.Joints[:6]
	build(t, r.model, r.config).Pose(&got, q, 8)
	compare("moving")
	r.config.Joints, r.config.LockedJoints, r.config.LockedPositions = r.config.Joints[:5], []string{"joint6"}, q[5:]
	build(t, r.model, r.config).Pose(&got, q[:5], 8)
	compare("locked")
}

// TestRoundedAxis: the length of an axis that is written with six digits does not matter.
func TestRoundedAxis(t *testing.T) {
	q := []float64{0.6, 0.8, 0.1, -0.2, 0.2, 0.5, 0}
	var poses [2]urdf.Pose
	for i, length := range []float64{1, 1 - 5e-7} {
		r := arm7()
		r.model.Joints[3].Axis[2] = length
		build(t, r.model, r.config).Pose(&poses[i], q, 7)
	}
	vectors.Close(t, "position", poses[1].Translation[:], poses[0].Translation[:], 1e-15)
}

// TestDefaultLock: joints that nobody names are at 0, or at the limit next to it.
func TestDefaultLock(t *testing.T) {
	r := arm7()
	tree := build(t, r.model, r.config)
	link, hand := urdf.Pose{}, urdf.Pose{}
	tree.Pose(&link, make([]float64, 7), LinkID(7))
	tree.Pose(&hand, make([]float64, 7), LinkID(8))
	at := vector(hand.Translation).sub(vector(link.Translation)).array()
	// The length before the joint, and 0.01 along its axis, which joint8's origin turns.
	origin := r.model.Joints[7].Origin
	along := vector(image(origin.Rotation, [3]float64{0, 0, 0.01})).add(vector(origin.Translation)).array()
	want := image(link.Rotation, along)
	vectors.Close(t, "gripper", at[:], want[:], 1e-15)
}

func TestLimits(t *testing.T) {
	r := arm7()
	r.model.Joints[1].Limit = nil
	r.model.Joints[2].Type = urdf.Continuous
	r.model.Joints[3].Limit = &urdf.Limit{Lower: -1, Upper: 2, Effort: 3, Velocity: 4}
	r.model.Joints[7].Mimic = &urdf.Mimic{Joint: "joint1", Multiplier: 0.01}
	r.config.Joints = []string{"joint7", "joint4", "joint3", "joint2", "joint1"}
	tree := build(t, r.model, r.config)
	lower, upper, velocity, effort := tree.Limits()
	inf := math.Inf(1)
	vectors.Close(t, "lower", lower, []float64{-2.8, -1, -inf, -inf, -2.8}, 0)
	vectors.Close(t, "upper", upper, []float64{2.8, 2, inf, inf, 2.8}, 0)
	vectors.Close(t, "velocity", velocity, []float64{2, 4, 2, inf, 2}, 0)
	vectors.Close(t, "effort", effort, []float64{80, 3, 80, inf, 80}, 0)
	lower[0] = 1
	if again, _, _, _ := tree.Limits(); again[0] != -2.8 {
		t.Error("Limits returns what the tree keeps, want a copy")
	}
	if got := fmt.Sprint(tree.Joints()); got != fmt.Sprint(r.config.Joints) {
		t.Errorf("Joints is %s, want %v", got, r.config.Joints)
	}
}

func TestFriction(t *testing.T) {
	r := arm7()
	r.model.Joints[2].Friction = 3
	r.model.Joints[7].Mimic = &urdf.Mimic{Joint: "joint2", Multiplier: -2}
	r.model.Joints[7].Damping, r.model.Joints[7].Friction = 0.1, 0.2
	tree := build(t, r.model, r.config)
	got := make([]float64, 7)
	tree.Friction(got, []float64{2, 1, -2, 0, 0, 0, 0})
	vectors.Close(t, "friction", got, []float64{1, 0.5 + 4*0.1 + 2*0.2, -1 - 3, 0, 0, 0, 0}, 1e-15)
	tree.Friction(got, make([]float64, 7))
	vectors.Close(t, "friction at rest", got, make([]float64, 7), 0)
}
