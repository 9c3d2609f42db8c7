package importing

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"

	"guidedpolicysearch/gps/initial"
	"guidedpolicysearch/hardware/robot"
	"guidedpolicysearch/hardware/trajectory"
	"guidedpolicysearch/msgs/guided_policy_search_msgs"
	"guidedpolicysearch/node/demonstration"
	"guidedpolicysearch/node/record"
	"guidedpolicysearch/node/rosio"
)

// Read makes rollouts of the motion in a bag's folder, an MCAP file or a CSV file. A bag that was cut
// off is read as far as it goes. Errors name the file; they wrap ErrConfig, ErrMotion,
// demonstration.ErrBag, trajectory.ErrFormat, trajectory.ErrSampling or initial.ErrDemonstration, or
// are those of the file system.
func Read(path string, cfg Config) (*Motion, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	s, err := scanned(path, cfg.Topics)
	if err != nil {
		return nil, err
	}
	r, err := cfg.robot(path, s)
	if err != nil {
		return nil, err
	}
	out := new(Motion)
	motion, losses, err := demonstration.Salvage(path, r.Joints(), cfg.Topics)
	if out.Losses = losses; err != nil {
		return nil, err
	}
	fail := func(err error) (*Motion, error) { return nil, fmt.Errorf("%s: %w", path, err) }
	if motion.Effort == nil {
		return fail(fmt.Errorf("%w: it has no efforts, and rollouts need the torques that were applied: name the topic of the commands, or record efforts (in CSV files the columns JOINT.effort)", ErrMotion))
	}
	if err := motion.CheckSampling(cfg.DT, cfg.MaxGap); err != nil {
		return fail(err)
	}
	if motion.Velocity == nil {
		motion = motion.Smooth(cfg.Smoothing)
	}
	c := converter{cfg: &cfg, robot: r, scan: s, motion: motion, start: s.start(r.Joints())}
	if c.start == 0 {
		c.start = int64(math.Round(motion.Time[0] * 1e9))
	}
	if err := c.convert(out); err != nil {
		return fail(err)
	}
	if s.dropped > 0 {
		out.Notes = append(out.Notes, fmt.Sprintf("%s: its messages take more than %d MB: %d of them are not kept beside the rollouts, which are whole", path, maxKept>>20, s.dropped))
	}
	if s.setBack > 0 {
		out.Notes = append(out.Notes, fmt.Sprintf("%s: the clock of the machine that recorded it was set back %d times: receive times go on from there", path, s.setBack))
	}
	return out, nil
}

// robot returns the configured robot, or one of the file's joints.
func (c *Config) robot(path string, s *scan) (*robot.Robot, error) {
	if c.Robot != nil {
		return c.Robot, nil
	}
	joints := c.Joints
	if len(joints) == 0 {
		joints = s.joints
	}
	if len(joints) == 0 {
		var err error
		if joints, err = columns(path); err != nil {
			return nil, err
		}
	}
	cfg := robot.DefaultConfig()
	cfg.Joints, cfg.State = joints, []string{robot.JointPositions, robot.JointVelocities}
	cfg.Kinematics = robot.KinematicsConfig{Type: robot.NoKinematics}
	cfg.EffortLimit = slices.Repeat([]float64{math.MaxFloat64}, len(joints))
	r, err := robot.New(cfg, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: joints %q: %w", ErrMotion, path, joints, err)
	}
	return r, nil
}

