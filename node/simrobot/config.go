package simrobot

import (
	"fmt"
	"math"
	"time"

	"guidedpolicysearch/hardware/sim"
	"guidedpolicysearch/node/params"
)

// Config holds the settings of a simulated robot and its driver.
type Config struct {
	UseSimTime      bool          `param:"use_sim_time" desc:"Take the time from /clock, which this node publishes itself." takes:"now"`
	DescribeTypes   bool          `param:"start_type_description_service" desc:"Start the ~/get_type_description service for this node, as far as the ROS distribution has it." takes:"never"`
	Joints          []string      `param:"joints" desc:"Joint names, in the order of joint_states and of the efforts in the commands." takes:"never"`
	InitialPosition []float64     `param:"initial_position" desc:"Joint positions at the start, at rest." unit:"rad or m" len:"joints" takes:"never"`
	TimeStep        float64       `param:"time_step" desc:"Time for which an effort is held; joint_states come once per step, or at state_rate." unit:"s" range:"(0, inf)" takes:"never"`
	Substeps        int           `param:"substeps" desc:"Integration steps per time step; a model from a file has its own." range:"[1, 100000]" takes:"never"`
	Integrator      string        `param:"integrator" desc:"Scheme of an integration step; coupled_arm and models from a file have their own." choices:"runge_kutta_4|semi_implicit_euler" takes:"never"`
	LockStep        bool          `param:"lock_step" desc:"Wait for a command after each joint state, which holds until the next one. If false, steps follow the clock and the last command holds, as in ros2_control's forward controllers." takes:"never"`
	RealTimeFactor  float64       `param:"real_time_factor" desc:"Simulated seconds per second; 0 is as fast as possible in lock step, and real time otherwise." range:"[0, 1000]" takes:"never"`
	Heartbeat       time.Duration `param:"heartbeat" desc:"In lock step, time after which a joint state that was not answered is repeated." unit:"s" range:"[0.001, 3600]" takes:"never"`
	DriverConfig
	Plant PlantConfig `param:"plant"`
	Scene SceneConfig `param:"plant"`
}

// PlantConfig describes what is simulated.
type PlantConfig struct {
	Type    string    `param:"type" desc:"Plant: planar_arm is an arm of uniform rods, coupled_arm seven joints for timing, mujoco a model from a file." choices:"planar_arm|pendulum|cart_pole|point_mass|coupled_arm|mujoco" takes:"never"`
	Lengths []float64 `param:"lengths" desc:"Lengths of the links, or of the pole." unit:"m" range:"(0, inf)" takes:"never"`
	Masses  []float64 `param:"masses" desc:"Masses of the links; of cart and pole; of the point." unit:"kg" range:"(0, inf)" takes:"never"`
	Damping []float64 `param:"damping" desc:"Viscous friction of the joints." unit:"N m s/rad" range:"[0, inf)" takes:"never"`
	Gravity float64   `param:"gravity" desc:"Gravity along -y; 0 for a horizontal plane." unit:"m/s^2" range:"[0, inf)" takes:"never"`
	// The limits of the drives.
	MaxEffort []float64 `param:"max_effort" desc:"Largest effort of each drive; larger ones are clipped. 0 is no limit, and so is leaving it out." unit:"N m or N" range:"[0, inf)" takes:"never"`
	MaxSpeed  []float64 `param:"max_speed" desc:"Largest speed of each joint: the velocity is clipped after each integration step. 0 is no limit, and so is leaving it out." unit:"rad/s or m/s" range:"[0, inf)" takes:"never"`
}

// DefaultConfig returns the planar two-link arm in lock step.
func DefaultConfig() Config {
	arm, integration := sim.DefaultPlanarArmConfig(), sim.DefaultConfig()
	return Config{DescribeTypes: true, Joints: []string{"joint1", "joint2"}, InitialPosition: []float64{0, 0},
		TimeStep: integration.TimeStep, Substeps: integration.Substeps, Integrator: "runge_kutta_4", LockStep: true, Heartbeat: 100 * time.Millisecond,
		DriverConfig: DefaultDriverConfig(),
		Plant:        PlantConfig{Type: "planar_arm", Lengths: arm.Lengths, Masses: arm.Masses, Damping: arm.Damping}}
}

// Step returns the time step as the stamps of joint states count it.
func (c *Config) Step() time.Duration { return time.Duration(c.TimeStep*1e9 + 0.5) }

// Validate checks that the robot can be built.
func (c *Config) Validate() error {
	r, err := NewRobot(*c)
	if err == nil {
		r.Close()
	}
	return err
}

