package node

import (
	"testing"
	"time"

	"guidedpolicysearch/hardware/robot"
	"guidedpolicysearch/msgs/std_msgs"
	"guidedpolicysearch/node/diagnostics"
	"guidedpolicysearch/node/rosio"
	"guidedpolicysearch/node/rostime"
	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/transport/mem"
	"guidedpolicysearch/node/trial"
)

func TestStampOf(t *testing.T) {
	for label, want := range map[string]int64{"0.000000000": 0, "12.000000345": 12_000_000_345, "": unstamped, "12": unstamped, "12.5": unstamped,
		"-1.000000000": unstamped, "a.000000000": unstamped, "1.00000000x": unstamped, "99999999999.000000000": unstamped} {
		m := std_msgs.Float64MultiArray{}
		m.Layout.Dim = []std_msgs.MultiArrayDimension{{Label: label}}
		if got := stampOf(&m); got != want {
			t.Errorf("label %q: %d, want %d", label, got, want)
		}
	}
	if got := stampOf(new(std_msgs.Float64MultiArray)); got != unstamped {
		t.Errorf("no dimension: %d", got)
	}
}

// TestPairing: in lock step a joint state that overtakes a sensor's message of the same time waits
// for it; one without a stamp is not waited for, and neither is any where time goes on.
func TestPairing(t *testing.T) {
	for name, c := range map[string]struct {
		lockStep bool
		stamp    int64 // of the sensor's first message
		ticks    uint64
	}{"lock step": {true, 1_000_000_000, 1}, "no stamp": {true, unstamped, 2}, "free running": {false, 1_000_000_000, 2}} {
		t.Run(name, func(t *testing.T) {
			cfg := DefaultConfig()
			cfg.LockStep = c.lockStep
			cfg.Robot.State = append(cfg.Robot.State, robot.Extra)
			cfg.Robot.Extra = robot.ExtraConfig{Topics: []string{"sensors/disc"}, Sizes: []int{1}}
			r, err := robot.New(cfg.Robot, nil)
			if err != nil {
				t.Fatal(err)
			}
			machine, err := trial.NewMachine(cfg.Trials, r)
			if err != nil {
				t.Fatal(err)
			}
			var bus mem.Bus
			node, err := bus.Open(transport.Options{Name: "here"})
			if err != nil {
				t.Fatal(err)
			}
			defer node.Close()
			double := transport.Type{Name: "std_msgs/msg/Float64MultiArray"}
			commands, err := node.Publisher("/commands", double, transport.Default(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := node.Subscribe("/commands", double, transport.Default(), func([]byte, transport.Info) {}, nil); err != nil {
				t.Fatal(err)
			}
			for commands.Matched() == 0 {
				time.Sleep(time.Millisecond)
			}
			l, err := newLoop(cfg, r, machine, commands, map[string]string{})
			if err != nil {
				t.Fatal(err)
			}
			l.clock, l.sent = rostime.New(rostime.Config{System: func() int64 { return 0 }}), diagnostics.NewFrequency(diagnostics.FrequencyConfig{}, nil)
			l.thread = nil
			joints, rest := rosio.NewJointWriter(r.Joints()), make([]float64, r.DU())
			say := func(stamp int64) { l.jointState(joints.Write(stamp, rest, rest), transport.Info{}) }
			l.extra(0, []float64{1}, c.stamp)
			say(1_000_000_000)
			say(1_050_000_000)
			if ticks, _ := machine.Counts(); ticks != c.ticks {
				t.Errorf("%d ticks before the sensor's message, want %d", ticks, c.ticks)
			}
			l.extra(0, []float64{2}, 1_050_000_000)
			if ticks, _ := machine.Counts(); ticks != 2 {
				t.Errorf("%d ticks after it, want 2", ticks)
			}
			l.extra(0, []float64{2}, 1_050_000_000) // repeated: nothing waits any more
			if ticks, _ := machine.Counts(); ticks != 2 {
				t.Errorf("%d ticks in the end, want 2", ticks)
			}
		})
	}
}
