package main

import (
	"math"
	"path/filepath"
	"testing"

	"guidedpolicysearch/hardware/mujoco"
	"guidedpolicysearch/hardware/trajectory"
	"guidedpolicysearch/node/demonstration"
)

var joints = []string{"joint1", "joint2", "joint3"}

func read(t *testing.T, path string) *trajectory.Trajectory {
	t.Helper()
	motion, err := demonstration.Read(path, joints, demonstration.Topics{JointStates: "joint_states"})
	if err != nil {
		t.Fatal(err)
	}
	return motion.Trajectory
}

// The demonstration in params is what this program makes: positions alone, 100 a second, that lead the
// finger from the trial's start to just behind the disc when that is at the mark.
func TestDemonstration(t *testing.T) {
	const committed = "../../../params/planar_pusher_demonstration.mcap"
	motion := read(t, committed)
	n := len(motion.Time)
	if n != 500 || motion.Velocity != nil || motion.Effort != nil || motion.CheckSampling(0.01, 1.01, 0) != nil {
		t.Fatalf("%d rows, want 500 of positions alone, 0.01 s apart", n)
	}
	for j, want := range []float64{-1.2, 1.2, 0.6} {
		if math.Abs(motion.Position[j]-want) > encoder {
			t.Errorf("joint %d begins at %v, want %v", j+1, motion.Position[j], want)
		}
	}
	finger, err := fingertip(joints)
	if err != nil {
		t.Fatal(err)
	}
	if d := mark.plus(-1, finger.at(motion.Position[3*(n-1):])).length(); d < touching-0.005 || d > touching+arrived+0.005 {
		t.Errorf("the finger ends %v m from the mark, want to be behind a disc that is there", d)
	}
	if !mujoco.Built {
		t.Skip("needs a build with MuJoCo: cgo, libmujoco-dev, and no tag nomujoco")
	}
	path := filepath.Join(t.TempDir(), "again.mcap")
	if err := run(path); err != nil {
		t.Fatal(err)
	}
	again := read(t, path)
	for i, v := range again.Position {
		// Versions of MuJoCo differ in contacts.
		if math.Abs(v-motion.Position[i]) > 0.02 {
			t.Fatalf("row %d: joint %d is at %v, in the file at %v", i/3, i%3+1, v, motion.Position[i])
		}
	}
}

// The hand goes round to behind the disc, pushes towards the mark, steers against what it sees, and
// stops there.
func TestLead(t *testing.T) {
	disc := point{0.55, 0} // the mark is 0.2 m ahead, along y
	for _, c := range []struct {
		name   string
		finger point
		disc   point
		ok     func(v point) bool
	}{
		{"far away", point{0.7, -0.2}, disc, func(v point) bool { return v.x < 0 && v.y > 0 && math.Abs(v.length()-speed) < 1e-9 }},
		{"behind", point{0.55, -0.075}, disc, func(v point) bool { return math.Abs(v.x) < 1e-9 && v.y > 0.1 }},
		{"behind to the right", point{0.56, -0.075}, disc, func(v point) bool { return v.x < -0.1 && v.y > 0.1 }},
		{"arrived", point{0.55, 0.12}, mark, func(v point) bool { return v == point{} }},
	} {
		if v := lead(c.finger, c.disc); !c.ok(v) {
			t.Errorf("%s: velocity %v", c.name, v)
		}
	}
}
