package node

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"guidedpolicysearch/msgs/guided_policy_search_msgs"
	"guidedpolicysearch/node/record"
	"guidedpolicysearch/node/rostype"
	"guidedpolicysearch/node/transport"
)

// TestRobotIsNotPlaced: a simulated arm that cannot be placed ends the run with the reason, and the torque
// is zero.
func TestRobotIsNotPlaced(t *testing.T) {
	t.Parallel() // it waits, most of the time
	offer := func(m *managed, answer bool) {
		_, err := m.outside.Service("/place", rostype.Of(new(guided_policy_search_msgs.PlaceRobot)), transport.ServiceQoS(), func(_ []byte, reply transport.Reply) {
			if answer {
				_ = reply((&guided_policy_search_msgs.PlaceRobot_Response{Message: "the arm is welded"}).AppendCDR(nil))
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		offer         func(*managed)
		timeout, want string
	}{
		"refused":   {func(m *managed) { offer(m, true) }, "60.0", "it refused: the arm is welded"},
		"no answer": {func(m *managed) { offer(m, false) }, "0.3", "did not answer within 300ms (scene.timeout)"},
		"nobody":    {func(*managed) {}, "0.3", "nobody offers it, for 300ms"},
	} {
		t.Run(name, func(t *testing.T) {
			m := startManaged(t, options{}, "scene.place_service:=place", "scene.timeout:="+c.timeout)
			c.offer(m)
			m.startRobot()
			m.ends()
			if !errors.Is(m.err, ErrGaveUp) || !strings.Contains(m.err.Error(), c.want) || !strings.Contains(m.err.Error(), "place (scene.place_service; empty for") {
				t.Errorf("ended with %v, want %q", m.err, c.want)
			}
			m.staysAtRest()
		})
	}
}

// TestRobotIsPlaced: in lock step every trial begins exactly at its condition; without, the service is not
// asked for.
func TestRobotIsPlaced(t *testing.T) {
	m := startManaged(t, options{})
	m.startRobot()
	m.ends()
	if m.err != nil {
		t.Fatal(m.err)
	}
	folder, err := record.View(m.folder)
	if err != nil {
		t.Fatal(err)
	}
	for iteration := range uint32(2) {
		paths, err := folder.Rollouts(iteration + 1)
		if err != nil || len(paths) != 2 {
			t.Fatalf("%q, %v", paths, err)
		}
		for _, path := range paths {
			r, err := folder.ReadRollout(path)
			if err != nil {
				t.Fatal(err)
			}
			if want := []float64{2.356194490192345, 1.5707963267948966, 0, 0}; !slices.Equal(r.States[:4], want) {
				t.Errorf("%s begins at %v, want %v", path, r.States[:4], want)
			}
		}
	}
	free := startManaged(t, options{}, "scene.place_service:=place", "lock_step:=false", "iterations:=1", "steps:=5", "samples:=2")
	free.startRobot("lock_step:=false", "real_time_factor:=5.0")
	free.ends()
	if free.err != nil {
		t.Errorf("without lock step: %v", free.err)
	}
}
