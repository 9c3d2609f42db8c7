package ros2control

import (
	"strings"
	"sync"
	"testing"
	"time"

	cm "guidedpolicysearch/msgs/controller_manager_msgs"
	"guidedpolicysearch/msgs/lifecycle_msgs"
	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/transport/mem"
)

// patience is how long a test waits for what has to happen.
const patience = 30 * time.Second

// rosNode is a node in the namespace /, without remappings.
type rosNode struct{ transport.Node }

func (rosNode) Resolve(name string) (string, error) {
	return "/" + strings.TrimPrefix(name, "/"), nil
}
func (n rosNode) ResolveTopic(name string) (string, error) { return n.Resolve(name) }

// network opens nodes that see each other.
type network func(name string) transport.Node

// inProcess is a network within the process.
func inProcess(t *testing.T) network {
	var bus mem.Bus
	return func(name string) transport.Node {
		n, err := bus.Open(transport.Options{Name: name})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { n.Close() })
		return n
	}
}

// manager is a controller_manager, with its controllers' nodes, as far as the checker sees it.
type manager struct {
	t        *testing.T
	layout   layout
	node     transport.Node
	service  transport.Service
	activity transport.Publisher // nil for a version without

	mu    sync.Mutex
	list  []cm.ControllerState
	calls int
}

func startManager(t *testing.T, open network, l layout, list ...cm.ControllerState) *manager {
	t.Helper()
	m := &manager{t: t, layout: l, node: open("controller_manager"), list: list}
	var err error
	m.service, err = m.node.Service("/controller_manager/list_controllers", typeOf(new(cm.ListControllers)), transport.ServiceQoS(), m.answer)
	if err != nil {
		t.Fatal(err)
	}
	if l.rate {
		m.activity, err = m.node.Publisher("/controller_manager/activity", typeOf(new(cm.ControllerManagerActivity)), transport.Latched(), nil)
		if err != nil && strings.Contains(err.Error(), "undefined symbol") {
			t.Skipf("needs the controller_manager_msgs of ros2_control %s or later, as Jazzy has: %v", l.since, err)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	m.publish()
	return m
}

func (m *manager) answer(_ []byte, reply transport.Reply) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls++
	if err := reply(m.layout.encode(m.list)); err != nil {
		m.t.Error(err)
	}
}

// set replaces the controllers.
func (m *manager) set(list ...cm.ControllerState) {
	m.mu.Lock()
	m.list = list
	m.mu.Unlock()
	m.publish()
}

func (m *manager) publish() {
	if m.activity == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var msg cm.ControllerManagerActivity
	for _, c := range m.list {
		for id, label := range labels {
			if label == c.State {
				msg.Controllers = append(msg.Controllers, cm.NamedLifecycleState{Name: c.Name, State: lifecycle_msgs.State{Id: uint8(id), Label: label}})
			}
		}
	}
	if err := m.activity.Publish(msg.AppendCDR(nil)); err != nil {
		m.t.Error(err)
	}
}

// listen has a node subscribe as a controller does.
func listen(t *testing.T, n transport.Node, topic string, kind Commands) {
	t.Helper()
	if _, err := n.Subscribe(topic, kind.Type(), transport.Default(), func([]byte, transport.Info) {}, nil); err != nil {
		t.Fatal(err)
	}
}

// publish has a node offer commands.
func publish(t *testing.T, n transport.Node, topic string, kind Commands) {
	t.Helper()
	if _, err := n.Publisher(topic, kind.Type(), transport.Default(), nil); err != nil {
		t.Fatal(err)
	}
}

// checker is one for an arm of two joints, a and b.
func checker(t *testing.T, n transport.Node, topic string, change func(*Config)) *Checker {
	t.Helper()
	cfg := DefaultConfig()
	cfg.PollPeriod = 5 * time.Millisecond
	if change != nil {
		change(&cfg)
	}
	c, err := New(rosNode{n}, cfg, topic, Float64MultiArray, []string{"a", "b"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// settle waits until the watch has found the manager: a connection that never was cannot be
// lost.
func (m *manager) settle(t *testing.T, graph func() (transport.Graph, error)) {
	t.Helper()
	calls := m.called()
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		g, err := graph()
		if err != nil {
			t.Fatal(err)
		}
		if m.activity != nil && g.Subscriptions("/controller_manager/activity") > 0 && m.activity.Matched() > 0 || m.activity == nil && m.called() > calls {
			return
		}
		if time.Now().After(end) {
			t.Fatal("the watch does not find the manager")
		}
	}
}

func (m *manager) called() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.calls
}

var info transport.Info
