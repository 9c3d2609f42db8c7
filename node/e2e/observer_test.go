package e2e

import (
	"slices"
	"sync"
	"testing"

	"guidedpolicysearch/msgs/guided_policy_search_msgs"
	"guidedpolicysearch/msgs/sensor_msgs"
	"guidedpolicysearch/msgs/std_msgs"
	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/transport/dds/ddstest"
)

// observer listens to a robot and a node from outside, as rqt would.
type observer struct {
	mu sync.Mutex
	// states and commands count messages; last is the latest command.
	states, commands int
	last             []float64
	lastState        sensor_msgs.JointState
	// quiet is the number of joint states since the last command, quietest the largest
	// it ever was since it was reset.
	quiet, quietest int
	// moved are the commands since watchTorque that are not zero.
	moved      [][]float64
	nodeStates []guided_policy_search_msgs.NodeState
	iterations []guided_policy_search_msgs.IterationReport
}

// kept is a depth that no test outruns.
func kept(q transport.QoS) transport.QoS {
	q.Depth = 1000
	return q
}

// message is what the observer decodes.
type message interface {
	TypeName() string
	UnmarshalCDR([]byte) error
}

// observe opens an observer on the topics below a namespace ("" or "/arm1").
func observe(t *testing.T, domain uint32, namespace string) *observer {
	t.Helper()
	return observeFrom(t, ddstest.Open(t, domain, "observer", nil), namespace)
}

// observeFrom is observe with a node that is there.
func observeFrom(t *testing.T, n transport.Node, namespace string) *observer {
	t.Helper()
	o := new(observer)
	listen := func(topic string, q transport.QoS, m message, take func()) {
		_, err := n.Subscribe(namespace+topic, transport.Type{Name: m.TypeName()}, kept(q), func(payload []byte, _ transport.Info) {
			o.mu.Lock()
			defer o.mu.Unlock()
			if err := m.UnmarshalCDR(payload); err != nil {
				t.Errorf("%s: %v", topic, err)
				return
			}
			take()
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
	}
	state, command := new(sensor_msgs.JointState), new(std_msgs.Float64MultiArray)
	listen("/joint_states", transport.Default(), state, func() {
		o.states++
		o.quiet++
		o.quietest = max(o.quietest, o.quiet)
		o.lastState = *state
		o.lastState.Position = slices.Clone(state.Position)
		o.lastState.Velocity = slices.Clone(state.Velocity)
	})
	listen("/effort_controller/commands", transport.Default(), command, func() {
		o.commands++
		o.quiet = 0
		o.last = slices.Clone(command.Data)
		if !isZero(o.last) {
			o.moved = append(o.moved, o.last)
		}
	})
	node, iteration := new(guided_policy_search_msgs.NodeState), new(guided_policy_search_msgs.IterationReport)
	listen("/guided_policy_search/state", transport.Latched(), node, func() { o.nodeStates = append(o.nodeStates, *node) })
	listen("/guided_policy_search/iteration", transport.Default(), iteration, func() {
		r := *iteration
		r.SampleCost = slices.Clone(r.SampleCost)
		o.iterations = append(o.iterations, r)
	})
	return o
}

// counts returns the numbers of joint states and commands so far.
func (o *observer) counts() (states, commands int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.states, o.commands
}

// further waits for some more joint states.
func (o *observer) further(t *testing.T, n int) {
	t.Helper()
	before, _ := o.counts()
	until(t, "the robot goes on", func() bool { now, _ := o.counts(); return now >= before+n })
}

// lastCommand returns the latest command.
func (o *observer) lastCommand() []float64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.last
}

// watchTorque begins to collect torques.
func (o *observer) watchTorque() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.moved = nil
}

// torques returns the commands since watchTorque that were not zero.
func (o *observer) torques() [][]float64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.moved
}

// phase returns the phase that the node said last.
func (o *observer) phase() (phase uint8, known bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.nodeStates) == 0 {
		return 0, false
	}
	return o.nodeStates[len(o.nodeStates)-1].Phase, true
}

// isZero tells whether a command holds torques and all are zero.
func isZero(torque []float64) bool {
	return len(torque) > 0 && !slices.ContainsFunc(torque, func(v float64) bool { return v != 0 })
}
