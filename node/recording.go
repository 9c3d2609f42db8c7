package node

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"guidedpolicysearch/node/params"
	"guidedpolicysearch/node/record"
	"guidedpolicysearch/node/rostype"
	"guidedpolicysearch/node/transport"
)

// RecordConfig says what is recorded with each trial besides joint states and commands.
type RecordConfig struct {
	Topics       []string `param:"topics" desc:"Further topics that are recorded with each trial, such as those of cameras; they are listened to with best effort."`
	Types        []string `param:"types" desc:"Type of the messages of each of record.topics, such as sensor_msgs/msg/Image." len:"topics"`
	MaxMegabytes int      `param:"max_megabytes" desc:"Memory for the messages of record.topics in one trial: what comes beyond it is left out, and counted in the log." unit:"MB" range:"[1, 4096]"`
}

// validate returns an error for a type that has no definition here, which a recording would lack.
func (c RecordConfig) validate() error {
	for i, name := range c.Types {
		if _, err := record.NewMessage(name); err != nil {
			return params.FieldError{Key: "record.types", Problem: fmt.Sprintf("entry %d: %v", i+1, err)}
		}
	}
	for i, name := range c.Topics {
		if name == "" {
			return params.FieldError{Key: "record.topics", Problem: fmt.Sprintf("entry %d is empty, need the name of a topic", i+1)}
		}
	}
	return nil
}

// recorder hears further topics during trials. Its messages arrive on the goroutine of a node of its
// own, so that they hold no control tick up: the loop only says when a trial begins and ends. A nil
// recorder hears nothing.
type recorder struct {
	node   transport.Node
	topics []record.Topic
	max    int // bytes of a trial

	trial   atomic.Uint64 // counts trials
	running atomic.Bool

	mu    sync.Mutex
	heard uint64 // the trial that the logs are of
	logs  []*record.Log
}

// begin says that a trial begins.
func (r *recorder) begin() {
	if r != nil {
		r.trial.Add(1)
		r.running.Store(true)
	}
}

// end says that no trial is running.
func (r *recorder) end() {
	if r != nil {
		r.running.Store(false)
	}
}

// hear takes a message of a topic.
func (r *recorder) hear(topic int, payload []byte, info transport.Info) {
	if !r.running.Load() {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if trial := r.trial.Load(); trial != r.heard {
		r.heard, r.logs = trial, nil
	}
	if r.logs == nil {
		budget := &record.Budget{Max: r.max}
		for range r.topics {
			r.logs = append(r.logs, record.NewGrowingLog(budget))
		}
	}
	r.logs[topic].Append(payload, info.ReceiveTime, info.SourceTime)
}

// take returns what was heard in the trial that has just ended. Topics without a message are there
// too, so that the recording says that they were listened to.
func (r *recorder) take() []record.Extra {
	if r == nil || r.running.Load() { // another trial has begun already
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	logs := r.logs
	if r.heard != r.trial.Load() {
		logs = nil
	}
	r.logs = nil
	var extras []record.Extra
	for i, topic := range r.topics {
		log := record.NewLog(0, 0)
		if logs != nil {
			log = logs[i]
		}
		extras = append(extras, record.Extra{Topic: topic, Log: log})
	}
	return extras
}

// close ends listening.
func (r *recorder) close() {
	if r != nil {
		_ = r.node.Close() // what it did not withdraw its lease does
	}
}

// listenForRecord opens the subscriptions of record.topics.
func (n *node) listenForRecord() error {
	n.recorder.close()
	n.recorder = nil
	c := n.cfg.Record
	if len(c.Topics) == 0 {
		return nil
	}
	companion, err := n.ros.Companion("recorder")
	if err != nil {
		return fmt.Errorf("record.topics: %w", err)
	}
	r := &recorder{node: companion, max: c.MaxMegabytes << 20}
	n.recorder = r
	qos := transport.SensorData()
	for i, name := range c.Topics {
		topic, err := n.ros.ResolveTopic(name)
		if err != nil {
			return fmt.Errorf("record.topics: %w", err)
		}
		message, err := record.NewMessage(c.Types[i])
		if err != nil {
			return fmt.Errorf("record.types: %w", err)
		}
		r.topics = append(r.topics, record.Topic{Name: topic, Depth: qos.Depth, BestEffort: true, Message: message})
	}
	for i, topic := range r.topics {
		if _, err := companion.Subscribe(topic.Name, rostype.Of(topic.Message), qos, func(payload []byte, info transport.Info) { r.hear(i, payload, info) },
			n.mismatchOf(topic)); err != nil {
			return fmt.Errorf("record.topics: %w", err)
		}
	}
	return nil
}

// mismatchOf tells of publishers of a recorded topic that cannot be heard.
func (n *node) mismatchOf(topic record.Topic) transport.StatusHandler {
	said := false
	return func(s transport.Status) {
		if s.Incompatible > 0 && !said {
			said = true
			n.tell(fmt.Sprintf("%s is not recorded: a publisher offers another quality of service (%s)", topic.Name, strings.TrimSpace(s.Policy)))
		}
	}
}
