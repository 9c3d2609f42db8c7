package urdf

import (
	"bytes"
	"encoding/xml"
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

// FuzzParse: bytes are refused, or make a tree of which every number can be computed with.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.urdf")
	if err != nil || len(files) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(arm))
	f.Add([]byte(chain(5)))
	f.Add([]byte(`<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><robot><link name="&b;"/></robot>`))
	f.Fuzz(func(t *testing.T, data []byte) { checkParse(t, data) })
}

// FuzzValues: whatever is written in the attributes of a joint and an inertial.
func FuzzValues(f *testing.F) {
	f.Add("1 2 3", "0.1 -0.2 1e3", "0 0 0.6 0.8", "1 1 1", "-1", "1", "5", "2", "0.1", "-2", "0.5", "1e-3")
	f.Add("1 2 3", "", "", "0 1e-7 0", "1", "-1", "5", "2", "0.1", "1e30", "0", "0")
	f.Add("", "1e30 -1e30 1e-30", "", "1e30 1e-30 0", "-1e30", "1e30", "1e-300", "1e30", "1e30", "1e30", "1e30", "-1e30")
	f.Add("nan 0 0", "inf 0 0", "0x1p-2 0 0 1", "0 0 1", "", "", "", "", "", "", "", "")
	f.Fuzz(func(t *testing.T, xyz, rpy, quaternion, axis, lower, upper, effort, velocity, damping, multiplier, mass, moment string) {
		var b bytes.Buffer
		attr := func(key, value string) string {
			if value == "" {
				return ""
			}
			b.Reset()
			if err := xml.EscapeText(&b, []byte(value)); err != nil {
				t.Fatal(err)
			}
			return " " + key + `="` + b.String() + `"`
		}
		origin := "<origin" + attr("xyz", xyz) + attr("rpy", rpy) + attr("quat_xyzw", quaternion) + "/>"
		inertia := "<inertia" + attr("ixx", moment) + attr("ixy", mass) + attr("ixz", damping) + attr("iyy", mass) + attr("iyz", moment) + attr("izz", damping) + "/>"
		inertial := "<inertial>" + origin + "<mass" + attr("value", mass) + "/>" + inertia + "</inertial>"
		joint := func(name, kind, parent, child, mimic string) string {
			return `<joint name="` + name + `" type="` + kind + `"><parent link="` + parent + `"/><child link="` + child + `"/>` + origin + "<axis" + attr("xyz", axis) + "/><limit" +
				attr("lower", lower) + attr("upper", upper) + attr("effort", effort) + attr("velocity", velocity) + "/><dynamics" + attr("damping", damping) + "/>" + mimic + "</joint>"
		}
		checkParse(t, []byte(`<robot version="1.1"><link name="a"/><link name="b">`+inertial+`</link><link name="c">`+inertial+`</link>`+
			joint("j", "prismatic", "a", "b", "")+joint("k", "continuous", "b", "c", `<mimic joint="j"`+attr("multiplier", multiplier)+`/>`)+"</robot>"))
	})
}

func checkParse(t *testing.T, data []byte) {
	t.Helper()
	m, err := Parse(data)
	if err != nil {
		if m != nil || !errors.Is(err, ErrDescription) || len(err.Error()) > 10000 {
			t.Fatalf("model %v with the error %v", m, err)
		}
		return
	}
	checkModel(t, m)
	again, err := Parse(data)
	if err != nil || !reflect.DeepEqual(m, again) {
		t.Fatalf("parsed again:\n%+v, %v, at first\n%+v", again, err, m)
	}
	if err := m.CheckJoints(m.Movable()); err != nil {
		t.Fatalf("movable joints: %v", err)
	}
	if err := m.CheckInertias(m.Movable()); err != nil && !errors.Is(err, ErrDescription) {
		t.Fatalf("inertias: %v", err)
	}
}

func checkModel(t *testing.T, m *Model) {
	t.Helper()
	if len(m.Links) == 0 || len(m.Links) > maxLinks || len(m.Joints) != len(m.Links)-1 {
		t.Fatalf("%d links and %d joints", len(m.Links), len(m.Joints))
	}
	for i, l := range m.Links {
		if k, ok := m.Link(l.Name); k != i || !ok {
			t.Fatalf("link %q has the indices %d and %d", l.Name, i, k)
		}
		if l.Inertial == nil {
			continue
		}
		checkPose(t, l.Inertial.Origin)
		if !(l.Inertial.Mass >= 0 && l.Inertial.Mass <= maxNumber) {
			t.Fatalf("link %q has the mass %v", l.Name, l.Inertial.Mass)
		}
		for i := range 3 {
			for k := range 3 {
				if v := l.Inertial.Inertia[i][k]; v != l.Inertial.Inertia[k][i] || !(math.Abs(v) <= maxNumber) {
					t.Fatalf("link %q has the inertia %v", l.Name, l.Inertial.Inertia)
				}
			}
		}
	}
	for i, j := range m.Joints {
		if k, ok := m.Joint(j.Name); k != i || !ok || j.Child != i+1 || j.Parent < 0 || j.Parent >= j.Child {
			t.Fatalf("joint %d: %+v", i, j)
		}
		checkPose(t, j.Origin)
		length := math.Sqrt(j.Axis[0]*j.Axis[0] + j.Axis[1]*j.Axis[1] + j.Axis[2]*j.Axis[2])
		switch {
		case j.Type == Fixed && (length != 0 || j.Limit != nil || j.Mimic != nil),
			j.Type != Fixed && !(math.Abs(length-1) < 1e-12),
			j.Type != Fixed && j.Type != Continuous && j.Limit == nil,
			!(j.Damping >= 0 && j.Friction >= 0):
			t.Fatalf("joint %d: %+v", i, j)
		}
		if l := j.Limit; l != nil && !(l.Effort > 0 && l.Velocity > 0 && l.Lower < l.Upper) {
			t.Fatalf("joint %d has the limit %+v", i, *l)
		}
	}
}

func checkPose(t *testing.T, p Pose) {
	t.Helper()
	r := p.Rotation
	for i := range 3 {
		if !(math.Abs(p.Translation[i]) <= maxNumber) {
			t.Fatalf("translation %v", p.Translation)
		}
		for k := range 3 {
			dot, want := 0.0, 0.0
			if i == k {
				want = 1
			}
			for l := range 3 {
				dot += r[i][l] * r[k][l]
			}
			if !(math.Abs(dot-want) < 1e-12) {
				t.Fatalf("rotation %v is not orthonormal", r)
			}
		}
	}
	if d := r[0][0]*(r[1][1]*r[2][2]-r[1][2]*r[2][1]) - r[0][1]*(r[1][0]*r[2][2]-r[1][2]*r[2][0]) + r[0][2]*(r[1][0]*r[2][1]-r[1][1]*r[2][0]); !(math.Abs(d-1) < 1e-12) {
		t.Fatalf("rotation %v has the determinant %v", r, d)
	}
}
