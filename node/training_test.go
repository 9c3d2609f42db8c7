package node

import (
	"testing"

	"guidedpolicysearch/msgs/guided_policy_search_msgs"
	"guidedpolicysearch/node/action"
)

// A goal that is canceled while the node is busy ends as canceled when its turn comes, and
// starts nothing.
func TestGoalCanceledBeforeItsTurn(t *testing.T) {
	t.Parallel() // it waits, most of the time
	m := startManaged(t, options{}, "autostart:=false")
	client, err := action.NewClient(m.outside, action.ClientConfig{Name: nodeName + "/train", Type: action.Type{SendGoal: new(guided_policy_search_msgs.Train_SendGoal),
		GetResult: new(guided_policy_search_msgs.Train_GetResult), Feedback: new(guided_policy_search_msgs.Train_FeedbackMessage)}})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	configured := make(chan error, 1)
	go func() { _, err := m.Do(m.context(), "configure"); configured <- err }()
	m.until("the node waits for its robot", func() bool { return m.is("configuring") })

	goal, err := client.Send(m.context(), &guided_policy_search_msgs.Train_Goal{Iterations: 1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := goal.Cancel(m.context()); err != nil {
		t.Fatal(err)
	}
	var result guided_policy_search_msgs.Train_Result
	status, err := goal.Result(m.context(), &result)
	if err != nil || status != action.Canceled || result.Message != "canceled" {
		t.Errorf("status %v with %q, %v", status, result.Message, err)
	}
	if err := <-configured; err == nil {
		t.Error("configured without a robot")
	}
	if !m.is("unconfigured") {
		t.Error("the goal has started the node")
	}
}
