//go:build cgo && !nomujoco

package mujoco

/*
#cgo noescape plant_mass
#cgo noescape plant_inverse
#cgo noescape plant_jacobian
#include "physics.h"
*/
import "C"

import (
	"fmt"
	"runtime"
	"strings"
	"unsafe"
)

// What follows looks at the state that the simulator is in, and does not change what later
// steps give. Each is for a scene's extra state, for comparison and for diagnosis: the first
// one after a Step takes about as long as a substep.

// Sensors returns the model's sensors that have names; the caller must not change them.
func (s *Simulator) Sensors() []Sensor { return s.sensors }

// Sensor returns the sensor of this name, or an error wrapping ErrName.
func (s *Simulator) Sensor(name string) (Sensor, error) {
	known := make([]string, len(s.sensors))
	for i, sensor := range s.sensors {
		if sensor.Name == name {
			return sensor, nil
		}
		known[i] = sensor.Name
	}
	return Sensor{}, fmt.Errorf("%w: %s has no sensor %q; it has: %s", ErrName, s.model, name, strings.Join(known, ", "))
}

// ReadSensor writes a sensor's numbers, sensor.Size, to dst. It does not allocate.
func (s *Simulator) ReadSensor(dst []float64, sensor Sensor) error {
	checkLen(sensor.Name, dst, sensor.Size)
	if err := s.look(); err != nil {
		return err
	}
	copy(dst, floats(s.plant.look.sensordata, s.plant.model.nsensordata)[sensor.address:])
	runtime.KeepAlive(s)
	return nil
}

// BodyPose returns the pose of the named body's frame. An error wraps ErrName, ErrEngine
// or ErrClosed.
func (s *Simulator) BodyPose(body string) (p Pose, err error) {
	i, err := s.body(body)
	if err != nil {
		return p, err
	}
	d, n := s.plant.look, s.plant.model.nbody
	copy(p.Position[:], floats(d.xpos, 3*n)[3*i:])
	copy(p.Rotation[:], floats(d.xmat, 9*n)[9*i:])
	runtime.KeepAlive(s)
	return p, nil
}

// MassMatrix writes the joint-space inertia of the robot's joints, nQ x nQ row-major, with
// armature; objects that are not part of the robot are at rest.
func (s *Simulator) MassMatrix(dst []float64) error {
	n := len(s.joints)
	checkLen("mass matrix", dst, n*n)
	if err := s.look(); err != nil {
		return err
	}
	return s.outcome(C.plant_mass(s.plant, number(dst), number(s.mass)))
}

// Bias writes the Coriolis, centrifugal and gravity torques of the robot's joints, nQ.
func (s *Simulator) Bias(dst []float64) error {
	checkLen("bias", dst, len(s.joints))
	if err := s.look(); err != nil {
		return err
	}
	bias := floats(s.plant.look.qfrc_bias, s.plant.model.nv)
	for i, d := range unsafe.Slice(s.plant.drives, len(dst)) {
		dst[i] = bias[d.dof]
	}
	runtime.KeepAlive(s)
	return nil
}

// InverseDynamics writes the torques M ddq + bias, nQ, that accelerate the robot's joints by
// ddq, nQ, without damping, friction, limits and contacts; all other joints are not accelerated.
func (s *Simulator) InverseDynamics(dst, ddq []float64) error {
	checkLen("torques", dst, len(s.joints))
	checkLen("accelerations", ddq, len(s.joints))
	if err := s.look(); err != nil {
		return err
	}
	return s.outcome(C.plant_inverse(s.plant, number(dst), number(ddq)))
}

// PointJacobian writes the geometric Jacobian of a point in the named body's frame, in m:
// 6 x nQ row-major in the world's axes, three rows of velocity, then three of angular velocity.
func (s *Simulator) PointJacobian(dst []float64, body string, point [3]float64) error {
	checkLen("Jacobian", dst, 6*len(s.joints))
	i, err := s.body(body)
	if err != nil {
		return err
	}
	return s.outcome(C.plant_jacobian(s.plant, number(dst), C.int(i), number(point[:])))
}

// look brings the copy to look at up to date.
func (s *Simulator) look() error {
	if s.plant == nil {
		return ErrClosed
	}
	if s.looked {
		return nil
	}
	if err := s.outcome(C.plant_look(s.plant)); err != nil {
		return err
	}
	s.looked = true
	return nil
}

// body returns the index of the named body, of which everything is up to date.
func (s *Simulator) body(name string) (int, error) {
	if err := s.look(); err != nil {
		return 0, err
	}
	m := s.plant.model
	if i := find(m, C.mjOBJ_BODY, name); i >= 0 {
		return i, nil
	}
	return 0, fmt.Errorf("%w: %s has no body %q; it has: %s", ErrName, s.model, name, strings.Join(names(m, C.mjOBJ_BODY, m.nbody), ", "))
}
