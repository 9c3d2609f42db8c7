package node

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"guidedpolicysearch/gps/checkpoint"
	"guidedpolicysearch/msgs/std_msgs"
	"guidedpolicysearch/msgs/std_srvs"
	"guidedpolicysearch/node/lifecycle"
	"guidedpolicysearch/node/logging"
	"guidedpolicysearch/node/record"
	"guidedpolicysearch/node/rostype"
	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/trial"
)

// requests are what can be asked of the node, each as a service (std_srvs/srv/Trigger) and,
// for other middlewares than the node's own, as a topic (std_msgs/msg/Empty).
var requests = []struct {
	name string
	do   func(*node, context.Context) (string, error)
}{
	{"~/start", (*node).requestStart},
	{"~/stop", (*node).requestStop},
	{"~/reset_fault", (*node).requestResetFault},
	{"~/save", (*node).requestSave},
	{"~/abort_trial", (*node).requestAbortTrial},
	{"~/relax", (*node).requestRelax},
	{"~/emergency_stop", (*node).requestEmergencyStop},
	{releaseRequest, (*node).requestRelease},
}

const (
	stopRequest      = "~/stop"
	emergencyRequest = "~/emergency_stop"
	releaseRequest   = "~/release_emergency_stop"
	stopped          = "the torque is zero; ~/start goes on"
)

// maxRequests is how many requests may wait.
const maxRequests = 16

// request is something asked of the node. answer is called once.
type request struct {
	name   string
	do     func(*node, context.Context) (string, error)
	answer func(done bool, message string)
	log    *logging.Throttle // of its name: floods do not fill the log
}

// errEnded is the answer to what comes too late.
var errEnded = errors.New("the node ends")

// errBusy is the answer to what finds no room.
var errBusy = fmt.Errorf("%d requests are waiting already, try again later", maxRequests)

// serveRequests opens the services and topics. Their handlers only pass requests on; but a
// stop zeroes the torque at once.
func (n *node) serveRequests() error {
	for _, r := range requests {
		name, err := n.ros.Resolve(r.name)
		if err != nil {
			return err
		}
		log := &logging.Throttle{Period: time.Second}
		take := func(payload []byte, answer func(bool, string)) {
			if r.name == emergencyRequest {
				n.press(true) // whatever it says: it may have been meant to stop the arm
			}
			if err := checkEmpty(payload); err != nil {
				n.health.malformed.Add(1)
				answer(false, err.Error())
				return
			}
			switch r.name {
			case stopRequest:
				n.zero()
			case releaseRequest:
				n.press(false) // not later, when it may have been pressed again
			}
			err := n.post(request{name: r.name, do: r.do, answer: answer, log: log})
			switch {
			case errors.Is(err, errBusy) && r.name == stopRequest:
				n.halt.Store(true) // there is always room for a stop
				answer(true, stopped)
			case errors.Is(err, errBusy) && r.name == emergencyRequest:
				answer(true, emergencyTold)
			case errors.Is(err, errBusy) && r.name == releaseRequest:
				answer(true, releaseTold)
			case err != nil:
				answer(false, err.Error())
			}
		}
		_, err = n.ros.Service(name, rostype.Of(new(std_srvs.Trigger)), transport.ServiceQoS(), func(payload []byte, reply transport.Reply) {
			take(payload, func(done bool, message string) {
				response := std_srvs.Trigger_Response{Success: done, Message: message}
				_ = reply(response.AppendCDR(nil)) // a client that is gone
			})
		})
		if err != nil {
			return err
		}
		if r.name == emergencyRequest {
			continue // its topic has a type of its own
		}
		topic, err := n.ros.ResolveTopic(r.name)
		if err != nil {
			return err
		}
		_, err = n.ros.Subscribe(topic, rostype.Of(new(std_msgs.Empty)), transport.Default(), func(payload []byte, _ transport.Info) {
			take(payload, func(done bool, message string) {
				if !done {
					log.Log(n.ros.Log, logging.Warn, "%s was refused: %s", r.name, message)
				}
			})
		}, nil)
		if err != nil {
			return err
		}
	}
	return n.serveEmergencyStop()
}

