package ros2control

import (
	"context"
	"testing"
	"time"

	cm "guidedpolicysearch/msgs/controller_manager_msgs"
)

// watchLoss watches a controller while something happens to it, and wants to be told of one
// loss, with that state.
func watchLoss(t *testing.T, c *Checker, r Report, want string, happen func()) {
	t.Helper()
	lost := make(chan string, 10)
	w, err := c.Watch(r, func(controller, state string) { lost <- controller + " " + state })
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if w.State() != active {
		t.Errorf("state %q, want active", w.State())
	}
	happen()
	select {
	case got := <-lost:
		if got != r.Controller+" "+want {
			t.Errorf("lost %q, want %s %s", got, r.Controller, want)
		}
	case <-time.After(patience):
		t.Fatalf("not told of %s", want)
	}
	if w.State() != want {
		t.Errorf("state %q, want %q", w.State(), want)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if len(lost) > 0 {
		t.Errorf("lost again: %s", <-lost)
	}
}

// TestWatch tells of every way in which a controller stops being active, by the manager's
// activity and by asking.
func TestWatch(t *testing.T) {
	state := func(s string) cm.ControllerState {
		c := effort("effort_controller", "a", "b")
		c.State = s
		return c
	}
	for want, happen := range map[string]func(m *manager){
		"inactive":     func(m *manager) { m.set(state("inactive")) },
		"finalized":    func(m *manager) { m.set(effort("other", "c"), state("finalized")) },
		Unloaded:       func(m *manager) { m.set(effort("other", "c")) },
		Gone:           func(m *manager) { m.node.Close() },
		Reconfigured:   func(m *manager) { m.set(effort("effort_controller", "b", "a")) },
		"unconfigured": func(m *manager) { m.set(effort("other", "c"), state(active)); m.set(state("unconfigured")) },
	} {
		for _, l := range layouts {
			if want == Reconfigured && l.rate {
				continue // to be reconfigured it is deactivated, of which the activity tells
			}
			open := inProcess(t)
			m := startManager(t, open, l, effort("effort_controller", "a", "b"))
			gps := open("gps")
			c := checker(t, gps, commands, nil)
			r, err := c.Check(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			t.Run(want+" "+l.since, func(t *testing.T) {
				watchLoss(t, c, r, want, func() {
					m.settle(t, gps.Graph)
					happen(m)
				})
			})
		}
	}
}

// TestWatchSeesWhatWasBefore tells of a controller that was deactivated between the check and
// the watch.
func TestWatchSeesWhatWasBefore(t *testing.T) {
	for _, l := range layouts {
		open := inProcess(t)
		m := startManager(t, open, l, effort("effort_controller", "a", "b"))
		c := checker(t, open("gps"), commands, nil)
		r, err := c.Check(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		off := effort("effort_controller", "a", "b")
		off.State = "inactive"
		m.set(off)
		lost := make(chan string, 1)
		w, err := c.Watch(r, func(_, state string) { lost <- state })
		if err != nil {
			t.Fatal(err)
		}
		select {
		case got := <-lost:
			if got != "inactive" {
				t.Errorf("since %s: lost %s", l.since, got)
			}
		case <-time.After(patience):
			t.Errorf("since %s: not told", l.since)
		}
		w.Close()
	}
}

// TestWatchGoesOn is told once for each time that the controller is lost, and not by what
// cannot be read.
func TestWatchGoesOn(t *testing.T) {
	lost := []string{}
	w := &Watch{controller: "arm", state: active, lost: func(_, state string) { lost = append(lost, state) }}
	message := func(id uint8) []byte {
		m := cm.ControllerManagerActivity{Controllers: []cm.NamedLifecycleState{{Name: "other"}, {Name: "arm"}}}
		m.Controllers[1].State.Id = id
		return m.AppendCDR(nil)
	}
	for _, id := range []uint8{3, 2, 2, 1, 3, 3, 200, 3} {
		payload := message(id)
		w.receive(payload, info)
		w.receive(payload[:len(payload)-6], info)
	}
	if len(lost) != 2 || lost[0] != "inactive" || lost[1] != "unknown" || w.State() != active {
		t.Errorf("lost %q, state %s", lost, w.State())
	}
	payload := message(3)
	if n := testing.AllocsPerRun(100, func() { w.receive(payload, info) }); n != 0 {
		t.Errorf("%v allocations for a message", n)
	}
}

// TestNoPolling asks nobody where the period is 0.
func TestNoPolling(t *testing.T) {
	open := inProcess(t)
	m := startManager(t, open, layouts[2], effort("effort_controller", "a", "b"))
	c := checker(t, open("gps"), commands, func(c *Config) { c.PollPeriod = 0 })
	r, err := c.Check(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	w, err := c.Watch(r, func(string, string) { t.Error("lost") })
	if err != nil || w.State() != "" {
		t.Errorf("state %q, error %v", w.State(), err)
	}
	m.set()
	if err := w.Close(); err != nil || m.calls != 1 {
		t.Errorf("%d calls, error %v", m.calls, err)
	}
}
