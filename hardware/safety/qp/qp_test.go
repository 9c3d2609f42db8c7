package qp

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// problem draws a programme of one of the kinds that a filter meets, and worse.
func problem(rng *rand.Rand) Problem {
	n, m := 1+rng.IntN(7), rng.IntN(15)
	vec := func(k int, scale float64) []float64 {
		v := make([]float64, k)
		for i := range v {
			v[i] = scale * rng.NormFloat64()
		}
		return v
	}
	p := Problem{Wanted: vec(n, 2), Scale: vec(n, 1), Low: vec(n, 1), High: make([]float64, n), Rows: vec(m*n, 1), Most: vec(m, 1)}
	for i := range n {
		p.Scale[i] = math.Exp(p.Scale[i])
		p.High[i] = p.Low[i] + 2*math.Abs(rng.NormFloat64())
		if rng.IntN(10) == 0 {
			p.High[i] = p.Low[i] // a joint that may not change
		}
	}
	row := func(r int) []float64 { return p.Rows[r*n : (r+1)*n] }
	switch rng.IntN(6) {
	case 0: // pairs: lower <= row <= upper
		for r := 0; r+1 < m; r += 2 {
			for i, g := range row(r) {
				row(r + 1)[i] = -g
			}
			p.Most[r+1] = -p.Most[r] + math.Abs(rng.NormFloat64())
		}
	case 1: // contradictions
		for r := 0; r+1 < m; r += 2 {
			for i, g := range row(r) {
				row(r + 1)[i] = -g
			}
			p.Most[r+1] = -p.Most[r] - math.Abs(rng.NormFloat64())
		}
	case 2: // the same row again and again
		for r := 1; r < m; r++ {
			copy(row(r), row(0))
			p.Most[r] = p.Most[0]
		}
	case 3: // rows along the box, and rows of zeros
		for r := range m {
			clear(row(r))
			if r%3 != 0 {
				row(r)[rng.IntN(n)] = 1
			}
		}
	case 4: // all that can be kept, touching the wanted point
		for r := range m {
			p.Most[r] = 0
			for i, g := range row(r) {
				p.Most[r] += g * p.Wanted[i]
			}
		}
	}
	return p
}

// kkt returns how far x is from the conditions of optimality: the largest distance that one
// coordinate would move by to the lowest cost along it. The cost is convex with a continuous
// derivative, so that these distances vanish together at the solution and nowhere else.
func kkt(p *Problem, x []float64) float64 {
	n := len(x)
	worst := 0.0
	for i := range n {
		derivative := func(v float64) float64 {
			sum := (v - p.Wanted[i]) / (p.Scale[i] * p.Scale[i])
			for r, most := range p.Most {
				s := -most
				for j, g := range p.Rows[r*n : (r+1)*n] {
					if j == i {
						s += g * v
					} else {
						s += g * x[j]
					}
				}
				if s > 0 {
					sum += p.Rows[r*n+i] * s / Softness
				}
			}
			return sum
		}
		low, high := p.Low[i], p.High[i]
		for range 200 {
			if mid := (low + high) / 2; derivative(mid) > 0 {
				high = mid
			} else {
				low = mid
			}
		}
		worst = max(worst, math.Abs(low-x[i]))
	}
	return worst
}

func cost(p *Problem, x []float64) float64 {
	sum := 0.0
	for i, v := range x {
		d := (v - p.Wanted[i]) / p.Scale[i]
		sum += d * d / 2
	}
	for r, most := range p.Most {
		s := -most
		for j, v := range x {
			s += p.Rows[r*len(x)+j] * v
		}
		if s > 0 {
			sum += s * s / (2 * Softness)
		}
	}
	return sum
}

// enumerate returns the lowest cost over all sets of active sides of the box and of rows: each
// gives a linear system, and the solution is among theirs. For small problems only.
func enumerate(p *Problem) float64 {
	n, m := len(p.Wanted), len(p.Most)
	best := math.Inf(1)
	sides := make([]int, n)
	for code := range int(math.Pow(3, float64(n))) {
		for i := range sides {
			sides[i] = code % 3
			code /= 3
		}
		for set := range 1 << m {
			// Normal equations of the free unknowns.
			a, b, x := make([][]float64, n), make([]float64, n), make([]float64, n)
			for i := range n {
				a[i] = make([]float64, n)
				a[i][i] = 1
				switch sides[i] {
				case 1:
					b[i] = p.Low[i]
					continue
				case 2:
					b[i] = p.High[i]
					continue
				}
				a[i][i] = 1 / (p.Scale[i] * p.Scale[i])
				b[i] = p.Wanted[i] * a[i][i]
				for r := range m {
					if set>>r&1 == 1 {
						for j := range n {
							a[i][j] += p.Rows[r*n+i] * p.Rows[r*n+j] / Softness
						}
						b[i] += p.Rows[r*n+i] * p.Most[r] / Softness
					}
				}
			}
			if !eliminate(a, b, x) {
				continue
			}
			inside := true
			for i := range n {
				inside = inside && x[i] >= p.Low[i]-1e-7 && x[i] <= p.High[i]+1e-7
				x[i] = min(max(x[i], p.Low[i]), p.High[i])
			}
			if inside {
				best = min(best, cost(p, x))
			}
		}
	}
	return best
}

