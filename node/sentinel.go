package node

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"guidedpolicysearch/hardware/safety"
	"guidedpolicysearch/msgs/rcl_interfaces"
	"guidedpolicysearch/node/logging"
	"guidedpolicysearch/node/rcl"
	"guidedpolicysearch/node/ros2control"
	"guidedpolicysearch/node/rosio"
	"guidedpolicysearch/node/rostype"
	"guidedpolicysearch/node/transport"
)

// SentinelCommand is the first argument of the program when it is to be the sentinel: the process
// that zeroes the torque after a node that was killed, or whose control loop stands still, since
// effort controllers keep the last one that they were told.
const SentinelCommand = "sentinel"

// Words between a node and its sentinel. The node's sign of life is one byte, that done does not
// begin with.
const (
	sentinelReady  = "ready\n"
	sentinelZeroed = "zeroed\n"
	sentinelBeat   = '.'
	sentinelDone   = "done\n"
)

const (
	// sentinelBeats is how many signs of life there are within the time-out.
	sentinelBeats = 8
	// sentinelMisses is how many in a row must be lacking before the sentinel zeroes the torque. One
	// was due at once, and the loop may have moved until just before another: then it has stood still
	// for the time-out, and sees so itself. They are counted, not the time: what the sentinel sleeps
	// itself is one.
	sentinelMisses = sentinelBeats + 2
)

const (
	// sentinelPatience is how long a sentinel may take to join the network, and then to find the
	// controller.
	sentinelPatience = 5 * time.Second
	// A sentinel goes on for a while: a command that the node sent last may still be under way.
	zeroesLast  = time.Second
	zeroesEvery = 10 * time.Millisecond
)

// SentinelArguments returns the arguments that make the program the sentinel of a node that
// commands some joints on a resolved topic, and whose control loop may stand still for a time-out,
// 0 for any time: ServeSentinel understands them. args are the node's.
func SentinelArguments(args *rcl.Args, name rcl.NodeName, topic string, joints int, timeout time.Duration) []string {
	list := []string{SentinelCommand, topic, strconv.Itoa(joints), timeout.String(), "--ros-args", "-r", "__node:=" + name.Name + "_" + SentinelCommand, "-r", "__ns:=" + name.Namespace}
	if args.Enclave != nil {
		list = append(list, "--enclave", *args.Enclave)
	}
	return list
}

// ServeSentinel is the sentinel process: args are what follows SentinelCommand, r is a pipe that
// the node holds open and writes its signs of life to, w where it is told that the sentinel is
// ready. When the pipe ends without the word that all is well, or there is no sign of life for the
// time-out, zero torque is published for a second; of the latter w and /rosout are told. open opens
// the middleware.
func ServeSentinel(open func(transport.Options) (transport.Node, error), getenv func(string) string, args []string, r io.Reader, w io.Writer) error {
	if len(args) < 3 {
		return fmt.Errorf("%s needs a topic, a number of joints and a time-out; it is started by the node, not by hand", SentinelCommand)
	}
	joints, err := strconv.Atoi(args[1])
	if err != nil || joints < 1 || joints > maxSentinelJoints {
		return fmt.Errorf("%s of %q joints, expected a number from 1 to %d", SentinelCommand, args[1], maxSentinelJoints)
	}
	timeout, err := time.ParseDuration(args[2])
	if err != nil || timeout < 0 {
		return fmt.Errorf("%s with a time-out of %q, expected one such as 1s, or 0s for none", SentinelCommand, args[2])
	}
	zero, err := zeroTorque(joints)
	if err != nil {
		return err
	}
	parsed, err := rcl.Parse(args[3:])
	if err != nil {
		return err
	}
	name, err := parsed.Node(DefaultName+"_"+SentinelCommand, "")
	if err != nil {
		return err
	}
	options := transport.Options{Name: name.Name, Namespace: name.Namespace}
	if parsed.Enclave != nil {
		options.Enclave = *parsed.Enclave
	}
	if options, err = options.FromEnvironment(getenv); err != nil {
		return err
	}
	n, err := open(options)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(w, sentinelReady); err != nil {
		return errors.Join(err, n.Close())
	}
	g := guardian{node: n, name: name.Name, topic: args[0], zero: zero, timeout: timeout, told: w}
	return errors.Join(g.watch(r), n.Close())
}

