package demonstration

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/foxglove/mcap/go/mcap"

	"guidedpolicysearch/hardware/trajectory"
	"guidedpolicysearch/msgs/sensor_msgs"
	"guidedpolicysearch/msgs/std_msgs"
	"guidedpolicysearch/node/bag"
)

// maxRows bounds the joint states of a motion.
const maxRows = 1 << 20

// kind of a channel.
type kind int

const (
	other kind = iota
	jointStates
	commands
)

// collector collects the motion in a bag. Names of topics are compared without the / that they begin
// with.
type collector struct {
	joints  []string
	topics  Topics
	schemas map[uint16]string
	kinds   map[uint16]kind
	found   []string // topics of joint states
	others  []string // joints of messages that have none of the robot's
	partial bool     // there were such messages

	state   sensor_msgs.JointState
	command std_msgs.Float64MultiArray
	index   []int // of joints in the message
	last    []byte

	motion   trajectory.Trajectory
	first    int64   // stamp of the first row, ns
	received []int64 // of each row, ns
	efforts  []float64
	ordered  []int64 // when each command was received, ns
	// From the first row: whether joint states have stamps, velocities and efforts.
	stamped, velocities, withEffort bool
	now                             int64
}

// walker visits the records of a file; what it cannot read is an error or a loss.
type walker func(path string, visit bag.Visitor) (bag.Loss, error)

// whole takes nothing but whole files.
func whole(path string, visit bag.Visitor) (bag.Loss, error) {
	err := bag.Walk(path, visit)
	if errors.Is(err, bag.ErrDamaged) {
		err = fmt.Errorf("%w; `gps import` reads what is there, `mcap recover` makes a whole file of it", err)
	}
	return bag.Loss{}, err
}

// readBag reads the motion in the files of a bag.
func readBag(files, joints []string, topics Topics, walk walker) (*trajectory.Trajectory, error) {
	b := &collector{joints: joints, topics: topics, index: make([]int, len(joints))}
	for _, path := range files {
		b.schemas, b.kinds = map[uint16]string{}, map[uint16]kind{}
		if _, err := walk(path, b.visit); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrBag, err)
		}
	}
	where := files[0]
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s: %s", ErrBag, where, fmt.Sprintf(format, args...))
	}
	switch n := len(b.motion.Time); {
	case n == 0 && b.partial:
		return nil, bad("the messages of topic %s are of the joints %q, need %q", topics.JointStates, b.others, joints)
	case n == 0 && slices.ContainsFunc(b.found, func(t string) bool { return sameTopic(t, topics.JointStates) }):
		return nil, bad("topic %s has no messages", topics.JointStates)
	case n == 0:
		return nil, bad("there is no topic %s of sensor_msgs/msg/JointState; topics of that type: %q", topics.JointStates, b.found)
	case n < 2:
		return nil, bad("topic %s has %d message of the robot's joints, need at least two", topics.JointStates, n)
	}
	if err := b.applyCommands(); err != nil {
		return nil, bad("%v", err)
	}
	return &b.motion, nil
}

func sameTopic(a, b string) bool {
	return strings.TrimPrefix(a, "/") == strings.TrimPrefix(b, "/")
}

// visit takes a record.
func (b *collector) visit(op mcap.OpCode, _ int64, body []byte) error {
	switch op {
	case mcap.OpSchema:
		s, err := mcap.ParseSchema(body)
		if err != nil {
			return fmt.Errorf("schema: %w", err)
		}
		b.schemas[s.ID] = s.Name
	case mcap.OpChannel:
		c, err := mcap.ParseChannel(body)
		if err != nil {
			return fmt.Errorf("channel: %w", err)
		}
		return b.channel(c)
	case mcap.OpMessage:
		m, err := mcap.ParseMessage(body)
		if err != nil {
			return fmt.Errorf("message: %w", err)
		}
		switch b.kinds[m.ChannelID] {
		case jointStates:
			if err := b.jointState(m); err != nil {
				return fmt.Errorf("topic %s, message %d of the robot's joints, %.6g s after the first: %w", b.topics.JointStates, len(b.motion.Time)+1, b.elapsed(m), err)
			}
		case commands:
			if err := b.effort(m); err != nil {
				return fmt.Errorf("topic %s, message %d: %w", b.topics.Commands, len(b.ordered)+1, err)
			}
		}
	}
	return nil
}

// elapsed returns the time in s from the first row's reception to a message's.
func (b *collector) elapsed(m *mcap.Message) float64 {
	if len(b.received) == 0 {
		return 0
	}
	return float64(int64(m.LogTime)-b.received[0]) / 1e9
}

// channel notes what a channel carries.
func (b *collector) channel(c *mcap.Channel) error {
	schema, k := b.schemas[c.SchemaID], other
	if schema == b.state.TypeName() && !slices.Contains(b.found, c.Topic) && len(b.found) < 100 {
		b.found = append(b.found, c.Topic)
	}
	want := ""
	switch {
	case sameTopic(c.Topic, b.topics.JointStates):
		k, want = jointStates, b.state.TypeName()
	case b.topics.Commands != "" && sameTopic(c.Topic, b.topics.Commands):
		k, want = commands, b.command.TypeName()
	}
	if k != other && (schema != want || c.MessageEncoding != "cdr") {
		return fmt.Errorf("topic %s is of type %q in encoding %q, need %s in cdr", c.Topic, schema, c.MessageEncoding, want)
	}
	b.kinds[c.ID] = k
	return nil
}

