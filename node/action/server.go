// Package action serves and calls ROS 2 actions, as rcl_action and rclcpp_action do: goals that
// take their time, tell how far they are and can be cancelled. An action is three services and
// two topics under its name:
//
//	/_action/send_goal    <type>_SendGoal
//	/_action/cancel_goal  action_msgs/srv/CancelGoal
//	/_action/get_result   <type>_GetResult
//	/_action/feedback     <type>_FeedbackMessage, reliable, volatile, depth 10
//	/_action/status       action_msgs/msg/GoalStatusArray, reliable, transient-local, depth 1
//
// A goal is accepted, executing, canceling, and has at last succeeded, been canceled or been aborted
// (ROS 2 design, "Actions"). Its result is kept for a while after that.
//
// Handlers run on the goroutine of the node's services and must be quick; the work of a goal is
// done elsewhere, with the Goal that Handler.Accepted is given.
package action

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"guidedpolicysearch/msgs/action_msgs"
	"guidedpolicysearch/msgs/cdr"
	"guidedpolicysearch/node/transport"
)

// Message is a pointer to a generated message, such as *guided_policy_search_msgs.Train_Result.
type Message interface {
	EncodeCDR(*cdr.Encoder)
	DecodeCDR(*cdr.Decoder)
}

// ServerTransport is what a server needs of a node.
type ServerTransport interface {
	Publisher(topic string, typ transport.Type, q transport.QoS, status transport.StatusHandler) (transport.Publisher, error)
	Service(name string, typ transport.Type, q transport.QoS, h transport.ServiceHandler) (transport.Service, error)
}

// Handler decides about goals. Its functions run on the goroutine of the node's services, one
// at a time.
type Handler struct {
	// Goal says whether to accept a goal, given as a CDR payload that is valid until it
	// returns; nil accepts every goal. It reserves nothing: a goal whose client cannot be
	// answered is dropped and not given to Accepted.
	Goal func(id ID, goal []byte) bool
	// Cancel says whether to let a goal be cancelled; nil lets every goal.
	Cancel func(*Goal) bool
	// Accepted is given each goal that was accepted, to start work on it. Required.
	Accepted func(*Goal)
}

// Config describes a server. Name, Type, Now, Result and Handler.Accepted are required.
type Config struct {
	Name string // fully resolved: "/gps/train"
	Type Type
	// Now is the node's clock in ns since its epoch. It may jump.
	Now func() int64
	// Goal is decoded into to see whether goals can be: what cannot is rejected. nil leaves
	// that to Handler.
	Goal Message
	// Result is an empty result, which is sent for goals that are unknown.
	Result  Message
	Handler Handler

	// ResultTimeout is how long results are kept; default 15 min, as in rcl. It counts from
	// the goal's end (rcl of Humble: from its beginning).
	ResultTimeout time.Duration
	MaxGoals      int // goals that have not ended, default 16; further ones are rejected
	MaxResults    int // results kept, default 64; the oldest go first
	MaxWaiting    int // get_result requests that wait, default 256; further ones are answered Unknown
	MaxGoalBytes  int // size of a goal message, default 65536; larger ones are rejected
}

func (c Config) withDefaults() (Config, error) {
	switch {
	case !c.Type.complete(), c.Now == nil, c.Result == nil, c.Handler.Accepted == nil:
		return c, fmt.Errorf("action %s without its types, Now, Result or Handler.Accepted: %w", c.Name, transport.ErrInvalid)
	case c.ResultTimeout < 0, c.MaxGoals < 0, c.MaxResults < 0, c.MaxWaiting < 0, c.MaxGoalBytes < 0:
		return c, fmt.Errorf("action %s: result timeout %v, at most %d goals, %d results, %d waiting, %d bytes, want none negative (0 is the default): %w",
			c.Name, c.ResultTimeout, c.MaxGoals, c.MaxResults, c.MaxWaiting, c.MaxGoalBytes, transport.ErrInvalid)
	}
	if c.ResultTimeout == 0 {
		c.ResultTimeout = 15 * time.Minute
	}
	for _, d := range []struct {
		v      *int
		preset int
	}{{&c.MaxGoals, 16}, {&c.MaxResults, 64}, {&c.MaxWaiting, 256}, {&c.MaxGoalBytes, 1 << 16}} {
		if *d.v == 0 {
			*d.v = d.preset
		}
	}
	return c, nil
}

// Stats counts what a server did not do as it was asked.
type Stats struct {
	Malformed  uint64 // requests that could not be decoded
	Refused    uint64 // goals whose ID was taken, or over a limit of Config; results over MaxWaiting
	Unanswered uint64 // responses that could not be sent
	StatusLost uint64 // status messages that could not be published
}

// Server serves one action. Its methods may be called from any goroutine.
type Server struct {
	cfg      Config
	services []transport.Service
	feedback transport.Publisher
	status   transport.Publisher
	unknown  []byte // the response for goals that are not here

	malformed, refused, unanswered, statusLost atomic.Uint64

	mu      sync.Mutex
	closed  bool
	goals   []*Goal // as accepted; those that have ended stay while their results do
	waiting int     // get_result requests of all goals
	payload []byte  // of the latest message published
}

