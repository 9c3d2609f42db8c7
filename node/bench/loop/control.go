package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"time"

	"guidedpolicysearch/msgs/sensor_msgs"
	"guidedpolicysearch/msgs/std_msgs"
	"guidedpolicysearch/node/realtime"
	"guidedpolicysearch/node/rosio"
	"guidedpolicysearch/node/rostype"
	"guidedpolicysearch/node/transport"
)

// allowance of memory while no garbage is collected.
const allowance = 1 << 30

// runControl answers requests, until its input ends: a line "POLICY WARM COUNT" asks for so many
// ticks, of which the last COUNT are timed, POLICY being an index into policies. The answer is a
// line "COUNT ALLOCATIONS" and COUNT times in ns as native uint32 thrice: by how much the tick was
// late, what it took from the joint state to the message, and what it took to publish that. It
// writes "ready" when it is connected.
func runControl(o options, in io.Reader, out, said io.Writer) error {
	runtime.GOMAXPROCS(runtime.NumCPU() + 1) // see package realtime
	a, err := newArm()
	if err != nil {
		return err
	}
	c, err := newControl(a, o.period().Seconds())
	if err != nil {
		return err
	}
	node, err := open(o, "control")
	if err != nil {
		return err
	}
	defer node.Close()
	if err := c.connect(node); err != nil {
		return err
	}
	cfg := realtime.DefaultConfig()
	if cfg.Priority = o.priority; cfg.Priority <= cfg.ProcessPriority {
		cfg.ProcessPriority = 0
	}
	thread, notes := realtime.Adopt(cfg)
	defer thread.Release()
	if err := say(said, notes); err != nil {
		return err
	}
	fmt.Fprintln(out, "ready")
	quiet, requests := realtime.NewQuietCollector(allowance), bufio.NewReader(in)
	for {
		var policy, warm, count int
		if _, err := fmt.Fscanln(requests, &policy, &warm, &count); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil || uint(policy) >= uint(len(policies)) || warm < 0 || count <= 0 || count > 1<<28 {
			return fmt.Errorf("control: expected a policy and two counts (%w)", err)
		}
		t := newTurn(count)
		quiet.Begin()
		if err := say(said, thread.Companions()); err != nil {
			return err
		}
		err := t.run(c, o.period(), policies[policy], warm)
		quiet.End()
		if err != nil {
			return err
		}
		if err := t.write(out); err != nil {
			return err
		}
	}
}

// connect opens the topics and waits for a joint state, and for somebody to hear the commands.
func (c *control) connect(node transport.Node) (err error) {
	if c.commands, err = node.Publisher(commandsTopic, rostype.Of(new(std_msgs.Float64MultiArray)), transport.Default(), nil); err != nil {
		return err
	}
	reader := rosio.NewJointReader(c.arm.names, true)
	first, unreadable := make(chan struct{}, 1), make(chan error, 1)
	received := func(payload []byte, _ transport.Info) {
		if err := reader.Read(*c.states.Back(), payload); err != nil {
			select {
			case unreadable <- err:
			default:
			}
			return
		}
		c.states.Publish()
		select {
		case first <- struct{}{}:
		default:
		}
	}
	if _, err := node.Subscribe(statesTopic, rostype.Of(new(sensor_msgs.JointState)), transport.Default(), received, nil); err != nil {
		return err
	}
	select {
	case <-first:
	case err := <-unreadable:
		return err
	case <-time.After(20 * time.Second):
		return errors.New("control: no joint state for 20 s")
	}
	for began := time.Now(); c.commands.Matched() == 0; time.Sleep(10 * time.Millisecond) {
		if time.Since(began) > 20*time.Second {
			return errors.New("control: nobody has subscribed to the commands for 20 s")
		}
	}
	return nil
}

// turn is what is measured without a pause.
type turn struct {
	late, took, sent []uint32 // ns
	allocations      uint64   // of the whole process, beside what ends and begins the turn
}

func newTurn(count int) *turn {
	t := &turn{late: make([]uint32, count), took: make([]uint32, count), sent: make([]uint32, count)}
	for _, list := range [][]uint32{t.late, t.took, t.sent} {
		for i := range list {
			list[i] = 1 // no page is new while it measures
		}
	}
	return t
}

// run ticks.
func (t *turn) run(c *control, period time.Duration, policy string, warm int) error {
	timer := realtime.NewTimer(period)
	var before, after runtime.MemStats
	for i := range warm + len(t.late) {
		if i == warm {
			// It stops the world: the next tick begins a new phase.
			runtime.ReadMemStats(&before)
			timer.Restart()
		}
		lateness, _ := timer.Wait()
		began := time.Now()
		payload := c.tick(policy)
		took := time.Since(began)
		if err := c.commands.Publish(payload); err != nil {
			return err
		}
		if i >= warm {
			t.late[i-warm], t.took[i-warm], t.sent[i-warm] = clip(lateness), clip(took), clip(time.Since(began)-took)
		}
	}
	runtime.ReadMemStats(&after)
	t.allocations = after.Mallocs - before.Mallocs
	return c.fault()
}

// clip is a time in ns that 32 bits hold.
func clip(d time.Duration) uint32 { return uint32(min(max(d, 0), 1<<32-1)) }

// write sends the turn to the process that asked for it.
func (t *turn) write(out io.Writer) error {
	if _, err := fmt.Fprintf(out, "%d %d\n", len(t.late), t.allocations); err != nil {
		return err
	}
	return binary.Write(out, binary.NativeEndian, slices.Concat(t.late, t.took, t.sent))
}