// columns returns the joints of a CSV file in the order of their positions.
func columns(path string) (joints []string, err error) {
	if files, err := demonstration.Files(path); err != nil {
		return nil, err
	} else if files != nil {
		return nil, fmt.Errorf("%w: %s has no joint states to take the joints from: name the topic, or the joints", ErrMotion, path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	header, err := csv.NewReader(io.LimitReader(f, 1<<20)).Read()
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: %s: %w", trajectory.ErrFormat, path, err)
	}
	for _, column := range header {
		if joint, ok := strings.CutSuffix(strings.TrimSpace(column), ".position"); ok {
			joints = append(joints, joint)
		}
	}
	if len(joints) == 0 {
		return nil, fmt.Errorf("%w: %s: line 1: there is no column JOINT.position", trajectory.ErrFormat, path)
	}
	return joints, nil
}

// converter makes rollouts of one motion.
type converter struct {
	cfg    *Config
	robot  *robot.Robot
	scan   *scan
	motion *trajectory.Trajectory
	start  int64 // of the motion, ns
}

// convert makes as many rollouts as there are whole ones.
func (c *converter) convert(out *Motion) error {
	const rounding = 1e-6 // of a step, which sums of stamps are off by
	lasts := c.motion.Time[len(c.motion.Time)-1] - c.motion.Time[0] - c.cfg.Begin
	whole := math.Floor(lasts/c.cfg.DT + rounding)
	steps, count := c.cfg.Steps, 1
	if steps == 0 {
		if !(whole >= 1) || whole > maxSteps {
			return fmt.Errorf("%w: it lasts %.6g s from %v s on, need 1 to %d time steps of %v s", ErrMotion, lasts, c.cfg.Begin, maxSteps, c.cfg.DT)
		}
		steps = int(whole)
	} else if count = int(math.Floor(whole / float64(steps))); count < 1 {
		return fmt.Errorf("%w: it lasts %.6g s from %v s on, a rollout of %d steps %.6g s: give fewer steps, or 0 for the whole motion", ErrMotion, lasts, c.cfg.Begin, steps, float64(steps)*c.cfg.DT)
	}
	length := float64(steps) * c.cfg.DT
	for n := range count {
		t, err := c.rollout(c.cfg.Begin+float64(n)*length, steps)
		if err != nil {
			return err
		}
		t.Rollout.Sample = uint32(n)
		out.Trials = append(out.Trials, t)
	}
	if over := lasts - float64(count)*length; over > c.cfg.DT*(1-rounding) {
		out.Notes = append(out.Notes, fmt.Sprintf("the last %.4g s of the motion are no whole rollout of %d steps, and left out", over, steps))
	}
	return nil
}

// rollout makes one that begins at a time in s after the first row.
func (c *converter) rollout(begin float64, T int) (*record.Trial, error) {
	dt, length := c.cfg.DT, float64(T)*c.cfg.DT
	// The row before the beginning too, so that the resampling begins when it should.
	part, err := c.motion.Between(max(0, begin-2*c.motion.Usual()), begin+length+c.cfg.Smoothing)
	if err != nil {
		return nil, err
	}
	dQ := c.robot.DU()
	d := &initial.Demonstration{DQ: dQ, DU: dQ, Time: part.Time, Position: part.Position, Velocity: part.Velocity, Effort: part.Effort}
	ref, err := c.resample(d, begin+c.motion.Time[0], T)
	if err != nil {
		return nil, err
	}
	from := c.start + int64(math.Round(begin*1e9))
	to := from + int64(math.Round(length*1e9))
	t := c.scan.trial(from, to)
	r := &t.Rollout
	*r = guided_policy_search_msgs.Rollout{Iteration: Iteration, Condition: c.cfg.Condition, Dt: dt, JointNames: c.robot.Joints(), StateNames: c.robot.StateNames(),
		Steps: uint32(T), Dx: uint32(c.robot.DX()), Du: uint32(dQ), Driver: Driver, Actions: c.actions(ref)}
	r.Header.Stamp = rosio.Stamp(from)
	r.States = make([]float64, (T+1)*c.robot.DX())
	previous := make([]float64, c.robot.PreviousTorques()*dQ)
	for k := range T + 1 {
		c.robot.State(r.States[k*c.robot.DX():(k+1)*c.robot.DX()], robot.Measurement{Position: ref.Position[k*dQ : (k+1)*dQ], Velocity: ref.Velocity[k*dQ : (k+1)*dQ], PreviousTorques: previous})
		r.Stamps = append(r.Stamps, rosio.Stamp(from+int64(math.Round(float64(k)*dt*1e9))))
		if k < T && len(previous) > 0 {
			copy(previous[dQ:], previous)
			copy(previous, r.Actions[k*dQ:(k+1)*dQ])
		}
	}
	return t, nil
}

// resample returns the demonstration at T steps that begin at a time on its own clock.
func (c *converter) resample(d *initial.Demonstration, begin float64, T int) (*initial.Reference, error) {
	if err := d.Validate(); err != nil {
		return nil, err
	}
	if d.Time[0] < begin {
		if err := c.beginAt(d, begin); err != nil {
			return nil, err
		}
	}
	return d.Resample(T, c.cfg.DT)
}

// beginAt makes a row at a time between two rows the first one: on the cubic through them, with the
// effort that held there.
func (c *converter) beginAt(d *initial.Demonstration, begin float64) error {
	const rounding = 1e-9 // s
	last := 0
	for last+1 < len(d.Time) && d.Time[last+1] <= begin+rounding {
		last++
	}
	if begin-d.Time[last] <= rounding || last+1 == len(d.Time) {
		*d = initial.Demonstration{DQ: d.DQ, DU: d.DU, Time: d.Time[last:], Position: d.Position[last*d.DQ:], Velocity: tail(d.Velocity, last*d.DQ), Effort: tail(d.Effort, last*d.DU)}
		return nil
	}
	// One step from the row before to the beginning is where the motion is then.
	at, err := (&initial.Demonstration{DQ: d.DQ, DU: d.DU, Time: d.Time[last:], Position: d.Position[last*d.DQ:], Velocity: tail(d.Velocity, last*d.DQ), Effort: tail(d.Effort, last*d.DU)}).Resample(1, begin-d.Time[last])
	if err != nil {
		return err
	}
	next := last + 1
	out := initial.Demonstration{DQ: d.DQ, DU: d.DU, Time: slices.Concat([]float64{begin}, d.Time[next:]), Position: slices.Concat(at.Position[d.DQ:], d.Position[next*d.DQ:]),
		Effort: slices.Concat(d.Effort[last*d.DU:next*d.DU], d.Effort[next*d.DU:])}
	if d.Velocity != nil {
		out.Velocity = slices.Concat(at.Velocity[d.DQ:], d.Velocity[next*d.DQ:])
	}
	*d = out
	return nil
}

// tail returns a list from a place on, nil for none.
func tail(list []float64, from int) []float64 {
	if list == nil {
		return nil
	}
	return list[from:]
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
