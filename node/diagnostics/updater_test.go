package diagnostics

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"guidedpolicysearch/msgs/diagnostic_msgs"
	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/transport/mem"
)

const patience = time.Minute

// publisher hands on what is published.
type publisher struct {
	messages chan diagnostic_msgs.DiagnosticArray
	err      error
	closed   atomic.Bool
}

func newPublisher() *publisher {
	return &publisher{messages: make(chan diagnostic_msgs.DiagnosticArray, 1000)}
}

func (p *publisher) Matched() int { return 0 }
func (p *publisher) Close() error { p.closed.Store(true); return nil }
func (p *publisher) Publish(payload []byte) error {
	var m diagnostic_msgs.DiagnosticArray
	if err := m.UnmarshalCDR(payload); err != nil {
		return err
	}
	p.messages <- m
	return p.err
}

// next is the next message.
func (p *publisher) next(t *testing.T) diagnostic_msgs.DiagnosticArray {
	t.Helper()
	select {
	case m := <-p.messages:
		return m
	case <-time.After(patience):
		t.Fatal("nothing was published")
		return diagnostic_msgs.DiagnosticArray{}
	}
}

// run runs the updater until the test ends.
func run(t *testing.T, u *Updater) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := u.Run(ctx); err != nil {
			t.Error(err)
		}
	}()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return stop
}

func newUpdater(p *publisher, period time.Duration) *Updater {
	return New(Config{Node: "gps", Open: func() (transport.Publisher, error) { return p, nil },
		Now: func() int64 { return 5_000_000_006 }, Period: period})
}

func TestMessage(t *testing.T) {
	p := newPublisher()
	u := newUpdater(p, time.Hour)
	u.Add("arm/joint_states", func(s *Status) {
		s.Summary(Warn, "%d of %d", 1, 2)
		s.Add("rate", 0.5)
		s.Add("name\x00", "\xff")
	})
	u.Add("learner", func(*Status) {})
	stop := run(t, u)
	m := p.next(t)
	if m.Header.Stamp.Sec != 5 || m.Header.Stamp.Nanosec != 6 || len(m.Status) != 2 {
		t.Fatalf("%+v", m)
	}
	a, b := m.Status[0], m.Status[1]
	if a.Name != "gps: arm/joint_states" || a.Level != diagnostic_msgs.DiagnosticStatus_WARN || a.Message != "1 of 2" || a.HardwareId != "none" {
		t.Errorf("%+v", a)
	}
	if len(a.Values) != 2 || a.Values[0] != (diagnostic_msgs.KeyValue{Key: "rate", Value: "0.5"}) || a.Values[1] != (diagnostic_msgs.KeyValue{Key: "name\uFFFD", Value: "\uFFFD"}) {
		t.Errorf("%+v", a.Values)
	}
	if b.Name != "gps: learner" || b.Level != diagnostic_msgs.DiagnosticStatus_ERROR || b.Message == "" {
		t.Errorf("a task that says nothing: %+v", b)
	}
	stop()
	if !p.closed.Load() {
		t.Error("the publisher is open after Run")
	}
}

// A level that rises is published long before the period has ended, one that falls is not.
func TestRise(t *testing.T) {
	p := newPublisher()
	u := newUpdater(p, time.Hour)
	var level atomic.Int32
	rounds := make(chan struct{}, 1000)
	u.Add("fault", func(s *Status) {
		s.Summary(Level(level.Load()), "level")
		select {
		case rounds <- struct{}{}:
		default:
		}
	})
	run(t, u)
	if m := p.next(t); m.Status[0].Level != 0 {
		t.Fatalf("%+v", m)
	}
	level.Store(int32(Error))
	if m := p.next(t); m.Status[0].Level != uint8(Error) { // without being told
		t.Fatalf("%+v", m)
	}
	level.Store(int32(OK))
	for len(rounds) > 0 {
		<-rounds
	}
	for range 3 {
		u.Wake()
		select {
		case <-rounds:
		case <-time.After(patience):
			t.Fatal("the task was not asked")
		}
	}
	if len(p.messages) != 0 {
		t.Errorf("published %+v, though nothing has become worse", <-p.messages)
	}
	level.Store(int32(Stale)) // worse than what was published last
	u.Wake()
	if m := p.next(t); m.Status[0].Level != uint8(Stale) {
		t.Fatalf("%+v", m)
	}
}

