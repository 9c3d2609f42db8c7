package node_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"guidedpolicysearch/node"
	"guidedpolicysearch/node/params"
	"guidedpolicysearch/node/rcl"
	"guidedpolicysearch/node/record"
)

const (
	pendulumILQG = "../params/pendulum_ilqg.yaml"
	cartPoleILQG = "../params/cart_pole_ilqg.yaml"
)

// Every parameter file of the repository is read strictly, and a key that is not known is
// an error that names the nearest.
func TestParameterFiles(t *testing.T) {
	files, err := filepath.Glob("../params/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("%v, %v", files, err)
	}
	load := func(file string) error {
		known, err := node.IsTrajectoryFile(file)
		if err != nil {
			return err
		}
		if known {
			_, err = node.LoadTrajectory(file, nil)
		} else {
			_, _, _, err = node.LoadFile(file, nil)
		}
		return err
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			if err := load(file); err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range []struct{ old, wrong, nearest string }{
				{"    seed: ", "    sead: ", "seed"},
				{"      type: ", "      tipe: ", "plant.type"},
				{"    steps: ", "    stepps: ", "steps"},
			} {
				bad := filepath.Join(t.TempDir(), "bad.yaml")
				if !bytes.Contains(text, []byte(c.old)) {
					t.Fatalf("no %q", c.old)
				}
				if err := os.WriteFile(bad, bytes.Replace(text, []byte(c.old), []byte(c.wrong), 1), 0o644); err != nil {
					t.Fatal(err)
				}
				if err := load(bad); !errors.Is(err, params.ErrInvalid) || !strings.Contains(err.Error(), "nearest is "+c.nearest) {
					t.Errorf("%q: %v, want the nearest, %s", c.wrong, err, c.nearest)
				}
			}
		})
	}
}

func optimize(t *testing.T, file string, set ...string) (*node.TrajectoryResult, string) {
	t.Helper()
	l, err := node.LoadTrajectory(file, append([]string{"run_folder=" + quoted(filepath.Join(t.TempDir(), "run"))}, set...))
	if err != nil {
		t.Fatal(err)
	}
	var terminal bytes.Buffer
	res, err := node.OptimizeTrajectory(t.Context(), l, &terminal)
	if err != nil {
		t.Fatal(err)
	}
	return res, terminal.String()
}

// The run folder holds parameters that give the same run again, the iterations, the
// trajectory, pictures and the log; the terminal shows the course.
func TestOptimizeTrajectory(t *testing.T) {
	res, out := optimize(t, pendulumILQG)
	if !res.Reached() || math.Abs(res.ReplayCost-res.Cost) > 1e-12 {
		t.Errorf("cost %v, again %v, reference %+v", res.Cost, res.ReplayCost, res.Reference)
	}
	for _, w := range []string{"start 12 of 12", "lambda", "cost per iteration", "position of joint1", "effort of joint1", "Reached: cost 0.56", "Run folder: " + res.RunFolder} {
		if !strings.Contains(out, w) {
			t.Errorf("%q is not in: %s", w, out)
		}
	}
	log, err := os.ReadFile(filepath.Join(res.RunFolder, record.LogFile))
	if err != nil || string(log) != out {
		t.Errorf("%v, log %q", err, log)
	}
	entries, err := os.ReadDir(res.RunFolder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() {
			t.Errorf("a folder %s, where there are no trials", e.Name())
		}
	}
	lines := strings.Split(strings.TrimSpace(readFile(t, res.RunFolder, record.IterationsFile)), "\n")
	last := math.Inf(1)
	for i, line := range lines {
		var it node.TrajectoryIteration
		if err := json.Unmarshal([]byte(line), &it); err != nil {
			t.Fatal(err)
		}
		if it.Iteration != i+1 || it.Cost > last {
			t.Errorf("line %d: %+v after cost %v", i, it, last)
		}
		last = it.Cost
	}
	if last != res.Cost {
		t.Errorf("the last line's cost is %v, want %v", last, res.Cost)
	}
	rows := strings.Split(strings.TrimSpace(readFile(t, res.RunFolder, node.TrajectoryFile)), "\n")
	if len(rows) != 101 || rows[0] != "time,position.joint1,velocity.joint1,effort.joint1,gain.joint1.position.joint1,gain.joint1.velocity.joint1" {
		t.Errorf("%d rows, the first %q", len(rows), rows[0])
	}
	for _, row := range rows {
		if n := strings.Count(row, ","); n != 5 {
			t.Errorf("%d commas in %q", n, row)
		}
	}
	if len(res.Pictures) != 2 {
		t.Errorf("pictures %v", res.Pictures)
	}
	for _, path := range res.Pictures {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := png.Decode(f); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		f.Close()
	}
	l, err := node.LoadTrajectory(filepath.Join(res.RunFolder, record.ParamsFile), []string{"run_folder=" + quoted(filepath.Join(t.TempDir(), "again"))})
	if err != nil {
		t.Fatal(err)
	}
	again, err := node.OptimizeTrajectory(t.Context(), l, &bytes.Buffer{})
	if err != nil || again.Cost != res.Cost {
		t.Errorf("%v, cost %v, want %v", err, again, res.Cost)
	}
	// The folder is taken.
	if l, err = node.LoadTrajectory(pendulumILQG, []string{"run_folder=" + quoted(res.RunFolder)}); err != nil {
		t.Fatal(err)
	}
	if _, err := node.OptimizeTrajectory(t.Context(), l, &bytes.Buffer{}); !errors.Is(err, record.ErrNotEmpty) {
		t.Errorf("%v, want ErrNotEmpty", err)
	}
}

