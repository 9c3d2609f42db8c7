package description

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"guidedpolicysearch/msgs/idl"
)

// ErrUnknown is a type of which a Set has no definition.
var ErrUnknown = errors.New("description: unknown type")

// Set is types by name, and the messages, services and actions among them.
type Set struct{ types map[string]Individual }

// NewSet returns a set without types.
func NewSet() *Set { return &Set{types: map[string]Individual{}} }

// Names returns the names of all types, ordered.
func (s *Set) Names() []string {
	names := make([]string, 0, len(s.types))
	for name := range s.types {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// AddPackage reads the definitions of one ROS package, in the folders msg, srv and action
// of dir. What they refer to may be added later. Errors wrap idl.ErrSyntax, or are those of
// dir.
func (s *Set) AddPackage(pkg string, dir fs.FS) error {
	for _, kind := range []string{"msg", "srv", "action"} {
		files, err := fs.Glob(dir, kind+"/*."+kind)
		if err != nil {
			return fmt.Errorf("description: package %s: %w", pkg, err)
		}
		for _, file := range files {
			text, err := fs.ReadFile(dir, file)
			if err != nil {
				return fmt.Errorf("description: package %s: %w", pkg, err)
			}
			ref := idl.Ref{Package: pkg, Kind: kind, Name: strings.TrimSuffix(path.Base(file), "."+kind)}
			if err := s.addFile(ref, pkg+"/"+file, string(text)); err != nil {
				return fmt.Errorf("description: %w", err)
			}
		}
	}
	return nil
}

// addFile reads one definition.
func (s *Set) addFile(ref idl.Ref, file, text string) error {
	source := Source{ref.Kind, strings.TrimSuffix(text, "\n")} // as rosidl keeps it
	switch ref.Kind {
	case "srv":
		request, response, err := idl.ParseService(ref, file, text)
		if err != nil {
			return err
		}
		s.addService(ref.String(), request, response, source)
	case "action":
		a, err := idl.ParseAction(ref, file, text)
		if err != nil {
			return err
		}
		s.addAction(ref.String(), a, source)
	default:
		m, err := idl.ParseMessage(ref, file, text)
		if err != nil {
			return err
		}
		s.addMessage(m, source)
	}
	return nil
}

func (s *Set) addMessage(m *idl.Message, source Source) {
	s.types[m.Ref.String()] = Individual{m.Ref.String(), fields(m), source}
}

// addService adds a service, its two messages, and the one that introspection publishes.
func (s *Set) addService(name string, request, response *idl.Message, source Source) {
	implicit := Source{Encoding: Implicit}
	s.addMessage(request, implicit)
	s.addMessage(response, implicit)
	one := func(field string, m *idl.Message) Field {
		return Field{Name: field, Type: FieldType{ID: nested + boundedSequence, Capacity: 1, Nested: m.Ref.String()}}
	}
	event := name + "_Event"
	s.types[event] = Individual{event, []Field{
		member("info", "service_msgs/msg/ServiceEventInfo"), one("request", request), one("response", response),
	}, implicit}
	s.types[name] = Individual{name, []Field{
		member("request_message", request.Ref.String()), member("response_message", response.Ref.String()), member("event_message", event),
	}, source}
}

// addAction adds an action and all that follows from it.
func (s *Set) addAction(name string, a *idl.Action, source Source) {
	implicit := Source{Encoding: Implicit}
	for _, m := range []*idl.Message{a.Goal, a.Result, a.Feedback, a.FeedbackMessage} {
		s.addMessage(m, implicit)
	}
	sendGoal, getResult := name+"_SendGoal", name+"_GetResult"
	s.addService(sendGoal, a.SendGoalRequest, a.SendGoalResponse, implicit)
	s.addService(getResult, a.GetResultRequest, a.GetResultResponse, implicit)
	s.types[name] = Individual{name, []Field{
		member("goal", a.Goal.Ref.String()), member("result", a.Result.Ref.String()), member("feedback", a.Feedback.Ref.String()),
		member("send_goal_service", sendGoal), member("get_result_service", getResult), member("feedback_message", a.FeedbackMessage.Ref.String()),
	}, source}
}

// member returns a field that holds one value of a type.
func member(name, typ string) Field {
	return Field{Name: name, Type: FieldType{ID: nested, Nested: typ}}
}

// Describe returns the description of a type. The error wraps ErrUnknown and names what
// there is no definition of.
func (s *Set) Describe(name string) (*Description, error) {
	top, ok := s.types[name]
	if !ok {
		return nil, fmt.Errorf("%w: %s", ErrUnknown, name)
	}
	d := &Description{Individual: top}
	seen := map[string]bool{}
	for queue := []Individual{top}; len(queue) > 0; queue = queue[1:] {
		for _, f := range queue[0].Fields {
			if f.Type.Nested == "" || seen[f.Type.Nested] {
				continue
			}
			seen[f.Type.Nested] = true
			t, ok := s.types[f.Type.Nested]
			if !ok {
				return nil, fmt.Errorf("%w: %s, of field %s of %s", ErrUnknown, f.Type.Nested, f.Name, queue[0].Name)
			}
			d.Referenced = append(d.Referenced, t)
			queue = append(queue, t)
		}
	}
	slices.SortFunc(d.Referenced, func(a, b Individual) int { return strings.Compare(a.Name, b.Name) })
	return d, nil
}
