package node

import (
	"context"
	"strings"
	"testing"
	"time"

	"guidedpolicysearch/msgs/std_msgs"
	"guidedpolicysearch/msgs/std_srvs"
	"guidedpolicysearch/node/diagnostics"
	"guidedpolicysearch/node/rostype"
	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/trial"
)

// held starts a node that holds its arm, with a learner that asks for nothing.
func held(t *testing.T, parameters ...string) *managed {
	t.Helper()
	m := startManaged(t, options{learner: silent}, append([]string{"lock_step:=false", "exit_when_done:=false", "safety.ramp_time:=0.0"}, parameters...)...)
	m.startRobot("lock_step:=false", "real_time_factor:=5.0")
	m.until("the arm is held", m.phase(trial.Hold, ""))
	return m
}

// button is the emergency stop's topic.
func (m *managed) button() (press, release func()) {
	p := m.publisher(nodeName+"/emergency_stop", new(std_msgs.Bool), transport.Default())
	send := func(pressed bool) func() {
		return func() { m.say(p, (&std_msgs.Bool{Data: pressed}).AppendCDR(nil)) }
	}
	return send(true), send(false)
}

// staysAtRest wants nothing but zero torque, in answer to some further joint states.
func (m *managed) staysAtRest() {
	m.t.Helper()
	m.atRest()
	commands, before := m.counts()
	m.until("the robot goes on", func() bool { _, states := m.counts(); return states > before+20 })
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, torque := range m.commands[commands:] {
		for _, v := range torque {
			if v != 0 {
				m.t.Fatalf("torque %v, want zero", torque)
			}
		}
	}
}

// TestEmergencyStop presses the stop in each way: zero torque, a fault that is latched, and that
// cannot be reset before the stop is released.
func TestEmergencyStop(t *testing.T) {
	t.Parallel() // it waits, most of the time
	raw := func(payload ...byte) func(*managed) {
		return func(m *managed) {
			m.say(m.publisher(nodeName+"/emergency_stop", new(std_msgs.Bool), transport.Default()), append([]byte{0, 1, 0, 0}, payload...))
		}
	}
	for name, press := range map[string]func(*managed){
		"topic":             func(m *managed) { press, _ := m.button(); press() },
		"service":           func(m *managed) { m.must("emergency_stop") },
		"topic, no message": raw(),
		"topic, no Bool":    raw(7, 7, 7, 7),
		"service, no request": func(m *managed) {
			c, err := m.outside.Client(nodeName+"/emergency_stop", rostype.Of(new(std_srvs.Trigger)), transport.ServiceQoS())
			if err != nil {
				m.t.Fatal(err)
			}
			if _, err := c.Call(m.context(), append([]byte{0, 1, 0, 0}, "stop, please"...)); err != nil {
				m.t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := held(t)
			_, release := m.button()
			press(m)
			m.until("the fault is told", m.phase(trial.Fault, "emergency stop"))
			m.staysAtRest()
			if s := m.health("arm"); s.Level != uint8(diagnostics.Error) || !strings.Contains(s.Message, "emergency stop") {
				m.until("the diagnostics tell of it", func() bool { return strings.Contains(m.health("arm").Message, "emergency stop") })
			}
			if err := m.ask("reset_fault"); err == nil || !strings.Contains(err.Error(), "release it") {
				t.Errorf("reset while pressed: %v", err)
			}
			if name == "service" {
				m.must("release_emergency_stop")
			} else {
				release()
			}
			m.until("the release is logged", func() bool { return strings.Contains(m.log(), "was released") })
			m.staysAtRest()
			m.until("the fault is latched", m.phase(trial.Fault, "emergency stop"))
			m.must("reset_fault")
			m.until("the arm is held again", m.phase(trial.Hold, ""))
		})
	}
}

// TestEmergencyStopAmongRequests: the torque is zero at once though the supervisor is busy and all
// places for requests are taken.
func TestEmergencyStopAmongRequests(t *testing.T) {
	for name, press := range map[string]func(*managed){
		"topic": func(m *managed) { press, _ := m.button(); press() },
		"service": func(m *managed) {
			if answer, err := m.Do(m.context(), "emergency_stop"); err != nil || answer != emergencyTold {
				m.t.Errorf("%q, %v", answer, err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			started, busy, over := 0, make(chan struct{}), make(chan struct{})
			m := startManaged(t, options{learner: func(argv []string) []string {
				switch started++; started {
				case 1:
					return []string{"sleep", "0.2"}
				case 2: // on the supervisor's goroutine, which waits here
					close(busy)
					<-over
				}
				return silent(argv)
			}}, "lock_step:=false", "exit_when_done:=false")
			defer close(over)
			m.startRobot("lock_step:=false", "real_time_factor:=5.0")
			<-busy
			m.flood()
			press(m)
			m.staysAtRest()
		})
	}
}

// TestPressedBefore: a node whose emergency stop is pressed does not take hold of the arm.
func TestPressedBefore(t *testing.T) {
	t.Parallel() // it waits, most of the time
	m := startManaged(t, options{learner: silent}, "autostart:=false", "lock_step:=false")
	m.startRobot("lock_step:=false", "real_time_factor:=5.0")
	m.must("configure")
	m.must("emergency_stop")
	if err := m.ask("start"); err == nil || !strings.Contains(err.Error(), "the emergency stop is pressed") {
		t.Errorf("start while pressed: %v", err)
	}
	if commands, _ := m.counts(); commands > 0 {
		t.Errorf("%d commands", commands)
	}
	_, release := m.button()
	release()
	m.must("start")
	m.until("the arm is held", m.phase(trial.Hold, ""))
}

// TestPressedWhileActivating presses the stop when the robot has been looked at and there is no
// loop yet.
func TestPressedWhileActivating(t *testing.T) {
	var m *managed
	ready := make(chan struct{})
	m = startManaged(t, options{learner: func(argv []string) []string {
		<-ready
		// Its handler presses it at once; the supervisor, which is here, answers later.
		go m.Do(context.Background(), "emergency_stop")
		time.Sleep(50 * time.Millisecond)
		return silent(argv)
	}}, "lock_step:=false")
	close(ready)
	m.startRobot("lock_step:=false", "real_time_factor:=5.0")
	m.until("the fault is told", m.phase(trial.Fault, "emergency stop"))
	m.staysAtRest()
}

// TestRelax lets go of an arm that is held, and takes hold of it again.
func TestRelax(t *testing.T) {
	m := held(t)
	m.must("relax")
	m.until("the arm is let go of", m.phase(trial.Relax, ""))
	m.staysAtRest()
	m.until("the diagnostics tell of it", func() bool { return strings.Contains(m.health("arm").Message, "let go of") })
	m.must("start")
	m.until("the arm is held again", m.phase(trial.Hold, ""))
	m.must("stop")
	if err := m.ask("relax"); err == nil || !strings.Contains(err.Error(), "not active") {
		t.Errorf("relax while stopped: %v", err)
	}
}

// TestRelaxedTrialIsRepeated lets go of an arm in the middle of a trial.
func TestRelaxedTrialIsRepeated(t *testing.T) {
	t.Parallel() // it waits, most of the time
	m := startManaged(t, options{}, "lock_step:=false", "iterations:=1", "steps:=60")
	m.startRobot("lock_step:=false", "real_time_factor:=5.0")
	m.until("a trial runs", m.phase(trial.Run, ""))
	m.must("relax")
	m.until("the arm is let go of", m.phase(trial.Relax, ""))
	m.must("start")
	m.ends()
	if m.err != nil || len(m.result.Reports) != 1 {
		t.Errorf("%v, %+v", m.err, m.result)
	}
}