func readFile(t *testing.T, dir, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Positions are drawn as they are, whatever their range.
func TestTrajectoryCurves(t *testing.T) {
	_, out := optimize(t, cartPoleILQG)
	if !strings.Contains(out, "position of pole over the time steps\n") || !strings.Contains(out, "cost per iteration of the best start (logarithmic)\n") {
		t.Errorf("want a logarithmic curve of the costs alone: %s", out)
	}
}

// An improvement that is no number, predicted without limits from a wild start, is null.
func TestTrajectoryNull(t *testing.T) {
	res, _ := optimize(t, pendulumILQG, "plant.max_effort=[0.0]")
	nulls := 0
	for i, it := range res.Iterations() {
		predicted := res.Descents[res.Best].Iterations[i].Predicted
		if isNumber := !math.IsInf(predicted, 0) && !math.IsNaN(predicted); isNumber != (it.Predicted != nil) || isNumber && *it.Predicted != predicted {
			t.Errorf("iteration %d: %v is written as %v", i+1, predicted, it.Predicted)
		}
		if it.Predicted == nil {
			nulls++
		}
	}
	if text := readFile(t, res.RunFolder, record.IterationsFile); nulls == 0 || strings.Count(text, `"predicted_improvement":null`) != nulls {
		t.Errorf("%d nulls, want some: %s", nulls, text)
	}
}

// What makes it another task leaves the best known cost out; limits choose another one.
func TestTrajectoryReference(t *testing.T) {
	slow(t)
	few := []string{"starts.restarts=0", "iterations=3"}
	for _, c := range []struct {
		set  []string
		want float64 // 0 for none
	}{
		{nil, 0.566988},
		{[]string{"solver.regularization=control", "derivatives.kind=automatic"}, 0.566988},
		{[]string{"plant.max_effort=[2.0]", "cost.every_step=true"}, 152.486869},
		{[]string{"plant.max_speed=[2.0]"}, 2.526596},
		{[]string{"plant.max_speed=[3.0]"}, 0},
		{[]string{"plant.gravity=9.0"}, 0},
		{[]string{"steps=50"}, 0},
		{[]string{"cost.stage=0.02*u0^2"}, 0},
	} {
		res, out := optimize(t, pendulumILQG, append(few, c.set...)...)
		got := 0.0
		if res.Reference != nil {
			got = res.Reference.Cost
		}
		if got != c.want || strings.Contains(out, "eached:") != (c.want != 0) {
			t.Errorf("%v: reference %v, want %v: %s", c.set, got, c.want, out)
		}
	}
}

func TestLoadTrajectoryBlames(t *testing.T) {
	for set, want := range map[string][]string{
		"plant.max_effort=[1.0, 2.0]":  {"plant.max_effort", "2 entries", "pendulum needs 1"},
		"cost.final=(1-cos(q7))^2":     {"--set cost.final", "cost.final", "q7", "q0"},
		"solver.regularization=ridge":  {"solver.regularization", "control"},
		"derivatives.kind=numerical":   {"derivatives.kind", "central_differences"},
		"solver.max_lambda=1e-9":       {"solver.max_lambda", "solver.min_lambda"},
		"starts.restart=2":             {"starts.restart", "starts.restarts"},
		"algorithm.kl_step=2.0":        {"algorithm.kl_step", "no such parameter"},
		"steps=0":                      {"steps", "[1, 100000]"},
		"reference.cost=[1.0, 2.0]":    {"reference.cost"},
		"plant.max_speed=[-1.0]":       {"plant.max_speed", "[0, inf)"},
		"initial_position=[.nan]":      {"initial_position"},
		"plant.type=planar_arm":        {"--set plant.type=planar_arm: plant.type: derivatives.kind is plant, which plant.type planar_arm does not have"},
		"integrator=explicit":          {"integrator", "semi_implicit_euler"},
		"cost.stage=0.01*u0^2 +":       {"cost.stage"},
		"solver.lambda_factor=1.0":     {"solver.lambda_factor"},
		"derivatives.step=0.0":         {"derivatives.step"},
		"plant.type=point_mass":        {"plant"},
		"reference.every_step=[false]": {"reference.every_step"},
	} {
		_, err := node.LoadTrajectory(pendulumILQG, []string{set})
		if err == nil {
			t.Errorf("%s: no error", set)
			continue
		}
		for _, w := range want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: %q is not in: %v", set, w, err)
			}
		}
	}
}

