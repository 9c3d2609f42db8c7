package node_test

import (
	"bytes"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"guidedpolicysearch/hardware/sim"
	"guidedpolicysearch/hardware/trajectory"
	"guidedpolicysearch/node"
	"guidedpolicysearch/node/rcl"
	"guidedpolicysearch/node/record"
)

const (
	demonstrationFile   = "../params/planar_arm_demonstration.yaml"
	demonstrationMotion = "../params/planar_arm_demonstration.csv"
)

// TestRecordedMotion: the recorded torques move the simulated arm along the recorded motion.
func TestRecordedMotion(t *testing.T) {
	f, err := os.Open(demonstrationMotion)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	motion, err := trajectory.ReadCSV(f, []string{"joint1", "joint2"})
	if err != nil {
		t.Fatal(err)
	}
	cfg := sim.DefaultPlanarArmConfig()
	cfg.Gravity = 9.81
	arm, err := sim.NewPlanarArm(cfg)
	if err != nil {
		t.Fatal(err)
	}
	s, err := sim.New(arm, sim.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(motion.Time); i++ {
		if err := s.SetState(slices.Concat(motion.Position[2*i:2*i+2], motion.Velocity[2*i:2*i+2])); err != nil {
			t.Fatal(err)
		}
		if err := s.Step(motion.Effort[2*i : 2*i+2]); err != nil {
			t.Fatal(err)
		}
		for j := range 2 {
			// Six decimals are recorded.
			if off := math.Abs(s.Positions()[j] - motion.Position[2*i+2+j]); off > 2e-6 {
				t.Fatalf("row %d: joint %d is %g rad away after a step", i+1, j+1, off)
			}
		}
	}
}

// TestFirstTrialFollowsDemonstration: with torques as recorded or by inverse dynamics the
// first trials reach the target that the recorded motion reaches; by feedback alone they
// do not, and cost more than twice as much.
func TestFirstTrialFollowsDemonstration(t *testing.T) {
	first := func(set ...string) (cost, distance float64) {
		folder := filepath.Join(t.TempDir(), "run")
		cfg, setup, simulated, err := node.LoadFile(demonstrationFile, append(set, "run_folder="+quoted(folder), "iterations=1", "samples=2"))
		if err != nil {
			t.Fatal(err)
		}
		res, err := node.Train(t.Context(), cfg, setup, simulated, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		r := res.Reports[0]
		t.Logf("%v: cost %.4g, tip %.4g m from its target", set, r.MeanCost, *r.Error)
		return r.MeanCost, *r.Error
	}
	quiet := "initial_controller.joint_variance=[1.0e-6, 1.0e-6]"
	none, _ := first("initial_controller.demonstration.feed_forward=none")
	for _, feed := range []string{"recorded", "inverse_dynamics"} {
		set := "initial_controller.demonstration.feed_forward=" + feed
		if _, distance := first(set, quiet); !(distance < 0.001) {
			t.Errorf("%s: %v m from the target without noise", feed, distance)
		}
		if cost, _ := first(set); !(2*cost < none) {
			t.Errorf("%s: cost %v, by feedback alone %v", feed, cost, none)
		}
	}
}

// TestShortDemonstration: what is shorter than the trial is said to be held at its end, once
// and with both durations.
func TestShortDemonstration(t *testing.T) {
	for _, c := range []struct {
		steps string
		said  int
	}{{"steps=101", 0}, {"steps=120", 1}} { // 5 s were recorded, a step takes 0.05 s
		cfg, setup, simulated, err := node.LoadFile(demonstrationFile, []string{"run_folder=" + quoted(filepath.Join(t.TempDir(), "run")), "iterations=1", "samples=2", c.steps})
		if err != nil {
			t.Fatal(err)
		}
		var terminal bytes.Buffer
		if _, err := node.Train(t.Context(), cfg, setup, simulated, &terminal); err != nil {
			t.Fatal(err)
		}
		out := terminal.String()
		if n := strings.Count(out, "held at rest"); n != c.said || n > 0 && !(strings.Contains(out, "planar_arm_demonstration.csv lasts 5 s") && strings.Contains(out, "a trial 6 s")) {
			t.Errorf("%s: said %d times: %s", c.steps, n, out)
		}
	}
}

// TestDemonstrationPath: a relative file is that beside the parameter file, and the run
// folder's parameters name the same file from anywhere.
func TestDemonstrationPath(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{demonstrationFile, demonstrationMotion} {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(path)), data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	folder := filepath.Join(dir, "run")
	cfg, setup, simulated, err := node.LoadFile(filepath.Join(dir, filepath.Base(demonstrationFile)), []string{"run_folder=" + quoted(folder), "iterations=1", "samples=2", "steps=5"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := node.Train(t.Context(), cfg, setup, simulated, io.Discard); err != nil {
		t.Fatal(err)
	}
	args, err := rcl.Parse([]string{"--ros-args", "--params-file", filepath.Join(folder, record.ParamsFile)})
	if err != nil {
		t.Fatal(err)
	}
	_, again, err := node.Load(args)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{filepath.Join(dir, filepath.Base(demonstrationMotion))}
	if got := again.Initial.Demonstration.Files; !slices.Equal(got, want) {
		t.Errorf("files %q, want %q", got, want)
	}
	if err := os.Remove(want[0]); err != nil {
		t.Fatal(err)
	}
	_, _, _, err = node.LoadFile(filepath.Join(dir, filepath.Base(demonstrationFile)), nil)
	if err == nil || !strings.Contains(err.Error(), want[0]) || !strings.Contains(err.Error(), "initial_controller.demonstration.files") {
		t.Errorf("without the file: %v", err)
	}
}
