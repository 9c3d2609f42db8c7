package mixture

import (
	"math"
	"slices"

	"guidedpolicysearch/gps/internal/kernel"
)

// search looks for the nearest centre of every point. It knows by how much each point is
// nearer to its own centre than to all others, and looks at it again when the centres have
// moved that far (Hamerly, SDM 2010).
type search struct {
	*clustering
	gaps          []float64      // of each point, from below
	moves         []float64      // of each centre since the last run, from above
	most          int            // the centre that moved the most
	far, next     float64        // how far it moved, and the most of the others
	left          kernel.Block   // the centres, K x D
	squares       []float64      // |c|^2
	largest       float64        // of them
	rows          []kernel.Block // points looked at, of each worker, D x blockSize
	products      []kernel.Block // K x blockSize
	lists         [][]int32      // their numbers
	touched       []bool         // clusters that points of a block left or joined, blocks x K
	weights, were []float64      // 1/number of points of the centres that move; an old centre
}

func newSearch(c *clustering) *search {
	s := &search{clustering: c, gaps: make([]float64, c.N), moves: make([]float64, c.K), left: kernel.NewBlock(c.K, c.D),
		squares: make([]float64, c.K), touched: make([]bool, c.blocks()*c.K), weights: make([]float64, c.K), were: make([]float64, c.K*c.stride)}
	for range c.crew.Size() {
		s.rows = append(s.rows, kernel.NewBlock(c.D, blockSize))
		s.products = append(s.products, kernel.NewBlock(c.K, blockSize))
		s.lists = append(s.lists, make([]int32, 0, blockSize))
	}
	return s
}

// reset forgets all assignments.
func (s *search) reset() {
	clear(s.assign)
	clear(s.gaps)
	clear(s.moves)
}

// inflation times a distance makes up for its rounding.
const inflation = 1 + 1e-12

// move moves the centres of the clusters that points left or joined to their points' mean.
func (s *search) move(counts []int) {
	copy(s.were, s.centers)
	clear(s.weights)
	for k, count := range counts {
		for b := 0; count > 0 && b < s.blocks(); b++ {
			if s.touched[b*s.K+k] {
				s.weights[k] = 1 / float64(count)
				clear(s.center(k))
				break
			}
		}
	}
	for n, k := range s.assign {
		if w := s.weights[k]; w > 0 {
			kernel.Axpy(s.center(k), w, s.point(n))
		}
	}
	for k := range s.moves {
		was := s.were[k*s.stride : (k+1)*s.stride]
		s.moves[k] = inflation * math.Sqrt(squaredDistance(s.center(k), was, math.Inf(1)))
	}
}

// run assigns every point to the nearest centre; it reports whether any assignment changed.
func (s *search) run() (changed bool) {
	s.most, s.far, s.next = 0, 0, 0
	for k, v := range s.moves {
		if v > s.far {
			s.most, s.far, s.next = k, v, s.far
		} else if v > s.next {
			s.next = v
		}
		center := s.center(k)
		s.squares[k] = kernel.Dot(center, center)
		for j, v := range center[:s.D] {
			s.left.Set(k, j, v)
		}
	}
	s.largest = slices.Max(s.squares)
	clear(s.touched)
	s.crew.Run(s.blocks(), s)
	return slices.Contains(s.touched, true)
}

// Do is crew.Task's.
func (s *search) Do(worker, b int) {
	list, rows, products := s.lists[worker][:0], s.rows[worker], s.products[worker]
	for n := b * blockSize; n < min((b+1)*blockSize, s.N); n++ {
		own, other := s.assign[n], s.far
		if own == s.most {
			other = s.next
		}
		if s.gaps[n] -= s.moves[own] + other; s.gaps[n] > 0 {
			continue
		}
		copy(rows.Column(len(list), s.stride), s.point(n))
		list = append(list, int32(n))
	}
	kernel.Set(products, s.left, rows.N(), s.K, len(list), s.D)
	for i, n := range list {
		s.decide(b, int(n), products.Column(i, s.K))
	}
}

// decide finds the nearest centre of a point, given the products with all.
func (s *search) decide(b, n int, products []float64) {
	best, least, second := 0, math.Inf(1), math.Inf(1)
	for k, square := range s.squares {
		if v := square - 2*products[k]; v < second {
			if v < least {
				best, least, second = k, v, least
			} else {
				second = v
			}
		}
	}
	// Rounding of sums of D products of numbers whose squares are summed, twice over.
	square := s.clustering.squares[n]
	margin := 4 * float64(s.D+8) * 0x1p-53 * (square + s.largest)
	if s.gaps[n] = 0; second-least > margin {
		own, other := math.Sqrt(math.Max(0, square+least+margin)), math.Sqrt(math.Max(0, square+second-margin))
		s.gaps[n] = other/inflation - own*inflation
	} else {
		best = s.nearest(n, products, least+margin)
	}
	if own := s.assign[n]; best != own {
		s.assign[n] = best
		s.touched[b*s.K+own], s.touched[b*s.K+best] = true, true
	}
}

// nearest compares the centres in question from the differences; of equals, the point stays
// with its own, or else the first has it.
func (s *search) nearest(n int, products []float64, limit float64) int {
	x, best := s.point(n), s.assign[n]
	least := squaredDistance(x, s.center(best), math.Inf(1))
	for k, square := range s.squares {
		if square-2*products[k] > limit {
			continue
		}
		if v := squaredDistance(x, s.center(k), least); v < least {
			best, least = k, v
		}
	}
	return best
}
