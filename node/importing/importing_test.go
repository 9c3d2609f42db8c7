package importing

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/foxglove/mcap/go/mcap"

	"guidedpolicysearch/gps/initial"
	"guidedpolicysearch/hardware/robot"
	"guidedpolicysearch/hardware/trajectory"
	"guidedpolicysearch/msgs"
	"guidedpolicysearch/msgs/builtin_interfaces"
	"guidedpolicysearch/msgs/sensor_msgs"
	"guidedpolicysearch/msgs/std_msgs"
	"guidedpolicysearch/node/demonstration"
	"guidedpolicysearch/node/record"
)

// The motion: q = (a t^2, b t) with torques (1 + k, -2) in the k-th interval of a hundredth of a second.
const rows, rate = 101, 100.

func position(t float64) []float64 { return []float64{0.3 * t * t, 0.5 * t} }
func slope(t float64) []float64    { return []float64{0.6 * t, 0.5} }
func torque(k int) []float64       { return []float64{1 + float64(k), -2} }

// states are the joints b and a, in the order of the driver, with a third joint that is none of the robot's.
func jointState(k int) *sensor_msgs.JointState {
	t := float64(k) / rate
	q, dq := position(t), slope(t)
	return &sensor_msgs.JointState{Header: std_msgs.Header{Stamp: builtin_interfaces.Time{Sec: 100 + int32(k/rate), Nanosec: uint32(k%rate) * 10_000_000}},
		Name: []string{"b", "gripper", "a"}, Position: []float64{q[1], 9, q[0]}, Velocity: []float64{dq[1], 9, dq[0]}}
}

// recorded returns an MCAP file of joint states, and of commands that answer each; edit may change both.
func recorded(tb testing.TB, edit func(k int, s *sensor_msgs.JointState, receive *int64)) []byte {
	tb.Helper()
	return recordedFor(tb, func(int) bool { return true }, edit)
}

// recordedFor is recorded with commands of some rows only.
func recordedFor(tb testing.TB, commanded func(k int) bool, edit func(k int, s *sensor_msgs.JointState, receive *int64)) []byte {
	tb.Helper()
	var out bytes.Buffer
	w, err := mcap.NewWriter(&out, &mcap.WriterOptions{Chunked: true, ChunkSize: 2000, Compression: mcap.CompressionZSTD, IncludeCRC: true})
	check := func(err error) {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
	}
	check(err)
	check(w.WriteHeader(&mcap.Header{Profile: "ros2"}))
	for i, c := range []struct {
		topic string
		m     msgs.Message
	}{{"/arm/joint_states", new(sensor_msgs.JointState)}, {"/arm/commands", new(std_msgs.Float64MultiArray)}} {
		id := uint16(i + 1)
		check(w.WriteSchema(&mcap.Schema{ID: id, Name: c.m.TypeName(), Encoding: "ros2msg", Data: []byte(c.m.Definition())}))
		check(w.WriteChannel(&mcap.Channel{ID: id, SchemaID: id, Topic: c.topic, MessageEncoding: "cdr"}))
	}
	for k := range rows {
		s, receive := jointState(k), int64(1_000_000_000)+int64(k)*10_000_000
		if edit != nil {
			edit(k, s, &receive)
		}
		check(w.WriteMessage(&mcap.Message{ChannelID: 1, LogTime: uint64(receive), PublishTime: uint64(receive), Data: s.AppendCDR(nil)}))
		if !commanded(k) {
			continue
		}
		check(w.WriteMessage(&mcap.Message{ChannelID: 2, LogTime: uint64(receive) + 1000, PublishTime: uint64(receive), Data: (&std_msgs.Float64MultiArray{Data: torque(k)}).AppendCDR(nil)}))
	}
	check(w.Close())
	return out.Bytes()
}

func save(tb testing.TB, name string, data []byte) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

func config() Config {
	c := DefaultConfig()
	c.Topics = demonstration.Topics{JointStates: "arm/joint_states", Commands: "/arm/commands"}
	c.Joints, c.DT = []string{"a", "b"}, 0.02
	return c
}

