// Package qp solves the small quadratic programmes of a safety filter: the point of a box that
// is nearest to a wanted one and keeps linear inequalities, or violates them least.
package qp

import (
	"fmt"
	"math"
)

// Softness is the part R of the cost of a row's violation: a violation s costs s^2/(2 R), next
// to half the squared distance in units of Problem.Scale. Where the rows can be kept, they are
// to about Softness times their multipliers.
const Softness = 1e-6

// Problem is to minimise over x in R^n and s in R^m
//
//	sum_i ((x_i - Wanted_i)/Scale_i)^2 / 2 + sum_r s_r^2 / (2 Softness)
//	low <= x <= high,  Rows x <= Most + s,  s >= 0
//
// The box is never violated, the rows least in their units: it always has one solution.
type Problem struct {
	// Wanted is the nearest point without limits, n. It need not be in the box.
	Wanted []float64
	// Scale is the unit of distance in each direction, > 0, n.
	Scale []float64
	// Low and High are the box, Low <= High, n.
	Low, High []float64
	// Rows (m x n, row-major) and Most (m) are the inequalities.
	Rows, Most []float64
}

// Result says how a programme was solved.
type Result struct {
	// Iterations is the number of constraints that were tried.
	Iterations int
	// Violation is the largest of a row, >= 0, in its units.
	Violation float64
	// Changed says that x is not Wanted.
	Changed bool
	// Exact says that x is the solution. If not, the iterations were used up or a number
	// overflowed: x is in the box all the same.
	Exact bool
}

// Solver owns the workspace for programmes of up to n unknowns and m rows: one goroutine at a
// time.
type Solver struct {
	n, rows   int
	taken     int       // rows of the present programme
	y         []float64 // (x - wanted)/scale, n
	g         []float64 // rows times scale, m x n
	rest      []float64 // right-hand sides of y, upper box n, lower box n, rows m
	active    []int     // constraints that hold with equality
	lambda    []float64 // their multipliers
	in        []bool    // is active, 2n + m
	chol      []float64 // lower factor of G G' + R over the active set, by stride
	stride    int
	u, d      []float64
	direction []float64 // n
}

// New returns a solver for programmes of n unknowns and up to rows inequalities.
func New(n, rows int) *Solver {
	k := n + rows
	return &Solver{n: n, rows: rows, y: make([]float64, n), g: make([]float64, rows*n), rest: make([]float64, 2*n+rows),
		active: make([]int, 0, k+1), lambda: make([]float64, 0, k+1), in: make([]bool, 2*n+rows), chol: make([]float64, (k+1)*(k+1)), stride: k + 1,
		u: make([]float64, k+1), d: make([]float64, k+1), direction: make([]float64, n)}
}

// Solve writes the solution x, n. It does not allocate. It is the dual active-set method of
// Goldfarb and Idnani (Mathematical Programming 27, 1983): from the wanted point on, the most
// violated constraint is added, and those whose multiplier reaches zero leave. A soft row adds
// Softness to the diagonal of the active constraints' Gram matrix. The number of iterations is
// at most 4 (n + m).
func (s *Solver) Solve(x []float64, p *Problem) Result {
	s.check(x, p)
	s.begin(p)
	return s.solve(x, p)
}

// Extend goes on after Solve or Extend, where nothing has changed in the programme but that rows were
// appended: from that solution, which rows that it keeps cannot change.
func (s *Solver) Extend(x []float64, p *Problem) Result {
	s.check(x, p)
	if len(p.Most) < s.taken {
		panic(fmt.Sprintf("qp: %d rows are left of %d, want them and those that were appended", len(p.Most), s.taken))
	}
	return s.solve(x, p)
}

// solve takes the rows that are new and adds constraints until all are kept.
func (s *Solver) solve(x []float64, p *Problem) Result {
	m := len(p.Most)
	s.take(p)
	result := Result{Exact: true}
	for most := 4 * (s.n + m); ; result.Iterations++ {
		c, v := s.worst(m)
		if c < 0 {
			break
		}
		if result.Iterations == most || !s.add(c, v) {
			result.Exact = false
			break
		}
	}
	for i := range x {
		v := p.Wanted[i]
		if s.y[i] != 0 {
			v += p.Scale[i] * s.y[i]
		}
		if v-v != 0 {
			v, result.Exact = p.Wanted[i], false
		}
		x[i] = min(max(v, p.Low[i]), p.High[i])
	}
	// An active side of the box holds to the last bit.
	for _, c := range s.active {
		if c < s.n {
			x[c] = p.High[c]
		} else if c < 2*s.n {
			x[c-s.n] = p.Low[c-s.n]
		}
	}
	for i := range x {
		result.Changed = result.Changed || x[i] != p.Wanted[i]
	}
	for r := range m {
		v := -p.Most[r]
		for i, g := range p.Rows[r*s.n : (r+1)*s.n] {
			v += g * x[i]
		}
		result.Violation = max(result.Violation, v)
	}
	return result
}

// check panics for lists of other sizes.
func (s *Solver) check(x []float64, p *Problem) {
	n, m := s.n, len(p.Most)
	if len(x) != n || len(p.Wanted) != n || len(p.Scale) != n || len(p.Low) != n || len(p.High) != n || len(p.Rows) != m*n || m > s.rows {
		panic(fmt.Sprintf("qp: x has %d elements, Wanted %d, Scale %d, Low %d, High %d, Rows %d, Most %d; want %d unknowns and at most %d rows",
			len(x), len(p.Wanted), len(p.Scale), len(p.Low), len(p.High), len(p.Rows), m, n, s.rows))
	}
}

