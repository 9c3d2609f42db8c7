package simrobot

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"guidedpolicysearch/msgs/sensor_msgs"
	"guidedpolicysearch/msgs/std_msgs"
	"guidedpolicysearch/msgs/std_srvs"
	"guidedpolicysearch/node/diagnostics"
	"guidedpolicysearch/node/rosio"
	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/transport/mem"
)

// patience bounds every wait of a test; it only says that something hangs.
const patience = 60 * time.Second

// arrival is a joint state that came out.
type arrival struct {
	at    time.Duration
	stamp int64
}

// bus is a robot's surroundings in one process: a node that listens to it.
type bus struct {
	t       *testing.T
	inner   mem.Bus
	outside transport.Node
	logged  []string

	mu       sync.Mutex
	now      func() time.Duration
	sent     int // joint states the driver has published
	heard    *sync.Cond
	arrivals []arrival
	payloads [][]byte
	sensed   map[string]map[string][]float64 // of each sensor by the stamp
	answer   func(payload []byte)
}

func newBus(t *testing.T) *bus {
	t.Helper()
	b := &bus{t: t, sensed: map[string]map[string][]float64{}, now: func() time.Duration { return 0 }}
	b.heard = sync.NewCond(&b.mu)
	b.outside = b.open("outside")
	return b
}

func (b *bus) open(name string) transport.Node {
	b.t.Helper()
	n, err := b.inner.Open(transport.Options{Name: name})
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() {
		if err := n.Close(); err != nil {
			b.t.Error(err)
		}
	})
	return n
}

// counting counts what is published on joint_states.
type counting struct {
	transport.Node
	bus *bus
}

func (c counting) Publisher(topic string, typ transport.Type, q transport.QoS, h transport.StatusHandler) (transport.Publisher, error) {
	q.Depth = 10_000 // so that nothing of a burst is lost
	p, err := c.Node.Publisher(topic, typ, q, h)
	if topic == "/joint_states" && err == nil {
		return countingPublisher{p, c.bus}, nil
	}
	return p, err
}

type countingPublisher struct {
	transport.Publisher
	bus *bus
}

func (p countingPublisher) Publish(payload []byte) error {
	p.bus.mu.Lock()
	p.bus.sent++
	p.bus.mu.Unlock()
	return p.Publisher.Publish(payload)
}

// driver opens a driver that the bus listens to.
func (b *bus) driver(c Config) *Driver {
	b.t.Helper()
	topics := Topics{JointStates: "/joint_states", Commands: "/commands", Clock: "/clock", ResetScene: "/sim_robot/reset_scene", Place: "/sim_robot/place"}
	for _, name := range c.Scene.Sensors {
		topics.Sensors = append(topics.Sensors, "/sensors/"+name)
		b.listen("/sensors/"+name, new(std_msgs.Float64MultiArray).TypeName(), func(payload []byte) {
			var m std_msgs.Float64MultiArray
			if err := m.UnmarshalCDR(payload); err != nil || len(m.Layout.Dim) != 1 || int(m.Layout.Dim[0].Size) != len(m.Data) {
				b.t.Errorf("sensor %s: %+v, %v", name, m, err)
				return
			}
			b.mu.Lock()
			defer b.mu.Unlock()
			if b.sensed[name] == nil {
				b.sensed[name] = map[string][]float64{}
			}
			b.sensed[name][m.Layout.Dim[0].Label] = m.Data
		})
	}
	b.listen("/joint_states", new(sensor_msgs.JointState).TypeName(), func(payload []byte) {
		var m sensor_msgs.JointState
		if err := m.UnmarshalCDR(payload); err != nil {
			b.t.Error(err)
		}
		b.mu.Lock()
		b.arrivals = append(b.arrivals, arrival{b.now(), rosio.Nanoseconds(m.Header.Stamp)})
		b.payloads = append(b.payloads, slices.Clone(payload))
		answer := b.answer
		b.heard.Broadcast()
		b.mu.Unlock()
		if answer != nil {
			answer(payload)
		}
	})
	d, err := New(c, counting{b.open("sim_robot"), b}, topics, func(text string) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.logged = append(b.logged, text)
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return d
}

func (b *bus) listen(topic, typ string, note func(payload []byte)) {
	b.t.Helper()
	q := transport.Default()
	q.Depth = 10_000
	_, err := b.outside.Subscribe(topic, transport.Type{Name: typ}, q, func(payload []byte, _ transport.Info) {
		note(payload)
	}, nil)
	if err != nil {
		b.t.Fatal(err)
	}
}

// flush waits until all joint states have come.
func (b *bus) flush() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.arrivals) < b.sent {
		b.heard.Wait()
	}
}

