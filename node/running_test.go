package node

import (
	"context"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"guidedpolicysearch/msgs/guided_policy_search_msgs"
	"guidedpolicysearch/node/action"
	"guidedpolicysearch/node/rcl"
	"guidedpolicysearch/node/record"
	"guidedpolicysearch/node/trial"
)

// learned trains for a short while and returns the policy's path.
func learned(t *testing.T, set ...string) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "learned")
	cfg, setup, simulated, err := LoadFile(taskFile, append([]string{"run_folder=" + folder, "iterations=2", "samples=2", "steps=20"}, set...))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Train(t.Context(), cfg, setup, simulated, io.Discard); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(folder, record.PolicyFile)
}

// runs are the parameters of a node that runs a policy.
func runs(path string, more ...string) []string {
	return append([]string{"mode:=run", "policy.file:=" + path, "conditions.initial_position:=[2.3, 1.5, 2.0, 1.0]"}, more...)
}

// noLearner fails if a learner is started.
func noLearner(t *testing.T) options {
	return options{learner: func([]string) []string {
		t.Error("a learner was started")
		return []string{"false"}
	}}
}

// A policy runs without a learner, from each condition, and does what it does in an evaluation; a run
// that goes on does not repeat what is recorded.
func TestRunPolicy(t *testing.T) {
	for _, algorithm := range []string{"trajopt", "mdgps"} {
		path := learned(t, "algorithm.type="+algorithm)
		m := startManaged(t, noLearner(t), runs(path, "iterations:=1", "samples:=2")...)
		m.startRobot()
		<-m.done
		if m.err != nil || m.panicked != nil {
			t.Fatalf("%s: %v, %v", algorithm, m.err, m.panicked)
		}
		m.atRest()
		folder, err := record.View(m.folder)
		if err != nil {
			t.Fatal(err)
		}
		paths, err := folder.Rollouts(1)
		if err != nil || len(paths) != 4 || !strings.Contains(m.log(), "all 4 trials were run") || strings.Count(m.log(), "cost ") != 4 {
			t.Fatalf("%s: %v, %v\n%s", algorithm, paths, err, m.log())
		}
		task, err := OpenPolicyTask(path, taskFile, []string{"steps=20", "conditions.test_position=[2.3,1.5,2.0,1.0]"})
		if err != nil {
			t.Fatal(err)
		}
		e, err := NewEvaluator(task, EvaluationConfig{Starts: 2, Seed: 1, Distance: 0.03})
		if err != nil {
			t.Fatal(err)
		}
		want, err := e.Run(t.Context(), func(int) {})
		if err != nil {
			t.Fatal(err)
		}
		for i, path := range paths {
			r, err := folder.ReadRollout(path)
			if err != nil {
				t.Fatal(err)
			}
			if r.Driver != "policy" || r.Condition != uint32(i/2) || r.Sample != uint32(i%2) || int(r.Steps) != 20 {
				t.Errorf("%s: %s is driven by %q, condition %d, sample %d, %d steps", algorithm, path, r.Driver, r.Condition, r.Sample, r.Steps)
			}
			q := want.Rows[i/2].Start
			if math.Abs(r.States[0]-q[0]) > 2e-3 || math.Abs(r.States[1]-q[1]) > 2e-3 {
				t.Errorf("%s: %s begins at %v, want %v", algorithm, path, r.States[:2], q)
			}
			// The same mean action at the same state.
			u, x := make([]float64, 2), r.States[:r.Dx]
			e.File().Policy.Act(u, x, 0, nil)
			if !slices.Equal(u, r.Commanded[:2]) {
				t.Errorf("%s: %s begins with %v, the policy with %v", algorithm, path, r.Commanded[:2], u)
			}
		}
		// Trials of the arm that is reset from elsewhere begin within the reset's tolerances.
		last, err := folder.ReadRollout(paths[0])
		if err != nil {
			t.Fatal(err)
		}
		q := last.States[20*last.Dx:]
		tip := math.Hypot(0.5*math.Cos(q[0])+0.5*math.Cos(q[0]+q[1])-1, 0.5*math.Sin(q[0])+0.5*math.Sin(q[0]+q[1]))
		if math.Abs(tip-*want.Rows[0].Error) > 0.02 {
			t.Errorf("%s: ends %v m from the target, in an evaluation %v m", algorithm, tip, *want.Rows[0].Error)
		}
	}
}

