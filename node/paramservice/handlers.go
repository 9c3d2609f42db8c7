package paramservice

import (
	"errors"
	"fmt"

	"guidedpolicysearch/msgs/rcl_interfaces"
	"guidedpolicysearch/node/rcl"
	"guidedpolicysearch/node/transport"
)

// Bounds of one request.
const (
	maxNames    = 10_000   // names asked for
	maxPrefixes = 1000     // prefixes to list
	maxSets     = 1000     // parameters to set
	maxAnswer   = 16 << 20 // bytes of values or descriptors
)

// lookup gives each name's value and descriptor to add, until one is not declared (ok is
// false), or the answer would grow out of bounds.
func (s *Server) lookup(names []string, add func(rcl.Value, rcl_interfaces.ParameterDescriptor) (size int)) (ok bool) {
	if len(names) > maxNames {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	bytes := 0
	for _, name := range names {
		value, descriptor, ok := s.store.Lookup(name)
		if !ok {
			return false
		}
		if bytes += add(value, descriptor); bytes > maxAnswer {
			return false
		}
	}
	return true
}

func (s *Server) getParameters(request []byte, reply transport.Reply) {
	var in rcl_interfaces.GetParameters_Request
	var out rcl_interfaces.GetParameters_Response
	if !s.decode(request, &in) {
		return
	}
	ok := s.lookup(in.Names, func(v rcl.Value, _ rcl_interfaces.ParameterDescriptor) int {
		out.Values = append(out.Values, ToMessage(v))
		return size(v)
	})
	if !ok {
		out.Values = nil
	}
	s.answer(reply, &out)
}

func (s *Server) getParameterTypes(request []byte, reply transport.Reply) {
	var in rcl_interfaces.GetParameterTypes_Request
	var out rcl_interfaces.GetParameterTypes_Response
	if !s.decode(request, &in) {
		return
	}
	ok := s.lookup(in.Names, func(v rcl.Value, _ rcl_interfaces.ParameterDescriptor) int {
		out.Types = append(out.Types, uint8(v.Type))
		return 1
	})
	if !ok {
		out.Types = nil
	}
	s.answer(reply, &out)
}

func (s *Server) describeParameters(request []byte, reply transport.Reply) {
	var in rcl_interfaces.DescribeParameters_Request
	var out rcl_interfaces.DescribeParameters_Response
	if !s.decode(request, &in) {
		return
	}
	ok := s.lookup(in.Names, func(_ rcl.Value, d rcl_interfaces.ParameterDescriptor) int {
		out.Descriptors = append(out.Descriptors, d)
		return 100 + len(d.Name) + len(d.Description) + len(d.AdditionalConstraints)
	})
	if !ok {
		out.Descriptors = nil
	}
	s.answer(reply, &out)
}

func (s *Server) listParameters(request []byte, reply transport.Reply) {
	var in rcl_interfaces.ListParameters_Request
	var out rcl_interfaces.ListParameters_Response
	if !s.decode(request, &in) {
		return
	}
	if len(in.Prefixes) <= maxPrefixes {
		s.mu.Lock()
		out.Result = list(s.store.Names(), in.Prefixes, in.Depth)
		s.mu.Unlock()
	}
	s.answer(reply, &out)
}

// setParameters sets one after the other, each by itself.
func (s *Server) setParameters(request []byte, reply transport.Reply) {
	var in rcl_interfaces.SetParameters_Request
	if !s.decode(request, &in) {
		return
	}
	out := rcl_interfaces.SetParameters_Response{Results: make([]rcl_interfaces.SetParametersResult, len(in.Parameters))}
	s.beginSetting()
	for i := range in.Parameters {
		if i >= maxSets {
			out.Results[i].Reason = tooMany(len(in.Parameters)).Error()
			continue
		}
		out.Results[i] = s.set(in.Parameters[i : i+1])
	}
	s.answer(reply, &out)
}

func (s *Server) setParametersAtomically(request []byte, reply transport.Reply) {
	var in rcl_interfaces.SetParametersAtomically_Request
	var out rcl_interfaces.SetParametersAtomically_Response
	if !s.decode(request, &in) {
		return
	}
	s.beginSetting()
	if len(in.Parameters) > maxSets {
		out.Result.Reason = tooMany(len(in.Parameters)).Error()
	} else {
		out.Result = s.set(in.Parameters)
	}
	s.answer(reply, &out)
}

func tooMany(n int) error {
	return fmt.Errorf("%d parameters in one request, expected at most %d", n, maxSets)
}

func (s *Server) beginSetting() {
	if s.begin != nil {
		s.Do(s.begin)
	}
}

// set sets all parameters or none, and tells of it.
func (s *Server) set(parameters []rcl_interfaces.Parameter) rcl_interfaces.SetParametersResult {
	assignments := make([]Assignment, len(parameters))
	for i := range parameters {
		assignments[i] = Assignment{Name: parameters[i].Name, Value: FromMessage(&parameters[i].Value)}
	}
	if err := s.assign(assignments); err != nil {
		return rcl_interfaces.SetParametersResult{Reason: err.Error()}
	}
	return rcl_interfaces.SetParametersResult{Successful: true}
}

func (s *Server) assign(assignments []Assignment) error {
	for _, a := range assignments {
		if a.Name == "" {
			return errors.New("the parameter's name is empty")
		}
	}
	s.order.Lock()
	defer s.order.Unlock()
	var changes []Change
	if len(assignments) > 0 {
		var err error
		s.mu.Lock()
		changes, err = s.store.Set(assignments)
		s.mu.Unlock()
		if err != nil {
			return err
		}
	}
	s.announce(changes)
	if s.changed == nil {
		return nil
	}
	var differ []Change
	for _, c := range changes {
		if !c.Old.Equal(c.New) {
			differ = append(differ, c)
		}
	}
	if len(differ) > 0 {
		s.changed(differ)
	}
	return nil
}
