package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"runtime"
	"time"

	"guidedpolicysearch/msgs/sensor_msgs"
	"guidedpolicysearch/node/realtime"
	"guidedpolicysearch/node/ros2control"
	"guidedpolicysearch/node/rostime"
	"guidedpolicysearch/node/rostype"
	"guidedpolicysearch/node/transport"
)

// allowance of memory while no garbage is collected.
const allowance = 1 << 30

// runControl answers requests, until its input ends: a line "CONTENDER WARM COUNT" asks for so many
// ticks, of which the last COUNT are timed, CONTENDER being an index into contenders. The answer is
// a line "COUNT ALLOCATIONS BROKEN" and COUNT times in ns as native uint32 four times: by how much
// the tick was late, and, 0 outside a trial, what it took to compute, to publish, and to observe the
// joint states before it. BROKEN is how many trials a fault broke off. It writes "ready" when it is
// connected.
func runControl(o options, in io.Reader, out, said io.Writer) error {
	runtime.GOMAXPROCS(runtime.NumCPU() + 1) // see package realtime
	c, err := newControl(o.rate)
	if err != nil {
		return err
	}
	node, err := open(o, "control")
	if err != nil {
		return err
	}
	defer node.Close()
	clock := rostime.New(rostime.Config{Node: node})
	unreadable, err := c.connect(node, clock)
	if err != nil {
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
		var contender, warm, count int
		if _, err := fmt.Fscanln(requests, &contender, &warm, &count); errors.Is(err, io.EOF) {
			return nil
		} else if most := longestTurn(o.rate); err != nil || uint(contender) >= uint(len(contenders)) || warm < 0 || count <= 0 || warm > most || warm+count > most {
			return fmt.Errorf("control: expected a contender and two counts of at most %d together (%w)", most, err)
		}
		t := newTurn(count)
		quiet.Begin()
		if err := say(said, thread.Companions()); err != nil {
			return err
		}
		err := t.run(c, clock, o.period(), contender, warm)
		quiet.End()
		if err != nil {
			return err
		}
		select {
		case err := <-unreadable:
			return err
		default:
		}
		if err := t.write(out); err != nil {
			return err
		}
	}
}

// connect opens the topics and waits for a joint state, and for somebody to hear the commands.
// unreadable tells of joint states that cannot be used.
func (c *control) connect(node transport.Node, clock *rostime.Clock) (unreadable <-chan error, err error) {
	if c.commands, err = node.Publisher(commandsTopic, ros2control.Float64MultiArray.Type(), transport.Default(), nil); err != nil {
		return nil, err
	}
	failed := make(chan error, 1)
	received := func(payload []byte, info transport.Info) {
		if err := c.jointState(payload, info, clock.Steady(), clock.Now()); err != nil {
			select {
			case failed <- err:
			default:
			}
		}
	}
	if _, err := node.Subscribe(statesTopic, rostype.Of(new(sensor_msgs.JointState)), transport.Default(), received, nil); err != nil {
		return nil, err
	}
	if err := c.await(); err != nil {
		select {
		case unread := <-failed:
			return nil, unread
		default:
			return nil, err
		}
	}
	for began := time.Now(); c.commands.Matched() == 0; time.Sleep(10 * time.Millisecond) {
		if time.Since(began) > patience {
			return nil, fmt.Errorf("control: nobody has subscribed to the commands for %v", patience)
		}
	}
	return failed, nil
}

// patience is how long others may take to begin.
const patience = 20 * time.Second

// await waits for a joint state.
func (c *control) await() error {
	for began := time.Now(); !c.seen(); time.Sleep(time.Millisecond) {
		if time.Since(began) > patience {
			return fmt.Errorf("control: no joint state for %v", patience)
		}
	}
	return nil
}
