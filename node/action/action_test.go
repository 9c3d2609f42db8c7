package action_test

import (
	"errors"
	"slices"
	"testing"

	gps "guidedpolicysearch/msgs/guided_policy_search_msgs"
	"guidedpolicysearch/node/action"
	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/transport/mem"
)

func TestGoalRunsToItsResult(t *testing.T) {
	var bus mem.Bus
	runToResult(t, node(t, &bus, "gps"), node(t, &bus, "tool"))
}

// runToResult serves an action on near and has a goal from far succeed.
func runToResult(t *testing.T, near, far transport.Node) {
	var goals []gps.Train_Goal
	b := openOn(t, near, far, func(c *action.Config) {
		c.Handler.Goal = func(id action.ID, payload []byte) bool {
			var g gps.Train_Goal
			if err := g.UnmarshalCDR(payload); err != nil {
				t.Error(err)
			}
			goals = append(goals, g)
			return true
		}
	})
	b.watch()
	b.clock.Store(7_000_000_003)
	heard := make(chan gps.Train_Feedback, 10)
	sent, err := b.client.Send(patient(t), &gps.Train_Goal{Iterations: 5}, func(payload []byte) {
		var f gps.Train_Feedback
		if err := f.UnmarshalCDR(payload); err != nil {
			t.Error(err)
		}
		heard <- f
	})
	must(t, err)
	g := next(t, b.accepted)
	if g.ID() != sent.ID() || g.Status() != action.Accepted || len(goals) != 1 || goals[0].Iterations != 5 {
		t.Fatalf("goal %v %v of %v, want %v accepted with 5 iterations", g.ID(), g.Status(), goals, sent.ID())
	}
	var request gps.Train_Goal
	must(t, request.UnmarshalCDR(g.Request()), g.Execute())
	if request.Iterations != 5 {
		t.Errorf("request %+v, want 5 iterations", request)
	}
	type outcome struct {
		status action.Status
		result gps.Train_Result
		err    error
	}
	done := make(chan outcome, 2)
	for range 2 { // two calls wait
		go func() {
			var o outcome
			o.status, o.err = sent.Result(patient(t), &o.result)
			done <- o
		}()
	}
	for i := range uint32(3) {
		must(t, g.Feedback(&gps.Train_Feedback{Iteration: i, Cost: float64(i) / 2, Rollout: "rollout"}))
		if f := next(t, heard); f.Iteration != i || f.Cost != float64(i)/2 || f.Rollout != "rollout" {
			t.Errorf("feedback %+v, want the one of iteration %d", f, i)
		}
	}
	want := gps.Train_Result{Iteration: 5, MeanCost: 1.5, Learned: true, Message: "done"}
	must(t, g.Succeed(&want))
	for range 2 {
		if o := next(t, done); o.err != nil || o.status != action.Succeeded || o.result != want {
			t.Errorf("%+v, want succeeded with %+v", o, want)
		}
	}
	// Again, from what the server keeps.
	var again gps.Train_Result
	if status, err := sent.Result(patient(t), &again); err != nil || status != action.Succeeded || again != want {
		t.Errorf("%v, %+v, %v, want the same again", status, again, err)
	}
	for _, status := range []action.Status{action.Accepted, action.Executing, action.Succeeded} {
		s := next(t, b.statuses)
		if len(s) != 1 || s[0].GoalInfo.GoalId.Uuid != sent.ID() || action.Status(s[0].Status) != status ||
			s[0].GoalInfo.Stamp.Sec != 7 || s[0].GoalInfo.Stamp.Nanosec != 3 {
			t.Errorf("status %+v, want %v since 7.000000003 s", s, status)
		}
	}
	if stats := b.server.Stats(); stats != (action.Stats{}) {
		t.Errorf("counted %+v, want nothing", stats)
	}
}

// TestGoalStateMachine holds every step from every status to the design article "Actions".
func TestGoalStateMachine(t *testing.T) {
	var empty gps.Train_Result
	steps := map[string]func(*action.Goal) error{
		"execute":  (*action.Goal).Execute,
		"succeed":  func(g *action.Goal) error { return g.Succeed(&empty) },
		"abort":    func(g *action.Goal) error { return g.Abort(&empty) },
		"canceled": func(g *action.Goal) error { return g.Canceled(&empty) },
		"feedback": func(g *action.Goal) error { return g.Feedback(&gps.Train_Feedback{}) },
	}
	cancel := "cancel"
	for _, c := range []struct {
		path []string
		in   action.Status
		may  []string
	}{
		{nil, action.Accepted, []string{"execute", "succeed", "abort", cancel, "feedback"}},
		{[]string{"execute"}, action.Executing, []string{"succeed", "abort", cancel, "feedback"}},
		{[]string{cancel}, action.Canceling, []string{"succeed", "abort", "canceled", "feedback"}},
		{[]string{"execute", cancel}, action.Canceling, []string{"succeed", "abort", "canceled", "feedback"}},
		{[]string{"execute", "succeed"}, action.Succeeded, nil},
		{[]string{"execute", "abort"}, action.Aborted, nil},
		{[]string{"abort"}, action.Aborted, nil},
		{[]string{cancel, "canceled"}, action.Canceled, nil},
		{[]string{cancel, "succeed"}, action.Succeeded, nil},
	} {
		for _, step := range []string{"execute", "succeed", "abort", "canceled", "feedback", cancel} {
			b := open(t, nil)
			sent, g := b.send()
			take := func(step string) error {
				if step == cancel {
					return sent.Cancel(patient(t))
				}
				return steps[step](g)
			}
			for _, p := range c.path {
				must(t, take(p))
			}
			if g.Status() != c.in {
				t.Fatalf("after %v: %v, want %v", c.path, g.Status(), c.in)
			}
			err := take(step)
			if slices.Contains(c.may, step) {
				must(t, err)
				continue
			}
			if step == cancel && !errors.Is(err, action.ErrTerminated) || step != cancel && !errors.Is(err, action.ErrState) || g.Status() != c.in {
				t.Errorf("%s in %v: %v, now %v, want it refused", step, c.in, err, g.Status())
			}
		}
	}
}