// jointState appends a row.
func (b *collector) jointState(m *mcap.Message) error {
	if b.last != nil && bytes.Equal(b.last, m.Data) { // repeated, such as a simulator that waits does
		return nil
	}
	s := &b.state
	if err := s.UnmarshalCDR(m.Data); err != nil {
		return err
	}
	missing := ""
	has := 0
	for i, joint := range b.joints {
		if b.index[i] = slices.Index(s.Name, joint); b.index[i] < 0 {
			missing = joint
		} else {
			has++
		}
	}
	switch {
	case has == 0:
		// Several drivers may share a topic, each with its own joints.
		b.partial, b.others = true, slices.Clone(s.Name)
		return nil
	case missing != "":
		return fmt.Errorf("joint %q is missing: it has the joints %q, need %q", missing, s.Name, b.joints)
	case len(s.Position) != len(s.Name):
		return fmt.Errorf("%d names come with %d positions, need as many", len(s.Name), len(s.Position))
	case len(s.Velocity) != 0 && len(s.Velocity) != len(s.Name), len(s.Effort) != 0 && len(s.Effort) != len(s.Name):
		return fmt.Errorf("%d names come with %d velocities and %d efforts, need as many or none", len(s.Name), len(s.Velocity), len(s.Effort))
	}
	if err := b.stamp(m); err != nil {
		return err
	}
	t := &b.motion
	n := len(t.Time)
	if n == 1 {
		b.velocities, b.withEffort = len(s.Velocity) > 0, len(s.Effort) > 0
	} else if b.velocities != (len(s.Velocity) > 0) || b.withEffort != (len(s.Effort) > 0) {
		return fmt.Errorf("%d velocities and %d efforts, unlike the messages before: need them in all or in none", len(s.Velocity), len(s.Effort))
	}
	for i, joint := range b.joints {
		for _, part := range []struct {
			name string
			dst  *[]float64
			src  []float64
		}{{"position", &t.Position, s.Position}, {"velocity", &t.Velocity, s.Velocity}, {"effort", &t.Effort, s.Effort}} {
			if len(part.src) == 0 {
				continue
			}
			v := part.src[b.index[i]]
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return fmt.Errorf("%s of joint %q is %v, need a finite number", part.name, joint, v)
			}
			*part.dst = append(*part.dst, v)
		}
	}
	b.last = append(b.last[:0], m.Data...)
	return nil
}

// stamp appends the time of the joint state that was read.
func (b *collector) stamp(m *mcap.Message) error {
	if len(b.motion.Time) == maxRows {
		return fmt.Errorf("more than %d messages", maxRows)
	}
	now := int64(b.state.Header.Stamp.Sec)*1e9 + int64(b.state.Header.Stamp.Nanosec)
	if len(b.motion.Time) == 0 {
		b.stamped = now != 0
	}
	if !b.stamped {
		now = int64(m.LogTime) // a driver without a clock
	}
	if len(b.motion.Time) == 0 {
		b.first = now
	} else if now <= b.now {
		return fmt.Errorf("its stamp is %.9f s, need more than that of the message before, %.9f s: the clock went back or stood still", float64(now)/1e9, float64(b.now)/1e9)
	}
	b.now = now
	b.motion.Time = append(b.motion.Time, float64(now-b.first)/1e9)
	b.received = append(b.received, int64(m.LogTime))
	return nil
}

// effort notes a command.
func (b *collector) effort(m *mcap.Message) error {
	if err := b.command.UnmarshalCDR(m.Data); err != nil {
		return err
	}
	if len(b.command.Data) != len(b.joints) {
		return fmt.Errorf("%d efforts, need %d, one per joint of %q", len(b.command.Data), len(b.joints), b.joints)
	}
	if len(b.ordered) == 4*maxRows {
		return fmt.Errorf("more than %d messages", 4*maxRows)
	}
	for i, v := range b.command.Data {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("effort of joint %q is %v, need a finite number", b.joints[i], v)
		}
	}
	b.ordered, b.efforts = append(b.ordered, int64(m.LogTime)), append(b.efforts, b.command.Data...)
	return nil
}

// applyCommands makes the commands the rows' efforts: of a row the last that was received before the
// next row was. In lock step that is the answer to the row.
func (b *collector) applyCommands() error {
	if b.topics.Commands == "" {
		return nil
	}
	n := len(b.joints)
	if len(b.ordered) == 0 {
		return fmt.Errorf("topic %s has no messages, or is not there", b.topics.Commands)
	}
	if !slices.IsSorted(b.ordered) {
		return fmt.Errorf("the commands of topic %s are not in the order in which they were received", b.topics.Commands)
	}
	b.motion.Effort = make([]float64, 0, n*len(b.received))
	k := 0 // commands before the next row
	for i := range b.received {
		for k < len(b.ordered) && (i+1 == len(b.received) || b.ordered[k] < b.received[i+1]) {
			k++
		}
		if k == 0 {
			return fmt.Errorf("the first command of topic %s comes %.4g s after the first joint state: leave out what is before it when recording", b.topics.Commands, float64(b.ordered[0]-b.received[0])/1e9)
		}
		b.motion.Effort = append(b.motion.Effort, b.efforts[(k-1)*n:k*n]...)
	}
	return nil
}
