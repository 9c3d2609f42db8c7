package rosio_test

import (
	"errors"
	"math"
	"reflect"
	"runtime"
	"testing"

	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/nn"
	"guidedpolicysearch/gps/policy"
	"guidedpolicysearch/gps/rollout"
	"guidedpolicysearch/hardware/robot"
	"guidedpolicysearch/msgs/guided_policy_search_msgs"
	"guidedpolicysearch/node/rosio"
	"guidedpolicysearch/node/trial"
)

func arm(t testing.TB) *robot.Robot {
	r, err := robot.New(robot.DefaultConfig(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func count(n int, first float64) []float64 {
	a := make([]float64, n)
	for i := range a {
		a[i] = first + float64(i)/8
	}
	return a
}

// exampleCommand is a command whose numbers all differ.
func exampleCommand() *trial.Command {
	c := lqg.NewController(4, 7, 2)
	copy(c.K, count(len(c.K), 1))
	copy(c.Bias, count(len(c.Bias), -3))
	copy(c.Chol, count(len(c.Chol), 0.5))
	return &trial.Command{Iteration: 3, Condition: 1, Sample: 2, DT: 0.05, InitialPosition: []float64{0.5, -1}, NoiseSeed: math.MaxUint64 - 1, Controller: c}
}

// examplePolicy is a policy that sees one of the states.
func examplePolicy(t testing.TB) *policy.Network {
	t.Helper()
	net, err := nn.New(nn.Config{Sizes: []int{1, 3, 2}, Hidden: nn.Tanh})
	if err != nil {
		t.Fatal(err)
	}
	net.Initialise(5)
	p, err := policy.NewNetwork(net, []int{4}, 4, 7, []float64{1, 0, 0.5, 2})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// body is the body of its file.
func body(t testing.TB) []byte {
	t.Helper()
	b, err := examplePolicy(t).MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func message(t testing.TB, c *trial.Command, stamp int64) *guided_policy_search_msgs.TrialCommand {
	t.Helper()
	m, err := rosio.Command(c, stamp)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// exampleRecord is what a trial of exampleCommand left behind.
func exampleRecord() *trial.Record {
	c := exampleCommand()
	rec := &trial.Record{Command: c, Rollout: rollout.New(4, 7, 2), Commanded: count(8, 9), Stamps: []int64{-1, 50_000_000, 100_000_000, 150_000_000, 2_000_000_001},
		Steps: 4, Ages: count(5, 0.001), Lost: []uint32{0, 0, 3, 0, 1}, Intervened: 2}
	copy(rec.Rollout.X, count(35, -2))
	copy(rec.Rollout.U, count(8, 7))
	return rec
}

func exampleRollout(t testing.TB) *guided_policy_search_msgs.Rollout {
	m := new(guided_policy_search_msgs.Rollout)
	rosio.SetRollout(m, exampleRecord(), arm(t))
	return m
}

func TestCommandRoundTrip(t *testing.T) {
	want := exampleCommand()
	var m guided_policy_search_msgs.TrialCommand
	if err := m.UnmarshalCDR(message(t, want, 5_000_000_007).AppendCDR(nil)); err != nil {
		t.Fatal(err)
	}
	if m.Stamp != rosio.Stamp(5_000_000_007) {
		t.Errorf("stamp %v", m.Stamp)
	}
	got, err := rosio.ReadCommand(&m)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	// Neither side keeps the other's arrays.
	m.Controller.KGain[0], m.InitialPosition[0] = 99, 99
	sent := message(t, want, 0)
	sent.Controller.Bias[0], sent.InitialPosition[0] = 99, 99
	if !reflect.DeepEqual(got, want) || !reflect.DeepEqual(want, exampleCommand()) {
		t.Error("message and command share memory")
	}
}

func TestRolloutRoundTrip(t *testing.T) {
	r, rec := arm(t), exampleRecord()
	var m guided_policy_search_msgs.Rollout
	if err := m.UnmarshalCDR(exampleRollout(t).AppendCDR(nil)); err != nil {
		t.Fatal(err)
	}
	if m.Iteration != 3 || m.Condition != 1 || m.Sample != 2 || m.NoiseSeed != math.MaxUint64-1 || m.Dt != 0.05 || m.Header.Stamp != rosio.Stamp(-1) {
		t.Errorf("message %+v", m)
	}
	if !reflect.DeepEqual(m.Commanded, rec.Commanded) || len(m.Stamps) != 5 {
		t.Errorf("commanded %v, stamps %v", m.Commanded, m.Stamps)
	}
	for i, s := range m.Stamps {
		if rosio.Nanoseconds(s) != rec.Stamps[i] {
			t.Errorf("stamp %d is %v, want %d ns", i, s, rec.Stamps[i])
		}
	}
	got, err := rosio.ReadRollout(&m, r)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, rec.Rollout) {
		t.Errorf("got %+v, want %+v", got, rec.Rollout)
	}
	// A message that is used again holds the new record only.
	short := trial.NewRecord(1, 7, 2)
	short.Command = exampleCommand()
	rosio.SetRollout(&m, short, r)
	if len(m.Stamps) != 2 || len(m.States) != 14 || m.Steps != 1 {
		t.Errorf("message %+v", m)
	}
	if n := testing.AllocsPerRun(10, func() { rosio.SetRollout(&m, short, r) }); n != 0 {
		t.Errorf("SetRollout allocates %v times", n)
	}
}

// huge are sizes whose products overflow int64 or, multiplied in 32 bits, come out as
// small numbers.
var huge = []uint32{1 << 16, 1 << 24, 1 << 28, 1 << 30, 1 << 31, math.MaxInt32, math.MaxUint32, math.MaxUint32 - 1, 0x55555556, 0x2492492a}

// bounded runs f and fails if it allocates more than it may.
func bounded(t *testing.T, name string, limit uint64, f func()) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > limit {
		t.Errorf("%s allocates %d bytes", name, n)
	}
}

// A trial that a policy drives comes back as it was sent, and its rollout says so.
func TestPolicyRoundTrip(t *testing.T) {
	want := exampleCommand()
	want.Controller = examplePolicy(t)
	var m guided_policy_search_msgs.TrialCommand
	if err := m.UnmarshalCDR(message(t, want, 0).AppendCDR(nil)); err != nil {
		t.Fatal(err)
	}
	got, err := rosio.ReadCommand(&m)
	if err != nil || m.Steps != 4 || m.Controller.Steps != 0 {
		t.Fatalf("%v: %+v", err, m)
	}
	x, noise := count(7, -1), []float64{0.3, -2}
	for _, e := range [][]float64{nil, noise} {
		var u, v [2]float64
		got.Controller.Act(u[:], x, 3, e)
		want.Controller.Act(v[:], x, 3, e)
		if u != v {
			t.Errorf("with noise %v it acts %v, want %v", e, u, v)
		}
	}
	rec, out := exampleRecord(), new(guided_policy_search_msgs.Rollout)
	if rosio.SetRollout(out, rec, arm(t)); out.Driver != "controller" {
		t.Errorf("driven by %q", out.Driver)
	}
	rec.Command = want
	if rosio.SetRollout(out, rec, arm(t)); out.Driver != "policy" {
		t.Errorf("driven by %q", out.Driver)
	}
	want.Controller = trial.Mean{Controller: want.Controller}
	if m, err := rosio.Command(want, 0); !errors.Is(err, rosio.ErrMessage) || m != nil {
		t.Errorf("a command that no message holds: %v, %v", m, err)
	}
}

func TestReadCommandRefuses(t *testing.T) {
	type command = guided_policy_search_msgs.TrialCommand
	check := func(name string, edit func(*command)) {
		t.Helper()
		m := message(t, exampleCommand(), 0)
		edit(m)
		bounded(t, name, 1<<20, func() {
			if c, err := rosio.ReadCommand(m); !errors.Is(err, rosio.ErrMessage) || c != nil {
				t.Errorf("%s: %v, error %v", name, c, err)
			}
		})
	}
	check("nothing", func(m *command) { *m = command{} })
	check("steps of the command", func(m *command) { m.Steps++ })
	check("no steps", func(m *command) { m.Steps, m.Controller.Steps = 0, 0 })
	check("no dX", func(m *command) { m.Controller.Dx, m.Controller.KGain = 0, nil })
	check("no dU", func(m *command) {
		m.Controller.Du, m.Controller.KGain, m.Controller.Bias, m.Controller.Chol = 0, nil, nil, nil
	})
	check("short gains", func(m *command) { m.Controller.KGain = m.Controller.KGain[1:] })
	check("long bias", func(m *command) { m.Controller.Bias = append(m.Controller.Bias, 0) })
	check("no factors", func(m *command) { m.Controller.Chol = nil })
	check("NaN gain", func(m *command) { m.Controller.KGain[9] = math.NaN() })
	check("a policy cut short", func(m *command) { m.Policy = body(t)[:40] })
	check("a policy of more steps", func(m *command) { m.Policy, m.Steps = body(t), 5 })
	check("infinite bias", func(m *command) { m.Controller.Bias[1] = math.Inf(1) })
	check("NaN factor", func(m *command) { m.Controller.Chol[2] = math.NaN() })
	check("negative factor", func(m *command) { m.Controller.Chol[3] = -1 })
	for _, a := range huge {
		check("huge T", func(m *command) { m.Steps, m.Controller.Steps = a, a })
		check("huge dX", func(m *command) { m.Controller.Dx = a })
		check("huge dU", func(m *command) { m.Controller.Du = a })
		for _, b := range huge {
			for _, c := range huge {
				check("huge sizes", func(m *command) {
					m.Steps, m.Controller.Steps, m.Controller.Dx, m.Controller.Du = a, a, b, c
				})
				check("huge sizes, empty arrays", func(m *command) {
					m.Steps, m.Controller = a, guided_policy_search_msgs.LinearGaussianController{Steps: a, Dx: b, Du: c}
				})
			}
		}
	}
}

func TestReadRolloutRefuses(t *testing.T) {
	type message = guided_policy_search_msgs.Rollout
	r := arm(t)
	check := func(name string, is error, edit func(*message)) {
		t.Helper()
		m := exampleRollout(t)
		edit(m)
		bounded(t, name, 1<<20, func() {
			if _, err := rosio.ReadRollout(m, r); !errors.Is(err, is) {
				t.Errorf("%s: error %v, want %v", name, err, is)
			}
		})
	}
	check("nothing", rosio.ErrMessage, func(m *message) { *m = message{} })
	check("other joints", rosio.ErrMessage, func(m *message) { m.JointNames = []string{"joint2", "joint1"} })
	check("no joints", rosio.ErrMessage, func(m *message) { m.JointNames = nil })
	check("other state", rosio.ErrMessage, func(m *message) { m.StateNames = m.StateNames[:6] })
	check("no steps", rosio.ErrMessage, func(m *message) { m.Steps, m.States, m.Actions = 0, m.States[:7], nil })
	check("other dX", rosio.ErrMessage, func(m *message) { m.Dx = 5 })
	check("other dU", rosio.ErrMessage, func(m *message) { m.Du = 4 })
	check("short states", rosio.ErrMessage, func(m *message) { m.States = m.States[1:] })
	check("T states", rosio.ErrMessage, func(m *message) { m.States = m.States[:28] })
	check("long actions", rosio.ErrMessage, func(m *message) { m.Actions = append(m.Actions, 1) })
	check("NaN state", rollout.ErrNotFinite, func(m *message) { m.States[30] = math.NaN() })
	check("infinite action", rollout.ErrNotFinite, func(m *message) { m.Actions[3] = math.Inf(-1) })
	check("many joints", rosio.ErrMessage, func(m *message) { m.JointNames = make([]string, 100_000) })
	for _, a := range huge {
		check("huge T", rosio.ErrMessage, func(m *message) { m.Steps = a })
		check("huge T, empty arrays", rosio.ErrMessage, func(m *message) { m.Steps, m.States, m.Actions = a, nil, nil })
		check("huge dX", rosio.ErrMessage, func(m *message) { m.Dx = a })
		check("huge dU", rosio.ErrMessage, func(m *message) { m.Du = a })
	}
}

func FuzzReadCommand(f *testing.F) {
	good := message(f, exampleCommand(), 0)
	f.Add(good.AppendCDR(nil))
	good.Steps, good.Controller.Steps, good.Controller.Dx, good.Controller.Du = 1<<31, 1<<31, 4, 1<<31
	f.Add(good.AppendCDR(nil))
	f.Add((&guided_policy_search_msgs.TrialCommand{}).AppendCDR(nil))
	good.Policy, good.Steps = body(f), 4
	f.Add(good.AppendCDR(nil))
	f.Fuzz(func(t *testing.T, payload []byte) {
		var m guided_policy_search_msgs.TrialCommand
		if m.UnmarshalCDR(payload) != nil {
			return
		}
		c, err := rosio.ReadCommand(&m)
		if err != nil {
			if !errors.Is(err, rosio.ErrMessage) {
				t.Fatal(err)
			}
			return
		}
		// What was accepted can be run.
		T, dX, dU := c.Controller.Sizes()
		u, x, noise := make([]float64, dU), make([]float64, dX), make([]float64, dU)
		c.Controller.Act(u, x, T-1, noise)
		back, err := rosio.ReadCommand(message(t, c, 0))
		if err != nil || math.Float64bits(back.DT) != math.Float64bits(c.DT) || back.NoiseSeed != c.NoiseSeed || !reflect.DeepEqual(back.Controller, c.Controller) {
			t.Fatalf("%v: %+v came back as %+v", err, c, back)
		}
	})
}

func FuzzReadRollout(f *testing.F) {
	good := exampleRollout(f)
	f.Add(good.AppendCDR(nil))
	good.Steps = math.MaxUint32
	f.Add(good.AppendCDR(nil))
	f.Add((&guided_policy_search_msgs.Rollout{}).AppendCDR(nil))
	r := arm(f)
	f.Fuzz(func(t *testing.T, payload []byte) {
		var m guided_policy_search_msgs.Rollout
		if m.UnmarshalCDR(payload) != nil {
			return
		}
		out, err := rosio.ReadRollout(&m, r)
		if err != nil {
			if !errors.Is(err, rosio.ErrMessage) && !errors.Is(err, rollout.ErrNotFinite) {
				t.Fatal(err)
			}
			return
		}
		if len(out.State(out.T)) != r.DX() || len(out.Action(out.T-1)) != r.DU() {
			t.Fatalf("T=%d dX=%d dU=%d", out.T, out.DX, out.DU)
		}
	})
}
