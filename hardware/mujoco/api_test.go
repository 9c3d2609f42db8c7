package mujoco

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"
)

// Both builds have the same methods.
var _ interface {
	Close()
	JointNames() []string
	Dims() (nQ, nU int)
	TimeStep() float64
	EffortLimits() []float64
	Positions() []float64
	Velocities() []float64
	State([]float64)
	SetState([]float64) error
	Reset() error
	Step([]float64) error
	Sensors() []Sensor
	Sensor(string) (Sensor, error)
	ReadSensor([]float64, Sensor) error
	BodyPose(string) (Pose, error)
	MassMatrix([]float64) error
	Bias([]float64) error
	InverseDynamics(dst, ddq []float64) error
	PointJacobian([]float64, string, [3]float64) error
} = (*Simulator)(nil)

func TestNotBuilt(t *testing.T) {
	if Built {
		t.Skip("needs a build without MuJoCo (-tags nomujoco)")
	}
	s, err := Load(fstest.MapFS{}, "model.xml", Config{})
	if s != nil || !errors.Is(err, ErrNotBuilt) || !strings.Contains(err.Error(), "libmujoco-dev") {
		t.Errorf("%v, %v: want ErrNotBuilt that says what to install", s, err)
	}
}
