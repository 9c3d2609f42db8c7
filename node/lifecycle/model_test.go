package lifecycle_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"

	"guidedpolicysearch/msgs/lifecycle_msgs"
	"guidedpolicysearch/node/lifecycle"
	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/transport/mem"
)

// row is a transition as the design article "Managed nodes" draws it, in the names of its
// figure.
type row struct {
	from    string
	id      uint8
	label   string
	through string
	success string
	failure string
}

var article = []row{
	{"unconfigured", 1, "configure", "configuring", "inactive", "unconfigured"},
	{"inactive", 2, "cleanup", "cleaningup", "unconfigured", "inactive"},
	{"inactive", 3, "activate", "activating", "active", "inactive"},
	{"active", 4, "deactivate", "deactivating", "inactive", "active"},
	{"unconfigured", 5, "shutdown", "shuttingdown", "finalized", "finalized"},
	{"inactive", 6, "shutdown", "shuttingdown", "finalized", "finalized"},
	{"active", 7, "shutdown", "shuttingdown", "finalized", "finalized"},
}

// ids are those of lifecycle_msgs/msg/State.
var ids = map[string]uint8{
	"unknown": 0, "unconfigured": 1, "inactive": 2, "active": 3, "finalized": 4, "configuring": 10,
	"cleaningup": 11, "shuttingdown": 12, "activating": 13, "deactivating": 14, "errorprocessing": 15,
}

// TestRandomWalks drives machines through the services and holds every answer, event and
// callback to the article's table.
func TestRandomWalks(t *testing.T) {
	for seed := range uint64(20) {
		var bus mem.Bus
		walk(t, node(t, &bus, "gps"), node(t, &bus, "tool"), rand.New(rand.NewPCG(seed, 1)), 60)
	}
}

// walk takes up to steps random steps with a machine on the node near, asked from far.
func walk(t *testing.T, near, far transport.Node, random *rand.Rand, steps int) {
	results := []lifecycle.Result{lifecycle.Success, lifecycle.Success, lifecycle.Success, lifecycle.Failure, lifecycle.Error, 0}
	var next, onError lifecycle.Result // what the callbacks return
	type call struct {
		name string
		from lifecycle.State
	}
	var calls []call // of the latest step; the reply comes after
	callback := func(name string, result *lifecycle.Result) lifecycle.Callback {
		return func(_ context.Context, from lifecycle.State) lifecycle.Result {
			calls = append(calls, call{name, from})
			return *result
		}
	}
	a := openOn(t, near, far, lifecycle.Callbacks{
		Configure:  callback("configuring", &next),
		Activate:   callback("activating", &next),
		Deactivate: callback("deactivating", &next),
		Cleanup:    callback("cleaningup", &next),
		Shutdown:   callback("shuttingdown", &next),
		Error:      callback("errorprocessing", &onError),
	})
	a.supervise()
	state, clock := "unconfigured", uint64(0)
	for step := range steps {
		next, onError = results[random.IntN(len(results))], results[random.IntN(len(results))]
		calls = calls[:0]
		id, label := uint8(random.IntN(12)), ""
		if random.IntN(2) == 0 {
			label = []string{"configure", "cleanup", "activate", "deactivate", "shutdown", "transition_success", "create", "Configure"}[random.IntN(8)]
		}
		var want *row
		for i, r := range article {
			if r.from == state && (label == r.label || label == "" && id == r.id) {
				want = &article[i]
			}
		}
		got := a.change(id, label)
		var path []string
		var called []call
		if want != nil {
			from := lifecycle.State(ids[state])
			path, called = []string{want.from, want.through}, []call{{want.through, from}}
			switch next {
			case lifecycle.Success:
				path = append(path, want.success)
			case lifecycle.Failure:
				path = append(path, want.failure)
			default:
				path, called = append(path, "errorprocessing"), append(called, call{"errorprocessing", from})
				if onError == lifecycle.Success {
					path = append(path, "unconfigured")
				} else {
					path = append(path, "finalized")
				}
			}
			state = path[len(path)-1]
		}
		if wanted := want != nil && next == lifecycle.Success; got != wanted {
			t.Fatalf("step %d: change_state %d %q answered %t, want %t", step, id, label, got, wanted)
		}
		if !slices.Equal(calls, called) {
			t.Fatalf("step %d: callbacks %v, want %v", step, calls, called)
		}
		for i := 1; i < len(path); i++ {
			e := a.event()
			clock++
			if e.StartState.Label != path[i-1] || e.GoalState.Label != path[i] || e.StartState.Id != ids[path[i-1]] || e.GoalState.Id != ids[path[i]] ||
				e.Timestamp != clock {
				t.Fatalf("step %d: event %+v, want %s to %s at %d", step, e, path[i-1], path[i], clock)
			}
		}
		a.consistent(state)
		if state == "finalized" && random.IntN(3) == 0 {
			return
		}
	}
	if n := len(a.events); n != 0 {
		t.Errorf("%d more events than transitions", n)
	}
}

