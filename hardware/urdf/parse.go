package urdf

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// ErrDescription marks a robot description that cannot be read or that no robot can have.
var ErrDescription = errors.New("urdf: invalid robot description")

// Bounds of what is read; the largest public descriptions have some hundred links and less
// than 1 MiB.
const (
	maxBytes = 16 << 20
	maxLinks = 1000
	maxDepth = 100 // of nested elements
	maxName  = 256 // bytes
)

// Parse reads a description in URDF 1.0 or 1.1 (the latter has quaternions), such as the
// output of xacro. What says nothing of kinematics, inertia or limits is passed over:
// shapes, materials, sensors, safety_controller, calibration, transmission, gazebo,
// ros2_control and unknown elements.
//
// It is stricter than the specification where a robot would otherwise be moved by numbers
// that mean nothing: revolute and prismatic joints have lower < upper, all limits of effort
// and velocity are > 0, masses are >= 0, and links are one tree. Joints of the types floating,
// planar and spherical are errors. As in the specification, lower and upper of a continuous
// joint and all but the origin of a fixed one are passed over. Whether inertias are there and
// plausible depends on what is moved: see Model.CheckInertias.
//
// Errors wrap ErrDescription and name line, joint or link, and what is needed.
func Parse(data []byte) (*Model, error) { return parse(data, "") }

// ParseFile is Parse for the contents of a file; its errors name the file as well.
func ParseFile(path string) (*Model, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("urdf: read the robot description: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: %s is not a file", ErrDescription, path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("urdf: read the robot description: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("urdf: read the robot description %s: %w", path, err)
	}
	return parse(data, source(path))
}

func parse(data []byte, src source) (*Model, error) {
	doc, err := readDocument(data, src)
	if err != nil {
		return nil, err
	}
	r := reader{source: src}
	if r.quaternions, err = quaternionsAllowed(doc.robot, src); err != nil {
		return nil, err
	}
	links, err := r.links(doc.links)
	if err != nil {
		return nil, err
	}
	joints, err := r.joints(doc.joints)
	if err != nil {
		return nil, err
	}
	m, err := assemble(links, joints, src)
	if err != nil {
		return nil, err
	}
	m.Name = doc.robot.attrs["name"]
	return m, nil
}

// quaternionsAllowed reads the version: URDF 1.1 added the attribute quat_xyzw.
func quaternionsAllowed(robot *element, src source) (bool, error) {
	version, given := robot.attrs["version"]
	version = strings.TrimSpace(version)
	switch {
	case !given || version == "1.0":
		return false, nil
	case version == "1.1":
		return true, nil
	}
	return false, src.errorf(robot.line, "<robot> has version=%.40q, need 1.0 or 1.1", version)
}

// source is the file of a description, empty where there is none.
type source string

func (s source) errorf(line int, format string, args ...any) error {
	file := ""
	if s != "" {
		file = string(s) + ", "
	}
	return fmt.Errorf("%w: %sline %d: %s", ErrDescription, file, line, fmt.Sprintf(format, args...))
}
