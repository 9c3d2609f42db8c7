package dataset

import (
	"fmt"
	"slices"
	"strings"
)

// Kind is the type of a column.
type Kind string

// The kinds of columns.
const (
	Int   Kind = "int64"
	Uint  Kind = "uint64"
	Float Kind = "float64"
	Text  Kind = "string"
)

// Column describes a column.
type Column struct {
	Name        string `json:"name"`
	Kind        Kind   `json:"type"`
	Unit        string `json:"unit"` // SI, "" for none
	Description string `json:"description"`
}

// Value is one entry of a row, in the field of its column's kind.
type Value struct {
	Int   int64
	Uint  uint64
	Float float64
	Text  string
	// Missing says that there is none.
	Missing bool
}

// Names are what a run calls its numbers.
type Names struct {
	// States names the entries of x, Joints those of u.
	States, Joints []string
	// Prismatic are the joints that slide: they move in m, not rad.
	Prismatic []string
}

// unit returns the unit of an entry of the state by its name, as the robot names it; "" where the
// name does not tell.
func (n *Names) unit(state string) string {
	joint, quantity, _ := strings.Cut(state, ".")
	for _, j := range n.Joints { // whose names may have dots
		if rest, ok := strings.CutPrefix(state, j+"."); ok {
			joint, quantity = j, rest
		}
	}
	slides := slices.Contains(n.Prismatic, joint)
	pick := func(turning, sliding string) string {
		if slides {
			return sliding
		}
		return turning
	}
	switch {
	case !slices.Contains(n.Joints, joint):
		if strings.HasPrefix(joint, "end_effector") && quantity != "" && strings.Contains("x y z", quantity[:1]) {
			if strings.HasSuffix(quantity, ".velocity") {
				return "m/s"
			}
			return "m"
		}
		return ""
	case quantity == "position":
		return pick("rad", "m")
	case quantity == "velocity":
		return pick("rad/s", "m/s")
	case strings.HasPrefix(quantity, "torque"):
		return pick("N m", "N")
	}
	return ""
}

// stateUnits returns the unit of each entry of the state.
func (n *Names) stateUnits() []string {
	units := make([]string, len(n.States))
	for i, name := range n.States {
		units[i] = n.unit(name)
	}
	return units
}

// actionUnits returns the unit of each entry of the action.
func (n *Names) actionUnits() []string {
	units := make([]string, len(n.Joints))
	for i, j := range n.Joints {
		if units[i] = "N m"; slices.Contains(n.Prismatic, j) {
			units[i] = "N"
		}
	}
	return units
}

// keyColumns tell whose row it is.
func keyColumns() []Column {
	return []Column{
		{"iteration", Int, "", "Iteration of the run, from 1."},
		{"condition", Int, "", "Initial state, from 0."},
		{"sample", Int, "", "Trial within iteration and condition, from 0."},
	}
}

// trialColumns are those of a row per trial, after the key.
func (n *Names) trialColumns() []Column {
	list := []Column{
		{"noise_seed", Uint, "", "Seed of the exploration noise."},
		{"driver", Text, "", "What drove the trial: controller or policy."},
		{"dt", Float, "s", "Length of a time step."},
		{"steps", Int, "", "Actions of the trial."},
		{"trial_cost", Float, "", "Cost of the trial, the sum over its time steps; missing where the run's cost is not known."},
		{"trial_intervened", Int, "", "Control ticks in which the safety filter changed the torque."},
	}
	units := n.stateUnits()
	for i, name := range n.States {
		list = append(list, Column{"x0." + name, Float, units[i], fmt.Sprintf("Entry %d of the initial state.", i)})
	}
	return list
}

// stepColumns are those of a row per time step, after the key.
func (n *Names) stepColumns() []Column {
	list := []Column{
		{"step", Int, "", "Time step, from 0; the last row of a trial is the state that the last action led to."},
		{"stamp_ns", Int, "ns", "Stamp of the joint state; missing where it was not recorded."},
		{"time", Float, "s", "Time since the trial's first joint state, by the stamps, or else step times dt."},
		{"cost", Float, "", "Cost of the time step; missing in the last row of a trial, and where the run's cost is not known."},
	}
	units := n.stateUnits()
	for i, name := range n.States {
		list = append(list, Column{name, Float, units[i], fmt.Sprintf("Entry %d of the state.", i)})
	}
	units = n.actionUnits()
	for i, joint := range n.Joints {
		list = append(list, Column{"action." + joint, Float, units[i], "Action as applied, the mean over the step, after limits and without gravity compensation; missing in the last row of a trial."})
	}
	for i, joint := range n.Joints {
		list = append(list, Column{"commanded." + joint, Float, units[i], "Action as the controller gave it, before limits; missing in the last row of a trial, and where it was not recorded."})
	}
	return list
}

// longColumns are those of one table with everything.
func (n *Names) longColumns() []Column {
	return slices.Concat(keyColumns(), n.trialColumns(), n.stepColumns())
}
