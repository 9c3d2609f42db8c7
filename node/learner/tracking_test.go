package learner

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"guidedpolicysearch/gps/algorithm"
	"guidedpolicysearch/gps/cost"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/rollout"
	"guidedpolicysearch/node/params"
)

// tracked returns the small task with a demonstration that its conditions begin near, and the cost of
// the distance from it.
func tracked(t *testing.T, edits ...func(*Config)) *Problem {
	t.Helper()
	motion := writeMotion(t, "time,a.position,b.position\n0,0.2,0.4\n1,0.2,0.4\n")
	return taskProblem(t, append([]func(*Config){func(cfg *Config) {
		d := &cfg.Initial.Demonstration
		d.Files, d.StartTolerance, d.RowsPerStep = []string{motion}, 2, 0
		cfg.Cost.Demonstration = TrackingCostConfig{Weight: 3, Position: 2, Velocity: 0.5, Decay: 0.5}
	}}, edits...)...)
}

// distance is the term at weight 1, by hand.
func distance(r *rollout.Rollout) float64 {
	sum := 0.0
	for t := range r.T {
		x := r.State(t)
		sum += (x[0]-0.2)*(x[0]-0.2) + (x[1]-0.4)*(x[1]-0.4) + 0.25*(x[2]*x[2]+x[3]*x[3])
	}
	return sum
}

// drawSamples returns samples of each condition, of a motion with some noise.
func drawSamples(p *Problem, iteration int) [][]*rollout.Rollout {
	samples := make([][]*rollout.Rollout, p.conditions)
	for m := range samples {
		for n := range 4 {
			r := rollout.New(p.cfg.Steps, 4, 2)
			for i := range r.X {
				r.X[i] = math.Sin(float64(3*i+5*n+7*m+11*iteration) + 0.1*float64(i*i*n))
			}
			for i := range r.U {
				r.U[i] = math.Cos(float64(2*i*(n+1) + m + iteration))
			}
			samples[m] = append(samples[m], r)
		}
	}
	return samples
}

// The weight falls by the iteration; the state holds the cost at the weight of the next one, as if that
// had been the weight all along; and reports are about the task alone.
func TestTrackingDecays(t *testing.T) {
	for _, kind := range []string{trajOpt, mdgps} {
		p := tracked(t, func(cfg *Config) { cfg.Algorithm.Type, cfg.Policy.Hidden = kind, []int{4} })
		task := taskProblem(t)
		state := p.Start()
		for iteration := range 3 {
			samples := drawSamples(p, iteration)
			next, report, err := p.algorithm.Iterate(context.Background(), state, samples)
			if err != nil {
				t.Fatal(err)
			}
			weight := 3 * math.Pow(0.5, float64(iteration+1))
			for m, of := range samples {
				mean := 0.0
				for n, r := range of {
					alone, err := task.NewSampleCost().Of(r)
					if err != nil {
						t.Fatal(err)
					}
					if got := report.Conditions[m].SampleCosts[n]; math.Abs(got-alone) > 1e-9 {
						t.Errorf("%s, iteration %d: a reported cost of %v, want the task's %v", kind, iteration, got, alone)
					}
					mean += (alone + weight*distance(r)) / float64(len(of))
				}
				if report.Policy != nil && report.Policy.RolledBack {
					continue
				}
				c := next.Conditions[m]
				if math.Abs(c.MeanCost-mean) > 1e-9 {
					t.Errorf("%s, iteration %d: a mean cost of %v, want %v at the next weight", kind, iteration, c.MeanCost, mean)
				}
				want := lqg.NewCost(p.cfg.Steps, 4, 2)
				p.algorithm.(*tracking).terms[m].weight = weight
				sum, err := cost.NewSum(cost.Weighted{Term: p.term, Weight: 1}, cost.Weighted{Term: p.algorithm.(*tracking).terms[m], Weight: 1})
				if err != nil {
					t.Fatal(err)
				}
				if err := cost.NewMean(p.cfg.Steps, 4, 2).Run(context.Background(), want, make([]float64, len(of)), sum, of); err != nil {
					t.Fatal(err)
				}
				for i, v := range want.Quad {
					if math.Abs(c.Previous.Cost.Quad[i]-v) > 1e-9 {
						t.Fatalf("%s, iteration %d: quadratic part %d is %v, want %v", kind, iteration, i, c.Previous.Cost.Quad[i], v)
					}
				}
				for i, v := range want.Lin {
					if math.Abs(c.Previous.Cost.Lin[i]-v) > 1e-9 {
						t.Fatalf("%s, iteration %d: linear part %d is %v, want %v", kind, iteration, i, c.Previous.Cost.Lin[i], v)
					}
				}
			}
			state = next
		}
	}
}

