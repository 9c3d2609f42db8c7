package action

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"guidedpolicysearch/msgs/action_msgs"
	"guidedpolicysearch/msgs/cdr"
	"guidedpolicysearch/node/transport"
)

// Errors of a client that callers tell apart.
var (
	// ErrRejected is a goal that the server did not accept, or a cancel request that it refused.
	ErrRejected = errors.New("rejected by the action server")
	// ErrUnknownGoal is a goal that the server does not have, or no longer.
	ErrUnknownGoal = errors.New("goal unknown to the action server")
	// ErrTerminated is a cancel request for a goal that has ended or is canceling.
	ErrTerminated = errors.New("goal has ended or is canceling")
)

// ClientTransport is what a client needs of a node.
type ClientTransport interface {
	Subscribe(topic string, typ transport.Type, q transport.QoS, h transport.Handler, status transport.StatusHandler) (transport.Subscription, error)
	Client(name string, typ transport.Type, q transport.QoS) (transport.Client, error)
}

// ClientConfig describes a client.
type ClientConfig struct {
	Name string // fully resolved: "/gps/train"
	Type Type
}

// Client sends goals to an action server. Its methods may be called from several goroutines,
// but not from handlers of the node's services.
type Client struct {
	cfg                  ClientConfig
	goal, cancel, result transport.Client
	feedback             transport.Subscription
	connected            chan struct{} // closed when feedback was first matched
	closed               chan struct{}
	first, last          sync.Once // guard connected and closed
	malformed            atomic.Uint64

	mu      sync.Mutex
	watched map[ID]func([]byte)
	payload []byte // of the feedback handled; of the node's goroutine
}

// NewClient opens a client. Errors: transport.ErrInvalid; those of the transport.
func NewClient(t ClientTransport, cfg ClientConfig) (*Client, error) {
	if !cfg.Type.complete() {
		return nil, fmt.Errorf("client of action %s without its types: %w", cfg.Name, transport.ErrInvalid)
	}
	c := &Client{cfg: cfg, connected: make(chan struct{}), closed: make(chan struct{}), watched: map[ID]func([]byte){}}
	if err := c.open(t); err != nil {
		return nil, errors.Join(fmt.Errorf("client of action %s: %w", cfg.Name, err), c.Close())
	}
	return c, nil
}

func (c *Client) open(t ClientTransport) (err error) {
	typ, action := c.cfg.Type, c.cfg.Name
	for _, e := range []struct {
		client *transport.Client
		endpoint
	}{
		{&c.goal, typ.sendGoal(action)},
		{&c.cancel, typ.cancelGoal(action)},
		{&c.result, typ.getResult(action)},
	} {
		client, err := t.Client(e.name, e.typ, transport.ServiceQoS())
		if err != nil {
			return err
		}
		*e.client = client
	}
	feedback := typ.feedback(action)
	c.feedback, err = t.Subscribe(feedback.name, feedback.typ, transport.Default(), c.hear, func(s transport.Status) {
		if s.Matched > 0 {
			c.first.Do(func() { close(c.connected) })
		}
	})
	return err
}

// hear hands feedback to whoever watches its goal.
func (c *Client) hear(payload []byte, _ transport.Info) {
	id, err := splitID(payload, c.cfg.Type.Feedback.TypeName())
	if err != nil {
		c.malformed.Add(1)
		return
	}
	c.mu.Lock()
	watch := c.watched[id]
	c.mu.Unlock()
	if watch != nil {
		c.payload = appendRest(c.payload[:0], payload)
		watch(c.payload)
	}
}

// Malformed counts feedback that could not be decoded.
func (c *Client) Malformed() uint64 { return c.malformed.Load() }

// Send sends a goal, waiting for a server if there is none, and returns when it has been accepted.
// feedback, which may be nil, is called on the goroutine of the node's messages with each feedback
// message as a CDR payload, valid until it returns, until Result has returned a result.
// Errors: ErrRejected; those of transport.Client.Call; *cdr.Error for a malformed response.
func (c *Client) Send(ctx context.Context, goal Message, feedback func(payload []byte)) (*Sent, error) {
	s := &Sent{client: c}
	if _, err := rand.Read(s.id[:]); err != nil {
		return nil, fmt.Errorf("action %s: ID of a goal: %w", c.cfg.Name, err)
	}
	s.id[6], s.id[8] = s.id[6]&0x0f|0x40, s.id[8]&0x3f|0x80 // a random UUID, RFC 4122
	if feedback != nil {
		select {
		case <-c.connected: // or the first feedback could be missed
		case <-c.closed:
			return nil, fmt.Errorf("action %s: %w", c.cfg.Name, transport.ErrClosed)
		case <-ctx.Done():
			return nil, fmt.Errorf("action %s: %w: %w", c.cfg.Name, transport.ErrNoServer, ctx.Err())
		}
		c.mu.Lock()
		c.watched[s.id] = feedback
		c.mu.Unlock()
	}
	e := cdr.NewEncoder(nil)
	e.Uint8s(s.id[:])
	goal.EncodeCDR(&e)
	if err := c.send(ctx, e.Bytes()); err != nil {
		c.forget(s.id)
		return nil, fmt.Errorf("goal for action %s: %w", c.cfg.Name, err)
	}
	return s, nil
}

