package learner

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/policy"
	"guidedpolicysearch/gps/rollout"
	"guidedpolicysearch/node/record"
)

// LearnsPolicy tells whether the algorithm learns a policy besides the controllers.
func (c *AlgorithmConfig) LearnsPolicy() bool { return c.Type != trajOpt }

// savePolicy writes what the iteration of r learned to the run folder: the policy, where the algorithm
// has one, under the iteration's name too, else the controllers. samples are those of the iteration.
func (c *Core) savePolicy(r *Report, samples [][]*rollout.Rollout) error {
	learned, err := c.learned(samples)
	if err != nil {
		return err
	}
	f := &policy.File{Policy: learned, StateNames: c.problem.robot.StateNames(), ActionNames: c.problem.robot.Joints(), Step: c.problem.cfg.DT,
		Training: policy.Training{Algorithm: c.problem.cfg.Algorithm.Type, Iterations: r.Iteration, Rollouts: c.rollouts,
			Conditions: c.problem.conditions, Seed: c.problem.cfg.Seed, SuccessRate: r.SuccessRate}}
	if len(c.costs) == r.Iteration {
		f.Training.MeanCost = c.costs
	}
	if c.state.Policy != nil {
		if err := os.MkdirAll(c.folder.Path(record.PoliciesDir), 0o777); err != nil {
			return fmt.Errorf("learner: %w", err)
		}
		if err := policy.Save(c.folder.Path(record.PolicyPath(r.Iteration)), f); err != nil {
			return err
		}
	}
	return policy.Save(c.folder.Path(record.PolicyFile), f)
}

// learned returns what the run has learned for any start: the policy, or the one controller there
// is, or of several what policy.combine makes of them.
func (c *Core) learned(samples [][]*rollout.Rollout) (policy.Policy, error) {
	if c.state.Policy != nil {
		return c.state.Policy, nil
	}
	var controllers []*lqg.Controller
	for _, condition := range c.state.Conditions {
		controllers = append(controllers, condition.Controller)
	}
	if len(controllers) == 1 {
		return controllers[0], nil
	}
	feature, err := c.problem.feature()
	if err != nil {
		return nil, err
	}
	if c.problem.cfg.Policy.Combine == mixture {
		return c.mixture(controllers, feature)
	}
	var starts [][]float64
	for m := range controllers {
		start := make([]float64, c.problem.robot.DX())
		for _, s := range samples[m] {
			for i, v := range s.State(0) {
				start[i] += v / float64(len(samples[m]))
			}
		}
		starts = append(starts, start)
	}
	return policy.NewNearestNeighbour(controllers, starts, feature)
}

// mixture returns the mixture of the conditions' controllers, by what each meets under its model.
func (c *Core) mixture(controllers []*lqg.Controller, feature []int) (policy.Policy, error) {
	var marginals []*lqg.Trajectory
	for m, controller := range controllers {
		model := c.state.Conditions[m].Previous
		T, dX, dU := controller.Sizes()
		met := lqg.NewTrajectory(T, dX, dU)
		if err := lqg.NewForwardPass(dX, dU).Run(met, model.X0, controller, model.Dynamics); err != nil {
			return nil, fmt.Errorf("learner: condition %d: %w", m, err)
		}
		marginals = append(marginals, met)
	}
	cfg := policy.DefaultMixtureConfig()
	cfg.Feature = feature
	return policy.NewMixture(controllers, marginals, cfg)
}

// feature returns what tells conditions' controllers apart: policy.feature, or else the joint
// positions, which begin the state.
func (p *Problem) feature() ([]int, error) {
	places, err := p.entries("policy.feature", p.cfg.Policy.Feature)
	if len(places) > 0 || err != nil {
		return places, err
	}
	for i := range p.robot.DU() {
		places = append(places, i)
	}
	return places, nil
}

// maxReport bounds a line of the iterations' file, in bytes.
const maxReport = 1 << 24

// earlier reads what the policy files say of the iterations before a learner was started again: their
// mean costs, and how many rollouts they had. Where the reports are not all there costs is nil, and
// rollouts is counted as if all iterations had the present conditions.
func (p *Problem) earlier(folder *record.Folder, iterations int) (costs []float64, rollouts int) {
	costs, rollouts, err := readCosts(folder.Path(record.IterationsFile), iterations)
	if err != nil || len(costs) != iterations {
		return nil, iterations * p.conditions * p.cfg.Samples
	}
	return costs, rollouts
}

func readCosts(path string, iterations int) (costs []float64, rollouts int, err error) {
	f, err := record.OpenFile(path, record.MaxIterations)
	if err != nil {
		return nil, 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, maxReport)
	for len(costs) < iterations && lines.Scan() {
		var r Report
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil || r.Iteration != len(costs)+1 {
			return nil, 0, err
		}
		costs, rollouts = append(costs, r.MeanCost), rollouts+len(r.SampleCosts)
	}
	return costs, rollouts, lines.Err()
}
