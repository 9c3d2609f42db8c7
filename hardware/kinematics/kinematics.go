// Package kinematics computes end-effector points of robot arms, their velocities and
// their Jacobians from the joint angles.
//
// All quantities are in the base frame, in m, m/s and m/rad. The coordinates of all
// points are stacked: a chain with P points of d coordinates has P*d coordinates.
// A chain owns its workspace: two goroutines must not use one chain at once.
package kinematics

import (
	"errors"
	"fmt"
	"math"
)

// ErrConfig marks a value that a chain cannot be built with.
var ErrConfig = errors.New("kinematics: invalid configuration")

// maxJoints bounds the size of a chain.
const maxJoints = 64

func checkLen(name string, v []float64, want int) {
	if len(v) != want {
		panic(fmt.Sprintf("kinematics: %s has %d elements, want %d", name, len(v), want))
	}
}

// largest bounds lengths in m, so that their sums and products with rates do not overflow.
const largest = 1e30

func moderate(v [3]float64) bool {
	for _, e := range v {
		if !(math.Abs(e) <= largest) {
			return false
		}
	}
	return true
}

// EndEffector gives points that move with a robot's joints.
type EndEffector interface {
	// Dims returns the number of joints n and of stacked point coordinates m.
	Dims() (joints, coordinates int)
	// Points writes the coordinates, m, at joint positions q, n.
	Points(dst, q []float64)
	// Velocities writes their velocities, m, at q and joint velocities dq, n.
	Velocities(dst, q, dq []float64)
	// Jacobian writes the derivatives of the coordinates by q, m x n, row-major.
	Jacobian(dst, q []float64)
}