// NewServer opens the services and topics of an action, which is served from then on.
// Errors: transport.ErrInvalid; those of the transport.
func NewServer(t ServerTransport, cfg Config) (*Server, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg}
	s.unknown = s.result(Unknown, cfg.Result)
	if err := s.open(t); err != nil {
		return nil, errors.Join(fmt.Errorf("action %s: %w", cfg.Name, err), s.Close())
	}
	return s, nil
}

func (s *Server) open(t ServerTransport) (err error) {
	feedback, status := s.cfg.Type.feedback(s.cfg.Name), s.cfg.Type.status(s.cfg.Name)
	if s.feedback, err = t.Publisher(feedback.name, feedback.typ, transport.Default(), nil); err != nil {
		return err
	}
	if s.status, err = t.Publisher(status.name, status.typ, transport.Latched(), nil); err != nil {
		return err
	}
	for _, e := range []struct {
		endpoint
		handler transport.ServiceHandler
	}{
		{s.cfg.Type.sendGoal(s.cfg.Name), s.sendGoal},
		{s.cfg.Type.cancelGoal(s.cfg.Name), s.cancelGoal},
		{s.cfg.Type.getResult(s.cfg.Name), s.getResult},
	} {
		service, err := t.Service(e.name, e.typ, transport.ServiceQoS(), e.handler)
		if err != nil {
			return err
		}
		s.services = append(s.services, service)
	}
	return nil
}

// Stats returns the counts since the server was opened.
func (s *Server) Stats() Stats {
	return Stats{s.malformed.Load(), s.refused.Load(), s.unanswered.Load(), s.statusLost.Load()}
}

// Close aborts the goals that have not ended, with an empty result for the clients that wait, closes
// their CancelRequested, and withdraws the action. Closing twice does nothing.
func (s *Server) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	aborted := s.result(Aborted, s.cfg.Result)
	var waiting []transport.Reply
	ended := false
	for _, g := range s.goals {
		if g.status.Ended() {
			continue
		}
		if g.status.cancelable() {
			close(g.cancel)
		}
		waiting = append(waiting, g.waiting...)
		g.status, g.response, g.waiting, ended = Aborted, aborted, nil, true
	}
	if ended {
		s.publishStatus()
	}
	s.mu.Unlock()
	for _, reply := range waiting {
		s.send(reply, aborted)
	}
	var errs []error
	for _, c := range s.services {
		errs = append(errs, c.Close())
	}
	for _, p := range []transport.Publisher{s.feedback, s.status} {
		if p != nil {
			errs = append(errs, p.Close())
		}
	}
	return errors.Join(errs...)
}

// find returns a goal, or nil. It needs mu.
func (s *Server) find(id ID) *Goal {
	for _, g := range s.goals {
		if g.id == id {
			return g
		}
	}
	return nil
}

// end gives a goal its result and returns the clients that wait for it. It needs mu.
func (s *Server) end(g *Goal, with Status, result Message) []transport.Reply {
	waiting := g.waiting
	s.waiting -= len(waiting)
	g.status, g.waiting, g.ended, g.response = with, nil, s.cfg.Now(), s.result(with, result)
	s.expire()
	return waiting
}

// expire forgets goals whose results are too old or too many. It needs mu.
func (s *Server) expire() {
	now, kept, results := s.cfg.Now(), s.goals[:0], 0
	for _, g := range s.goals {
		if g.status.Ended() && now-g.ended > int64(s.cfg.ResultTimeout) {
			continue
		}
		if g.status.Ended() {
			results++
		}
		kept = append(kept, g)
	}
	clear(s.goals[len(kept):])
	s.goals = kept
	for ; results > s.cfg.MaxResults; results-- {
		oldest := -1
		for i, g := range s.goals {
			if g.status.Ended() && (oldest < 0 || g.ended < s.goals[oldest].ended) {
				oldest = i
			}
		}
		s.forget(oldest)
	}
}

// forget needs mu.
func (s *Server) forget(i int) {
	last := len(s.goals) - 1
	copy(s.goals[i:], s.goals[i+1:])
	s.goals[last] = nil
	s.goals = s.goals[:last]
}

// publishStatus tells the status of every goal. It needs mu, so that messages come in order.
func (s *Server) publishStatus() {
	var m action_msgs.GoalStatusArray
	for _, g := range s.goals {
		m.StatusList = append(m.StatusList, action_msgs.GoalStatus{GoalInfo: g.info(), Status: int8(g.status)})
	}
	s.payload = m.AppendCDR(s.payload[:0])
	if s.status.Publish(s.payload) != nil {
		s.statusLost.Add(1)
	}
}

// result returns the response to get_result.
func (s *Server) result(status Status, result Message) []byte {
	e := cdr.NewEncoder(nil)
	e.Int8(int8(status))
	result.EncodeCDR(&e)
	return e.Bytes()
}

func (s *Server) send(reply transport.Reply, response []byte) error {
	err := reply(response)
	if err != nil {
		s.unanswered.Add(1)
	}
	return err
}
