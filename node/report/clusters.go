package report

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"guidedpolicysearch/gps/dynamics"
	"guidedpolicysearch/gps/rollout"
	"guidedpolicysearch/node/plots"
)

// Clusters is the mixture of a dynamics prior, and its data, in the plane of the data's first two
// principal components. The transitions [x; u; x'] are first divided by their standard deviations, since
// their units differ.
type Clusters struct {
	// X and Y are the data's coordinates by component: a point is shown with the component that most
	// likely made it.
	X, Y [][]float64
	// Ellipses are the outlines of the components at two standard deviations: x and y.
	Ellipses [][2][]float64
	// Share is the part of the variance that each of the two has.
	Share [2]float64
	// Axes holds the two directions, unit vectors of 2 dX + dU.
	Axes [2][]float64
	// Weights are the components'.
	Weights []float64
}

// mostDots bounds the points of a cloud.
const mostDots = 1200

// mostFarDots bounds the points of a cluster in a picture of which each cluster is a small part.
const mostFarDots = 25

// outline is how many corners an ellipse has.
const outline = 48

var errFlat = errors.New("its data do not vary in two directions")

// NewClusters projects a prior. The error says why there is nothing to project.
func NewClusters(p *dynamics.MixturePrior) (*Clusters, error) {
	if !whole(p) {
		return nil, errors.New("it has no mixture that fits its data")
	}
	m := p.Mixture
	points := rollout.Transitions(p.Rollouts)
	N, D := len(points)/m.D, m.D
	center, scale := make([]float64, D), make([]float64, D)
	for n := range N {
		addTo(center, 1/float64(N), points[n*D:(n+1)*D])
	}
	for n := range N {
		for i, v := range points[n*D : (n+1)*D] {
			scale[i] += (v - center[i]) * (v - center[i]) / float64(N)
		}
	}
	for i, v := range scale {
		scale[i] = math.Sqrt(v)
		if !(scale[i] > 1e-12*(1+math.Abs(center[i]))) {
			scale[i] = math.Inf(1) // what does not vary has no direction
		}
	}
	correlation := mat.NewSymDense(D, nil)
	for n := range N {
		row := points[n*D : (n+1)*D]
		for i := range D {
			for j := i; j < D; j++ {
				correlation.SetSym(i, j, correlation.At(i, j)+(row[i]-center[i])*(row[j]-center[j])/(scale[i]*scale[j]*float64(N)))
			}
		}
	}
	c := &Clusters{X: make([][]float64, m.K), Y: make([][]float64, m.K)}
	if err := c.findAxes(correlation); err != nil {
		return nil, err
	}
	project := func(v []float64) (xy [2]float64) {
		for a := range xy {
			for i := range D {
				xy[a] += c.Axes[a][i] * (v[i] - center[i]) / scale[i]
			}
		}
		return xy
	}
	var shown []float64
	for _, n := range spread(indices(N), mostDots) {
		shown = append(shown, points[n*D:(n+1)*D]...)
	}
	joint := make([]float64, len(shown)/D*m.K)
	if err := m.LogJoint(joint, shown); err != nil {
		return nil, err
	}
	for n := range len(shown) / D {
		best := 0
		for k := range m.K {
			if joint[n*m.K+k] > joint[n*m.K+best] {
				best = k
			}
		}
		xy := project(shown[n*D : (n+1)*D])
		c.X[best], c.Y[best] = append(c.X[best], xy[0]), append(c.Y[best], xy[1])
	}
	for k := range m.K {
		c.Weights = append(c.Weights, math.Exp(m.LogWeights[k]))
		c.addEllipse(project(m.Mean(k)), m.Cov(k), scale)
	}
	return c, nil
}

// findAxes sets the axes: the eigenvectors of the two largest eigenvalues, with the largest entry
// positive.
func (c *Clusters) findAxes(correlation *mat.SymDense) error {
	var eigen mat.EigenSym
	if !eigen.Factorize(correlation, true) {
		return errors.New("its data's principal components cannot be found")
	}
	values := eigen.Values(nil)
	var vectors mat.Dense
	eigen.VectorsTo(&vectors)
	sum := 0.0
	for _, v := range values {
		sum += max(v, 0)
	}
	D := len(values)
	if D < 2 || !(values[D-2] > 1e-12) {
		return errFlat
	}
	for a := range 2 {
		axis := mat.Col(nil, D-1-a, &vectors)
		largest := 0.0
		for _, v := range axis {
			if math.Abs(v) > math.Abs(largest)*(1+1e-9) {
				largest = v
			}
		}
		for i := range axis {
			axis[i] = math.Copysign(1, largest) * axis[i]
		}
		c.Axes[a], c.Share[a] = axis, values[D-1-a]/sum
	}
	return nil
}

