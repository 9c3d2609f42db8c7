// Package velocity estimates joint velocities from readings of joint positions, for
// drivers that give none or poor ones: by filtered differences, or by the steady-state
// Kalman filter of the reference's encoders. Nothing in a control tick allocates.
// Units are SI: rad or m, rad/s or m/s, s.
//
// The guard of hardware/safety comes first: it refuses readings that are not finite or go
// back in time, and says so. What reaches an Estimator all the same is handled here, so
// that one bad reading never stays in the estimates.
package velocity
