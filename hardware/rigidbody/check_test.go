package rigidbody

import (
	"errors"
	"math"
	"strings"
	"testing"

	"guidedpolicysearch/hardware/urdf"
	"guidedpolicysearch/internal/vectors"
)

func TestErrors(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range []struct {
		sentinel error
		want     []string
		change   func(m *urdf.Model, c *Config)
	}{
		{ErrConfig, []string{"joints is empty"}, func(m *urdf.Model, c *Config) { c.Joints = nil }},
		{ErrConfig, []string{`"joint1" twice`}, func(m *urdf.Model, c *Config) { c.Joints[3] = "joint1" }},
		{ErrConfig, []string{`"jiont1"`, "joint1", "joint8"}, func(m *urdf.Model, c *Config) { c.Joints[0] = "jiont1" }},
		{urdf.ErrJoints, []string{"joints: ", `"joint7" is fixed`}, func(m *urdf.Model, c *Config) { m.Joints[6].Type = urdf.Fixed }},
		{ErrConfig, []string{"joints: ", `"joint5" mimics "joint1"`}, func(m *urdf.Model, c *Config) { m.Joints[4].Mimic = &urdf.Mimic{Joint: "joint1"} }},
		{ErrConfig, []string{"locked_joints: ", `"gripper"`}, func(m *urdf.Model, c *Config) { c.LockedJoints, c.LockedPositions = []string{"gripper"}, []float64{0} }},
		{ErrConfig, []string{`"joint8" is named twice`}, func(m *urdf.Model, c *Config) {
			c.LockedJoints, c.LockedPositions = []string{"joint8", "joint8"}, []float64{0, 0}
		}},
		{ErrConfig, []string{`"joint2" is named twice`}, func(m *urdf.Model, c *Config) { c.LockedJoints, c.LockedPositions = []string{"joint2"}, []float64{0} }},
		{ErrConfig, []string{"locked_positions has 0 elements, want 1"}, func(m *urdf.Model, c *Config) { c.LockedJoints = []string{"joint8"} }},
		{ErrConfig, []string{`locked_positions of joint "joint8" is NaN`}, func(m *urdf.Model, c *Config) { c.LockedJoints, c.LockedPositions = []string{"joint8"}, []float64{nan} }},
		{ErrConfig, []string{`locked_positions of joint "joint8" is 1, want a number from 0.01 to 0.05`}, func(m *urdf.Model, c *Config) {
			c.LockedJoints, c.LockedPositions = []string{"joint8"}, []float64{1}
		}},
		{ErrConfig, []string{"gravity is [0 -Inf -9.81]"}, func(m *urdf.Model, c *Config) { c.Gravity[1] = -inf }},
		{ErrModel, []string{"at least one link"}, func(m *urdf.Model, c *Config) { *m = urdf.Model{} }},
		{ErrModel, []string{"one joint fewer than links"}, func(m *urdf.Model, c *Config) { m.Joints = m.Joints[:5] }},
		{ErrModel, []string{`"joint3" hangs link 3 from link 5`}, func(m *urdf.Model, c *Config) { m.Joints[2].Parent = 5 }},
		{ErrModel, []string{`"joint3" hangs link 3 from link -1`}, func(m *urdf.Model, c *Config) { m.Joints[2].Parent = -1 }},
		{ErrModel, []string{`"joint3" hangs link 1`, "link 3"}, func(m *urdf.Model, c *Config) { m.Joints[2].Child = 1 }},
		{ErrModel, []string{`two links are named "link2"`}, func(m *urdf.Model, c *Config) { m.Links[5].Name = "link2" }},
		{ErrModel, []string{`two joints are named "joint2"`}, func(m *urdf.Model, c *Config) { m.Joints[5].Name = "joint2" }},
		{ErrModel, []string{`"joint4"`, `"floating"`}, func(m *urdf.Model, c *Config) { m.Joints[3].Type = "floating" }},
		{ErrModel, []string{`axis of joint "joint4" is [0 0 2]`}, func(m *urdf.Model, c *Config) { m.Joints[3].Axis[2] = 2 }},
		{ErrModel, []string{`axis of joint "joint4" is [NaN`}, func(m *urdf.Model, c *Config) { m.Joints[3].Axis[0] = nan }},
		{ErrModel, []string{`origin of joint "joint4" is at [`}, func(m *urdf.Model, c *Config) { m.Joints[3].Origin.Translation[1] = inf }},
		{ErrModel, []string{`origin of joint "joint4" has rotation`}, func(m *urdf.Model, c *Config) { m.Joints[3].Origin.Rotation[1][1] = 0.5 }},
		{ErrModel, []string{`origin of joint "joint4" has rotation [[0 0 0]`}, func(m *urdf.Model, c *Config) { m.Joints[3].Origin = urdf.Pose{} }},
		{ErrModel, []string{`origin of joint "joint1" has rotation`, "right-handed"}, func(m *urdf.Model, c *Config) { m.Joints[0].Origin.Rotation[2][2] = -1 }},
		{ErrModel, []string{`"joint4" has damping -1`}, func(m *urdf.Model, c *Config) { m.Joints[3].Damping = -1 }},
		{ErrModel, []string{`"joint4" has damping 0.5 and friction NaN`}, func(m *urdf.Model, c *Config) { m.Joints[3].Friction = nan }},
		{ErrModel, []string{`"joint4" has limits 1 and -1`}, func(m *urdf.Model, c *Config) { m.Joints[3].Limit = &urdf.Limit{Lower: 1, Upper: -1} }},
		{ErrModel, []string{`"joint8" mimics "x"`}, func(m *urdf.Model, c *Config) { m.Joints[7].Mimic = &urdf.Mimic{Joint: "x"} }},
		{ErrModel, []string{`"joint8" mimics itself`}, func(m *urdf.Model, c *Config) { m.Joints[7].Mimic = &urdf.Mimic{Joint: "joint8"} }},
		{ErrModel, []string{`"joint8" moves at NaN times joint "joint1"`}, func(m *urdf.Model, c *Config) { m.Joints[7].Mimic = &urdf.Mimic{Joint: "joint1", Multiplier: nan} }},
		{ErrModel, []string{`"joint8" moves at 1 times joint "joint1" plus -Inf`}, func(m *urdf.Model, c *Config) {
			m.Joints[7].Mimic = &urdf.Mimic{Joint: "joint1", Multiplier: 1, Offset: -inf}
		}},
		{ErrModel, []string{`mass of link "link2" is -1`}, func(m *urdf.Model, c *Config) { m.Links[2].Inertial.Mass = -1 }},
		{ErrModel, []string{`inertial origin of link "link2"`}, func(m *urdf.Model, c *Config) { m.Links[2].Inertial.Origin.Rotation[0][1] = nan }},
		{ErrModel, []string{`inertia of link "link2"`, "symmetric"}, func(m *urdf.Model, c *Config) { m.Links[2].Inertial.Inertia[0][1] = 0.01 }},
		{ErrModel, []string{`inertia of link "link2"`, "below 0"}, func(m *urdf.Model, c *Config) { m.Links[2].Inertial.Inertia[2][2] = -0.01 }},
		{ErrModel, []string{`"joint4"`, "link4", "<inertial>"}, func(m *urdf.Model, c *Config) { m.Links[4].Inertial = nil }},
		{ErrModel, []string{`"joint7"`, "(link7, link8)", "inertia about its axis"}, func(m *urdf.Model, c *Config) {
			for l := 7; l <= 8; l++ { // points on the axis
				m.Links[l].Inertial = &urdf.Inertial{Mass: 1, Origin: offset(0, 0, 0)}
			}
		}},
	} {
		r := arm7()
		c.change(r.model, &r.config)
		_, err := New(r.model, r.config)
		if !errors.Is(err, c.sentinel) || !errors.Is(err, ErrConfig) && !errors.Is(err, ErrModel) {
			t.Errorf("error is %v, want one that wraps %q", err, c.sentinel)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("error is %q, want %q in it", err, want)
			}
		}
	}
	if _, err := New(nil, arm7().config); !errors.Is(err, ErrModel) {
		t.Errorf("no model: error is %v, want ErrModel", err)
	}
}

