package rigidbody

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"guidedpolicysearch/hardware/urdf"
)

// body is what one moving joint carries: a link and the links that are welded to it. Its frame
// is that of the joint, turned so that its z axis is the joint's axis.
type body struct {
	// What does not change.
	parent        int // index of a body before this one
	column        int // of q
	prismatic     bool
	ratio, offset float64 // position = ratio q + offset; 1 and 0 but for joints that mimic
	placement     frame   // at position 0, in the parent's frame
	mass          float64
	centre        vec // of mass, in this frame
	inertia       sym // about the centre of mass, in this frame

	// Where it is for the latest q, in the base frame.
	frame
	axisAngular, axisLinear vec // velocity of the body and of what in it is at the origin per dq
	com                     vec
	turned                  sym // inertia about the centre of mass, in the base's axes

	// Workspace of the algorithms: twice a velocity, a force, and the inertia of all that
	// the joint carries. Linear parts are of what in the body is at the base's origin,
	// moments are about that origin.
	angular, linear         vec
	angularRate, linearRate vec
	moment, force           vec
	carried                 float64 // mass
	firstMoment             vec     // mass times centre
	carriedInertia          sym
}

// place is where a link is: in which body, and its frame there.
type place struct {
	body int
	frame
}

// limits of the controlled joints, n each.
type limits struct{ lower, upper, velocity, effort []float64 }

// LinkID is a link of a Tree, from Tree.Link.
type LinkID int

// Tree is a robot's rigid bodies. Bodies that no controlled joint moves belong to the base.
//
// It owns workspace: one goroutine at a time, together with all Points made from it. Where the
// bodies are is kept from call to call, so that several calls in a row for one q cost little
// more than one. dst must not overlap with the other arguments. Slices of the wrong length
// panic.
type Tree struct {
	joints         []string
	links          []string // names
	places         []place  // of links
	bodies         []body   // parents first; bodies[0] is the base
	damping, dry   []float64
	limits         limits
	gravity        vec
	kinematicsOnly bool

	q       []float64 // the latest
	turned  bool      // the bodies' inertias are at q too
	nothing []float64 // n zeros
}

// New returns the tree of bodies that c.Joints move. Errors wrap ErrConfig, with the joint, or
// ErrModel, with the joint or link, and say what was expected.
func New(m *urdf.Model, c Config) (*Tree, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if err := checkModel(m); err != nil {
		return nil, err
	}
	motions, err := motionsOf(m, c)
	if err != nil {
		return nil, err
	}
	n := len(c.Joints)
	t := &Tree{joints: slices.Clone(c.Joints), links: make([]string, len(m.Links)), places: make([]place, len(m.Links)),
		bodies: []body{{parent: -1, frame: frame{rot: identity()}}}, damping: make([]float64, n), dry: make([]float64, n),
		limits: limitsOf(m, motions, n), gravity: vector(c.Gravity), kinematicsOnly: c.KinematicsOnly, q: make([]float64, n), nothing: make([]float64, n)}
	for i := range t.q {
		t.q[i] = math.NaN() // equal to no q
	}
	t.places[0] = place{0, frame{rot: identity()}}
	for i, j := range m.Joints {
		t.hang(j, motions[i])
	}
	for i, l := range m.Links {
		t.links[i] = l.Name
		if at := t.places[i]; l.Inertial != nil && at.body > 0 {
			t.bodies[at.body].weld(l.Inertial, &at.frame)
		}
	}
	if c.KinematicsOnly {
		return t, nil
	}
	if err := m.CheckInertias(c.Joints); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrModel, err)
	}
	if err := t.checkInertias(); err != nil {
		return nil, err
	}
	return t, nil
}

// hang places the child of j, on a new body if a controlled joint moves it.
func (t *Tree) hang(j urdf.Joint, m motion) {
	parent := t.places[j.Parent]
	at := parent.then(frameOf(j.Origin))
	axis := vector(j.Axis)
	if j.Type != urdf.Fixed {
		axis = axis.scale(1 / math.Sqrt(axis.dot(axis)))
	}
	prismatic := j.Type == urdf.Prismatic
	if m.column < 0 {
		turn := identity()
		if prismatic {
			at.at = at.at.plus(m.offset, at.rot.apply(axis))
		} else if j.Type != urdf.Fixed {
			aligned := alongZ(axis)
			back := aligned.transposed()
			aligned.turnZ(m.offset)
			turn = aligned.times(&back)
		}
		t.places[j.Child] = place{parent.body, frame{at.rot.times(&turn), at.at}}
		return
	}
	aligned := alongZ(axis)
	t.bodies = append(t.bodies, body{parent: parent.body, column: m.column, prismatic: prismatic, ratio: m.ratio, offset: m.offset,
		placement: frame{at.rot.times(&aligned), at.at}})
	t.places[j.Child] = place{len(t.bodies) - 1, frame{rot: aligned.transposed()}}
	t.damping[m.column] += m.ratio * m.ratio * j.Damping
	t.dry[m.column] += math.Abs(m.ratio) * j.Friction
}

// weld adds the mass of a link whose frame in the body is at.
func (b *body) weld(l *urdf.Inertial, at *frame) {
	origin := at.then(frameOf(l.Origin))
	inertia := symmetric(l.Inertia)
	inertia = inertia.turned(&origin.rot)
	total := b.mass + l.Mass
	if total > 0 {
		centre := b.centre.scale(b.mass/total).plus(l.Mass/total, origin.at)
		b.inertia.addPoint(b.mass, b.centre.sub(centre))
		inertia.addPoint(l.Mass, origin.at.sub(centre))
		b.centre = centre
	}
	b.mass = total
	b.inertia.add(&inertia)
}

// limitsOf returns the limits of n controlled joints.
func limitsOf(m *urdf.Model, motions []motion, n int) limits {
	infinite := func(sign int) []float64 { return slices.Repeat([]float64{math.Inf(sign)}, n) }
	l := limits{infinite(-1), infinite(1), infinite(1), infinite(1)}
	for i, j := range m.Joints {
		c := motions[i].column
		if c < 0 || motions[i].master != i || j.Limit == nil {
			continue
		}
		l.velocity[c], l.effort[c] = j.Limit.Velocity, j.Limit.Effort
		if limited(j) != nil {
			l.lower[c], l.upper[c] = j.Limit.Lower, j.Limit.Upper
		}
	}
	return l
}

// Joints returns the names of the n controlled joints in canonical order.
func (t *Tree) Joints() []string { return slices.Clone(t.joints) }

// Limits returns the limits of the controlled joints as the model gives them, n each: positions
// in rad or m, velocities in rad/s or m/s, efforts in N m or N. They are infinite for continuous
// joints, and where the model gives none.
func (t *Tree) Limits() (lower, upper, velocity, effort []float64) {
	l := &t.limits
	return slices.Clone(l.lower), slices.Clone(l.upper), slices.Clone(l.velocity), slices.Clone(l.effort)
}

// Link returns the link of that name, or an error wrapping ErrConfig.
func (t *Tree) Link(name string) (LinkID, error) {
	if i := slices.Index(t.links, name); i >= 0 {
		return LinkID(i), nil
	}
	return -1, fmt.Errorf("%w: no link is named %.80q; the links are %s", ErrConfig, name, list(t.links))
}

// list joins names for a message, not too many.
func list(names []string) string {
	const most = 40
	if rest := len(names) - most; rest > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), rest)
	}
	return strings.Join(names, ", ")
}

func checkLen(name string, v []float64, want int) {
	if len(v) != want {
		panic(fmt.Sprintf("rigidbody: %s has %d elements, want %d", name, len(v), want))
	}
}
