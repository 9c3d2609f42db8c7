package node_test

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"guidedpolicysearch/gps/policy"
	"guidedpolicysearch/hardware/sim"
	"guidedpolicysearch/node"
	"guidedpolicysearch/node/params"
	"guidedpolicysearch/node/record"
)

// usual are the settings of most evaluations here.
var usual = node.EvaluationConfig{Starts: 4, Seed: 3, Distance: 0.03}

func evaluator(path, paramsFile string, cfg node.EvaluationConfig, set ...string) (*node.Evaluator, error) {
	task, err := node.OpenPolicyTask(path, paramsFile, set)
	if err != nil {
		return nil, err
	}
	return node.NewEvaluator(task, cfg)
}

func evaluate(t *testing.T, path, paramsFile string, cfg node.EvaluationConfig, set ...string) *node.Evaluation {
	t.Helper()
	e, err := evaluator(path, paramsFile, cfg, set...)
	if err != nil {
		t.Fatal(err)
	}
	calls := 0
	result, err := e.Run(t.Context(), func(done int) {
		if calls++; done != calls {
			t.Errorf("%d trials are done after %d", done, calls)
		}
	})
	if err != nil || calls != len(result.Rows) {
		t.Fatal(err, calls)
	}
	if err := result.Write(new(strings.Builder)); err != nil {
		t.Error(err)
	}
	return result
}

// alone runs a policy on the arm from a position at rest without any of the node's parts, and returns
// where its tip is in the end.
func alone(t *testing.T, p policy.Policy, start []float64) [2]float64 {
	t.Helper()
	arm, err := sim.NewPlanarArm(sim.DefaultPlanarArmConfig())
	if err != nil {
		t.Fatal(err)
	}
	s, err := sim.New(arm, sim.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SetState(append(slices.Clone(start), 0, 0)); err != nil {
		t.Fatal(err)
	}
	tip := func() [2]float64 {
		q := s.Positions()
		return [2]float64{0.5*math.Cos(q[0]) + 0.5*math.Cos(q[0]+q[1]), 0.5*math.Sin(q[0]) + 0.5*math.Sin(q[0]+q[1])}
	}
	T, dX, dU := p.Sizes()
	x, u := make([]float64, dX), make([]float64, dU)
	if dX != 7 {
		t.Fatalf("a state of %d, expected joints, their velocities, and the tip", dX)
	}
	for step := range T {
		q, v, now := s.Positions(), s.Velocities(), tip()
		copy(x, []float64{q[0], q[1], v[0], v[1], now[0], now[1], 0})
		p.Act(u, x, step, nil)
		if err := s.Step(u); err != nil {
			t.Fatal(err)
		}
	}
	return tip()
}

// A learned controller does what it does when it is run without the node, and the same every time.
func TestEvaluate(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "run")
	two := "conditions.initial_position=[2.35,1.57,1.5,0.0]"
	if _, _, err := train(t, t.Context(), folder, two, "samples=4", "iterations=3"); err != nil {
		t.Fatal(err)
	}
	result := evaluate(t, folder, "", usual)
	if again := evaluate(t, filepath.Join(folder, record.PolicyFile), "", usual); !reflect.DeepEqual(result.Rows, again.Rows) {
		t.Errorf("%+v, repeated %+v", result, again)
	}
	if more := evaluate(t, folder, "", node.EvaluationConfig{Starts: 5, Seed: 3, Distance: 0.03}); !reflect.DeepEqual(result.Rows, more.Rows[:4]) {
		t.Errorf("%+v, among more starts %+v", result, more)
	}
	if other := evaluate(t, folder, planarArm, node.EvaluationConfig{Starts: 1, Seed: 4, Distance: 0.03}, two, "steps=20"); reflect.DeepEqual(result.Rows[0], other.Rows[0]) {
		t.Error("another seed gives the same start")
	}
	f, err := policy.Load(filepath.Join(folder, record.PolicyFile))
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range result.Rows {
		for j, q := range row.Start {
			if low, high := []float64{1.5, 0}[j], []float64{2.35, 1.57}[j]; q < low || q > high {
				t.Errorf("start %d is at %v, outside of the conditions' box", i, row.Start)
			}
		}
		tip := alone(t, f.Policy, row.Start)
		if want := math.Hypot(tip[0]-1, tip[1]); math.Abs(*row.Error-want) > 0.01 || row.Success != (want <= 0.03) {
			t.Errorf("start %d: the tip is %v m from its target (%t), want %v m", i, *row.Error, row.Success, want)
		}
	}
	if result.Starts != 4 || result.Faults != 0 || result.Algorithm != "trajopt" || *result.MeanCost < *result.Rows[0].Cost/4 {
		t.Errorf("%+v", result)
	}
	if _, err := json.Marshal(result); err != nil {
		t.Error(err)
	}
}

