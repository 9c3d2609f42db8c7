package action_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"guidedpolicysearch/msgs/action_msgs"
	"guidedpolicysearch/msgs/builtin_interfaces"
	gps "guidedpolicysearch/msgs/guided_policy_search_msgs"
	"guidedpolicysearch/msgs/unique_identifier_msgs"
	"guidedpolicysearch/node/action"
	"guidedpolicysearch/node/transport"
)

// desk is a server whose handlers a test calls itself.
type desk struct {
	t      *testing.T
	server *action.Server
	ask    map[string]transport.ServiceHandler
	goals  []*action.Goal
	now    int64
}

func newDesk(t *testing.T, change func(*action.Config)) *desk {
	t.Helper()
	d := &desk{t: t}
	cfg := action.Config{Name: name, Type: train(), Now: func() int64 { return d.now }, Result: &gps.Train_Result{},
		Handler: action.Handler{Accepted: func(g *action.Goal) { d.goals = append(d.goals, g) }}}
	if change != nil {
		change(&cfg)
	}
	o := &offered{services: map[string]transport.ServiceHandler{}}
	var err error
	if d.server, err = action.NewServer(o, cfg); err != nil {
		t.Fatal(err)
	}
	d.ask = map[string]transport.ServiceHandler{}
	for _, part := range []string{"send_goal", "get_result", "cancel_goal"} {
		d.ask[part] = o.services[name+"/_action/"+part]
	}
	return d
}

// collect returns what is replied, decoded.
func collect[T any](t *testing.T, decode func(*T, []byte) error) (*[]T, transport.Reply) {
	var all []T
	return &all, func(payload []byte) error {
		var v T
		if err := decode(&v, payload); err != nil {
			t.Error(err)
		}
		all = append(all, v)
		return nil
	}
}

func (d *desk) goal(id byte, at int64) *action.Goal {
	d.t.Helper()
	d.now = at
	request := gps.Train_SendGoal_Request{GoalId: unique_identifier_msgs.UUID{Uuid: [16]byte{id}}}
	got, reply := collect(d.t, (*gps.Train_SendGoal_Response).UnmarshalCDR)
	d.ask["send_goal"](request.AppendCDR(nil), reply)
	if len(*got) != 1 || !(*got)[0].Accepted || int64((*got)[0].Stamp.Sec)*1e9+int64((*got)[0].Stamp.Nanosec) != at {
		d.t.Fatalf("goal %d: %+v, want accepted at %d", id, *got, at)
	}
	return d.goals[len(d.goals)-1]
}

func (d *desk) result(id byte) *[]gps.Train_GetResult_Response {
	request := gps.Train_GetResult_Request{GoalId: unique_identifier_msgs.UUID{Uuid: [16]byte{id}}}
	got, reply := collect(d.t, (*gps.Train_GetResult_Response).UnmarshalCDR)
	d.ask["get_result"](request.AppendCDR(nil), reply)
	return got
}

