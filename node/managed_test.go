package node

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"guidedpolicysearch/msgs"
	"guidedpolicysearch/msgs/diagnostic_msgs"
	"guidedpolicysearch/msgs/guided_policy_search_msgs"
	"guidedpolicysearch/msgs/lifecycle_msgs"
	"guidedpolicysearch/msgs/rcl_interfaces"
	"guidedpolicysearch/msgs/sensor_msgs"
	"guidedpolicysearch/msgs/std_msgs"
	"guidedpolicysearch/msgs/std_srvs"
	"guidedpolicysearch/node/rcl"
	"guidedpolicysearch/node/record"
	"guidedpolicysearch/node/rostype"
	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/transport/mem"
	"guidedpolicysearch/node/trial"
)

// TestManagedRun learns from end to end, in one process with its robot.
func TestManagedRun(t *testing.T) {
	m := startManaged(t, options{})
	m.startRobot()
	m.ends()
	if m.err != nil || m.panicked != nil || len(m.result.Reports) != 2 {
		t.Fatalf("%v, %v, %+v", m.err, m.panicked, m.result)
	}
	m.atRest()
	if _, _, err := record.Open(m.folder); err != nil {
		t.Errorf("the run folder is not free: %v", err)
	}
}

// TestStopBesideCommand: the trial that the learner asks for while the node is being stopped is
// refused by the loop, and that is no failure of the run.
func TestStopBesideCommand(t *testing.T) {
	refused := errors.Join(ErrGaveUp, trial.ErrCommand)
	bus := new(mem.Bus)
	here, err := bus.Open(transport.Options{Name: "here"})
	if err != nil {
		t.Fatal(err)
	}
	defer here.Close()
	there, err := bus.Open(transport.Options{Name: "there"})
	if err != nil {
		t.Fatal(err)
	}
	defer there.Close()
	var n node
	n.loop.Store(newAsker(t, here, there, 10).loop)
	if n.stopped(refused) {
		t.Error("a loop that runs refuses a command: want a failure")
	}
	n.zero()
	if !n.stopped(refused) {
		t.Error("a loop that was stopped refuses a command: want no failure")
	}
	if n.stopped(errors.Join(ErrGaveUp, os.ErrPermission)) {
		t.Error("a loop was stopped and the disk failed: want a failure")
	}
}