// consistent holds the answers of the services to the state.
func (a *arm) consistent(state string) {
	a.t.Helper()
	if got := a.state(); got.Label != state || got.Id != ids[state] || a.machine.State() != lifecycle.State(ids[state]) {
		a.t.Fatalf("state %+v and %v, want %s", got, a.machine.State(), state)
	}
	var want []lifecycle_msgs.TransitionDescription
	for _, d := range a.transitions("get_transition_graph") {
		if d.StartState.Label == state {
			want = append(want, d)
		}
	}
	got := a.transitions("get_available_transitions")
	if !slices.Equal(got, want) {
		a.t.Fatalf("in %s the transitions are %v, in the graph %v", state, got, want)
	}
	for _, d := range got {
		if !slices.ContainsFunc(article, func(r row) bool {
			return r.from == state && r.id == d.Transition.Id && r.label == d.Transition.Label && r.through == d.GoalState.Label
		}) {
			a.t.Fatalf("in %s: transition %+v, which the article does not draw", state, d)
		}
	}
}

func TestStatesAndGraph(t *testing.T) {
	a := open(t, lifecycle.Callbacks{})
	var states lifecycle_msgs.GetAvailableStates_Response
	a.call("get_available_states", (&lifecycle_msgs.GetAvailableStates_Request{}).AppendCDR(nil), &states)
	// In the order of rcl: the primary states and then the transition states, by id.
	order := []string{"unknown", "unconfigured", "inactive", "active", "finalized", "configuring", "cleaningup",
		"shuttingdown", "activating", "deactivating", "errorprocessing"}
	if len(states.AvailableStates) != len(order) {
		t.Fatalf("states %v, want %v", states.AvailableStates, order)
	}
	for i, s := range states.AvailableStates {
		if s.Label != order[i] || s.Id != ids[order[i]] {
			t.Errorf("state %d is %+v, want %s", i, s, order[i])
		}
	}
	graph := map[lifecycle_msgs.TransitionDescription]bool{}
	for _, d := range a.transitions("get_transition_graph") {
		graph[d] = true
	}
	want := func(id uint8, label, from, to string) {
		d := lifecycle_msgs.TransitionDescription{
			Transition: lifecycle_msgs.Transition{Id: id, Label: label},
			StartState: lifecycle_msgs.State{Id: ids[from], Label: from}, GoalState: lifecycle_msgs.State{Id: ids[to], Label: to},
		}
		if !graph[d] {
			t.Errorf("no %+v in the graph", d)
		}
		delete(graph, d)
	}
	for _, r := range article {
		want(r.id, r.label, r.from, r.through)
	}
	// The results of configure are 10 to 12, of cleanup 20 to 22, ...
	for i, r := range article[:5] {
		want(uint8(10*i+10), "transition_success", r.through, r.success)
		want(uint8(10*i+11), "transition_failure", r.through, r.failure)
		want(uint8(10*i+12), "transition_error", r.through, "errorprocessing")
	}
	want(60, "transition_success", "errorprocessing", "unconfigured")
	want(61, "transition_failure", "errorprocessing", "finalized")
	want(62, "transition_error", "errorprocessing", "finalized")
	for d := range graph {
		t.Errorf("%+v in the graph, which neither the article nor rcl has", d)
	}
}