// What success is, the task says; where trials begin, too.
func TestEvaluateSuccess(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "run")
	if _, _, err := train(t, t.Context(), folder, "iterations=1"); err != nil {
		t.Fatal(err)
	}
	positions := "conditions.test_position=[2.0,1.0,2.2,1.1,2.4,1.2]"
	result := evaluate(t, folder, "", node.EvaluationConfig{Starts: 2, Seed: 1, Distance: 1e-9}, positions)
	if len(result.Rows) != 2 || !slices.Equal(result.Rows[1].Start, []float64{2.2, 1.1}) || result.SuccessRate != 0 {
		t.Errorf("%+v", result)
	}
	result = evaluate(t, folder, "", usual, positions, "success.text=q0 < 100")
	if len(result.Rows) != 3 || result.SuccessRate != 1 || result.Criterion != "q0 < 100" {
		t.Errorf("%+v", result)
	}
	// A fault is a row: here the reset gets no time.
	result = evaluate(t, folder, "", usual, "conditions.test_lower=[0.0,0.0]", "conditions.test_upper=[0.5,0.5]", "reset.timeout=0.1")
	for _, row := range result.Rows {
		if row.Success || row.Cost != nil || !strings.Contains(row.Fault, "joint") || slices.Max(row.Start) > 0.5 {
			t.Errorf("%+v", row)
		}
	}
	if result.Faults != 4 || result.MeanCost != nil || result.SuccessRate != 0 {
		t.Errorf("%+v", result)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	e, err := evaluator(folder, "", usual)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Run(ctx, func(int) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}

func TestEvaluateRefuses(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "run")
	if _, _, err := train(t, t.Context(), folder, "iterations=1"); err != nil {
		t.Fatal(err)
	}
	lonely := filepath.Join(t.TempDir(), "alone.gps")
	whole, err := os.ReadFile(filepath.Join(folder, record.PolicyFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(lonely, whole, 0o644); err != nil {
		t.Fatal(err)
	}
	cut := filepath.Join(t.TempDir(), "cut.gps")
	if err := os.WriteFile(cut, whole[:len(whole)-9], 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path, params string
		cfg          node.EvaluationConfig
		set          []string
		is           error
		want         string
	}{
		{filepath.Join(folder, "nothing"), "", usual, nil, os.ErrNotExist, "nothing"},
		{t.TempDir(), "", usual, nil, nil, "holds no policy.gps"},
		{lonely, "", usual, nil, nil, "--params"},
		{cut, planarArm, usual, short, policy.ErrDamaged, "cut.gps"},
		{lonely, planarArm, usual, nil, policy.ErrLayout, "20 time steps, a trial (steps) 100"},
		{folder, "", usual, []string{"robot.state=[joint_positions,joint_velocities]"}, policy.ErrLayout, "end_effector"},
		{folder, "", usual, []string{"conditions.test_lower=[0.0]", "conditions.test_upper=[1.0,1.0]"}, params.ErrInvalid, "conditions.test_lower"},
		{folder, "", usual, []string{"conditions.test_lower=[0.0,2.0]", "conditions.test_upper=[1.0,1.0]"}, params.ErrInvalid, "conditions.test_lower: got double_array [0.0, 2.0], element 1"},
		{folder, "", usual, []string{"conditions.test_position=[0.0,2.0,1.0]"}, params.ErrInvalid, "conditions.test_position"},
		{folder, "", node.EvaluationConfig{Starts: 0, Distance: 1}, nil, nil, "--starts"},
		{folder, "", node.EvaluationConfig{Starts: 1, Distance: math.NaN()}, nil, nil, "--distance"},
	} {
		_, err := evaluator(c.path, c.params, c.cfg, c.set...)
		if err == nil || c.is != nil && !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %q: %v, want %q", c.path, c.set, err, c.want)
		}
	}
}

// Conditions are drawn besides those that are given, by the seed.
func TestRandomConditions(t *testing.T) {
	draw := []string{"conditions.random.count=2", "conditions.random.lower=[1.0,-0.5]", "conditions.random.upper=[1.2,0.5]"}
	first := func(set ...string) (starts [][]float64) {
		folder := filepath.Join(t.TempDir(), "run")
		if _, _, err := train(t, t.Context(), folder, slices.Concat(draw, []string{"iterations=1"}, set)...); err != nil {
			t.Fatal(err)
		}
		run, err := record.View(folder)
		if err != nil {
			t.Fatal(err)
		}
		paths, err := run.Rollouts(1)
		if err != nil || len(paths) != 6 {
			t.Fatalf("%v, %v: want two trials of three conditions", paths, err)
		}
		for _, path := range []string{paths[0], paths[2], paths[4]} {
			r, err := run.ReadRollout(path)
			if err != nil {
				t.Fatal(err)
			}
			starts = append(starts, r.States[:2])
		}
		return starts
	}
	starts := first()
	if math.Abs(starts[0][0]-2.356) > 0.01 {
		t.Errorf("the given condition begins at %v", starts[0])
	}
	for _, q := range starts[1:] {
		if q[0] < 0.99 || q[0] > 1.21 || q[1] < -0.51 || q[1] > 0.51 {
			t.Errorf("a drawn condition begins at %v", q)
		}
	}
	if math.Abs(starts[1][1]-starts[2][1]) < 0.01 {
		t.Errorf("drawn conditions begin at %v", starts[1:])
	}
	if again := first(); !reflect.DeepEqual(again, starts) {
		t.Errorf("begin at %v, repeated at %v", starts, again)
	}
	if other := first("seed=2"); math.Abs(other[1][1]-starts[1][1]) < 0.01 {
		t.Errorf("another seed begins at %v too", other[1])
	}
	for _, c := range []struct{ set, want string }{
		{"conditions.random.lower=[1.0]", "conditions.random.lower"},
		{"conditions.random.lower=[1.3,0.0]", "conditions.random.lower: got double_array [1.3, 0.0], element 0"},
	} {
		if _, _, _, err := node.LoadFile(planarArm, append(slices.Clone(draw), c.set)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.set, err)
		}
	}
}

