package rostime

import (
	"errors"
	"slices"
	"testing"
	"time"

	"guidedpolicysearch/msgs/builtin_interfaces"
	"guidedpolicysearch/msgs/rosgraph_msgs"
	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/transport/mem"
)

const system = 1_700_000_000_000_000_000

// topic is /clock without a middleware.
type topic struct {
	open    []*subscription
	refused error
	name    string
	typ     transport.Type
	qos     transport.QoS
}

type subscription struct {
	topic   *topic
	handler transport.Handler
	err     error
}

func (t *topic) Subscribe(name string, typ transport.Type, q transport.QoS, h transport.Handler, _ transport.StatusHandler) (transport.Subscription, error) {
	if t.refused != nil {
		return nil, t.refused
	}
	t.name, t.typ, t.qos = name, typ, q
	s := &subscription{topic: t, handler: h}
	t.open = append(t.open, s)
	return s, nil
}

func (s *subscription) Matched() int { return 2 }

func (s *subscription) Close() error {
	s.topic.open = slices.DeleteFunc(s.topic.open, func(x *subscription) bool { return x == s })
	return s.err
}

func payload(sec int32, nanosec uint32) []byte {
	m := rosgraph_msgs.Clock{Clock: builtin_interfaces.Time{Sec: sec, Nanosec: nanosec}}
	return m.AppendCDR(nil)
}

func (t *topic) say(sec int32, nanosec uint32) {
	t.open[0].handler(payload(sec, nanosec), transport.Info{})
}

func newClock(t *testing.T, change func(*Config)) (*Clock, *topic, *[]Jump) {
	t.Helper()
	var at topic
	var jumps []Jump
	cfg := Config{Node: &at, System: func() int64 { return system }, MinForward: 10 * time.Second,
		OnJump: func(j Jump) { jumps = append(jumps, j) }}
	if change != nil {
		change(&cfg)
	}
	return New(cfg), &at, &jumps
}

func use(t *testing.T, c *Clock, on bool) {
	t.Helper()
	if err := c.UseSimTime(on); err != nil {
		t.Fatal(err)
	}
}

func TestSystemTime(t *testing.T) {
	c, at, jumps := newClock(t, nil)
	use(t, c, false)
	if c.Now() != system || c.Simulated() || len(at.open) != 0 || len(*jumps) != 0 {
		t.Errorf("time %d, simulated %v, %d subscriptions, jumps %v", c.Now(), c.Simulated(), len(at.open), *jumps)
	}
	before := time.Now().UnixNano()
	if now := New(Config{}).Now(); now < before || now > time.Now().UnixNano() {
		t.Errorf("system time %d, want at least %d", now, before)
	}
}

