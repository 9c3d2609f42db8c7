package node

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"guidedpolicysearch/msgs/sensor_msgs"
	"guidedpolicysearch/msgs/std_srvs"
	"guidedpolicysearch/node/rostype"
	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/trial"
)

// scene offers a service that puts objects back, and counts its calls. answer is asked for each;
// nil answers none.
func (m *managed) scene(answer func() (done bool, message string)) *atomic.Int64 {
	m.t.Helper()
	calls := new(atomic.Int64)
	_, err := m.outside.Service("/reset_scene", rostype.Of(new(std_srvs.Trigger)), transport.ServiceQoS(), func(_ []byte, reply transport.Reply) {
		calls.Add(1)
		if answer == nil {
			return
		}
		done, message := answer()
		if err := reply((&std_srvs.Trigger_Response{Success: done, Message: message}).AppendCDR(nil)); err != nil {
			m.t.Error(err)
		}
	})
	if err != nil {
		m.t.Fatal(err)
	}
	return calls
}

func well() (bool, string) { return true, "" }

// TestSceneIsReset before each trial, while the arm waits where it begins.
func TestSceneIsReset(t *testing.T) {
	m := startManaged(t, options{}, "scene.service:=reset_scene")
	calls := m.scene(func() (bool, string) {
		// The state that the node has told before may still be on its way, but it tells none until it is answered.
		for end := time.Now().Add(5 * time.Second); m.phase(trial.Run, "")(); time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Error("the scene is reset while a trial runs")
				break
			}
		}
		return well()
	})
	m.startRobot()
	m.ends()
	if m.err != nil || calls.Load() != 4 {
		t.Errorf("%v, %d calls for 4 trials", m.err, calls.Load())
	}
}

// TestSceneIsResetAgain before a trial is repeated, whatever broke it off.
func TestSceneIsResetAgain(t *testing.T) {
	t.Parallel() // it waits, most of the time
	for _, lockStep := range []string{"lock_step:=true", "lock_step:=false"} {
		for name, breakOff := range map[string]func(*managed){
			"fault": func(m *managed) {
				m.say(m.publisher("/joint_states", new(sensor_msgs.JointState), transport.Default()), []byte{0, 1, 0, 0, 1})
			},
			"abort": func(m *managed) { m.must("abort_trial") },
			"relax": func(m *managed) {
				m.must("relax")
				m.until("the arm is let go of", m.phase(trial.Relax, ""))
				m.must("start")
			},
		} {
			t.Run(name+", "+lockStep, func(t *testing.T) {
				t.Parallel()
				m := startManaged(t, options{}, "scene.service:=reset_scene", "iterations:=1", "steps:=60", lockStep)
				calls := m.scene(well)
				m.startRobot(lockStep, "real_time_factor:=3.0")
				m.until("a trial runs", m.phase(trial.Run, ""))
				before := calls.Load()
				breakOff(m)
				m.until("the scene is reset", func() bool { return calls.Load() > before })
				m.ends()
				want := 2 + strings.Count(m.log(), "the trial is repeated") // a busy machine loses joint states
				if name != "fault" {
					want++
				}
				if m.err != nil || len(m.result.Reports) != 1 || calls.Load() != int64(want) || want < 3 {
					t.Errorf("%v, %+v, the scene was reset %d times, want %d", m.err, m.result, calls.Load(), want)
				}
			})
		}
	}
}

// TestSceneIsNotReset: a scene that cannot be reset ends the run with the reason, and the torque is zero.
func TestSceneIsNotReset(t *testing.T) {
	t.Parallel() // it waits, most of the time
	for name, c := range map[string]struct {
		offer         func(*managed)
		timeout, want string
	}{
		"refused":   {func(m *managed) { m.scene(func() (bool, string) { return false, "the disc is stuck" }) }, "60.0", "it refused: the disc is stuck"},
		"no answer": {func(m *managed) { m.scene(nil) }, "0.3", "did not answer within 300ms (scene.timeout)"},
		"nobody":    {func(*managed) {}, "0.3", "nobody offers it, for 300ms"},
	} {
		t.Run(name, func(t *testing.T) {
			m := startManaged(t, options{}, "scene.service:=reset_scene", "scene.timeout:="+c.timeout, "lock_step:=false")
			c.offer(m)
			m.startRobot("lock_step:=false", "real_time_factor:=5.0")
			m.ends()
			if !errors.Is(m.err, ErrGaveUp) || !strings.Contains(m.err.Error(), c.want) || !strings.Contains(m.err.Error(), "reset_scene (scene.service)") {
				t.Errorf("ended with %v, want %q", m.err, c.want)
			}
			m.staysAtRest()
		})
	}
}
