package e2e

import (
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"guidedpolicysearch/msgs/diagnostic_msgs"
	"guidedpolicysearch/msgs/rcl_interfaces"
	"guidedpolicysearch/node/diagnostics"
	"guidedpolicysearch/node/logging"
	"guidedpolicysearch/node/rostype"
	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/transport/dds/ddstest"
)

// monitor keeps what nodes say of themselves, as rqt_robot_monitor and rqt_console do.
type monitor struct {
	mu    sync.Mutex
	tasks map[string]diagnostic_msgs.DiagnosticStatus // the latest, by name
	lines []string                                    // of /rosout
}

func watchHealth(t *testing.T, domain uint32) *monitor {
	t.Helper()
	m := &monitor{tasks: map[string]diagnostic_msgs.DiagnosticStatus{}}
	n := ddstest.Open(t, domain, "monitor", nil)
	_, err := n.Subscribe(diagnostics.Topic, rostype.Of(new(diagnostic_msgs.DiagnosticArray)), transport.Default(), func(payload []byte, _ transport.Info) {
		var array diagnostic_msgs.DiagnosticArray
		if err := array.UnmarshalCDR(payload); err != nil {
			t.Error(err)
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		for _, s := range array.Status {
			m.tasks[s.Name] = s
		}
	}, nil)
	if err == nil {
		_, err = n.Subscribe(logging.RosoutTopic, rostype.Of(new(rcl_interfaces.Log)), logging.RosoutQoS(), func(payload []byte, _ transport.Info) {
			var line rcl_interfaces.Log
			if err := line.UnmarshalCDR(payload); err != nil {
				t.Error(err)
			}
			m.mu.Lock()
			defer m.mu.Unlock()
			m.lines = append(m.lines, line.Name+": "+line.Msg)
		}, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// says tells whether a task of the node has a level and a message with the text in it.
func (m *monitor) says(task string, level diagnostics.Level, text string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.tasks["guided_policy_search: "+task]
	return s.Name != "" && s.Level == uint8(level) && strings.Contains(s.Message, text)
}

func (m *monitor) logged(text string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, l := range m.lines {
		if strings.Contains(l, text) {
			return true
		}
	}
	return false
}

// TestHealth follows a node on /diagnostics and /rosout: waiting, learning, without its robot,
// with a namesake.
func TestHealth(t *testing.T) {
	t.Parallel()
	domain := ddsDomain(t)
	m := watchHealth(t, domain)
	n := startNode(t, domain, filepath.Join(t.TempDir(), "run"), "iterations:=100000", "safety.stale_timeout:=1.0")
	n.until("the node waits for its robot", func() bool { return m.says("arm", diagnostics.OK, "no torque is commanded") })
	robot := startRobot(t, domain)
	n.until("the arm moves", func() bool { return m.says("arm", diagnostics.OK, "run") || m.says("arm", diagnostics.OK, "reset") })
	n.until("the learner works", func() bool { return m.says("learning", diagnostics.OK, "active") })
	n.until("the log is on /rosout", func() bool { return m.logged("guided_policy_search: configured: ") })
	robot.kill()
	n.until("the robot is missed", func() bool { return m.says("arm", diagnostics.Error, "a fault is latched: no joint_states") })
	ddstest.Open(t, domain, "guided_policy_search", nil)
	n.until("the namesake is seen", func() bool { return m.says("middleware", diagnostics.Warn, "2 nodes are called /guided_policy_search") })
	n.interrupt(0)
}
