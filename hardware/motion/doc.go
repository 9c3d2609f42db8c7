// Package motion moves a robot without learning: position control, and joint-space
// trajectories within limits of velocity and acceleration. Nothing in a control tick allocates.
// Units are SI: rad or m, rad/s or m/s, N m or N, s.
package motion
