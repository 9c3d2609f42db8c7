package robot

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"guidedpolicysearch/hardware/velocity"
)

// ErrConfig marks a description that no robot can be built from.
var ErrConfig = errors.New("robot: invalid description")

// Parts of the state, in the order in which they are printed and recorded if a robot has them
// all.
const (
	JointPositions  = "joint_positions"
	JointVelocities = "joint_velocities"
	EndEffector     = "end_effector_points"
	EndEffectorVel  = "end_effector_velocities"
	PreviousTorques = "previous_torques"
	Extra           = "extra"
)

// parts are all there are.
var parts = []string{JointPositions, JointVelocities, EndEffector, EndEffectorVel, PreviousTorques, Extra}

// mostPrevious and mostExtra bound the size of a state, as the parameters' ranges do.
const (
	mostPrevious = 100
	mostExtra    = 1000 // of one topic
)

// Kinds of kinematics.
const (
	NoKinematics     = "none"
	PlanarKinematics = "planar"
	URDFKinematics   = "urdf"
)

// Config describes a robot.
type Config struct {
	Joints              []string         `param:"joints" desc:"Joint names in canonical order: that of states, commands and limits."`
	EffortLimit         []float64        `param:"effort_limit" desc:"Largest torque that is ever published, per joint; not above the robot description's." unit:"N m" range:"(0, inf)" len:"joints"`
	URDF                string           `param:"urdf" desc:"The robot's description: a URDF file, or a URI such as package://my_robot_description/urdf/arm.urdf. xacro files are to be expanded first." path:"true"`
	DescriptionTopic    string           `param:"description_topic" desc:"Topic with the robot's description, such as robot_description, for where urdf is empty; read when the node is configured."`
	Locked              LockedConfig     `param:"locked"`
	Gravity             []float64        `param:"gravity" desc:"Acceleration of free fall in the description's root frame: x, y, z." unit:"m/s^2"`
	GravityCompensation bool             `param:"gravity_compensation" desc:"Add the torque that holds the arm against gravity, by the description's masses, to every torque: for arms that do not do it themselves. Actions are then what is added to it."`
	State               []string         `param:"state" desc:"Parts of the state x, in order; joint_positions and joint_velocities come first. previous_torques are the last actions, extra what other topics tell." choices:"joint_positions|joint_velocities|end_effector_points|end_effector_velocities|previous_torques|extra"`
	PreviousTorques     int              `param:"previous_torques" desc:"How many of the last actions previous_torques holds, the latest first: for an actuation delay of d seconds, d / dt rounded up." range:"[1, 100]"`
	Kinematics          KinematicsConfig `param:"kinematics"`
	Velocity            velocity.Config  `param:"velocity"`
	Extra               ExtraConfig      `param:"extra"`
}

// KinematicsConfig describes where the end effector is.
type KinematicsConfig struct {
	Type        string    `param:"type" desc:"Kind of arm: planar is a chain of links in the x-y plane with its tip as the end effector, urdf takes the robot's description." choices:"none|planar|urdf"`
	Lengths     []float64 `param:"lengths" desc:"Of planar: lengths of the links." unit:"m" range:"(0, inf)"`
	Coordinates int       `param:"coordinates" desc:"Of planar: coordinates of the end effector: 3, or 2 without z, which is always 0 in a planar arm." range:"[2, 3]"`
	Link        string    `param:"link" desc:"Of urdf: the link that the end effector's points are on."`
	Points      []float64 `param:"points" desc:"Of urdf: points of the end effector in the link's frame, x, y and z of one after the other." unit:"m"`
}

// LockedConfig says where joints of the description stand that are not driven.
type LockedConfig struct {
	Joints    []string  `param:"joints" desc:"Joints of the description that are not driven and stand still, such as those of a gripper; those that are named nowhere stand at 0."`
	Positions []float64 `param:"positions" desc:"Where they stand." unit:"rad or m" len:"joints"`
}

// ExtraConfig describes what else belongs to the state: topics of std_msgs/msg/Float64MultiArray.
type ExtraConfig struct {
	Topics []string `param:"topics" desc:"Topics of std_msgs/msg/Float64MultiArray whose numbers are in the state's part extra, such as an object's pose."`
	Sizes  []int    `param:"sizes" desc:"How many numbers each of the topics has." range:"[1, 1000]" len:"topics"`
}

// Size is how many numbers the extra topics have in all.
func (c ExtraConfig) Size() (n int) {
	for _, size := range c.Sizes {
		n += size
	}
	return n
}

// DefaultConfig returns the planar two-link arm.
func DefaultConfig() Config {
	return Config{Joints: []string{"joint1", "joint2"}, EffortLimit: []float64{200, 200}, Gravity: []float64{0, 0, -9.81},
		State: []string{JointPositions, JointVelocities, EndEffector}, PreviousTorques: 1,
		Kinematics: KinematicsConfig{Type: PlanarKinematics, Lengths: []float64{0.5, 0.5}, Coordinates: 3, Points: []float64{0, 0, 0}},
		Velocity:   velocity.DefaultConfig()}
}

// Described tells whether the robot needs a description.
func (c Config) Described() bool {
	return c.URDF != "" || c.DescriptionTopic != "" || c.Kinematics.Type == URDFKinematics || c.GravityCompensation
}

