package robot

import (
	"fmt"
	"slices"
)

// Measurement is what a state is put together from, in canonical joint order.
type Measurement struct {
	// Position and Velocity have one entry per joint.
	Position, Velocity []float64
	// PreviousTorques holds the last actions, the latest first, and Extra the numbers of the
	// extra topics in their order. Either may be nil: zeros.
	PreviousTorques, Extra []float64
}

// State writes x (dX). It does not allocate, and panics where a list has another size.
func (r *Robot) State(x []float64, m Measurement) {
	checkLen("state", x, r.DX())
	checkLen("positions", m.Position, r.DU())
	checkLen("velocities", m.Velocity, r.DU())
	if m.PreviousTorques != nil {
		checkLen("previous torques", m.PreviousTorques, r.PreviousTorques()*r.DU())
	}
	if m.Extra != nil {
		checkLen("extra numbers", m.Extra, r.cfg.Extra.Size())
	}
	i := 0
	for _, part := range r.cfg.State {
		to := x[i : i+r.size(part)]
		switch part {
		case JointPositions:
			copy(to, m.Position)
		case JointVelocities:
			copy(to, m.Velocity)
		case EndEffector:
			r.tip.Points(to, m.Position)
		case EndEffectorVel:
			r.tip.Velocities(to, m.Position, m.Velocity)
		case PreviousTorques:
			clear(to[copy(to, m.PreviousTorques):])
		case Extra:
			clear(to[copy(to, m.Extra):])
		}
		i += len(to)
	}
}

// size is how many numbers of the state a part has.
func (r *Robot) size(part string) int {
	switch part {
	case EndEffector, EndEffectorVel:
		return r.cfg.Kinematics.coordinates()
	case PreviousTorques:
		return r.cfg.PreviousTorques * r.DU()
	case Extra:
		return r.cfg.Extra.Size()
	}
	return r.DU()
}

// PreviousTorques returns how many past actions the state holds; 0 for none.
func (r *Robot) PreviousTorques() int {
	if slices.Contains(r.cfg.State, PreviousTorques) {
		return r.cfg.PreviousTorques
	}
	return 0
}

// StateNames returns one name per entry of x, dX.
func (r *Robot) StateNames() []string { return r.names }

// name gives each entry of x a name.
func (r *Robot) name() {
	for _, part := range r.cfg.State {
		switch part {
		case JointPositions:
			r.nameJoints(".position")
		case JointVelocities:
			r.nameJoints(".velocity")
		case EndEffector:
			r.nameTip("")
		case EndEffectorVel:
			r.nameTip(".velocity")
		case PreviousTorques:
			for k := range r.cfg.PreviousTorques {
				r.nameJoints(fmt.Sprintf(".torque.previous%d", k+1))
			}
		case Extra:
			for k, topic := range r.cfg.Extra.Topics {
				for i := range r.cfg.Extra.Sizes[k] {
					r.names = append(r.names, fmt.Sprintf("%s.%d", topic, i))
				}
			}
		}
	}
}

func (r *Robot) nameJoints(suffix string) {
	for _, joint := range r.cfg.Joints {
		r.names = append(r.names, joint+suffix)
	}
}

// nameTip names coordinates end_effector.x, or end_effector1.x and so on where there are
// several points.
func (r *Robot) nameTip(suffix string) {
	total := r.cfg.Kinematics.coordinates()
	each := min(total, 3)
	for i := range total {
		point := ""
		if total > each {
			point = fmt.Sprint(i/each + 1)
		}
		r.names = append(r.names, "end_effector"+point+"."+[]string{"x", "y", "z"}[i%each]+suffix)
	}
}

// Symbols returns short names for the entries of x (dX) and u (dU), for formulas: q0, dq0
// and u0 of the first joint; px, py, pz of the end effector and vx, vy, vz of its velocity, px0
// and so on where there are several points; p1u0 of the first joint's latest action; e0 of the
// first extra number.
func (r *Robot) Symbols() (states, actions []string) {
	numbered := func(prefix string, n int) (list []string) {
		for i := range n {
			list = append(list, fmt.Sprint(prefix, i))
		}
		return list
	}
	tip := func(prefix string) (list []string) {
		total := r.cfg.Kinematics.coordinates()
		each := min(total, 3)
		for i := range total {
			point := ""
			if total > each {
				point = fmt.Sprint(i / each)
			}
			list = append(list, prefix+[]string{"x", "y", "z"}[i%each]+point)
		}
		return list
	}
	for _, part := range r.cfg.State {
		switch part {
		case JointPositions:
			states = append(states, numbered("q", r.DU())...)
		case JointVelocities:
			states = append(states, numbered("dq", r.DU())...)
		case EndEffector:
			states = append(states, tip("p")...)
		case EndEffectorVel:
			states = append(states, tip("v")...)
		case PreviousTorques:
			for k := range r.cfg.PreviousTorques {
				states = append(states, numbered(fmt.Sprintf("p%du", k+1), r.DU())...)
			}
		case Extra:
			states = append(states, numbered("e", r.cfg.Extra.Size())...)
		}
	}
	return states, numbered("u", r.DU())
}

func checkLen(name string, v []float64, want int) {
	if len(v) != want {
		panic(fmt.Sprintf("robot: %s has %d elements, want %d", name, len(v), want))
	}
}
