package importing

import (
	"bytes"
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/foxglove/mcap/go/mcap"

	"guidedpolicysearch/msgs/sensor_msgs"
	"guidedpolicysearch/msgs/std_msgs"
	"guidedpolicysearch/node/bag"
	"guidedpolicysearch/node/demonstration"
	"guidedpolicysearch/node/record"
)

// maxKept bounds the messages that are kept beside the rollouts of a file, in bytes.
const maxKept = 1 << 28

// message is one of a bag, as it is there.
type message struct {
	payload       []byte
	receive, send int64
	stamp         int64 // of a joint state, in ns; its receive time where there is none
	place         int64 // in the order of reception; see demonstration.Reception
	number        int   // of a joint state, in the order of the files
}

// scan is what a bag holds of the two topics.
type scan struct {
	topics    [2]string // without the / that they begin with
	found     [2]record.Topic
	messages  [2][]message
	joints    []string
	bytes     int
	dropped   int
	states    int // messages of joint states
	reception demonstration.Reception
}

// scanned collects the messages of a bag; none of a CSV file.
func scanned(path string, topics demonstration.Topics) (*scan, error) {
	files, err := demonstration.Files(path)
	if err != nil {
		return nil, err
	}
	s := &scan{topics: [2]string{strings.TrimPrefix(topics.JointStates, "/"), strings.TrimPrefix(topics.Commands, "/")}}
	for _, file := range files {
		schemas, channels := map[uint16]string{}, map[uint16]int{}
		if _, err := bag.Salvage(file, func(op mcap.OpCode, _ int64, body []byte) error { return s.visit(op, body, schemas, channels) }); err != nil {
			return nil, fmt.Errorf("%w: %w", demonstration.ErrBag, err)
		}
	}
	return s, nil
}

// visit takes a record; channels has which of the topics a channel is of, counted from 1.
func (s *scan) visit(op mcap.OpCode, body []byte, schemas map[uint16]string, channels map[uint16]int) error {
	switch op {
	case mcap.OpSchema:
		schema, err := mcap.ParseSchema(body)
		if err != nil {
			return fmt.Errorf("schema: %w", err)
		}
		schemas[schema.ID] = schema.Name
	case mcap.OpChannel:
		c, err := mcap.ParseChannel(body)
		if err != nil {
			return fmt.Errorf("channel: %w", err)
		}
		types := [2]string{new(sensor_msgs.JointState).TypeName(), new(std_msgs.Float64MultiArray).TypeName()}
		for i, name := range s.topics {
			if name != "" && strings.TrimPrefix(c.Topic, "/") == name && schemas[c.SchemaID] == types[i] && c.MessageEncoding == "cdr" {
				channels[c.ID] = i + 1
				s.found[i] = record.Topic{Name: c.Topic, Depth: 10}
			}
		}
	case mcap.OpMessage:
		m, err := mcap.ParseMessage(body)
		if err != nil {
			return fmt.Errorf("message: %w", err)
		}
		if i := channels[m.ChannelID]; i > 0 {
			s.keep(i-1, m)
		}
	}
	return nil
}

// keep copies a message, as far as there is room.
func (s *scan) keep(topic int, m *mcap.Message) {
	kept := message{receive: int64(m.LogTime), send: int64(m.PublishTime), stamp: int64(m.LogTime), number: s.states, place: s.reception.Place(topic, int64(m.LogTime))}
	if topic == 0 {
		s.states++
		var state sensor_msgs.JointState
		if state.UnmarshalCDR(m.Data) != nil {
			return // reading the motion says so
		}
		if s.joints == nil {
			s.joints = slices.Clone(state.Name)
		}
		if ns := int64(state.Header.Stamp.Sec)*1e9 + int64(state.Header.Stamp.Nanosec); ns != 0 {
			kept.stamp = ns
		}
	}
	if s.bytes += len(m.Data); s.bytes > maxKept {
		s.dropped++
		return
	}
	kept.payload = bytes.Clone(m.Data)
	s.messages[topic] = append(s.messages[topic], kept)
}

// trial returns a trial with the messages of a stretch between two stamps in ns.
func (s *scan) trial(stretch *demonstration.Stretch, from, to int64) *record.Trial {
	var states []message
	for _, m := range between(s.messages[0], func(m message) int64 { return int64(m.number) }, int64(stretch.From), int64(stretch.To)-1) {
		if m.stamp >= from && m.stamp <= to {
			states = append(states, m)
		}
	}
	var commands []message
	if len(states) > 0 {
		commands = between(s.messages[1], func(m message) int64 { return m.place }, states[0].place, states[len(states)-1].place)
	}
	most, size := max(len(states), len(commands)), 0
	for _, list := range [][]message{states, commands} {
		n := 0
		for _, m := range list {
			n += len(m.payload)
		}
		size = max(size, n)
	}
	topics := s.found
	for i, name := range []string{"/joint_states", "/effort_controller/commands"} { // of what has none
		if topics[i].Name == "" {
			topics[i] = record.Topic{Name: name, Depth: 10}
		}
	}
	t := record.NewTrial(record.Topics{JointStates: topics[0], Commands: topics[1], Rollout: record.Topic{Name: "/guided_policy_search/rollout", Depth: 10}}, most, size)
	for _, m := range states {
		t.JointStates.Append(m.payload, m.receive, m.send)
	}
	for _, m := range commands {
		t.Commands.Append(m.payload, m.receive, m.send)
	}
	return t
}

// between returns the messages whose keys, which do not fall, are from one to another one.
func between(list []message, key func(message) int64, from, to int64) []message {
	search := func(key1 int64) int {
		return sort.Search(len(list), func(i int) bool { return key(list[i]) >= key1 })
	}
	first := search(from)
	return list[first:max(first, search(to+1))]
}
