package lifecycle

import (
	"guidedpolicysearch/msgs"
	"guidedpolicysearch/msgs/cdr"
	"guidedpolicysearch/msgs/lifecycle_msgs"
	"guidedpolicysearch/node/rostype"
	"guidedpolicysearch/node/transport"
)

// maxRequest is the size in bytes of the largest change_state request looked at: labels of
// transitions are short.
const maxRequest = 1024

// open creates the topic and the services, which answer from then on.
func (m *Machine) open(t Transport) error {
	name, err := m.cfg.Resolve("~/transition_event")
	if err != nil {
		return err
	}
	if m.event, err = t.Publisher(name, rostype.Of(&lifecycle_msgs.TransitionEvent{}), transport.Default(), nil); err != nil {
		return err
	}
	var (
		all   lifecycle_msgs.GetAvailableStates_Response
		graph lifecycle_msgs.GetAvailableTransitions_Response
	)
	for _, s := range states() {
		all.AvailableStates = append(all.AvailableStates, s.message())
	}
	for _, e := range edges() {
		graph.AvailableTransitions = append(graph.AvailableTransitions, e.description())
	}
	allPayload, graphPayload := all.AppendCDR(nil), graph.AppendCDR(nil)
	for _, s := range []struct {
		name    string
		typ     msgs.Type
		handler transport.ServiceHandler
	}{
		{"~/change_state", &lifecycle_msgs.ChangeState{}, m.changeState},
		{"~/get_state", &lifecycle_msgs.GetState{}, m.query(m.currentState)},
		{"~/get_available_states", &lifecycle_msgs.GetAvailableStates{}, m.query(func() []byte { return allPayload })},
		{"~/get_available_transitions", &lifecycle_msgs.GetAvailableTransitions{}, m.query(m.availableTransitions)},
		{"~/get_transition_graph", &lifecycle_msgs.GetAvailableTransitions{}, m.query(func() []byte { return graphPayload })},
	} {
		if name, err = m.cfg.Resolve(s.name); err != nil {
			return err
		}
		service, err := t.Service(name, rostype.Of(s.typ), transport.ServiceQoS(), s.handler)
		if err != nil {
			return err
		}
		m.services = append(m.services, service)
	}
	return nil
}

// query handles requests that have no fields. One that is malformed is counted, and answered
// all the same: nothing is taken from it.
func (m *Machine) query(response func() []byte) transport.ServiceHandler {
	return func(request []byte, reply transport.Reply) {
		d := cdr.NewDecoder(request, "a request without fields")
		if d.Empty(); d.Err() != nil {
			m.malformed.Add(1)
		}
		// Where the response cannot be sent the client has been told so by its own timeout.
		_ = reply(response())
	}
}

func (m *Machine) currentState() []byte {
	response := lifecycle_msgs.GetState_Response{CurrentState: m.State().message()}
	return response.AppendCDR(nil)
}

func (m *Machine) availableTransitions() []byte {
	var response lifecycle_msgs.GetAvailableTransitions_Response
	from := m.State()
	for _, e := range edges() {
		if e.start == from {
			response.AvailableTransitions = append(response.AvailableTransitions, e.description())
		}
	}
	return response.AppendCDR(nil)
}

// changeState posts what is asked for, or answers that it cannot be had.
func (m *Machine) changeState(request []byte, reply transport.Reply) {
	if !m.post(request, reply) {
		respond(reply, false)
	}
}

func (m *Machine) post(request []byte, reply transport.Reply) bool {
	var want lifecycle_msgs.ChangeState_Request
	if len(request) > maxRequest || want.UnmarshalCDR(request) != nil {
		m.malformed.Add(1)
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	from := m.State()
	if m.closed || !from.Primary() {
		return false
	}
	// `ros2 service call` with a label only leaves the id 0.
	e, ok := byID(from, want.Transition.Id)
	if want.Transition.Label != "" {
		e, ok = byLabel(from, want.Transition.Label)
	}
	if !ok {
		return false
	}
	select {
	case m.requests <- Request{Transition(e.id), reply}:
		return true
	default:
		return false
	}
}

func respond(reply transport.Reply, success bool) {
	if reply == nil {
		return
	}
	response := lifecycle_msgs.ChangeState_Response{Success: success}
	_ = reply(response.AppendCDR(nil))
}
