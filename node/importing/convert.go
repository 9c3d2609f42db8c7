package importing

import (
	"fmt"
	"math"
	"slices"

	"guidedpolicysearch/gps/initial"
	"guidedpolicysearch/hardware/robot"
	"guidedpolicysearch/msgs/guided_policy_search_msgs"
	"guidedpolicysearch/node/demonstration"
	"guidedpolicysearch/node/record"
	"guidedpolicysearch/node/rosio"
)

// converter makes rollouts of the parts of a recording.
type converter struct {
	cfg   *Config
	robot *robot.Robot
	scan  *scan
}

// maxTotal bounds the time steps of all rollouts of a recording.
const maxTotal = 5 * maxSteps

// leftOver is what of some parts is in no rollout, in s.
type leftOver struct {
	parts             int
	together, longest float64
}

func (l *leftOver) add(seconds float64) {
	l.parts++
	l.together += seconds
	l.longest = max(l.longest, seconds)
}

// convert makes as many rollouts as there are whole ones, and notes what is left over.
func (c *converter) convert(path string, p *parts, out *Motion) error {
	const rounding = 1e-6 // of a step, which sums of stamps are off by
	var short, ends leftOver
	total := 0.0 // steps
	for i := range p.list {
		part := &p.list[i]
		lasts := part.lasts()
		whole := math.Floor(lasts/c.cfg.DT + rounding)
		if total += whole; total > maxTotal {
			return fmt.Errorf("%w: it lasts %.6g s, need at most %d time steps of %v s in all: cut it at its pauses (--max-gap)", ErrMotion, p.lasts, maxTotal, c.cfg.DT)
		}
		steps, count := c.cfg.Steps, 1
		if steps == 0 {
			steps = int(min(whole, maxSteps+1))
		} else {
			count = int(math.Floor(whole / float64(steps)))
		}
		switch {
		case steps < 1, count < 1:
			short.add(lasts)
			continue
		case steps > maxSteps:
			return fmt.Errorf("%w: it lasts %.6g s, need at most %d time steps of %v s: give a number of steps", ErrMotion, lasts, maxSteps, c.cfg.DT)
		}
		length := float64(steps) * c.cfg.DT
		for n := range count {
			t, err := c.rollout(part, part.begin+float64(n)*length, steps)
			if err != nil {
				return err
			}
			t.Rollout.Sample = uint32(len(out.Trials))
			out.Trials = append(out.Trials, t)
		}
		if over := lasts - float64(count)*length; over > c.cfg.DT*(1-rounding) {
			ends.add(over)
		}
	}
	if len(out.Trials) == 0 {
		return p.none(c.cfg, short)
	}
	rollout := fmt.Sprintf("a rollout of %s (%.4g s)", number(max(1, c.cfg.Steps), "step", "steps"), float64(max(1, c.cfg.Steps))*c.cfg.DT)
	note := func(format string, args ...any) {
		out.Notes = append(out.Notes, path+": "+fmt.Sprintf(format, args...))
	}
	if short.parts > 0 {
		note("%s shorter than %s, %.4g s together: left out", number(short.parts, "stretch is", "stretches are"), rollout, short.together)
	}
	switch {
	case ends.parts == 1:
		note("the last %.4g s of the motion are not enough for %s, and left out", ends.together, rollout)
	case ends.parts > 1:
		note("the ends of %d stretches, %.4g s together, are not enough for %s each, and left out", ends.parts, ends.together, rollout)
	}
	return nil
}

// rollout makes one that begins at a time in s after the first row of a part.
func (c *converter) rollout(p *part, begin float64, T int) (*record.Trial, error) {
	dt, length := c.cfg.DT, float64(T)*c.cfg.DT
	part, err := p.motion.Between(begin, begin+length+c.cfg.Smoothing)
	if err != nil {
		return nil, err
	}
	d, err := demonstration.Begin(part, p.motion.Time[0]+begin)
	if err != nil {
		return nil, err
	}
	ref, err := d.Resample(T, dt)
	if err != nil {
		return nil, err
	}
	dQ := c.robot.DU()
	from := p.start + nanoseconds(begin)
	to := from + nanoseconds(length)
	const most = math.MaxInt32 * 1_000_000_000 // of builtin_interfaces/msg/Time
	if from < -most || to > most {
		return nil, fmt.Errorf("%w: a rollout would begin at %.0f s, which the stamp of a message does not hold: give times from %d to %d s", ErrMotion, float64(from)*1e-9, -math.MaxInt32, math.MaxInt32)
	}
	t := c.scan.trial(p.stretch, from, to)
	r := &t.Rollout
	*r = guided_policy_search_msgs.Rollout{Iteration: Iteration, Condition: c.cfg.Condition, Dt: dt, JointNames: c.robot.Joints(), StateNames: c.robot.StateNames(),
		Steps: uint32(T), Dx: uint32(c.robot.DX()), Du: uint32(dQ), Driver: Driver, Actions: c.actions(ref)}
	r.Header.Stamp = rosio.Stamp(from)
	r.States = make([]float64, (T+1)*c.robot.DX())
	previous := make([]float64, c.robot.PreviousTorques()*dQ)
	for k := range T + 1 {
		c.robot.State(r.States[k*c.robot.DX():(k+1)*c.robot.DX()], robot.Measurement{Position: ref.Position[k*dQ : (k+1)*dQ], Velocity: ref.Velocity[k*dQ : (k+1)*dQ], PreviousTorques: previous})
		r.Stamps = append(r.Stamps, rosio.Stamp(from+nanoseconds(float64(k)*dt)))
		if k < T && len(previous) > 0 {
			copy(previous[dQ:], previous)
			copy(previous, r.Actions[k*dQ:(k+1)*dQ])
		}
	}
	return t, nil
}

// actions returns the efforts without what robot.gravity_compensation adds to actions.
func (c *converter) actions(ref *initial.Reference) []float64 {
	actions := slices.Clone(ref.Effort)
	if !c.robot.Compensates() {
		return actions
	}
	dQ := c.robot.DU()
	gravity := make([]float64, dQ)
	for t := range ref.T {
		c.robot.Dynamics().Gravity(gravity, ref.Middle[t*dQ:(t+1)*dQ])
		for j, v := range gravity {
			actions[t*dQ+j] -= v
		}
	}
	return actions
}