func (b *bus) commands() transport.Publisher {
	b.t.Helper()
	p, err := b.outside.Publisher("/commands", transport.Type{Name: new(std_msgs.Float64MultiArray).TypeName()}, transport.Default(), nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return p
}

// run runs a driver until the test ends.
func (b *bus) run(d *Driver) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	b.t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			b.t.Error(err)
		}
	})
}

func until(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("still not so: %s", what)
		}
	}
}

// TestLockStepIsTheRobot: over a middleware and in process the same commands bring the same
// readings, bit by bit, with all that a driver can do to them.
func TestLockStepIsTheRobot(t *testing.T) {
	for name, c := range plants() {
		for _, what := range []string{"plain", "everything"} {
			t.Run(name+", "+what, func(t *testing.T) {
				if what == "everything" {
					c = everything(c)
				}
				given := efforts(t, c, 0, 30)
				b := newBus(t)
				commands := b.commands()
				next, last := 0, []byte(nil)
				d := b.driver(c)
				b.answer = func(payload []byte) {
					if bytes.Equal(payload, last) || next == len(given) {
						return // a repetition
					}
					last = slices.Clone(payload)
					if err := commands.Publish(effortMessage(given[next]...)); err != nil {
						t.Error(err)
					}
					next++
				}
				b.run(d)
				r := open(t, c)
				messages := newMessages(&c)
				var want [][]byte
				readings := map[string][][]float64{} // of each sensor, by the stamp
				reading := await(t, r)
				for k := 0; ; k++ {
					want = append(want, slices.Clone(messages.joints(reading, reading.Stamp)))
					stamp := fmt.Sprintf("%.9f", float64(reading.Stamp)*1e-9)
					for i := range c.Scene.Sensors {
						readings[stamp] = append(readings[stamp], slices.Clone(r.Sensor(reading, i)))
					}
					if k == len(given) {
						break
					}
					reading = exchange(t, r, given[k])
				}
				until(t, "the last command is answered", func() bool {
					b.mu.Lock()
					defer b.mu.Unlock()
					for _, name := range c.Scene.Sensors {
						if len(b.sensed[name]) < len(readings) {
							return false
						}
					}
					return slices.ContainsFunc(b.payloads, func(p []byte) bool { return bytes.Equal(p, want[len(want)-1]) })
				})
				b.mu.Lock()
				defer b.mu.Unlock()
				got := slices.CompactFunc(slices.Clone(b.payloads), bytes.Equal)
				if len(got) != len(want) {
					t.Fatalf("%d joint states, want %d", len(got), len(want))
				}
				for k := range want {
					if !bytes.Equal(got[k], want[k]) {
						t.Fatalf("joint state %d differs", k)
					}
				}
				for i, name := range c.Scene.Sensors {
					for stamp, numbers := range readings {
						if got, ok := b.sensed[name][stamp]; !ok || !slices.Equal(got, numbers[i]) {
							t.Fatalf("sensor %s at %s: %v, want %v", name, stamp, got, numbers[i])
						}
					}
				}
			})
		}
	}
}

