// Package simrobot is the driver of a simulated robot: it publishes joint_states and the
// clock, and takes efforts as ros2_control's effort controllers do. Where it is told so it
// measures with noise, counts as encoders do, is late, and loses messages, as real drivers do.
//
// In lock step one command moves the simulation from one joint state to the next, and nothing
// moves without: the driver and the node advance together, as fast as they can or at a
// real-time factor, and no message is lost, reordered or late by accident. Latencies then are
// whole time steps, and a loss means that the other side goes on without: a lost joint state
// is not published and the effort holds until the next one; a lost command is taken for an
// answer, but the one before it stays in force. So a run is the same whenever it is repeated.
//
// Otherwise the simulation keeps the clock's time. A time step that is late by more than
// its length is made up for without a joint state, as a driver's missed cycle; what is made up
// for is bounded, and after that simulated time stands still for what is missing.
package simrobot

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"guidedpolicysearch/msgs/guided_policy_search_msgs"
	"guidedpolicysearch/msgs/rosgraph_msgs"
	"guidedpolicysearch/msgs/sensor_msgs"
	"guidedpolicysearch/msgs/std_msgs"
	"guidedpolicysearch/msgs/std_srvs"
	"guidedpolicysearch/node/diagnostics"
	"guidedpolicysearch/node/rosio"
	"guidedpolicysearch/node/rostype"
	"guidedpolicysearch/node/transport"
)

// Topics holds the resolved names of the driver's topics and services.
type Topics struct {
	JointStates, Commands, Clock string
	// Sensors are as many as plant.sensors.
	Sensors []string
	// ResetScene and Place are services.
	ResetScene, Place string
}

// Driver runs a simulated robot on a transport.
type Driver struct {
	cfg      Config
	messages *messages
	states   transport.Publisher
	clock    transport.Publisher // nil where the stamps are not of simulated time
	sensors  []transport.Publisher
	efforts  int
	log      func(string)

	mu      sync.Mutex
	robot   *Robot
	pace    *pace // begins with Run
	reader  rosio.EffortReader
	command []float64 // the latest
	refused bool      // the last message was refused and that was said
	dropped uint64    // messages that were refused so far
	arrived chan struct{}

	steps   atomic.Int64
	timing  timing
	payload []byte // of the clock
}

// New opens the driver's topics. log takes lines of text. The caller closes the node, and
// runs the driver, whose robot is given back when Run ends.
func New(cfg Config, node transport.Node, topics Topics, log func(string)) (*Driver, error) {
	robot, err := NewRobot(cfg)
	if err != nil {
		return nil, err
	}
	_, efforts := robot.Dims()
	d := &Driver{cfg: cfg, robot: robot, pace: newPace(&cfg), messages: newMessages(&cfg), efforts: efforts,
		log: log, command: make([]float64, efforts), arrived: make(chan struct{}, 1)}
	if err := d.open(node, topics); err != nil {
		robot.Close()
		return nil, err
	}
	return d, nil
}

func (d *Driver) open(node transport.Node, topics Topics) (err error) {
	if d.states, err = node.Publisher(topics.JointStates, rostype.Of(new(sensor_msgs.JointState)), transport.Default(), nil); err != nil {
		return err
	}
	if d.cfg.Stamps != SystemTime {
		if d.clock, err = node.Publisher(topics.Clock, rostype.Of(new(rosgraph_msgs.Clock)), transport.Default(), nil); err != nil {
			return err
		}
	}
	for _, topic := range topics.Sensors {
		p, err := node.Publisher(topic, rostype.Of(new(std_msgs.Float64MultiArray)), transport.Default(), nil)
		if err != nil {
			return err
		}
		d.sensors = append(d.sensors, p)
	}
	if _, err = node.Service(topics.ResetScene, rostype.Of(new(std_srvs.Trigger)), transport.ServiceQoS(), d.resetScene); err != nil {
		return err
	}
	if _, err = node.Service(topics.Place, rostype.Of(new(guided_policy_search_msgs.PlaceRobot)), transport.ServiceQoS(), d.place); err != nil {
		return err
	}
	_, err = node.Subscribe(topics.Commands, rostype.Of(new(std_msgs.Float64MultiArray)), transport.Default(), d.take, nil)
	return err
}

// take keeps the latest command. A message that is no command of this robot is refused,
// which is said once.
func (d *Driver) take(payload []byte, _ transport.Info) {
	now := time.Now()
	d.mu.Lock()
	defer d.mu.Unlock()
	efforts, err := d.reader.Read(payload, d.efforts)
	if err != nil {
		if !d.refused {
			d.log(err.Error() + "; the message is ignored")
		}
		d.refused = true
		d.dropped++
		return
	}
	d.refused = false
	if !d.cfg.LockStep {
		if !d.pace.origin.IsZero() { // before Run nothing moves
			d.robot.take(efforts, d.pace.time(now))
		}
		return
	}
	copy(d.command, efforts)
	select {
	case d.arrived <- struct{}{}:
	default:
	}
}

