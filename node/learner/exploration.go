package learner

import (
	"fmt"
	"math"
)

// wideExploration is the part of an effort limit that exploration may have as its standard deviation
// before that is noted, and longSteps how many times algorithm.kl_step a step of PILQR may have.
const (
	wideExploration = 0.25
	longSteps       = 100
)

// noteExploration notes settings under which controllers explore or step so far that trials leave what
// the dynamics were fitted to: costs rise then, and simulations diverge.
func (p *Problem) noteExploration() {
	a, weight := p.cfg.Algorithm, p.cfg.Cost.Torque.Weight
	// Of the entropy's weight b and the cost's Hessian Q about the action, b Q^-1 is the covariance where
	// no KL bound holds it; of the last action, which moves nothing any more, Q is the torque's weight.
	if wide := math.Sqrt(a.MaxEntropy / weight); a.MaxEntropy > 0 && weight > 0 {
		for i, limit := range p.robot.EffortLimit() {
			if most := wideExploration * limit; wide > most {
				p.notes = append(p.notes, fmt.Sprintf("algorithm.max_entropy %v with cost.torque.weight %v lets the exploration of joint %q grow to a standard deviation of %.3g N m, its effort limit is %v: costs may rise and a simulation may diverge; max_entropy %.3g keeps it to a quarter of the limit",
					a.MaxEntropy, weight, p.robot.Joints()[i], wide, limit, most*most*weight))
				break // the others' text is much the same
			}
		}
	}
	if most := a.MaxStep * a.PathIntegral.Adapt.Max; a.Update == "pilqr" && a.MaxEntropy > 0 && most > longSteps {
		p.notes = append(p.notes, fmt.Sprintf("algorithm.max_step_multiplier %v and algorithm.path_integral.adapt.max_multiplier %v multiply: PILQR's steps may grow to %v times algorithm.kl_step, too far for dynamics that exploration (max_entropy %v) keeps uncertain; set algorithm.max_step_multiplier to %v",
			a.MaxStep, a.PathIntegral.Adapt.Max, most, a.MaxEntropy, max(1, longSteps/a.PathIntegral.Adapt.Max)))
	}
}
