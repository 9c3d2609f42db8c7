package nn

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// ErrData marks a dataset that cannot be trained on.
var ErrData = errors.New("nn: dataset cannot be used")

// Dataset is what a network is to reproduce: N pairs of an observation and an action, as a rule
// all time steps of some rollouts.
type Dataset struct {
	// N counts pairs; In and Out are the sizes of an observation and an action.
	N, In, Out int
	// X holds the observations (N x In), as Forward takes them: not normalised.
	X []float64
	// Y holds the actions (N x Out).
	Y []float64
	// Precision weighs the squares of differences: a symmetric positive semidefinite matrix for
	// each pair (N x Out x Out), its diagonal alone (N x Out), or nil for the identity. Its
	// unit and scale matter as far as weight decay and Adam's epsilon do: a mean diagonal of
	// about 1 suits the defaults.
	Precision []float64
	// Weight is a factor >= 0 for each pair (N), nil for 1.
	Weight []float64
	// Rollout tells which rollout each pair is of (N): equal numbers, one rollout. It is what is
	// held out whole; nil where nothing is.
	Rollout []int
	// HeldOut lists the rollouts that are held out where TrainConfig.HeldOut is above 0; nil draws them.
	// Training that goes on from a network must not hold out what that network was trained on.
	HeldOut []int
}

const maxPairs = 1 << 24

// Validate returns an error wrapping ErrData that names the field, the pair and what was expected:
// lengths that do not fit, a number that is not finite in float32, a precision that is not
// symmetric and positive semidefinite, weights of which none is positive.
func (d *Dataset) Validate() error {
	if d.N < 1 || d.N > maxPairs {
		return fmt.Errorf("%w: N is %d, expected 1 to %d pairs", ErrData, d.N, maxPairs)
	}
	if d.In < 1 || d.In > maxSize || d.Out < 1 || d.Out > maxSize {
		return fmt.Errorf("%w: In is %d and Out is %d, expected 1 to %d", ErrData, d.In, d.Out, maxSize)
	}
	if len(d.X) != d.N*d.In || len(d.Y) != d.N*d.Out {
		return fmt.Errorf("%w: X has %d numbers and Y %d, expected %d x %d and %d x %d", ErrData, len(d.X), len(d.Y), d.N, d.In, d.N, d.Out)
	}
	if n := len(d.Precision); n != 0 && n != d.N*d.Out && n != d.N*d.Out*d.Out {
		return fmt.Errorf("%w: Precision has %d numbers, expected %d x %d x %d, %d x %d for diagonals, or none", ErrData, n, d.N, d.Out, d.Out, d.N, d.Out)
	}
	if n := len(d.Weight); n != 0 && n != d.N {
		return fmt.Errorf("%w: Weight has %d numbers, expected %d or none", ErrData, n, d.N)
	}
	if n := len(d.Rollout); n != 0 && n != d.N {
		return fmt.Errorf("%w: Rollout has %d numbers, expected %d or none", ErrData, n, d.N)
	}
	for _, r := range d.HeldOut {
		if !slices.Contains(d.Rollout, r) {
			return fmt.Errorf("%w: HeldOut has rollout %d, of which there is no pair", ErrData, r)
		}
	}
	for _, field := range []struct {
		name    string
		numbers []float64
	}{{"X", d.X}, {"Y", d.Y}, {"Precision", d.Precision}, {"Weight", d.Weight}} {
		for i, v := range field.numbers {
			if !(math.Abs(v) <= math.MaxFloat32) {
				each := len(field.numbers) / d.N
				return fmt.Errorf("%w: %s of pair %d is %v at %d of %d, expected a finite number that float32 holds", ErrData, field.name, i/each, v, i%each, each)
			}
		}
	}
	if err := d.validateWeights(); err != nil {
		return err
	}
	return d.validatePrecision()
}

