package node

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"guidedpolicysearch/msgs/sensor_msgs"
	"guidedpolicysearch/node/transport"
)

// graph is a transport.GraphReader of a graph that does not change.
type graph struct{ seen transport.Graph }

func (g graph) Graph() (transport.Graph, error)  { return g.seen, nil }
func (graph) OnGraphChange(func()) (stop func()) { return func() {} }

// TestProbe refuses a robot that is not there, not any more, another one, or another's.
func TestProbe(t *testing.T) {
	const commands = "/effort_controller/commands"
	driver, rival := transport.GraphNode{Name: "driver", Namespace: "/"}, transport.GraphNode{Name: "rival", Namespace: "/arm"}
	listener := transport.GraphEndpoint{Topic: commands, Node: driver}
	good := sensor_msgs.JointState{Name: []string{"a", "b"}, Position: []float64{1, 2}, Velocity: []float64{3, 4}}
	with := func(change func(*sensor_msgs.JointState)) *sensor_msgs.JointState {
		s := sensor_msgs.JointState{Name: []string{"a", "b"}, Position: []float64{1, 2}, Velocity: []float64{3, 4}}
		change(&s)
		return &s
	}
	for name, c := range map[string]struct {
		state     *sensor_msgs.JointState // nil for none
		age       time.Duration
		endpoints []transport.GraphEndpoint
		want      string // in the error; none where empty
	}{
		"well":              {&good, 0, []transport.GraphEndpoint{listener}, ""},
		"silent":            {nil, 0, []transport.GraphEndpoint{listener}, "no joint_states on /joint_states yet"},
		"fallen silent":     {&good, 2 * time.Hour, []transport.GraphEndpoint{listener}, "no joint_states on /joint_states for 7200"},
		"other joints":      {with(func(s *sensor_msgs.JointState) { s.Name[1] = "c" }), 0, []transport.GraphEndpoint{listener}, `joint "b" is missing`},
		"position NaN":      {with(func(s *sensor_msgs.JointState) { s.Position[0] = math.NaN() }), 0, []transport.GraphEndpoint{listener}, `joint "a" reads NaN`},
		"velocity infinite": {with(func(s *sensor_msgs.JointState) { s.Velocity[1] = math.Inf(1) }), 0, []transport.GraphEndpoint{listener}, `joint "b" reads +Inf`},
		"nobody listens":    {&good, 0, nil, "nobody listens on " + commands},
		"driven by another": {&good, 0, []transport.GraphEndpoint{listener, {Topic: commands, Publisher: true, Node: rival}}, "node /arm/rival already publishes efforts"},
		"driven elsewhere":  {&good, 0, []transport.GraphEndpoint{listener, {Topic: "/other/commands", Publisher: true, Node: rival}}, ""},
	} {
		p := newProbe("/joint_states", []string{"a", "b"}, true, true)
		if c.state != nil {
			p.jointState(c.state.AppendCDR(nil), transport.Info{})
			p.seen = p.seen.Add(-c.age)
		}
		err := p.check(time.Hour, commands, graph{transport.Graph{Endpoints: c.endpoints}})
		if c.want == "" && err != nil || c.want != "" && (!errors.Is(err, errRobot) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}
