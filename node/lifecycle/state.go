package lifecycle

import (
	"fmt"

	"guidedpolicysearch/msgs/lifecycle_msgs"
)

// State is a state of a managed node, by its id in lifecycle_msgs/msg/State.
type State uint8

// The primary states, in which a node stays, and the transition states, in which a callback
// runs. Unknown is never entered; rcl lists it.
const (
	Unknown      State = State(lifecycle_msgs.State_PRIMARY_STATE_UNKNOWN)
	Unconfigured State = State(lifecycle_msgs.State_PRIMARY_STATE_UNCONFIGURED)
	Inactive     State = State(lifecycle_msgs.State_PRIMARY_STATE_INACTIVE)
	Active       State = State(lifecycle_msgs.State_PRIMARY_STATE_ACTIVE)
	Finalized    State = State(lifecycle_msgs.State_PRIMARY_STATE_FINALIZED)

	Configuring     State = State(lifecycle_msgs.State_TRANSITION_STATE_CONFIGURING)
	CleaningUp      State = State(lifecycle_msgs.State_TRANSITION_STATE_CLEANINGUP)
	ShuttingDown    State = State(lifecycle_msgs.State_TRANSITION_STATE_SHUTTINGDOWN)
	Activating      State = State(lifecycle_msgs.State_TRANSITION_STATE_ACTIVATING)
	Deactivating    State = State(lifecycle_msgs.State_TRANSITION_STATE_DEACTIVATING)
	ErrorProcessing State = State(lifecycle_msgs.State_TRANSITION_STATE_ERRORPROCESSING)
)

// states are all states in the order in which rcl lists them.
func states() []State {
	return []State{Unknown, Unconfigured, Inactive, Active, Finalized,
		Configuring, CleaningUp, ShuttingDown, Activating, Deactivating, ErrorProcessing}
}

// Primary says whether s is a state in which a node stays until somebody asks for a transition.
func (s State) Primary() bool { return s <= Finalized }

// String returns rcl's label, "unconfigured".
func (s State) String() string {
	switch s {
	case Unknown:
		return "unknown"
	case Unconfigured:
		return "unconfigured"
	case Inactive:
		return "inactive"
	case Active:
		return "active"
	case Finalized:
		return "finalized"
	case Configuring:
		return "configuring"
	case CleaningUp:
		return "cleaningup"
	case ShuttingDown:
		return "shuttingdown"
	case Activating:
		return "activating"
	case Deactivating:
		return "deactivating"
	case ErrorProcessing:
		return "errorprocessing"
	}
	return fmt.Sprintf("state %d", uint8(s))
}

func (s State) message() lifecycle_msgs.State {
	return lifecycle_msgs.State{Id: uint8(s), Label: s.String()}
}
