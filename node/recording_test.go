package node

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/foxglove/mcap/go/mcap"

	"guidedpolicysearch/msgs/sensor_msgs"
	"guidedpolicysearch/node/bag"
	"guidedpolicysearch/node/record"
	"guidedpolicysearch/node/transport"
)

// TestSlowDisk lets the writing of a trial stand still, by a pipe that nobody reads, while the robot
// goes on: every joint state is answered, no other trial begins, and when the disk refuses the
// trial in the end learning stops there, with the arm at rest and what was recorded whole.
func TestSlowDisk(t *testing.T) {
	m := startManaged(t, options{}, "lock_step:=false", "samples:=3")
	m.until("the run folder is there", func() bool { return m.exists(record.CheckpointsDir) })
	dir := filepath.Join(m.folder, filepath.Dir(record.TrialPath(1, 0, 1)))
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	pipe := filepath.Join(dir, ".condition_0_sample_1.mcap.tmp")
	if err := syscall.Mkfifo(pipe, 0o666); err != nil {
		t.Fatal(err)
	}
	read := sync.OnceValues(func() ([]byte, error) { return os.ReadFile(pipe) })
	t.Cleanup(func() {
		if !m.over(0) {
			_, _ = read() // the node must not wait for ever
		}
	})
	m.startRobot("lock_step:=false", "real_time_factor:=20.0")
	m.until("the first trial is recorded", func() bool { return m.exists(record.TrialPath(1, 0, 0)) })
	before, _ := m.counts()
	// Several times as many as a trial has, its reset included.
	m.until("the robot is answered", func() bool { now, _ := m.counts(); return now > before+600 })
	if m.over(0) || m.exists(record.TrialPath(1, 0, 1)) || m.exists(record.TrialPath(1, 0, 2)) {
		t.Fatalf("the node did not wait for the disk: %s", m.stand())
	}
	data, err := read()
	if err != nil || !bytes.HasPrefix(data, mcap.Magic) {
		t.Fatalf("the node wrote %.20q, %v", data, err)
	}
	m.ends()
	// A pipe cannot be synced.
	if !errors.Is(m.err, ErrGaveUp) || !strings.Contains(m.err.Error(), "record iteration 1, condition 0, sample 1") {
		t.Errorf("error %v", m.err)
	}
	m.atRest()
	folder, err := record.View(m.folder)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := folder.Index()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		// A busy machine may break a trial off, which is recorded beside the others.
		if e.Err != nil || e.Kind != record.Broken && (e.Kind != record.Latest || e.Sample != 0) {
			t.Errorf("recorded: %s: %s, %v", e.Path, e.Kind, e.Err)
		}
	}
	if !m.exists(filepath.Join(record.RolloutsDir, record.MetadataFile)) {
		t.Error("there is no metadata.yaml")
	}
}

// TestFurtherTopics records images beside the trials, and says how many found no room.
func TestFurtherTopics(t *testing.T) {
	m := startManaged(t, options{}, "lock_step:=false", "iterations:=1", "record.topics:=[camera/image_raw, /nobody]",
		"record.types:=[sensor_msgs/msg/Image, std_msgs/msg/String]", "record.max_megabytes:=1")
	camera := m.publisher("/camera/image_raw", new(sensor_msgs.Image), transport.SensorData())
	image := sensor_msgs.Image{Height: 400, Width: 500, Step: 500, Encoding: "mono8", Data: bytes.Repeat([]byte{7}, 200_000)}
	payload := image.AppendCDR(nil)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			case <-time.After(2 * time.Millisecond):
				_ = camera.Publish(payload)
			}
		}
	}()
	defer func() { close(stop); <-stopped }()
	m.startRobot("lock_step:=false", "real_time_factor:=3.0")
	m.ends()
	if m.err != nil {
		t.Fatal(m.err)
	}
	folder, err := record.View(m.folder)
	if err != nil {
		t.Fatal(err)
	}
	paths, err := folder.Rollouts(1)
	if err != nil || len(paths) != 2 {
		t.Fatalf("%v, %v", paths, err)
	}
	for _, path := range paths {
		topics := map[uint16]string{}
		counts, last := map[string]int{}, uint64(0)
		if err := bag.Walk(folder.Path(path), func(op mcap.OpCode, _ int64, body []byte) error {
			switch op {
			case mcap.OpChannel:
				c, err := mcap.ParseChannel(body)
				topics[c.ID] = c.Topic
				return err
			case mcap.OpMessage:
				msg, err := mcap.ParseMessage(body)
				if err != nil {
					return err
				}
				if msg.LogTime < last {
					t.Errorf("%s: time goes back", path)
				}
				last = msg.LogTime
				if counts[topics[msg.ChannelID]]++; topics[msg.ChannelID] == "/camera/image_raw" && !bytes.Equal(msg.Data, payload) {
					t.Errorf("%s: another image", path)
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		// Of 200 kB each, 5 find room in a megabyte.
		if counts["/camera/image_raw"] != 5 || counts["/nobody"] != 0 || len(topics) != 5 {
			t.Errorf("%s: messages %v of topics %v", path, counts, topics)
		}
		if _, err := folder.ReadRollout(path); err != nil {
			t.Error(err)
		}
	}
	// A busy machine may break trials off, of which it is told as well.
	broken := strings.Count(m.log(), "a fault is latched")
	if n := strings.Count(m.log(), "messages of /camera/image_raw did not fit into record.max_megabytes"); n < 2 || n > 2+broken {
		t.Errorf("the log says %d times that images found no room, want twice and for some of %d broken trials", n, broken)
	}
}

func TestRecordRefused(t *testing.T) {
	for name, c := range map[string]struct {
		parameters []string
		want       string
	}{
		"unknown type": {[]string{"record.topics:=[/a]", "record.types:=[sensor_msgs/msg/Picture]"}, `entry 1: messages of type "sensor_msgs/msg/Picture" cannot be recorded, expected one of`},
		"no type":      {[]string{"record.topics:=[/a]"}, "record.types"},
		"no topic":     {[]string{"record.topics:=['']", "record.types:=[sensor_msgs/msg/Image]"}, "entry 1 is empty, need the name of a topic"},
		"no memory":    {[]string{"record.max_megabytes:=0"}, "record.max_megabytes"},
	} {
		if _, _, err := Load(arguments(t, c.parameters...)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
}

// TestRecorder hears only during trials, and forgets what was not taken when another begins.
func TestRecorder(t *testing.T) {
	r := &recorder{topics: []record.Topic{{Name: "/a"}}, max: 1000}
	hear := func(text string) { r.hear(0, []byte(text), transport.Info{ReceiveTime: 1}) }
	heard := func() (text string) {
		for _, e := range r.take() {
			for i := range e.Log.Len() {
				data, _, _ := e.Log.At(i)
				text += string(data)
			}
		}
		return text
	}
	hear("before")
	r.begin()
	hear("a")
	hear("b")
	if got := r.take(); got != nil {
		t.Errorf("taken in a trial: %v", got)
	}
	r.end()
	hear("after")
	if got := heard(); got != "ab" {
		t.Errorf("heard %q", got)
	}
	r.begin()
	hear("broken off")
	r.end()
	r.begin()
	r.end()
	if got := heard(); got != "" {
		t.Errorf("a trial without messages has %q", got)
	}
	if n := testing.AllocsPerRun(100, func() { r.begin(); r.end() }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	var none *recorder
	none.begin()
	none.end()
	none.close()
	if none.take() != nil {
		t.Error("nothing hears something")
	}
}