// TestMasslessLink: a link of mass 0 weighs as much as one without an inertial.
func TestMasslessLink(t *testing.T) {
	r := arm7()
	q := []float64{0.6, 0.8, 0.1, -0.2, 0.2, 0.5, 0}
	var masses [2][]float64
	for i, in := range []*urdf.Inertial{nil, {Origin: offset(1, 2, 3)}} {
		r.model.Links[7].Inertial = in // link8 is welded to it
		masses[i] = make([]float64, 49)
		build(t, r.model, r.config).MassMatrix(masses[i], q)
	}
	vectors.Close(t, "mass matrix", masses[1], masses[0], 0)
}

// TestUnits: what is singular does not depend on how heavy a robot is.
func TestUnits(t *testing.T) {
	for _, factor := range []float64{1e-15, 1, 1e15} {
		r := arm7()
		for i := range r.model.Links[1:] {
			in := r.model.Links[i+1].Inertial
			in.Mass *= factor
			for k := range in.Inertia {
				for l := range in.Inertia {
					in.Inertia[k][l] *= factor
				}
			}
		}
		build(t, r.model, r.config)
		for l := 7; l <= 8; l++ { // points on the axis
			r.model.Links[l].Inertial = &urdf.Inertial{Mass: factor, Origin: offset(0, 0, 0)}
		}
		if _, err := New(r.model, r.config); !errors.Is(err, ErrModel) {
			t.Errorf("error is %v for masses times %g, want ErrModel: joint7 needs no torque", err, factor)
		}
	}
}