// A policy may begin where the arm is; a run that goes on runs what is missing, and an endless one
// goes on until it is stopped.
func TestRunHere(t *testing.T) {
	path := learned(t)
	m := startManaged(t, noLearner(t), runs(path, "policy.start:=here", "iterations:=1", "samples:=2", "conditions.initial_position:=[0.0, 0.0]", "policy.endless:=true", "exit_when_done:=false")...)
	m.startRobot("initial_position:=[1.0, -0.5]")
	m.until("three iterations are run", func() bool { return m.exists(record.TrialPath(3, 0, 1)) })
	if m.health("learning").Level != 0 {
		t.Errorf("diagnostics %+v", m.health("learning"))
	}
	m.must("stop")
	m.atRest()
	if err := os.Remove(filepath.Join(m.folder, record.TrialPath(2, 0, 0))); err != nil {
		t.Fatal(err)
	}
	m.must("cleanup")
	m.set("policy.endless", rcl.Value{Type: rcl.Bool, Bool: false})
	m.set("iterations", rcl.Value{Type: rcl.Integer, Int: 2})
	m.must("start")
	m.until("the missing trial is run", func() bool { return strings.Contains(m.log(), "all 1 trials were run") && m.is("inactive") })
	folder, err := record.View(m.folder)
	if err != nil {
		t.Fatal(err)
	}
	first, err := folder.ReadRollout(record.TrialPath(1, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	if q := first.States[:2]; math.Abs(q[0]-1) > 0.01 || math.Abs(q[1]+0.5) > 0.01 {
		t.Errorf("the first trial begins at %v, want where the arm is", q)
	}
	second, err := folder.ReadRollout(record.TrialPath(1, 0, 1))
	if err != nil {
		t.Fatal(err)
	}
	end := first.States[20*first.Dx:]
	if q := second.States[:2]; math.Hypot(q[0]-end[0], q[1]-end[1]) > 1.5 || math.Hypot(q[0]-1, q[1]+0.5) < 0.05 {
		t.Errorf("the second trial begins at %v, want near where the first ended, %v", q, end[:2])
	}
	if speed := math.Hypot(second.States[2], second.States[3]); speed > 0.02 {
		t.Errorf("the second trial begins at %v rad/s, want at rest", speed)
	}
}

// What cannot be run is refused when the node is configured, and the arm stays without torque.
func TestRunRefuses(t *testing.T) {
	path := learned(t, "algorithm.type=mdgps")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cut := filepath.Join(dir, "cut.gps")
	junk := filepath.Join(dir, "junk.onnx")
	for file, data := range map[string][]byte{cut: whole[:len(whole)/2], junk: []byte("no model")} {
		if err := os.WriteFile(file, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		parameters []string
		want       []string
	}{
		{runs(cut), []string{"policy.file", "cut.gps", "damaged"}},
		{runs(junk), []string{"policy.file", "junk.onnx"}},
		{runs(filepath.Join(dir, "none.gps")), []string{"policy.file", "none.gps", "no such file"}},
		{runs(path, "dt:=0.1"), []string{"0.05 s", "0.1 s"}},
		{runs(path, "robot.state:=[joint_positions, joint_velocities]"), []string{"end_effector", "the robot [joint1"}},
	} {
		m := startManaged(t, noLearner(t), append(c.parameters, "autostart:=false", "exit_when_done:=false")...)
		m.startRobot()
		err := m.ask("start")
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%q: %v, want %q", c.parameters, err, want)
			}
		}
		if commands, _ := m.counts(); commands != 0 || !m.is("unconfigured") {
			t.Errorf("%q: %d commands", c.parameters, commands)
		}
	}
	if _, _, err := Load(arguments(t, "mode:=run")); err == nil || !strings.Contains(err.Error(), "policy.file") {
		t.Errorf("no policy: %v", err)
	}
}

// While a policy runs the arm is watched as while it is learned on: a fault breaks the trial off, which
// is repeated, and stop, relax and start do what they always do.
func TestRunIsSafe(t *testing.T) {
	path := learned(t, "algorithm.type=mdgps")
	m := startManaged(t, noLearner(t), runs(path, "policy.endless:=true")...)
	m.startRobot(inRealTime)
	m.until("a trial runs", m.phase(trial.Run, ""))
	m.must("abort_trial")
	m.until("a trial runs", m.phase(trial.Run, ""))
	m.must("relax")
	m.until("the arm is relaxed", m.phase(trial.Relax, ""))
	m.must("start")
	m.until("a trial runs again", m.phase(trial.Run, ""))
	m.must("emergency_stop")
	m.until("the fault is told", m.phase(trial.Fault, "emergency stop"))
	m.atRest()
	m.must("stop")
	m.atRest()
	m.cancel()
	<-m.done
	if m.err != nil && !errors.Is(m.err, context.Canceled) {
		t.Error(m.err)
	}
}

// The parameters of mode run are given after those of a task, and the path is from their file's folder.
func TestRunParameters(t *testing.T) {
	const file = "../params/overlays/run_policy.yaml"
	args, err := rcl.Parse([]string{"--ros-args", "--params-file", taskFile, "--params-file", file})
	if err != nil {
		t.Fatal(err)
	}
	path, err := filepath.Abs("../runs/planar_arm/policy.gps")
	if err != nil {
		t.Fatal(err)
	}
	if _, cfg, err := Load(args); err != nil || cfg.Mode != modeRun || !cfg.Run.Endless || cfg.Steps != 100 || cfg.Run.File != path {
		t.Errorf("%v: %+v", err, cfg.Run)
	}
}

// A run of one policy, or of learning, does not go on as that of another.
func TestRunIsOfOnePolicy(t *testing.T) {
	for name, want := range map[string]bool{"mode": true, "policy.file": true, "policy.start": true, "policy.endless": false, "conditions.test_lower": false, "conditions.random.count": true} {
		if definesProblem(name) != want {
			t.Errorf("%s makes it another problem: %t, want %t", name, !want, want)
		}
	}
}

// Who asks a node that runs a policy to learn is told why it does not.
func TestTrainIsRefusedInRun(t *testing.T) {
	m := startManaged(t, noLearner(t), runs(learned(t), "autostart:=false", "exit_when_done:=false")...)
	m.startRobot()
	client, err := action.NewClient(m.outside, action.ClientConfig{Name: nodeName + "/train", Type: action.Type{SendGoal: new(guided_policy_search_msgs.Train_SendGoal),
		GetResult: new(guided_policy_search_msgs.Train_GetResult), Feedback: new(guided_policy_search_msgs.Train_FeedbackMessage)}})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	goal, err := client.Send(m.context(), &guided_policy_search_msgs.Train_Goal{Iterations: 3}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var result guided_policy_search_msgs.Train_Result
	status, err := goal.Result(m.context(), &result)
	if err != nil || status != action.Aborted || !strings.Contains(result.Message, "mode is run, in which nothing is learned: start the node with mode train") {
		t.Errorf("status %v with %q, %v", status, result.Message, err)
	}
	if commands, _ := m.counts(); commands != 0 || !m.is("unconfigured") {
		t.Errorf("%d commands, %s", commands, m.stand())
	}
}

// An arm whose weight nobody compensates sags when it is held: a policy that begins where the arm is
// begins where it has come to rest, and does not wait for it to come back up.
func TestRunHereOnAnArmThatSags(t *testing.T) {
	path := learned(t)
	m := startManaged(t, noLearner(t), runs(path, "policy.start:=here", "iterations:=1", "samples:=2", "conditions.initial_position:=[0.0, 0.0]")...)
	m.startRobot("plant.gravity:=9.81", "initial_position:=[-1.2, 0.2]")
	<-m.done
	if m.err != nil || m.panicked != nil || strings.Contains(m.log(), "fault") {
		t.Fatalf("%v, %v\n%s", m.err, m.panicked, m.log())
	}
	folder, err := record.View(m.folder)
	if err != nil {
		t.Fatal(err)
	}
	want := []float64{-1.2, 0.2}
	for i, near := range []float64{0.5, 1.5} { // rad; after a trial the arm has a speed to lose
		r, err := folder.ReadRollout(record.TrialPath(1, 0, uint32(i)))
		if err != nil {
			t.Fatal(err)
		}
		if away := math.Hypot(r.States[0]-want[0], r.States[1]-want[1]); away < 0.05 || away > near {
			t.Errorf("trial %d begins at %v, %v rad from where the arm was, %v; want it to sag, by at most %v", i+1, r.States[:2], away, want, near)
		}
		if speed := math.Hypot(r.States[2], r.States[3]); speed > 0.02 {
			t.Errorf("trial %d begins at %v rad/s, want at rest", i+1, speed)
		}
		want = r.States[20*r.Dx:]
	}
}
