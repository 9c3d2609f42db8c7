package action

import (
	"math"

	"guidedpolicysearch/msgs/action_msgs"
	"guidedpolicysearch/msgs/cdr"
	"guidedpolicysearch/node/transport"
)

// idEnd is the offset at which the message that follows an ID in a payload begins. The ID's 16 bytes are a
// multiple of every alignment, so what follows is aligned as if it stood alone.
const idEnd = cdr.HeaderSize + len(ID{})

// splitID reads the ID that begins the payload of a type.
func splitID(payload []byte, typ string) (ID, error) {
	var id ID
	d := cdr.NewDecoder(payload, typ)
	d.Uint8s("goal_id", id[:])
	return id, d.Err()
}

// appendRest appends the message that follows the ID, as a payload of its own.
func appendRest(dst, payload []byte) []byte {
	return append(append(dst, payload[:cdr.HeaderSize]...), payload[idEnd:]...)
}

// sendGoal answers whether a goal is accepted, and hands it to the program if it is.
func (s *Server) sendGoal(request []byte, reply transport.Reply) {
	g := s.accept(request)
	if s.send(reply, goalResponse(g)) != nil {
		s.drop(g) // its client will not know of it
		return
	}
	if g == nil {
		return
	}
	s.mu.Lock()
	open := !s.closed
	if open {
		s.publishStatus()
	}
	s.mu.Unlock()
	if open {
		s.cfg.Handler.Accepted(g)
	}
}

// accept returns the new goal, or nil for one that is rejected.
func (s *Server) accept(request []byte) *Goal {
	id, err := splitID(request, s.cfg.Type.SendGoal.TypeName()+"_Request")
	if err != nil {
		s.malformed.Add(1)
		return nil
	}
	if len(request)-idEnd > s.cfg.MaxGoalBytes || !s.free(id) {
		s.refused.Add(1)
		return nil
	}
	g := &Goal{server: s, id: id, request: appendRest(nil, request), cancel: make(chan struct{}), status: Accepted}
	if m := s.cfg.Goal; m != nil {
		d := cdr.NewDecoder(g.request, s.cfg.Type.SendGoal.TypeName()+"_Request")
		if m.DecodeCDR(&d); d.Err() != nil {
			s.malformed.Add(1)
			return nil
		}
	}
	if h := s.cfg.Handler.Goal; h != nil && !h(id, g.request) {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	g.stamp = s.cfg.Now()
	s.goals = append(s.goals, g)
	return g
}

// free says whether there is room for a goal of that ID.
func (s *Server) free(id ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire()
	active := 0
	for _, g := range s.goals {
		if !g.status.Ended() {
			active++
		}
	}
	return !s.closed && active < s.cfg.MaxGoals && s.find(id) == nil
}

func (s *Server) drop(dropped *Goal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, g := range s.goals {
		if g == dropped {
			s.forget(i)
			return
		}
	}
}

func goalResponse(g *Goal) []byte {
	e := cdr.NewEncoder(nil)
	e.Bool(g != nil)
	var at int64
	if g != nil {
		at = g.stamp
	}
	t := stamp(at)
	t.EncodeCDR(&e)
	return e.Bytes()
}

// getResult answers with the result of a goal, at once or when there is one.
func (s *Server) getResult(request []byte, reply transport.Reply) {
	id, err := splitID(request, s.cfg.Type.GetResult.TypeName()+"_Request")
	if err != nil {
		s.malformed.Add(1)
		s.send(reply, s.unknown)
		return
	}
	if response := s.resultOf(id, reply); response != nil {
		s.send(reply, response)
	}
}

// resultOf returns the response to send now, or nil if the reply waits for the goal's end.
func (s *Server) resultOf(id ID, reply transport.Reply) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire()
	g := s.find(id)
	switch {
	case g == nil:
		return s.unknown
	case g.status.Ended():
		return g.response
	case s.waiting >= s.cfg.MaxWaiting:
		s.refused.Add(1)
		return s.unknown
	}
	s.waiting++
	g.waiting = append(g.waiting, reply)
	return nil
}

// cancelGoal asks the program about each goal that a client wants to cancel.
func (s *Server) cancelGoal(request []byte, reply transport.Reply) {
	var (
		want     action_msgs.CancelGoal_Request
		response action_msgs.CancelGoal_Response
	)
	if err := want.UnmarshalCDR(request); err != nil {
		s.malformed.Add(1)
		response.ReturnCode = action_msgs.CancelGoal_Response_ERROR_REJECTED
		s.send(reply, response.AppendCDR(nil))
		return
	}
	goals, code := s.named(want.GoalInfo)
	response.ReturnCode = code
	for _, g := range goals {
		// The goal may end while the program is asked; then it is not cancelled.
		if h := s.cfg.Handler.Cancel; (h == nil || h(g)) && g.step(Canceling, nil) == nil {
			response.GoalsCanceling = append(response.GoalsCanceling, g.info())
		}
	}
	if len(goals) > 0 && len(response.GoalsCanceling) == 0 {
		response.ReturnCode = action_msgs.CancelGoal_Response_ERROR_REJECTED
	}
	s.send(reply, response.AppendCDR(nil))
}

// named returns the goals that a cancel request means and that can be cancelled, and the return
// code for when none of them is refused: action_msgs/srv/CancelGoal has the rules. A goal that
// is canceling already counts as terminated, as in rcl.
func (s *Server) named(want action_msgs.GoalInfo) ([]*Goal, int8) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire()
	id, until := ID(want.GoalId.Uuid), nanoseconds(want.Stamp)
	if id != (ID{}) && until == 0 {
		g := s.find(id)
		switch {
		case g == nil:
			return nil, action_msgs.CancelGoal_Response_ERROR_UNKNOWN_GOAL_ID
		case !g.status.cancelable():
			return nil, action_msgs.CancelGoal_Response_ERROR_GOAL_TERMINATED
		}
		return []*Goal{g}, action_msgs.CancelGoal_Response_ERROR_NONE
	}
	if id == (ID{}) && until == 0 {
		until = math.MaxInt64
	}
	var goals []*Goal
	for _, g := range s.goals {
		if g.status.cancelable() && (g.id == id || nanoseconds(stamp(g.stamp)) <= until) {
			goals = append(goals, g)
		}
	}
	return goals, action_msgs.CancelGoal_Response_ERROR_NONE
}
