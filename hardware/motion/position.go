package motion

import "math"

// Position is the proportional-derivative controller that drives the joints to a goal:
// torque = stiffness (goal - q) - damping dq.
type Position struct {
	// Stiffness in N m/rad and Damping in N m s/rad, one entry per joint.
	Stiffness, Damping []float64
}

// Act writes the torque, one per joint, in N m.
func (p *Position) Act(torque, goal, q, dq []float64) {
	for i := range torque {
		torque[i] = p.Stiffness[i]*(goal[i]-q[i]) - p.Damping[i]*dq[i]
	}
}

// Farthest returns the joint with the largest distance from the goal and that distance.
func Farthest(goal, q []float64) (joint int, distance float64) {
	for i := range goal {
		if d := math.Abs(goal[i] - q[i]); d > distance {
			joint, distance = i, d
		}
	}
	return joint, distance
}

// Within tells whether all joints are within tolerance of the goal and slower than speed.
func Within(goal, q, dq []float64, tolerance, speed float64) bool {
	for i := range goal {
		if !(math.Abs(goal[i]-q[i]) <= tolerance) || !(math.Abs(dq[i]) <= speed) {
			return false
		}
	}
	return true
}
