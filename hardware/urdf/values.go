package urdf

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// maxNumber is far beyond what robots have, and so small that products of a few stay finite.
const maxNumber = 1e30

// reader turns elements into numbers.
type reader struct {
	source
	quaternions bool   // quat_xyzw may be used
	owner       string // link or joint that is being read, for errors
}

func (r *reader) errorf(e *element, format string, args ...any) error {
	return r.source.errorf(e.line, "%s: %s", r.owner, fmt.Sprintf(format, args...))
}

// name returns the attribute name of a link or a joint and makes it the owner.
func (r *reader) name(e *element) (string, error) {
	name := e.attrs["name"]
	if name == "" {
		return "", r.source.errorf(e.line, "<%s> has no name", e.name)
	}
	if len(name) > maxName {
		return "", r.source.errorf(e.line, "<%s> has a name of %d bytes, need at most %d", e.name, len(name), maxName)
	}
	r.owner = e.name + " " + strconv.Quote(name)
	return name, nil
}

// numbers reads an attribute of len(dst) numbers; without it, dst is as it was.
func (r *reader) numbers(dst []float64, e *element, key string) (given bool, err error) {
	text, given := e.attrs[key]
	if !given {
		return false, nil
	}
	const longest = 1000
	fields := strings.Fields(text[:min(len(text), longest)])
	if len(fields) != len(dst) || len(text) > longest {
		return true, r.errorf(e, "<%s> has %s=%.60q, need %s", e.name, key, text, count(len(dst)))
	}
	for i, field := range fields {
		v, err := strconv.ParseFloat(field, 64)
		if err != nil || !(math.Abs(v) <= maxNumber) {
			return true, r.errorf(e, "<%s> has %s=%.60q, need %s of size at most %g, with a decimal point", e.name, key, text, count(len(dst)), maxNumber)
		}
		dst[i] = v
	}
	return true, nil
}

func count(n int) string {
	if n == 1 {
		return "one number"
	}
	return strconv.Itoa(n) + " numbers with spaces between them"
}

// number reads an attribute of one number that has a default.
func (r *reader) number(e *element, key string, fallback float64) (float64, error) {
	v := [1]float64{fallback}
	_, err := r.numbers(v[:], e, key)
	return v[0], err
}

// required reads an attribute that has no default.
func (r *reader) required(e *element, key string) (float64, error) {
	var v [1]float64
	given, err := r.numbers(v[:], e, key)
	if err == nil && !given {
		err = r.errorf(e, "<%s> has no %s, need one number", e.name, key)
	}
	return v[0], err
}

// pose reads the child <origin>; without it, the frames are the same.
func (r *reader) pose(parent *element) (Pose, error) {
	p := Pose{Rotation: [3][3]float64{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}}
	e := parent.children["origin"]
	if e == nil {
		return p, nil
	}
	if _, err := r.numbers(p.Translation[:], e, "xyz"); err != nil {
		return p, err
	}
	var rpy [3]float64
	angles, err := r.numbers(rpy[:], e, "rpy")
	if err != nil {
		return p, err
	}
	var q [4]float64
	quaternion, err := r.numbers(q[:], e, "quat_xyzw")
	switch {
	case err != nil:
		return p, err
	case quaternion && !r.quaternions:
		return p, r.errorf(e, `<origin> has quat_xyzw, which URDF 1.0 does not know: write version="1.1" in <robot>, or rpy here`)
	case quaternion && angles:
		return p, r.errorf(e, "<origin> has both rpy and quat_xyzw, need one of them")
	case quaternion:
		norm := math.Sqrt(q[0]*q[0] + q[1]*q[1] + q[2]*q[2] + q[3]*q[3])
		if !(math.Abs(norm-1) <= 1e-3) {
			return p, r.errorf(e, "<origin> has a quat_xyzw of length %.4g, need 1", norm)
		}
		p.Rotation = fromQuaternion(q[0]/norm, q[1]/norm, q[2]/norm, q[3]/norm)
	case angles:
		p.Rotation = fromRPY(rpy[0], rpy[1], rpy[2])
	}
	return p, nil
}

// fromRPY turns about the fixed axes x, y, z in this order: Rz(yaw) Ry(pitch) Rx(roll).
func fromRPY(roll, pitch, yaw float64) [3][3]float64 {
	sr, cr := math.Sincos(roll)
	sp, cp := math.Sincos(pitch)
	sy, cy := math.Sincos(yaw)
	return [3][3]float64{
		{cy * cp, cy*sp*sr - sy*cr, cy*sp*cr + sy*sr},
		{sy * cp, sy*sp*sr + cy*cr, sy*sp*cr - cy*sr},
		{-sp, cp * sr, cp * cr},
	}
}

// fromQuaternion is the rotation of a quaternion of length 1.
func fromQuaternion(x, y, z, w float64) [3][3]float64 {
	return [3][3]float64{
		{1 - 2*(y*y+z*z), 2 * (x*y - z*w), 2 * (x*z + y*w)},
		{2 * (x*y + z*w), 1 - 2*(x*x+z*z), 2 * (y*z - x*w)},
		{2 * (x*z - y*w), 2 * (y*z + x*w), 1 - 2*(x*x+y*y)},
	}
}