// addEllipse projects a covariance about a centre: the points centre + 2 L [cos; sin], L L' being the
// covariance in the plane.
func (c *Clusters) addEllipse(center [2]float64, cov, scale []float64) {
	D := len(scale)
	var plane [2][2]float64
	for a := range 2 {
		for b := range 2 {
			for i := range D {
				for j := range D {
					plane[a][b] += c.Axes[a][i] / scale[i] * cov[i*D+j] * c.Axes[b][j] / scale[j]
				}
			}
		}
	}
	l00 := math.Sqrt(max(plane[0][0], 0))
	l10 := 0.0
	if l00 > 0 {
		l10 = plane[0][1] / l00
	}
	l11 := math.Sqrt(max(plane[1][1]-l10*l10, 0))
	var e [2][]float64
	for i := range outline + 1 {
		sin, cos := math.Sincos(2 * math.Pi * float64(i) / outline)
		e[0] = append(e[0], center[0]+2*l00*cos)
		e[1] = append(e[1], center[1]+2*(l10*cos+l11*sin))
	}
	c.Ellipses = append(c.Ellipses, e)
}

// chart draws ellipses and at most so many points of each cluster.
func (c *Clusters) chart(title string, most int) *plots.Chart {
	chart := &plots.Chart{Title: title, X: "first principal component", Y: "second principal component"}
	for k := range c.X {
		chart.Points = append(chart.Points, plots.ChartPoints{X: spread(c.X[k], most), Y: spread(c.Y[k], most), Tone: plots.Tone(k), Pale: true})
		chart.Lines = append(chart.Lines, plots.ChartLine{X: c.Ellipses[k][0], Y: c.Ellipses[k][1], Tone: plots.Tone(k)})
	}
	return chart
}

// points returns how many there are.
func (c *Clusters) points() (n int) {
	for _, x := range c.X {
		n += len(x)
	}
	return n
}

const (
	// farOut is how many interquartile ranges beyond the quartiles a coordinate is far out (Tukey,
	// Exploratory Data Analysis, 1977, chapter 2).
	farOut = 3
	// crowded is how many times wider than the rest all points have to be for the rest to be shown alone.
	crowded = 3
)

// Middle returns the ranges of the coordinates that are not far out, and how many points lie outside of
// them: none where the ranges are those of all points, since a picture of these shows enough.
func (c *Clusters) Middle() (x, y [2]float64, outside int) {
	narrow := false
	within := func(values []float64) [2]float64 {
		s := NewSpread(values)
		reach := farOut * (s.Third - s.First)
		if !(reach > 0) {
			return [2]float64{s.Least, s.Most}
		}
		low, top := max(s.Least, s.First-reach), min(s.Most, s.Third+reach)
		narrow = narrow || s.Most-s.Least > crowded*(top-low)
		return [2]float64{low, top}
	}
	xs, ys := slices.Concat(c.X...), slices.Concat(c.Y...)
	x, y = within(xs), within(ys)
	if !narrow {
		x, y = [2]float64{slices.Min(xs), slices.Max(xs)}, [2]float64{slices.Min(ys), slices.Max(ys)}
		return x, y, 0
	}
	for i := range xs {
		if xs[i] < x[0] || xs[i] > x[1] || ys[i] < y[0] || ys[i] > y[1] {
			outside++
		}
	}
	return x, y, outside
}

// meaning names the entries that an axis has most of.
func (c *Clusters) meaning(axis int, names []string) string {
	type part struct {
		name string
		size float64
	}
	var list []part
	for i, v := range c.Axes[axis] {
		if i < len(names) {
			list = append(list, part{names[i], math.Abs(v)})
		}
	}
	text := fmt.Sprintf("%.0f%% of the variance", 100*c.Share[axis])
	for n := range min(2, len(list)) {
		best := n
		for i := n; i < len(list); i++ {
			if list[i].size > list[best].size+1e-9 {
				best = i
			}
		}
		list[n], list[best] = list[best], list[n]
		text += []string{": most of ", ", "}[n] + list[n].name
	}
	return text
}

func indices(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}
