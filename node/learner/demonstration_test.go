package learner

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"testing"

	"guidedpolicysearch/gps/initial"
	"guidedpolicysearch/hardware/robot"
	"guidedpolicysearch/hardware/trajectory"
	"guidedpolicysearch/hardware/urdf"
	"guidedpolicysearch/node/demonstration"
	"guidedpolicysearch/node/params"
)

func TestDemonstrationRefused(t *testing.T) {
	good := "time,a.position,b.position\n0,1,0.5\n1,1,0.5\n"
	for _, c := range []struct {
		name, text string
		edit       func(d *DemonstrationConfig)
		key, want  string
	}{
		{"no files", good, func(d *DemonstrationConfig) { d.Files = nil }, "type", "demonstration.files to name a CSV file or a bag"},
		{"three files", good, func(d *DemonstrationConfig) { d.Files = append(d.Files, d.Files[0], d.Files[0]) }, "demonstration.files", "has 3 entries"},
		{"no such file", good, func(d *DemonstrationConfig) { d.Files = []string{"/no/such/file.csv"} }, "demonstration.files", "/no/such/file.csv"},
		{"no bag", good, func(d *DemonstrationConfig) { d.Files = []string{t.TempDir()} }, "demonstration.files", "without metadata.yaml"},
		{"bad row", "time,a.position,b.position\n0,1,0.5\n1,1,fast\n", nil, "demonstration.files", "motion.csv: trajectory: invalid file: line 3 column 5"},
		{"starts elsewhere", good, nil, "demonstration.files", "condition 2 begins 1.5 rad away"},
		{"no efforts", good, func(d *DemonstrationConfig) { d.StartTolerance, d.FeedForward = 3, "recorded" }, "demonstration.files", "motion.csv has no columns JOINT.effort (a bag: no efforts)"},
		{"too rare", good, func(d *DemonstrationConfig) { d.RowsPerStep = 2 }, "demonstration.files", "motion.csv: trajectory: motion cannot be followed: recorded too rarely: its rows are usually 1 s apart, need at most 0.025 s, by 2 rows per time step of 0.05 s"},
		{"a gap", "time,a.position,b.position\n0,1,0.5\n0.01,1,0.5\n0.02,1,0.5\n0.12,1,0.5\n", nil, "demonstration.files", "a gap of 0.1 s from 0.02 s to 0.12 s after the first row, 10 times the usual interval of 0.01 s, need at most 5 times (demonstration.max_gap)"},
		{"over before it begins", good, func(d *DemonstrationConfig) { d.Begin = 1 }, "demonstration.files", "1 rows of it are left from 1 s on"},
		{"no description", good, func(d *DemonstrationConfig) {
			d.StartTolerance, d.FeedForward, d.Dynamics = 3, "inverse_dynamics", "description"
		}, "demonstration.dynamics", "give robot.urdf"},
		{"no inverse dynamics", good, func(d *DemonstrationConfig) {
			d.StartTolerance, d.FeedForward = 3, "inverse_dynamics"
			d.Model.Type, d.Model.Lengths = "cart_pole", []float64{1}
		}, "demonstration.model.type", "cart_pole"},
		{"no model", good, func(d *DemonstrationConfig) {
			d.StartTolerance, d.FeedForward, d.Model.Masses = 3, "inverse_dynamics", []float64{1}
		}, "demonstration.model.masses", "initial_controller.demonstration.model.type planar_arm needs 2"},
		{"model of one joint", good, func(d *DemonstrationConfig) {
			d.StartTolerance, d.FeedForward = 3, "inverse_dynamics"
			d.Model.Type, d.Model.Lengths, d.Model.Masses, d.Model.Damping = "pendulum", []float64{1}, []float64{1}, []float64{0}
		}, "demonstration.model.type", "joints has 2 entries"},
	} {
		cfg, rc := taskConfig()
		cfg.Initial.Type = "demonstration"
		d := &cfg.Initial.Demonstration
		d.Files, d.FeedForward, d.RowsPerStep = []string{writeMotion(t, c.text)}, "none", 0
		if c.edit != nil {
			c.edit(d)
		}
		_, err := NewProblem(cfg, mustRobot(t, rc))
		var field params.FieldError
		if !errors.As(err, &field) || field.Key != strings.TrimSuffix("initial_controller."+c.key, ".") || !strings.Contains(field.Problem, c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
}

// The motion that follows what is left out is as it would be alone.
func TestBeginOfDemonstration(t *testing.T) {
	motion := writeMotion(t, "time,a.position,b.position,a.effort,b.effort\n5,0,0,9,9\n5.05,1,0.5,1,2\n5.1,2,0.5,3,4\n5.15,3,0.5,5,6\n")
	p := taskProblem(t, func(cfg *Config) {
		cfg.Initial.Type, cfg.Conditions.Position = "demonstration", []float64{1, 0.5}
		cfg.Initial.Demonstration.Files, cfg.Initial.Demonstration.Begin = []string{motion}, 0.05
	})
	r := p.references[0]
	for i, want := range []float64{1, 0.5, 2, 0.5, 3, 0.5} {
		if math.Abs(r.Position[i]-want) > 1e-9 {
			t.Errorf("position %d is %v, want %v", i, r.Position[i], want)
		}
	}
	for i, want := range []float64{1, 2, 3, 4, 5, 6, 5, 6} {
		if math.Abs(r.Effort[i]-want) > 1e-6 {
			t.Errorf("effort %d is %v, want %v", i, r.Effort[i], want)
		}
	}
}

// Between two rows, however far apart, a motion begins where it is then.
func TestBeginBetweenRows(t *testing.T) {
	motion := writeMotion(t, "time,a.position,b.position,a.velocity,b.velocity,a.effort,b.effort\n5,0,0,1,2,1,2\n5.05,0.05,0.1,1,2,3,4\n5.25,0.25,0.5,1,2,5,6\n5.3,0.3,0.6,1,2,7,8\n")
	p := taskProblem(t, func(cfg *Config) {
		cfg.Initial.Type, cfg.Conditions.Position = "demonstration", []float64{0.15, 0.3}
		d := &cfg.Initial.Demonstration
		d.Files, d.Begin, d.RowsPerStep = []string{motion}, 0.15, 0
	})
	r := p.references[0]
	for i, want := range []float64{0.15, 0.3, 0.2, 0.4, 0.25, 0.5, 0.3, 0.6} {
		if math.Abs(r.Position[i]-want) > 1e-9 {
			t.Errorf("position %d is %v, want %v", i, r.Position[i], want)
		}
	}
	for i, want := range []float64{3, 4, 3, 4, 5, 6, 7, 8} {
		if math.Abs(r.Effort[i]-want) > 1e-6 {
			t.Errorf("effort %d is %v, want %v", i, r.Effort[i], want)
		}
	}
}

// A motion of a bag begins with its first command, or at demonstration.begin where that is later.
func TestBeginWithFirstCommand(t *testing.T) {
	motion := &trajectory.Trajectory{Time: []float64{0, 0.1, 0.2, 0.3}, Position: make([]float64, 8)}
	recording := &demonstration.Stretch{Trajectory: motion, CommandAge: []float64{math.Inf(1), math.Inf(1), 0, math.Inf(1)}}
	for _, c := range []struct{ begin, want float64 }{{0, 0.2}, {0.15, 0.2}, {0.25, 0.25}} {
		p := &Problem{}
		p.cfg.Initial.Demonstration.Begin, p.cfg.Initial.Demonstration.CommandsTopic = c.begin, "/commands"
		if got := p.motionBegin("bag", recording); got != c.want {
			t.Errorf("begins at %v s, want %v", got, c.want)
		}
		if c.begin < c.want != (len(p.notes) == 1 && strings.Contains(p.notes[0], "the motion in bag begins 0.2 s after the first joint state, at the first command of topic /commands")) {
			t.Errorf("notes %q", p.notes)
		}
	}
}

// pendulum is a rod of 2 kg whose middle is 0.5 m from its joint, about the axis y: at angle 0 it is
// level, and gravity turns it on. The joint has friction.
const pendulum = `<robot name="pendulum"><link name="base"/><link name="rod">
<inertial><origin xyz="0.5 0 0"/><mass value="2"/><inertia ixx="0.1" ixy="0" ixz="0" iyy="0.25" iyz="0" izz="0.25"/></inertial></link>
<joint name="a" type="continuous"><parent link="base"/><child link="rod"/><axis xyz="0 1 0"/><dynamics damping="0.3" friction="0.2"/></joint></robot>`

// Torques are m l^2 + I times the acceleration, the friction's and gravity's by hand; what the robot's
// own compensation adds is taken off, off recorded efforts as well.
func TestDynamicsOfDescription(t *testing.T) {
	description, err := urdf.Parse([]byte(pendulum))
	if err != nil {
		t.Fatal(err)
	}
	const q, dq, ddq = 0.4, -1.5, 3.0
	turning, friction, gravity := (2*0.25+0.25)*ddq, 0.3*dq-0.2, -2*9.81*0.5*math.Cos(q)
	for _, compensates := range []bool{false, true} {
		cfg := robot.DefaultConfig()
		cfg.Joints, cfg.EffortLimit, cfg.Kinematics.Type, cfg.URDF, cfg.GravityCompensation = []string{"a"}, []float64{50}, robot.NoKinematics, "pendulum.urdf", compensates
		cfg.State = []string{robot.JointPositions, robot.JointVelocities}
		r, err := robot.New(cfg, description)
		if err != nil {
			t.Fatal(err)
		}
		p := &Problem{robot: r}
		p.cfg.Initial.Demonstration = DemonstrationConfig{FeedForward: "inverse_dynamics", Dynamics: "description"}
		model, err := p.inverseDynamics()
		if err != nil {
			t.Fatal(err)
		}
		want, effort := turning+friction+gravity, 7.0
		if compensates {
			want, effort = want-gravity, effort-gravity
		}
		tau := []float64{0}
		for range 2 {
			if model.InverseDynamics(tau, []float64{q}, []float64{dq}, []float64{ddq}); math.Abs(tau[0]-want) > 1e-12 {
				t.Errorf("compensation %v: torque %v, want %v", compensates, tau[0], want)
			}
		}
		reference := &initial.Reference{T: 1, DQ: 1, DU: 1, Middle: []float64{q}, Effort: []float64{7}}
		if p.compensate(reference); math.Abs(reference.Effort[0]-effort) > 1e-12 {
			t.Errorf("compensation %v: a recorded effort of 7 becomes %v, want %v", compensates, reference.Effort[0], effort)
		}
	}
}

// A motion without velocities gets those of its smoothing, one with velocities keeps them.
func TestSmoothing(t *testing.T) {
	rows, with := &strings.Builder{}, &strings.Builder{}
	rows.WriteString("time,a.position,b.position\n")
	with.WriteString("time,a.position,b.position,a.velocity,b.velocity\n")
	for i := range 40 {
		at, jitter := float64(i)*0.01, 1e-3*float64(i%3)
		line := format(at, 1+at*at+jitter, 0.5-jitter)
		rows.WriteString(line + "\n")
		with.WriteString(line + "," + format(8, 9) + "\n")
	}
	speed := func(text string, smoothing float64) float64 {
		p := taskProblem(t, func(cfg *Config) {
			cfg.Initial.Type, cfg.Conditions.Position = "demonstration", []float64{1, 0.5}
			d := &cfg.Initial.Demonstration
			d.Files, d.FeedForward, d.Smoothing = []string{writeMotion(t, text)}, "none", smoothing
		})
		return p.references[0].Velocity[3*2] // at 0.15 s: 0.3
	}
	if v := speed(rows.String(), 0.2); math.Abs(v-0.3) > 0.02 {
		t.Errorf("smoothed, the speed is %v, want 0.3", v)
	}
	if v := speed(rows.String(), 0); math.Abs(v-0.3) < 1e-3 {
		t.Errorf("without smoothing the speed is %v: nothing jitters", v)
	}
	if v := speed(with.String(), 0.2); math.Abs(v-8) > 1e-9 {
		t.Errorf("a recorded speed of 8 becomes %v", v)
	}
}

func format(values ...float64) string {
	var texts []string
	for _, v := range values {
		texts = append(texts, strconv.FormatFloat(v, 'g', -1, 64))
	}
	return strings.Join(texts, ",")
}

// Only the time of a trial counts: a gap before or after it is no matter, one in it is.
func TestOnlyTheTrialIsLookedAt(t *testing.T) {
	text := &strings.Builder{}
	text.WriteString("time,a.position,b.position\n")
	for _, at := range []float64{0, 0.05, 0.1, 0.9, 0.95, 1, 1.05, 1.1, 1.15, 1.2, 1.25, 1.3, 3, 3.05} {
		text.WriteString(format(at, 1+(at-0.9), 0.5) + "\n")
	}
	motion := writeMotion(t, text.String())
	read := func(begin float64) (*Problem, error) {
		cfg, rc := taskConfig() // trials of 0.3 s
		cfg.Initial.Type, cfg.Conditions.Position = "demonstration", []float64{1, 0.5}
		d := &cfg.Initial.Demonstration
		d.Files, d.FeedForward, d.Begin, d.Smoothing = []string{motion}, "none", begin, 0
		return NewProblem(cfg, mustRobot(t, rc))
	}
	p, err := read(0.9)
	if err != nil {
		t.Fatal(err)
	}
	if last := p.references[0].Position[2*6]; math.Abs(last-1.3) > 1e-9 || len(p.notes) > 0 {
		t.Errorf("the trial ends at %v, notes %q; want 1.3 and none", last, p.notes)
	}
	for begin, place := range map[float64]string{0: "from 0.1 s to 0.9 s", 0.7: "from 0.1 s to 0.9 s", 1.1: "from 1.3 s to 3 s"} {
		if _, err := read(begin); err == nil || !strings.Contains(err.Error(), "a gap of") || !strings.Contains(err.Error(), place) {
			t.Errorf("from %v s on: error %v, want a gap %s", begin, err, place)
		}
	}
}
