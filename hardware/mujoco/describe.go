//go:build cgo && !nomujoco

package mujoco

// #include "physics.h"
import "C"

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"unsafe"
)

// describe finds the robot in the model.
func (s *Simulator) describe(c Config) error {
	m := s.plant.model
	timestep := float64(m.opt.timestep)
	if !(timestep > 0) || !finite(timestep) {
		return fmt.Errorf("%w: %s: <option timestep> is %v s, want a finite number > 0", ErrModel, s.model, timestep)
	}
	substeps, err := c.substeps(timestep)
	if err != nil {
		return fmt.Errorf("%s: %w", s.model, err)
	}
	s.timeStep = c.TimeStep
	if c.TimeStep == 0 {
		s.timeStep = timestep
	}
	s.plant.substeps = C.int(substeps)
	s.plant.home = C.int(find(m, C.mjOBJ_KEY, "home"))
	motors := motorsByJoint(m)
	s.joints = slices.Clone(c.Joints)
	if len(s.joints) == 0 {
		for j := range int(m.njnt) {
			if name := nameOf(m, C.mjOBJ_JOINT, j); len(motors[j]) > 0 && name != "" {
				s.joints = append(s.joints, name)
			}
		}
	}
	n := len(s.joints)
	if n == 0 {
		return fmt.Errorf("%w: %s: no joint with a name has an actuator: give each joint of the robot a <motor>", ErrModel, s.model)
	}
	if C.plant_room(s.plant, C.int(n)) == 0 {
		return fmt.Errorf("%w: %s: out of memory", ErrModel, s.model)
	}
	s.state, s.effort, s.mass = make([]float64, 2*n), make([]float64, n), make([]float64, int(m.nv)*int(m.nv))
	drives := unsafe.Slice(s.plant.drives, n)
	for i, name := range s.joints {
		if drives[i], err = drive(m, name, motors); err != nil {
			return fmt.Errorf("%w: %s: %w", ErrModel, s.model, err)
		}
		s.limits = append(s.limits, math.Min(-float64(drives[i].low), float64(drives[i].high)))
	}
	for i := range int(m.nsensor) {
		if name := nameOf(m, C.mjOBJ_SENSOR, i); name != "" {
			s.sensors = append(s.sensors, Sensor{name, ints(m.sensor_dim, m.nsensor)[i], ints(m.sensor_adr, m.nsensor)[i]})
		}
	}
	return nil
}

// motorsByJoint lists the actuators of each joint.
func motorsByJoint(m *C.mjModel) map[int][]int {
	of := map[int][]int{}
	targets, kinds := ints(m.actuator_trnid, 2*m.nu), ints(m.actuator_trntype, m.nu)
	for a := range int(m.nu) {
		if kinds[a] == C.mjTRN_JOINT || kinds[a] == C.mjTRN_JOINTINPARENT {
			of[targets[2*a]] = append(of[targets[2*a]], a)
		}
	}
	return of
}

// drive returns how the joint of this name is moved.
func drive(m *C.mjModel, joint string, motors map[int][]int) (d C.struct_drive, err error) {
	j := find(m, C.mjOBJ_JOINT, joint)
	if j < 0 {
		return d, fmt.Errorf("there is no joint %q; there are %s", joint, strings.Join(names(m, C.mjOBJ_JOINT, m.njnt), ", "))
	}
	if kind := ints(m.jnt_type, m.njnt)[j]; kind != C.mjJNT_HINGE && kind != C.mjJNT_SLIDE {
		return d, fmt.Errorf("joint %q is a ball or free joint; want a hinge or slide", joint)
	}
	if len(motors[j]) != 1 {
		return d, fmt.Errorf("joint %q has %d actuators; want one <motor joint=%q>", joint, len(motors[j]), joint)
	}
	a := motors[j][0]
	name := nameOf(m, C.mjOBJ_ACTUATOR, a)
	if ints(m.actuator_gaintype, m.nu)[a] != C.mjGAIN_FIXED || ints(m.actuator_biastype, m.nu)[a] != C.mjBIAS_NONE ||
		ints(m.actuator_dyntype, m.nu)[a] != C.mjDYN_NONE {
		return d, fmt.Errorf("actuator %q of joint %q is no <motor>: its torque is not its control times a constant", name, joint)
	}
	gear, gain := floats(m.actuator_gear, 6*m.nu)[6*a], floats(m.actuator_gainprm, C.mjNGAIN*m.nu)[C.mjNGAIN*a]
	scale := gear * gain
	if scale == 0 || !finite(scale) {
		return d, fmt.Errorf("actuator %q of joint %q has the gear %v and the gain %v; want a product that is not 0", name, joint, gear, gain)
	}
	low, high := math.Inf(-1), math.Inf(1)
	bound := func(limited *C.mjtByte, span *C.mjtNum, factor float64) {
		if unsafe.Slice(limited, m.nu)[a] != 0 {
			r := floats(span, 2*m.nu)[2*a:]
			x, y := factor*r[0], factor*r[1]
			low, high = max(low, min(x, y)), min(high, max(x, y))
		}
	}
	bound(m.actuator_ctrllimited, m.actuator_ctrlrange, scale)
	bound(m.actuator_forcelimited, m.actuator_forcerange, gear)
	if low >= 0 || high <= 0 {
		return d, fmt.Errorf("actuator %q of joint %q gives torques of %v to %v; want a range around 0", name, joint, low, high)
	}
	return C.struct_drive{
		qpos: C.int(ints(m.jnt_qposadr, m.njnt)[j]), dof: C.int(ints(m.jnt_dofadr, m.njnt)[j]), actuator: C.int(a),
		scale: C.double(scale), low: C.double(low), high: C.double(high)}, nil
}

// find returns the index of an object by name, or -1.
func find(m *C.mjModel, kind C.int, name string) int {
	count := map[C.int]C.int{C.mjOBJ_JOINT: m.njnt, C.mjOBJ_BODY: m.nbody, C.mjOBJ_KEY: m.nkey}[kind]
	return slices.Index(names(m, kind, count), name)
}

func names(m *C.mjModel, kind, count C.int) []string {
	all := make([]string, count)
	for i := range all {
		all[i] = nameOf(m, kind, i)
	}
	return all
}

// nameOf returns the name of object i of a kind, or "".
func nameOf(m *C.mjModel, kind C.int, i int) string {
	return C.GoString(C.mj_id2name(m, kind, C.int(i)))
}

// ints copies n integers of the model.
func ints(from *C.int, n C.int) []int {
	all := make([]int, n)
	for i, v := range unsafe.Slice(from, n) {
		all[i] = int(v)
	}
	return all
}

// floats views n numbers of the model.
func floats(from *C.mjtNum, n C.int) []float64 { return unsafe.Slice((*float64)(from), n) }