// resetScene puts the objects back with the next time step.
func (d *Driver) resetScene(_ []byte, reply transport.Reply) {
	d.mu.Lock()
	has := d.robot.ResetObjects()
	d.mu.Unlock()
	response := std_srvs.Trigger_Response{Success: true, Message: "the objects are put back with the next time step"}
	if !has {
		response.Message = "there are no objects in the scene of plant.type " + d.cfg.Plant.Type
	}
	_ = reply(response.AppendCDR(nil)) // a client that is gone
}

// place puts the robot to a position with the next joint state.
func (d *Driver) place(payload []byte, reply transport.Reply) {
	var request guided_policy_search_msgs.PlaceRobot_Request
	err := request.UnmarshalCDR(payload)
	if err == nil {
		d.mu.Lock()
		err = d.robot.Place(request.Position, request.Seed)
		d.mu.Unlock()
	}
	response := guided_policy_search_msgs.PlaceRobot_Response{Success: err == nil}
	if err != nil {
		response.Message = err.Error()
	}
	_ = reply(response.AppendCDR(nil)) // a client that is gone
}

// Run simulates until ctx ends, which is no error. It is called once.
func (d *Driver) Run(ctx context.Context) error {
	defer func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.robot.Close()
	}()
	d.mu.Lock()
	d.pace.begin()
	d.mu.Unlock()
	if d.cfg.LockStep {
		return d.runInLockStep(ctx)
	}
	return d.runFreely(ctx)
}

// runInLockStep moves by one command from each reading to the next.
func (d *Driver) runInLockStep(ctx context.Context) error {
	u := make([]float64, d.efforts)
	d.mu.Lock()
	reading, err := d.robot.Await()
	d.mu.Unlock()
	period := d.cfg.Every() * int64(d.cfg.Step())
	for at := int64(0); err == nil; {
		// A command that came before this state does not answer it.
		select {
		case <-d.arrived:
		default:
		}
		if err := d.publish(reading); err != nil {
			return err
		}
		if !d.await(ctx, reading) {
			return nil
		}
		// Where the node is late, time stands still instead of rushing to catch up.
		at += period
		if late := d.pace.time(d.pace.clock()) - at; late > period && d.pace.factor > 0 {
			d.pace.slip(late)
		}
		if !d.pace.wait(ctx, at) {
			return nil
		}
		d.mu.Lock()
		copy(u, d.command)
		reading, err = d.robot.Exchange(u)
		d.steps.Store(d.robot.step)
		d.mu.Unlock()
	}
	return err
}

// await waits for the command that answers the state just published, which it repeats. It
// returns false when ctx has ended.
func (d *Driver) await(ctx context.Context, reading *Reading) bool {
	heartbeat := time.NewTicker(d.cfg.Heartbeat)
	defer heartbeat.Stop()
	for {
		select {
		case <-d.arrived:
			return true
		case <-heartbeat.C:
			if err := d.publish(reading); err != nil {
				d.log(err.Error())
			}
		case <-ctx.Done():
			return false
		}
	}
}

// publish publishes the time, the sensors and then the joint state.
func (d *Driver) publish(r *Reading) error {
	var err error
	stamp := r.Stamp
	if d.clock != nil {
		clock := rosgraph_msgs.Clock{Clock: rosio.Stamp(d.robot.began + d.robot.now())}
		d.payload = clock.AppendCDR(d.payload[:0])
		err = d.clock.Publish(d.payload)
	} else {
		stamp += d.pace.origin.UnixNano() - d.robot.began
	}
	for i, p := range d.sensors {
		err = errors.Join(err, p.Publish(d.messages.sensor(d.robot.Sensor(r, i), stamp)))
	}
	err = errors.Join(err, d.states.Publish(d.messages.joints(r, stamp)))
	if errors.Is(err, transport.ErrBlocked) {
		d.log(err.Error())
		return nil
	}
	return err
}

// Health says how far the simulation is, for the diagnostics.
func (d *Driver) Health(s *diagnostics.Status) {
	s.Summary(diagnostics.OK, "simulating")
	d.mu.Lock()
	refused, dropped, losses := d.refused, d.dropped, d.robot.losses
	d.mu.Unlock()
	if refused {
		s.Summary(diagnostics.Warn, "the latest message on the commands' topic is no command of this robot")
	}
	s.Add("plant", d.cfg.Plant.Type)
	s.Add("steps", d.steps.Load())
	s.Add("malformed commands", dropped)
	if d.cfg.StateLoss > 0 || d.cfg.CommandLoss > 0 {
		s.Add("lost joint states", losses.states)
		s.Add("lost commands", losses.commands)
	}
	if !d.cfg.LockStep {
		d.timing.health(s)
	}
}
