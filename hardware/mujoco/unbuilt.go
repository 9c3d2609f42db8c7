//go:build !cgo || nomujoco

package mujoco

import "io/fs"

// Built says if this program has MuJoCo.
const Built = false

// Simulator has no values in this build: Load gives none.
type Simulator struct{}

// Load returns ErrNotBuilt.
func Load(fs.FS, string, Config) (*Simulator, error) { return nil, ErrNotBuilt }

// Close does nothing.
func (*Simulator) Close() {}

// JointNames returns nil.
func (*Simulator) JointNames() []string { return nil }

// Dims returns 0, 0.
func (*Simulator) Dims() (nQ, nU int) { return 0, 0 }

// TimeStep returns 0.
func (*Simulator) TimeStep() float64 { return 0 }

// EffortLimits returns nil.
func (*Simulator) EffortLimits() []float64 { return nil }

// Positions returns nil.
func (*Simulator) Positions() []float64 { return nil }

// Velocities returns nil.
func (*Simulator) Velocities() []float64 { return nil }

// State writes nothing.
func (*Simulator) State([]float64) {}

// SetState returns ErrNotBuilt.
func (*Simulator) SetState([]float64) error { return ErrNotBuilt }

// Reset returns ErrNotBuilt.
func (*Simulator) Reset() error { return ErrNotBuilt }

// Step returns ErrNotBuilt.
func (*Simulator) Step([]float64) error { return ErrNotBuilt }

// Sensors returns nil.
func (*Simulator) Sensors() []Sensor { return nil }

// Sensor returns ErrNotBuilt.
func (*Simulator) Sensor(string) (Sensor, error) { return Sensor{}, ErrNotBuilt }

// ReadSensor returns ErrNotBuilt.
func (*Simulator) ReadSensor([]float64, Sensor) error { return ErrNotBuilt }

// BodyPose returns ErrNotBuilt.
func (*Simulator) BodyPose(string) (Pose, error) { return Pose{}, ErrNotBuilt }

// MassMatrix returns ErrNotBuilt.
func (*Simulator) MassMatrix([]float64) error { return ErrNotBuilt }

// Bias returns ErrNotBuilt.
func (*Simulator) Bias([]float64) error { return ErrNotBuilt }

// InverseDynamics returns ErrNotBuilt.
func (*Simulator) InverseDynamics(_, _ []float64) error { return ErrNotBuilt }

// PointJacobian returns ErrNotBuilt.
func (*Simulator) PointJacobian([]float64, string, [3]float64) error { return ErrNotBuilt }
