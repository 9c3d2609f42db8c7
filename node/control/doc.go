// Package control holds what one control tick is made of: the checks on a joint reading,
// the position controller that resets and holds the arm, and the faults that zero the
// torque. Nothing here allocates, logs or blocks.
package control
