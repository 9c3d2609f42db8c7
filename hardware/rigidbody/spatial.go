package rigidbody

import (
	"math"

	"guidedpolicysearch/hardware/urdf"
)

// vec is a vector in space.
type vec struct{ x, y, z float64 }

func (a vec) add(b vec) vec       { return vec{a.x + b.x, a.y + b.y, a.z + b.z} }
func (a vec) sub(b vec) vec       { return vec{a.x - b.x, a.y - b.y, a.z - b.z} }
func (a vec) scale(s float64) vec { return vec{a.x * s, a.y * s, a.z * s} }
func (a vec) dot(b vec) float64   { return a.x*b.x + a.y*b.y + a.z*b.z }
func (a vec) array() [3]float64   { return [3]float64{a.x, a.y, a.z} }
func vector(a [3]float64) vec     { return vec{a[0], a[1], a[2]} }
func (a vec) plus(s float64, b vec) vec {
	return vec{a.x + s*b.x, a.y + s*b.y, a.z + s*b.z}
}

func (a vec) cross(b vec) vec {
	return vec{a.y*b.z - a.z*b.y, a.z*b.x - a.x*b.z, a.x*b.y - a.y*b.x}
}

// mat is a rotation, as the axes of one frame in another: its columns.
type mat struct{ x, y, z vec }

func identity() mat { return mat{vec{x: 1}, vec{y: 1}, vec{z: 1}} }

func matrix(a [3][3]float64) mat {
	return mat{vec{a[0][0], a[1][0], a[2][0]}, vec{a[0][1], a[1][1], a[2][1]}, vec{a[0][2], a[1][2], a[2][2]}}
}

func (m *mat) array() [3][3]float64 {
	return [3][3]float64{{m.x.x, m.y.x, m.z.x}, {m.x.y, m.y.y, m.z.y}, {m.x.z, m.y.z, m.z.z}}
}

// apply returns m v.
func (m *mat) apply(v vec) vec {
	return vec{m.x.x*v.x + m.y.x*v.y + m.z.x*v.z, m.x.y*v.x + m.y.y*v.y + m.z.y*v.z, m.x.z*v.x + m.y.z*v.y + m.z.z*v.z}
}

// times returns m o.
func (m *mat) times(o *mat) mat { return mat{m.apply(o.x), m.apply(o.y), m.apply(o.z)} }

// transposed returns m', the inverse of a rotation.
func (m *mat) transposed() mat {
	return mat{vec{m.x.x, m.y.x, m.z.x}, vec{m.x.y, m.y.y, m.z.y}, vec{m.x.z, m.y.z, m.z.z}}
}

// turnZ turns m about its own z axis: m Rz(angle).
func (m *mat) turnZ(angle float64) {
	sin, cos := math.Sincos(angle)
	m.x, m.y = m.x.scale(cos).plus(sin, m.y), m.y.scale(cos).plus(-sin, m.x)
}

// alongZ returns a rotation with the given z axis, of length 1. Axes along x, y or z give
// exact numbers.
func alongZ(z vec) mat {
	least := vec{x: 1}
	switch x, y := math.Abs(z.x), math.Abs(z.y); {
	case x <= y && x <= math.Abs(z.z):
	case y <= math.Abs(z.z):
		least = vec{y: 1}
	default:
		least = vec{z: 1}
	}
	x := least.plus(-least.dot(z), z)
	x = x.scale(1 / math.Sqrt(x.dot(x)))
	return mat{x, z.cross(x), z}
}

// frame is the pose of a frame in another.
type frame struct {
	rot mat
	at  vec
}

func frameOf(p urdf.Pose) frame { return frame{matrix(p.Rotation), vector(p.Translation)} }

// then returns the frame o of f in the frame that f is in.
func (f *frame) then(o frame) frame {
	return frame{f.rot.times(&o.rot), f.at.add(f.rot.apply(o.at))}
}

// sym is a symmetric matrix, such as an inertia.
type sym struct{ xx, yy, zz, xy, xz, yz float64 }

func symmetric(a [3][3]float64) sym {
	return sym{a[0][0], a[1][1], a[2][2], (a[0][1] + a[1][0]) / 2, (a[0][2] + a[2][0]) / 2, (a[1][2] + a[2][1]) / 2}
}

// apply returns s v.
func (s *sym) apply(v vec) vec {
	return vec{s.xx*v.x + s.xy*v.y + s.xz*v.z, s.xy*v.x + s.yy*v.y + s.yz*v.z, s.xz*v.x + s.yz*v.y + s.zz*v.z}
}

// add adds o to s.
func (s *sym) add(o *sym) {
	s.xx += o.xx
	s.yy += o.yy
	s.zz += o.zz
	s.xy += o.xy
	s.xz += o.xz
	s.yz += o.yz
}

// turned returns the inertia s in the axes of another frame, in which r has the axes of s: r s r'.
func (s *sym) turned(r *mat) sym {
	// The columns of r s.
	a := r.apply(vec{s.xx, s.xy, s.xz})
	b := r.apply(vec{s.xy, s.yy, s.yz})
	c := r.apply(vec{s.xz, s.yz, s.zz})
	return sym{
		xx: a.x*r.x.x + b.x*r.y.x + c.x*r.z.x,
		yy: a.y*r.x.y + b.y*r.y.y + c.y*r.z.y,
		zz: a.z*r.x.z + b.z*r.y.z + c.z*r.z.z,
		xy: a.x*r.x.y + b.x*r.y.y + c.x*r.z.y,
		xz: a.x*r.x.z + b.x*r.y.z + c.x*r.z.z,
		yz: a.y*r.x.z + b.y*r.y.z + c.y*r.z.z,
	}
}

// addPoint adds the inertia of a point mass at c (parallel axes): m (c'c 1 - c c').
func (s *sym) addPoint(mass float64, c vec) {
	x, y, z := mass*c.x, mass*c.y, mass*c.z
	s.xx += y*c.y + z*c.z
	s.yy += x*c.x + z*c.z
	s.zz += x*c.x + y*c.y
	s.xy -= x * c.y
	s.xz -= x * c.z
	s.yz -= y * c.z
}
