package e2e

import (
	"encoding/json"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"guidedpolicysearch/node"
	"guidedpolicysearch/node/record"
)

// recorded returns what drove the trials of an iteration, and where they ended: two joint positions
// each.
func recorded(t *testing.T, folder string, iteration uint32) (drivers []string, ends [][]float64) {
	t.Helper()
	f, err := record.View(folder)
	if err != nil {
		t.Fatal(err)
	}
	paths, err := f.Rollouts(iteration)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		r, err := f.ReadRollout(path)
		if err != nil {
			t.Fatal(err)
		}
		drivers, ends = append(drivers, r.Driver), append(ends, r.States[r.Steps*r.Dx:r.Steps*r.Dx+2])
	}
	return drivers, ends
}

// TestPolicyOverTopics learns a policy over DDS, to the bits of learning one in one process: trial
// commands carry it. Then the policy runs alone over DDS, from its own file and as an ONNX model, and
// comes to where it comes in an evaluation.
func TestPolicyOverTopics(t *testing.T) {
	t.Parallel()
	domain := ddsDomain(t)
	dir := t.TempDir()
	folder, alone := filepath.Join(dir, "topics"), filepath.Join(dir, "alone")
	task := []string{"steps:=40", "samples:=3", "algorithm.type:=mdgps", "policy.train.held_out:=0.2", "conditions.initial_position:=[2.356, 1.571, 1.571, 0.0]"}
	startRobot(t, domain)
	n := startNode(t, domain, folder, append([]string{"iterations:=3"}, task...)...)
	n.finish(0)

	set := []string{"--iterations", "3"}
	for _, p := range task {
		set = append(set, "--set", strings.Replace(strings.ReplaceAll(p, " ", ""), ":=", "=", 1))
	}
	inProcess := train(t, alone, set...)
	over := reports(t, folder)
	sameCosts(t, over, inProcess.Iterations)
	for i, r := range over {
		if r.Policy == nil || r.Policy.HeldOutLoss == nil || *r.Policy.HeldOutLoss != *inProcess.Iterations[i].Policy.HeldOutLoss || r.Policy.KL != inProcess.Iterations[i].Policy.KL {
			t.Errorf("iteration %d: the policy %+v, in one process %+v", i+1, r.Policy, inProcess.Iterations[i].Policy)
		}
	}
	for iteration, want := range map[uint32]string{1: "controller", 3: "policy"} {
		if drivers, _ := recorded(t, folder, iteration); !slices.Equal(drivers, slices.Repeat([]string{want}, 6)) {
			t.Errorf("iteration %d is driven by %q", iteration, drivers)
		}
	}

	p := runToEnd(t, 0, "gps", "evaluate", folder, "--params", planarArm(t), "--starts", "2", "--json", "--set", "steps=40", "--set", "conditions.test_position=[2.356,1.571,1.571,0.0]")
	p.finish(0)
	var evaluation node.Evaluation
	if err := json.Unmarshal([]byte(p.stdout.String()), &evaluation); err != nil || len(evaluation.Rows) != 2 {
		t.Fatalf("%v: %s", err, p.stdout.String())
	}
	model := filepath.Join(dir, "policy.onnx")
	p = runToEnd(t, 0, "gps", "export", folder, model)
	p.finish(0)
	if out := p.stdout.String(); !strings.Contains(out, "operator set 13") || !strings.Contains(out, "joint1.position") {
		t.Errorf("gps export: %s", out)
	}
	for name, path := range map[string]string{"own": filepath.Join(folder, record.PolicyFile), "model": model} {
		running := filepath.Join(dir, name)
		r := startNode(t, domain, running, append(slices.Clone(task[:1]), "mode:=run", "policy.file:="+path, "iterations:=1", "samples:=2", task[len(task)-1])...)
		r.finish(0)
		drivers, ends := recorded(t, running, 1)
		if len(ends) != 4 || drivers[0] != "policy" || r.said("learner is process") != 0 {
			t.Fatalf("%s: %d trials, driven by %q", name, len(ends), drivers)
		}
		for i, q := range ends {
			tip := math.Hypot(0.5*math.Cos(q[0])+0.5*math.Cos(q[0]+q[1])-1, 0.5*math.Sin(q[0])+0.5*math.Sin(q[0]+q[1]))
			if want := *evaluation.Rows[i/2].Error; math.Abs(tip-want) > 0.02 {
				t.Errorf("%s: trial %d ends %v m from the target, in an evaluation %v m", name, i, tip, want)
			}
		}
	}
	r := startNode(t, domain, filepath.Join(dir, "refused"), "mode:=run", "policy.file:="+model, "robot.state:=[joint_positions, joint_velocities]")
	r.finish(1)
	wantError(t, r, "policy.file", "end_effector")
}
