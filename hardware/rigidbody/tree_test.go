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
		{ErrConfig, []string{"gravity is [0 +Inf -9.81]"}, func(m *urdf.Model, c *Config) { c.Gravity[1] = inf }},
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

// TestKinematicsOnly: models without inertias have kinematics, and no dynamics by mistake.
func TestKinematicsOnly(t *testing.T) {
	r := arm7()
	q := []float64{0.6, 0.8, 0.1, -0.2, 0.2, 0.5, 0}
	var want, got urdf.Pose
	build(t, r.model, r.config).Pose(&want, q, 7)
	for i := range r.model.Links {
		r.model.Links[i].Inertial = nil
	}
	r.config.KinematicsOnly = true
	tree := build(t, r.model, r.config)
	tree.Pose(&got, q, 7)
	if got != want {
		t.Errorf("pose is %v, want %v", got, want)
	}
	dst := make([]float64, 7)
	for name, f := range map[string]func(){
		"MassMatrix":      func() { tree.MassMatrix(make([]float64, 49), q) },
		"Bias":            func() { tree.Bias(dst, q, q) },
		"InverseDynamics": func() { tree.InverseDynamics(dst, q, q, q) },
		"Gravity":         func() { tree.Gravity(dst, q) },
	} {
		if said := panicOf(f); !strings.Contains(said, "KinematicsOnly") {
			t.Errorf("%s: panic %q, want one about KinematicsOnly", name, said)
		}
	}
}

func panicOf(f func()) (said string) {
	defer func() {
		if r := recover(); r != nil {
			said = fmt.Sprint(r)
		}
	}()
	f()
	return ""
}

func TestShapes(t *testing.T) {
	r := arm7()
	tree := build(t, r.model, r.config)
	p, err := tree.Points("link7", [][3]float64{{}, {}})
	if err != nil {
		t.Fatal(err)
	}
	v := func(n int) []float64 { return make([]float64, n) }
	var pose urdf.Pose
	for i, c := range []struct {
		want string
		f    func()
	}{
		{"mass matrix has 48 elements, want 49", func() { tree.MassMatrix(v(48), v(7)) }},
		{"joint positions has 6 elements, want 7", func() { tree.MassMatrix(v(49), v(6)) }},
		{"torques has 8 elements, want 7", func() { tree.InverseDynamics(v(8), v(7), v(7), v(7)) }},
		{"joint positions has 8 elements, want 7", func() { tree.InverseDynamics(v(7), v(8), v(7), v(7)) }},
		{"joint velocities has 8 elements, want 7", func() { tree.InverseDynamics(v(7), v(7), v(8), v(7)) }},
		{"joint accelerations has 8 elements, want 7", func() { tree.InverseDynamics(v(7), v(7), v(7), v(8)) }},
		{"joint velocities has 1 elements, want 7", func() { tree.Bias(v(7), v(7), v(1)) }},
		{"torques has 6 elements, want 7", func() { tree.Gravity(v(6), v(7)) }},
		{"joint positions has 6 elements, want 7", func() { tree.Gravity(v(7), v(6)) }},
		{"torques has 6 elements, want 7", func() { tree.Friction(v(6), v(7)) }},
		{"joint velocities has 6 elements, want 7", func() { tree.Friction(v(7), v(6)) }},
		{"joint positions has 6 elements, want 7", func() { tree.Pose(&pose, v(6), 0) }},
		{"Jacobian has 41 elements, want 42", func() { tree.Jacobian(v(41), v(7), 0, [3]float64{}) }},
		{"joint positions has 0 elements, want 7", func() { tree.Jacobian(v(42), nil, 0, [3]float64{}) }},
		{"points has 3 elements, want 6", func() { p.Points(v(3), v(7)) }},
		{"joint positions has 3 elements, want 7", func() { p.Points(v(6), v(3)) }},
		{"velocities has 3 elements, want 6", func() { p.Velocities(v(3), v(7), v(7)) }},
		{"joint velocities has 6 elements, want 7", func() { p.Velocities(v(6), v(7), v(6)) }},
		{"Jacobian has 6 elements, want 42", func() { p.Jacobian(v(6), v(7)) }},
		{"accelerations has 5 elements, want 6", func() { p.PointBias(v(5), v(7), v(7)) }},
		{"joint velocities has 6 elements, want 7", func() { p.PointBias(v(6), v(7), v(6)) }},
	} {
		if said := panicOf(c.f); said != "rigidbody: "+c.want {
			t.Errorf("case %d: panic %q, want %q", i, said, c.want)
		}
	}
}

