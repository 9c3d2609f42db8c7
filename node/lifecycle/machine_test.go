package lifecycle_test

import (
	"context"
	"errors"
	"testing"

	"guidedpolicysearch/msgs/lifecycle_msgs"
	"guidedpolicysearch/node/lifecycle"
	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/transport/mem"
)

func TestServicesAnswerDuringATransition(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	a := open(t, lifecycle.Callbacks{Configure: func(context.Context, lifecycle.State) lifecycle.Result {
		close(entered)
		<-leave
		return lifecycle.Success
	}})
	a.supervise()
	done := make(chan bool)
	go func() {
		request := lifecycle_msgs.ChangeState_Request{Transition: lifecycle_msgs.Transition{Label: "configure"}}
		payload, err := a.clients["change_state"].Call(context.Background(), request.AppendCDR(nil))
		var response lifecycle_msgs.ChangeState_Response
		if err = errors.Join(err, response.UnmarshalCDR(payload)); err != nil {
			t.Error(err)
		}
		done <- response.Success
	}()
	<-entered
	if s := a.state(); s.Label != "configuring" || s.Id != 10 {
		t.Errorf("state %+v, want configuring", s)
	}
	if d := a.transitions("get_available_transitions"); len(d) != 3 {
		t.Errorf("transitions %v, want the three results of the callback", d)
	}
	for _, label := range []string{"configure", "activate", "shutdown", "transition_success"} {
		if a.change(0, label) {
			t.Errorf("%s during a transition succeeded", label)
		}
	}
	for _, id := range []uint8{1, 5, 10, 11} {
		if a.change(id, "") {
			t.Errorf("transition %d during another succeeded", id)
		}
	}
	close(leave)
	if !<-done {
		t.Error("configure failed, want success")
	}
	// Whoever hears of the new state may ask for the next at once.
	for a.event().GoalState.Label != "inactive" {
	}
	if !a.change(0, "activate") {
		t.Error("activate failed, want success")
	}
}

func TestOneRequestWaits(t *testing.T) {
	a := open(t, lifecycle.Callbacks{}) // nobody handles requests
	answers := make(chan bool, 1)
	go func() { answers <- a.change(1, "") }()
	r := <-a.machine.Requests()
	if r.Transition != lifecycle.Configure {
		t.Fatalf("request of %v, want %v", r.Transition, lifecycle.Configure)
	}
	// The program was quicker: what was asked for no longer leaves the present state.
	if got, err := a.machine.Trigger(context.Background(), lifecycle.Configure); got != lifecycle.Success || err != nil {
		t.Fatal(got, err)
	}
	if got, err := a.machine.Handle(context.Background(), r); got != lifecycle.Failure || !errors.Is(err, lifecycle.ErrTransition) {
		t.Errorf("%v, %v, want failure and ErrTransition", got, err)
	}
	if <-answers {
		t.Error("configure of a configured node succeeded")
	}
	go func() { answers <- a.change(0, "activate") }()
	for len(a.machine.Requests()) == 0 {
		a.state() // a round trip behind it
	}
	if a.change(0, "activate") {
		t.Error("activate succeeded that found another request waiting")
	}
	if err := a.machine.Close(); err != nil {
		t.Fatal(err)
	}
	if <-answers {
		t.Error("activate succeeded on a closed machine")
	}
	if _, err := a.machine.Trigger(context.Background(), lifecycle.Activate); !errors.Is(err, transport.ErrClosed) {
		t.Errorf("%v, want ErrClosed", err)
	}
}

func TestTriggerAndShutdown(t *testing.T) {
	ctx := context.Background()
	for _, path := range [][]lifecycle.Transition{{}, {lifecycle.Configure}, {lifecycle.Configure, lifecycle.Activate}} {
		var m *lifecycle.Machine
		a := open(t, lifecycle.Callbacks{
			Configure: func(ctx context.Context, _ lifecycle.State) lifecycle.Result {
				if _, err := m.Trigger(ctx, lifecycle.Activate); !errors.Is(err, lifecycle.ErrBusy) {
					t.Errorf("trigger in a callback: %v, want ErrBusy", err)
				}
				if _, err := m.Shutdown(ctx); !errors.Is(err, lifecycle.ErrBusy) {
					t.Errorf("shutdown in a callback: %v, want ErrBusy", err)
				}
				return lifecycle.Success
			},
			Shutdown: func(context.Context, lifecycle.State) lifecycle.Result { return lifecycle.Failure },
		})
		m = a.machine
		for _, tr := range path {
			if got, err := m.Trigger(ctx, tr); got != lifecycle.Success || err != nil {
				t.Fatal(got, err)
			}
		}
		if got, err := m.Shutdown(ctx); got != lifecycle.Failure || err != nil || m.State() != lifecycle.Finalized {
			t.Errorf("shutdown after %v: %v, %v, %v, want failure and finalized", path, got, err, m.State())
		}
		if got, err := m.Shutdown(ctx); got != lifecycle.Success || err != nil {
			t.Errorf("second shutdown: %v, %v", got, err)
		}
		for id := range 100 {
			if _, err := m.Trigger(ctx, lifecycle.Transition(id)); !errors.Is(err, lifecycle.ErrTransition) {
				t.Errorf("transition %d from finalized: %v, want ErrTransition", id, err)
			}
		}
	}
}