func TestCancelReachesTheProgram(t *testing.T) {
	refuse := true
	b := open(t, func(c *action.Config) { c.Handler.Cancel = func(*action.Goal) bool { return !refuse } })
	sent, g := b.send()
	must(t, g.Execute())
	if err := sent.Cancel(patient(t)); !errors.Is(err, action.ErrRejected) || g.Status() != action.Executing {
		t.Errorf("%v, %v, want a refusal and executing", err, g.Status())
	}
	select {
	case <-g.CancelRequested():
		t.Error("cancel requested though the handler refused")
	default:
	}
	refuse = false
	must(t, sent.Cancel(patient(t)))
	next(t, g.CancelRequested())
	must(t, g.Canceled(&gps.Train_Result{Message: "as you wish"}))
	var result gps.Train_Result
	if status, err := sent.Result(patient(t), &result); status != action.Canceled || err != nil || result.Message != "as you wish" {
		t.Errorf("%v, %v, %+v, want canceled", status, err, result)
	}
}

func TestAGoalThatEndsWhileCancelIsAsked(t *testing.T) {
	b := open(t, func(c *action.Config) {
		c.Handler.Cancel = func(g *action.Goal) bool {
			if err := g.Succeed(&gps.Train_Result{}); err != nil {
				t.Error(err)
			}
			return true
		}
	})
	sent, g := b.send()
	must(t, g.Execute())
	if err := sent.Cancel(patient(t)); !errors.Is(err, action.ErrRejected) || g.Status() != action.Succeeded {
		t.Errorf("%v, %v, want a refusal and succeeded", err, g.Status())
	}
}

func TestRejectedGoals(t *testing.T) {
	accept := false
	b := open(t, func(c *action.Config) {
		c.MaxGoals, c.MaxGoalBytes = 2, 4
		c.Handler.Goal = func(action.ID, []byte) bool { return accept }
	})
	if _, err := b.client.Send(patient(t), &gps.Train_Goal{}, nil); !errors.Is(err, action.ErrRejected) {
		t.Errorf("%v, want ErrRejected", err)
	}
	accept = true
	id := action.ID{1}
	if !b.sendID(id) || b.sendID(id) {
		t.Error("an ID was accepted twice, or not once")
	}
	g := next(t, b.accepted)
	must(t, g.Execute(), g.Succeed(&gps.Train_Result{}))
	if b.sendID(id) {
		t.Error("the ID of a goal that has ended was accepted")
	}
	for i := byte(2); i < 5; i++ {
		if got := b.sendID(action.ID{i}); got != (i < 4) {
			t.Errorf("goal %d of at most 2: accepted %t", i-1, got)
		}
	}
	large := append((&gps.Train_SendGoal_Request{}).AppendCDR(nil), 0)
	var response gps.Train_SendGoal_Response
	b.decode(&response, b.call("send_goal", large))
	if response.Accepted {
		t.Error("a goal over the limit was accepted")
	}
	if stats := b.server.Stats(); stats.Refused != 4 || stats.Malformed != 0 {
		t.Errorf("%+v, want 4 refused", stats)
	}
}

func TestResultsAreForgotten(t *testing.T) {
	b := open(t, func(c *action.Config) { c.ResultTimeout, c.MaxResults = 100, 3 })
	end := func(at int64) *action.Sent {
		sent, g := b.send()
		b.clock.Store(at)
		must(t, g.Execute(), g.Succeed(&gps.Train_Result{Iteration: uint32(at)}))
		return sent
	}
	has := func(s *action.Sent, want bool) {
		t.Helper()
		var result gps.Train_Result
		status, err := s.Result(patient(t), &result)
		if want && (err != nil || status != action.Succeeded) || !want && (!errors.Is(err, action.ErrUnknownGoal) || status != action.Unknown) {
			t.Errorf("%v, %v at %d, want there: %t", status, err, b.clock.Load(), want)
		}
	}
	first := end(10)
	second := end(1000) // a long goal counts from its end
	has(first, false)
	b.clock.Store(1100)
	has(second, true)
	b.clock.Store(900) // a clock that jumps back forgets nothing
	has(second, true)
	b.clock.Store(1101)
	has(second, false)
	var ends []*action.Sent
	for range 5 {
		ends = append(ends, end(2000))
	}
	for i, s := range ends {
		has(s, i >= 2)
	}
	b.watch()
	if s := next(t, b.statuses); len(s) != 3 {
		t.Errorf("a late subscription sees %d goals, want 3", len(s))
	}
}

func TestUnknownGoals(t *testing.T) {
	b := open(t, nil)
	r := b.resultOf(action.ID{9})
	if action.Status(r.Status) != action.Unknown || r.Result != (gps.Train_Result{}) {
		t.Errorf("%+v, want unknown and an empty result", r)
	}
}