func (d *Dataset) validateWeights() error {
	positive := len(d.Weight) == 0
	for n, v := range d.Weight {
		if v < 0 {
			return fmt.Errorf("%w: Weight of pair %d is %v, expected 0 or more", ErrData, n, v)
		}
		positive = positive || float32(v) > 0
	}
	if !positive {
		return fmt.Errorf("%w: no Weight is positive, so that nothing would be learned", ErrData)
	}
	return nil
}

// semidefinite is how far below zero rounding may take a pivot of a precision matrix, relative to
// its largest diagonal element.
const semidefinite = 1e-6

func (d *Dataset) validatePrecision() error {
	out := d.Out
	if len(d.Precision) == d.N*out { // identity and diagonals: with one output a diagonal is the matrix
		for i, v := range d.Precision {
			if v < 0 {
				return fmt.Errorf("%w: Precision of pair %d is %v at output %d, expected 0 or more", ErrData, i/out, v, i%out)
			}
		}
		return nil
	}
	if len(d.Precision) == 0 {
		return nil
	}
	l := make([]float64, out*out)
	for n := range d.N {
		p := d.Precision[n*out*out : (n+1)*out*out]
		largest := 0.0
		for i := range out {
			largest = math.Max(largest, math.Abs(p[i*out+i]))
		}
		for i := range out {
			for j := range i {
				if math.Abs(p[i*out+j]-p[j*out+i]) > semidefinite*largest {
					return fmt.Errorf("%w: Precision of pair %d is not symmetric: element (%d, %d) is %v and (%d, %d) is %v", ErrData, n, i, j, p[i*out+j], j, i, p[j*out+i])
				}
			}
		}
		if i := indefinite(l, p, out, semidefinite*largest); i >= 0 {
			return fmt.Errorf("%w: Precision of pair %d is not positive semidefinite: its leading %d x %d block has a negative eigenvalue", ErrData, n, i+1, i+1)
		}
	}
	return nil
}

// indefinite returns the first row at which p + shift I (n x n) has no Cholesky factor, or -1. The
// factor goes to l.
func indefinite(l, p []float64, n int, shift float64) int {
	for i := range n {
		for j := range i + 1 {
			sum := p[i*n+j]
			for k := range j {
				sum -= l[i*n+k] * l[j*n+k]
			}
			if j < i {
				if l[i*n+j] = 0; sum != 0 { // over a pivot of 0 it is infinite, and the next pivot negative
					l[i*n+j] = sum / l[j*n+j]
				}
				continue
			}
			if sum += shift; sum < 0 {
				return i
			}
			l[i*n+i] = math.Sqrt(sum)
		}
	}
	return -1
}

// Standardisation returns the scale and bias under which the columns of x (rows of in numbers) have
// mean 0 and, divided by N, variance 1, for SetNormalisation. Columns that deviate by less than
// floor > 0 are divided by floor, and what does not vary at all, which no training can tell the
// meaning of, is multiplied by 0: either would otherwise be magnified once it varies. No rows, a length that is no multiple of in, or a number that is not finite
// is an error wrapping ErrData.
func Standardisation(x []float64, in int, floor float64) (scale, bias []float64, err error) {
	if in < 1 || len(x) == 0 || len(x)%in != 0 || !(floor > 0) || math.IsInf(floor, 0) {
		return nil, nil, fmt.Errorf("%w: %d numbers in rows of %d with floor %v, expected one row or more, and a finite floor above 0", ErrData, len(x), in, floor)
	}
	scale, bias = make([]float64, in), make([]float64, in)
	N := float64(len(x) / in)
	for i := range in {
		mean, squares := 0.0, 0.0
		for j := i; j < len(x); j += in {
			mean += x[j] / N
		}
		for j := i; j < len(x); j += in {
			squares += (x[j] - mean) * (x[j] - mean) / N
		}
		if squares-squares != 0 {
			return nil, nil, fmt.Errorf("%w: column %d has a number that is not finite, or too large", ErrData, i)
		}
		const rounding = 1e-12
		if deviation := math.Sqrt(squares); deviation > rounding*math.Abs(mean) {
			scale[i] = 1 / math.Max(deviation, floor)
			bias[i] = -mean * scale[i]
		}
	}
	return scale, bias, nil
}
