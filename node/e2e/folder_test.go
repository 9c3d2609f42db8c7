package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/foxglove/mcap/go/mcap"

	"guidedpolicysearch/hardware/robot"
	"guidedpolicysearch/msgs/guided_policy_search_msgs"
	"guidedpolicysearch/msgs/sensor_msgs"
	"guidedpolicysearch/msgs/std_msgs"
	"guidedpolicysearch/node"
	"guidedpolicysearch/node/record"
	"guidedpolicysearch/node/rosio"
)

// checkRecordings reads every recording of a run by this project's reader and by the MCAP
// library, and holds the messages that were on the wire to the rollout: its states are
// those of the joint states, its actions the commands.
func checkRecordings(t *testing.T, folder string, iterations, samples, T int) {
	t.Helper()
	if n := wholeFolder(t, folder); n != iterations*samples {
		t.Errorf("%d recordings, want %d", n, iterations*samples)
	}
	view, err := record.View(folder)
	if err != nil {
		t.Fatal(err)
	}
	cfg, _, _, err := node.LoadFile(planarArm(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	arm, err := robot.New(cfg.Robot, nil)
	if err != nil {
		t.Fatal(err)
	}
	for iteration := range iterations {
		paths, err := view.Rollouts(uint32(iteration + 1))
		if err != nil || len(paths) != samples {
			t.Fatalf("iteration %d: %d recordings, %v", iteration+1, len(paths), err)
		}
		for sample, path := range paths {
			r, err := view.ReadRollout(path)
			if err != nil {
				t.Fatal(err)
			}
			if int(r.Iteration) != iteration+1 || int(r.Sample) != sample || int(r.Steps) != T {
				t.Errorf("%s is of iteration %d, sample %d, %d steps", path, r.Iteration, r.Sample, r.Steps)
			}
			checkRecording(t, view.Path(path), r, arm)
		}
	}
}

func checkRecording(t *testing.T, path string, r *guided_policy_search_msgs.Rollout, arm *robot.Robot) {
	t.Helper()
	states, commands, rollouts := readRecording(t, path)
	if len(rollouts) != 1 || !slices.Equal(rollouts[0].States, r.States) || !slices.Equal(rollouts[0].Actions, r.Actions) {
		t.Errorf("%s: the library reads %d rollouts, or another one", path, len(rollouts))
	}
	T, dX, dU := int(r.Steps), int(r.Dx), int(r.Du)
	// A robot in lock step repeats a joint state that is not answered soon.
	states = slices.CompactFunc(states, func(a, b sensor_msgs.JointState) bool { return a.Header.Stamp == b.Header.Stamp })
	if len(states) != T+1 || len(commands) != T || len(r.Stamps) != T+1 {
		t.Errorf("%s: %d joint states, %d commands, %d stamps, want %d, %d, %d", path, len(states), len(commands), len(r.Stamps), T+1, T, T+1)
		return
	}
	x := make([]float64, dX)
	for k, s := range states {
		arm.State(x, robot.Measurement{Position: s.Position, Velocity: s.Velocity})
		if !slices.Equal(s.Name, r.JointNames) || !slices.Equal(x, r.States[k*dX:(k+1)*dX]) || s.Header.Stamp != r.Stamps[k] {
			t.Errorf("%s, step %d: joint state %+v, rollout %v at %v", path, k, s, r.States[k*dX:(k+1)*dX], r.Stamps[k])
			return
		}
	}
	for k, c := range commands {
		if !slices.Equal(c.Data, r.Actions[k*dU:(k+1)*dU]) {
			t.Errorf("%s, step %d: command %v, rollout %v", path, k, c.Data, r.Actions[k*dU:(k+1)*dU])
			return
		}
	}
	for k := 1; k < len(r.Stamps); k++ {
		if step := rosio.Nanoseconds(r.Stamps[k]) - rosio.Nanoseconds(r.Stamps[k-1]); step != int64(r.Dt*1e9+0.5) {
			t.Errorf("%s, step %d lasts %d ns, dt is %v s", path, k, step, r.Dt)
			return
		}
	}
}

// readRecording reads a recording by its index with the MCAP library.
func readRecording(t *testing.T, path string) (states []sensor_msgs.JointState, commands []std_msgs.Float64MultiArray, rollouts []guided_policy_search_msgs.Rollout) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	reader, err := mcap.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	messages, err := reader.Messages()
	if err != nil {
		t.Fatal(err)
	}
	info, err := reader.Info()
	if err != nil {
		t.Fatal(err)
	}
	for range info.Statistics.MessageCount {
		schema, channel, m, err := messages.NextInto(nil)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		switch channel.Topic + " " + schema.Name {
		case "/joint_states sensor_msgs/msg/JointState":
			states = append(states, sensor_msgs.JointState{})
			err = states[len(states)-1].UnmarshalCDR(m.Data)
		case "/effort_controller/commands std_msgs/msg/Float64MultiArray":
			commands = append(commands, std_msgs.Float64MultiArray{})
			err = commands[len(commands)-1].UnmarshalCDR(m.Data)
		case "/guided_policy_search/rollout guided_policy_search_msgs/msg/Rollout":
			rollouts = append(rollouts, guided_policy_search_msgs.Rollout{})
			err = rollouts[len(rollouts)-1].UnmarshalCDR(m.Data)
		default:
			t.Errorf("%s: topic %s of type %s", path, channel.Topic, schema.Name)
		}
		if err != nil {
			t.Fatalf("%s: topic %s: %v", path, channel.Topic, err)
		}
	}
	return states, commands, rollouts
}

// checkReadsBack starts a node with the parameters that a finished run has kept: they name
// the run, so it is found to be done, and nothing changes.
func checkReadsBack(t *testing.T, domain uint32, folder string) {
	t.Helper()
	names := []string{record.ParamsFile, record.IterationsFile}
	read := func() (contents [][]byte) {
		for _, name := range names {
			data, err := os.ReadFile(filepath.Join(folder, name))
			if err != nil {
				t.Fatal(err)
			}
			contents = append(contents, data)
		}
		return contents
	}
	before := read()
	p := runToEnd(t, domain, "gps_node", "--ros-args", "--params-file", filepath.Join(folder, record.ParamsFile))
	p.finish(0)
	for i, after := range read() {
		if !bytes.Equal(before[i], after) {
			t.Errorf("%s has changed from\n%s\nto\n%s", names[i], before[i], after)
		}
	}
	checkPicture(t, folder)
}

func TestRunFolderOfAnotherNode(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "run")
	first := startNode(t, ddsDomain(t), folder)
	first.until("the first node has the folder", func() bool { return first.said("configured: ") > 0 })
	second := startNode(t, ddsDomain(t), folder)
	second.finish(1)
	wantError(t, second, "run folder is in use", folder)
	if first.ended() {
		t.Error("the first node ended")
	}
	first.signal(sigint)
	first.finish(0)
}

// TestRunFolderReadOnly runs as a user who may not write there.
func TestRunFolderReadOnly(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if err := os.Chmod(folder, 0o555); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{
		"gps_node": rosArgs(t, "run_folder:="+filepath.Join(folder, "run")),
		"gps":      {"train", planarArm(t), "--out", filepath.Join(folder, "run")},
	} {
		cmd := exec.Command(filepath.Join(programs, name), args...)
		cmd.Dir = "/"
		asOrdinaryUser(cmd)
		p := startCommand(t, ddsDomain(t), cmd)
		p.finish(1)
		wantError(t, p, filepath.Join(folder, "run"), "permission denied")
	}
}
