package simrobot

import (
	"errors"
	"fmt"
	"slices"

	"guidedpolicysearch/hardware/models"
	"guidedpolicysearch/hardware/mujoco"
	"guidedpolicysearch/node/params"
)

// Simulator carries a plant through time. A robot's joints are all driven or the first of
// them are: nU <= nQ. One goroutine at a time.
type Simulator interface {
	// JointNames returns the nQ names; the caller must not change them.
	JointNames() []string
	// Dims returns the number of joint positions and of actions.
	Dims() (nQ, nU int)
	// TimeStep returns the time in s that one Step takes.
	TimeStep() float64
	// Positions returns q, nQ, as a view that the next Step changes.
	Positions() []float64
	// Velocities returns dq, nQ, as a view that the next Step changes.
	Velocities() []float64
	// SetState sets [q; dq], 2 nQ, which must be finite.
	SetState(x []float64) error
	// Step holds the action u, nU, for one time step. After an error the state is as before.
	Step(u []float64) error
}

// Scene is a simulator with more in it than the robot's joints: objects, and sensors that
// tell of them.
type Scene interface {
	Simulator
	// SensorSize returns how many numbers a sensor gives, or an error that names the sensors.
	SensorSize(name string) (int, error)
	// ReadSensor writes a sensor's present numbers to dst, as many as SensorSize says.
	ReadSensor(dst []float64, name string) error
	// ResetObjects puts everything but the robot's joints back to its place, at rest.
	ResetObjects() error
}

// SceneConfig describes what is simulated from a file, beside plant.type.
type SceneConfig struct {
	Model   string   `param:"model" desc:"Model of plant.type mujoco, in MJCF: a file, or package://guided_policy_search/models/NAME for one of this program's own." path:"true" takes:"never"`
	Sensors []string `param:"sensors" desc:"Sensors of the model that are published, each as std_msgs/msg/Float64MultiArray on sensors/NAME, before each joint state, whose stamp in s is the label of the one dimension." takes:"never"`
}

// mujocoType is the plant that comes from a file.
const mujocoType = "mujoco"

// NewSimulator returns the plant at its initial position, whatever it is simulated by. What
// is not a Simulator's alone is a Scene. Errors about one parameter are params.FieldErrors.
func (c *Config) NewSimulator() (Simulator, error) {
	if c.Plant.Type == mujocoType {
		return c.openScene()
	}
	if c.Scene.Model != "" {
		return nil, params.FieldError{Key: "plant.model", Problem: fmt.Sprintf("is %q, expected none with plant.type %s: a model belongs to plant.type %s", c.Scene.Model, c.Plant.Type, mujocoType)}
	}
	if len(c.Scene.Sensors) > 0 {
		return nil, params.FieldError{Key: "plant.sensors", Problem: fmt.Sprintf("is %q, expected none: plant.type %s has nothing to sense but its joints", c.Scene.Sensors, c.Plant.Type)}
	}
	return c.Simulator()
}

// openScene loads the model of plant.type mujoco.
func (c *Config) openScene() (Simulator, error) {
	wrong := func(key string, err error) error { return params.FieldError{Key: key, Problem: err.Error()} }
	if !mujoco.Built {
		return nil, wrong("plant.type", mujoco.ErrNotBuilt)
	}
	if c.Scene.Model == "" {
		return nil, params.FieldError{Key: "plant.model", Problem: "is empty, expected the MJCF file that plant.type mujoco simulates"}
	}
	for _, l := range []struct {
		key   string
		given []float64
		where string
	}{{"plant.max_effort", c.Plant.MaxEffort, "ctrlrange of its motors"}, {"plant.max_speed", c.Plant.MaxSpeed, "damping of its joints"}} {
		if len(l.given) > 0 {
			return nil, params.FieldError{Key: l.key, Problem: fmt.Sprintf("is %v, expected none: the model has its own limits, by the %s", l.given, l.where)}
		}
	}
	files, name, err := models.Open(c.Scene.Model)
	if err != nil {
		return nil, wrong("plant.model", err)
	}
	s, err := mujoco.Load(files, name, mujoco.Config{TimeStep: c.TimeStep, Joints: c.Joints})
	if err != nil {
		return nil, wrong("plant.model", err)
	}
	m := &scene{Simulator: s, state: make([]float64, 2*len(c.Joints))}
	if err := m.prepare(c.InitialPosition, c.Scene.Sensors); err != nil {
		s.Close()
		return nil, err
	}
	return m, nil
}

// scene is a MuJoCo model.
type scene struct {
	*mujoco.Simulator
	state []float64 // [q; dq], workspace
}

func (m *scene) prepare(position []float64, sensors []string) error {
	copy(m.state, position)
	for _, name := range sensors {
		if _, err := m.Sensor(name); err != nil {
			return params.FieldError{Key: "plant.sensors", Problem: err.Error()}
		}
	}
	return m.SetState(m.state)
}

// SensorSize returns how many numbers a sensor gives.
func (m *scene) SensorSize(name string) (int, error) {
	sensor, err := m.Sensor(name)
	return sensor.Size, err
}

// ReadSensor writes a sensor's present numbers.
func (m *scene) ReadSensor(dst []float64, name string) error {
	i := slices.IndexFunc(m.Sensors(), func(s mujoco.Sensor) bool { return s.Name == name })
	if i < 0 {
		_, err := m.Sensor(name)
		return err
	}
	return m.Simulator.ReadSensor(dst, m.Sensors()[i])
}

// ResetObjects takes the whole model to its beginning, and the joints back to where they are.
func (m *scene) ResetObjects() error {
	m.State(m.state)
	return errors.Join(m.Reset(), m.SetState(m.state))
}
