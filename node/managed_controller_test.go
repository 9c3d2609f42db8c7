package node

import (
	"strings"
	"sync"
	"testing"

	cm "guidedpolicysearch/msgs/controller_manager_msgs"
	"guidedpolicysearch/msgs/lifecycle_msgs"
	"guidedpolicysearch/node/rostype"
	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/trial"
)

// manager is a controller manager of ros2_control 4.28 or later, with one controller.
type manager struct {
	m        *managed
	activity transport.Publisher

	mu    sync.Mutex
	state cm.ControllerState
}

// startManager starts a controller manager whose controller is in a state.
func (m *managed) startManager(state uint8, label string) *manager {
	m.t.Helper()
	c := &manager{m: m, state: cm.ControllerState{Name: "effort_controller", Type: "effort_controllers/JointGroupEffortController",
		ClaimedInterfaces: []string{"joint1/effort", "joint2/effort"}, RequiredCommandInterfaces: []string{"joint1/effort", "joint2/effort"}, UpdateRate: 1000}}
	_, err := m.outside.Service("/controller_manager/list_controllers", rostype.Of(new(cm.ListControllers)), transport.ServiceQoS(), func(_ []byte, reply transport.Reply) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if err := reply((&cm.ListControllers_Response{Controller: []cm.ControllerState{c.state}}).AppendCDR(nil)); err != nil {
			m.t.Error(err)
		}
	})
	if err != nil {
		m.t.Fatal(err)
	}
	c.activity = m.publisher("/controller_manager/activity", new(cm.ControllerManagerActivity), transport.Latched())
	c.become(state, label)
	return c
}

// become changes the state of the controller.
func (c *manager) become(state uint8, label string) {
	c.m.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state.State = label
	msg := cm.ControllerManagerActivity{Controllers: []cm.NamedLifecycleState{{Name: c.state.Name, State: lifecycle_msgs.State{Id: state, Label: label}}}}
	if err := c.activity.Publish(msg.AppendCDR(nil)); err != nil {
		c.m.t.Fatal(err)
	}
}

const (
	controllerActive   = lifecycle_msgs.State_PRIMARY_STATE_ACTIVE
	controllerInactive = lifecycle_msgs.State_PRIMARY_STATE_INACTIVE
)

// TestInactiveController is waited for by a node that starts by itself, and is the reason for one
// that is asked to start.
func TestInactiveController(t *testing.T) {
	t.Parallel() // it waits, most of the time
	t.Run("asked", func(t *testing.T) {
		m := startManaged(t, options{learner: silent}, "autostart:=false")
		c := m.startManager(controllerInactive, "inactive")
		m.startRobot()
		if err := m.ask("start"); err == nil || !strings.Contains(err.Error(), `"effort_controller"`) || !strings.Contains(err.Error(), "inactive") {
			t.Errorf("start: %v", err)
		}
		if commands, _ := m.counts(); commands > 0 {
			t.Errorf("%d commands", commands)
		}
		c.become(controllerActive, "active")
		m.must("start")
	})
	t.Run("by itself", func(t *testing.T) {
		m := startManaged(t, options{}, "iterations:=1")
		c := m.startManager(controllerInactive, "inactive")
		m.startRobot()
		m.until("the node says why it waits", func() bool {
			return strings.Contains(m.log(), `controller "effort_controller"`) && strings.Contains(m.log(), "inactive")
		})
		if commands, _ := m.counts(); commands > 0 {
			t.Errorf("%d commands", commands)
		}
		c.become(controllerActive, "active")
		m.ends()
		if m.err != nil || len(m.result.Reports) != 1 {
			t.Errorf("%v, %+v", m.err, m.result)
		}
	})
}

// TestControllerDeactivated is a fault, which is latched with the message that tells of it.
func TestControllerDeactivated(t *testing.T) {
	m := startManaged(t, options{learner: silent}, "lock_step:=false")
	c := m.startManager(controllerActive, "active")
	m.startRobot("lock_step:=false", "real_time_factor:=5.0")
	m.until("the arm is held", m.phase(trial.Hold, ""))
	m.until("the node listens", func() bool { return c.activity.Matched() > 0 })
	c.become(controllerInactive, "inactive")
	m.until("the fault is told", m.phase(trial.Fault, `ros2_control: controller "effort_controller" is no longer active`))
	m.staysAtRest()
	c.become(controllerActive, "active")
	m.staysAtRest()
	m.must("reset_fault")
	m.until("the arm is held again", m.phase(trial.Hold, ""))
}

// TestControllerCheck: without a controller manager it is not checked, unless it has to be.
func TestControllerCheck(t *testing.T) {
	t.Parallel() // it waits, most of the time
	m := startManaged(t, options{learner: silent}, "autostart:=false", "ros2_control.check:=required")
	m.startRobot()
	if err := m.ask("start"); err == nil || !strings.Contains(err.Error(), "nobody offers /controller_manager/list_controllers") {
		t.Errorf("start: %v", err)
	}
	off := startManaged(t, options{learner: silent}, `ros2_control.check:=never`)
	off.startManager(controllerInactive, "inactive")
	off.startRobot()
	off.until("the arm is commanded", func() bool { return off.is("active") })
	off.until("it is said", func() bool { return strings.Contains(off.log(), "ros2_control.check is never") })
}
