package record

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/foxglove/mcap/go/mcap"
)

// WriteTrial records a trial and returns the file's path relative to the run. On an
// error nothing new is there; it is an ErrShape, or an ErrDisk that says what to do.
func (r *Run) WriteTrial(t *Trial) (relPath string, err error) {
	if err := checkShapes(&t.Rollout); err != nil {
		return "", err
	}
	relPath = TrialPath(t.Rollout.Iteration, t.Rollout.Condition, t.Rollout.Sample)
	if t.Rollout.Fault != "" {
		relPath = BrokenPath(t.Rollout.Iteration, t.Rollout.Condition, t.Rollout.Sample)
	}
	path := r.Path(relPath)
	r.payload = t.Rollout.AppendCDR(r.payload[:0])
	if err := r.writeTrial(relPath, t); err != nil {
		return "", DiskError(path, int64(t.size()+len(r.payload)), err)
	}
	return relPath, nil
}

// writeTrial writes a trial whose rollout is in r.payload.
func (r *Run) writeTrial(relPath string, t *Trial) error {
	path := r.Path(relPath)
	switch err := os.Mkdir(filepath.Dir(path), 0o777); {
	case err == nil:
		if err := SyncDir(r.Path(RolloutsDir)); err != nil {
			return err
		}
	case !errors.Is(err, fs.ErrExist):
		return fmt.Errorf("record: %w", err)
	}
	kept, err := keepEarlier(path)
	if err != nil {
		return err
	}
	err = writeAtomic(path, func(f *os.File) error {
		w := bufio.NewWriterSize(f, 1<<16)
		if err := writeMCAP(w, t, r.payload); err != nil {
			return err
		}
		return w.Flush()
	})
	if err != nil {
		if kept != "" { // a second name of what is there still
			err = errors.Join(err, os.Remove(kept))
		}
		return err
	}
	return r.bag.add(&r.Folder, relPath, kept)
}

// clockRecord names the metadata of a recording whose clock was set back.
const clockRecord = "guided_policy_search.clock"

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
	if err := writeChannels(w, t.topics()); err != nil {
		return err
	}
	if n, ns := t.SetBack(); n > 0 {
		if err := w.WriteMetadata(&mcap.Metadata{Name: clockRecord, Metadata: map[string]string{
			"times_set_back": strconv.Itoa(n), "log_times_later_by_ns": strconv.FormatInt(ns, 10)}}); err != nil {
			return err
		}
	}
	logs := t.logs()
	m := mcap.Message{}
	put := func(channel, sequence int, data []byte, receive, send int64) error {
		// Bags have no times before 1970.
		m = mcap.Message{ChannelID: uint16(channel + 1), Sequence: uint32(sequence), Data: data, LogTime: uint64(max(receive, 0)), PublishTime: uint64(max(send, 0))}
		return w.WriteMessage(&m)
	}
	for next := make([]int, len(logs)); ; {
		// A command answers the joint state before it: at the same time that one is first.
		first := -1
		for c, l := range logs {
			if next[c] < l.Len() && (first < 0 || l.entries[next[c]].receive < logs[first].entries[next[first]].receive) {
				first = c
			}
		}
		if first < 0 {
			break
		}
		data, receive, send := logs[first].At(next[first])
		if err := put(first, next[first], data, receive, send); err != nil {
			return err
		}
		next[first]++
	}
	end := t.endTime() + 1 // last also for readers that order by time
	if err := put(len(logs), 0, rollout, end, end); err != nil {
		return err
	}
	return w.Close()
}

// writeChannels writes a channel per topic, counted from 1, and the schema of each, counted alike.
func writeChannels(w *mcap.Writer, topics []Topic) error {
	for i, topic := range topics {
		id := uint16(i + 1)
		if err := w.WriteSchema(&mcap.Schema{ID: id, Name: topic.Message.TypeName(), Encoding: "ros2msg", Data: []byte(topic.Message.Definition())}); err != nil {
			return err
		}
		if err := w.WriteChannel(&mcap.Channel{ID: id, SchemaID: id, Topic: topic.Name, MessageEncoding: "cdr",
			Metadata: map[string]string{qosMetadata: topic.qos()}}); err != nil {
			return err
		}
	}
	return nil
}

// qosMetadata is under which rosbag2 keeps a channel's quality of service.
const qosMetadata = "offered_qos_profiles"

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
