package action

import (
	"encoding/hex"
	"errors"
	"fmt"

	"guidedpolicysearch/msgs/action_msgs"
	"guidedpolicysearch/msgs/builtin_interfaces"
	"guidedpolicysearch/msgs/cdr"
	"guidedpolicysearch/msgs/unique_identifier_msgs"
	"guidedpolicysearch/node/transport"
)

// ID names a goal: the 16 bytes of a UUID that its client has drawn.
type ID [16]byte

// String returns the ID in hexadecimal, as `ros2 action` prints it.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// Status is where a goal is, as action_msgs/msg/GoalStatus has it.
type Status int8

// The statuses. Unknown is answered for goals that a server does not have (any more).
const (
	Unknown   Status = Status(action_msgs.GoalStatus_STATUS_UNKNOWN)
	Accepted  Status = Status(action_msgs.GoalStatus_STATUS_ACCEPTED)
	Executing Status = Status(action_msgs.GoalStatus_STATUS_EXECUTING)
	Canceling Status = Status(action_msgs.GoalStatus_STATUS_CANCELING)
	Succeeded Status = Status(action_msgs.GoalStatus_STATUS_SUCCEEDED)
	Canceled  Status = Status(action_msgs.GoalStatus_STATUS_CANCELED)
	Aborted   Status = Status(action_msgs.GoalStatus_STATUS_ABORTED)
)

// String returns the status in lower case.
func (s Status) String() string {
	names := [...]string{"unknown", "accepted", "executing", "canceling", "succeeded", "canceled", "aborted"}
	if s < 0 || int(s) >= len(names) {
		return fmt.Sprintf("status %d", int8(s))
	}
	return names[s]
}

// Ended says whether a goal of that status has its result.
func (s Status) Ended() bool { return s == Succeeded || s == Canceled || s == Aborted }

// cancelable says whether a cancel request can be accepted.
func (s Status) cancelable() bool { return s == Accepted || s == Executing }

// leads says whether the goal state machine of the ROS 2 design article "Actions" has a
// transition from s to next.
func (s Status) leads(next Status) bool {
	switch next {
	case Executing:
		return s == Accepted
	case Canceling:
		return s.cancelable()
	case Succeeded, Aborted:
		return s == Executing || s == Canceling
	case Canceled:
		return s == Canceling
	}
	return false
}

// ErrState is a step that a goal of this status cannot take.
var ErrState = errors.New("not possible in this status of the goal")

// Goal is a goal that a server has accepted. Its methods may be called from any goroutine.
type Goal struct {
	server  *Server
	id      ID
	request []byte
	stamp   int64 // when it was accepted, ns
	cancel  chan struct{}

	// Of server.mu.
	status   Status
	ended    int64             // when it had its result, ns
	response []byte            // payload that get_result is answered with
	waiting  []transport.Reply // clients that wait for it
}

// ID returns the goal's ID.
func (g *Goal) ID() ID { return g.id }

// Request returns the goal message as a CDR payload, which must not be changed.
func (g *Goal) Request() []byte { return g.request }

// Status returns the goal's present status.
func (g *Goal) Status() Status {
	g.server.mu.Lock()
	defer g.server.mu.Unlock()
	return g.status
}

// CancelRequested is closed when a client's wish to cancel the goal has been accepted, or the server is
// closed. The goal then has to end, in whichever way.
func (g *Goal) CancelRequested() <-chan struct{} { return g.cancel }

// Execute says that work on an accepted goal begins. Errors: ErrState, transport.ErrClosed.
func (g *Goal) Execute() error { return g.step(Executing, nil) }

// Feedback tells clients how far a goal is that has not ended. Errors: ErrState; those of
// transport.Publisher.Publish.
func (g *Goal) Feedback(feedback Message) error {
	s := g.server
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return fmt.Errorf("feedback of goal %v: %w", g.id, transport.ErrClosed)
	}
	if g.status.Ended() {
		return fmt.Errorf("feedback of goal %v, which has %v: %w", g.id, g.status, ErrState)
	}
	e := cdr.NewEncoder(s.payload[:0])
	e.Uint8s(g.id[:])
	feedback.EncodeCDR(&e)
	s.payload = e.Bytes()
	if err := s.feedback.Publish(s.payload); err != nil {
		return fmt.Errorf("feedback of goal %v: %w", g.id, err)
	}
	return nil
}

// Succeed ends the goal with its result; one that was only accepted is executing for a moment, as
// the state machine wants it. Errors: ErrState if it has ended; transport.ErrClosed.
func (g *Goal) Succeed(result Message) error { return g.step(Succeeded, result) }

// Abort ends the goal without success, otherwise like Succeed.
func (g *Goal) Abort(result Message) error { return g.step(Aborted, result) }

// Canceled ends the goal as a client wished. Errors: ErrState unless the goal is canceling;
// transport.ErrClosed.
func (g *Goal) Canceled(result Message) error { return g.step(Canceled, result) }

// step takes the goal to its next status; result is nil unless that ends it.
func (g *Goal) step(next Status, result Message) error {
	s := g.server
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return fmt.Errorf("goal %v to %v: %w", g.id, next, transport.ErrClosed)
	}
	if g.status == Accepted && (next == Succeeded || next == Aborted) {
		g.status = Executing
		s.publishStatus()
	}
	if !g.status.leads(next) {
		defer s.mu.Unlock()
		return fmt.Errorf("goal %v from %v to %v: %w", g.id, g.status, next, ErrState)
	}
	var waiting []transport.Reply
	if next.Ended() {
		waiting = s.end(g, next, result)
	} else {
		g.status = next
	}
	if next == Canceling {
		close(g.cancel)
	}
	response := g.response
	s.publishStatus()
	s.mu.Unlock()
	for _, reply := range waiting {
		s.send(reply, response)
	}
	return nil
}

func (g *Goal) info() action_msgs.GoalInfo {
	return action_msgs.GoalInfo{GoalId: unique_identifier_msgs.UUID{Uuid: g.id}, Stamp: stamp(g.stamp)}
}

const second = 1_000_000_000 // ns

// stamp converts ns since the epoch of the node's clock; times before it become the epoch.
func stamp(ns int64) builtin_interfaces.Time {
	ns = max(ns, 0)
	return builtin_interfaces.Time{Sec: int32(ns / second), Nanosec: uint32(ns % second)}
}

func nanoseconds(t builtin_interfaces.Time) int64 { return int64(t.Sec)*second + int64(t.Nanosec) }
