package simrobot

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"

	"guidedpolicysearch/node/params"
)

// Reading is what the driver tells of the robot at one time.
type Reading struct {
	// Stamp is the time of the measurement in ns of simulated time, with its jitter.
	Stamp int64
	// Position and Velocity have one entry per joint, in the order of the joints; Velocity is
	// empty where the driver gives none.
	Position, Velocity []float64
	// Sensors holds the numbers of all sensors, one after the other.
	Sensors []float64

	arrives int64 // when it comes out, ns
}

// copyFrom makes r equal to o, which has as many of everything.
func (r *Reading) copyFrom(o *Reading) {
	r.Stamp, r.arrives = o.Stamp, o.arrives
	copy(r.Position, o.Position)
	copy(r.Velocity, o.Velocity)
	copy(r.Sensors, o.Sensors)
}

// Robot is a simulated robot as one sees it through its driver, without middleware: a plant,
// and between it and the outside sensors, delays and losses. Two of one configuration that
// take the same commands give the same readings, bit by bit. One goroutine at a time.
type Robot struct {
	cfg     Config
	plant   Simulator
	scene   Scene // nil if the plant has joints only
	sizes   []int // of the sensors
	sensing *sensing
	lost    struct{ state, command *rand.Rand }

	dt, every    int64 // ns of a time step; time steps between two measurements
	step         int64 // time steps that have passed
	began        int64 // simulated time at the first of them, ns
	effort       []float64
	commands     pending[command]
	readings     pending[Reading]
	reading      Reading // the latest that came out
	resetObjects bool    // with the next time step
	placement    placement
	released     bool // a command was sent: until then brakes hold the arm
	losses       struct{ states, commands uint64 }
}

// NewRobot returns the robot at its initial position, where it has stood still for longer
// than its latency. Errors about one parameter are params.FieldErrors. Close it.
func NewRobot(cfg Config) (*Robot, error) {
	if err := cfg.checkDriver(); err != nil {
		return nil, err
	}
	plant, err := cfg.NewSimulator()
	if err != nil {
		return nil, err
	}
	r, err := newRobot(cfg, plant)
	if err != nil {
		closePlant(plant)
	}
	return r, err
}

// newRobot wraps a plant.
func newRobot(cfg Config, plant Simulator) (*Robot, error) {
	nQ, nU := plant.Dims()
	r := &Robot{cfg: cfg, plant: plant, dt: int64(cfg.Step()), every: cfg.Every(), effort: make([]float64, nU)}
	r.randomize(0)
	r.scene, _ = plant.(Scene)
	numbers := 0
	for _, name := range cfg.Scene.Sensors {
		if r.scene == nil {
			return nil, params.FieldError{Key: "plant.sensors", Problem: fmt.Sprintf("names %q, but the plant has no sensors", name)}
		}
		size, err := r.scene.SensorSize(name)
		if err != nil {
			return nil, params.FieldError{Key: "plant.sensors", Problem: err.Error()}
		}
		r.sizes, numbers = append(r.sizes, size), numbers+size
	}
	blank := func() Reading {
		b := Reading{Position: make([]float64, nQ), Sensors: make([]float64, numbers)}
		if cfg.Velocity != VelocityNone {
			b.Velocity = make([]float64, nQ)
		}
		return b
	}
	r.reading = blank()
	// Of what is on its way there is one for each measurement, and one command for each time
	// step, the present one included.
	period := r.every * r.dt
	measured := int64(cfg.StateLatency) / period // before the first time step, and not here yet
	r.readings = newPending(repeated(int(measured)+2, blank))
	r.commands = newPending(repeated(int(int64(cfg.CommandLatency)/r.dt)+2, func() command { return command{effort: make([]float64, nU)} }))
	r.began = measured * period
	if err := r.stand(); err != nil {
		return nil, err
	}
	return r, nil
}

func repeated[T any](n int, one func() T) []T {
	list := make([]T, n)
	for i := range list {
		list[i] = one()
	}
	return list
}

// closePlant gives back what a plant holds outside of Go.
func closePlant(plant Simulator) {
	switch p := plant.(type) {
	case io.Closer:
		p.Close()
	case interface{ Close() }:
		p.Close()
	}
}

// Close gives back what the plant holds outside of Go; the robot cannot be used any more.
func (r *Robot) Close() { closePlant(r.plant) }

// Dims returns the number of joints and of efforts.
func (r *Robot) Dims() (nQ, nU int) { return r.plant.Dims() }

