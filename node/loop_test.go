package node

import (
	"runtime"
	"testing"

	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/hardware/robot"
	"guidedpolicysearch/node/diagnostics"
	"guidedpolicysearch/node/rosio"
	"guidedpolicysearch/node/rostime"
	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/transport/dds/ddstest"
	"guidedpolicysearch/node/transport/mem"
	"guidedpolicysearch/node/trial"
)

// asker is a robot that publishes joint states, to a control loop in the same process.
type asker struct {
	loop    *loop
	states  transport.Publisher
	joints  *rosio.JointWriter
	rest    []float64
	stamp   int64
	answers chan struct{}
}

// newAsker connects a control loop, which is to run a trial of some steps, with a robot at
// rest where the trial begins.
func newAsker(tb testing.TB, here, there transport.Node, steps int) *asker {
	tb.Helper()
	cfg := DefaultConfig()
	cfg.LockStep = false
	r, err := robot.New(cfg.Robot, nil)
	if err != nil {
		tb.Fatal(err)
	}
	machine, err := trial.NewMachine(cfg.Trials, r)
	if err != nil {
		tb.Fatal(err)
	}
	// Without ROS time the age of stamps is not judged.
	clock := rostime.New(rostime.Config{System: func() int64 { return 0 }})
	cfg.Steps = steps
	l, err := newLoop(cfg, r, machine, nil, nil)
	if err != nil {
		tb.Fatal(err)
	}
	l.clock, l.sent = clock, diagnostics.NewFrequency(diagnostics.FrequencyConfig{}, nil)
	a := &asker{loop: l, joints: rosio.NewJointWriter(r.Joints()), rest: make([]float64, r.DU()), stamp: 1_000_000_000, answers: make(chan struct{}, 1)}

	const ends = 4
	matched := make(chan struct{}, ends)
	tell := func(s transport.Status) {
		if s.Matched == 1 {
			matched <- struct{}{}
		}
	}
	must := func(err error) {
		if err != nil {
			tb.Fatal(err)
		}
	}
	states, commands := transport.Type{Name: "sensor_msgs/msg/JointState"}, transport.Type{Name: "std_msgs/msg/Float64MultiArray"}
	l.commands, err = here.Publisher("/commands", commands, transport.Default(), tell)
	must(err)
	_, err = here.Subscribe("/states", states, transport.Default(), l.jointState, tell)
	must(err)
	a.states, err = there.Publisher("/states", states, transport.Default(), tell)
	must(err)
	_, err = there.Subscribe("/commands", commands, transport.Default(), func([]byte, transport.Info) { a.answers <- struct{}{} }, tell)
	must(err)
	for range ends {
		<-matched
	}

	c := lqg.NewController(steps, r.DX(), r.DU())
	for t := range steps {
		for j := range r.DU() {
			c.CholAt(t)[j*r.DU()+j] = 0.1
		}
	}
	must(l.start(&trial.Command{Iteration: 1, DT: cfg.DT, InitialPosition: a.rest, Controller: c}))
	for l.status().phase != trial.Run {
		a.ask(tb)
	}
	return a
}

// ask publishes a joint state and waits for the command that answers it.
func (a *asker) ask(tb testing.TB) {
	a.stamp += 50_000_000
	if err := a.states.Publish(a.joints.Write(a.stamp, a.rest, a.rest)); err != nil {
		tb.Fatal(err)
	}
	<-a.answers
}

func memNodes(tb testing.TB) (here, there transport.Node) {
	var bus mem.Bus
	open := func(name string) transport.Node {
		n, err := bus.Open(transport.Options{Name: name})
		if err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(func() { n.Close() })
		return n
	}
	return open("here"), open("there")
}

func ddsNodes(tb testing.TB) (here, there transport.Node) {
	domain := ddstest.Domain(tb)
	return ddstest.Open(tb, domain, "here", nil), ddstest.Open(tb, domain, "there", nil)
}

// A message on its whole way, from its reception over the tick and the recording to the
// publication of the command, allocates nothing, and neither does the robot that asks.
func TestRoundTripAllocatesNothing(t *testing.T) {
	const warm, messages = 200, 5000
	for _, c := range []struct {
		name  string
		nodes func(testing.TB) (here, there transport.Node)
	}{
		{"mem", memNodes},
		{"middleware", ddsNodes},
	} {
		t.Run(c.name, func(t *testing.T) {
			here, there := c.nodes(t)
			a := newAsker(t, here, there, warm+messages+100)
			for range warm {
				a.ask(t)
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for range messages {
				a.ask(t)
			}
			runtime.ReadMemStats(&after)
			// The runtime itself, and the middleware's housekeeping, allocate now and then.
			if n := after.Mallocs - before.Mallocs; n > messages/100 {
				t.Errorf("%d allocations for %d round trips, want next to none", n, messages)
			}
			if s := a.loop.status(); s.phase != trial.Run || s.faults != 0 || s.failures != 0 {
				t.Errorf("after the messages the loop is in phase %v with %d faults (%v) and %d failures to publish, want a trial and none", s.phase, s.faults, s.fault, s.failures)
			}
			if n := a.loop.recorded.JointStates.Dropped(); n != 0 {
				t.Errorf("%d messages were not recorded", n)
			}
		})
	}
}

// BenchmarkTick is what the node itself adds to a message: no middleware, in a trial.
func BenchmarkTick(b *testing.B) {
	here, there := memNodes(b)
	a := newAsker(b, here, there, 100_000)
	a.loop.commands = sink{}
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		a.stamp += 50_000_000
		a.loop.jointState(a.joints.Write(a.stamp, a.rest, a.rest), transport.Info{})
	}
}

// sink is a publisher to nobody.
type sink struct{}

func (sink) Publish([]byte) error { return nil }
func (sink) Matched() int         { return 1 }
func (sink) Close() error         { return nil }