// A state that is iterated on twice, as after a resumption, gives the same, and is not changed.
func TestTrackingAfterResumption(t *testing.T) {
	p, again := tracked(t), tracked(t)
	state := p.Start()
	for iteration := range 3 {
		next, _, err := p.algorithm.Iterate(context.Background(), state, drawSamples(p, iteration))
		if err != nil {
			t.Fatal(err)
		}
		// again has only ever seen this iteration.
		other, _, err := again.algorithm.Iterate(context.Background(), state, drawSamples(p, iteration))
		if err != nil {
			t.Fatal(err)
		}
		for m := range next.Conditions {
			a, b := next.Conditions[m].Controller, other.Conditions[m].Controller
			for i, v := range a.K {
				if v != b.K[i] {
					t.Fatalf("iteration %d: gain %d is %v, then %v", iteration, i, v, b.K[i])
				}
			}
		}
		state = next
		again = tracked(t)
	}
}

func TestTrackingRefused(t *testing.T) {
	for _, c := range []struct {
		edit      func(cfg *Config)
		key, want string
	}{
		{func(cfg *Config) { cfg.Initial.Demonstration.Files = nil }, "cost.demonstration.weight", "name one in initial_controller.demonstration.files"},
		{func(cfg *Config) { cfg.Cost.Demonstration.Position, cfg.Cost.Demonstration.Velocity = 0, 0 }, "cost.demonstration.weight", "set one of them"},
		{func(cfg *Config) { cfg.Initial.Demonstration.StartTolerance = 0.1 }, "initial_controller.demonstration.files", "condition 1 begins 0.8 rad away"},
	} {
		cfg, rc := taskConfig()
		d := &cfg.Initial.Demonstration
		d.Files, d.StartTolerance, d.RowsPerStep = []string{writeMotion(t, "time,a.position,b.position\n0,0.2,0.4\n1,0.2,0.4\n")}, 2, 0
		cfg.Cost.Demonstration = TrackingCostConfig{Weight: 3, Position: 2, Decay: 0.5}
		c.edit(&cfg)
		_, err := NewProblem(cfg, mustRobot(t, rc))
		var field params.FieldError
		if !errors.As(err, &field) || field.Key != c.key || !strings.Contains(field.Problem, c.want) {
			t.Errorf("error %v, want %s: %q", err, c.key, c.want)
		}
	}
}

// After a rollback a condition has the model, and the mean cost, of the samples before: they are moved
// to the next weight too, and the state before keeps its own.
func TestTrackingAfterRollback(t *testing.T) {
	p := tracked(t)
	k := p.algorithm.(*tracking)
	older, newer := drawSamples(p, 0)[0], drawSamples(p, 1)[0]
	model := &algorithm.Model{Cost: lqg.NewCost(p.cfg.Steps, 4, 2)}
	before := algorithm.Condition{Previous: model, MeanCost: 100, Samples: [][]*rollout.Rollout{newer, older}}
	next := algorithm.Condition{Previous: model, MeanCost: 100}
	if err := k.decay(&next, &before, newer, 0, -0.5); err != nil {
		t.Fatal(err)
	}
	want := 100.0
	for _, r := range older {
		want -= 0.5 * distance(r) / float64(len(older))
	}
	if math.Abs(next.MeanCost-want) > 1e-12 || before.MeanCost != 100 {
		t.Errorf("mean costs of %v, before %v; want %v and 100", next.MeanCost, before.MeanCost, want)
	}
	if next.Previous == model || next.Previous.Cost.QuadAt(0)[0] != -0.5*2 || model.Cost.QuadAt(0)[0] != 0 {
		t.Errorf("second derivatives of %v, before %v; want -1 and 0", next.Previous.Cost.QuadAt(0)[0], model.Cost.QuadAt(0)[0])
	}
}
