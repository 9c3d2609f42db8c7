package learner

import (
	"context"
	"path/filepath"
	"slices"
	"testing"

	"guidedpolicysearch/hardware"
	"guidedpolicysearch/hardware/robot"
	"guidedpolicysearch/hardware/sim"
	"guidedpolicysearch/node/record"
	"guidedpolicysearch/node/rosio"
	"guidedpolicysearch/node/trial"
)

// TestArmLearns wires the learner, the phases of the trials and a simulated arm: the cost
// of a short reaching task falls, and a learner that is started anew before every trial
// learns the same.
func TestArmLearns(t *testing.T) {
	const iterations = 4
	train := func(restart bool) (costs []float64) {
		run, err := record.Create(filepath.Join(t.TempDir(), "run"))
		if err != nil {
			t.Fatal(err)
		}
		defer run.Close()
		cfg := DefaultConfig()
		cfg.Iterations, cfg.Steps, cfg.Algorithm.KLStep = iterations, 20, 1
		arm := mustRobot(t, robot.DefaultConfig())
		problem, err := NewProblem(cfg, arm)
		if err != nil {
			t.Fatal(err)
		}
		a := newArm(t, arm, cfg.Conditions.Position)
		var core *Core
		out := record.NewTrial(record.Topics{}, 0, 0)
		other, err := NewProblem(cfg, arm)
		if err != nil {
			t.Fatal(err)
		}
		sampleCost, sampleCosts := other.NewSampleCost(), []float64(nil)
		for {
			if core == nil || restart {
				var notes []string
				if core, notes, err = NewCore(problem, &run.Folder); err != nil || len(notes) != 0 {
					t.Fatal(err, notes)
				}
			}
			c := core.Next()
			if c == nil {
				return costs
			}
			rec := a.run(c)
			cost, err := sampleCost.Of(rec.Rollout)
			if err != nil {
				t.Fatal(err)
			}
			sampleCosts = append(sampleCosts, cost)
			rosio.SetRollout(&out.Rollout, rec, arm)
			path, err := run.WriteTrial(out)
			if err != nil {
				t.Fatal(err)
			}
			report, err := core.Recorded(context.Background(), path)
			if err != nil {
				t.Fatal(err)
			}
			if report != nil {
				if report.Error == nil || !(*report.Error >= 0) || *report.Error > 2 {
					t.Errorf("end effector error of %v m", report.EndEffectorError())
				}
				if !slices.Equal(report.SampleCosts, sampleCosts) {
					t.Errorf("costs of the samples %v, each by itself %v", report.SampleCosts, sampleCosts)
				}
				sampleCosts = nil
				costs = append(costs, report.MeanCost)
			}
		}
	}
	costs := train(false)
	if len(costs) != iterations || !(costs[iterations-1] < 0.9*costs[0]) {
		t.Errorf("mean costs %v do not fall", costs)
	}
	for i, again := range train(true) {
		if again != costs[i] {
			t.Errorf("iteration %d: a learner started anew comes to %v, want %v", i+1, again, costs[i])
		}
	}
}

// armBench is a simulated arm in lock step with a trial machine.
type armBench struct {
	t       *testing.T
	machine *trial.Machine
	sim     *sim.Simulator
	reading *hardware.JointState
}

func newArm(t *testing.T, r *robot.Robot, q []float64) *armBench {
	t.Helper()
	cfg := trial.DefaultConfig()
	cfg.LockStep = true
	m, err := trial.NewMachine(cfg, r)
	if err != nil {
		t.Fatal(err)
	}
	plant, err := sim.NewPlanarArm(sim.DefaultPlanarArmConfig())
	if err != nil {
		t.Fatal(err)
	}
	s, err := sim.New(plant, sim.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SetState([]float64{q[0], q[1], 0, 0}); err != nil {
		t.Fatal(err)
	}
	a := &armBench{t, m, s, hardware.NewJointState(2)}
	a.read()
	return a
}

// read delivers the arm's state.
func (a *armBench) read() trial.Output {
	copy(a.reading.Position, a.sim.Positions())
	copy(a.reading.Velocity, a.sim.Velocities())
	return a.machine.Reading(a.reading, a.reading.Stamp+1, 0)
}

// run runs one trial.
func (a *armBench) run(c *trial.Command) *trial.Record {
	a.t.Helper()
	out, err := a.machine.Start(c, a.reading.Stamp+1)
	if err != nil {
		a.t.Fatal(err)
	}
	for {
		if err := a.sim.Step(out.Torque.Values()); err != nil {
			a.t.Fatal(err)
		}
		a.reading.Stamp += 50_000_000
		out = a.read()
		for len(a.machine.Events()) > 0 {
			switch e := <-a.machine.Events(); e.Kind {
			case trial.Finished:
				return a.machine.Record()
			case trial.Faulted:
				a.t.Fatal(e.Fault)
			}
		}
	}
}
