// Package lifecycle makes a node a managed node, as rclcpp_lifecycle does: the state machine
// of the ROS 2 design article "Managed nodes", the five services by which tools
// look at it and drive it, and the topic that tells of its transitions.
//
//	~/change_state               lifecycle_msgs/srv/ChangeState
//	~/get_state                  lifecycle_msgs/srv/GetState
//	~/get_available_states       lifecycle_msgs/srv/GetAvailableStates
//	~/get_available_transitions  lifecycle_msgs/srv/GetAvailableTransitions
//	~/get_transition_graph       lifecycle_msgs/srv/GetAvailableTransitions
//	~/transition_event           lifecycle_msgs/msg/TransitionEvent, reliable, volatile, depth 10
//
// # Who runs what
//
// Callbacks run on a goroutine of the program, never on that of the services: change_state posts
// a Request, which the program takes from Requests and gives to Handle, and is answered when the
// transition has been carried out. The other four services are answered at once, also meanwhile.
//
//	for {
//		select {
//		case r := <-machine.Requests():
//			machine.Handle(ctx, r)
//		case <-ctx.Done():
//			machine.Shutdown(shutdownCtx)
//			return
//		}
//	}
//
// change_state is answered success=false at once if the transition does not leave the present
// state, if one is under way, or if one is waiting already. As in rclcpp a label, where there
// is one, goes before the id, and success says whether the callback succeeded.
//
// Other than rcl, which leaves them zero, events carry the time and the transition.
package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"guidedpolicysearch/msgs/lifecycle_msgs"
	"guidedpolicysearch/node/transport"
)

// Machine is the lifecycle of one node. State, Stats and Close may be called from any
// goroutine; Handle, Trigger and Shutdown are for one goroutine, the node's supervisor.
type Machine struct {
	cfg       Config
	event     transport.Publisher
	services  []transport.Service
	requests  chan Request
	state     atomic.Uint32
	malformed atomic.Uint64
	lost      atomic.Uint64
	payload   []byte // of the latest event; of whoever has busy

	mu     sync.Mutex
	busy   bool // a transition is carried out
	closed bool
}

// Request is a transition that was asked for by change_state. Each one taken from Requests is
// given to Handle.
type Request struct {
	Transition Transition
	reply      transport.Reply
}

// Stats counts what went wrong from outside.
type Stats struct {
	Malformed  uint64 // requests that could not be decoded
	EventsLost uint64 // transition events that could not be published
}

// New opens the services and the topic of a machine, which begins in Unconfigured.
// Errors: those of the transport and of Config.Resolve; transport.ErrInvalid.
func New(t Transport, cfg Config) (*Machine, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	m := &Machine{cfg: cfg, requests: make(chan Request, 1)}
	m.state.Store(uint32(Unconfigured))
	if err := m.open(t); err != nil {
		return nil, errors.Join(fmt.Errorf("lifecycle: %w", err), m.Close())
	}
	return m, nil
}

// State returns the present state. It does not block.
func (m *Machine) State() State { return State(m.state.Load()) }

// Requests delivers what change_state asks for: at most one request waits.
func (m *Machine) Requests() <-chan Request { return m.requests }

// Stats returns the counts since the machine was opened.
func (m *Machine) Stats() Stats {
	return Stats{Malformed: m.malformed.Load(), EventsLost: m.lost.Load()}
}

// Handle carries out a request, answers it, and returns what Trigger does.
func (m *Machine) Handle(ctx context.Context, r Request) (Result, error) {
	success := false
	defer func() { respond(r.reply, success) }() // also where the callback panics
	result, err := m.Trigger(ctx, r.Transition)
	success = err == nil && result == Success
	return result, err
}

// Trigger carries out a transition and returns the result of its callback when the next primary
// state has been reached. Errors, with Failure and without any change: ErrTransition, ErrBusy,
// transport.ErrClosed.
//
// A panic of a callback passes on; before, the machine goes to Finalized by way of
// ErrorProcessing, without its callback.
func (m *Machine) Trigger(ctx context.Context, t Transition) (Result, error) {
	e, err := m.begin(t)
	if err != nil {
		return Failure, fmt.Errorf("transition %d from %v: %w", uint8(t), m.State(), err)
	}
	return m.carryOut(ctx, e), nil
}

// Shutdown triggers the shutdown transition of the present state. It returns Success where the
// machine is Finalized already. Errors: those of Trigger.
func (m *Machine) Shutdown(ctx context.Context) (Result, error) {
	from := m.State()
	if from == Finalized {
		return Success, nil
	}
	e, ok := byLabel(from, "shutdown")
	if !ok {
		return Failure, fmt.Errorf("shutdown from %v: %w", from, ErrBusy)
	}
	return m.Trigger(ctx, Transition(e.id))
}

func (m *Machine) begin(t Transition) (edge, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	from := m.State()
	switch {
	case m.closed:
		return edge{}, transport.ErrClosed
	case m.busy:
		return edge{}, ErrBusy
	}
	e, ok := byID(from, uint8(t))
	if !ok {
		return edge{}, ErrTransition
	}
	m.busy = true
	return e, nil
}

func (m *Machine) carryOut(ctx context.Context, e edge) Result {
	returned := false
	defer func() {
		if !returned {
			if m.State() != ErrorProcessing {
				m.move(after(m.State(), Error))
			}
			m.move(after(ErrorProcessing, Error))
		}
		m.mu.Lock()
		m.busy = false
		m.mu.Unlock()
	}()
	m.move(e)
	result := m.call(ctx, e.start)
	m.move(after(e.goal, result))
	if m.State() == ErrorProcessing {
		m.move(after(ErrorProcessing, m.call(ctx, e.start)))
	}
	returned = true
	return result
}

// call runs the callback of the present transition state.
func (m *Machine) call(ctx context.Context, from State) Result {
	do := m.cfg.Callbacks.callback(m.State())
	if do == nil {
		return Success
	}
	switch r := do(ctx, from); r {
	case Success, Failure:
		return r
	default:
		return Error
	}
}

// move enters a state and tells of it; whoever hears of a primary state can ask for the next
// transition at once.
func (m *Machine) move(e edge) {
	m.state.Store(uint32(e.goal))
	event := lifecycle_msgs.TransitionEvent{
		Timestamp:  uint64(max(m.cfg.Now(), 0)),
		Transition: e.transition(),
		StartState: e.start.message(),
		GoalState:  e.goal.message(),
	}
	m.payload = event.AppendCDR(m.payload[:0])
	if m.event.Publish(m.payload) != nil {
		m.lost.Add(1)
	}
}

// Close withdraws the services and the topic and refuses a request that waits. It does not
// change the state, and does not wait for a transition that is carried out.
// Closing twice does nothing.
func (m *Machine) Close() error {
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return nil
	}
	m.closed = true
	m.mu.Unlock()
	select {
	case r := <-m.requests:
		respond(r.reply, false)
	default:
	}
	var errs []error
	for _, s := range m.services {
		errs = append(errs, s.Close())
	}
	if m.event != nil {
		errs = append(errs, m.event.Close())
	}
	return errors.Join(errs...)
}
