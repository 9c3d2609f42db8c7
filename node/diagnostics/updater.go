// Package diagnostics tells monitors how a node is, on /diagnostics, as diagnostic_updater
// does for nodes on rclcpp: tasks, each with a level, a message and values, are asked
// periodically and published together; a level that rises is published at once.
//
// A name on the wire is "<node>: <task>". diagnostic_aggregator groups by the part before the
// colon, and shows slashes in it as spaces; rqt_robot_monitor shows what it publishes.
package diagnostics

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"guidedpolicysearch/msgs/builtin_interfaces"
	"guidedpolicysearch/msgs/diagnostic_msgs"
	"guidedpolicysearch/node/transport"
)

// Topic is where diagnostics are published, as diagnostic_msgs/msg/DiagnosticArray, before
// remapping.
const Topic = "/diagnostics"

// DefaultPeriod is the time between publications.
const DefaultPeriod = time.Second

const (
	// checkPeriod is the longest time in which a level that has risen goes unnoticed.
	checkPeriod = 100 * time.Millisecond
	// minGap is the shortest time between two rounds of the tasks, however often Wake is
	// called.
	minGap = 10 * time.Millisecond
)

// QoS is the quality of service of /diagnostics.
func QoS() transport.QoS { return transport.Default() }

// Config says who publishes what. All but HardwareID, Period and OnError are required.
type Config struct {
	// Node begins the names. diagnostic_updater takes the node name without namespace, or
	// with its parameter use_fqn the fully qualified one, which tells apart nodes of one name.
	Node string
	// HardwareID names the robot ("planar_arm"); default "none".
	HardwareID string
	// Open opens the publisher of Topic, with QoS, when Run begins; Run closes it.
	Open func() (transport.Publisher, error)
	// Now is the ROS time in ns, which stamps the messages.
	Now func() int64
	// Period is the time between publications; default DefaultPeriod.
	Period time.Duration
	// OnError is told of a publication that failed; it may be nil. It runs on the goroutine
	// of Run.
	OnError func(error)
}

// Updater asks tasks how they are and publishes it.
type Updater struct {
	config Config
	wake   chan struct{} // holds one

	mu     sync.Mutex
	tasks  []task
	period time.Duration
	id     string // of the hardware

	// of Run
	published []Level // of each task, last time
	message   diagnostic_msgs.DiagnosticArray
	payload   []byte
}

type task struct {
	name string // on the wire
	run  func(*Status)
}

// New returns an updater without tasks.
func New(c Config) *Updater {
	if c.Period <= 0 {
		c.Period = DefaultPeriod
	}
	if c.HardwareID == "" {
		c.HardwareID = "none"
	}
	return &Updater{config: c, wake: make(chan struct{}, 1), period: c.Period, id: c.HardwareID}
}

// Add adds a task. run is called on the goroutine of Run, ten times a second or more often,
// and must not block. It panics on a name that is empty or taken: monitors tell tasks apart
// by it.
func (u *Updater) Add(name string, run func(*Status)) {
	if strings.TrimSpace(name) == "" {
		panic("diagnostics: a task without a name")
	}
	full := u.config.Node + ": " + name
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, t := range u.tasks {
		if t.name == full {
			panic(fmt.Sprintf("diagnostics: two tasks %q", full))
		}
	}
	u.tasks = append(u.tasks, task{name: full, run: run})
}

// SetHardwareID names the robot once it is known.
func (u *Updater) SetHardwareID(id string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.id = id
}

// SetPeriod changes the time between publications, from now on; it must be above 0.
func (u *Updater) SetPeriod(period time.Duration) error {
	if period <= 0 {
		return fmt.Errorf("period of diagnostics: %v, want more than 0", period)
	}
	u.mu.Lock()
	u.period = period
	u.mu.Unlock()
	u.Wake()
	return nil
}

// Wake has the tasks asked now, so that what has become worse is published at once. It never
// waits and does not allocate.
func (u *Updater) Wake() {
	select {
	case u.wake <- struct{}{}:
	default:
	}
}

// Run publishes until ctx ends, and returns an error only where there is no publisher. It is
// called once.
func (u *Updater) Run(ctx context.Context) error {
	publisher, err := u.config.Open()
	if err != nil {
		return fmt.Errorf("diagnostics: %w", err)
	}
	defer publisher.Close()
	timer := time.NewTimer(0)
	defer timer.Stop()
	var last, published time.Time // of the tasks' last round and of the last periodic publication
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		case <-u.wake:
			if gap := minGap - time.Since(last); gap > 0 {
				u.Wake()
				if !pause(ctx, gap) {
					return nil
				}
				continue
			}
		}
		period := u.currentPeriod()
		last = time.Now()
		due := published.IsZero() || last.Sub(published) >= period
		if due {
			// In step with the first publication, unless that is behind by periods.
			if published = published.Add(period); last.Sub(published) >= period {
				published = last
			}
		}
		if err := u.round(publisher, due); err != nil && !errors.Is(err, transport.ErrClosed) && u.config.OnError != nil {
			u.config.OnError(fmt.Errorf("diagnostics: %w", err))
		}
		timer.Reset(max(0, min(checkPeriod, time.Until(published.Add(period)))))
	}
}

// pause waits, and reports false if ctx ended meanwhile.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

func (u *Updater) currentPeriod() time.Duration {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.period
}

// round asks all tasks, and publishes if it is due or if one has become worse since it was
// published.
func (u *Updater) round(p transport.Publisher, due bool) error {
	u.mu.Lock()
	tasks, id := u.tasks, u.id // tasks are added, and never changed
	u.mu.Unlock()
	for len(u.published) < len(tasks) {
		u.published = append(u.published, OK)
	}
	statuses := u.message.Status[:0]
	publish := due && len(tasks) > 0
	for i := range tasks {
		s := Status{level: Error, message: "the task said nothing"}
		tasks[i].run(&s)
		publish = publish || s.level > u.published[i]
		statuses = append(statuses, diagnostic_msgs.DiagnosticStatus{Level: uint8(s.level), Name: tasks[i].name,
			Message: s.message, HardwareId: id, Values: s.values})
	}
	u.message.Status = statuses
	if !publish {
		return nil
	}
	u.message.Header.Stamp = stamp(u.config.Now())
	u.payload = u.message.AppendCDR(u.payload[:0])
	for i := range tasks {
		u.published[i] = Level(statuses[i].Level)
	}
	return p.Publish(u.payload)
}

// stamp is a time in ns as a message has it.
func stamp(ns int64) builtin_interfaces.Time {
	ns = max(0, ns)
	return builtin_interfaces.Time{Sec: int32(ns / 1e9), Nanosec: uint32(ns % 1e9)}
}
