package record

import (
	"fmt"

	"guidedpolicysearch/msgs"
	"guidedpolicysearch/msgs/guided_policy_search_msgs"
	"guidedpolicysearch/msgs/sensor_msgs"
	"guidedpolicysearch/msgs/std_msgs"
)

// Topic is a topic as it is written into recordings.
type Topic struct {
	Name           string // resolved, "/joint_states"
	Depth          int    // of the publisher's history
	BestEffort     bool   // else reliable
	TransientLocal bool   // else volatile
	// Message is of the topic's type. JointStates and Rollout have theirs.
	Message msgs.Message
}

// Topics are the topics of a trial.
type Topics struct {
	JointStates Topic // sensor_msgs/msg/JointState
	Commands    Topic // std_msgs/msg/Float64MultiArray unless it says another
	Rollout     Topic // guided_policy_search_msgs/msg/Rollout
}

// Trial is one trial to record. It is allocated once and used for one trial after
// another: Reset, append to the logs in the control tick, fill in Rollout, WriteTrial.
type Trial struct {
	Topics      Topics
	Rollout     guided_policy_search_msgs.Rollout
	JointStates *Log // payloads as received
	Commands    *Log // payloads as published
	// Extras are further topics that were heard during the trial, such as a camera's images.
	Extras []Extra
}

// Extra is a further topic of a trial, with what was heard on it.
type Extra struct {
	Topic Topic // with its Message
	Log   *Log  // payloads as received
}

// NewTrial returns a trial whose logs hold at most the given number of messages each,
// and of bytes in all.
func NewTrial(topics Topics, messages, bytes int) *Trial {
	t := &Trial{Topics: topics, JointStates: NewLog(messages, bytes), Commands: NewLog(messages, bytes)}
	t.Commands.clock = t.JointStates.clock
	return t
}

// Reset empties the logs and forgets the extra topics. Rollout stays as it is: its fields are set
// for each trial.
func (t *Trial) Reset() {
	t.JointStates.Reset()
	t.Commands.Reset()
	t.Extras = nil
}

// logs returns the logs in the order of their channels.
func (t *Trial) logs() []*Log {
	logs := []*Log{t.JointStates, t.Commands}
	for _, e := range t.Extras {
		logs = append(logs, e.Log)
	}
	return logs
}

// topics returns the topics with their messages in the order of their channels, the rollout's last.
func (t *Trial) topics() []Topic {
	topics := []Topic{t.Topics.JointStates, t.Topics.Commands}
	topics[0].Message = &sensor_msgs.JointState{}
	if topics[1].Message == nil {
		topics[1].Message = &std_msgs.Float64MultiArray{}
	}
	for _, e := range t.Extras {
		topics = append(topics, e.Topic)
	}
	rollout := t.Topics.Rollout
	rollout.Message = &t.Rollout
	return append(topics, rollout)
}

// SetBack returns how often the machine's clock was set back during the trial, and by how much in
// all, in ns: from there on the times of the recording are that much later than the clock was.
func (t *Trial) SetBack() (times int, ns int64) { return t.JointStates.SetBack() }

// size returns about how many bytes the messages of a trial take on the disk.
func (t *Trial) size() int {
	const indexed = 64 // of a message's record and its place in the index
	n := 1 << 15       // schemas and summary
	for _, l := range t.logs() {
		n += l.Bytes() + indexed*l.Len()
	}
	return n
}

// endTime returns the latest receive time in the logs, or the last stamp, in ns.
func (t *Trial) endTime() int64 {
	end := int64(0)
	for _, l := range t.logs() {
		for _, e := range l.entries {
			end = max(end, e.receive)
		}
	}
	if end > 0 {
		return end
	}
	stamp := t.Rollout.Header.Stamp
	if n := len(t.Rollout.Stamps); n > 0 {
		stamp = t.Rollout.Stamps[n-1]
	}
	return int64(stamp.Sec)*1e9 + int64(stamp.Nanosec)
}

// checkShapes returns an ErrShape if an array of the rollout does not have the size
// that T, dX and dU give. State names, commanded actions and stamps may be left out.
func checkShapes(r *guided_policy_search_msgs.Rollout) error {
	T, dX, dU := uint64(r.Steps), uint64(r.Dx), uint64(r.Du)
	if T == 0 || dX == 0 || dU == 0 {
		return fmt.Errorf("%w: T=%d dX=%d dU=%d, want at least 1 each", ErrShape, T, dX, dU)
	}
	for _, a := range []struct {
		name     string
		got      int
		want     uint64
		optional bool
	}{
		{"states", len(r.States), (T + 1) * dX, false},
		{"actions", len(r.Actions), T * dU, false},
		{"commanded", len(r.Commanded), T * dU, true},
		{"state_names", len(r.StateNames), dX, true},
		{"stamps", len(r.Stamps), T + 1, true},
	} {
		if uint64(a.got) != a.want && !(a.optional && a.got == 0) {
			return fmt.Errorf("%w: %d %s, T=%d dX=%d dU=%d want %d", ErrShape, a.got, a.name, T, dX, dU, a.want)
		}
	}
	return nil
}
