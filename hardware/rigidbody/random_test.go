package rigidbody

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"guidedpolicysearch/hardware/urdf"
)

// robot is a model with the configuration that it is tested with.
type robot struct {
	name   string
	model  *urdf.Model
	config Config
}

func uniform(rng *rand.Rand, lo, hi float64) float64 { return lo + (hi-lo)*rng.Float64() }

func randomVector(rng *rand.Rand, size float64) (v [3]float64) {
	for i := range v {
		v[i] = uniform(rng, -size, size)
	}
	return v
}

func randomDirection(rng *rand.Rand) [3]float64 {
	if rng.IntN(3) == 0 { // often an axis of the frame, either way
		var v [3]float64
		v[rng.IntN(3)] = float64(2*rng.IntN(2) - 1)
		return v
	}
	v := [3]float64{rng.NormFloat64(), rng.NormFloat64(), rng.NormFloat64()}
	length := math.Sqrt(vector(v).dot(vector(v)))
	for i := range v {
		v[i] /= length
	}
	return v
}

// rotation of a unit quaternion (w, x, y, z), written independently of what is tested.
func rotation(q [4]float64) [3][3]float64 {
	w, x, y, z := q[0], q[1], q[2], q[3]
	return [3][3]float64{
		{1 - 2*(y*y+z*z), 2 * (x*y - w*z), 2 * (x*z + w*y)},
		{2 * (x*y + w*z), 1 - 2*(x*x+z*z), 2 * (y*z - w*x)},
		{2 * (x*z - w*y), 2 * (y*z + w*x), 1 - 2*(x*x+y*y)},
	}
}

func product(a, b [3][3]float64) (c [3][3]float64) {
	for i := range c {
		for j := range c {
			for k := range c {
				c[i][j] += a[i][k] * b[k][j]
			}
		}
	}
	return c
}

func transpose(a [3][3]float64) (b [3][3]float64) {
	for i := range a {
		for j := range a {
			b[j][i] = a[i][j]
		}
	}
	return b
}

func image(a [3][3]float64, v [3]float64) (w [3]float64) {
	for i := range w {
		w[i] = a[i][0]*v[0] + a[i][1]*v[1] + a[i][2]*v[2]
	}
	return w
}

func randomRotation(rng *rand.Rand) [3][3]float64 {
	q := [4]float64{rng.NormFloat64(), rng.NormFloat64(), rng.NormFloat64(), rng.NormFloat64()}
	length := math.Sqrt(q[0]*q[0] + q[1]*q[1] + q[2]*q[2] + q[3]*q[3])
	for i := range q {
		q[i] /= length
	}
	return rotation(q)
}

func randomPose(rng *rand.Rand, size float64) urdf.Pose {
	p := urdf.Pose{Rotation: rotation([4]float64{1, 0, 0, 0}), Translation: randomVector(rng, size)}
	if rng.IntN(4) > 0 {
		p.Rotation = randomRotation(rng)
	}
	return p
}

// randomInertial is that of a box with random sides, density and pose.
func randomInertial(rng *rand.Rand) *urdf.Inertial {
	in := &urdf.Inertial{Mass: uniform(rng, 0.1, 5), Origin: randomPose(rng, 0.2)}
	a, b, c := uniform(rng, 0.05, 0.4), uniform(rng, 0.05, 0.4), uniform(rng, 0.05, 0.4)
	k := in.Mass / 12
	d := [3][3]float64{{k * (b*b + c*c), 0, 0}, {0, k * (a*a + c*c), 0}, {0, 0, k * (a*a + b*b)}}
	turn := randomRotation(rng)
	in.Inertia = product(product(turn, d), transpose(turn))
	for i := range 3 {
		for j := range i {
			in.Inertia[i][j] = in.Inertia[j][i]
		}
	}
	return in
}

// randomRobot has n controlled joints among fixed and locked ones, in a chain or a tree, and
// some that mimic.
func randomRobot(rng *rand.Rand, n int, chain, mimics bool) robot {
	m := &urdf.Model{Name: "random", Links: []urdf.Link{{Name: "base", Inertial: randomInertial(rng)}}}
	c := DefaultConfig()
	c.Gravity = randomVector(rng, 10)
	for len(c.Joints) < n {
		i := len(m.Joints)
		j := urdf.Joint{Name: fmt.Sprint("joint", i), Type: urdf.Fixed, Parent: i, Child: i + 1, Origin: randomPose(rng, 0.4)}
		if !chain {
			j.Parent = rng.IntN(i + 1)
		}
		l := urdf.Link{Name: fmt.Sprint("link", i)}
		if rng.IntN(2) == 0 {
			l.Inertial = randomInertial(rng)
		}
		if kind := rng.IntN(10); kind > 1 {
			j.Type = []urdf.JointType{urdf.Revolute, urdf.Continuous, urdf.Prismatic}[rng.IntN(3)]
			j.Axis = randomDirection(rng)
			j.Damping, j.Friction = rng.Float64(), rng.Float64()
			l.Inertial = randomInertial(rng)
			if j.Type != urdf.Continuous {
				j.Limit = &urdf.Limit{Lower: -3, Upper: 3, Effort: 10 + rng.Float64(), Velocity: 1 + rng.Float64()}
			}
			switch {
			case kind == 2:
				c.LockedJoints = append(c.LockedJoints, j.Name)
				c.LockedPositions = append(c.LockedPositions, uniform(rng, -2, 2))
			case kind == 3:
			case kind == 4 && mimics && len(c.Joints) > 0:
				j.Mimic = &urdf.Mimic{Joint: c.Joints[rng.IntN(len(c.Joints))], Multiplier: uniform(rng, -2, 2), Offset: uniform(rng, -1, 1)}
			default:
				c.Joints = append(c.Joints, j.Name)
			}
		}
		m.Links, m.Joints = append(m.Links, l), append(m.Joints, j)
	}
	rng.Shuffle(n, func(i, j int) { c.Joints[i], c.Joints[j] = c.Joints[j], c.Joints[i] })
	return robot{model: m, config: c}
}

// robots are random chains and trees of 1 to 12 joints.
func robots(mimics bool) []robot {
	rng := rand.New(rand.NewPCG(7, 11))
	var all []robot
	for n := 1; n <= 12; n++ {
		for k := range 4 {
			r := randomRobot(rng, n, k < 2, mimics)
			r.name = fmt.Sprintf("%d joints, %s %d", n, []string{"chain", "tree"}[k/2], k%2)
			all = append(all, r)
		}
	}
	return all
}

func build(t testing.TB, m *urdf.Model, c Config) *Tree {
	t.Helper()
	tree, err := New(m, c)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

func randomList(rng *rand.Rand, n int, size float64) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = uniform(rng, -size, size)
	}
	return v
}
