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

	"guidedpolicysearch/hardware/robot"
	"guidedpolicysearch/hardware/trajectory"
	"guidedpolicysearch/node/demonstration"
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
	stretches, losses, err := demonstration.Salvage(path, r.Joints(), cfg.Topics)
	if out.Losses = losses; err != nil {
		return nil, err
	}
	fail := func(err error) (*Motion, error) { return nil, fmt.Errorf("%s: %w", path, err) }
	if stretches[0].Effort == nil {
		return fail(fmt.Errorf("%w: it has no efforts, and rollouts need the torques that were applied: name the topic of the commands, or record efforts (in CSV files the columns JOINT.effort)", ErrMotion))
	}
	p, err := parted(&cfg, stretches)
	if err != nil {
		return fail(err)
	}
	p.describe(path, out)
	c := converter{cfg: &cfg, robot: r, scan: s}
	if err := c.convert(path, p, out); err != nil {
		return fail(err)
	}
	if s.dropped > 0 {
		out.Notes = append(out.Notes, fmt.Sprintf("%s: its messages take more than %d MB: %d of them are not kept beside the rollouts, which are whole", path, maxKept>>20, s.dropped))
	}
	if n := s.reception.SetBack(); n > 0 {
		out.Notes = append(out.Notes, fmt.Sprintf("%s: the clock of the machine that recorded it was set back %s: receive times go on from there", path, times(n)))
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
