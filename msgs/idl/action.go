package idl

// Action holds the messages of a .action file and those that follow from them: an
// action is two services and two topics (https://design.ros2.org/articles/actions.html).
type Action struct {
	Goal, Result, Feedback *Message
	SendGoalRequest        *Message // goal_id, goal
	SendGoalResponse       *Message // accepted, stamp
	GetResultRequest       *Message // goal_id
	GetResultResponse      *Message // status (of action_msgs/msg/GoalStatus), result
	FeedbackMessage        *Message // goal_id, feedback
}

// Messages returns all of them, parts first.
func (a *Action) Messages() []*Message {
	return []*Message{a.Goal, a.Result, a.Feedback, a.SendGoalRequest, a.SendGoalResponse,
		a.GetResultRequest, a.GetResultResponse, a.FeedbackMessage}
}

// ParseAction reads a .action file; ref names the action.
func ParseAction(ref Ref, file, text string) (*Action, error) {
	parts, lines, err := split(file, text, 3)
	if err != nil {
		return nil, err
	}
	a := &Action{}
	for i, part := range []struct {
		to     **Message
		suffix string
	}{{&a.Goal, "_Goal"}, {&a.Result, "_Result"}, {&a.Feedback, "_Feedback"}} {
		if *part.to, err = parsePart(ref.part(part.suffix), file, parts[i], lines[i]); err != nil {
			return nil, err
		}
	}

	id := Field{Name: "goal_id", Type: Type{Message: Ref{"unique_identifier_msgs", "msg", "UUID"}}}
	stamp := Field{Name: "stamp", Type: Type{Message: Ref{"builtin_interfaces", "msg", "Time"}}}
	accepted := Field{Name: "accepted", Type: Type{Primitive: Bool}}
	status := Field{Name: "status", Type: Type{Primitive: Int8}}
	part := func(name string, m *Message) Field { return Field{Name: name, Type: Type{Message: m.Ref}} }
	derive := func(suffix string, fields ...Field) *Message {
		m := &Message{Ref: ref.part(suffix), Fields: fields}
		for _, f := range fields {
			m.Text += f.Type.text() + " " + f.Name + "\n"
		}
		return m
	}
	a.SendGoalRequest = derive("_SendGoal_Request", id, part("goal", a.Goal))
	a.SendGoalResponse = derive("_SendGoal_Response", accepted, stamp)
	a.GetResultRequest = derive("_GetResult_Request", id)
	a.GetResultResponse = derive("_GetResult_Response", status, part("result", a.Result))
	a.FeedbackMessage = derive("_FeedbackMessage", id, part("feedback", a.Feedback))
	return a, nil
}

// text returns the type of a derived field as a definition writes it.
func (t Type) text() string {
	if t.Primitive != "" {
		return string(t.Primitive)
	}
	return t.Message.Short()
}

// Short returns the name as definitions write it: without the kind for messages.
func (r Ref) Short() string {
	if r.Kind == "msg" {
		return r.Package + "/" + r.Name
	}
	return r.String()
}