func TestPeriod(t *testing.T) {
	p := newPublisher()
	u := newUpdater(p, time.Hour)
	u.Add("a", func(s *Status) { s.Summary(OK, "") })
	if err := u.SetPeriod(0); err == nil {
		t.Error("a period of 0 was taken")
	}
	run(t, u)
	p.next(t)
	if err := u.SetPeriod(time.Millisecond); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		p.next(t)
	}
	u.SetHardwareID("arm 7")
	for deadline := time.Now().Add(patience); p.next(t).Status[0].HardwareId != "arm 7"; {
		if time.Now().After(deadline) {
			t.Fatal("the hardware has no name")
		}
	}
}

// Tasks are added, and the updater is woken, while it runs.
func TestConcurrency(t *testing.T) {
	p := newPublisher()
	u := newUpdater(p, time.Millisecond)
	stop := run(t, u)
	var all sync.WaitGroup
	for i := range 4 {
		all.Add(1)
		go func() {
			defer all.Done()
			for j := range 10 {
				u.Add(strings.Repeat("x", 1+i*10+j), func(s *Status) { s.Summary(OK, "fine") })
				u.Wake()
			}
		}()
	}
	all.Wait()
	for deadline := time.Now().Add(patience); len(p.next(t).Status) < 40; {
		if time.Now().After(deadline) {
			t.Fatal("tasks are missing")
		}
	}
	stop()
}

// A task that asks for the next round in each does not keep a processor busy.
func TestWakeIsBounded(t *testing.T) {
	u := newUpdater(newPublisher(), time.Hour)
	const rounds = 20
	ended := make(chan time.Duration, 1)
	n := 0
	var began time.Time
	u.Add("hasty", func(s *Status) {
		s.Summary(OK, "awake")
		if n++; n == 1 {
			began = time.Now()
		} else if n == rounds {
			ended <- time.Since(began)
		}
		u.Wake()
	})
	run(t, u)
	select {
	case took := <-ended:
		// Rounds of the timer may lie between two that were asked for.
		if least := (rounds - 3) / 2 * minGap; took < least {
			t.Errorf("%d rounds took %v, want %v or more", rounds, took, least)
		}
	case <-time.After(patience):
		t.Fatal("the tasks are not run again")
	}
}

func TestErrors(t *testing.T) {
	refused := errors.New("refused")
	u := New(Config{Node: "gps", Open: func() (transport.Publisher, error) { return nil, refused }})
	if err := u.Run(context.Background()); !errors.Is(err, refused) {
		t.Errorf("%v", err)
	}
	told := make(chan error, 1000)
	p := newPublisher()
	p.err = refused
	u = newUpdater(p, time.Hour)
	u.config.OnError = func(err error) { told <- err }
	u.Add("a", func(s *Status) { s.Summary(OK, "") })
	run(t, u)
	select {
	case err := <-told:
		if !errors.Is(err, refused) {
			t.Errorf("%v", err)
		}
	case <-time.After(patience):
		t.Error("nobody was told of a publication that failed")
	}
	for _, name := range []string{"", " ", "a"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("a task named %q was taken", name)
				}
			}()
			u.Add(name, func(*Status) {})
		}()
	}
}

func TestOverTransport(t *testing.T) {
	n, err := new(mem.Bus).Open(transport.Options{Name: "gps"})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	typ := transport.Type{Name: "diagnostic_msgs/msg/DiagnosticArray"}
	seen := make(chan string, 1000)
	if _, err := n.Subscribe(Topic, typ, transport.Default(), func(payload []byte, _ transport.Info) {
		var m diagnostic_msgs.DiagnosticArray
		if err := m.UnmarshalCDR(payload); err != nil {
			t.Error(err)
		}
		seen <- m.Status[0].Name
	}, nil); err != nil {
		t.Fatal(err)
	}
	u := New(Config{Node: "gps", Now: func() int64 { return 0 }, Period: time.Millisecond,
		Open: func() (transport.Publisher, error) { return n.Publisher(Topic, typ, QoS(), nil) }})
	u.Add("a", func(s *Status) { s.Summary(OK, "") })
	run(t, u)
	for range 3 {
		select {
		case name := <-seen:
			if name != "gps: a" {
				t.Errorf("name %q", name)
			}
		case <-time.After(patience):
			t.Fatal("nothing came")
		}
	}
}
