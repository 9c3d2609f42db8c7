package kernel

import "fmt"

// Factor holds the workspace of Cholesky factors, and what the last one left for its
// inverse.
type Factor struct {
	rows     int
	panel    Block     // a block column in work, rows x Lane
	inverses []float64 // of the diagonal blocks of L, each Lane x Lane column-major
}

// NewFactor returns the workspace for factors of up to n rows with up to below rows under
// them.
func NewFactor(n, below int) *Factor {
	rows := Pad(n) + Pad(below)
	arena := NewArena(rows*Lane + Space(Pad(n)*Lane))
	return &Factor{rows: rows, panel: arena.TakeBlock(rows, Lane), inverses: arena.Take(Pad(n) * Lane)}
}

// Cholesky replaces the lower part of the leading n x n block of a by its Cholesky factor L,
// of which A = L L'. The rows from Pad(n) to Pad(n)+below, X, belong to a trapezoid and
// become X L^-T. Rows from n to Pad(n) are padding. What is above the diagonal becomes zero
// inside the diagonal blocks of Lane, and stays as it was beyond.
// Cholesky returns n, or the first column whose pivot is not a finite, normal number > 0: a is then
// of no use.
func (f *Factor) Cholesky(a Block, n, below int) int {
	rows := Pad(n) + Pad(below)
	if n < 0 || below < 0 || rows > f.rows || Pad(n)*Lane > len(f.inverses) || !a.holds(rows, n) {
		panic(fmt.Sprintf("kernel: Cholesky factor of %d rows with %d below in a block of %d numbers with stride %d, and workspace for %d rows", n, below, len(a.Data), a.Stride, f.rows))
	}
	used := n // without the last lane's padding
	if below > 0 {
		used = Pad(n) + below
	}
	if n > 0 && rows == Lane { // one diagonal block
		return factor(&a.Data[0], a.Stride, &f.inverses[0], n)
	}
	for j := 0; j < n; j += Lane {
		width := min(Lane, n-j)
		if left := a.From(j, 0); j > 0 {
			Sub(f.panel, a.From(j, j), left, left.T(), used-j, width, j)
		} else {
			for c := range width {
				copy(f.panel.Column(c, rows), a.Column(c, rows))
			}
		}
		w := f.inverse(j)
		if i := factor(&f.panel.Data[0], f.panel.Stride, &w.Data[0], width); i < width {
			return j + i
		}
		for c := range width {
			*(*[Lane]float64)(a.Column(j+c, rows)[j:]) = *(*[Lane]float64)(f.panel.Column(c, Lane))
		}
		if rest := used - j - Lane; rest > 0 {
			Set(a.From(j+Lane, j), f.panel.From(Lane, 0), w.T(), rest, width, width)
		}
	}
	return n
}

// inverse returns the inverse of the diagonal block of L at row j.
func (f *Factor) inverse(j int) Block {
	return Block{f.inverses[j*Lane : (j+Lane)*Lane : (j+Lane)*Lane], Lane}
}

// SolveRight writes D = X L^-1 for rows x n blocks D and X, which must not overlap, and the
// n x n factor L that the last Cholesky left in l.
func (f *Factor) SolveRight(d, x, l Block, rows, n int) {
	if n < 0 || rows < 0 || Pad(rows) > f.rows || Pad(n)*Lane > len(f.inverses) || !d.holds(Pad(rows), n) || !x.holds(Pad(rows), n) || !l.holds(n, n) {
		panic(fmt.Sprintf("kernel: %d x %d divided by a factor, from a block of %d numbers with stride %d into one of %d with stride %d, by one of %d with stride %d, and workspace for %d rows",
			rows, n, len(x.Data), x.Stride, len(d.Data), d.Stride, len(l.Data), l.Stride, f.rows))
	}
	// D_j = (X_j - D_k L_kj) L_jj^-1, with k all columns after those of j.
	for j := Pad(n) - Lane; j >= 0; j -= Lane {
		part, width, next := x.From(0, j), min(Lane, n-j), j+Lane
		if next < n {
			Sub(f.panel, part, d.From(0, next), l.From(next, j).N(), rows, width, n-next)
			part = f.panel
		}
		Set(d.From(0, j), part, f.inverse(j).N(), rows, width, width)
	}
}

// InvertLower writes W = L^-1 for the n x n factor L that the last Cholesky left in l. What
// is above the diagonal of W becomes zero. W holds Pad(n) x n numbers and must not overlap L.
func (f *Factor) InvertLower(w, l Block, n int) {
	rows := Pad(n)
	if n < 0 || rows*Lane > len(f.inverses) || !w.holds(rows, n) || !l.holds(rows, n) {
		panic(fmt.Sprintf("kernel: inverse of a factor of %d rows from a block of %d numbers with stride %d into one of %d with stride %d, and workspace for %d rows", n, len(l.Data), l.Stride, len(w.Data), w.Stride, f.rows))
	}
	for i := 0; i < n; i += Lane {
		own, width := f.inverse(i), min(Lane, n-i)
		for c := range width {
			column := w.Column(i+c, rows)
			if i > 0 {
				clear(column[:i])
			}
			*(*[Lane]float64)(column[i:]) = *(*[Lane]float64)(own.Data[c*Lane:])
		}
		// W[i, :i] = -W_ii (L[i, :i] W[:i, :i]), where columns of W begin at the diagonal.
		const strip = 2 * Lane
		for j := 0; j < i; j += strip {
			Set(w.From(i, j), l.From(i, j), w.From(j, j).N(), Lane, min(strip, i-j), i-j)
		}
		Neg(w.From(i, 0), own, w.From(i, 0).N(), Lane, i, width)
	}
}
