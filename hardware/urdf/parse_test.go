package urdf

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

var identity = Pose{Rotation: [3][3]float64{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}}

func parseFile(t *testing.T, name string) *Model {
	t.Helper()
	m, err := ParseFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// same compares models to rounding errors in what is computed: rotations and axes.
func same(t *testing.T, got, want *Model) {
	t.Helper()
	g, w := *got, *want
	g.Links, w.Links, g.Joints, w.Joints = slices.Clone(g.Links), slices.Clone(w.Links), slices.Clone(g.Joints), slices.Clone(w.Joints)
	if len(g.Links) != len(w.Links) || len(g.Joints) != len(w.Joints) {
		t.Fatalf("%d links and %d joints, want %d and %d", len(g.Links), len(g.Joints), len(w.Links), len(w.Joints))
	}
	near := func(what string, got, want [3][3]float64) {
		for i := range 3 {
			for k := range 3 {
				if !(math.Abs(got[i][k]-want[i][k]) < 1e-14) {
					t.Errorf("%s: element %d, %d is %.17g, want %.17g", what, i, k, got[i][k], want[i][k])
				}
			}
		}
	}
	for i := range g.Links {
		if a, b := g.Links[i].Inertial, w.Links[i].Inertial; a != nil && b != nil {
			near("inertial of "+g.Links[i].Name, a.Origin.Rotation, b.Origin.Rotation)
			c := *a
			c.Origin.Rotation = b.Origin.Rotation
			g.Links[i].Inertial = &c
		}
	}
	for i := range g.Joints {
		a, b := &g.Joints[i], &w.Joints[i]
		near("origin of "+a.Name, a.Origin.Rotation, b.Origin.Rotation)
		near("axis of "+a.Name, [3][3]float64{a.Axis}, [3][3]float64{b.Axis})
		a.Origin.Rotation, a.Axis = b.Origin.Rotation, b.Axis
	}
	if !reflect.DeepEqual(g, w) {
		t.Errorf("model\n%+v\nwant\n%+v", g, w)
	}
}

// TestArm compares with numbers that were written by hand; rotations are by scipy's Rotation.
func TestArm(t *testing.T) {
	want := &Model{Name: "arm3",
		Links: []Link{{Name: "base"},
			{Name: "upper_arm", Inertial: &Inertial{Mass: 2.5,
				Origin: Pose{Translation: [3]float64{0.15, 0, 0.01}, Rotation: [3][3]float64{
					{0.9362933635841991, -0.3129918257854679, -0.1593450793079779},
					{0.2896294776255155, 0.9447024859948941, -0.1537919979889642},
					{0.19866933079506124, 0.0978433950072557, 0.9751703272018157}}},
				Inertia: [3][3]float64{{0.004, 0.0005, -0.0002}, {0.0005, 0.03, 0.0001}, {-0.0002, 0.0001, 0.031}}}},
			{Name: "forearm", Inertial: &Inertial{Mass: 1.2, Origin: identity}},
			{Name: "slider", Inertial: &Inertial{Mass: 0.4,
				Origin:  Pose{Rotation: identity.Rotation, Translation: [3]float64{0, 0, 0.05}},
				Inertia: [3][3]float64{{0.001, 0, 0}, {0, 0.001, 0}, {0, 0, 0.0004}}}},
			{Name: "tool"}},
		Joints: []Joint{
			{Name: "shoulder", Type: Continuous, Parent: 0, Child: 1, Axis: [3]float64{0, 0, 1}, Damping: 0.7, Friction: 0.05,
				Origin: Pose{Translation: [3]float64{0, 0, 0.4}, Rotation: [3][3]float64{{0, 0, 1}, {0, 1, 0}, {-1, 0, 0}}}},
			{Name: "elbow", Type: Revolute, Parent: 1, Child: 2, Axis: [3]float64{1. / 3, -2. / 3, 2. / 3},
				Limit: &Limit{Lower: -2.1, Upper: 2.2, Effort: 40, Velocity: 3},
				Origin: Pose{Translation: [3]float64{0.3, -0.02, 0.001}, Rotation: [3][3]float64{
					{0.7243001433518015, -0.6741579223968667, -0.14456969948816956},
					{0.4955203883541316, 0.6547673303798958, -0.5707357425223644},
					{0.4794255386042029, 0.34174674649032755, 0.8083070667743449}}}},
			{Name: "extension", Type: Prismatic, Parent: 2, Child: 3, Axis: [3]float64{1, 0, 0}, Origin: identity,
				Limit: &Limit{Upper: 0.25, Effort: 120, Velocity: 0.5}},
			{Name: "tool_mount", Type: Fixed, Parent: 3, Child: 4,
				Origin: Pose{Rotation: identity.Rotation, Translation: [3]float64{0, 0, 0.1}}},
		}}
	same(t, parseFile(t, "arm3.urdf"), want)
}

// TestBranches: the order of links and joints is that of the tree, not of the description.
func TestBranches(t *testing.T) {
	limit := &Limit{Upper: 0.04, Effort: 20, Velocity: 0.2}
	solid := func(mass, moment float64) *Inertial {
		return &Inertial{Mass: mass, Origin: identity, Inertia: [3][3]float64{{moment, 0, 0}, {0, moment, 0}, {0, 0, moment}}}
	}
	want := &Model{Name: "gripper",
		Links: []Link{{Name: "base"}, {Name: "column"}, {Name: "camera", Inertial: solid(3, 0.02)},
			{Name: "hand"}, {Name: "finger2_link"}, {Name: "finger1_link", Inertial: solid(0.1, 1e-5)}},
		Joints: []Joint{
			{Name: "lift", Type: Prismatic, Parent: 0, Child: 1, Origin: identity, Axis: [3]float64{0, 0, 1},
				Limit: &Limit{Upper: 0.5, Effort: 300, Velocity: 0.1}},
			{Name: "camera_mount", Type: Fixed, Parent: 1, Child: 2, Origin: identity},
			{Name: "wrist", Type: Revolute, Parent: 1, Child: 3, Origin: identity, Axis: [3]float64{0, 0, 1},
				Limit: &Limit{Lower: -3, Upper: 3, Effort: 12, Velocity: 4}},
			{Name: "finger2", Type: Prismatic, Parent: 3, Child: 4, Axis: [3]float64{0, -1, 0}, Limit: limit,
				Origin: Pose{Translation: [3]float64{0, -0.03, 0.1}, Rotation: [3][3]float64{{0.28, -0.96, 0}, {0.96, 0.28, 0}, {0, 0, 1}}},
				Mimic:  &Mimic{Joint: "finger1", Multiplier: -0.5, Offset: 0.01}},
			{Name: "finger1", Type: Prismatic, Parent: 3, Child: 5, Axis: [3]float64{0, 1, 0}, Limit: limit,
				Origin: Pose{Translation: [3]float64{0, 0.03, 0.1}, Rotation: identity.Rotation}},
		}}
	same(t, parseFile(t, "gripper.urdf"), want)
}

// TestOrder: branches come in the order of their joints, each down to its tips.
func TestOrder(t *testing.T) {
	text := "<robot>"
	for _, l := range []string{"b1", "c", "b", "a1", "base", "a2", "a"} {
		text += `<link name="` + l + `"/>`
	}
	for _, ends := range [][2]string{{"a", "a1"}, {"base", "a"}, {"base", "b"}, {"a", "a2"}, {"base", "c"}, {"b", "b1"}} {
		text += `<joint name="to_` + ends[1] + `" type="fixed"><parent link="` + ends[0] + `"/><child link="` + ends[1] + `"/></joint>`
	}
	m, err := Parse([]byte(text + "</robot>"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, l := range m.Links {
		got = append(got, l.Name)
	}
	if want := []string{"base", "a", "a1", "a2", "b", "b1", "c"}; !slices.Equal(got, want) {
		t.Errorf("links %v, want %v", got, want)
	}
	checkModel(t, m)
}

// TestXacroOutput: what belongs to other programs, shapes and other namespaces do not matter.
func TestXacroOutput(t *testing.T) {
	want := &Model{Name: "cell",
		Links: []Link{{Name: "world"}, {Name: "arm", Inertial: &Inertial{Mass: 1,
			Origin:  Pose{Rotation: identity.Rotation, Translation: [3]float64{0, 0, 0.2}},
			Inertia: [3][3]float64{{0.01, 0, 0}, {0, 0.01, 0}, {0, 0, 0.002}}}}},
		Joints: []Joint{{Name: "joint1", Type: Revolute, Child: 1, Axis: [3]float64{0, 1, 0}, Damping: 0.003, Friction: 0.2,
			Limit:  &Limit{Lower: -2.8973, Upper: 2.8973, Effort: 87, Velocity: 2.175},
			Origin: Pose{Rotation: identity.Rotation, Translation: [3]float64{0, 0, 0.5}}}}}
	same(t, parseFile(t, "xacro_output.urdf"), want)
}

// TestQuaternion: a full rotation, by scipy's Rotation, of a quaternion that is rounded.
func TestQuaternion(t *testing.T) {
	m, err := Parse([]byte(`<robot version="1.1"><link name="a"/><link name="b"/><joint name="j" type="fixed"><parent link="a"/><child link="b"/>
		<origin quat_xyzw="0.10005 -0.30015 0.50025 0.80662888771727"/></joint></robot>`))
	if err != nil {
		t.Fatal(err)
	}
	want := [3][3]float64{{0.32, -0.866225774829855, -0.383735464897913}, {0.7462257748298551, 0.48, -0.461245154965971},
		{0.583735464897913, -0.13875484503402896, 0.8}}
	for i, row := range m.Joints[0].Origin.Rotation {
		for k, v := range row {
			if !(math.Abs(v-want[i][k]) < 1e-8) {
				t.Errorf("element %d, %d is %.10g, want %.10g", i, k, v, want[i][k])
			}
		}
	}
}

// TestAccepted: forms that are unusual but right.
func TestAccepted(t *testing.T) {
	const two = `<link name="a"/><link name="b"/>`
	const ends = `<parent link="a"/><child link="b"/>`
	for name, text := range map[string]string{
		"byte order mark":                "\ufeff" + `<robot name="r"><link name="a"/></robot>`,
		"ASCII":                          `<?xml version="1.0" encoding="US-ASCII"?><robot name="r"><link name="a"/></robot>`,
		"no name, one link":              `<robot><link name="a"/></robot>`,
		"default namespace":              `<robot xmlns="http://www.ros.org"><link name="a"/></robot>`,
		"version":                        `<robot version="1.0"><link name="a"/></robot>`,
		"document type":                  `<!DOCTYPE robot><robot><link name="a"/></robot>`,
		"names in other scripts":         `<robot><link name="ру&quot;ка %d"/></robot>`,
		"continuous without limit":       `<robot>` + two + `<joint name="j" type="continuous">` + ends + `</joint></robot>`,
		"continuous with any range":      `<robot>` + two + `<joint name="j" type="continuous">` + ends + `<limit lower="2" upper="1" effort="1" velocity="1"/></joint></robot>`,
		"fixed with what does not apply": `<robot>` + two + `<joint name="j" type="fixed">` + ends + `<mimic joint="none"/><dynamics damping="-1"/></joint></robot>`,
		"weightless link":                `<robot><link name="a"><inertial><mass value="0"/><inertia ixx="0" ixy="0" ixz="0" iyy="0" iyz="0" izz="0"/></inertial></link></robot>`,
	} {
		t.Run(name, func(t *testing.T) {
			m, err := Parse([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			for _, j := range m.Joints {
				if j.Limit != nil && !(math.IsInf(j.Limit.Lower, -1) && math.IsInf(j.Limit.Upper, 1)) {
					t.Errorf("continuous joint with the limit %+v", *j.Limit)
				}
				if j.Type == Fixed && (j.Axis != [3]float64{} || j.Mimic != nil || j.Damping != 0) {
					t.Errorf("fixed joint %+v", j)
				}
			}
		})
	}
}

func TestParseFileErrors(t *testing.T) {
	dir := t.TempDir()
	long := filepath.Join(dir, "long.urdf")
	if err := os.WriteFile(long, []byte("<robot>"+strings.Repeat(" ", maxBytes)+`<link name="a"/></robot>`), 0o600); err != nil {
		t.Fatal(err)
	}
	bad := filepath.Join(dir, "bad.urdf")
	if err := os.WriteFile(bad, []byte("<robot>\n<link/></robot>"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path, want string
		is         error
	}{
		{filepath.Join(dir, "none.urdf"), "none.urdf", os.ErrNotExist},
		{dir, "is not a file", ErrDescription},
		{long, "long.urdf, line 1: the description is longer than 16 MiB", ErrDescription},
		{bad, "bad.urdf, line 2: <link> has no name", ErrDescription},
	} {
		if _, err := ParseFile(c.path); !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
}