func eliminate(a [][]float64, b, x []float64) bool {
	n := len(b)
	for k := range n {
		pivot := k
		for i := k; i < n; i++ {
			if math.Abs(a[i][k]) > math.Abs(a[pivot][k]) {
				pivot = i
			}
		}
		a[k], a[pivot], b[k], b[pivot] = a[pivot], a[k], b[pivot], b[k]
		if a[k][k] == 0 {
			return false
		}
		for i := k + 1; i < n; i++ {
			t := a[i][k] / a[k][k]
			for j := k; j < n; j++ {
				a[i][j] -= t * a[k][j]
			}
			b[i] -= t * b[k]
		}
	}
	for k := n - 1; k >= 0; k-- {
		x[k] = b[k]
		for j := k + 1; j < n; j++ {
			x[k] -= a[k][j] * x[j]
		}
		x[k] /= a[k][k]
	}
	return true
}

// TestOptimal: on random programmes, feasible or not, degenerate or not, no coordinate can move
// to lower the cost, nor can any random step.
func TestOptimal(t *testing.T) {
	for seed := range uint64(6000) {
		rng := rand.New(rand.NewPCG(seed, 1))
		p := problem(rng)
		n := len(p.Wanted)
		s := New(n, len(p.Most))
		x := make([]float64, n)
		result := s.Solve(x, &p)
		if !result.Exact {
			t.Fatalf("seed %d: not solved in %d iterations", seed, result.Iterations)
		}
		for i, v := range x {
			if !(v >= p.Low[i] && v <= p.High[i]) {
				t.Fatalf("seed %d: x[%d] is %v, out of [%v, %v]", seed, i, v, p.Low[i], p.High[i])
			}
		}
		if d := kkt(&p, x); d > 1e-6 {
			t.Fatalf("seed %d: a coordinate of the solution is off by %g", seed, d)
		}
		reached := cost(&p, x)
		y := make([]float64, n)
		for range 20 {
			step := math.Pow(10, -4*rng.Float64())
			for i := range y {
				y[i] = min(max(x[i]+step*rng.NormFloat64(), p.Low[i]), p.High[i])
			}
			if c := cost(&p, y); c < reached*(1-1e-6)-1e-9 {
				t.Fatalf("seed %d: the cost is %v, and %v nearby", seed, reached, c)
			}
		}
	}
}

// TestExtend: rows that come later, some at a time, give the solution that they give at once.
func TestExtend(t *testing.T) {
	for seed := range uint64(3000) {
		rng := rand.New(rand.NewPCG(seed, 5))
		p := problem(rng)
		n, m := len(p.Wanted), len(p.Most)
		x, s, part := make([]float64, n), New(n, m), p
		result := Result{}
		for rows, begun := 0, false; rows < m || !begun; begun = true {
			rows += rng.IntN(m - rows + 1)
			if part.Rows, part.Most = p.Rows[:rows*n], p.Most[:rows]; begun {
				result = s.Extend(x, &part)
			} else {
				result = s.Solve(x, &part)
			}
			if !result.Exact {
				t.Fatalf("seed %d: %d rows are not solved", seed, rows)
			}
		}
		if d := kkt(&p, x); d > 1e-6 {
			t.Fatalf("seed %d: a coordinate of the solution is off by %g", seed, d)
		}
	}
	defer func() {
		if text := fmt.Sprint(recover()); !strings.Contains(text, "1 rows are left of 2") {
			t.Errorf("panic is %q, expected both numbers", text)
		}
	}()
	p := Problem{Wanted: []float64{0}, Scale: []float64{1}, Low: []float64{-1}, High: []float64{1}, Rows: []float64{1, 1}, Most: []float64{1, 1}}
	s, x := New(1, 2), make([]float64, 1)
	s.Solve(x, &p)
	p.Rows, p.Most = p.Rows[:1], p.Most[:1]
	s.Extend(x, &p)
}

// TestEnumeration compares with the best of all active sets.
func TestEnumeration(t *testing.T) {
	done := 0
	for seed := uint64(0); done < 300; seed++ {
		p := problem(rand.New(rand.NewPCG(seed, 2)))
		n, m := len(p.Wanted), len(p.Most)
		if n > 3 || m > 6 {
			continue
		}
		done++
		x := make([]float64, n)
		New(n, m).Solve(x, &p)
		got, want := cost(&p, x), enumerate(&p)
		if math.Abs(got-want) > 1e-6*(1+want) {
			t.Errorf("seed %d: cost %v, want %v", seed, got, want)
		}
	}
}