// TestPanicZeroesTorque has the supervisor panic while the arm is held.
func TestPanicZeroesTorque(t *testing.T) {
	learners, end := 0, filepath.Join(t.TempDir(), "end")
	m := startManaged(t, options{learner: func([]string) []string {
		if learners++; learners > 1 {
			panic("no more learners")
		}
		return []string{"sh", "-c", "until test -e " + end + "; do sleep 0.01; done"}
	}}, "lock_step:=false")
	m.startRobot("lock_step:=false")
	m.until("the arm is held", func() bool { commands, _ := m.counts(); return commands > 1 })
	if err := os.WriteFile(end, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	m.ends()
	if m.panicked == nil {
		t.Fatalf("ended without a panic: %v", m.err)
	}
	commands, before := m.counts()
	m.atRest()
	m.until("the robot goes on", func() bool { _, states := m.counts(); return states > before+5 })
	if now, _ := m.counts(); now > commands+1 { // one may have been under way
		t.Errorf("%d commands after the panic", now-commands)
	}
}

// TestActiveAgain activates a node right after it was deactivated, when it has not looked at the
// robot for longer than a joint state lasts.
func TestActiveAgain(t *testing.T) {
	m := startManaged(t, options{learner: silent},
		"autostart:=false", "lock_step:=false", "safety.stale_timeout:=0.5")
	m.startRobot("lock_step:=false")
	m.must("start")
	_, before := m.counts()
	m.until("the robot has waited for long", func() bool { _, states := m.counts(); return states > before+20 })
	m.must("stop")
	m.must("activate")
	m.must("deactivate")
	m.atRest()
}

// TestStartBeforeTheRobot: to ask a node to start that waits for its robot does not end the
// waiting.
func TestStartBeforeTheRobot(t *testing.T) {
	t.Parallel() // it waits, most of the time
	m := startManaged(t, options{})
	m.until("the node is configured", func() bool { return m.is("inactive") })
	if err := m.ask("start"); err == nil || !strings.Contains(err.Error(), "no joint_states") {
		t.Fatalf("started without a robot: %v", err)
	}
	m.startRobot()
	m.ends()
	if m.err != nil || len(m.result.Reports) != 2 {
		t.Errorf("%v, %+v", m.err, m.result)
	}
}

// TestIterationsAddedAtTheEnd adds an iteration while the last one is being worked on, and its
// trials are recorded.
func TestIterationsAddedAtTheEnd(t *testing.T) {
	released := filepath.Join(t.TempDir(), "released")
	t.Setenv(gate, record.TrialPath(1, 0, 1)+" "+released)
	m := startManaged(t, options{}, "iterations:=1")
	m.startRobot()
	m.until("the last trial is recorded", func() bool { return m.exists(record.TrialPath(1, 0, 1)) })
	m.set("iterations", rcl.Value{Type: rcl.Integer, Int: 2})
	if err := os.WriteFile(released, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	m.ends()
	if m.err != nil || len(m.result.Reports) != 2 {
		t.Errorf("%v, %d iterations, want 2", m.err, len(m.result.Reports))
	}
	if !m.exists("params.1.yaml") {
		t.Error("the run folder does not tell of the change")
	}
}

// TestChangeAfterParametersRemoved: a change is recorded, and in force, also where the run folder's
// parameters were removed meanwhile.
func TestChangeAfterParametersRemoved(t *testing.T) {
	m := startManaged(t, options{}, "autostart:=false", "iterations:=1")
	m.startRobot()
	m.must("configure")
	path := filepath.Join(m.folder, record.ParamsFile)
	before, err := os.ReadFile(path)
	if err == nil {
		err = os.Remove(path)
	}
	if err != nil {
		t.Fatal(err)
	}
	m.set("iterations", rcl.Value{Type: rcl.Integer, Int: 2})
	m.must("activate")
	m.ends()
	if m.err != nil || len(m.result.Reports) != 2 {
		t.Errorf("%v, %d iterations, want 2", m.err, len(m.result.Reports))
	}
	if earlier, err := os.ReadFile(filepath.Join(m.folder, "params.1.yaml")); err != nil || !bytes.Equal(earlier, before) {
		t.Errorf("the earlier parameters are %q, %v", earlier, err)
	}
}

// TestLearnerAfterParametersRemoved: a learner starts also where the run folder's parameters, which it
// reads, were removed meanwhile.
func TestLearnerAfterParametersRemoved(t *testing.T) {
	m := startManaged(t, options{}, "autostart:=false")
	m.startRobot()
	m.must("configure")
	if err := os.Remove(filepath.Join(m.folder, record.ParamsFile)); err != nil {
		t.Fatal(err)
	}
	m.must("activate")
	m.ends()
	if m.err != nil || len(m.result.Reports) != 2 || !m.exists(record.ParamsFile) {
		t.Errorf("%v, %d iterations, want 2", m.err, len(m.result.Reports))
	}
}

// TestChangeTriedAgain: a change that cannot be recorded is not in force, and is recorded and in
// force when it can be.
func TestChangeTriedAgain(t *testing.T) {
	m := startManaged(t, options{}, "autostart:=false", "iterations:=1")
	m.startRobot()
	m.must("configure")
	m.set("iterations", rcl.Value{Type: rcl.Integer, Int: 2})
	path := filepath.Join(m.folder, record.ParamsFile)
	whole, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, []byte("{"), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	if m.ask("activate") == nil {
		t.Error("activated though the run folder's parameters cannot be read")
	}
	if err := os.WriteFile(path, whole, 0o644); err != nil {
		t.Fatal(err)
	}
	m.must("activate")
	m.ends()
	if m.err != nil || len(m.result.Reports) != 2 {
		t.Errorf("%v, %d iterations, want 2", m.err, len(m.result.Reports))
	}
}

// failing is a transport whose subscriptions to joint_states are refused when asked for.
type failing struct {
	transport.Node
	mu    sync.Mutex
	fails bool
}

var errFailing = errors.New("no more memory")

func (f *failing) fail(yes bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fails = yes
}

func (f *failing) Subscribe(topic string, typ transport.Type, q transport.QoS, h transport.Handler, status transport.StatusHandler) (transport.Subscription, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fails && topic == "/joint_states" {
		return nil, errFailing
	}
	return f.Node.Subscribe(topic, typ, q, h, status)
}

// TestListensAgain configures a node whose subscription failed the first time.
func TestListensAgain(t *testing.T) {
	var f *failing
	m := startManaged(t, options{open: func(n transport.Node) transport.Node { f = &failing{Node: n}; return f }}, "autostart:=false")
	m.startRobot()
	m.set("reliable_joint_states", rcl.Value{Type: rcl.Bool, Bool: false})
	f.fail(true)
	if m.ask("configure") == nil {
		t.Error("configured without joint states")
	}
	f.fail(false)
	m.must("configure")
}

// TestNonsenseIsNoRequest: what is none of a request's type moves no arm, and is counted in the
// diagnostics.
func TestNonsenseIsNoRequest(t *testing.T) {
	m := startManaged(t, options{}, "autostart:=false")
	m.startRobot()
	c, err := m.outside.Client(nodeName+"/start", rostype.Of(new(std_srvs.Trigger)), transport.ServiceQoS())
	if err != nil {
		t.Fatal(err)
	}
	p, err := m.outside.Publisher(nodeName+"/start", rostype.Of(new(std_msgs.Empty)), transport.Default(), nil)
	if err != nil {
		t.Fatal(err)
	}
	m.until("the node hears", func() bool { return p.Matched() > 0 })
	for _, payload := range [][]byte{{0, 1, 0, 0}, append([]byte{0, 1, 0, 0}, "start, please"...)} {
		var response std_srvs.Trigger_Response
		answer, err := c.Call(m.context(), payload)
		if err == nil {
			err = response.UnmarshalCDR(answer)
		}
		if err != nil || response.Success || !strings.Contains(response.Message, "bytes") {
			t.Errorf("%v, %+v", err, response)
		}
		if err := p.Publish(payload); err != nil {
			t.Fatal(err)
		}
	}
	// There may be no answer.
	calls, end := context.WithCancel(m.context())
	defer end()
	for service, typ := range map[string]msgs.Type{"get_parameters": new(rcl_interfaces.GetParameters), "change_state": new(lifecycle_msgs.ChangeState),
		"train/_action/send_goal": new(guided_policy_search_msgs.Train_SendGoal)} {
		c, err := m.outside.Client(nodeName+"/"+service, rostype.Of(typ), transport.ServiceQoS())
		if err != nil {
			t.Fatal(err)
		}
		go c.Call(calls, []byte{0, 1, 0, 0, 0xff, 0xff, 0xff, 0xff})
	}
	m.until("the diagnostics count them", func() bool {
		return slices.Contains(m.health("middleware").Values, diagnostic_msgs.KeyValue{Key: "malformed requests and times", Value: "7"})
	})
	if !m.is("unconfigured") {
		t.Error("the node was started")
	}
}

// TestRequestsAtTheEnd: who asks a node that ends has an answer.
func TestRequestsAtTheEnd(t *testing.T) {
	n := node{asked: make(chan request, maxRequests)}
	answers := 0
	waiting := request{answer: func(done bool, message string) {
		if done || message != errEnded.Error() {
			t.Errorf("answer %v, %q", done, message)
		}
		answers++
	}}
	for range 2 {
		if err := n.post(waiting); err != nil {
			t.Fatal(err)
		}
	}
	n.refuseRequests()
	if err := n.post(waiting); err != errEnded || answers != 2 {
		t.Errorf("%v after %d answers, want %v after 2", err, answers, errEnded)
	}
}

// TestStateWithoutFault: a node that is not active any more does not tell of the fault it had.
func TestStateWithoutFault(t *testing.T) {
	m := startManaged(t, options{learner: lasting}, "autostart:=false", "safety.recovery_steps:=100000")
	var last guided_policy_search_msgs.NodeState
	m.listen(nodeName+"/state", last.TypeName(), func(payload []byte) {
		if err := last.UnmarshalCDR(payload); err != nil {
			t.Error(err)
		}
	})
	seen := func(phase trial.Phase, fault bool) func() bool {
		return func() bool {
			m.mu.Lock()
			defer m.mu.Unlock()
			return last.Phase == uint8(phase) && fault == (last.Fault != "")
		}
	}
	m.startRobot()
	m.must("start")
	nonsense, err := m.outside.Publisher("/joint_states", rostype.Of(new(sensor_msgs.JointState)), transport.Default(), nil)
	if err != nil {
		t.Fatal(err)
	}
	m.until("the node hears", func() bool { return nonsense.Matched() > 0 })
	if err := nonsense.Publish([]byte{0, 1, 0, 0, 1}); err != nil {
		t.Fatal(err)
	}
	m.until("a fault is told", seen(trial.Fault, true))
	m.must("stop")
	m.until("no fault is told", seen(trial.Wait, false))
}
