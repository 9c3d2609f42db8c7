package urdf

// namedLink is a link with its place in the description.
type namedLink struct {
	Link
	line int
}

func (r *reader) links(elements []*element) ([]namedLink, error) {
	links := make([]namedLink, 0, len(elements))
	for _, e := range elements {
		name, err := r.name(e)
		if err != nil {
			return nil, err
		}
		l := namedLink{Link: Link{Name: name}, line: e.line}
		if inertial := e.children["inertial"]; inertial != nil {
			if l.Inertial, err = r.inertial(inertial); err != nil {
				return nil, err
			}
		}
		links = append(links, l)
	}
	return links, nil
}

func (r *reader) inertial(e *element) (*Inertial, error) {
	mass, inertia := e.children["mass"], e.children["inertia"]
	if mass == nil || inertia == nil {
		return nil, r.errorf(e, "<inertial> needs both <mass> and <inertia>; a point mass has an inertia of zeros")
	}
	var in Inertial
	var err error
	if in.Origin, err = r.pose(e); err != nil {
		return nil, err
	}
	if in.Mass, err = r.required(mass, "value"); err != nil {
		return nil, err
	}
	if in.Mass < 0 {
		return nil, r.errorf(mass, "<mass> is %g kg, need a number >= 0", in.Mass)
	}
	for i, row := range [3][3]string{{"ixx", "ixy", "ixz"}, {"ixy", "iyy", "iyz"}, {"ixz", "iyz", "izz"}} {
		for j, key := range row {
			if in.Inertia[i][j], err = r.required(inertia, key); err != nil {
				return nil, err
			}
		}
	}
	return &in, nil
}
