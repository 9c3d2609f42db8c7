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
	"guidedpolicysearch/msgs/guided_policy_search_msgs"
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

	single    bool // clocks may not restart
	motion    trajectory.Trajectory
	stretches []stretch
	ownTrial  bool // the file is a trial that a run recorded
	messages  int  // of joint states
	reception Reception
	received  []int64 // of each row, ns
	ages      []float64
	efforts   []float64
	ordered   []int64 // when each command was received, ns
	// From the first row: whether joint states have stamps, velocities and efforts.
	stamped, velocities, withEffort bool
	now                             int64
}

// stretch is where one begins: its first row, message of joint states, and stamp in ns.
type stretch struct {
	row, message int
	stamp        int64
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

// readBag reads the motion in the files of a bag; a single one is on one clock.
func readBag(files, joints []string, topics Topics, single bool, walk walker) ([]Stretch, error) {
	b := &collector{joints: joints, topics: topics, single: single, index: make([]int, len(joints))}
	next := false // the next row begins a stretch
	for _, path := range files {
		b.schemas, b.kinds, b.ownTrial = map[uint16]string{}, map[uint16]kind{}, false
		row, message, count := len(b.motion.Time), b.messages, len(b.stretches)
		if _, err := walk(path, b.visit); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrBag, err)
		}
		if (b.ownTrial || next) && !single {
			b.cut(row, message, count)
		}
		next = b.ownTrial
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
	return b.result(), nil
}

// cut begins a stretch at the first row of a file, before which there were so many rows, messages and
// stretches.
func (b *collector) cut(row, message, count int) {
	if row == 0 || row == len(b.motion.Time) || count < len(b.stretches) && b.stretches[count].row == row {
		return
	}
	before := b.stretches[count-1]
	to := len(b.motion.Time)
	if count < len(b.stretches) {
		to = b.stretches[count].row
	}
	offset := b.motion.Time[row]
	for i := row; i < to; i++ {
		b.motion.Time[i] -= offset
	}
	b.stretches = slices.Insert(b.stretches, count, stretch{row: row, message: message, stamp: before.stamp + int64(math.Round(offset*1e9))})
}

// result returns the stretches.
func (b *collector) result() []Stretch {
	out := make([]Stretch, len(b.stretches))
	for i, s := range b.stretches {
		to := stretch{row: len(b.motion.Time), message: b.messages}
		if i+1 < len(b.stretches) {
			to = b.stretches[i+1]
		}
		out[i] = Stretch{Trajectory: b.motion.Rows(s.row, to.row), Stamp: s.stamp, From: s.message, To: to.message}
		if b.ages != nil {
			out[i].CommandAge = b.ages[s.row:to.row]
		}
	}
	return out
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
			b.messages++
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
	b.ownTrial = b.ownTrial || schema == new(guided_policy_search_msgs.Rollout).TypeName()
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
	received := b.reception.Place(0, int64(m.LogTime))
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
	if err := b.stamp(m, received); err != nil {
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
func (b *collector) stamp(m *mcap.Message, received int64) error {
	n := len(b.motion.Time)
	if n == maxRows {
		return fmt.Errorf("more than %d messages", maxRows)
	}
	now := int64(b.state.Header.Stamp.Sec)*1e9 + int64(b.state.Header.Stamp.Nanosec)
	if n == 0 {
		b.stamped = now != 0
	}
	if !b.stamped {
		now = int64(m.LogTime) // a driver without a clock
	}
	switch {
	case n == 0, now < b.now && !b.single:
		b.stretches = append(b.stretches, stretch{row: n, message: b.messages - 1, stamp: now})
	case now <= b.now:
		return fmt.Errorf("its stamp is %.9f s, need more than that of the message before, %.9f s: the clock went back or stood still", float64(now)/1e9, float64(b.now)/1e9)
	}
	b.now = now
	b.motion.Time = append(b.motion.Time, float64(now-b.stretches[len(b.stretches)-1].stamp)/1e9)
	b.received = append(b.received, received)
	return nil
}

// effort notes a command.
func (b *collector) effort(m *mcap.Message) error {
	received := b.reception.Place(1, int64(m.LogTime))
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
	b.ordered, b.efforts = append(b.ordered, received), append(b.efforts, b.command.Data...)
	return nil
}

// applyCommands makes the commands the rows' efforts: of a row the last that was received before the
// next row was. In lock step that is the answer to the row. After a clock was set back those before
// count no more.
func (b *collector) applyCommands() error {
	if b.topics.Commands == "" {
		return nil
	}
	n := len(b.joints)
	if len(b.ordered) == 0 {
		return fmt.Errorf("topic %s has no messages, or is not there", b.topics.Commands)
	}
	if b.reception.OutOfOrder() || !slices.IsSorted(b.ordered) {
		return fmt.Errorf("the commands of topic %s are not in the order in which they were received", b.topics.Commands)
	}
	usual := max(usualInterval(b.ordered), usualInterval(b.received))
	b.motion.Effort, b.ages = make([]float64, n*len(b.received)), make([]float64, len(b.received))
	k := 0      // commands before the next row
	counts := 0 // the first of them that counts
	for i, received := range b.received {
		if s, found := slices.BinarySearchFunc(b.stretches, i, func(s stretch, row int) int { return s.row - row }); found && s > 0 {
			counts, _ = slices.BinarySearch(b.ordered, received)
		}
		for k < len(b.ordered) && (i+1 == len(b.received) || b.ordered[k] < b.received[i+1]) {
			k++
		}
		if k <= counts {
			b.ages[i] = math.Inf(1)
			continue
		}
		copy(b.motion.Effort[i*n:], b.efforts[(k-1)*n:k*n])
		if age := float64(received - b.ordered[k-1]); age > 0 && usual > 0 {
			b.ages[i] = age / usual
		}
	}
	return nil
}

// usualInterval returns the median time in ns between two of the times, 0 for fewer than three.
func usualInterval(times []int64) float64 {
	if len(times) < 3 {
		return 0
	}
	intervals := make([]int64, len(times)-1)
	for i := range intervals {
		intervals[i] = times[i+1] - times[i]
	}
	slices.Sort(intervals)
	return float64(intervals[len(intervals)/2])
}