// Exchange has the robot take a command, the efforts of its drives in the order of the
// joints, and lets time pass until the next reading comes out, as between a robot and a node
// in lock step. The reading is valid until the next call. A lost command leaves the one
// before it in force; after a lost reading time goes on to the next.
func (r *Robot) Exchange(effort []float64) (*Reading, error) {
	r.take(effort, r.now())
	return r.Await()
}

// GoOn lets simulated time go on after a time in ns, before the first reading is taken: readings that
// are on their way are of the later time too.
func (r *Robot) GoOn(after int64) {
	behind := after - r.began
	if behind <= 0 {
		return
	}
	period := r.every * r.dt
	later := (behind/period + 1) * period
	r.began += later
	for i := range r.readings.size {
		r.readings.at(i).Stamp += later
	}
}

// Await lets time pass until a reading comes out. At the start there may be one already.
func (r *Robot) Await() (*Reading, error) {
	for {
		if reading := r.arrived(r.now()); reading != nil {
			return reading, nil
		}
		r.apply()
		if err := r.advance(); err != nil {
			return nil, err
		}
	}
}

// ResetObjects puts everything but the robot back to its place with the next time step. It
// does nothing where there is nothing else, which it returns as false.
func (r *Robot) ResetObjects() bool {
	r.resetObjects = r.scene != nil
	return r.resetObjects
}

// Sensor returns a part of Reading.Sensors: what the sensor with this index in plant.sensors
// tells.
func (r *Robot) Sensor(reading *Reading, index int) []float64 {
	at := 0
	for _, size := range r.sizes[:index] {
		at += size
	}
	return reading.Sensors[at : at+r.sizes[index]]
}

// now is the time of the plant, ns since the first time step.
func (r *Robot) now() int64 { return r.step * r.dt }

// take takes a command that comes at a time.
func (r *Robot) take(effort []float64, at int64) {
	r.released = true // whoever drives it is there
	if r.cfg.CommandLoss > 0 && r.lost.command.Float64() < r.cfg.CommandLoss {
		r.losses.commands++
		return
	}
	// The effort of a time step is one: within it the last command counts. What comes while
	// the plant is behind its time counts as coming now.
	latency := int64(r.cfg.CommandLatency)
	interval := max(r.step, min((at+latency)/r.dt, r.step+latency/r.dt+1))
	c := r.commands.last()
	if c == nil || c.interval < interval {
		c = r.commands.push()
		c.interval = interval
	}
	copy(c.effort, effort)
}

// apply puts into force what is due in the present time step.
func (r *Robot) apply() {
	for c := r.commands.head(); c != nil && c.interval <= r.step; c = r.commands.head() {
		copy(r.effort, c.effort)
		r.commands.pop()
	}
}

// advance moves the plant by one time step, and measures if it is time.
func (r *Robot) advance() error {
	if err := r.pass(); err != nil {
		return err
	}
	switch {
	case r.step%r.every != 0:
		return nil
	case r.placement.due:
		return r.place()
	}
	return r.measure(r.now(), true)
}

// pass moves the plant by one time step.
func (r *Robot) pass() error {
	var err error
	if r.resetObjects {
		r.resetObjects = false
		err = r.scene.ResetObjects()
	}
	if r.released {
		err = errors.Join(err, r.plant.Step(r.effort))
	}
	if err != nil {
		return fmt.Errorf("simulated time %.3f s: %w", float64(r.began+r.now())*1e-9, err)
	}
	r.step++
	return nil
}

// measure sends a reading of the present state off, unless it is lost.
func (r *Robot) measure(at int64, mayBeLost bool) error {
	// The plant is read even for a reading that is lost: what the sensors do does not depend
	// on what becomes of it.
	reading := r.readings.push()
	reading.Stamp, reading.arrives = r.sensing.stamp(r.began+at), at+int64(r.cfg.StateLatency)
	r.sensing.measure(reading, r.plant.Positions(), r.plant.Velocities())
	for i, name := range r.cfg.Scene.Sensors {
		if err := r.scene.ReadSensor(r.Sensor(reading, i), name); err != nil {
			return err
		}
	}
	if mayBeLost && r.cfg.StateLoss > 0 && r.lost.state.Float64() < r.cfg.StateLoss {
		r.losses.states++
		r.readings.size--
	}
	return nil
}

// arrived returns the next reading that comes out until a time, nil if there is none. It is
// valid until the next call.
func (r *Robot) arrived(until int64) *Reading {
	next := r.readings.head()
	if next == nil || next.arrives > until {
		return nil
	}
	r.reading.copyFrom(next)
	r.readings.pop()
	return &r.reading
}
