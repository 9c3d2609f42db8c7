//go:build cgo && !nomujoco

package safety_test

import (
	"fmt"
	"io/fs"
	"testing"
	"testing/fstest"

	"guidedpolicysearch/hardware"
	"guidedpolicysearch/hardware/models"
	"guidedpolicysearch/hardware/mujoco"
	"guidedpolicysearch/hardware/rigidbody"
	"guidedpolicysearch/hardware/safety"
	"guidedpolicysearch/hardware/urdf"
)

// TestPropertiesMuJoCo drives the MuJoCo models as TestProperties does the plants in Go. The
// filter knows what their robot descriptions say. Where the model is wrong by more than the margins
// are stated for, in contacts, dry friction and the light joints' damping within a tick, the margins
// do not count until the arm is back within its limits.
func TestPropertiesMuJoCo(t *testing.T) {
	for i, c := range []struct {
		name     string
		contacts bool
		wrong    float64
	}{{"arm7", false, 60}, {"arm7", true, 20}, {"peg_insertion", true, 20}, {"planar_pusher", true, 20}} {
		t.Run(fmt.Sprintf("%s, contacts %v", c.name, c.contacts), func(t *testing.T) {
			drive(t, mujocoBody(t, c.name, c.contacts, c.wrong), ticks(t), uint64(100+i))
		})
	}
}

// TestPropertiesOfDelayMuJoCo drives the arm whose readings are late.
func TestPropertiesOfDelayMuJoCo(t *testing.T) {
	arm := mujocoBody(t, "arm7", false, 60)
	for k, delay := range delays {
		t.Run(delay.String(), func(t *testing.T) {
			drive(t, late(arm, delay), max(1, ticks(t)/5), uint64(200+k))
		})
	}
}

// scene returns the files of a model, and as scene.xml the model as it is or without contacts.
func scene(t testing.TB, name string, contacts bool) fs.FS {
	t.Helper()
	folder, file, err := models.Open(models.URI(name + ".xml"))
	if err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{"scene.xml": {Data: fmt.Appendf(nil, `<mujoco><include file=%q/></mujoco>`, file)}}
	if !contacts {
		files["scene.xml"].Data = fmt.Appendf(nil, `<mujoco><include file=%q/><option><flag contact="disable"/></option></mujoco>`, file)
	}
	names, err := fs.Glob(folder, "*.xml")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		data, err := fs.ReadFile(folder, name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = &fstest.MapFile{Data: data}
	}
	return files
}

func mujocoBody(t testing.TB, name string, contacts bool, wrong float64) *body {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	text, err := models.Read(models.URI(name + ".urdf"))
	must(err)
	description, err := urdf.Parse(text)
	must(err)
	s, err := mujoco.Load(scene(t, name, contacts), "scene.xml", mujoco.Config{TimeStep: 0.001})
	must(err)
	t.Cleanup(s.Close)
	tree, err := rigidbody.New(description, rigidbody.Config{Joints: s.JointNames(), Gravity: rigidbody.DefaultConfig().Gravity})
	must(err)
	n := len(s.JointNames())
	b := &body{name: name, dt: 0.001, error: wrong, driven: true, slewed: true, pushes: true}
	b.robot = safety.Robot{Joints: s.JointNames(), Dynamics: tree, Stiffness: fill(n, 50), Damping: fill(n, 5)}
	b.robot.Lower, b.robot.Upper, b.robot.Velocity, b.robot.EffortLimit = tree.Limits()
	for i, e := range b.robot.EffortLimit {
		b.robot.Velocity[i] *= 0.7 // at which the torque limits leave enough to brake
		b.slew = append(b.slew, 40*e)
		b.power += e * b.robot.Velocity[i] / 3
	}
	b.begin = func(q []float64) {
		must(s.Reset())
		if name != "peg_insertion" { // whose peg could be anywhere in the block
			x := make([]float64, 2*n)
			copy(x, q)
			must(s.SetState(x))
		}
	}
	b.step = s.Step
	b.read = func(r *hardware.JointState) {
		r.Stamp += 1e6
		copy(r.Position, s.Positions())
		copy(r.Velocity, s.Velocities())
	}
	return b
}