// maxSentinelJoints is more than any robot has.
const maxSentinelJoints = 1000

// guardian watches a node from the sentinel process.
type guardian struct {
	node    transport.Node
	name    string // of node
	topic   string
	zero    []byte
	timeout time.Duration
	told    io.Writer
}

// word is what a node says to its sentinel.
type word int

const (
	nothing word = iota // for a while
	beat
	done // all is well, and the sentinel may go
	gone // without a word
)

// hear passes on what a node says; a beat may be lost while the one before it waits.
func hear(r io.Reader, said chan<- word) {
	b := bufio.NewReader(r)
	for {
		c, err := b.ReadByte()
		if err == nil && c == sentinelBeat {
			select {
			case said <- beat:
			default:
			}
			continue
		}
		last, _ := io.ReadAll(io.LimitReader(b, int64(len(sentinelDone)-1))) // however it ended
		if err == nil && string(append([]byte{c}, last...)) == sentinelDone {
			said <- done
		} else {
			said <- gone
		}
		return
	}
}

// watch returns when the node is gone, and the torque zero.
func (g *guardian) watch(r io.Reader) error {
	said := make(chan word, 1)
	go hear(r, said)
	var due <-chan time.Time
	if g.timeout > 0 {
		t := time.NewTicker(g.timeout / sentinelBeats)
		defer t.Stop()
		due = t.C
	}
	for silent := 0; ; {
		w := nothing
		select {
		case w = <-said:
		case <-due:
			if silent++; silent == sentinelMisses {
				g.tell()
				var err error
				if w, err = g.publish(said); err != nil {
					return err
				}
			}
		}
		switch w {
		case beat:
			silent = 0
		case done:
			return nil
		case gone:
			_, err := g.publish(nil)
			return err
		}
	}
}

// tell says that the node stands still: to the node, for when it goes on, and to all others.
func (g *guardian) tell() {
	_, _ = io.WriteString(g.told, sentinelZeroed) // to one that may be gone
	p, err := g.node.Publisher(logging.RosoutTopic, rostype.Of(new(rcl_interfaces.Log)), logging.RosoutQoS(), nil)
	if err != nil {
		return // the torque is more important
	}
	// Left open: who joins later hears it too.
	_ = p.Publish((&rcl_interfaces.Log{Stamp: rosio.Stamp(time.Now().UnixNano()), Level: uint8(logging.Error), Name: g.name,
		Msg: fmt.Sprintf("the control loop has stood still for %v (sentinel_timeout): zero torque is published on %s", g.timeout, g.topic)}).AppendCDR(nil))
}

// zeroTorque returns the message of zero torque.
func zeroTorque(joints int) ([]byte, error) {
	r := safety.Robot{Joints: make([]string, joints), EffortLimit: make([]float64, joints)}
	for i := range joints {
		r.Joints[i], r.EffortLimit[i] = fmt.Sprintf("joint%d", i+1), 1
	}
	f, err := safety.New(safety.DefaultConfig(), r)
	if err != nil {
		return nil, err
	}
	writer, err := ros2control.Float64MultiArray.NewWriter(joints)
	if err != nil {
		return nil, err
	}
	return writer.Write(f.Zero()), nil
}

// publish publishes zero torque again and again, for zeroesLast from when somebody hears it, or
// until the node says a word, which it returns. The publisher is opened only now: another one on
// the topic would be taken for a second controller.
func (g *guardian) publish(said <-chan word) (word, error) {
	p, err := g.node.Publisher(g.topic, ros2control.Float64MultiArray.Type(), transport.Default(), nil)
	if err != nil {
		return nothing, err
	}
	again := time.NewTicker(zeroesEvery)
	defer again.Stop()
	begin, heard := time.Now(), false
	for {
		if now := time.Now(); !heard && p.Matched() > 0 {
			begin, heard = now, true
		} else if heard && now.Sub(begin) > zeroesLast || now.Sub(begin) > sentinelPatience {
			return nothing, p.Close()
		}
		if err := p.Publish(g.zero); err != nil {
			return nothing, errors.Join(err, p.Close())
		}
		select {
		case <-again.C:
		case w := <-said:
			return w, p.Close()
		}
	}
}
