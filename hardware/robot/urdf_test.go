package robot_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"guidedpolicysearch/hardware/kinematics"
	"guidedpolicysearch/hardware/models"
	"guidedpolicysearch/hardware/rigidbody"
	"guidedpolicysearch/hardware/robot"
	"guidedpolicysearch/hardware/urdf"
)

// arm7 returns the settings of the seven-joint arm with two points of its tool.
func arm7() robot.Config {
	cfg := robot.DefaultConfig()
	cfg.URDF = models.URI("arm7.urdf")
	cfg.Joints = nil
	for i := range 7 {
		cfg.Joints = append(cfg.Joints, fmt.Sprintf("joint%d", i+1))
	}
	cfg.EffortLimit = []float64{90, 90, 60, 60, 15, 15, 10}
	cfg.State = []string{robot.JointPositions, robot.JointVelocities, robot.EndEffector, robot.EndEffectorVel}
	cfg.Kinematics = robot.KinematicsConfig{Type: robot.URDFKinematics, Link: "tool", Points: []float64{0, 0.05, 0, 0, -0.05, 0}}
	return cfg
}

// description returns arm7.urdf with its text changed.
func description(t testing.TB, replace ...string) *urdf.Model {
	t.Helper()
	text, err := models.Read(models.URI("arm7.urdf"))
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.NewReplacer(replace...).Replace(string(text))
	if len(replace) > 0 && changed == string(text) {
		t.Fatalf("arm7.urdf does not hold %q", replace[0])
	}
	m, err := urdf.Parse([]byte(changed))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func mustNew(t testing.TB, cfg robot.Config, m *urdf.Model) *robot.Robot {
	t.Helper()
	r, err := robot.New(cfg, m)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func want(t *testing.T, what string, got, want []float64, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s is %v, want %v", what, got, want)
	}
	for i := range want {
		if !(math.Abs(got[i]-want[i]) <= tolerance) {
			t.Fatalf("%s is %v, want %v", what, got, want)
		}
	}
}

// TestDescribedState puts the 26 numbers of the seven-joint arm's state together. Upright, the
// tool is 1.37 m above the base; the second joint, 0.34 m up, leans the arm about y.
func TestDescribedState(t *testing.T) {
	r := mustNew(t, arm7(), description(t))
	if r.DX() != 26 || r.DU() != 7 || len(r.Notes()) != 0 || r.Dynamics() == nil {
		t.Fatalf("dX %d, dU %d, notes %q", r.DX(), r.DU(), r.Notes())
	}
	x := make([]float64, 26)
	q, dq := make([]float64, 7), make([]float64, 7)
	r.State(x, robot.Measurement{Position: q, Velocity: dq})
	want(t, "the upright arm's tool", x[14:20], []float64{0, 0.05, 1.37, 0, -0.05, 1.37}, 1e-12)

	q[0], q[1], dq[1] = math.Pi/2, 0.3, 2
	r.State(x, robot.Measurement{Position: q, Velocity: dq})
	want(t, "positions", x[:7], q, 0)
	want(t, "velocities", x[7:14], dq, 0)
	// Turned by a right angle, the arm leans towards y, and the tool's y points along -x.
	lean, height := 1.03*math.Sin(0.3), 0.34+1.03*math.Cos(0.3)
	want(t, "the leaning arm's tool", x[14:20], []float64{-0.05, lean, height, 0.05, lean, height}, 1e-12)
	up := []float64{0, 2 * 1.03 * math.Cos(0.3), -2 * lean}
	want(t, "the leaning arm's tool's velocity", x[20:], append(up, up...), 1e-12)

	if n := testing.AllocsPerRun(100, func() { r.State(x, robot.Measurement{Position: q, Velocity: dq}) }); n != 0 {
		t.Errorf("State allocates %v times", n)
	}
}

// TestOrderOfState has every part, in an order of its own.
func TestOrderOfState(t *testing.T) {
	cfg := arm7()
	cfg.State = []string{robot.JointPositions, robot.JointVelocities, robot.Extra, robot.PreviousTorques, robot.EndEffectorVel, robot.EndEffector}
	cfg.PreviousTorques = 2
	cfg.Extra = robot.ExtraConfig{Topics: []string{"sensors/peg", "force"}, Sizes: []int{2, 1}}
	r := mustNew(t, cfg, description(t))
	states, actions := r.Symbols()
	if r.DX() != 43 || len(states) != 43 || len(actions) != 7 || r.PreviousTorques() != 2 {
		t.Fatalf("dX %d, %d symbols, %d actions", r.DX(), len(states), len(actions))
	}
	for i, want := range map[int][2]string{
		0: {"joint1.position", "q0"}, 13: {"joint7.velocity", "dq6"}, 14: {"sensors/peg.0", "e0"}, 15: {"sensors/peg.1", "e1"}, 16: {"force.0", "e2"},
		17: {"joint1.torque.previous1", "p1u0"}, 23: {"joint7.torque.previous1", "p1u6"}, 24: {"joint1.torque.previous2", "p2u0"}, 30: {"joint7.torque.previous2", "p2u6"},
		31: {"end_effector1.x.velocity", "vx0"}, 36: {"end_effector2.z.velocity", "vz1"}, 37: {"end_effector1.x", "px0"}, 41: {"end_effector2.y", "py1"}, 42: {"end_effector2.z", "pz1"},
	} {
		if r.StateNames()[i] != want[0] || states[i] != want[1] {
			t.Errorf("entry %d is %q, symbol %q, want %q", i, r.StateNames()[i], states[i], want)
		}
	}
	seen := map[string]bool{}
	for i, s := range states {
		if seen[s] || seen[r.StateNames()[i]] {
			t.Errorf("entry %d has the name or symbol of another: %q, %q", i, s, r.StateNames()[i])
		}
		seen[s], seen[r.StateNames()[i]] = true, true
	}
	x := make([]float64, 43)
	for i := range x {
		x[i] = math.NaN()
	}
	previous := make([]float64, 14)
	for i := range previous {
		previous[i] = float64(i + 1)
	}
	zero := make([]float64, 7)
	r.State(x, robot.Measurement{Position: zero, Velocity: zero, PreviousTorques: previous, Extra: []float64{-1, -2, -3}})
	want(t, "extra numbers", x[14:17], []float64{-1, -2, -3}, 0)
	want(t, "previous torques", x[17:31], previous, 0)
	want(t, "the tool", x[37:], []float64{0, 0.05, 1.37, 0, -0.05, 1.37}, 1e-12)
	r.State(x, robot.Measurement{Position: zero, Velocity: zero})
	want(t, "extra numbers and previous torques that nobody gave", x[14:31], make([]float64, 17), 0)
	if n := testing.AllocsPerRun(100, func() {
		r.State(x, robot.Measurement{Position: zero, Velocity: zero, PreviousTorques: previous})
	}); n != 0 {
		t.Errorf("State allocates %v times", n)
	}
	for name, m := range map[string]robot.Measurement{
		"short positions":  {Position: zero[1:], Velocity: zero},
		"short velocities": {Position: zero, Velocity: zero[1:]},
		"one action":       {Position: zero, Velocity: zero, PreviousTorques: zero},
		"short extra":      {Position: zero, Velocity: zero, Extra: zero[:2]},
	} {
		func() {
			defer func() {
				if p := fmt.Sprint(recover()); !strings.Contains(p, "elements, want") {
					t.Errorf("%s: panic %q, want both sizes", name, p)
				}
			}()
			r.State(x, m)
		}()
	}
}

func TestLimitsOfDescription(t *testing.T) {
	cfg := arm7()
	// Canonical order is the settings', not the description's.
	slices.Reverse(cfg.Joints)
	slices.Reverse(cfg.EffortLimit)
	r := mustNew(t, cfg, description(t))
	l := r.Limits()
	want(t, "lower", l.Lower, []float64{-3, -2.05, -2.9, -2.05, -2.9, -2.05, -2.9}, 0)
	want(t, "upper", l.Upper, []float64{3, 2.05, 2.9, 2.05, 2.9, 2.05, 2.9}, 0)
	want(t, "velocity", l.Velocity, []float64{2.6, 2.6, 2.6, 2.3, 2.3, 2.2, 2.2}, 0)
	want(t, "effort", l.Effort, []float64{10, 15, 15, 60, 60, 90, 90}, 0)

	planar := mustNew(t, robot.DefaultConfig(), description(t))
	if v := planar.Limits().Upper[0]; !math.IsInf(v, 1) {
		t.Errorf("a robot without description has an upper limit of %v", v)
	}
}

func TestLockedJoints(t *testing.T) {
	cfg := arm7()
	cfg.Joints, cfg.EffortLimit = []string{"joint1", "joint2"}, []float64{90, 90}
	cfg.Locked = robot.LockedConfig{Joints: []string{"joint4"}, Positions: []float64{math.Pi / 2}}
	r := mustNew(t, cfg, description(t))
	// joint1, joint2 and two points of the tool, with velocities: joint4 is 0.74 m up and turns the
	// 0.63 m behind it forward.
	if r.DU() != 2 || r.DX() != 16 {
		t.Fatalf("dX %d, dU %d", r.DX(), r.DU())
	}
	x := make([]float64, 16)
	r.State(x, robot.Measurement{Position: []float64{0, 0}, Velocity: []float64{0, 0}})
	want(t, "the tool", x[4:10], []float64{0.63, 0.05, 0.74, 0.63, -0.05, 0.74}, 1e-12)

	for name, locked := range map[string]robot.LockedConfig{
		"unknown joint":   {Joints: []string{"gripper"}, Positions: []float64{0}},
		"driven joint":    {Joints: []string{"joint1"}, Positions: []float64{0}},
		"no position":     {Joints: []string{"joint4"}},
		"NaN":             {Joints: []string{"joint4"}, Positions: []float64{math.NaN()}},
		"one named twice": {Joints: []string{"joint4", "joint4"}, Positions: []float64{0, 0}},
	} {
		cfg.Locked = locked
		if _, err := robot.New(cfg, description(t)); !errors.Is(err, rigidbody.ErrConfig) && !errors.Is(err, urdf.ErrJoints) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDescriptionThatDoesNotFit(t *testing.T) {
	for _, c := range []struct {
		name    string
		edit    func(*robot.Config)
		replace []string
		says    []string
	}{
		{"no description", func(*robot.Config) {}, nil, []string{"robot.urdf", "robot.description_topic"}},
		{"effort limit above the description's", func(c *robot.Config) { c.EffortLimit[4] = 15.1 }, []string{}, []string{"effort_limit", `"joint5"`, "15.1", "arm7", "15"}},
		{"unknown joint", func(c *robot.Config) { c.Joints[2] = "elbow" }, []string{}, []string{`"elbow"`, "joint3"}},
		{"fixed joint", func(c *robot.Config) { c.Joints[2] = "hand_mount" }, []string{}, []string{`"hand_mount"`}},
		{"unknown link", func(c *robot.Config) { c.Kinematics.Link = "finger" }, []string{}, []string{"kinematics.link", `"finger"`}},
		{"no inertia and gravity compensation", func(c *robot.Config) { c.GravityCompensation = true }, []string{`<mass value="3.2"/>`, `<mass value="0"/>`}, []string{`"link2"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := arm7()
			c.edit(&cfg)
			var m *urdf.Model
			if c.replace != nil {
				m = description(t, c.replace...)
			}
			_, err := robot.New(cfg, m)
			if err == nil {
				t.Fatal("no error")
			}
			for _, text := range c.says {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("error %q does not say %q", err, text)
				}
			}
		})
	}
}

// TestWithoutInertias: where no torque is computed from them, they may be missing, and that is
// said.
func TestWithoutInertias(t *testing.T) {
	massless := description(t, `<mass value="3.2"/>`, `<mass value="0"/>`)
	r := mustNew(t, arm7(), massless)
	if r.Dynamics() != nil || len(r.Notes()) != 1 || !strings.Contains(r.Notes()[0], "without its dynamics") || !strings.Contains(r.Notes()[0], `"link2"`) {
		t.Fatalf("dynamics %v, notes %q", r.Dynamics(), r.Notes())
	}
	x := make([]float64, r.DX())
	r.State(x, robot.Measurement{Position: make([]float64, 7), Velocity: make([]float64, 7)})
	want(t, "the tool", x[14:17], []float64{0, 0.05, 1.37}, 1e-12)
	want(t, "effort limits", r.Limits().Effort, []float64{90, 90, 60, 60, 15, 15, 10}, 0)
	cfg := arm7()
	cfg.GravityCompensation = true
	if r := mustNew(t, cfg, description(t)); !r.Compensates() {
		t.Error("gravity_compensation is not taken over")
	}
}

// TestGravityTurnsTheBase: an arm on a wall feels its weight along another axis. Stretched out
// along its first axis, which lies level, only the joints that turn about an axis across gravity
// feel it.
func TestGravityTurnsTheBase(t *testing.T) {
	cfg := arm7()
	torque, q := make([]float64, 7), make([]float64, 7)
	mustNew(t, cfg, description(t)).Dynamics().Gravity(torque, q)
	upright := slices.Clone(torque)
	cfg.Gravity = []float64{-9.81, 0, 0}
	mustNew(t, cfg, description(t)).Dynamics().Gravity(torque, q)
	if !(math.Abs(torque[1]) > 20) || !(math.Abs(upright[1]) < 1) {
		t.Errorf("the second joint holds %v N m upright and %v N m on a wall", upright[1], torque[1])
	}
}

func TestValidate(t *testing.T) {
	for name, c := range map[string]struct {
		edit func(*robot.Config)
		says string
	}{
		"no joints":                {func(c *robot.Config) { c.Joints = nil }, "joints is empty"},
		"joint without name":       {func(c *robot.Config) { c.Joints[3] = "" }, "joint 3 is named"},
		"joint twice":              {func(c *robot.Config) { c.Joints[1] = "joint1" }, `joint 1 is named "joint1"`},
		"short effort limit":       {func(c *robot.Config) { c.EffortLimit = c.EffortLimit[1:] }, "effort_limit has 6"},
		"infinite effort limit":    {func(c *robot.Config) { c.EffortLimit[6] = math.Inf(1) }, `effort_limit of joint "joint7"`},
		"negative effort limit":    {func(c *robot.Config) { c.EffortLimit[0] = -1 }, `effort_limit of joint "joint1"`},
		"gravity of two":           {func(c *robot.Config) { c.Gravity = c.Gravity[1:] }, "gravity has 2"},
		"NaN gravity":              {func(c *robot.Config) { c.Gravity[1] = math.NaN() }, "gravity[1]"},
		"infinite gravity":         {func(c *robot.Config) { c.Gravity[2] = math.Inf(-1) }, "gravity[2]"},
		"compensation of nothing":  {func(c *robot.Config) { c.GravityCompensation, c.URDF = true, "" }, "gravity_compensation needs"},
		"empty state":              {func(c *robot.Config) { c.State = nil }, "state is []"},
		"velocities first":         {func(c *robot.Config) { c.State[0], c.State[1] = c.State[1], c.State[0] }, "state is ["},
		"unknown part":             {func(c *robot.Config) { c.State[3] = "accelerations" }, `state names "accelerations"`},
		"part twice":               {func(c *robot.Config) { c.State[3] = robot.EndEffector }, "twice"},
		"end effector of none":     {func(c *robot.Config) { c.Kinematics.Type = robot.NoKinematics }, "kinematics.type"},
		"end effector of nothing":  {func(c *robot.Config) { c.Kinematics.Type = "" }, "kinematics.type"},
		"no previous torques":      {func(c *robot.Config) { c.State[3], c.PreviousTorques = robot.PreviousTorques, 0 }, "previous_torques is 0"},
		"many previous torques":    {func(c *robot.Config) { c.State[3], c.PreviousTorques = robot.PreviousTorques, 101 }, "previous_torques is 101"},
		"extra without topics":     {func(c *robot.Config) { c.State[3] = robot.Extra }, "extra.topics is empty"},
		"topics without extra":     {func(c *robot.Config) { c.Extra = robot.ExtraConfig{Topics: []string{"a"}, Sizes: []int{1}} }, "no part extra"},
		"topics without sizes":     {func(c *robot.Config) { c.State[3], c.Extra.Topics = robot.Extra, []string{"a"} }, "extra.sizes has 0"},
		"topic of no size":         {func(c *robot.Config) { extra(c, []string{"a", "b"}, 1, 0) }, "extra.sizes[1]"},
		"topic of boundless size":  {func(c *robot.Config) { extra(c, []string{"a"}, math.MaxInt) }, "extra.sizes[0]"},
		"topic twice":              {func(c *robot.Config) { extra(c, []string{"a", "a"}, 1, 1) }, "extra.topics[1]"},
		"topic without name":       {func(c *robot.Config) { extra(c, []string{""}, 1) }, "extra.topics[0]"},
		"unknown kinematics":       {func(c *robot.Config) { c.Kinematics.Type = "parallel" }, `kinematics.type is "parallel"`},
		"urdf without description": {func(c *robot.Config) { c.URDF = "" }, "there is no description"},
		"no link":                  {func(c *robot.Config) { c.Kinematics.Link = "" }, "kinematics.link is empty"},
		"no points":                {func(c *robot.Config) { c.Kinematics.Points = nil }, "kinematics.points has 0"},
		"half a point":             {func(c *robot.Config) { c.Kinematics.Points = c.Kinematics.Points[1:] }, "kinematics.points has 5"},
		"NaN point":                {func(c *robot.Config) { c.Kinematics.Points[4] = math.NaN() }, "kinematics.points[4]"},
		"short lengths":            {func(c *robot.Config) { c.Kinematics.Type = robot.PlanarKinematics }, "kinematics.lengths has 0"},
	} {
		cfg := arm7()
		c.edit(&cfg)
		_, err := robot.New(cfg, description(t))
		if !errors.Is(err, robot.ErrConfig) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want ErrConfig that says %q", name, err, c.says)
		}
	}
	cfg := arm7()
	cfg.Kinematics = robot.DefaultConfig().Kinematics
	cfg.Kinematics.Lengths, cfg.Kinematics.Coordinates = make([]float64, 7), 3
	if _, err := robot.New(cfg, description(t)); !errors.Is(err, kinematics.ErrConfig) {
		t.Errorf("lengths of zero: %v", err)
	}
}

func extra(c *robot.Config, topics []string, sizes ...int) {
	c.State[3], c.Extra = robot.Extra, robot.ExtraConfig{Topics: topics, Sizes: sizes}
}

// TestDescribed: the description is asked for where anything is taken from it.
func TestDescribed(t *testing.T) {
	for name, c := range map[string]struct {
		edit func(*robot.Config)
		want bool
	}{
		"planar":      {func(*robot.Config) {}, false},
		"file":        {func(c *robot.Config) { c.URDF = "arm.urdf" }, true},
		"topic":       {func(c *robot.Config) { c.DescriptionTopic = "robot_description" }, true},
		"kinematics":  {func(c *robot.Config) { c.Kinematics.Type = robot.URDFKinematics }, true},
		"gravitation": {func(c *robot.Config) { c.GravityCompensation = true }, true},
	} {
		cfg := robot.DefaultConfig()
		c.edit(&cfg)
		if got := cfg.Described(); got != c.want {
			t.Errorf("%s: described %v", name, got)
		}
		if _, err := robot.New(cfg, nil); (err != nil) != c.want {
			t.Errorf("%s: without a description: %v", name, err)
		}
	}
}
