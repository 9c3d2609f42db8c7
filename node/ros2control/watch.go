package ros2control

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	cm "guidedpolicysearch/msgs/controller_manager_msgs"
	"guidedpolicysearch/msgs/lifecycle_msgs"
	"guidedpolicysearch/node/transport"
)

// States of a controller beside those that ros2_control names.
const (
	// Gone says that the controller manager went away.
	Gone = "gone"
	// Unloaded says that the controller manager has no such controller any more.
	Unloaded = "unloaded"
	// Reconfigured says that the controller is active with other interfaces.
	Reconfigured = "reconfigured"
)

// Watch tells when a controller stops being active.
type Watch struct {
	checker    *Checker
	controller string
	interfaces []string
	lost       func(controller, state string)

	activity transport.Subscription       // nil where it is polled
	msg      cm.ControllerManagerActivity // for the node's goroutine
	seen     bool                         // a publisher of the activity has been connected
	stop     context.CancelFunc           // nil where it is not polled
	running  sync.WaitGroup

	mu    sync.Mutex
	state string
}

// Watch watches the controller that a check has found, until the watch is closed. lost is
// called each time the controller stops being active, with its state: inactive, unconfigured,
// finalized, Unloaded, Reconfigured or Gone. It runs on the node's goroutine for messages, or
// on one of the watch, must not block, and must not close the watch. A controller that is
// active again may have been given other joints: check it again. The watch goes by the
// manager's activity where it is published, and asks every Config.PollPeriod otherwise;
// without a controller manager it does nothing. Errors are those of the middleware.
func (c *Checker) Watch(r Report, lost func(controller, state string)) (*Watch, error) {
	w := &Watch{checker: c, controller: r.Controller, interfaces: r.Interfaces, lost: lost}
	switch {
	case r.Manager == "":
		return w, nil
	case r.Activity:
		w.state = active
		var err error
		w.activity, err = c.node.Subscribe(c.activity, typeOf(new(cm.ControllerManagerActivity)), transport.Latched(), w.receive, w.connected)
		if err != nil {
			return nil, fmt.Errorf("ros2control: activity of %s: %w", c.manager, err)
		}
	case c.cfg.PollPeriod > 0:
		w.state = active
		client, err := c.open()
		if err != nil {
			return nil, err
		}
		ctx, stop := context.WithCancel(context.Background())
		w.stop = stop
		w.running.Add(1)
		go w.poll(ctx, client)
	}
	return w, nil
}

// State is the latest known state of the controller, empty where it is not watched. It may be
// called from any goroutine.
func (w *Watch) State() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.state
}

// Close ends the watch: lost is not called any more once it has returned, but for a call that
// is running on the node's goroutine.
func (w *Watch) Close() error {
	if w.stop != nil {
		w.stop()
		w.running.Wait()
	}
	if w.activity != nil {
		return w.activity.Close()
	}
	return nil
}

// set notes the state, and tells of a controller that was active and is not.
func (w *Watch) set(state string) {
	w.mu.Lock()
	was := w.state
	w.state = state
	w.mu.Unlock()
	if was == active && state != active {
		w.lost(w.controller, state)
	}
}

// receive handles a message of the manager's activity. One that cannot be read tells nothing.
func (w *Watch) receive(payload []byte, _ transport.Info) {
	if w.msg.UnmarshalCDR(payload) != nil {
		return
	}
	state := Unloaded
	for i := range w.msg.Controllers {
		if c := &w.msg.Controllers[i]; c.Name == w.controller {
			state = cmp.Or(labels[c.State.Id], "unknown")
		}
	}
	w.set(state)
}

// labels are the states of controllers by the number that the activity has for them.
var labels = [256]string{
	lifecycle_msgs.State_PRIMARY_STATE_UNCONFIGURED:       "unconfigured",
	lifecycle_msgs.State_PRIMARY_STATE_INACTIVE:           "inactive",
	lifecycle_msgs.State_PRIMARY_STATE_ACTIVE:             active,
	lifecycle_msgs.State_PRIMARY_STATE_FINALIZED:          "finalized",
	lifecycle_msgs.State_TRANSITION_STATE_CONFIGURING:     "configuring",
	lifecycle_msgs.State_TRANSITION_STATE_CLEANINGUP:      "cleaning up",
	lifecycle_msgs.State_TRANSITION_STATE_SHUTTINGDOWN:    "shutting down",
	lifecycle_msgs.State_TRANSITION_STATE_ACTIVATING:      "activating",
	lifecycle_msgs.State_TRANSITION_STATE_DEACTIVATING:    "deactivating",
	lifecycle_msgs.State_TRANSITION_STATE_ERRORPROCESSING: "processing an error",
}

// connected follows the publisher of the activity, which goes with the manager.
func (w *Watch) connected(s transport.Status) {
	if s.Matched > 0 {
		w.seen = true
	} else if w.seen {
		w.set(Gone)
	}
}

// poll asks for the controllers again and again.
func (w *Watch) poll(ctx context.Context, client transport.Client) {
	defer w.running.Done()
	defer client.Close()
	again := time.NewTicker(w.checker.cfg.PollPeriod)
	defer again.Stop()
	for {
		select {
		case <-again.C:
		case <-ctx.Done():
			return
		}
		if state := w.ask(ctx, client); state != "" && ctx.Err() == nil {
			w.set(state)
		}
	}
}

// ask returns the controller's state, empty if the manager did not say: one that switches
// controllers is late.
func (w *Watch) ask(ctx context.Context, client transport.Client) string {
	if client.Servers() == 0 {
		if w.seen {
			return Gone
		}
		return ""
	}
	w.seen = true
	list, err := w.checker.list(ctx, client, callPatience)
	if err != nil {
		return ""
	}
	found, err := find(list, w.controller, w.checker.manager)
	switch {
	case err != nil:
		return Unloaded
	case found.State == active && !slices.Equal(found.ClaimedInterfaces, w.interfaces):
		return Reconfigured
	}
	return found.State
}
