package rosio

import (
	"fmt"
	"slices"

	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/policy"
	"guidedpolicysearch/gps/rollout"
	"guidedpolicysearch/hardware/robot"
	"guidedpolicysearch/msgs/guided_policy_search_msgs"
	"guidedpolicysearch/node/trial"
)

// Command converts a trial command to a message. The error is for what is neither a linear-Gaussian
// controller nor a network policy: messages hold no other.
func Command(c *trial.Command, stamp int64) (*guided_policy_search_msgs.TrialCommand, error) {
	m := &guided_policy_search_msgs.TrialCommand{
		Stamp:     Stamp(stamp),
		Iteration: uint32(c.Iteration), Condition: uint32(c.Condition), Sample: uint32(c.Sample),
		Dt: c.DT, InitialPosition: slices.Clone(c.InitialPosition), NoiseSeed: c.NoiseSeed,
	}
	T, _, _ := c.Controller.Sizes()
	m.Steps = uint32(T)
	switch k := c.Controller.(type) {
	case *lqg.Controller:
		m.Controller = guided_policy_search_msgs.LinearGaussianController{
			Steps: uint32(k.T), Dx: uint32(k.DX), Du: uint32(k.DU),
			KGain: slices.Clone(k.K), Bias: slices.Clone(k.Bias), Chol: slices.Clone(k.Chol)}
	case *policy.Network:
		var err error
		if m.Policy, err = k.MarshalBinary(); err != nil {
			return nil, fmt.Errorf("%w: trial command: %w", ErrMessage, err)
		}
	default:
		return nil, fmt.Errorf("%w: trial command: a %T, expected a linear-Gaussian controller or a network", ErrMessage, k)
	}
	return m, nil
}

// ReadCommand converts a message to a trial command. Whether it suits the robot is
// checked by trial.Machine.
func ReadCommand(m *guided_policy_search_msgs.TrialCommand) (*trial.Command, error) {
	driver, err := readDriver(m)
	if err != nil {
		return nil, fmt.Errorf("%w: trial command: %w", ErrMessage, err)
	}
	if T, _, _ := driver.Sizes(); T != int(m.Steps) {
		return nil, fmt.Errorf("%w: trial command of %d steps has a controller of %d", ErrMessage, m.Steps, T)
	}
	return &trial.Command{Iteration: int(m.Iteration), Condition: int(m.Condition), Sample: int(m.Sample), DT: m.Dt,
		InitialPosition: slices.Clone(m.InitialPosition), NoiseSeed: m.NoiseSeed, Controller: driver}, nil
}

// readDriver returns what drives the trial.
func readDriver(m *guided_policy_search_msgs.TrialCommand) (trial.Controller, error) {
	if len(m.Policy) > 0 {
		network := new(policy.Network)
		if err := network.UnmarshalBinary(m.Policy); err != nil {
			return nil, err
		}
		return network, nil
	}
	c := &lqg.Controller{T: int(m.Controller.Steps), DX: int(m.Controller.Dx), DU: int(m.Controller.Du),
		K: slices.Clone(m.Controller.KGain), Bias: slices.Clone(m.Controller.Bias), Chol: slices.Clone(m.Controller.Chol)}
	return c, c.Validate()
}

// The kinds of what drives a trial, in Rollout.Driver.
const (
	DrivenByController = "controller"
	DrivenByPolicy     = "policy"
)

// driver returns the kind of what drives a trial.
func driver(c *trial.Command) string {
	if _, controller := c.Controller.(*lqg.Controller); controller {
		return DrivenByController
	}
	return DrivenByPolicy
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
	dst.Intervened, dst.Fault, dst.Driver = rec.Intervened, rec.Fault.String(), driver(c)
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
