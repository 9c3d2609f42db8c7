package action

import "guidedpolicysearch/node/transport"

// naming gives the names and types of an action's services and topics.
type naming struct {
	action, typ string
	hash        func(string) string
}

func (n naming) topic(part string) string { return n.action + "/_action/" + part }

func (n naming) sendGoal() transport.Type   { return n.typed(n.typ + "_SendGoal") }
func (n naming) getResult() transport.Type  { return n.typed(n.typ + "_GetResult") }
func (n naming) feedback() transport.Type   { return n.typed(n.typ + "_FeedbackMessage") }
func (n naming) cancelGoal() transport.Type { return n.typed("action_msgs/srv/CancelGoal") }
func (n naming) status() transport.Type     { return n.typed("action_msgs/msg/GoalStatusArray") }

func (n naming) typed(name string) transport.Type {
	return transport.Type{Name: name, Hash: n.hash(name)}
}