// begin scales the box and begins at y = 0, without rows.
func (s *Solver) begin(p *Problem) {
	clear(s.y)
	clear(s.in)
	s.active, s.lambda, s.taken = s.active[:0], s.lambda[:0], 0
	for i, scale := range p.Scale {
		s.rest[i] = (p.High[i] - p.Wanted[i]) / scale
		s.rest[s.n+i] = (p.Wanted[i] - p.Low[i]) / scale
	}
}

// take scales the rows that were not taken yet.
func (s *Solver) take(p *Problem) {
	n := s.n
	for r := s.taken; r < len(p.Most); r++ {
		rest := p.Most[r]
		for i, v := range p.Rows[r*n : (r+1)*n] {
			rest -= v * p.Wanted[i]
			s.g[r*n+i] = v * p.Scale[i]
		}
		s.rest[2*n+r] = rest
	}
	s.taken = len(p.Most)
}

// worst returns the constraint that is violated most and by how much, or -1.
func (s *Solver) worst(m int) (c int, violation float64) {
	// Multipliers grow to the inverse of Softness; y is as precise as they are.
	tolerance := 1e-11
	for _, l := range s.lambda {
		tolerance += 4e-16 * l
	}
	c = -1
	consider := func(k int, v float64) {
		if v > violation && !s.in[k] && v > tolerance*(1+math.Abs(s.rest[k])) {
			c, violation = k, v
		}
	}
	n := s.n
	for i, y := range s.y {
		consider(i, y-s.rest[i])
		consider(n+i, -y-s.rest[n+i])
	}
	for r := range m {
		v := 0.0
		for i, g := range s.g[r*n : (r+1)*n] {
			v += g * s.y[i]
		}
		consider(2*n+r, v-s.rest[2*n+r])
	}
	return c, violation
}

// add makes constraint c, violated by v, active. It says false where that fails for want of
// precision.
func (s *Solver) add(c int, v float64) bool {
	own, soft := s.dot(c, c), 0.0
	if c >= 2*s.n {
		soft = Softness
	}
	multiplier := 0.0
	for range 2*len(s.active) + 2 {
		k := len(s.active)
		// With r = S^-1 G_A g_c: when the multiplier of c grows by t, the others fall by t r
		// and y by t (g_c - G_A' r).
		slope := own + soft
		for i, a := range s.active {
			t := s.dot(a, c)
			for j := range i {
				t -= s.chol[i*s.stride+j] * s.u[j]
			}
			s.u[i] = t / s.chol[i*s.stride+i]
			slope -= s.u[i] * s.u[i]
		}
		for i := k - 1; i >= 0; i-- {
			t := s.u[i]
			for j := i + 1; j < k; j++ {
				t -= s.chol[j*s.stride+i] * s.d[j]
			}
			s.d[i] = t / s.chol[i*s.stride+i]
		}
		full, partial, leaves := math.Inf(1), math.Inf(1), -1
		if slope > 1e-14*(own+soft) {
			full = v / slope
		}
		for i := range k {
			if s.d[i] > 0 && s.lambda[i] < partial*s.d[i] {
				partial, leaves = s.lambda[i]/s.d[i], i
			}
		}
		t := min(full, partial)
		if !(t < math.Inf(1)) {
			return false
		}
		clear(s.direction)
		s.along(c, 1)
		for i, a := range s.active {
			s.along(a, -s.d[i])
			s.lambda[i] -= t * s.d[i]
		}
		for i, z := range s.direction {
			s.y[i] -= t * z
		}
		multiplier += t
		if full <= partial {
			copy(s.chol[k*s.stride:], s.u[:k])
			s.chol[k*s.stride+k] = math.Sqrt(slope)
			s.active, s.lambda = append(s.active, c), append(s.lambda, multiplier)
			s.in[c] = true
			return true
		}
		v -= t * max(slope, 0)
		s.drop(leaves)
	}
	return false
}

// along adds t times the gradient of constraint c to the direction.
func (s *Solver) along(c int, t float64) {
	switch n := s.n; {
	case c < n:
		s.direction[c] += t
	case c < 2*n:
		s.direction[c-n] -= t
	default:
		for i, g := range s.g[(c-2*n)*n : (c-2*n+1)*n] {
			s.direction[i] += t * g
		}
	}
}

// dot returns the product of two constraints' gradients.
func (s *Solver) dot(a, b int) float64 {
	n := s.n
	if a < b {
		a, b = b, a
	}
	if a < 2*n { // two sides of the box
		switch {
		case a == b:
			return 1
		case a == b+n:
			return -1
		}
		return 0
	}
	row := s.g[(a-2*n)*n : (a-2*n+1)*n]
	switch {
	case b < n:
		return row[b]
	case b < 2*n:
		return -row[b-n]
	}
	sum := 0.0
	for i, g := range s.g[(b-2*n)*n : (b-2*n+1)*n] {
		sum += g * row[i]
	}
	return sum
}

// drop removes entry i of the active set and factors what came after it anew.
func (s *Solver) drop(i int) {
	s.in[s.active[i]] = false
	s.active = append(s.active[:i], s.active[i+1:]...)
	s.lambda = append(s.lambda[:i], s.lambda[i+1:]...)
	for k := i; k < len(s.active); k++ {
		row := s.chol[k*s.stride : k*s.stride+k+1]
		for j := range k + 1 {
			v := s.dot(s.active[k], s.active[j])
			if j == k && s.active[k] >= 2*s.n {
				v += Softness
			}
			for l := range j {
				v -= row[l] * s.chol[j*s.stride+l]
			}
			if j == k {
				row[k] = math.Sqrt(max(v, 1e-300))
			} else {
				row[j] = v / s.chol[j*s.stride+j]
			}
		}
	}
}
