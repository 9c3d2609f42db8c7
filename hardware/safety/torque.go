package safety

// Torque is one torque per joint, in N m, that a Filter let through. Nothing but a Filter
// makes one: whoever publishes torques and takes nothing else publishes none that was not
// checked. The zero Torque is none: it has no values.
type Torque struct {
	filter *Filter
}

// Values returns the torques, one per joint, until the filter's next call; nil for the zero
// Torque. It is a copy: what is written to it changes no torque.
func (t Torque) Values() []float64 {
	if t.filter == nil {
		return nil
	}
	copy(t.filter.view, t.filter.torque)
	return t.filter.view
}

// Position returns where the joints were in the last reading that the filter took, for robots whose
// command names it, in rad or m, until the filter's next call; nil before there was one. It is a copy.
func (t Torque) Position() []float64 {
	if t.filter == nil || !t.filter.located {
		return nil
	}
	copy(t.filter.placeView, t.filter.place)
	return t.filter.placeView
}

// Source is who wants a torque.
type Source uint8

// The sources of torques.
const (
	// Position is a controller of the node itself, between trials.
	Position Source = iota
	// Learned is a controller that was learned, in a trial.
	Learned
	// Relaxed is gravity compensation alone: no torque is wanted.
	Relaxed
)

// Checks is a set of checks.
type Checks uint16

// The checks that may change a torque.
const (
	// Ramped: the torque rises after a start.
	Ramped Checks = 1 << iota
	// PositionWall, VelocityWall and WorkspaceWall: a soft wall acts.
	PositionWall
	VelocityWall
	WorkspaceWall
	// Clamped: the torque limit of a joint bounds it.
	Clamped
	// Slewed: the slew limit of a joint bounds it.
	Slewed
	// Barrier: the quadratic programme changed it.
	Barrier
	// Infeasible: the torques within the limits could not keep all limits of position,
	// velocity and workspace in the programme; they were violated least.
	Infeasible
	// Powered: the power limit bounds it.
	Powered
	// Responded: it is the response to a fault.
	Responded

	checks = iota
)

// NumChecks is the number of checks in a set.
const NumChecks = checks

// Has says whether the set holds all of other.
func (c Checks) Has(other Checks) bool { return c&other == other }

// checkNames are for diagnostics, in the order of the bits.
var checkNames = [checks]string{"ramp", "position_wall", "velocity_wall", "workspace_wall", "torque_limit", "slew_limit", "barrier", "barrier_infeasible", "power_limit", "fault_response"}

// CheckName names the check of bit i, 0 to NumChecks-1, for diagnostics and recordings.
func CheckName(i int) string { return checkNames[i] }
