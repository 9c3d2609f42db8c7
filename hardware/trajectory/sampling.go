package trajectory

import (
	"errors"
	"fmt"
	"slices"

	"gonum.org/v1/gonum/mat"
)

var (
	// ErrSampling marks a motion with gaps, or with too few rows.
	ErrSampling = errors.New("trajectory: motion cannot be followed")
	// ErrTooRare marks a motion whose rows are too far apart throughout; it wraps ErrSampling.
	ErrTooRare = fmt.Errorf("%w: recorded too rarely", ErrSampling)
	// ErrGap marks a motion with a gap; it wraps ErrSampling.
	ErrGap = fmt.Errorf("%w: a gap", ErrSampling)
)

// Usual returns the usual time in s between two rows: the median.
func (t *Trajectory) Usual() float64 { return Usual(t) }

// Usual returns the usual time in s between two rows of several motions, the median; 0 where there are
// no two.
func Usual(motions ...*Trajectory) float64 {
	var intervals []float64
	for _, t := range motions {
		for i := 1; i < len(t.Time); i++ {
			intervals = append(intervals, t.Time[i]-t.Time[i-1])
		}
	}
	if len(intervals) == 0 {
		return 0
	}
	slices.Sort(intervals)
	return intervals[len(intervals)/2]
}

// CheckRate returns an error wrapping ErrTooRare if rows that are usually so far apart (s) should be
// at most longest (s) apart; 0 leaves that out.
func CheckRate(usual, longest float64) error {
	if longest > 0 && usual > longest*(1+1e-6) {
		return fmt.Errorf("%w: its rows are usually %.4g s apart, need at most %.4g s", ErrTooRare, usual, longest)
	}
	return nil
}

// CheckSampling returns an error wrapping ErrTooRare if the rows are usually more than longest (s)
// apart, or ErrGap if two of them are more than gap times as far apart as usual, with their
// times after first, that of the recording's first row (s). 0 leaves out a check.
func (t *Trajectory) CheckSampling(longest, gap, first float64) error {
	usual := t.Usual()
	if err := CheckRate(usual, longest); err != nil {
		return err
	}
	for i := 1; gap > 0 && i < len(t.Time); i++ {
		if apart := t.Time[i] - t.Time[i-1]; apart > gap*usual {
			return fmt.Errorf("%w of %.4g s from %.6g s to %.6g s after the first row, %.3g times the usual interval of %.4g s, need at most %v times",
				ErrGap, apart, t.Time[i-1]-first, t.Time[i]-first, apart/usual, usual, gap)
		}
	}
	return nil
}

// Rows returns the rows from one on, counted from 0, before another one. They share memory with t.
func (t *Trajectory) Rows(from, to int) *Trajectory {
	width := len(t.Position) / len(t.Time)
	cut := func(list []float64) []float64 {
		if list == nil {
			return nil
		}
		return list[from*width : to*width]
	}
	return &Trajectory{Time: t.Time[from:to], Position: cut(t.Position), Velocity: cut(t.Velocity), Effort: cut(t.Effort)}
}

// Between returns the motion from a time to another one, in s after the first row, with the last row
// at or before it, however far, and with the row that comes after it: so what is between can be
// interpolated. At least two rows have to be left; the error wraps ErrSampling.
func (t *Trajectory) Between(begin, end float64) (*Trajectory, error) {
	from := 0
	for from+1 < len(t.Time) && t.Time[from+1]-t.Time[0] <= begin+rounding {
		from++
	}
	to := from
	for to < len(t.Time) && (to == from || t.Time[to-1]-t.Time[0] <= end) {
		to++
	}
	if to-from < 2 {
		return nil, fmt.Errorf("%w: it lasts %.6g s, %d rows of it are left from %v s on, need at least two", ErrSampling, t.Time[len(t.Time)-1]-t.Time[0], to-from, begin)
	}
	return t.Rows(from, to), nil
}

// fewestRows is what a cubic is fitted to: one more than it goes through.
const fewestRows = 5

// rounding, in s, is what stamps are taken for equal within.
const rounding = 1e-9

// Smooth returns the motion with positions and velocities of the cubics that are fitted, by least
// squares, to the rows within window/2 (s) of each row: the derivative of what encoders measure, without
// most of their noise and without delay (A. Savitzky, M. J. E. Golay, Analytical Chemistry 36, 1964,
// pp. 1627-1639, for rows at any times). Where there are fewer than five rows the window is widened to
// them. A motion of fewer than five rows, or a window that holds fewer than five of them at the usual
// interval, is returned as it is.
func (t *Trajectory) Smooth(window float64) *Trajectory {
	n, rows := len(t.Position)/len(t.Time), len(t.Time)
	if rows < fewestRows || window < (fewestRows-1)*t.Usual()*(1-1e-6) {
		return t
	}
	out := &Trajectory{Time: t.Time, Effort: t.Effort, Position: make([]float64, rows*n), Velocity: make([]float64, rows*n)}
	from, to := 0, 0
	for i, now := range t.Time {
		for now-t.Time[from] > window/2*(1+1e-9) {
			from++
		}
		for to < rows && t.Time[to]-now <= window/2*(1+1e-9) {
			to++
		}
		first := max(0, min(from, i-fewestRows/2, rows-fewestRows))
		last := min(rows, max(to, first+fewestRows))
		fitCubic(out.Position[i*n:(i+1)*n], out.Velocity[i*n:(i+1)*n], t.Time[first:last], t.Position[first*n:last*n], now)
	}
	return out
}

// fitCubic writes the values and the slopes at a time of the cubics through the rows of y, one per
// column. Rows so close together that they tell no cubic leave the values as they are.
func fitCubic(value, slope, at, y []float64, now float64) {
	n, last := len(value), len(at)-1
	scale := max(now-at[0], at[last]-now)
	powers, rows := mat.NewDense(len(at), 4, nil), mat.NewDense(len(at), n, y)
	row := 0
	for i, t := range at {
		if t == now {
			row = i
		}
		u := (t - now) / scale
		powers.SetRow(i, []float64{1, u, u * u, u * u * u})
	}
	var fit mat.Dense
	solved := scale > rounding && fit.Solve(powers, rows) == nil
	for j := range n {
		if solved {
			value[j], slope[j] = fit.At(0, j), fit.At(1, j)/scale
		} else {
			value[j], slope[j] = y[row*n+j], (y[last*n+j]-y[j])/max(at[last]-at[0], rounding)
		}
	}
}
