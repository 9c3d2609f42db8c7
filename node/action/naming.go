package action

import (
	"guidedpolicysearch/msgs"
	"guidedpolicysearch/msgs/action_msgs"
	"guidedpolicysearch/node/rostype"
	"guidedpolicysearch/node/transport"
)

// Type is an action's type: the generated types of its services and its feedback, such as
// &guided_policy_search_msgs.Train_SendGoal{}.
type Type struct {
	SendGoal  msgs.Type // Name_SendGoal
	GetResult msgs.Type // Name_GetResult
	Feedback  msgs.Type // Name_FeedbackMessage
}

func (t Type) complete() bool { return t.SendGoal != nil && t.GetResult != nil && t.Feedback != nil }

// endpoint is the name and type of a service or topic of an action.
type endpoint struct {
	name string
	typ  transport.Type
}

func (t Type) sendGoal(action string) endpoint  { return part(action, "send_goal", t.SendGoal) }
func (t Type) getResult(action string) endpoint { return part(action, "get_result", t.GetResult) }
func (t Type) feedback(action string) endpoint  { return part(action, "feedback", t.Feedback) }
func (t Type) cancelGoal(action string) endpoint {
	return part(action, "cancel_goal", &action_msgs.CancelGoal{})
}
func (t Type) status(action string) endpoint {
	return part(action, "status", &action_msgs.GoalStatusArray{})
}

func part(action, name string, t msgs.Type) endpoint {
	return endpoint{action + "/_action/" + name, rostype.Of(t)}
}
