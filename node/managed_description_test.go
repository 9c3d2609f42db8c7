package node

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"guidedpolicysearch/msgs/std_msgs"
	"guidedpolicysearch/node/rcl"
	"guidedpolicysearch/node/record"
	"guidedpolicysearch/node/transport"
)

// describedArm is the task's arm, with joints of two names.
func describedArm(first, second string) string {
	joint := func(name, parent, child, at string) string {
		return `<joint name="` + name + `" type="continuous"><parent link="` + parent + `"/><child link="` + child + `"/><origin xyz="` + at + ` 0 0"/><axis xyz="0 0 1"/><limit effort="300" velocity="100"/></joint>`
	}
	const rod = `<inertial><origin xyz="0.25 0 0"/><mass value="1"/><inertia ixx="0.001" iyy="0.0208" izz="0.0208" ixy="0" ixz="0" iyz="0"/></inertial>`
	return `<robot name="planar_arm"><link name="base"/><link name="upper">` + rod + `</link><link name="lower">` + rod + `</link><link name="tip"/>` +
		joint(first, "base", "upper", "0") + joint(second, "upper", "lower", "0.5") +
		`<joint name="tip" type="fixed"><parent link="lower"/><child link="tip"/><origin xyz="0.5 0 0"/></joint></robot>`
}

// byDescription are the parameters of a node that takes its robot from a topic.
var byDescription = []string{"robot.description_topic:=robot_description", "robot.kinematics.type:=urdf", "robot.kinematics.link:=tip", "robot.kinematics.points:=[0.0, 0.0, 0.0]", "iterations:=1"}

// describe publishes a description as robot_state_publisher does.
func (m *managed) describe(text string) {
	m.t.Helper()
	p := m.publisher("/robot_description", new(std_msgs.String), transport.Latched())
	if err := p.Publish((&std_msgs.String{Data: text}).AppendCDR(nil)); err != nil {
		m.t.Fatal(err)
	}
}

// TestDescriptionByTopic learns with a robot that a topic describes, before the node looks for it
// or afterwards. The run folder has the description, which the learner uses.
func TestDescriptionByTopic(t *testing.T) {
	t.Parallel() // it waits, most of the time
	arm := describedArm("joint1", "joint2")
	for name, text := range map[string]string{"earlier": arm, "later": arm, "with NUL": arm + "\x00"} {
		t.Run(name, func(t *testing.T) {
			m := startManaged(t, options{}, byDescription...)
			if name == "later" {
				m.startRobot()
				m.until("the node has missed it", func() bool { _, states := m.counts(); return states > 10 })
				if !m.is("unconfigured") {
					t.Error("configured without a description")
				}
			}
			m.describe(text)
			if name != "later" {
				m.startRobot()
			}
			m.ends()
			if m.err != nil || len(m.result.Reports) != 1 {
				t.Fatalf("%v, %+v", m.err, m.result)
			}
			if kept, err := os.ReadFile(filepath.Join(m.folder, record.DescriptionFile)); err != nil || string(kept) != arm {
				t.Errorf("the run folder has %q, %v", kept, err)
			}
		})
	}
}

// TestUnsuitableDescription: a description of another robot, or none, is refused with the reason.
func TestUnsuitableDescription(t *testing.T) {
	t.Parallel() // it waits, most of the time
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"malformed": {"<robot name='arm'><link name='base'></robot>", []string{"the robot's description on /robot_description", "line 1"}},
		"empty":     {"", []string{"the robot's description on /robot_description"}},
		"other joints": {describedArm("shoulder", "elbow"),
			[]string{"joint1", `robot.joints names ["joint1" "joint2"]`, `the description on /robot_description ["shoulder" "elbow"]`, `joint_states ["joint1" "joint2"]`}},
		"other limits": {strings.NewReplacer("continuous", "revolute", "<limit ", `<limit lower="5" upper="6" `).Replace(describedArm("joint1", "joint2")),
			[]string{"conditions.initial_position", `joint "joint1"`, "its limits are 5 and 6"}},
		"no such link": {strings.ReplaceAll(describedArm("joint1", "joint2"), `"tip"`, `"hand"`), []string{"tip"}},
	} {
		t.Run(name, func(t *testing.T) {
			m := startManaged(t, options{}, append([]string{"autostart:=false"}, byDescription...)...)
			m.startRobot()
			m.until("the robot is heard", func() bool { _, states := m.counts(); return states > 3 })
			m.describe(c.text)
			err := m.ask("start")
			for _, want := range c.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%v, want %q", err, want)
				}
			}
			if commands, _ := m.counts(); commands > 0 {
				t.Errorf("%d commands", commands)
			}
			// The right one is taken when it comes.
			m.describe(describedArm("joint1", "joint2"))
			m.set("run_folder", rcl.Value{Type: rcl.String, Str: m.folder + "2"})
			m.until("the right one has come", func() bool { return m.ask("start") == nil })
		})
	}
}

// TestNamesThatFitNobody: joint_states of other joints than parameters and description name are
// refused with the names of all three.
func TestNamesThatFitNobody(t *testing.T) {
	t.Parallel() // it waits, most of the time
	m := startManaged(t, options{}, append([]string{"autostart:=false"}, byDescription...)...)
	m.startRobot("joints:=[shoulder, elbow]")
	m.describe(describedArm("joint1", "joint2"))
	err := m.ask("start")
	for _, want := range []string{`["shoulder" "elbow"]`, `robot.joints names ["joint1" "joint2"]`, `the description ["joint1" "joint2"]`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// TestNamesInFiles: where the description is a file, the error waits for joint_states too, so as to
// list all who name joints.
func TestNamesInFiles(t *testing.T) {
	t.Parallel() // it waits, most of the time
	file := filepath.Join(t.TempDir(), "arm.urdf")
	if err := os.WriteFile(file, []byte(describedArm("joint1", "wrist")), 0o600); err != nil {
		t.Fatal(err)
	}
	m := startManaged(t, options{}, "robot.urdf:="+file)
	m.startRobot("joints:=[shoulder, elbow]")
	m.ends()
	for _, want := range []string{`joint_states ["shoulder" "elbow"]`, `robot.joints names ["joint1" "joint2"]`, `the description ["joint1" "wrist"]`} {
		if m.err == nil || !strings.Contains(m.err.Error(), want) {
			t.Errorf("%v, want %q", m.err, want)
		}
	}
}

// TestLackingVelocities: joint states without velocities are refused where they are needed, and
// do where they are not.
func TestLackingVelocities(t *testing.T) {
	t.Parallel() // it waits, most of the time
	m := startManaged(t, options{}, "autostart:=false", "iterations:=1")
	m.startRobot("velocity:=none")
	if err := m.ask("start"); err == nil || !strings.Contains(err.Error(), "0 velocities") {
		t.Errorf("%v", err)
	}
	m.set("run_folder", rcl.Value{Type: rcl.String, Str: m.folder + "2"})
	m.set("robot.velocity.source", rcl.Value{Type: rcl.String, Str: "difference"})
	m.must("start")
	m.ends()
	if m.err != nil || len(m.result.Reports) != 1 {
		t.Errorf("%v, %+v", m.err, m.result)
	}
}
