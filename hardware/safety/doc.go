// Package safety stands between every controller and the robot: it judges readings, bounds
// torques, and latches faults. Nothing in a control tick allocates, logs or blocks.
package safety