// checkEmpty returns an error unless payload is a message without fields: one byte, which some
// pad. An arm does not move on anything else.
func checkEmpty(payload []byte) error {
	if body := len(payload) - transport.HeaderLen; body < 1 || body > 4 {
		return fmt.Errorf("a request of %d bytes after its header, expected one without fields, of 1 byte", body)
	}
	return nil
}

// post has the supervisor carry out a request, or returns why it will not.
func (n *node) post(r request) error {
	n.posting.Lock()
	defer n.posting.Unlock()
	if n.ended {
		return errEnded
	}
	select {
	case n.asked <- r:
		return nil
	default:
		return errBusy
	}
}

// refuseRequests answers the requests that still wait and all further ones.
func (n *node) refuseRequests() {
	n.posting.Lock()
	n.ended = true
	n.posting.Unlock()
	for {
		select {
		case r := <-n.asked:
			r.answer(false, errEnded.Error())
		default:
			return
		}
	}
}

// handle carries out a request and answers it.
func (n *node) handle(ctx context.Context, r request) {
	message, err := r.do(n, ctx)
	if err != nil {
		r.answer(false, err.Error())
		return
	}
	r.log.Log(n.ros.Log, logging.Info, "%s: %s", r.name, message)
	r.answer(true, message)
}

func (n *node) requestStart(ctx context.Context) (string, error) {
	if n.states.State() == lifecycle.Active {
		if err := n.loop.Load().resume(); err == nil {
			return "the arm is held again, the trial begins anew", nil
		}
		return "the node is active already", nil
	}
	if err := n.bringUp(ctx); err != nil {
		return "", err
	}
	if n.runner != nil {
		return "running " + n.cfg.Run.File + " in " + n.session.run.Dir(), nil
	}
	return "learning in " + n.session.run.Dir(), nil
}

func (n *node) requestStop(ctx context.Context) (string, error) {
	n.start = false
	switch s := n.states.State(); s {
	case lifecycle.Active:
		if _, err := n.states.Trigger(ctx, lifecycle.Deactivate); err != nil {
			return "", err
		}
	case lifecycle.Inactive: // finishStop may have come first
	default:
		return fmt.Sprintf("the node is %v, its torque is not commanded", s), nil
	}
	return stopped, nil
}

var errNotActive = errors.New("the node is not active")

func (n *node) requestResetFault(context.Context) (string, error) {
	l := n.loop.Load()
	if l == nil {
		return "", errNotActive
	}
	fault, err := l.resetFault()
	if errors.Is(err, trial.ErrCommand) {
		return "", fmt.Errorf("there is no fault in phase %v", l.status().phase)
	} else if err != nil {
		return "", err
	}
	return fmt.Sprintf("the fault (%s) ends with the next good joint state", fault), nil
}

func (n *node) requestAbortTrial(ctx context.Context) (string, error) {
	l := n.loop.Load()
	if l == nil {
		return "", errNotActive
	}
	if err := l.abort(); errors.Is(err, trial.ErrCommand) {
		return "", fmt.Errorf("there is no trial to break off in phase %v", l.status().phase)
	} else if err != nil {
		return "", err
	}
	return "the trial begins again from the reset", nil
}

func (n *node) requestSave(context.Context) (string, error) {
	if n.session == nil {
		return "", errors.New("there is no run: the node is unconfigured")
	}
	return n.session.save()
}

// save draws the learning curve as it is now, and returns where it and the latest
// controllers are.
func (s *session) save() (string, error) {
	if len(s.reports) == 0 {
		return "", errors.New("no iteration has ended yet, there is nothing to save; each one's controllers are saved when it ends")
	}
	picture, err := s.draw()
	if err != nil {
		return "", err
	}
	last := s.reports[len(s.reports)-1].Iteration
	return fmt.Sprintf("controllers after iteration %d in %s, learning curve in %s", last,
		filepath.Join(s.run.Path(record.CheckpointsDir), checkpoint.Name(last)), picture), nil
}
