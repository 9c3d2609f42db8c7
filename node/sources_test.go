package node

import (
	"strings"
	"testing"

	"guidedpolicysearch/msgs/sensor_msgs"
	"guidedpolicysearch/node/rosio"
	"guidedpolicysearch/node/rostype"
	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/trial"
)

// TestSources: publishers may follow one another; one that was heard before another is a second
// source, however many there are.
func TestSources(t *testing.T) {
	many := make([]transport.PublisherID, 100)
	for i := range many {
		many[i] = transport.PublisherID(i)
	}
	for name, c := range map[string]struct {
		heard []transport.PublisherID
		wrong map[int]bool // which of them are told of
	}{
		"one":                 {[]transport.PublisherID{5, 5, 5, 5}, nil},
		"restarted":           {[]transport.PublisherID{5, 5, 6, 6, 7, 7, 7}, nil},
		"restarted often":     {many, nil},
		"two in turn":         {[]transport.PublisherID{5, 6, 5, 6, 5}, map[int]bool{2: true, 3: true, 4: true}},
		"two now and then":    {[]transport.PublisherID{5, 5, 5, 6, 5, 5, 5, 6, 6}, map[int]bool{4: true, 7: true}},
		"three in turn":       {[]transport.PublisherID{5, 6, 7, 5, 6, 7}, map[int]bool{3: true, 4: true, 5: true}},
		"identity 0, in turn": {[]transport.PublisherID{0, 1, 0}, map[int]bool{2: true}},
		"one after another":   {[]transport.PublisherID{5, 6, 5, 5, 5, 5}, map[int]bool{2: true}},
	} {
		var s sources
		for i, p := range c.heard {
			if two := s.check(p); two != c.wrong[i] {
				t.Errorf("%s: message %d: two sources %v", name, i, two)
			}
		}
	}
	var s sources
	next := transport.PublisherID(0)
	if n := testing.AllocsPerRun(100, func() { next++; _ = s.check(next % 3) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestTwoDrivers: a second publisher of joint states is warned of, with its name, and where both
// deliver a fault is latched.
func TestTwoDrivers(t *testing.T) {
	t.Parallel() // it waits, most of the time
	for _, by := range []string{trial.ByJointStates, trial.ByTimer} {
		m := held(t, "loop.driven_by:="+by, "safety.missed_in_a_row:=0", "safety.missed_per_second:=0")
		rival, err := m.bus.Open(transport.Options{Name: "rival", Namespace: "/arm"})
		if err != nil {
			t.Fatal(err)
		}
		defer rival.Close()
		p, err := rival.Publisher("/joint_states", rostype.Of(new(sensor_msgs.JointState)), transport.Default(), nil)
		if err != nil {
			t.Fatal(err)
		}
		m.until("the diagnostics tell of it", func() bool {
			text := m.health("joint_states").Message
			return strings.Contains(text, "2 publishers of joint states on /joint_states") && strings.Contains(text, "/arm/rival")
		})
		if !m.phase(trial.Hold, "")() {
			t.Errorf("%s: a publisher that says nothing ended phase hold", by)
		}
		m.must("stop")
		m.must("start")
		m.until("the arm is held again", m.phase(trial.Hold, ""))
		if log := m.log(); strings.Count(log, "2 publishers of joint states") != 1 {
			t.Errorf("%s: warned not once:\n%s", by, log)
		}
		states := make(chan sensor_msgs.JointState, 1000)
		if _, err := rival.Subscribe("/joint_states", rostype.Of(new(sensor_msgs.JointState)), transport.Default(), func(payload []byte, _ transport.Info) {
			var state sensor_msgs.JointState
			if err := state.UnmarshalCDR(payload); err != nil {
				t.Error(err)
			}
			select {
			case states <- state:
			default:
			}
		}, nil); err != nil {
			t.Fatal(err)
		}
		state := <-states
		w := rosio.NewJointWriter(state.Name)
		m.say(p, w.Write(1_000_000_000*int64(state.Header.Stamp.Sec)+int64(state.Header.Stamp.Nanosec), state.Position, state.Velocity))
		m.until("a fault is latched", m.phase(trial.Fault, "two publishers deliver"))
		// A person decides who tells the truth, though the rival is silent again.
		m.staysAtRest()
		m.until("the fault is latched", m.phase(trial.Fault, "two publishers deliver"))
		m.must("reset_fault")
		m.until("the arm is held", m.phase(trial.Hold, ""))
	}
}
