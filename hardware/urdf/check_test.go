package urdf

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func TestLookups(t *testing.T) {
	m := parseFile(t, "gripper.urdf")
	for i, j := range m.Joints {
		if k, ok := m.Joint(j.Name); k != i || !ok {
			t.Errorf("joint %s has the index %d, %v, want %d", j.Name, k, ok, i)
		}
	}
	for i, l := range m.Links {
		if k, ok := m.Link(l.Name); k != i || !ok {
			t.Errorf("link %s has the index %d, %v, want %d", l.Name, k, ok, i)
		}
	}
	if k, ok := m.Joint("hand"); k != 0 || ok {
		t.Errorf("a link is joint %d, %v", k, ok)
	}
	if k, ok := m.Link("wrist"); k != 0 || ok {
		t.Errorf("a joint is link %d, %v", k, ok)
	}
	if got, want := m.Movable(), []string{"lift", "wrist", "finger1"}; !reflect.DeepEqual(got, want) {
		t.Errorf("movable joints %v, want %v", got, want)
	}
}

func TestCheckJoints(t *testing.T) {
	m := parseFile(t, "gripper.urdf")
	fixed, err := Parse([]byte(`<robot name="rock"><link name="a"/></robot>`))
	if err != nil {
		t.Fatal(err)
	}
	many := make([]string, 1000)
	for i := range many {
		many[i] = strings.Repeat("x", 100000)
	}
	for _, c := range []struct {
		model  *Model
		joints []string
		want   []string // nothing: no error
	}{
		{m, nil, nil},
		{m, []string{"finger1", "lift", "wrist"}, nil},
		{m, []string{"lift", "camera"}, []string{`"camera" does not exist; robot "gripper"`}},
		{m, []string{"lift", "wirst"}, []string{`"wirst" does not exist (the nearest is "wrist")`, `robot "gripper" has the movable joints "lift", "wrist", "finger1"`}},
		{m, []string{"", "hand"}, []string{`"" does not exist`, `"hand" does not exist`}},
		{m, []string{"camera_mount"}, []string{`"camera_mount" is fixed`}},
		{m, []string{"finger2"}, []string{`"finger2" mimics "finger1" and cannot be moved by itself`}},
		{m, []string{"lift", "wrist", "lift"}, []string{`"lift" is named twice`}},
		{fixed, []string{"j"}, []string{`"j" does not exist; robot "rock" has no movable joints`}},
		{m, many, []string{`does not exist`}},
	} {
		err := c.model.CheckJoints(c.joints)
		if (err == nil) != (c.want == nil) || err != nil && !errors.Is(err, ErrJoints) {
			t.Errorf("%.80v: error %v", c.joints, err)
			continue
		}
		for _, want := range c.want {
			if text := err.Error(); !strings.Contains(text, want) || len(text) > 4000 {
				t.Errorf("error %s, want %s", text, want)
			}
		}
	}
}

// TestCheckInertias: the camera hangs from lift, one finger from wrist; the base is not moved.
func TestCheckInertias(t *testing.T) {
	m := parseFile(t, "gripper.urdf")
	without := func(links ...string) *Model {
		c := parseFile(t, "gripper.urdf")
		for _, name := range links {
			i, _ := c.Link(name)
			c.Links[i].Inertial = nil
		}
		return c
	}
	weightless := parseFile(t, "gripper.urdf")
	for i := range weightless.Links {
		if in := weightless.Links[i].Inertial; in != nil {
			in.Mass = 0
		}
	}
	heavyBase := without("camera", "finger1_link")
	heavyBase.Links[0].Inertial = &Inertial{Mass: 100}
	for _, c := range []struct {
		model  *Model
		joints []string
		want   string
	}{
		{m, nil, ""},
		{m, []string{"lift"}, ""},
		{m, []string{"lift", "wrist"}, ""},
		{m, []string{"lift", "wrist", "finger1"}, `joint "wrist" of robot "gripper" moves no mass: write an <inertial> with a mass > 0 for at least one of the links "hand", "finger2_link"`},
		{m, []string{"finger1", "wrist"}, `joint "wrist" of robot "gripper" moves no mass`},
		{without("camera"), []string{"lift"}, ""},
		{without("camera"), []string{"lift", "wrist"}, `joint "lift" of robot "gripper" moves no mass: write an <inertial> with a mass > 0 for at least one of the links "column", "camera"`},
		{without("finger1_link"), []string{"lift", "wrist"}, `joint "wrist" of robot "gripper" moves no mass: write an <inertial> with a mass > 0 for at least one of the links "hand", "finger2_link", "finger1_link"`},
		{weightless, []string{"finger1"}, `joint "finger1" of robot "gripper" moves no mass`},
		{heavyBase, []string{"lift"}, `joint "lift" of robot "gripper" moves no mass`},
		{m, []string{"finger2"}, `"finger2" mimics`},
	} {
		err := c.model.CheckInertias(c.joints)
		if (err == nil) != (c.want == "") {
			t.Errorf("%v: error %v, want %q", c.joints, err, c.want)
		} else if err != nil && (!strings.Contains(err.Error(), c.want) || !errors.Is(err, ErrDescription) && !errors.Is(err, ErrJoints)) {
			t.Errorf("%v: error %v, want %q", c.joints, err, c.want)
		}
	}
}