// TestCancelPolicies holds cancel requests to the rules in action_msgs/srv/CancelGoal. Goals 1 to
// 4 are accepted at 1 to 4 s; 1 has succeeded, 2 executes, 3 is canceling, 4 is accepted.
func TestCancelPolicies(t *testing.T) {
	at := func(sec int32, nanosec uint32) builtin_interfaces.Time {
		return builtin_interfaces.Time{Sec: sec, Nanosec: nanosec}
	}
	const (
		none       = action_msgs.CancelGoal_Response_ERROR_NONE
		rejected   = action_msgs.CancelGoal_Response_ERROR_REJECTED
		unknown    = action_msgs.CancelGoal_Response_ERROR_UNKNOWN_GOAL_ID
		terminated = action_msgs.CancelGoal_Response_ERROR_GOAL_TERMINATED
	)
	for _, c := range []struct {
		what   string
		id     byte
		until  builtin_interfaces.Time
		refuse []byte // goals that the program does not cancel
		code   int8
		want   []byte // goals canceling
	}{
		{"all", 0, at(0, 0), nil, none, []byte{2, 4}},
		{"all, one refused", 0, at(0, 0), []byte{2}, none, []byte{4}},
		{"all, all refused", 0, at(0, 0), []byte{2, 4}, rejected, nil},
		{"by stamp", 0, at(2, 0), nil, none, []byte{2}},
		{"by stamp, just before", 0, at(1, 999_999_999), nil, none, nil},
		{"by stamp, later than all", 0, at(100, 0), nil, none, []byte{2, 4}},
		{"by stamp, nanoseconds over a second", 0, at(0, 2_000_000_000), nil, none, []byte{2}},
		{"by stamp, before the epoch", 0, at(-1, 0), nil, none, nil},
		{"by id", 4, at(0, 0), nil, none, []byte{4}},
		{"by id, refused", 4, at(0, 0), []byte{4}, rejected, nil},
		{"by id, unknown", 9, at(0, 0), nil, unknown, nil},
		{"by id, ended", 1, at(0, 0), nil, terminated, nil},
		{"by id, canceling", 3, at(0, 0), nil, terminated, nil},
		{"by id and stamp", 4, at(2, 0), nil, none, []byte{2, 4}},
		{"by id and stamp, id unknown", 9, at(2, 0), nil, none, []byte{2}},
		{"by id and stamp, nothing left", 1, at(1, 0), nil, none, nil},
	} {
		var refuse []byte
		d := newDesk(t, func(cfg *action.Config) {
			cfg.Handler.Cancel = func(g *action.Goal) bool { return !slices.Contains(refuse, g.ID()[0]) }
		})
		for id := byte(1); id <= 4; id++ {
			d.goal(id, int64(id)*1_000_000_000)
		}
		must(t, d.goals[0].Execute(), d.goals[0].Succeed(&gps.Train_Result{}), d.goals[1].Execute())
		cancel := func(id byte, until builtin_interfaces.Time) action_msgs.CancelGoal_Response {
			var request action_msgs.CancelGoal_Request
			request.GoalInfo.GoalId.Uuid[0], request.GoalInfo.Stamp = id, until
			got, reply := collect(t, (*action_msgs.CancelGoal_Response).UnmarshalCDR)
			d.ask["cancel_goal"](request.AppendCDR(nil), reply)
			if len(*got) != 1 {
				t.Fatalf("%d responses, want 1", len(*got))
			}
			return (*got)[0]
		}
		cancel(3, at(0, 0))
		refuse = c.refuse
		response := cancel(c.id, c.until)
		var canceling []byte
		for _, g := range response.GoalsCanceling {
			canceling = append(canceling, g.GoalId.Uuid[0])
		}
		if response.ReturnCode != c.code || !slices.Equal(canceling, c.want) {
			t.Errorf("%s: code %d and goals %v, want %d and %v", c.what, response.ReturnCode, canceling, c.code, c.want)
		}
		for _, id := range c.want {
			if g := d.goals[id-1]; g.Status() != action.Canceling {
				t.Errorf("%s: goal %d is %v, want canceling", c.what, id, g.Status())
			}
		}
	}
}

func TestWaitingResultsAreBounded(t *testing.T) {
	d := newDesk(t, func(cfg *action.Config) { cfg.MaxWaiting = 2 })
	g := d.goal(1, 1)
	first, second, third := d.result(1), d.result(1), d.result(1)
	if len(*first) != 0 || len(*second) != 0 || len(*third) != 1 || (*third)[0].Status != 0 || d.server.Stats().Refused != 1 {
		t.Fatalf("%v %v %v, %+v, want two that wait and one unknown", *first, *second, *third, d.server.Stats())
	}
	must(t, g.Execute(), g.Abort(&gps.Train_Result{Message: "no"}))
	for _, r := range []*[]gps.Train_GetResult_Response{first, second, d.result(1)} {
		if len(*r) != 1 || action.Status((*r)[0].Status) != action.Aborted || (*r)[0].Result.Message != "no" {
			t.Errorf("%+v, want one result, aborted", *r)
		}
	}
	// Those that waited make room.
	h := d.goal(2, 2)
	last := d.result(2)
	must(t, h.Execute(), h.Succeed(&gps.Train_Result{}))
	if len(*last) != 1 || action.Status((*last)[0].Status) != action.Succeeded {
		t.Errorf("%+v, want succeeded", *last)
	}
}

