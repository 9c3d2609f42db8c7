package urdf

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// ErrJoints marks names of joints that do not fit a robot.
var ErrJoints = errors.New("urdf: joints do not fit the robot description")

// Joint returns the index of a joint.
func (m *Model) Joint(name string) (int, bool) {
	i := slices.IndexFunc(m.Joints, func(j Joint) bool { return j.Name == name })
	return max(i, 0), i >= 0
}

// Link returns the index of a link.
func (m *Model) Link(name string) (int, bool) {
	i := slices.IndexFunc(m.Links, func(l Link) bool { return l.Name == name })
	return max(i, 0), i >= 0
}

// Movable returns the names of the joints that move by themselves: those that are neither
// fixed nor mimic another.
func (m *Model) Movable() []string {
	var names []string
	for _, j := range m.Joints {
		if j.Type != Fixed && j.Mimic == nil {
			names = append(names, j.Name)
		}
	}
	return names
}

// CheckJoints returns an error wrapping ErrJoints if a joint is unknown, does not move by itself or is
// named twice. It says which, with the nearest name for a misspelt one, and lists the movable joints.
func (m *Model) CheckJoints(joints []string) error {
	movable := m.Movable()
	var problems []string
	for k, name := range joints {
		i, known := m.Joint(name)
		switch {
		case !known:
			problems = append(problems, fmt.Sprintf("%.80q does not exist%s", name, hint(name, movable)))
		case m.Joints[i].Type == Fixed:
			problems = append(problems, fmt.Sprintf("%.80q is fixed", name))
		case m.Joints[i].Mimic != nil:
			problems = append(problems, fmt.Sprintf("%.80q mimics %.80q and cannot be moved by itself", name, m.Joints[i].Mimic.Joint))
		case slices.Contains(joints[:k], name):
			problems = append(problems, fmt.Sprintf("%.80q is named twice", name))
		}
		const shown = 10
		if len(problems) == shown {
			break
		}
	}
	if len(problems) == 0 {
		return nil
	}
	available := "has no movable joints"
	if len(movable) > 0 {
		available = "has the movable joints " + list(movable, ", ")
	}
	return fmt.Errorf("%w: %s; robot %.80q %s", ErrJoints, strings.Join(problems, ", "), m.Name, available)
}

// hint names what was probably meant, where a few letters are wrong: at most a third of them, and at
// least two may be. Of a name as long as none has only the beginning is compared.
func hint(name string, known []string) string {
	best, distance := "", -1
	for _, k := range known {
		if d := levenshtein.ComputeDistance(name[:min(len(name), maxName)], k); distance < 0 || d < distance {
			best, distance = k, d
		}
	}
	if distance < 0 || distance > max(2, len(name)/3) {
		return ""
	}
	return fmt.Sprintf(" (the nearest is %q)", best)
}