func (c *Client) send(ctx context.Context, request []byte) error {
	response, err := c.goal.Call(ctx, request)
	if err != nil {
		return err
	}
	d := cdr.NewDecoder(response, c.cfg.Type.SendGoal.TypeName()+"_Response")
	accepted := d.Bool("accepted")
	if d.Err() == nil && !accepted {
		return ErrRejected
	}
	return d.Err()
}

func (c *Client) forget(id ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.watched, id)
}

// CancelAll asks the server to cancel every goal it has, whoever sent it, and returns how many are
// canceling now. Errors: ErrRejected; those of transport.Client.Call; *cdr.Error.
func (c *Client) CancelAll(ctx context.Context) (int, error) { return c.cancelGoals(ctx, ID{}) }

func (c *Client) cancelGoals(ctx context.Context, id ID) (int, error) {
	var request action_msgs.CancelGoal_Request
	request.GoalInfo.GoalId.Uuid = id
	payload, err := c.cancel.Call(ctx, request.AppendCDR(nil))
	if err != nil {
		return 0, fmt.Errorf("cancel request to action %s: %w", c.cfg.Name, err)
	}
	var response action_msgs.CancelGoal_Response
	if err := response.UnmarshalCDR(payload); err != nil {
		return 0, fmt.Errorf("cancel request to action %s: %w", c.cfg.Name, err)
	}
	switch response.ReturnCode {
	case action_msgs.CancelGoal_Response_ERROR_NONE:
		return len(response.GoalsCanceling), nil
	case action_msgs.CancelGoal_Response_ERROR_UNKNOWN_GOAL_ID:
		err = ErrUnknownGoal
	case action_msgs.CancelGoal_Response_ERROR_GOAL_TERMINATED:
		err = ErrTerminated
	default:
		err = ErrRejected
	}
	return 0, fmt.Errorf("cancel request to action %s: return code %d: %w", c.cfg.Name, response.ReturnCode, err)
}

// Close ends calls that wait with transport.ErrClosed. It cancels no goal. Closing twice does nothing.
func (c *Client) Close() error {
	c.last.Do(func() { close(c.closed) })
	var errs []error
	for _, e := range []transport.Client{c.goal, c.cancel, c.result} {
		if e != nil {
			errs = append(errs, e.Close())
		}
	}
	if c.feedback != nil {
		errs = append(errs, c.feedback.Close())
	}
	return errors.Join(errs...)
}

// Sent is a goal that a server has accepted.
type Sent struct {
	client *Client
	id     ID
}

// ID returns the goal's ID.
func (s *Sent) ID() ID { return s.id }

// Cancel asks the server to cancel the goal; that it agrees does not mean that the goal has ended.
// Errors: ErrRejected, ErrTerminated, ErrUnknownGoal; those of transport.Client.Call; *cdr.Error.
func (s *Sent) Cancel(ctx context.Context) error {
	_, err := s.client.cancelGoals(ctx, s.id)
	return err
}

// Result waits for the goal to end, reads its result and returns how it ended. It may be called
// again while the server keeps the result. Errors: ErrUnknownGoal; those of transport.Client.Call; *cdr.Error.
func (s *Sent) Result(ctx context.Context, result Message) (Status, error) {
	c := s.client
	e := cdr.NewEncoder(nil)
	e.Uint8s(s.id[:])
	payload, err := c.result.Call(ctx, e.Bytes())
	if err != nil {
		return Unknown, fmt.Errorf("result of goal %v of action %s: %w", s.id, c.cfg.Name, err)
	}
	c.forget(s.id)
	d := cdr.NewDecoder(payload, c.cfg.Type.GetResult.TypeName()+"_Response")
	status := Status(d.Int8("status"))
	result.DecodeCDR(&d)
	switch {
	case d.Err() != nil:
		err = d.Err()
	case !status.Ended():
		err = ErrUnknownGoal
	default:
		return status, nil
	}
	return Unknown, fmt.Errorf("result of goal %v of action %s: %w", s.id, c.cfg.Name, err)
}