// TestBag compares rollouts with the motion's own formula: two rollouts of 20 steps from 0.11 s on,
// each with the messages of its time.
func TestBag(t *testing.T) {
	c := config()
	c.Steps, c.Begin, c.Condition = 20, 0.11, 3
	m, err := Read(save(t, "motion.mcap", recorded(t, nil)), c)
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Trials) != 2 || len(m.Losses) != 0 || len(m.Notes) != 1 || !strings.Contains(m.Notes[0], "the last 0.09 s") {
		t.Fatalf("%d rollouts, losses %v, notes %q", len(m.Trials), m.Losses, m.Notes)
	}
	for n, trial := range m.Trials {
		r := &trial.Rollout
		if r.Iteration != 0 || r.Condition != 3 || int(r.Sample) != n || r.Steps != 20 || r.Dx != 4 || r.Du != 2 || r.Dt != 0.02 || r.Driver != Driver ||
			fmt.Sprint(r.JointNames) != "[a b]" || len(r.StateNames) != 4 {
			t.Errorf("rollout %+v", r)
		}
		begin := 0.11 + 0.4*float64(n)
		for k := range 21 {
			at := begin + 0.02*float64(k)
			want := append(position(at), slope(at)...)
			for i, v := range r.States[4*k : 4*k+4] {
				if math.Abs(v-want[i]) > 1e-9 {
					t.Fatalf("rollout %d: state %d of step %d is %v, want %v", n, i, k, v, want[i])
				}
			}
			stamp := 100 + at
			if got := float64(r.Stamps[k].Sec) + float64(r.Stamps[k].Nanosec)/1e9; math.Abs(got-stamp) > 1e-8 {
				t.Errorf("rollout %d: stamp of step %d is %v, want %v", n, k, got, stamp)
			}
			if k == 20 {
				continue
			}
			row := int(math.Round(at * rate))
			for i, v := range r.Actions[2*k : 2*k+2] {
				if want := (torque(row)[i] + torque(row + 1)[i]) / 2; math.Abs(v-want) > 1e-9 {
					t.Errorf("rollout %d: action %d of step %d is %v, want %v", n, i, k, v, want)
				}
			}
		}
		if trial.JointStates.Len() != 41 || trial.Commands.Len() != 40 || trial.Topics.JointStates.Name != "/arm/joint_states" {
			t.Errorf("rollout %d: %d joint states and %d commands of %s", n, trial.JointStates.Len(), trial.Commands.Len(), trial.Topics.JointStates.Name)
		}
	}
}

// TestBetweenRows begins between two rows, and takes the whole motion.
func TestBetweenRows(t *testing.T) {
	c := config()
	c.Begin, c.DT = 0.105, 0.03
	m, err := Read(save(t, "motion.mcap", recorded(t, nil)), c)
	if err != nil {
		t.Fatal(err)
	}
	r := &m.Trials[0].Rollout
	if r.Steps != 29 {
		t.Fatalf("%d steps, want 29", r.Steps)
	}
	for k := range 30 {
		at := 0.105 + 0.03*float64(k)
		want := append(position(at), slope(at)...)
		for i, v := range r.States[4*k : 4*k+4] {
			if math.Abs(v-want[i]) > 1e-9 {
				t.Fatalf("state %d of step %d is %v, want %v", i, k, v, want[i])
			}
		}
	}
	// Half of row 10's interval, rows 11 and 12, half of row 13's.
	if want := (torque(10)[0]/2 + torque(11)[0] + torque(12)[0] + torque(13)[0]/2) / 3; math.Abs(r.Actions[0]-want) > 1e-9 {
		t.Errorf("first action %v, want %v", r.Actions[0], want)
	}
}

