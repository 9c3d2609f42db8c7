package plots

import (
	"fmt"
	"io"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Descents is a picture of the costs over the iterations of several descents. The cost
// axis is logarithmic if all costs are positive and span more than a factor of ten.
type Descents struct {
	Title string
	// Costs holds the costs of each descent: at its start, then after each iteration.
	// Values that are not finite are left out.
	Costs [][]float64
	// Best is the index of the one to show above the others.
	Best int
	// Reference is the cost to compare with, NaN for none; ReferenceName its name.
	Reference     float64
	ReferenceName string
}

// Save writes the picture as a PNG file of 1200 x 800 pixels, as LearningCurve.Save does.
func (d *Descents) Save(path string) error { return save(path, d.WritePNG) }

// WritePNG writes the picture; an error wraps ErrNothing if no cost is finite.
func (d *Descents) WritePNG(w io.Writer) error {
	p := newPanel("cost")
	p.Title.Text = d.Title
	p.X.Label.Text = "iteration"
	lists := make([]plotter.XYs, len(d.Costs)+1) // the last is the reference
	lo, hi, last := math.Inf(1), math.Inf(-1), 1.0
	add := func(list *plotter.XYs, x, y float64) {
		if finite(y) {
			*list = append(*list, plotter.XY{X: x, Y: y})
			lo, hi, last = min(lo, y), max(hi, y), max(last, x)
		}
	}
	for i, costs := range d.Costs {
		for k, v := range costs {
			add(&lists[i], float64(k), v)
		}
	}
	if lo > hi {
		return fmt.Errorf("%w: %d descents, none with a finite cost", ErrNothing, len(d.Costs))
	}
	reference := &lists[len(d.Costs)]
	add(reference, 0, d.Reference)
	add(reference, last, d.Reference)
	if lo > 0 && hi > 10*lo {
		for _, list := range lists {
			for i := range list {
				list[i].Y = math.Log10(list[i].Y)
			}
		}
		lo, hi = math.Log10(lo), math.Log10(hi)
		p.Y.Tick.Marker = logTicks{}
		p.Y.Label.Text += " (logarithmic)"
	}
	var best, other *plotter.Line
	for i, list := range lists[:len(d.Costs)] {
		line, err := newLine(list, draw.LineStyle{Color: band, Width: vg.Points(1.5)})
		if err != nil || line == nil {
			if err != nil {
				return err
			}
			continue
		}
		if i == d.Best {
			line.LineStyle = draw.LineStyle{Color: blue, Width: vg.Points(2.5)}
			best = line
			continue
		}
		other = line
		p.Add(line)
	}
	line, err := newLine(*reference, draw.LineStyle{Color: grey, Width: vg.Points(1.5), Dashes: []vg.Length{vg.Points(6), vg.Points(4)}})
	if err != nil {
		return err
	}
	for _, entry := range []struct {
		name string
		line *plotter.Line
	}{{"best start", best}, {"other starts", other}, {d.ReferenceName, line}} {
		if entry.line != nil {
			p.Legend.Add(entry.name, entry.line)
		}
	}
	for _, l := range []*plotter.Line{line, best} {
		if l != nil {
			p.Add(l)
		}
	}
	p.X.Min, p.X.Max = 0, last
	p.X.Tick.Marker = iterationTicks{}
	setRange(p, lo, hi)
	return writePanels(w, []*plot.Plot{p})
}

// newLine returns nil for a line of less than two points.
func newLine(list plotter.XYs, style draw.LineStyle) (*plotter.Line, error) {
	if len(list) < 2 {
		return nil, nil
	}
	line, err := plotter.NewLine(list)
	if err != nil {
		return nil, err
	}
	line.LineStyle = style
	return line, nil
}