func TestCloseEndsGoals(t *testing.T) {
	d := newDesk(t, nil)
	active, canceling, ended := d.goal(1, 1), d.goal(2, 2), d.goal(3, 3)
	d.ask["cancel_goal"]((&action_msgs.CancelGoal_Request{GoalInfo: action_msgs.GoalInfo{GoalId: unique_identifier_msgs.UUID{Uuid: [16]byte{2}}}}).AppendCDR(nil),
		func([]byte) error { return nil })
	must(t, ended.Execute(), ended.Succeed(&gps.Train_Result{}))
	waits := d.result(1)
	must(t, d.server.Close(), d.server.Close())
	if len(*waits) != 1 || action.Status((*waits)[0].Status) != action.Aborted {
		t.Errorf("%+v, want aborted", *waits)
	}
	if ended.Status() != action.Succeeded {
		t.Errorf("%v, want succeeded still", ended.Status())
	}
	for _, g := range []*action.Goal{active, canceling} {
		next(t, g.CancelRequested())
		for _, err := range []error{g.Execute(), g.Feedback(&gps.Train_Feedback{}), g.Abort(&gps.Train_Result{})} {
			if !errors.Is(err, transport.ErrClosed) {
				t.Errorf("%v, want ErrClosed", err)
			}
		}
	}
	// A request that was under way.
	got, reply := collect(t, (*gps.Train_SendGoal_Response).UnmarshalCDR)
	d.ask["send_goal"]((&gps.Train_SendGoal_Request{}).AppendCDR(nil), reply)
	if len(*got) != 1 || (*got)[0].Accepted || len(d.goals) != 3 {
		t.Errorf("%+v, %d goals, want a rejection", *got, len(d.goals))
	}
}

// TestUnansweredGoalIsDropped: a client that was not told does not know that its goal runs.
func TestUnansweredGoalIsDropped(t *testing.T) {
	d := newDesk(t, nil)
	d.ask["send_goal"]((&gps.Train_SendGoal_Request{}).AppendCDR(nil), func([]byte) error { return transport.ErrBlocked })
	if len(d.goals) != 0 || d.server.Stats().Unanswered != 1 {
		t.Errorf("%d goals, %+v, want none and one unanswered", len(d.goals), d.server.Stats())
	}
	d.goal(0, 1) // the ID is free
}

func TestMalformedRequestsAreCounted(t *testing.T) {
	d := newDesk(t, nil)
	d.goal(1, 1)
	want := uint64(0)
	for _, request := range [][]byte{nil, {0, 1, 0, 0}, {0, 2, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20}, make([]byte, 19)} {
		sent, reply := collect(t, (*gps.Train_SendGoal_Response).UnmarshalCDR)
		d.ask["send_goal"](request, reply)
		result, reply := collect(t, (*gps.Train_GetResult_Response).UnmarshalCDR)
		d.ask["get_result"](request, reply)
		cancel, reply := collect(t, (*action_msgs.CancelGoal_Response).UnmarshalCDR)
		d.ask["cancel_goal"](request, reply)
		want += 3
		if len(*sent) != 1 || (*sent)[0].Accepted || len(*result) != 1 || (*result)[0].Status != 0 ||
			len(*cancel) != 1 || (*cancel)[0].ReturnCode != action_msgs.CancelGoal_Response_ERROR_REJECTED {
			t.Errorf("% x: %+v %+v %+v, want rejected, unknown, rejected", request, *sent, *result, *cancel)
		}
		if got := d.server.Stats().Malformed; got != want {
			t.Errorf("% x: %d malformed, want %d", request, got, want)
		}
	}
	if len(d.goals) != 1 || d.goals[0].Status() != action.Accepted {
		t.Errorf("%d goals, %v, want the one, accepted", len(d.goals), d.goals[0].Status())
	}
}

func TestConfigIsChecked(t *testing.T) {
	good := action.Config{Name: name, Type: train(), Now: func() int64 { return 0 }, Result: &gps.Train_Result{},
		Handler: action.Handler{Accepted: func(*action.Goal) {}}}
	for what, change := range map[string]func(*action.Config){
		"Type":          func(c *action.Config) { c.Type.Feedback = nil },
		"Now":           func(c *action.Config) { c.Now = nil },
		"Result":        func(c *action.Config) { c.Result = nil },
		"Accepted":      func(c *action.Config) { c.Handler.Accepted = nil },
		"ResultTimeout": func(c *action.Config) { c.ResultTimeout = -1 },
		"MaxGoals":      func(c *action.Config) { c.MaxGoals = -1 },
	} {
		cfg := good
		change(&cfg)
		if _, err := action.NewServer(&offered{services: map[string]transport.ServiceHandler{}}, cfg); !errors.Is(err, transport.ErrInvalid) {
			t.Errorf("%s: %v, want ErrInvalid", what, err)
		}
	}
}

