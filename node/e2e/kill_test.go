package e2e

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"guidedpolicysearch/node/record"
)

// sameRun holds a run to another, bit by bit: the checkpoints and policies of all iterations, the
// costs, and what was measured and commanded in each trial. Only times may differ.
func sameRun(t *testing.T, got, want string) {
	t.Helper()
	sameCosts(t, reports(t, got), reports(t, want))
	files := func(folder string) (list []string) {
		for _, pattern := range []string{record.CheckpointsDir + "/*", record.PoliciesDir + "/*", record.PolicyFile} {
			paths, err := filepath.Glob(filepath.Join(folder, pattern))
			if err != nil {
				t.Fatal(err)
			}
			for _, path := range paths {
				rel, err := filepath.Rel(folder, path)
				if err != nil {
					t.Fatal(err)
				}
				list = append(list, rel)
			}
		}
		return list
	}
	if g, w := files(got), files(want); !slices.Equal(g, w) {
		t.Fatalf("there are %q, want %q", g, w)
	}
	for _, name := range files(want) {
		g, err := os.ReadFile(filepath.Join(got, name))
		if err != nil {
			t.Fatal(err)
		}
		w, err := os.ReadFile(filepath.Join(want, name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(g, w) {
			t.Errorf("%s is not that of a run which nothing has ended", name)
		}
	}
	sameTrials(t, got, want)
}

// sameTrials holds the recordings of a run to those of another.
func sameTrials(t *testing.T, got, want string) {
	t.Helper()
	if g, w := wholeFolder(t, got), wholeFolder(t, want); g != w {
		t.Errorf("%d recordings, want %d", g, w)
	}
	open := func(folder string) *record.Folder {
		f, err := record.View(folder)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	g, w := open(got), open(want)
	for iteration := uint32(1); ; iteration++ {
		paths, err := w.Rollouts(iteration)
		if err != nil {
			t.Fatal(err)
		}
		if len(paths) == 0 {
			return
		}
		for _, path := range paths {
			a, err := g.ReadRollout(path)
			if err != nil {
				t.Error(err)
				continue
			}
			b, err := w.ReadRollout(path)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(a.States, b.States) || !slices.Equal(a.Actions, b.Actions) || !slices.Equal(a.Commanded, b.Commanded) || a.NoiseSeed != b.NoiseSeed {
				t.Errorf("%s is another trial", path)
			}
		}
	}
}

// TestTrainingKilled ends gps train without a warning, 50 times in all for each algorithm (20 where
// more than the algorithm is to go on), at moments that are drawn from the time that a whole run takes.
// Gone on with, a run ends with the bits of one that nothing has ended.
func TestTrainingKilled(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"trajopt": {planarArm(t), "--seed", "3"},
		"mdgps":   {taskFile(t, "mdgps_arm2.yaml"), "--seed", "4", "--iterations", "3", "--set", "samples=3", "--set", "steps=50"},
		// What a driver does to readings and commands goes on too.
		"driver": {planarArm(t), "--seed", "5", "--iterations", "4", "--set", "position_noise=[1.0e-4, 1.0e-4]", "--set", "command_loss=0.1", "--set", "state_latency=0.05",
			"--set", "reset.position_tolerance=0.05", "--set", "reset.velocity_tolerance=0.2"},
		// So does what the node remembers: velocities are estimated, the position controller has an
		// integral, and the torque may change by so much.
		"memory": {planarArm(t), "--seed", "6", "--iterations", "4", "--set", "robot.velocity.source=difference", "--set", "velocity=none", "--set", "safety.slew_limit=[300.0, 100.0]",
			"--set", "reset.integral=[0.5, 0.2]", "--set", "reset.integral_clamp=[1.0, 0.5]", "--set", "safety.ramp_time=0.2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kills := 50
			if name == "driver" || name == "memory" {
				kills = 20
			}
			whole := filepath.Join(t.TempDir(), "whole")
			begin := time.Now()
			start(t, 0, "gps", append([]string{"train", "--out", whole}, args...)...).finish(0)
			took := time.Since(begin)
			rng := rand.New(rand.NewPCG(8, 50))
			for killed, run := 0, 0; killed < kills; run++ {
				folder := filepath.Join(t.TempDir(), itoa(run))
				goOn := func() *process {
					if exists(folder, record.ParamsFile) {
						return start(t, 0, "gps", "train", "--resume", folder)
					}
					return start(t, 0, "gps", append([]string{"train", "--out", folder, "--set", "resume=true"}, args...)...)
				}
				for done := false; !done && killed < kills; {
					p := goOn()
					select {
					case <-p.done:
						done = true
					case <-time.After(time.Duration(rng.Float64() * 0.4 * float64(took))):
						if p.kill() {
							killed++
						}
					}
				}
				goOn().finish(0)
				sameRun(t, folder, whole)
			}
		})
	}
}

// TestProcessesKilled ends the node, its learner or the simulated robot, each ten times at moments that
// are drawn, while they learn over DDS in lock step. At most the trial in progress is lost, and the run
// ends with the bits of one in one process that nothing has ended.
func TestProcessesKilled(t *testing.T) {
	t.Parallel()
	const kills = 10
	settings := []string{"iterations=6", "samples=3", "seed=6"}
	var train, run []string
	for _, s := range settings {
		train, run = append(train, "--set", s), append(run, "-p", string(bytes.Replace([]byte(s), []byte("="), []byte(":="), 1)))
	}
	whole := filepath.Join(t.TempDir(), "whole")
	start(t, 0, "gps", append([]string{"train", planarArm(t), "--out", whole}, train...)...).finish(0, 3)
	for _, name := range []string{"gps_node", "learner", "sim_robot"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			domain := ddsDomain(t)
			rng := rand.New(rand.NewPCG(8, uint64(len(name))))
			for killed, again := 0, 0; killed < kills; again++ {
				folder := filepath.Join(t.TempDir(), itoa(again))
				var n *process
				goOn := func() {
					if exists(folder, record.ParamsFile) {
						n = start(t, domain, "gps_node", "--resume", folder)
						return
					}
					n = start(t, domain, "gps_node", append(rosArgs(t, patient, "run_folder:="+folder, "resume:=true"), run...)...)
				}
				robot := startRobot(t, domain)
				goOn()
				began := func() int {
					paths, _ := filepath.Glob(filepath.Join(folder, record.RolloutsDir, "*", "*.mcap"))
					return len(paths)
				}
				for !n.ended() && killed < kills {
					// Of the trials that the run has, two more on average, and then a moment within one.
					trials := began() + rng.IntN(4)
					until(t, "the run went on", func() bool { return began() >= trials || n.ended() })
					time.Sleep(time.Duration(rng.Float64() * float64(100*time.Millisecond)))
					if n.ended() {
						break
					}
					switch name {
					case "gps_node":
						if !n.kill() {
							continue
						}
						checkNobodyLeft(t, folder)
						goOn()
					case "learner":
						if pid := n.learner(); pid != 0 && signalProcess(t, pid, syscall.SIGKILL) == nil {
							until(t, "another learner", func() bool { return n.learner() != pid || n.ended() })
						}
					case "sim_robot":
						robot.kill()
						robot = startRobot(t, domain)
					}
					killed++
				}
				n.finish(0, 3)
				robot.kill()
				sameRun(t, folder, whole)
			}
		})
	}
}
