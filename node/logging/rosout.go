package logging

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"guidedpolicysearch/msgs/builtin_interfaces"
	"guidedpolicysearch/msgs/rcl_interfaces"
	"guidedpolicysearch/node/transport"
)

// RosoutTopic is where nodes publish their log, as rcl_interfaces/msg/Log, before remapping.
const RosoutTopic = "/rosout"

// rosoutDepth is how many lines the publisher keeps, and how many wait for it.
const rosoutDepth = 1000

// RosoutQoS is the quality of service of /rosout (rcl_qos_profile_rosout_default).
func RosoutQoS() transport.QoS {
	return transport.QoS{Reliability: transport.Reliable, Durability: transport.TransientLocal,
		Depth: rosoutDepth, Lifespan: 10 * time.Second}
}

// rosout publishes lines. Until there is a publisher they wait in the outlet's queue.
type rosout struct {
	outlet *outlet

	mu        sync.Mutex
	publisher transport.Publisher // nil until start

	// of the outlet's goroutine
	message rcl_interfaces.Log
	payload []byte
}

// start lets lines out, from now on to this publisher.
func (r *rosout) start(c *core, p transport.Publisher) {
	r.mu.Lock()
	defer r.mu.Unlock()
	first := r.publisher == nil
	r.publisher = p
	if !first {
		return
	}
	var once sync.Once
	publish := func(l *line) {
		err := r.publish(l)
		if err == nil {
			return
		}
		r.outlet.queue.lose()
		if !errors.Is(err, transport.ErrClosed) {
			once.Do(func() {
				c.complain(fmt.Errorf("publish the log on %s: %w; later failures are only counted", RosoutTopic, err))
			})
		}
	}
	go r.outlet.queue.run(publish, func(dropped uint64) { publish(c.loss(dropped)) })
}

func (r *rosout) started() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.publisher != nil
}

func (r *rosout) publish(l *line) error {
	r.mu.Lock()
	p := r.publisher
	r.mu.Unlock()
	r.message = rcl_interfaces.Log{
		Stamp: builtin_interfaces.Time{Sec: int32(l.stamp / 1e9), Nanosec: uint32(max(0, l.stamp%1e9))},
		Level: uint8(l.severity), Name: l.name, Msg: plain(l.message),
		File: l.file, Function: l.function, Line: uint32(l.number),
	}
	r.payload = r.message.AppendCDR(r.payload[:0])
	return p.Publish(r.payload)
}

// plain makes a text one that every subscriber can read: UTF-8 without zero bytes.
func plain(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}
