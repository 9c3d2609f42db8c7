package learner

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"guidedpolicysearch/gps/checkpoint"
	"guidedpolicysearch/gps/rollout"
	"guidedpolicysearch/hardware/robot"
	"guidedpolicysearch/node/record"
	"guidedpolicysearch/node/rosio"
	"guidedpolicysearch/node/trial"
)

// taskConfig returns a small task for a robot of two joints without kinematics.
func taskConfig() (Config, robot.Config) {
	cfg := DefaultConfig()
	cfg.Iterations, cfg.Samples, cfg.Steps = 2, 3, 6
	cfg.Conditions.Position = []float64{1, 0.5, -0.5, 0.25}
	return cfg, robot.Config{Joints: []string{"a", "b"}, EffortLimit: []float64{10, 10},
		State: []string{robot.JointPositions, robot.JointVelocities}, Kinematics: robot.KinematicsConfig{Type: robot.NoKinematics}}
}

func mustRobot(t testing.TB, c robot.Config) *robot.Robot {
	t.Helper()
	r, err := robot.New(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// taskProblem returns the small task, with its settings changed.
func taskProblem(t testing.TB, edits ...func(*Config)) *Problem {
	t.Helper()
	cfg, rc := taskConfig()
	for _, e := range edits {
		e(&cfg)
	}
	p, err := NewProblem(cfg, mustRobot(t, rc))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// plant runs trials on a linear system and records them in a run folder.
type plant struct {
	t     testing.TB
	run   *record.Run
	robot *robot.Robot
}

func newPlant(t testing.TB) *plant {
	t.Helper()
	run, err := record.Create(filepath.Join(t.TempDir(), "run"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { run.Close() })
	_, rc := taskConfig()
	return &plant{t, run, mustRobot(t, rc)}
}

// record runs a trial and returns where it is recorded.
func (p *plant) record(c *trial.Command) string {
	p.t.Helper()
	T, dX, dU := c.Controller.Sizes()
	r := rollout.New(T, dX, dU)
	noise, err := rollout.Noise(c.NoiseSeed, T, dU, rollout.DefaultNoiseConfig())
	if err != nil {
		p.t.Fatal(err)
	}
	copy(r.State(0), c.InitialPosition)
	for t := range T {
		x, u, next := r.State(t), r.Action(t), r.State(t+1)
		c.Controller.Act(u, x, t, noise[t*dU:(t+1)*dU])
		clamp(u, p.robot.EffortLimit())
		for i := range dU {
			acceleration := 2*u[i] - 0.3*x[dU+i] - 0.1*x[1-i]
			next[dU+i] = x[dU+i] + c.DT*acceleration
			next[i] = x[i] + c.DT*x[dU+i]
		}
	}
	out := record.NewTrial(record.Topics{JointStates: record.Topic{Name: "/joint_states"}, Commands: record.Topic{Name: "/commands"}, Rollout: record.Topic{Name: "/rollout"}}, 0, 0)
	rec := trial.NewRecord(T, dX, dU)
	rec.Command, rec.Rollout, rec.Commanded = c, r, r.U
	rosio.SetRollout(&out.Rollout, rec, p.robot)
	path, err := p.run.WriteTrial(out)
	if err != nil {
		p.t.Fatal(err)
	}
	return path
}

// core returns a learner of the folder, and what it passed over.
func (p *plant) core(problem *Problem) (*Core, []string) {
	p.t.Helper()
	c, notes, err := NewCore(problem, &p.run.Folder)
	if err != nil {
		p.t.Fatal(err)
	}
	return c, notes
}

// learn goes on until all iterations are done, with a new learner before each trial that
// restart names.
func (p *plant) learn(problem *Problem, restart func(trial int) bool) (reports []*Report) {
	p.t.Helper()
	core, notes := p.core(problem)
	if len(notes) != 0 {
		p.t.Fatalf("notes %q", notes)
	}
	for n := 0; ; n++ {
		if restart(n) {
			if core, notes = p.core(problem); len(notes) != 0 {
				p.t.Fatalf("trial %d: notes %q", n, notes)
			}
		}
		c := core.Next()
		if c == nil {
			return reports
		}
		report, err := core.Recorded(context.Background(), p.record(c))
		if err != nil {
			p.t.Fatal(err)
		}
		if report != nil {
			reports = append(reports, report)
		}
	}
}

func never(int) bool { return false }

// checkpointBytes returns the checkpoint of an iteration, nil if there is none.
func (p *plant) checkpointBytes(iteration int) []byte {
	p.t.Helper()
	data, err := os.ReadFile(p.checkpointPath(iteration))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		p.t.Fatal(err)
	}
	return data
}

func (p *plant) checkpointPath(iteration int) string {
	return filepath.Join(p.run.Path(record.CheckpointsDir), checkpoint.Name(iteration))
}

// wantSame checks that two runs came to the same checkpoints, bit by bit.
func (p *plant) wantSame(other *plant, iterations int) {
	p.t.Helper()
	for i := 1; i <= iterations; i++ {
		a, b := p.checkpointBytes(i), other.checkpointBytes(i)
		if len(a) == 0 || !bytes.Equal(a, b) {
			p.t.Errorf("checkpoint %d has %d bytes, that of the other run %d; they differ", i, len(a), len(b))
		}
	}
}

// edit changes the bytes of a file.
func edit(t testing.TB, path string, change func([]byte) []byte) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, change(data), 0o644); err != nil {
		t.Fatal(err)
	}
}

// clamp bounds torques, as the limits of a robot do.
func clamp(torque, limit []float64) {
	for i, v := range torque {
		torque[i] = min(max(v, -limit[i]), limit[i])
	}
}
