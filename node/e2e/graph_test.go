package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"guidedpolicysearch/msgs/guided_policy_search_msgs"
)

func itoa(n int) string { return strconv.Itoa(n) }

// TestPublishedState listens to ~/state and ~/iteration.
func TestPublishedState(t *testing.T) {
	t.Parallel()
	domain := ddsDomain(t)
	folder := filepath.Join(t.TempDir(), "run")
	o := observe(t, domain, "")
	startRobot(t, domain)
	n := startNode(t, domain, folder, "iterations:=3", "autostart:=false", "exit_when_done:=false")
	n.until("the node is heard", func() bool { _, known := o.phase(); return known })
	operate(t, domain).triggered("start")
	n.until("the last iteration is reported", func() bool {
		o.mu.Lock()
		defer o.mu.Unlock()
		return len(o.iterations) == 3
	})
	n.interrupt(0)
	until(t, "the node has said that it is done", func() bool {
		phase, known := o.phase()
		return known && phase == guided_policy_search_msgs.NodeState_DONE
	})
	o.mu.Lock()
	defer o.mu.Unlock()
	list := reports(t, folder)
	if len(o.iterations) != 3 {
		t.Fatalf("%d reports on the topic, want 3", len(o.iterations))
	}
	for i, m := range o.iterations {
		r := list[i]
		if int(m.Iteration) != i+1 || m.Iterations != 3 || m.MeanCost != r.MeanCost || m.BestCost != r.BestCost || m.Kl != r.KL || m.Eta != r.Eta ||
			m.EndEffectorError != r.EndEffectorError() || !slices.Equal(m.SampleCost, r.SampleCosts) {
			t.Errorf("topic %+v, file %+v", m, r)
		}
	}
	ticks, iteration := uint64(0), uint32(0)
	phases := map[uint8]bool{}
	for _, s := range o.nodeStates {
		phases[s.Phase] = true
		if s.Iterations != 3 || s.Samples != 5 || s.Iteration > 3 || s.Sample >= 5 || s.Condition != 0 || s.Fault != "" || s.Faults != 0 || s.Ticks < ticks || s.Iteration < iteration {
			t.Errorf("state %+v after %d ticks in iteration %d", s, ticks, iteration)
		}
		ticks, iteration = s.Ticks, s.Iteration
	}
	if iteration != 3 || ticks < 3*5*100 || !phases[guided_policy_search_msgs.NodeState_RUN] || !phases[guided_policy_search_msgs.NodeState_DONE] {
		t.Errorf("last iteration %d, %d ticks, phases %v", iteration, ticks, phases)
	}
}

// TestTwoArms runs two robots with a node each in one domain, apart by their namespaces
// and remapped topics.
func TestTwoArms(t *testing.T) {
	t.Parallel()
	domain := ddsDomain(t)
	type arm struct {
		node   *process
		folder string
		seed   string
	}
	var arms []arm
	for i, c := range []struct {
		remaps []string
		keys   string // before the nodes' names in the parameter file
	}{
		{[]string{"-r", "__ns:=/arm1", "-r", "joint_states:=/other/joint_states"}, "/**/"},
		{[]string{"-r", "__ns:=/arm2", "-r", "/clock:=/arm2/clock"}, "/arm2/"},
	} {
		args := append([]string{"--ros-args", "--params-file", namespaced(t, c.keys)}, c.remaps...)
		a := arm{folder: filepath.Join(t.TempDir(), "run"), seed: itoa(i + 21)}
		start(t, domain, "sim_robot", args...)
		a.node = start(t, domain, "gps_node", append(args, "-p", patient, "-p", "iterations:=3", "-p", "run_folder:="+a.folder, "-p", "seed:="+a.seed)...)
		arms = append(arms, a)
	}
	o := observe(t, domain, "/arm2")
	for i, a := range arms {
		a.node.finish(0, 3)
		alone := train(t, filepath.Join(t.TempDir(), "alone"), "--iterations", "3", "--seed", a.seed)
		sameCosts(t, reports(t, a.folder), alone.Iterations)
		if a.node.said("[arm"+itoa(i+1)+".guided_policy_search]") == 0 {
			t.Errorf("the log does not name the node of arm %d by its namespace", i+1)
		}
	}
	if states, commands := o.counts(); states < 100 || commands < 100 {
		t.Errorf("%d joint states and %d commands below /arm2", states, commands)
	}
}

// namespaced returns a copy of the task's parameters with a prefix before the nodes' names:
// in ROS a name without one is that of a node outside of namespaces.
func namespaced(t *testing.T, prefix string) string {
	t.Helper()
	data, err := os.ReadFile(planarArm(t))
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	for _, name := range []string{"sim_robot", "guided_policy_search"} {
		text = strings.Replace(text, "\n/**/"+name+":", "\n"+prefix+name+":", 1)
	}
	return write(t, text)
}
