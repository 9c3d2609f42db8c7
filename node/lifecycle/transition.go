package lifecycle

import (
	"fmt"

	"guidedpolicysearch/msgs/lifecycle_msgs"
)

// Transition is a transition that can be asked for, by its id in lifecycle_msgs/msg/Transition.
type Transition uint8

// The transitions out of the primary states.
const (
	Configure            Transition = Transition(lifecycle_msgs.Transition_TRANSITION_CONFIGURE)
	Cleanup              Transition = Transition(lifecycle_msgs.Transition_TRANSITION_CLEANUP)
	Activate             Transition = Transition(lifecycle_msgs.Transition_TRANSITION_ACTIVATE)
	Deactivate           Transition = Transition(lifecycle_msgs.Transition_TRANSITION_DEACTIVATE)
	UnconfiguredShutdown Transition = Transition(lifecycle_msgs.Transition_TRANSITION_UNCONFIGURED_SHUTDOWN)
	InactiveShutdown     Transition = Transition(lifecycle_msgs.Transition_TRANSITION_INACTIVE_SHUTDOWN)
	ActiveShutdown       Transition = Transition(lifecycle_msgs.Transition_TRANSITION_ACTIVE_SHUTDOWN)
)

// Result is what a callback made of its transition, by its id in lifecycle_msgs/msg/Transition.
type Result uint8

// The results. Success goes on to the state that was asked for; Failure goes back (a failed
// shutdown ends in Finalized nevertheless); Error goes to ErrorProcessing, whose
// callback decides between Unconfigured (Success) and Finalized.
const (
	Success Result = Result(lifecycle_msgs.Transition_TRANSITION_CALLBACK_SUCCESS)
	Failure Result = Result(lifecycle_msgs.Transition_TRANSITION_CALLBACK_FAILURE)
	Error   Result = Result(lifecycle_msgs.Transition_TRANSITION_CALLBACK_ERROR)
)

// String returns the result in lower case.
func (r Result) String() string {
	switch r {
	case Success:
		return "success"
	case Failure:
		return "failure"
	case Error:
		return "error"
	}
	return fmt.Sprintf("result %d", uint8(r))
}

// edge is a transition of the state machine, those that follow a callback included.
type edge struct {
	id          uint8
	label       string
	start, goal State
}

// Labels of the edges that follow a callback.
const (
	onSuccess = "transition_success"
	onFailure = "transition_failure"
	onError   = "transition_error"
)

// edges are all transitions, in the order in which rcl registers them and its services list
// them.
func edges() []edge {
	return []edge{
		{uint8(Configure), "configure", Unconfigured, Configuring},
		{lifecycle_msgs.Transition_TRANSITION_ON_CONFIGURE_SUCCESS, onSuccess, Configuring, Inactive},
		{lifecycle_msgs.Transition_TRANSITION_ON_CONFIGURE_FAILURE, onFailure, Configuring, Unconfigured},
		{lifecycle_msgs.Transition_TRANSITION_ON_CONFIGURE_ERROR, onError, Configuring, ErrorProcessing},
		{uint8(Cleanup), "cleanup", Inactive, CleaningUp},
		{lifecycle_msgs.Transition_TRANSITION_ON_CLEANUP_SUCCESS, onSuccess, CleaningUp, Unconfigured},
		{lifecycle_msgs.Transition_TRANSITION_ON_CLEANUP_FAILURE, onFailure, CleaningUp, Inactive},
		{lifecycle_msgs.Transition_TRANSITION_ON_CLEANUP_ERROR, onError, CleaningUp, ErrorProcessing},
		{uint8(Activate), "activate", Inactive, Activating},
		{lifecycle_msgs.Transition_TRANSITION_ON_ACTIVATE_SUCCESS, onSuccess, Activating, Active},
		{lifecycle_msgs.Transition_TRANSITION_ON_ACTIVATE_FAILURE, onFailure, Activating, Inactive},
		{lifecycle_msgs.Transition_TRANSITION_ON_ACTIVATE_ERROR, onError, Activating, ErrorProcessing},
		{uint8(Deactivate), "deactivate", Active, Deactivating},
		{lifecycle_msgs.Transition_TRANSITION_ON_DEACTIVATE_SUCCESS, onSuccess, Deactivating, Inactive},
		{lifecycle_msgs.Transition_TRANSITION_ON_DEACTIVATE_FAILURE, onFailure, Deactivating, Active},
		{lifecycle_msgs.Transition_TRANSITION_ON_DEACTIVATE_ERROR, onError, Deactivating, ErrorProcessing},
		{uint8(UnconfiguredShutdown), "shutdown", Unconfigured, ShuttingDown},
		{uint8(InactiveShutdown), "shutdown", Inactive, ShuttingDown},
		{uint8(ActiveShutdown), "shutdown", Active, ShuttingDown},
		{lifecycle_msgs.Transition_TRANSITION_ON_SHUTDOWN_SUCCESS, onSuccess, ShuttingDown, Finalized},
		{lifecycle_msgs.Transition_TRANSITION_ON_SHUTDOWN_FAILURE, onFailure, ShuttingDown, Finalized},
		{lifecycle_msgs.Transition_TRANSITION_ON_SHUTDOWN_ERROR, onError, ShuttingDown, ErrorProcessing},
		{lifecycle_msgs.Transition_TRANSITION_ON_ERROR_SUCCESS, onSuccess, ErrorProcessing, Unconfigured},
		{lifecycle_msgs.Transition_TRANSITION_ON_ERROR_FAILURE, onFailure, ErrorProcessing, Finalized},
		{lifecycle_msgs.Transition_TRANSITION_ON_ERROR_ERROR, onError, ErrorProcessing, Finalized},
	}
}

// byID and byLabel return the edge out of a state, if there is one.
func byID(from State, id uint8) (edge, bool) {
	for _, e := range edges() {
		if e.start == from && e.id == id {
			return e, true
		}
	}
	return edge{}, false
}

func byLabel(from State, label string) (edge, bool) {
	for _, e := range edges() {
		if e.start == from && e.label == label {
			return e, true
		}
	}
	return edge{}, false
}

// after returns the edge that a callback's result leads to. What is no result is an error.
func after(from State, r Result) edge {
	label := onError
	switch r {
	case Success:
		label = onSuccess
	case Failure:
		label = onFailure
	}
	e, ok := byLabel(from, label)
	if !ok {
		panic(fmt.Sprintf("lifecycle: no %s from %v, want a transition state", label, from))
	}
	return e
}

func (e edge) transition() lifecycle_msgs.Transition {
	return lifecycle_msgs.Transition{Id: e.id, Label: e.label}
}

func (e edge) description() lifecycle_msgs.TransitionDescription {
	return lifecycle_msgs.TransitionDescription{Transition: e.transition(), StartState: e.start.message(), GoalState: e.goal.message()}
}