// The limits of safety.* are those of the reset too.
func TestStartsWithinSafety(t *testing.T) {
	for _, set := range []string{"safety.position_upper=[1.0, 3.0]", "safety.position_lower=[2.5, -3.0]"} {
		if _, _, _, err := node.LoadFile(planarArm, []string{set}); err == nil || !strings.Contains(err.Error(), `conditions.initial_position`) || !strings.Contains(err.Error(), `for joint "joint1" in condition 0, its limits are`) {
			t.Errorf("%s: %v", set, err)
		}
	}
}

// A start that the reset cannot reach is refused, whatever it is for.
func TestStartsWithinLimits(t *testing.T) {
	const far = "[0.0,0.0,0.0,9.0,0.0,0.0,0.0]"
	none := "[0.0,0.0,0.0,0.0,0.0,0.0,0.0]"
	for key, others := range map[string][]string{
		"conditions.initial_position": nil, "conditions.test_position": nil,
		"conditions.test_upper":   {"conditions.test_lower=" + none},
		"conditions.random.upper": {"conditions.random.lower=" + none, "conditions.random.count=2"},
	} {
		_, _, _, err := node.LoadFile("../params/arm7_reach.yaml", append(others, key+"="+far))
		if err == nil || !strings.Contains(err.Error(), key) || !strings.Contains(err.Error(), `has 9 for joint "joint4"`) || !strings.Contains(err.Error(), "limits are") {
			t.Errorf("%s: %v", key, err)
		}
	}
}
