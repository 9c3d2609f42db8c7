package rosio

import (
	"fmt"
	"slices"

	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/rollout"
	"guidedpolicysearch/hardware/robot"
	"guidedpolicysearch/msgs/guided_policy_search_msgs"
	"guidedpolicysearch/node/trial"
)

// Command converts a trial command, of a linear-Gaussian controller, to a message.
func Command(c *trial.Command, stamp int64) *guided_policy_search_msgs.TrialCommand {
	k := c.Controller.(*lqg.Controller)
	return &guided_policy_search_msgs.TrialCommand{
		Stamp:     Stamp(stamp),
		Iteration: uint32(c.Iteration), Condition: uint32(c.Condition), Sample: uint32(c.Sample),
		Steps: uint32(k.T), Dt: c.DT, InitialPosition: slices.Clone(c.InitialPosition), NoiseSeed: c.NoiseSeed,
		Controller: guided_policy_search_msgs.LinearGaussianController{
			Steps: uint32(k.T), Dx: uint32(k.DX), Du: uint32(k.DU),
			KGain: slices.Clone(k.K), Bias: slices.Clone(k.Bias), Chol: slices.Clone(k.Chol)},
	}
}

// ReadCommand converts a message to a trial command. Whether it suits the robot is
// checked by trial.Machine.
func ReadCommand(m *guided_policy_search_msgs.TrialCommand) (*trial.Command, error) {
	c := &lqg.Controller{T: int(m.Controller.Steps), DX: int(m.Controller.Dx), DU: int(m.Controller.Du),
		K: slices.Clone(m.Controller.KGain), Bias: slices.Clone(m.Controller.Bias), Chol: slices.Clone(m.Controller.Chol)}
	if m.Steps != m.Controller.Steps {
		return nil, fmt.Errorf("%w: trial command of %d steps has a controller of %d", ErrMessage, m.Steps, m.Controller.Steps)
	}
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("%w: trial command: %w", ErrMessage, err)
	}
	return &trial.Command{Iteration: int(m.Iteration), Condition: int(m.Condition), Sample: int(m.Sample), DT: m.Dt,
		InitialPosition: slices.Clone(m.InitialPosition), NoiseSeed: m.NoiseSeed, Controller: c}, nil
}

// SetRollout overwrites dst with what a trial of the robot left behind. It shares the
// record's arrays.
func SetRollout(dst *guided_policy_search_msgs.Rollout, rec *trial.Record, r *robot.Robot) {
	c, ro := rec.Command, rec.Whole()
	dst.Header.Stamp = Stamp(rec.Stamps[0])
	dst.Iteration, dst.Condition, dst.Sample = uint32(c.Iteration), uint32(c.Condition), uint32(c.Sample)
	dst.NoiseSeed, dst.Dt = c.NoiseSeed, c.DT
	dst.JointNames, dst.StateNames = r.Joints(), r.StateNames()
	dst.Steps, dst.Dx, dst.Du = uint32(ro.T), uint32(ro.DX), uint32(ro.DU)
	dst.States, dst.Actions, dst.Commanded = ro.X, ro.U, rec.Commanded[:ro.T*ro.DU]
	dst.Stamps = dst.Stamps[:0]
	for _, ns := range rec.Stamps[:ro.T+1] {
		dst.Stamps = append(dst.Stamps, Stamp(ns))
	}
	dst.StateAges, dst.Lost = rec.Ages[:ro.T+1], rec.Lost[:ro.T+1]
	dst.Intervened, dst.Fault = rec.Intervened, rec.Fault.String()
}

// ReadRollout converts a recorded rollout for learning. It returns ErrMessage if it is
// not of this robot, and rollout.ErrNotFinite if it holds a NaN.
func ReadRollout(m *guided_policy_search_msgs.Rollout, r *robot.Robot) (*rollout.Rollout, error) {
	if !slices.Equal(m.JointNames, r.Joints()) || !slices.Equal(m.StateNames, r.StateNames()) {
		return nil, fmt.Errorf("%w: rollout of joints %s and state %s, the robot has %q and %q", ErrMessage, quoted(m.JointNames), quoted(m.StateNames), r.Joints(), r.StateNames())
	}
	T, dX, dU := int(m.Steps), int(m.Dx), int(m.Du)
	if T < 1 || dX != r.DX() || dU != r.DU() || len(m.States) != (T+1)*dX || len(m.Actions) != T*dU {
		return nil, fmt.Errorf("%w: rollout of T=%d dX=%d dU=%d holds %d states and %d actions", ErrMessage, T, dX, dU, len(m.States), len(m.Actions))
	}
	out := &rollout.Rollout{T: T, DX: dX, DU: dU, X: slices.Clone(m.States), U: slices.Clone(m.Actions)}
	return out, out.Validate()
}