func TestSimulatedTime(t *testing.T) {
	c, at, jumps := newClock(t, nil)
	use(t, c, true)
	use(t, c, true) // no second subscription
	if at.name != "/clock" || at.typ.Name != "rosgraph_msgs/msg/Clock" || at.qos != transport.Clock() || len(at.open) != 1 {
		t.Errorf("subscribed to %q of %v with %+v, %d times", at.name, at.typ, at.qos, len(at.open))
	}
	steps := []struct {
		do   func()
		want int64
	}{
		{func() {}, 0},
		{func() { at.say(5, 1) }, 5_000_000_001},
		{func() { at.say(5, 1) }, 5_000_000_001},
		{func() { at.say(20, 0) }, 20_000_000_000}, // forward, a jump
		{func() { at.say(3, 0) }, 3_000_000_000},   // back, a jump
		{func() { at.say(-1, 0) }, 3_000_000_000},
		{func() { at.say(4, 1_000_000_000) }, 3_000_000_000},
		{func() { at.open[0].handler([]byte{0, 1, 0, 0, 9, 0, 0, 0}, transport.Info{}) }, 3_000_000_000},
		{func() { at.open[0].handler(nil, transport.Info{}) }, 3_000_000_000},
		{func() { use(t, c, false) }, system},
		{func() { use(t, c, true) }, 3_000_000_000}, // what was last heard, as rclcpp
		{func() { at.say(2147483647, 999_999_999) }, 2_147_483_647_999_999_999},
	}
	for i, s := range steps {
		s.do()
		if got := c.Now(); got != s.want {
			t.Fatalf("step %d: time %d, want %d", i, got, s.want)
		}
	}
	want := []Jump{
		{Activated, system, 0},
		{NoChange, 5_000_000_001, 20_000_000_000},
		{NoChange, 20_000_000_000, 3_000_000_000},
		{Deactivated, 3_000_000_000, system},
		{Activated, system, 3_000_000_000},
		{NoChange, 3_000_000_000, 2_147_483_647_999_999_999},
	}
	if !slices.Equal(*jumps, want) {
		t.Errorf("jumps %v, want %v", *jumps, want)
	}
	if got, want := c.Stats(), (Stats{Messages: 5, Rejected: 4, Backward: 1, Publishers: 2}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// A message that was under way when time became the system's changes nothing.
func TestLateMessage(t *testing.T) {
	c, at, _ := newClock(t, nil)
	use(t, c, true)
	late := at.open[0].handler
	use(t, c, false)
	late(payload(5, 0), transport.Info{})
	if c.Now() != system || c.Stats().Messages != 0 {
		t.Errorf("time %d, %+v", c.Now(), c.Stats())
	}
}

func TestErrors(t *testing.T) {
	refused := errors.New("refused")
	c, at, jumps := newClock(t, func(c *Config) { c.Topic = "/sim/clock" })
	at.refused = refused
	if err := c.UseSimTime(true); !errors.Is(err, refused) || c.Simulated() || len(*jumps) != 0 {
		t.Errorf("%v, simulated %v, jumps %v", err, c.Simulated(), *jumps)
	}
	at.refused = nil
	use(t, c, true)
	if at.name != "/sim/clock" {
		t.Errorf("subscribed to %s", at.name)
	}
	at.open[0].err = refused
	if err := c.UseSimTime(false); !errors.Is(err, refused) || c.Simulated() || len(*jumps) != 2 {
		t.Errorf("%v, simulated %v, jumps %v", err, c.Simulated(), *jumps)
	}
	use(t, c, true)
	if err := errors.Join(c.Close(), c.Close()); err != nil || len(at.open) != 0 {
		t.Errorf("%v, %d subscriptions left", err, len(at.open))
	}
	if err := c.UseSimTime(false); !errors.Is(err, transport.ErrClosed) {
		t.Errorf("use of a closed clock: %v", err)
	}
}

func TestAllocatesNothing(t *testing.T) {
	c, at, _ := newClock(t, nil)
	use(t, c, true)
	message := payload(5, 0)
	if n := testing.AllocsPerRun(100, func() {
		at.open[0].handler(message, transport.Info{})
		if c.Now() == 0 || c.Steady() <= 0 {
			t.Error("no time")
		}
	}); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

// Over a transport, with switches at run time from another goroutine.
func TestOverTransport(t *testing.T) {
	n, err := new(mem.Bus).Open(transport.Options{Name: "gps"})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	jumped := make(chan Jump, 1000)
	c := New(Config{Node: n, MinForward: 1, OnJump: func(j Jump) { jumped <- j }})
	p, err := n.Publisher(Topic, transport.Type{Name: "rosgraph_msgs/msg/Clock"}, transport.Clock(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range int32(100) {
		use(t, c, true)
		if err := p.Publish(payload(2*i+1, 0)); err != nil {
			t.Fatal(err)
		}
		want := int64(2*i+1) * 1e9
		for j := range jumped {
			if j.Change == NoChange && j.To == want { // and not one of the last round
				break
			}
		}
		if c.Now() != want {
			t.Fatalf("time %d, want %d", c.Now(), want)
		}
		// One that may still be under way.
		if err := p.Publish(payload(2*i+2, 0)); err != nil {
			t.Fatal(err)
		}
		use(t, c, false)
		for j := range jumped {
			if j.Change == Deactivated {
				break
			}
		}
		if c.Simulated() {
			t.Fatal("time is still simulated")
		}
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// FuzzClock feeds anything to a clock: time is one that a good message said.
func FuzzClock(f *testing.F) {
	f.Add(payload(5, 6))
	f.Add(payload(-1, 0))
	f.Add(payload(1, 1_000_000_000))
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2})
	f.Add([]byte{0, 1})
	f.Fuzz(func(t *testing.T, data []byte) {
		c, at, _ := newClock(t, nil)
		use(t, c, true)
		at.open[0].handler(data, transport.Info{})
		now, s := c.Now(), c.Stats()
		if s.Messages+s.Rejected != 1 {
			t.Fatalf("%+v", s)
		}
		var m rosgraph_msgs.Clock
		good := m.UnmarshalCDR(data) == nil && m.Clock.Sec >= 0 && m.Clock.Nanosec < 1_000_000_000
		want := int64(0)
		if good {
			want = int64(m.Clock.Sec)*1_000_000_000 + int64(m.Clock.Nanosec)
		}
		if good != (s.Messages == 1) || now != want {
			t.Errorf("time %d, want %d; %+v", now, want, s)
		}
	})
}