// TestState puts the state of a robot together that has more in it.
func TestState(t *testing.T) {
	rc := robot.DefaultConfig()
	rc.Joints, rc.State = []string{"a", "b"}, []string{robot.JointPositions, robot.JointVelocities, robot.EndEffector, robot.PreviousTorques}
	r, err := robot.New(rc, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := config()
	c.Robot, c.Joints = r, nil
	m, err := Read(save(t, "motion.mcap", recorded(t, nil)), c)
	if err != nil {
		t.Fatal(err)
	}
	ro := &m.Trials[0].Rollout
	x := ro.States[7*9 : 8*9]
	q := position(0.14)
	tip := []float64{0.5*math.Cos(q[0]) + 0.5*math.Cos(q[0]+q[1]), 0.5*math.Sin(q[0]) + 0.5*math.Sin(q[0]+q[1])}
	if math.Abs(x[4]-tip[0]) > 1e-9 || math.Abs(x[5]-tip[1]) > 1e-9 || x[7] != ro.Actions[12] || x[8] != ro.Actions[13] {
		t.Errorf("state %v: want the end effector at %v and the torques %v before", x, tip, ro.Actions[12:14])
	}
}

// TestCSV reads a file whose joints nobody names.
func TestCSV(t *testing.T) {
	text := "time,a.position,b.position,a.effort,b.effort\n"
	for k := range rows {
		at := float64(k) / rate
		q, u := position(at), torque(k)
		text += fmt.Sprintf("%v,%v,%v,%v,%v\n", 7+at, q[0], q[1], u[0], u[1])
	}
	c := DefaultConfig()
	c.Smoothing = 0.06
	m, err := Read(save(t, "motion.csv", []byte(text)), c)
	if err != nil {
		t.Fatal(err)
	}
	r := &m.Trials[0].Rollout
	if r.Steps != 20 || r.Header.Stamp.Sec != 7 || fmt.Sprint(r.JointNames) != "[a b]" {
		t.Errorf("%d steps of %q from %v", r.Steps, r.JointNames, r.Header.Stamp)
	}
	for i, want := range append(position(0.5), slope(0.5)...) {
		if got := r.States[4*10+i]; math.Abs(got-want) > 1e-9 {
			t.Errorf("state %d is %v, want %v", i, got, want)
		}
	}
}

// TestCut reads what is there of a bag that was cut off at any of 2,000 places, or says why not.
func TestCut(t *testing.T) {
	data := recorded(t, nil)
	path := save(t, "motion.mcap", data)
	most, read := 0, 0
	for i := range 2000 {
		n := len(data) * i / 2000
		if err := os.WriteFile(path, data[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		m, err := Read(path, config())
		if err != nil {
			if !errors.Is(err, demonstration.ErrBag) && !errors.Is(err, ErrMotion) && !errors.Is(err, trajectory.ErrSampling) || !strings.Contains(err.Error(), path) {
				t.Fatalf("cut at byte %d of %d: error %v", n, len(data), err)
			}
			continue
		}
		if len(m.Losses) != 1 || !strings.Contains(m.Losses[0].Cause.Error(), "at byte ") {
			t.Fatalf("cut at byte %d of %d: losses %v", n, len(data), m.Losses)
		}
		read++
		steps := int(m.Trials[0].Rollout.Steps)
		if steps < most {
			t.Fatalf("cut at byte %d: %d steps, %d before", n, steps, most)
		}
		most = steps
	}
	if most != 50 || read < 1000 {
		t.Errorf("%d steps at most, %d of 2000 files read", most, read)
	}
}

func TestRefused(t *testing.T) {
	good := recorded(t, nil)
	for _, c := range []struct {
		name string
		data []byte
		edit func(*Config)
		is   error
		want string
	}{
		{"no efforts", good, func(c *Config) { c.Topics.Commands = "" }, ErrMotion, "name the topic of the commands"},
		{"other topic", good, func(c *Config) { c.Topics.JointStates = "x" }, demonstration.ErrBag, `["/arm/joint_states"]`},
		{"other topic, no joints", good, func(c *Config) { c.Topics.JointStates, c.Joints = "x", nil }, ErrMotion, "joint states to take the joints from"},
		{"other joints", good, func(c *Config) { c.Joints = []string{"x", "y"} }, demonstration.ErrBag, "need [\"x\" \"y\"]"},
		{"too short", good, func(c *Config) { c.Steps = 51 }, ErrMotion, "lasts 1 s from 0 s on, a rollout of 51 steps 1.02 s"},
		{"begin behind the end", good, func(c *Config) { c.Begin = 2 }, ErrMotion, "lasts 1 s, and the first rollout is to begin at 2 s"},
		{"too rare", good, func(c *Config) { c.DT = 0.005 }, trajectory.ErrTooRare, "need at most 0.005 s"},
		{"gap", recorded(t, func(k int, s *sensor_msgs.JointState, _ *int64) {
			if k > 50 {
				s.Header.Stamp.Sec++
			}
		}), func(c *Config) { c.Steps = 26 }, ErrMotion, "longest stretch lasts 0.5 s from 0 s on, a rollout of 26 steps 0.52 s: give fewer steps, or 0 for the whole motion (cut into 2 stretches by 1 pause of more than 0.05 s (--max-gap 5 times the usual 0.01 s), the longest of 1.01 s from 0.5 s to 1.51 s after the first row)"},
		{"clock stands", recorded(t, func(k int, s *sensor_msgs.JointState, _ *int64) {
			if k == 51 {
				s.Header.Stamp.Nanosec -= 10_000_000
			}
		}), nil, demonstration.ErrBag, "the clock went back or stood still"},
		{"foreign", []byte("SQLite format 3\x00"), nil, demonstration.ErrBag, "does not begin as an MCAP file"},
		{"time step", good, func(c *Config) { c.DT = math.NaN() }, ErrConfig, "NaN"},
		{"steps", good, func(c *Config) { c.Steps = -1 }, ErrConfig, "-1 steps"},
	} {
		cfg := config()
		if c.edit != nil {
			c.edit(&cfg)
		}
		if _, err := Read(save(t, "motion.mcap", c.data), cfg); !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
	for text, want := range map[string]error{"": trajectory.ErrFormat, "time,a.position\n0,1\n1,2\n": ErrMotion, "time,a.position,a.effort\n0,1,x\n": trajectory.ErrFormat, "a,b": trajectory.ErrFormat} {
		if _, err := Read(save(t, "motion.csv", []byte(text)), DefaultConfig()); !errors.Is(err, want) {
			t.Errorf("%q: error %v", text, err)
		}
	}
}

// Times that no stamp holds are refused, instead of coming out as others.
func TestTimesBeyondStamps(t *testing.T) {
	text := "time,a.position,a.effort\n"
	for k := range 100 {
		text += fmt.Sprintf("%.2f,0,0\n", 4e9+0.01*float64(k))
	}
	c := DefaultConfig()
	c.Joints, c.Steps = []string{"a"}, 10
	if _, err := Read(save(t, "motion.csv", []byte(text)), c); !errors.Is(err, ErrMotion) || !strings.Contains(err.Error(), "4000000000 s") {
		t.Errorf("error %v", err)
	}
}

// checkTruth compares a rollout that begins at a time, and whose steps are of two rows, with the formula.
func checkTruth(t *testing.T, trial *record.Trial, begin float64) {
	t.Helper()
	r := &trial.Rollout
	for k := range int(r.Steps) + 1 {
		at := begin + r.Dt*float64(k)
		for i, want := range append(position(at), slope(at)...) {
			if math.Abs(r.States[4*k+i]-want) > 1e-9 {
				t.Fatalf("state %d of step %d is %v, want %v", i, k, r.States[4*k+i], want)
			}
		}
		if k == int(r.Steps) {
			break
		}
		row := int(math.Round(at * rate))
		for i, v := range r.Actions[2*k : 2*k+2] {
			if want := (torque(row)[i] + torque(row + 1)[i]) / 2; math.Abs(v-want) > 1e-9 {
				t.Fatalf("action %d of step %d is %v, want %v", i, k, v, want)
			}
		}
	}
}

// TestReceiveTimesGoBack keeps messages in their order where the recording machine's clock was set.
func TestReceiveTimesGoBack(t *testing.T) {
	data := recorded(t, func(k int, _ *sensor_msgs.JointState, receive *int64) {
		if k > 50 {
			*receive -= 300_000_000
		}
	})
	c := config()
	c.Topics.Commands = ""
	if _, err := Read(save(t, "motion.mcap", data), c); !errors.Is(err, ErrMotion) {
		t.Errorf("error %v", err)
	}
	// Stamps go on, so it is one motion.
	m, err := Read(save(t, "motion.mcap", data), config())
	if err != nil || len(m.Trials) != 1 || len(m.Notes) != 1 || !strings.Contains(m.Notes[0], "was set back once") {
		t.Fatalf("%+v, %v", m, err)
	}
	checkTruth(t, m.Trials[0], 0)
	if m.Trials[0].Commands.Len() != 100 {
		t.Errorf("%d commands, want 100", m.Trials[0].Commands.Len())
	}
}

// FuzzImport: whatever a file holds, it is read or refused.
func FuzzImport(f *testing.F) {
	data := recorded(f, nil)
	f.Add(data)
	f.Add(data[:len(data)*2/3])
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Read(save(t, "motion.mcap", data), config())
		if err != nil {
			for _, is := range []error{ErrMotion, demonstration.ErrBag, trajectory.ErrFormat, trajectory.ErrSampling, initial.ErrDemonstration} {
				if errors.Is(err, is) {
					return
				}
			}
			t.Fatalf("error %v", err)
		}
		for _, trial := range m.Trials {
			if r := &trial.Rollout; len(r.States) != int((r.Steps+1)*r.Dx) || len(r.Actions) != int(r.Steps*r.Du) {
				t.Errorf("%d states, %d actions: %d steps", len(r.States), len(r.Actions), r.Steps)
			}
		}
	})
}