func TestAPanicEndsInFinalized(t *testing.T) {
	for _, failing := range []string{"configure", "error"} {
		a := open(t, lifecycle.Callbacks{
			Configure: func(context.Context, lifecycle.State) lifecycle.Result {
				if failing == "configure" {
					panic(failing)
				}
				return lifecycle.Error
			},
			Error: func(context.Context, lifecycle.State) lifecycle.Result { panic(failing) },
		})
		answer := make(chan bool, 1)
		go func() { answer <- a.change(1, "") }()
		r := <-a.machine.Requests()
		func() {
			defer func() {
				if got := recover(); got != failing {
					t.Errorf("panic of %v, want %s", got, failing)
				}
			}()
			a.machine.Handle(context.Background(), r)
		}()
		if <-answer {
			t.Error("change_state succeeded though the callback panicked")
		}
		for _, want := range []string{"configuring", "errorprocessing", "finalized"} {
			if got := a.event().GoalState.Label; got != want {
				t.Errorf("event of %s, want %s", got, want)
			}
		}
		a.consistent("finalized")
		if len(a.events) > 0 {
			t.Errorf("another event: %+v", <-a.events)
		}
	}
}

func TestMalformedRequestsAreCounted(t *testing.T) {
	a := open(t, lifecycle.Callbacks{})
	a.supervise()
	long := lifecycle_msgs.ChangeState_Request{Transition: lifecycle_msgs.Transition{Id: 1, Label: string(make([]byte, 2000))}}
	want := uint64(0)
	for _, request := range [][]byte{
		{0, 1, 0, 0},
		{0, 1, 0, 0, 1},
		{0, 1, 0, 0, 1, 0, 0, 0, 0xff, 0xff, 0xff, 0x7f},
		{0, 1, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 'a', 'b'},
		long.AppendCDR(nil),
	} {
		want++
		var response lifecycle_msgs.ChangeState_Response
		a.call("change_state", request, &response)
		if response.Success || a.machine.Stats().Malformed != want {
			t.Errorf("request % x: success %t, %d malformed, want false and %d", request[:min(len(request), 20)], response.Success, a.machine.Stats().Malformed, want)
		}
	}
	// A request without fields and without their one byte is answered as well.
	var response lifecycle_msgs.GetState_Response
	a.call("get_state", []byte{0, 1, 0, 0}, &response)
	if response.CurrentState.Label != "unconfigured" || a.machine.Stats().Malformed != want+1 {
		t.Errorf("state %+v, %d malformed, want unconfigured and %d", response.CurrentState, a.machine.Stats().Malformed, want+1)
	}
	// Big-endian is as good as little-endian.
	var big lifecycle_msgs.ChangeState_Response
	a.call("change_state", []byte{0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0}, &big)
	if !big.Success {
		t.Error("a big-endian request failed")
	}
}

func TestNewLeavesNothingBehind(t *testing.T) {
	var bus mem.Bus
	n := node(t, &bus, "gps")
	if _, err := lifecycle.New(n, lifecycle.Config{}); !errors.Is(err, transport.ErrInvalid) {
		t.Errorf("without Resolve: %v, want ErrInvalid", err)
	}
	refused := errors.New("refused")
	for _, bad := range []string{"~/transition_event", "~/get_available_states"} {
		_, err := lifecycle.New(n, lifecycle.Config{Resolve: func(name string) (string, error) {
			if name == bad {
				return "", refused
			}
			return resolve(name)
		}})
		if !errors.Is(err, refused) {
			t.Errorf("%v, want %v", err, refused)
		}
		g, err := n.Graph()
		if err != nil || len(g.Services) != 0 || len(g.Endpoints) != 0 {
			t.Errorf("%v is left, %v", g, err)
		}
	}
}

func TestEventsThatCannotBePublishedAreCounted(t *testing.T) {
	var bus mem.Bus
	n := node(t, &bus, "gps")
	m, err := lifecycle.New(n, lifecycle.Config{Resolve: resolve})
	if err != nil {
		t.Fatal(err)
	}
	n.Close()
	got, err := m.Trigger(context.Background(), lifecycle.Configure)
	if got != lifecycle.Success || err != nil || m.State() != lifecycle.Inactive || m.Stats().EventsLost != 2 {
		t.Errorf("%v, %v, %v, %+v, want inactive and two lost events", got, err, m.State(), m.Stats())
	}
}

// FuzzChangeState gives a machine requests of any bytes: it answers each one.
func FuzzChangeState(f *testing.F) {
	f.Add((&lifecycle_msgs.ChangeState_Request{Transition: lifecycle_msgs.Transition{Id: 1}}).AppendCDR(nil))
	f.Add((&lifecycle_msgs.ChangeState_Request{Transition: lifecycle_msgs.Transition{Label: "shutdown"}}).AppendCDR(nil))
	f.Add([]byte{0, 1, 0, 0, 1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, request []byte) {
		offered := handlers{}
		m, err := lifecycle.New(offered, lifecycle.Config{Resolve: resolve})
		if err != nil {
			t.Fatal(err)
		}
		for name, h := range offered {
			answers := 0
			h(request, func(payload []byte) error {
				answers++
				return transport.CheckPayload(payload, 10_000)
			})
			select {
			case r := <-m.Requests():
				m.Handle(context.Background(), r)
			default:
			}
			if answers != 1 {
				t.Errorf("%s answered %d times", name, answers)
			}
		}
		if !m.State().Primary() {
			t.Errorf("left in %v", m.State())
		}
	})
}

// handlers is a transport that keeps the handlers of services.
type handlers map[string]transport.ServiceHandler

func (h handlers) Publisher(string, transport.Type, transport.QoS, transport.StatusHandler) (transport.Publisher, error) {
	return silent{}, nil
}

func (h handlers) Service(name string, _ transport.Type, _ transport.QoS, handler transport.ServiceHandler) (transport.Service, error) {
	h[name] = handler
	return silent{}, nil
}

// silent is a publisher or service of nobody.
type silent struct{}

func (silent) Publish([]byte) error { return nil }
func (silent) Matched() int         { return 0 }
func (silent) Close() error         { return nil }
