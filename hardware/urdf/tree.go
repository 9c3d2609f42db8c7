package urdf

import (
	"fmt"
	"slices"
	"strings"
)

// assemble makes one tree of links and joints, or says why they are none.
func assemble(links []namedLink, joints []namedJoint, src source) (*Model, error) {
	t := tree{source: src, links: links, joints: joints, above: make([]int, len(links)), below: make([][]int, len(links))}
	for _, check := range []func() error{t.connect, t.checkLoops, t.checkRoot, t.checkMimics} {
		if err := check(); err != nil {
			return nil, err
		}
	}
	return t.model(), nil
}

// tree is a graph of links until its checks have passed.
type tree struct {
	source
	links  []namedLink
	joints []namedJoint
	above  []int   // per link: the joint that it hangs from, -1 for none
	below  [][]int // per link: the joints that hang from it
	roots  []int
}

// connect resolves names.
func (t *tree) connect() error {
	if len(t.links) == 0 {
		return t.errorf(1, "the robot has no <link>")
	}
	links := make(map[string]int, len(t.links))
	for i, l := range t.links {
		if first, twice := links[l.Name]; twice {
			return t.errorf(l.line, "a second link %q, the first is in line %d; names must differ", l.Name, t.links[first].line)
		}
		links[l.Name] = i
		t.above[i] = -1
	}
	names := make(map[string]int, len(t.joints))
	for i := range t.joints {
		j := &t.joints[i]
		if first, twice := names[j.Name]; twice {
			return t.errorf(j.line, "a second joint %q, the first is in line %d; names must differ", j.Name, t.joints[first].line)
		}
		names[j.Name] = i
		for _, end := range []struct {
			kind, name string
			index      *int
		}{{"parent", j.parent, &j.Parent}, {"child", j.child, &j.Child}} {
			index, known := links[end.name]
			if !known {
				return t.errorf(j.line, "joint %q: its %s link %.80q does not exist%s", j.Name, end.kind, end.name, hint(end.name, t.linkNames()))
			}
			*end.index = index
		}
		if other := t.above[j.Child]; other >= 0 {
			return t.errorf(j.line, "link %q hangs from two joints, %q and %q; a robot must be a tree", j.child, t.joints[other].Name, j.Name)
		}
		t.above[j.Child] = i
		t.below[j.Parent] = append(t.below[j.Parent], i)
	}
	return nil
}

func (t *tree) linkNames() []string {
	names := make([]string, len(t.links))
	for i, l := range t.links {
		names[i] = l.Name
	}
	return names
}

// checkLoops walks from each link towards the root: each link hangs from one joint at most, so
// that a walk ends at a root or comes back to a link that it has seen.
func (t *tree) checkLoops() error {
	walk := make([]int, len(t.links)) // number of the walk that saw a link, from 1
	for start := range t.links {
		for l := start; walk[l] == 0; {
			walk[l] = start + 1
			if t.above[l] < 0 {
				t.roots = append(t.roots, l)
				break
			}
			j := t.joints[t.above[l]]
			if l = j.Parent; walk[l] == start+1 {
				return t.errorf(j.line, "links hang from each other in a loop: %s; a robot must be a tree, so that one of the joints between them has to go", t.loop(l))
			}
		}
	}
	return nil
}

// loop names the links of a loop from l down to l.
func (t *tree) loop(l int) string {
	names := []string{t.links[l].Name}
	for k := t.joints[t.above[l]].Parent; k != l; k = t.joints[t.above[k]].Parent {
		names = append(names, t.links[k].Name)
	}
	names = append(names, t.links[l].Name)
	slices.Reverse(names)
	return list(names, " -> ")
}

func (t *tree) checkRoot() error {
	if len(t.roots) == 1 {
		return nil
	}
	names := make([]string, len(t.roots))
	for i, l := range t.roots {
		names[i] = t.links[l].Name
	}
	return t.errorf(t.links[t.roots[1]].line, "%d links hang from no joint: %s; only the base may, so connect the others to it by joints, fixed ones for instance",
		len(names), list(names, ", "))
}

// checkMimics: each joint that follows another ends at one that moves by itself.
func (t *tree) checkMimics() error {
	joints := make(map[string]*namedJoint, len(t.joints))
	for i := range t.joints {
		joints[t.joints[i].Name] = &t.joints[i]
	}
	for i := range t.joints {
		j := &t.joints[i]
		for steps := 0; j.Mimic != nil; steps++ {
			if steps > len(t.joints) {
				return t.errorf(j.line, "joint %q: <mimic> leads back to the joint itself; need one that moves by itself", j.Name)
			}
			next := joints[j.Mimic.Joint]
			if next == nil || next.Type == Fixed {
				return t.errorf(j.line, "joint %q: <mimic> follows %.80q, need the name of a joint that moves", j.Name, j.Mimic.Joint)
			}
			j = next
		}
	}
	return nil
}

// model numbers the links by depth first, in the order of the description, so that those of
// a chain follow each other.
func (t *tree) model() *Model {
	m := &Model{Links: make([]Link, 0, len(t.links)), Joints: make([]Joint, 0, len(t.joints))}
	number := make([]int, len(t.links))
	number[t.roots[0]] = 0
	m.Links = append(m.Links, t.links[t.roots[0]].Link)
	open := slices.Clone(t.below[t.roots[0]])
	slices.Reverse(open)
	for len(open) > 0 {
		j := t.joints[open[len(open)-1]]
		open = open[:len(open)-1]
		for _, next := range slices.Backward(t.below[j.Child]) {
			open = append(open, next)
		}
		number[j.Child] = len(m.Links)
		m.Links = append(m.Links, t.links[j.Child].Link)
		j.Joint.Parent, j.Joint.Child = number[j.Parent], number[j.Child]
		m.Joints = append(m.Joints, j.Joint)
	}
	return m
}

// list quotes names for an error, of which it shows a number that can be read.
func list(names []string, separator string) string {
	const shown = 30
	quoted := make([]string, 0, shown+1)
	for i, name := range names {
		if i == shown {
			quoted = append(quoted, fmt.Sprintf("and %d more", len(names)-shown))
			break
		}
		quoted = append(quoted, fmt.Sprintf("%.80q", name))
	}
	return strings.Join(quoted, separator)
}