// NewPlant returns the plant and how it is integrated, if it is one that is given by its
// equations of motion.
func (c *Config) NewPlant() (sim.Plant, sim.Config, error) {
	plant, err := c.plant()
	if err != nil {
		return nil, sim.Config{}, err
	}
	integration, err := c.integration(plant)
	return plant, integration, err
}

func (c *Config) integration(plant sim.Plant) (sim.Config, error) {
	integration := sim.Config{TimeStep: c.TimeStep, Substeps: c.Substeps, Integrator: sim.RungeKutta4}
	if c.Integrator == "semi_implicit_euler" {
		integration.Integrator = sim.SemiImplicitEuler
	}
	if c.Plant.Type == "coupled_arm" {
		integration.Integrator = sim.CoupledArmIntegration().Integrator
	}
	nQ, nU := plant.Dims()
	for _, l := range []struct {
		key   string
		dst   *[]float64
		given []float64
		want  int
	}{{"plant.max_effort", &integration.MaxEffort, c.Plant.MaxEffort, nU}, {"plant.max_speed", &integration.MaxSpeed, c.Plant.MaxSpeed, nQ}} {
		if len(l.given) != 0 && len(l.given) != l.want {
			return integration, params.FieldError{Key: l.key, Problem: fmt.Sprintf("has %d entries, plant.type %s needs %d, or none", len(l.given), c.Plant.Type, l.want)}
		}
		for _, v := range l.given {
			if v == 0 {
				v = math.Inf(1)
			}
			*l.dst = append(*l.dst, v)
		}
	}
	return integration, nil
}

// Simulator returns the plant at its initial position, if it is one that is given by its
// equations of motion.
func (c *Config) Simulator() (*sim.Simulator, error) {
	plant, integration, err := c.NewPlant()
	if err != nil {
		return nil, err
	}
	s, err := sim.New(plant, integration)
	if err != nil {
		return nil, err
	}
	nQ, _ := plant.Dims()
	state := make([]float64, 2*nQ)
	copy(state, c.InitialPosition)
	return s, s.SetState(state)
}

func (c *Config) plant() (sim.Plant, error) {
	p := c.Plant
	// The plant decides how many of each it needs.
	need := func(joints, lengths, masses, damping int) error {
		for _, n := range []struct {
			key       string
			got, want int
		}{{"joints", len(c.Joints), joints}, {"plant.lengths", len(p.Lengths), lengths}, {"plant.masses", len(p.Masses), masses}, {"plant.damping", len(p.Damping), damping}} {
			if n.want >= 0 && n.got != n.want {
				return params.FieldError{Key: n.key, Problem: fmt.Sprintf("has %d entries, plant.type %s needs %d", n.got, p.Type, n.want)}
			}
		}
		return nil
	}
	const any = -1
	switch p.Type {
	case "planar_arm":
		n := len(c.Joints)
		if err := need(n, n, n, n); err != nil {
			return nil, err
		}
		return sim.NewPlanarArm(sim.PlanarArmConfig{Joints: c.Joints, Lengths: p.Lengths, Masses: p.Masses, Damping: p.Damping, Gravity: p.Gravity})
	case "pendulum":
		if err := need(1, 1, 1, 1); err != nil {
			return nil, err
		}
		return sim.NewPendulum(sim.PendulumConfig{Joints: c.Joints, Mass: p.Masses[0], Length: p.Lengths[0], Damping: p.Damping[0], Gravity: p.Gravity})
	case "cart_pole":
		if err := need(2, 1, 2, 2); err != nil {
			return nil, err
		}
		return sim.NewCartPole(sim.CartPoleConfig{Joints: c.Joints, CartMass: p.Masses[0], PoleMass: p.Masses[1], PoleLength: p.Lengths[0],
			CartDamping: p.Damping[0], PoleDamping: p.Damping[1], Gravity: p.Gravity})
	case "point_mass":
		if err := need(2, any, 1, 1); err != nil {
			return nil, err
		}
		return sim.NewPointMass(sim.PointMassConfig{Joints: c.Joints, Mass: p.Masses[0], Damping: p.Damping[0]})
	case "coupled_arm":
		cfg := sim.DefaultCoupledArmConfig()
		if err := need(len(cfg.Inertias), any, any, any); err != nil {
			return nil, err
		}
		cfg.Joints = c.Joints
		return sim.NewCoupledArm(cfg)
	}
	return nil, params.FieldError{Key: "plant.type", Problem: fmt.Sprintf("is %q, expected a plant with equations of motion", p.Type)}
}
