package main

import (
	"fmt"
	"io"
	"math"

	"guidedpolicysearch/hardware"
	"guidedpolicysearch/hardware/models"
	"guidedpolicysearch/hardware/robot"
	"guidedpolicysearch/hardware/urdf"
)

// newArm returns the robot of the benchmark, that of params/arm7_reach.yaml: seven joints, and two
// points of its hand, so that positions and velocities make dX=26.
func newArm() (*robot.Robot, error) {
	cfg := robot.DefaultConfig()
	cfg.URDF = models.URI("arm7.urdf")
	data, err := models.Read(cfg.URDF)
	if err != nil {
		return nil, err
	}
	m, err := urdf.Parse(data)
	if err != nil {
		return nil, err
	}
	cfg.Joints = nil
	for i := range 7 {
		cfg.Joints = append(cfg.Joints, fmt.Sprintf("joint%d", i+1))
	}
	cfg.EffortLimit = []float64{90, 90, 60, 60, 15, 15, 10}
	cfg.GravityCompensation = true
	cfg.State = []string{robot.JointPositions, robot.JointVelocities, robot.EndEffector, robot.EndEffectorVel}
	cfg.Kinematics = robot.KinematicsConfig{Type: robot.URDFKinematics, Link: "tool", Points: []float64{0, 0.05, 0, 0, -0.05, 0}}
	return robot.New(cfg, m)
}

// sway writes the positions and velocities at a time in s of an arm that does not heed torques: each
// joint swings about the middle of its range.
func sway(r *robot.Robot, s *hardware.JointState, at float64) {
	const amplitude, rate = 0.2, 2 // rad, rad/s
	limits := r.Limits()
	for i := range s.Position {
		middle := (limits.Lower[i] + limits.Upper[i]) / 2
		s.Position[i] = middle + amplitude*math.Sin(rate*at+float64(i))
		s.Velocity[i] = amplitude * rate * math.Cos(rate*at+float64(i))
	}
}

// say writes notes, a line each.
func say(out io.Writer, notes []string) error {
	for _, n := range notes {
		if _, err := fmt.Fprintln(out, n); err != nil {
			return err
		}
	}
	return nil
}