// TestPlausibleInertias: the same inertia matters in a link that is moved, and not in the base.
func TestPlausibleInertias(t *testing.T) {
	const problem = `the inertia of link "hand", which joint "elbow" of robot "arm" moves, has the principal moments `
	for _, c := range []struct {
		name    string
		inertia [3][3]float64
		want    string
	}{
		{"ball", [3][3]float64{{0.4, 0, 0}, {0, 0.4, 0}, {0, 0, 0.4}}, ""},
		{"point", [3][3]float64{}, ""},
		{"thin rod along 1 1 0", [3][3]float64{{0.5, -0.5, 0}, {-0.5, 0.5, 0}, {0, 0, 1}}, ""},
		{"disc", [3][3]float64{{1, 0, 0}, {0, 2, 0}, {0, 0, 1}}, ""},
		{"rounded off", [3][3]float64{{0.0023, 0, 0}, {0, 0.0035, 0}, {0, 0, 0.0073}}, ""},
		{"noise of a point", [3][3]float64{{1e-13, 9e-13, 0}, {9e-13, 1e-13, 0}, {0, 0, 0}}, ""},
		{"one axis only", [3][3]float64{{0, 0, 0}, {0, 0, 0}, {0, 0, 3e-6}}, "0, 0 and 3e-06 kg m^2, but in no body the largest exceeds the sum of the others"},
		{"digit too many", [3][3]float64{{0.001, 0, 0}, {0, 0.01, 0}, {0, 0, 0.001}}, "0.001, 0.001 and 0.01 kg m^2, but"},
		{"sign", [3][3]float64{{1, 0, 0}, {0, -1, 0}, {0, 0, 1}}, "-1, 1 and 1 kg m^2, which must not be negative"},
		{"all negative", [3][3]float64{{-1, 0, 0}, {0, -1, 0}, {0, 0, -1}}, "-1, -1 and -1 kg m^2, which must not be negative"},
		{"products too large", [3][3]float64{{1, 3, 0}, {3, 1, 0}, {0, 0, 5}}, "-2, 4 and 5 kg m^2, which must not be negative"},
		{"last product too large", [3][3]float64{{5, 0, 0}, {0, 1, 3}, {0, 3, 1}}, "-2, 4 and 5 kg m^2, which must not be negative"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, scale := range []float64{1, 1e30, 1e-3} {
				m, err := Parse([]byte(arm))
				if err != nil {
					t.Fatal(err)
				}
				in := m.Links[1].Inertial
				m.Links[0].Inertial = in
				in.Mass = scale
				for i, row := range c.inertia {
					for k, v := range row {
						in.Inertia[i][k] = scale * v
					}
				}
				if err := m.CheckInertias(nil); err != nil {
					t.Errorf("nothing moves: error %v", err)
				}
				err = m.CheckInertias([]string{"elbow"})
				want := c.want
				if want != "" {
					want = problem + want
				}
				if scale != 1 && want != "" {
					want = problem
				}
				if (err == nil) != (want == "") || err != nil && (!errors.Is(err, ErrDescription) || !strings.Contains(err.Error(), want)) {
					t.Errorf("scale %g: error %v, want %q", scale, err, want)
				}
			}
		})
	}
}

func ExampleModel_CheckJoints() {
	m, err := ParseFile("testdata/arm3.urdf")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(m.CheckJoints([]string{"shoulder", "elbo"}))
	// Output:
	// urdf: joints do not fit the robot description: "elbo" does not exist (the nearest is "elbow"); robot "arm3" has the movable joints "shoulder", "elbow", "extension"
}
