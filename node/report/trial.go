package report

import (
	"fmt"

	"guidedpolicysearch/gps/checkpoint"
	"guidedpolicysearch/gps/dynamics"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/rollout"
	"guidedpolicysearch/msgs/guided_policy_search_msgs"
	"guidedpolicysearch/node/record"
)

// Trial is a recorded trial.
type Trial struct {
	*rollout.Rollout
	// Path is relative to the run folder.
	Path                         string
	Iteration, Condition, Sample int
	// Commanded holds the actions before limits, T x dU, in N m.
	Commanded []float64
	// DT is the length of a time step in s.
	DT float64
	// Joints and States name the entries of u and x.
	Joints, States []string
	// Driver is what drove it, Fault what broke it off, empty for a whole one.
	Driver, Fault string
	// Intervened counts ticks in which the safety filter changed the torque, Lost joint states that
	// were missing.
	Intervened, Lost uint64
	Timing           guided_policy_search_msgs.LoopTiming
}

func checkpointPath(iteration int) string {
	return record.CheckpointsDir + "/" + checkpoint.Name(iteration)
}

// readTrial reads a recording. The error says what is wrong with it.
func (r *Run) readTrial(path string) (*Trial, error) {
	m, err := r.folder.ReadRollout(path)
	if err != nil {
		return nil, err
	}
	t := &Trial{Rollout: &rollout.Rollout{T: int(m.Steps), DX: int(m.Dx), DU: int(m.Du), X: m.States, U: m.Actions}, Path: path,
		Iteration: int(m.Iteration), Condition: int(m.Condition), Sample: int(m.Sample), Commanded: m.Commanded, DT: m.Dt,
		Joints: m.JointNames, States: m.StateNames, Driver: m.Driver, Fault: m.Fault, Intervened: uint64(m.Intervened), Timing: m.Timing}
	for _, n := range m.Lost {
		t.Lost += uint64(n)
	}
	if t.Fault != "" {
		return t, nil // however short it is
	}
	if err := t.Validate(); err != nil {
		return nil, err
	}
	if len(t.Commanded) != len(t.U) || len(t.Joints) != t.DU || len(t.States) != t.DX || !(t.DT > 0) {
		return nil, fmt.Errorf("holds %d commanded actions, %d joints' and %d states' names and steps of %v s, expected %d, %d, %d and a time > 0", len(t.Commanded), len(t.Joints), len(t.States), t.DT, len(t.U), t.DU, t.DX)
	}
	return t, nil
}

// readTrials reads the whole trials of an iteration by condition, spread over all of them where there
// are many; those that cannot be read are in problems.
func (r *Run) readTrials(iteration int, problems *[]Problem) [][]*Trial {
	paths, err := r.folder.Rollouts(uint32(iteration))
	if err != nil {
		*problems = append(*problems, Problem{record.RolloutsDir, err.Error()})
	}
	var list [][]*Trial
	for _, path := range spread(paths, r.limits.Trials) {
		t, err := r.readTrial(path)
		if err == nil && t.Fault != "" {
			err = fmt.Errorf("was broken off by a fault (%s), expected a whole trial", t.Fault)
		}
		if err == nil && t.Condition > maxCondition {
			err = fmt.Errorf("condition %d, expected at most %d", t.Condition, maxCondition)
		}
		if err != nil {
			*problems = append(*problems, r.problem(path, err))
			continue
		}
		for len(list) <= t.Condition {
			list = append(list, nil)
		}
		list[t.Condition] = append(list[t.Condition], t)
	}
	return list
}

// maxCondition bounds what a recording may say.
const maxCondition = 10_000

// readCheckpoint reads what the iteration ended with.
func (s *Snapshot) readCheckpoint(r *Run, withPrior bool) {
	path := checkpointPath(s.Iteration)
	c, err := checkpoint.Load(r.folder.Path(path))
	if err != nil {
		if !isNotExist(err) {
			s.problems = append(s.problems, r.problem(path, err))
		}
		return
	}
	fail := func(format string, args ...any) {
		s.problems = append(s.problems, Problem{path, fmt.Sprintf(format, args...)})
		s.Controllers, s.Models, s.Priors = nil, nil, nil
	}
	if c.State.Iteration != s.Iteration || len(c.State.Conditions) == 0 {
		fail("is of iteration %d with %d conditions, expected iteration %d", c.State.Iteration, len(c.State.Conditions), s.Iteration)
		return
	}
	if r.Task != nil && c.State.Seed != r.Task.Seed {
		fail("is of seed %d, the run's is %d: it is of another run", c.State.Seed, r.Task.Seed)
		return
	}
	for m := range c.State.Conditions {
		condition := &c.State.Conditions[m]
		if condition.Controller == nil {
			fail("condition %d has no controller", m)
			return
		}
		if err := condition.Controller.Validate(); err != nil {
			fail("condition %d: %v", m, err)
			return
		}
		s.Controllers = append(s.Controllers, condition.Controller)
		var model *lqg.Dynamics
		if p := condition.Previous; p != nil && p.Dynamics != nil && suits(p.Dynamics, condition.Controller) {
			model = p.Dynamics
		}
		s.Models = append(s.Models, model)
		if withPrior {
			s.Priors = append(s.Priors, condition.Prior)
		}
	}
	if p := c.State.Policy; p != nil {
		if T, dX, dU := p.Sizes(); T == s.Controllers[0].T && dX == s.Controllers[0].DX && dU == s.Controllers[0].DU {
			s.Policy = p
		} else {
			s.problems = append(s.problems, Problem{path, fmt.Sprintf("its policy is of T=%d dX=%d dU=%d, its controllers are not", T, dX, dU)})
		}
	}
}

// suits tells whether dynamics are whole, and of a controller's sizes.
func suits(d *lqg.Dynamics, c *lqg.Controller) bool {
	return d.T == c.T && d.DX == c.DX && d.DU == c.DU && len(d.F) == d.T*d.DX*(d.DX+d.DU) && len(d.Bias) == d.T*d.DX && len(d.Cov) == d.T*d.DX*d.DX
}

// whole tells whether a prior has a mixture and data of its sizes.
func whole(p *dynamics.MixturePrior) bool {
	if p == nil || p.Mixture == nil || len(p.Rollouts) == 0 {
		return false
	}
	m := p.Mixture
	for _, r := range p.Rollouts {
		if r.Validate() != nil || r.DX != p.Rollouts[0].DX || m.D != 2*r.DX+r.DU {
			return false
		}
	}
	return m.K >= 1 && m.D >= 2 && m.K <= len(m.LogWeights) && len(m.LogWeights) == m.K && len(m.Means)/m.K == m.D && len(m.Means)%m.K == 0 && len(m.Covs)/m.K == m.D*m.D && len(m.Covs)%m.K == 0
}