func TestGoalsThatCannotBeDecodedAreRejected(t *testing.T) {
	d := newDesk(t, func(cfg *action.Config) { cfg.Goal = &gps.Train_Goal{} })
	whole := (&gps.Train_SendGoal_Request{}).AppendCDR(nil)
	for n := len(whole) - 4; n < len(whole); n++ {
		got, reply := collect(t, (*gps.Train_SendGoal_Response).UnmarshalCDR)
		d.ask["send_goal"](whole[:n], reply)
		if len(*got) != 1 || (*got)[0].Accepted {
			t.Errorf("%d of %d bytes: %+v, want a rejection", n, len(whole), *got)
		}
	}
	if got := d.server.Stats().Malformed; got != 4 || len(d.goals) != 0 {
		t.Errorf("%d malformed, %d goals, want 4 and none", got, len(d.goals))
	}
	d.goal(0, 1)
}

// TestAbortingAnAcceptedGoal: clients see it execute in between.
func TestAbortingAnAcceptedGoal(t *testing.T) {
	b := open(t, nil)
	b.watch()
	_, g := b.send()
	must(t, g.Abort(&gps.Train_Result{}))
	for _, want := range []action.Status{action.Accepted, action.Executing, action.Aborted} {
		if s := next(t, b.statuses); len(s) != 1 || action.Status(s[0].Status) != want {
			t.Errorf("status %+v, want %v", s, want)
		}
	}
}

// FuzzRequests gives a server requests of any bytes, twice each: it answers each one at once or at
// the goal's end.
func FuzzRequests(f *testing.F) {
	id := unique_identifier_msgs.UUID{Uuid: [16]byte{1}}
	f.Add(uint8(0), (&gps.Train_SendGoal_Request{GoalId: id, Goal: gps.Train_Goal{Iterations: 3}}).AppendCDR(nil))
	f.Add(uint8(1), (&gps.Train_GetResult_Request{GoalId: id}).AppendCDR(nil))
	f.Add(uint8(2), (&action_msgs.CancelGoal_Request{GoalInfo: action_msgs.GoalInfo{GoalId: id}}).AppendCDR(nil))
	f.Add(uint8(2), (&action_msgs.CancelGoal_Request{}).AppendCDR(nil))
	f.Fuzz(func(t *testing.T, part uint8, request []byte) {
		d := newDesk(t, func(cfg *action.Config) { cfg.Goal = &gps.Train_Goal{} })
		d.goal(1, 1)
		answers := 0
		reply := func(payload []byte) error {
			answers++
			return transport.CheckPayload(payload, 10_000)
		}
		name := []string{"send_goal", "get_result", "cancel_goal"}[part%3]
		d.ask[name](request, reply)
		d.ask[name](request, reply)
		must(t, d.server.Close())
		if answers != 2 || d.server.Stats().Unanswered != 0 {
			t.Errorf("%s: %d answers, %+v, want 2", name, answers, d.server.Stats())
		}
	})
}

// FuzzClient gives a client feedback and responses of any bytes.
func FuzzClient(f *testing.F) {
	f.Add((&gps.Train_FeedbackMessage{Feedback: gps.Train_Feedback{Rollout: "r"}}).AppendCDR(nil))
	f.Add((&gps.Train_GetResult_Response{Status: 4}).AppendCDR(nil))
	f.Add((&action_msgs.CancelGoal_Response{ReturnCode: 2}).AppendCDR(nil))
	f.Add([]byte{0, 1, 0, 0, 1})
	f.Fuzz(func(t *testing.T, payload []byte) {
		o := &offered{topics: map[string]transport.Handler{}}
		c, err := action.NewClient(o, action.ClientConfig{Name: name, Type: train()})
		must(t, err)
		o.answer = func(_ string, request []byte) []byte { // of a server that accepts, and tells of the goal
			echo := append(append([]byte{0, 1, 0, 0}, request[4:20]...), payload...)
			o.topics[name+"/_action/feedback"](echo, transport.Info{})
			return []byte{0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
		}
		ctx := context.Background()
		heard := 0
		sent, err := c.Send(ctx, &gps.Train_Goal{}, func(p []byte) {
			heard++
			if len(p) != 4+len(payload) {
				t.Errorf("feedback of %d bytes, want %d", len(p), 4+len(payload))
			}
		})
		must(t, err)
		if heard != 1 {
			t.Errorf("heard %d times, want once", heard)
		}
		o.topics[name+"/_action/feedback"](payload, transport.Info{})
		o.answer = func(string, []byte) []byte { return payload }
		status, err := sent.Result(ctx, &gps.Train_Result{})
		if (err == nil) != status.Ended() {
			t.Errorf("%v with %v", status, err)
		}
		_ = sent.Cancel(ctx)
		if n, err := c.CancelAll(ctx); n < 0 || n > 0 && err != nil {
			t.Errorf("%d canceling with %v", n, err)
		}
		_, _ = c.Send(ctx, &gps.Train_Goal{}, nil)
	})
}