// TestOrderOfCalls: what was computed before, at the same q or another one, or at numbers that
// are not finite, changes no bit of a result.
func TestOrderOfCalls(t *testing.T) {
	const n = 7
	r := arm7()
	tree := build(t, r.model, r.config)
	rng := rand.New(rand.NewPCG(4, 4))
	p, err := tree.Points("link7", [][3]float64{{0.05, 0, 0.1}, {-0.05, 0, 0.1}})
	if err != nil {
		t.Fatal(err)
	}
	calls := []struct {
		size int
		f    func(tree *Tree, p *Points, dst, q, dq []float64)
	}{
		{n * n, func(tree *Tree, p *Points, dst, q, dq []float64) { tree.MassMatrix(dst, q) }},
		{n, func(tree *Tree, p *Points, dst, q, dq []float64) { tree.Bias(dst, q, dq) }},
		{n, func(tree *Tree, p *Points, dst, q, dq []float64) { tree.InverseDynamics(dst, q, dq, dq) }},
		{n, func(tree *Tree, p *Points, dst, q, dq []float64) { tree.Gravity(dst, q) }},
		{6 * n, func(tree *Tree, p *Points, dst, q, dq []float64) { tree.Jacobian(dst, q, 4, [3]float64{1, 2, 3}) }},
		{6, func(tree *Tree, p *Points, dst, q, dq []float64) { p.Points(dst, q) }},
		{6, func(tree *Tree, p *Points, dst, q, dq []float64) { p.Velocities(dst, q, dq) }},
		{6 * n, func(tree *Tree, p *Points, dst, q, dq []float64) { p.Jacobian(dst, q) }},
		{6, func(tree *Tree, p *Points, dst, q, dq []float64) { p.PointBias(dst, q, dq) }},
	}
	states := [][]float64{randomList(rng, n, 3), randomList(rng, n, 3), {math.NaN(), 0, 0, 0, 0, 0, 0}, {0, 0, math.Inf(1), 0, 0, 0, 1e300}}
	for range 300 {
		c, q, dq := calls[rng.IntN(len(calls))], states[rng.IntN(len(states))], states[rng.IntN(len(states))]
		got, want := make([]float64, c.size), make([]float64, c.size)
		for i := range got {
			got[i] = 7 // of no concern
		}
		c.f(tree, p, got, q, dq)
		fresh := build(t, r.model, r.config)
		other, err := fresh.Points("link7", [][3]float64{{0.05, 0, 0.1}, {-0.05, 0, 0.1}})
		if err != nil {
			t.Fatal(err)
		}
		c.f(fresh, other, want, q, dq)
		for i := range got {
			if got[i] != want[i] && !(math.IsNaN(got[i]) && math.IsNaN(want[i])) {
				t.Fatalf("element %d is %v, %v from a new tree", i, got[i], want[i])
			}
		}
	}
}

// FuzzNew: a random robot in which one number is wrong is refused, or gives finite numbers.
func FuzzNew(f *testing.F) {
	for i, v := range []float64{0, 1, -1, 1e-300, 1e30, -1e30, 1e300, math.NaN(), math.Inf(1)} {
		for k := range 16 {
			f.Add(uint64(i*16+k), uint8(k), uint16(k*37), v)
		}
	}
	f.Fuzz(func(t *testing.T, seed uint64, field uint8, at uint16, value float64) {
		rng := rand.New(rand.NewPCG(seed, 1))
		r := randomRobot(rng, 1+int(seed%7), seed%2 == 0, true)
		j := &r.model.Joints[int(at)%len(r.model.Joints)]
		l := &r.model.Links[int(at)%len(r.model.Links)]
		in := randomInertial(rng)
		if l.Inertial == nil {
			l.Inertial = in
		}
		k, i := int(at)%3, int(at/3)%3
		switch field % 16 {
		case 0:
			j.Origin.Translation[k] = value
		case 1:
			j.Origin.Rotation[k][i] = value
		case 2:
			j.Axis[k] = value
		case 3:
			j.Damping = value
		case 4:
			j.Limit = &urdf.Limit{Lower: value, Upper: 1, Effort: 1, Velocity: 1}
		case 5:
			j.Mimic = &urdf.Mimic{Joint: r.model.Joints[int(at/5)%len(r.model.Joints)].Name, Multiplier: value, Offset: 1}
		case 6:
			l.Inertial.Mass = value
		case 7:
			l.Inertial.Inertia[k][i], l.Inertial.Inertia[i][k] = value, value
		case 8:
			l.Inertial.Origin.Translation[k] = value
		case 9:
			j.Parent = int(int8(at))
		case 10:
			j.Child = int(int8(at))
		case 11:
			j.Type = urdf.JointType([]string{"", "floating", "fixed", "prismatic"}[at%4])
		case 12:
			l.Inertial = nil
		case 13:
			r.config.Gravity[k] = value
		case 14:
			r.config.LockedJoints, r.config.LockedPositions = []string{j.Name}, []float64{value}
		case 15:
			r.config.KinematicsOnly = true
			j.Name = "other"
		}
		tree, err := New(r.model, r.config)
		if err != nil {
			if !errors.Is(err, ErrConfig) && !errors.Is(err, ErrModel) {
				t.Fatalf("error %v wraps neither ErrConfig nor ErrModel", err)
			}
			return
		}
		n := len(r.config.Joints)
		q, dq := randomList(rng, n, 3), randomList(rng, n, 3)
		out := make([]float64, 6*n+2*n+n*n)
		tree.Jacobian(out[:6*n], q, LinkID(len(r.model.Links)-1), [3]float64{1, 2, 3})
		if !r.config.KinematicsOnly {
			tree.InverseDynamics(out[6*n:7*n], q, dq, dq)
			tree.Gravity(out[7*n:8*n], q)
			tree.MassMatrix(out[8*n:], q)
		}
		for _, v := range out {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				t.Fatalf("results %v are not finite", out)
			}
		}
	})
}