func TestByHand(t *testing.T) {
	for _, c := range []struct {
		name      string
		p         Problem
		want      []float64
		violation float64
	}{
		{"nothing to do", Problem{Wanted: []float64{0.3, -0.2}, Scale: []float64{1, 1}, Low: []float64{-1, -1}, High: []float64{1, 1}}, []float64{0.3, -0.2}, 0},
		{"box", Problem{Wanted: []float64{3, -2}, Scale: []float64{1, 1}, Low: []float64{-1, -1}, High: []float64{1, 1}}, []float64{1, -1}, 0},
		{"one row", Problem{Wanted: []float64{1, 1}, Scale: []float64{1, 1}, Low: []float64{-2, -2}, High: []float64{2, 2},
			Rows: []float64{1, 1}, Most: []float64{1}}, []float64{0.5, 0.5}, 0},
		{"a scale of 2 takes 4 of 5 parts", Problem{Wanted: []float64{1, 1}, Scale: []float64{2, 1}, Low: []float64{-2, -2}, High: []float64{2, 2},
			Rows: []float64{1, 1}, Most: []float64{1}}, []float64{0.2, 0.8}, 0},
		{"row and box", Problem{Wanted: []float64{1, 1}, Scale: []float64{1, 1}, Low: []float64{-2, 0.75}, High: []float64{2, 2},
			Rows: []float64{1, 1}, Most: []float64{1}}, []float64{0.25, 0.75}, 0},
		{"out of reach", Problem{Wanted: []float64{0}, Scale: []float64{1}, Low: []float64{-1}, High: []float64{1},
			Rows: []float64{-1}, Most: []float64{-3}}, []float64{1}, 2},
		{"contradiction: half way", Problem{Wanted: []float64{0}, Scale: []float64{1}, Low: []float64{-9}, High: []float64{9},
			Rows: []float64{1, -1}, Most: []float64{1, -3}}, []float64{2}, 1},
	} {
		n := len(c.want)
		x := make([]float64, n)
		result := New(n, 4).Solve(x, &c.p)
		for i := range x {
			if math.Abs(x[i]-c.want[i]) > 2*Softness {
				t.Errorf("%s: x is %v, want %v", c.name, x, c.want)
				break
			}
		}
		if !result.Exact || math.Abs(result.Violation-c.violation) > 2*Softness || result.Changed != (c.name != "nothing to do") {
			t.Errorf("%s: %+v, want a violation of %v", c.name, result, c.violation)
		}
	}
}

// TestAnyNumbers: whatever the numbers, x is in the box, and the solver comes to an end.
func TestAnyNumbers(t *testing.T) {
	odd := []float64{math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64, -math.MaxFloat64, 5e-324, 0}
	for seed := range uint64(5000) {
		rng := rand.New(rand.NewPCG(seed, 3))
		p := problem(rng)
		n, m := len(p.Wanted), len(p.Most)
		for range 1 + rng.IntN(3) {
			if m > 0 && rng.IntN(2) == 0 {
				p.Rows[rng.IntN(m*n)] = odd[rng.IntN(len(odd))]
			} else if m > 0 {
				p.Most[rng.IntN(m)] = odd[rng.IntN(len(odd))]
			}
		}
		x := make([]float64, n)
		New(n, m).Solve(x, &p)
		for i, v := range x {
			if !(v >= p.Low[i] && v <= p.High[i]) {
				t.Fatalf("seed %d: x[%d] is %v, out of [%v, %v]", seed, i, v, p.Low[i], p.High[i])
			}
		}
	}
}

func TestSizes(t *testing.T) {
	defer func() {
		if text := fmt.Sprint(recover()); !strings.Contains(text, "Scale 1") || !strings.Contains(text, "want 2 unknowns") {
			t.Errorf("panic is %q, expected both sizes", text)
		}
	}()
	New(2, 0).Solve(make([]float64, 2), &Problem{Wanted: make([]float64, 2), Scale: make([]float64, 1), Low: make([]float64, 2), High: make([]float64, 2)})
}

func TestAllocations(t *testing.T) {
	p := problem(rand.New(rand.NewPCG(7, 1)))
	n := len(p.Wanted)
	s, x := New(n, 20), make([]float64, n)
	if a := testing.AllocsPerRun(100, func() { s.Solve(x, &p) }); a != 0 {
		t.Errorf("%v allocations, want 0", a)
	}
}

func BenchmarkSolve(b *testing.B) {
	const n, m = 7, 26
	var list []Problem
	for seed := uint64(0); len(list) < 256; seed++ {
		rng := rand.New(rand.NewPCG(seed, 4))
		p := Problem{Wanted: make([]float64, n), Scale: make([]float64, n), Low: make([]float64, n), High: make([]float64, n), Rows: make([]float64, m*n), Most: make([]float64, m)}
		for i := range n {
			p.Wanted[i], p.Scale[i], p.Low[i], p.High[i] = rng.NormFloat64(), 1, -1, 1
		}
		for i := range p.Rows {
			p.Rows[i] = rng.NormFloat64()
		}
		for i := range p.Most {
			p.Most[i] = rng.NormFloat64()
		}
		list = append(list, p)
	}
	s, x := New(n, m), make([]float64, n)
	iterations := 0
	for i := 0; b.Loop(); i++ {
		iterations += s.Solve(x, &list[i%len(list)]).Iterations
	}
	b.ReportMetric(float64(iterations)/float64(b.N), "constraints/op")
}