// Validate returns an error wrapping ErrConfig that says what was expected.
func (c Config) Validate() error {
	n := len(c.Joints)
	if n == 0 {
		return fmt.Errorf("%w: joints is empty, need at least one name", ErrConfig)
	}
	for i, name := range c.Joints {
		if name == "" || slices.Contains(c.Joints[:i], name) {
			return fmt.Errorf("%w: joint %d is named %q, need names that are not empty and differ", ErrConfig, i, name)
		}
	}
	if len(c.EffortLimit) != n {
		return fmt.Errorf("%w: effort_limit has %d entries, need %d, one per joint", ErrConfig, len(c.EffortLimit), n)
	}
	for i, v := range c.EffortLimit {
		if !(v > 0) || math.IsInf(v, 0) {
			return fmt.Errorf("%w: effort_limit of joint %q is %v, need a finite number > 0", ErrConfig, c.Joints[i], v)
		}
	}
	if c.Described() && len(c.Gravity) != 3 {
		return fmt.Errorf("%w: gravity has %d entries, need 3: x, y, z", ErrConfig, len(c.Gravity))
	}
	for i, v := range c.Gravity {
		if v-v != 0 {
			return fmt.Errorf("%w: gravity[%d] is %v, need a finite number", ErrConfig, i, v)
		}
	}
	if c.GravityCompensation && c.URDF == "" && c.DescriptionTopic == "" {
		return fmt.Errorf("%w: gravity_compensation needs the robot's masses: set urdf or description_topic", ErrConfig)
	}
	if err := c.validateState(); err != nil {
		return err
	}
	return c.Kinematics.validate(n, c.URDF != "" || c.DescriptionTopic != "")
}

func (c Config) validateState() error {
	if len(c.State) < 2 || c.State[0] != JointPositions || c.State[1] != JointVelocities {
		return fmt.Errorf("%w: state is %v, need %s and %s first", ErrConfig, c.State, JointPositions, JointVelocities)
	}
	for i, part := range c.State {
		switch {
		case !slices.Contains(parts, part):
			return fmt.Errorf("%w: state names %q, need parts from %v", ErrConfig, part, parts)
		case slices.Contains(c.State[:i], part):
			return fmt.Errorf("%w: state names %s twice", ErrConfig, part)
		case (part == EndEffector || part == EndEffectorVel) && (c.Kinematics.Type == NoKinematics || c.Kinematics.Type == ""):
			return fmt.Errorf("%w: state has %s but kinematics.type is %q, need %s or %s", ErrConfig, part, c.Kinematics.Type, PlanarKinematics, URDFKinematics)
		case part == PreviousTorques && (c.PreviousTorques < 1 || c.PreviousTorques > mostPrevious):
			return fmt.Errorf("%w: state has %s but previous_torques is %d, need 1 to %d", ErrConfig, part, c.PreviousTorques, mostPrevious)
		case part == Extra && len(c.Extra.Topics) == 0:
			return fmt.Errorf("%w: state has %s but extra.topics is empty", ErrConfig, part)
		}
	}
	if len(c.Extra.Sizes) != len(c.Extra.Topics) {
		return fmt.Errorf("%w: extra.sizes has %d entries, need %d, one per topic", ErrConfig, len(c.Extra.Sizes), len(c.Extra.Topics))
	}
	for i, topic := range c.Extra.Topics {
		if topic == "" || slices.Contains(c.Extra.Topics[:i], topic) {
			return fmt.Errorf("%w: extra.topics[%d] is %q, need names that are not empty and differ", ErrConfig, i, topic)
		}
		if n := c.Extra.Sizes[i]; n < 1 || n > mostExtra {
			return fmt.Errorf("%w: extra.sizes[%d], of topic %q, is %d, need 1 to %d", ErrConfig, i, topic, n, mostExtra)
		}
	}
	if len(c.Extra.Topics) > 0 && !slices.Contains(c.State, Extra) {
		return fmt.Errorf("%w: extra.topics is given but state has no part %s", ErrConfig, Extra)
	}
	return nil
}

func (c KinematicsConfig) validate(joints int, described bool) error {
	switch c.Type {
	case PlanarKinematics:
		if len(c.Lengths) != joints {
			return fmt.Errorf("%w: kinematics.lengths has %d entries, need %d, one per joint", ErrConfig, len(c.Lengths), joints)
		}
	case URDFKinematics:
		switch {
		case !described:
			return fmt.Errorf("%w: kinematics.type is %s but there is no description: set urdf or description_topic", ErrConfig, URDFKinematics)
		case c.Link == "":
			return fmt.Errorf("%w: kinematics.link is empty, need the link that the end effector's points are on", ErrConfig)
		case len(c.Points) == 0 || len(c.Points)%3 != 0:
			return fmt.Errorf("%w: kinematics.points has %d entries, need x, y and z of at least one point", ErrConfig, len(c.Points))
		}
		for i, v := range c.Points {
			if v-v != 0 {
				return fmt.Errorf("%w: kinematics.points[%d] is %v, need a finite number", ErrConfig, i, v)
			}
		}
	case NoKinematics, "":
	default:
		return fmt.Errorf("%w: kinematics.type is %q, need %s, %s or %s", ErrConfig, c.Type, NoKinematics, PlanarKinematics, URDFKinematics)
	}
	return nil
}

// coordinates returns how many coordinates the end effector has.
func (c KinematicsConfig) coordinates() int {
	switch c.Type {
	case PlanarKinematics:
		return c.Coordinates
	case URDFKinematics:
		return len(c.Points)
	}
	return 0
}