// TestStateOrder: the message has the order asked for, and other joints that read 0.
func TestStateOrder(t *testing.T) {
	c := still(3)
	c.StateOrder = []string{"joint3", "gripper", "joint1", "joint2"}
	r := open(t, c)
	exchange(t, r, []float64{1, 2, 3})
	reading := exchange(t, r, []float64{1, 2, 3})
	m := newMessages(&c)
	var message sensor_msgs.JointState
	if err := message.UnmarshalCDR(m.joints(reading, 5)); err != nil {
		t.Fatal(err)
	}
	q, dq := reading.Position, reading.Velocity
	if !slices.Equal(message.Name, c.StateOrder) || !slices.Equal(message.Position, []float64{q[2], 0, q[0], q[1]}) || !slices.Equal(message.Velocity, []float64{dq[2], 0, dq[0], dq[1]}) {
		t.Errorf("%+v, want %v, %v in the order %v", message, q, dq, c.StateOrder)
	}
	c.Velocity = VelocityNone
	if err := message.UnmarshalCDR(newMessages(&c).joints(await(t, open(t, c)), 5)); err != nil || len(message.Velocity) != 0 || len(message.Position) != 4 {
		t.Errorf("%+v, %v, want no velocities", message, err)
	}
	if n := testing.AllocsPerRun(20, func() { m.joints(reading, 6) }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

// TestHeartbeat: a joint state that is not answered is repeated as it was, noise included.
func TestHeartbeat(t *testing.T) {
	c := everything(still(1))
	c.Heartbeat = time.Millisecond
	b := newBus(t)
	d := b.driver(c)
	d.take(effortMessage(1), transport.Info{}) // it comes before the state, and is no answer to it
	b.run(d)
	until(t, "it was repeated", func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return len(b.payloads) > 3
	})
	b.mu.Lock()
	defer b.mu.Unlock()
	if n := len(slices.CompactFunc(slices.Clone(b.payloads), bytes.Equal)); n != 1 {
		t.Errorf("%d different joint states without a command, want 1", n)
	}
}

// TestResetScene asks for it as a service, with and without objects.
func TestResetScene(t *testing.T) {
	b := newBus(t)
	d := b.driver(still(1))
	client, err := b.outside.Client("/sim_robot/reset_scene", transport.Type{Name: "std_srvs/srv/Trigger"}, transport.ServiceQoS())
	if err != nil {
		t.Fatal(err)
	}
	ask := func() (answer std_srvs.Trigger_Response) {
		t.Helper()
		response, err := client.Call(t.Context(), new(std_srvs.Trigger_Request).AppendCDR(nil))
		if err == nil {
			err = answer.UnmarshalCDR(response)
		}
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	if a := ask(); !a.Success || !strings.Contains(a.Message, "no objects") || d.robot.resetObjects {
		t.Errorf("%+v, want success without objects", a)
	}
	d.robot.scene = &counted{Simulator: d.robot.plant}
	if a := ask(); !a.Success || strings.Contains(a.Message, "no objects") {
		t.Errorf("%+v, want success", a)
	}
	if d.mu.Lock(); !d.robot.resetObjects {
		t.Error("the objects are not put back")
	}
	d.mu.Unlock()
}

// TestHealth: what is refused, lost and late is told.
func TestHealth(t *testing.T) {
	c := still(1)
	c.LockStep, c.StateLoss = false, 0.1
	b := newBus(t)
	d := b.driver(c)
	var s diagnostics.Status
	if d.Health(&s); s.Level() != diagnostics.OK {
		t.Errorf("%v before anything happened", s.Level())
	}
	d.take([]byte{0, 1, 0, 0}, transport.Info{})
	d.take([]byte{0, 1, 0, 0}, transport.Info{})
	if len(b.logged) != 1 {
		t.Errorf("the log has %q, want one line", b.logged)
	}
	s = diagnostics.Status{}
	if d.Health(&s); s.Level() != diagnostics.Warn {
		t.Error("a refused command is no warning")
	}
	d.take(effortMessage(1), transport.Info{})
	d.timing.overruns.Add(3)
	for _, want := range []diagnostics.Level{diagnostics.Warn, diagnostics.OK} { // the second time it is old news
		s = diagnostics.Status{}
		if d.Health(&s); s.Level() != want {
			t.Errorf("level %v, want %v", s.Level(), want)
		}
	}
}

// effortMessage is a command as somebody else than this program's node sends it.
func effortMessage(values ...float64) []byte {
	return (&std_msgs.Float64MultiArray{Data: values}).AppendCDR(nil)
}
