package record

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/foxglove/mcap/go/mcap"

	"guidedpolicysearch/msgs"
	"guidedpolicysearch/msgs/sensor_msgs"
	"guidedpolicysearch/msgs/std_msgs"
)

// Channels of a recording; the schema of each has the same number.
const (
	jointStatesChannel = iota + 1
	commandsChannel
	rolloutChannel
)

// WriteTrial records a trial and returns the file's path relative to the run. On an
// error (a full disk, an ErrShape) nothing new is there.
func (r *Run) WriteTrial(t *Trial) (relPath string, err error) {
	if err := checkShapes(&t.Rollout); err != nil {
		return "", err
	}
	relPath = TrialPath(t.Rollout.Iteration, t.Rollout.Condition, t.Rollout.Sample)
	if t.Rollout.Fault != "" {
		relPath = BrokenPath(t.Rollout.Iteration, t.Rollout.Condition, t.Rollout.Sample)
	}
	path := r.Path(relPath)
	switch err := os.Mkdir(filepath.Dir(path), 0o777); {
	case err == nil:
		if err := syncDir(r.Path(RolloutsDir)); err != nil {
			return "", err
		}
	case !errors.Is(err, fs.ErrExist):
		return "", fmt.Errorf("record: %w", err)
	}
	if err := keepEarlier(path); err != nil {
		return "", err
	}
	r.payload = t.Rollout.AppendCDR(r.payload[:0])
	err = writeAtomic(path, func(f *os.File) error {
		w := bufio.NewWriterSize(f, 1<<16)
		if err := writeMCAP(w, t, r.payload); err != nil {
			return err
		}
		return w.Flush()
	})
	if err != nil {
		return "", err
	}
	return relPath, nil
}

// keepEarlier gives a recording that is there a second name, condition_0_sample_2.1.mcap
// or the next that is free, so that a repeated trial can take its place.
func keepEarlier(path string) error {
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for n := 1; ; n++ {
		err := os.Link(path, fmt.Sprintf("%s.%d.mcap", strings.TrimSuffix(path, ".mcap"), n))
		if err == nil {
			return nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("record: keeping the earlier recording: %w", err)
		}
	}
}

// writeMCAP writes the messages of the logs in order of their receive time, then the
// rollout.
func writeMCAP(out io.Writer, t *Trial, rollout []byte) error {
	w, err := mcap.NewWriter(out, &mcap.WriterOptions{IncludeCRC: true, Chunked: true, Compression: mcap.CompressionNone})
	if err != nil {
		return err
	}
	if err := w.WriteHeader(&mcap.Header{Profile: "ros2"}); err != nil {
		return err
	}
	var commands msgs.Message = &std_msgs.Float64MultiArray{}
	if m := t.Topics.Commands.Message; m != nil {
		commands = m
	}
	for _, c := range []struct {
		id      uint16
		topic   Topic
		message msgs.Message
	}{
		{jointStatesChannel, t.Topics.JointStates, &sensor_msgs.JointState{}},
		{commandsChannel, t.Topics.Commands, commands},
		{rolloutChannel, t.Topics.Rollout, &t.Rollout},
	} {
		if err := w.WriteSchema(&mcap.Schema{ID: c.id, Name: c.message.TypeName(), Encoding: "ros2msg", Data: []byte(c.message.Definition())}); err != nil {
			return err
		}
		if err := w.WriteChannel(&mcap.Channel{ID: c.id, SchemaID: c.id, Topic: c.topic.Name, MessageEncoding: "cdr",
			Metadata: map[string]string{"offered_qos_profiles": c.topic.qos()}}); err != nil {
			return err
		}
	}
	m := mcap.Message{}
	put := func(channel uint16, sequence int, data []byte, receive, send int64) error {
		m = mcap.Message{ChannelID: channel, Sequence: uint32(sequence), Data: data, LogTime: uint64(receive), PublishTime: uint64(send)}
		return w.WriteMessage(&m)
	}
	for i, k := 0, 0; i < t.JointStates.Len() || k < t.Commands.Len(); {
		// A command answers the joint state before it: at the same time that one is first.
		if k == t.Commands.Len() || i < t.JointStates.Len() && t.JointStates.entries[i].receive <= t.Commands.entries[k].receive {
			data, receive, send := t.JointStates.At(i)
			err = put(jointStatesChannel, i, data, receive, send)
			i++
		} else {
			data, receive, send := t.Commands.At(k)
			err = put(commandsChannel, k, data, receive, send)
			k++
		}
		if err != nil {
			return err
		}
	}
	end := t.endTime()
	if err := put(rolloutChannel, 0, rollout, end, end); err != nil {
		return err
	}
	return w.Close()
}

// qos returns the quality of service as rosbag2 writes it for ROS 2 Humble, which later
// ones read: history keep last; durations are infinite.
func (t Topic) qos() string {
	reliability, durability := 1, 2
	if t.BestEffort {
		reliability = 2
	}
	if t.TransientLocal {
		durability = 1
	}
	const infinite = ":\n    sec: 9223372036\n    nsec: 854775807\n"
	return fmt.Sprintf("- history: 1\n  depth: %d\n  reliability: %d\n  durability: %d\n", t.Depth, reliability, durability) +
		"  deadline" + infinite + "  lifespan" + infinite + "  liveliness: 1\n" +
		"  liveliness_lease_duration" + infinite + "  avoid_ros_namespace_conventions: false"
}
