package node

import (
	"sync"
	"testing"

	"guidedpolicysearch/msgs/std_srvs"
	"guidedpolicysearch/node/rostype"
	"guidedpolicysearch/node/transport"
)

// TestStopsWhileBusy stops an arm that is held while the supervisor is at something that takes
// long, here the start of another learner: the arm is commanded no more before that is over.
func TestStopsWhileBusy(t *testing.T) {
	for name, stop := range map[string]func(*managed) (wait func() error){
		"interrupt": func(m *managed) func() error {
			m.cancel()
			return func() error { m.ends(); return nil }
		},
		"~/stop": func(m *managed) func() error {
			c, err := m.outside.Client(nodeName+"/stop", rostype.Of(new(std_srvs.Trigger)), transport.ServiceQoS())
			if err != nil {
				m.t.Fatal(err)
			}
			ctx, answered := m.context(), make(chan error, 1)
			go func() {
				_, err := c.Call(ctx, new(std_srvs.Trigger_Request).AppendCDR(nil))
				answered <- err
			}()
			return func() error { return <-answered }
		},
	} {
		t.Run(name, func(t *testing.T) {
			learners, busy, over := 0, make(chan struct{}), make(chan struct{})
			release := sync.OnceFunc(func() { close(over) })
			m := startManaged(t, options{learner: func(argv []string) []string {
				switch learners++; learners {
				case 1:
					return []string{"sleep", "0.2"} // it ends, and another is started
				case 2:
					close(busy)
					<-over
				}
				return silent(argv)
			}}, "lock_step:=false")
			t.Cleanup(release) // before the node is waited for
			m.startRobot("lock_step:=false")
			<-busy
			at, _ := m.counts()
			m.until("the arm is held", func() bool { now, _ := m.counts(); return now > at+5 })
			wait := stop(m)
			m.until("it is commanded no more", func() bool {
				commands, before := m.counts()
				m.until("the robot goes on", func() bool { _, states := m.counts(); return states > before+5 })
				now, _ := m.counts()
				return now == commands
			})
			m.atRest()
			release()
			if err := wait(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// TestStopEndsAutostart: a node that waits for its robot and is told to stop does not start when
// the robot comes.
func TestStopEndsAutostart(t *testing.T) {
	m := startManaged(t, options{})
	m.until("the node is configured", func() bool { return m.is("inactive") })
	m.must("stop")
	m.startRobot()
	// The robot repeats its joint state ten times a second; the node looks for it five times.
	m.until("the node has looked at it", func() bool { _, states := m.counts(); return states > 10 })
	if !m.is("inactive") {
		t.Error("the node started by itself after ~/stop")
	}
}