// The other commands say what to run with the file; sim_robot can simulate its plant.
func TestTrajectoryFileElsewhere(t *testing.T) {
	args, err := rcl.Parse([]string{"--ros-args", "--params-file", pendulumILQG})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := node.Load(args); !errors.Is(err, node.ErrTrajectoryFile) || !strings.Contains(err.Error(), "gps train") {
		t.Errorf("gps_node: %v", err)
	}
	if _, _, _, err := node.LoadFile(pendulumILQG, nil); !errors.Is(err, node.ErrTrajectoryFile) || strings.Count(err.Error(), "\n") != 0 {
		t.Errorf("LoadFile: %v", err)
	}
	if _, _, err := node.SplitAssignments(pendulumILQG, nil); !errors.Is(err, node.ErrTrajectoryFile) {
		t.Errorf("SplitAssignments: %v", err)
	}
	if _, cfg, err := node.LoadSimulator(args); err != nil || cfg.Plant.Type != "pendulum" {
		t.Errorf("sim_robot: %v", err)
	}
	if known, err := node.IsTrajectoryFile(planarArm); known || err != nil {
		t.Errorf("%s: %v, %v", planarArm, known, err)
	}
	if _, err := node.LoadTrajectory(planarArm, nil); err == nil || !strings.Contains(err.Error(), "guided_policy_search") {
		t.Errorf("a file of the node: %v", err)
	}
	if _, err := node.IsTrajectoryFile("missing.yaml"); err == nil {
		t.Error("a file that is not there")
	}
}

// The table holds every variant with a best known cost, and reaches each; the cart-pole
// swings up in one descent of under 100 iterations.
func TestTrajectoryTable(t *testing.T) {
	slow(t)
	for _, c := range []struct {
		file     string
		seeds    []uint64
		set      []string
		variants int
	}{
		{pendulumILQG, []uint64{1, 2}, nil, 8},
		{pendulumILQG, []uint64{3}, []string{"plant.max_effort=[2.0]"}, 1},
		{cartPoleILQG, []uint64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20}, nil, 1},
	} {
		last := 0
		table, err := node.MakeTrajectoryTable(t.Context(), c.file, c.set, c.seeds, func(done, of int) {
			if last++; done != last || of != c.variants*len(c.seeds) {
				t.Errorf("%d of %d done at call %d", done, of, last)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(table.Variants) != c.variants {
			t.Fatalf("%d variants, want %d", len(table.Variants), c.variants)
		}
		for _, v := range table.Variants {
			if v.Reference == nil || v.Reached*10 < 9*len(c.seeds) {
				t.Errorf("%s: %+v", c.file, v)
			}
			for _, n := range v.Iterations {
				if c.file == cartPoleILQG && n >= 100 {
					t.Errorf("%d iterations", n)
				}
			}
		}
		var text bytes.Buffer
		if err := table.Write(&text); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(text.String(), "\n"); n != c.variants+3 {
			t.Errorf("%d lines: %s", n, text.String())
		}
		if _, err := json.Marshal(table); err != nil {
			t.Error(err)
		}
	}
}
