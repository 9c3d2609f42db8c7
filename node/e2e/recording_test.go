package e2e

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/foxglove/mcap/go/mcap"

	"guidedpolicysearch/msgs/sensor_msgs"
	"guidedpolicysearch/msgs/std_msgs"
	"guidedpolicysearch/node/bag"
	"guidedpolicysearch/node/record"
	"guidedpolicysearch/node/rostype"
	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/transport/dds/ddstest"
)

// TestImagesBeside records a camera's images, large ones over DDS, with each trial: they are the
// images that were sent, and what is learned has the same bits as without them.
func TestImagesBeside(t *testing.T) {
	t.Parallel()
	domain := ddstest.Domain(t)
	folder := filepath.Join(t.TempDir(), "images")
	camera := ddstest.Open(t, domain, "camera", nil)
	p, err := camera.Publisher("/camera/image_raw", rostype.Of(new(sensor_msgs.Image)), transport.SensorData(), nil)
	if err != nil {
		t.Fatal(err)
	}
	image := sensor_msgs.Image{Header: std_msgs.Header{FrameId: "camera"}, Height: 480, Width: 640, Step: 640, Encoding: "mono8", Data: make([]byte, 480*640)}
	for i := range image.Data {
		image.Data[i] = byte(i * i % 251)
	}
	payload := image.AppendCDR(nil)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			case <-time.After(2 * time.Millisecond):
				_ = p.Publish(payload) // best effort
			}
		}
	}()
	defer func() { close(stop); <-stopped }()
	startRobot(t, domain)
	n := startNode(t, domain, folder, "seed:=5", "iterations:=2", "record.topics:=[/camera/image_raw]", "record.types:=[sensor_msgs/msg/Image]")
	n.finish(0, 3)
	images := 0
	view, err := record.View(folder)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := view.Index()
	if err != nil || len(entries) != 10 {
		t.Fatalf("%d recordings, %v, want 10", len(entries), err)
	}
	for _, e := range entries {
		channel := uint16(0)
		err := bag.Walk(view.Path(e.Path), func(op mcap.OpCode, _ int64, body []byte) error {
			switch op {
			case mcap.OpChannel:
				c, err := mcap.ParseChannel(body)
				if err == nil && c.Topic == "/camera/image_raw" {
					channel = c.ID
				}
				return err
			case mcap.OpMessage:
				m, err := mcap.ParseMessage(body)
				if err == nil && m.ChannelID == channel {
					images++
					if !bytes.Equal(m.Data, payload) {
						t.Errorf("%s: another image", e.Path)
					}
				}
				return err
			}
			return nil
		})
		if err != nil || channel == 0 {
			t.Errorf("%s: %v, channel %d", e.Path, err, channel)
		}
	}
	t.Logf("%d images", images)
	if images == 0 {
		t.Error("no image was recorded")
	}
	if _, err := os.Stat(filepath.Join(folder, record.RolloutsDir, record.MetadataFile)); err != nil {
		t.Error(err)
	}
	alone := train(t, filepath.Join(t.TempDir(), "alone"), "--seed", "5", "--iterations", "2")
	sameCosts(t, reports(t, folder), alone.Iterations)
}
