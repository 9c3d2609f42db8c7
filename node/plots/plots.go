// Package plots draws pictures of learning runs.
package plots

import (
	"bytes"
	"errors"
	"fmt"
	"image/color"
	"io"
	"math"
	"os"
	"path/filepath"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// ErrNothing marks a curve without a point to draw.
var ErrNothing = errors.New("plots: nothing to draw")

// Point is one iteration of a learning curve. Values that are not finite are left out.
type Point struct {
	// Iteration counts from 1.
	Iteration int
	// Mean, Best and Worst are the costs over the iteration's samples.
	Mean, Best, Worst float64
	// Error is the end-effector error in m.
	Error float64
}

// LearningCurve is a picture of the cost over the iterations: the mean with the band
// from best to worst sample, a reference if there is one, and below it the end-effector
// error in cm if it is known. The cost axis is logarithmic if all costs are positive and
// span more than a factor of ten.
type LearningCurve struct {
	Title  string
	Points []Point
	// Reference holds the mean cost per iteration of another method, iteration 1
	// first; may be empty. ReferenceName is its name in the legend.
	Reference     []float64
	ReferenceName string
}

const (
	width, height = 1200, 800 // pixels
	dpi           = 100
)

var (
	blue  = color.NRGBA{R: 0x1f, G: 0x5f, B: 0xa8, A: 0xff}
	band  = color.NRGBA{R: 0xc9, G: 0xdb, B: 0xef, A: 0xff}
	grey  = color.NRGBA{R: 0x66, G: 0x66, B: 0x66, A: 0xff}
	green = color.NRGBA{R: 0x2b, G: 0x83, B: 0x4a, A: 0xff}
	pale  = color.NRGBA{R: 0xd9, G: 0xd9, B: 0xd9, A: 0xff}
)

// Save writes the picture as a PNG file of 1200 x 800 pixels: to a new file beside path,
// which then takes its place. The folder must exist.
func (c *LearningCurve) Save(path string) error { return save(path, c.WritePNG) }

// save writes a picture to a new file beside path, which then takes its place.
func save(path string, write func(io.Writer) error) error {
	var b bytes.Buffer
	if err := write(&b); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".plot-*")
	if err != nil {
		return fmt.Errorf("plots: %w", err)
	}
	_, err = f.Write(b.Bytes())
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("plots: %s: %w", path, err)
	}
	return nil
}

// WritePNG writes the picture; an error wraps ErrNothing if no point has a finite mean.
func (c *LearningCurve) WritePNG(w io.Writer) error {
	cost, err := c.costPanel()
	if err != nil {
		return err
	}
	last := max(len(c.Reference), 2)
	for _, p := range c.Points {
		last = max(last, p.Iteration)
	}
	cost.X.Min, cost.X.Max = 0.75, float64(last)+0.25
	cost.X.Tick.Marker = iterationTicks{}
	panels := [][]*plot.Plot{{cost}}
	reach, err := c.errorPanel()
	if err != nil {
		return err
	}
	if reach != nil {
		reach.X.Min, reach.X.Max = cost.X.Min, cost.X.Max
		reach.X.Tick.Marker = iterationTicks{}
		cost.X.Label.Text = ""
		panels = append(panels, []*plot.Plot{reach})
	}
	canvas := vgimg.NewWith(vgimg.UseWH(vg.Length(width)/dpi*vg.Inch, vg.Length(height)/dpi*vg.Inch), vgimg.UseDPI(dpi))
	area := draw.New(canvas)
	area = draw.Crop(area, vg.Points(10), -vg.Points(14), vg.Points(8), -vg.Points(8))
	if reach == nil {
		cost.Draw(area)
	} else {
		// The cost gets two thirds of the height.
		split := area.Size().Y / 3
		top, bottom := draw.Crop(area, 0, 0, split, 0), draw.Crop(area, 0, 0, 0, split-area.Size().Y-vg.Points(12))
		draws := plot.Align(panels, draw.Tiles{Rows: 2, Cols: 1}, area)
		top.Min.X, top.Max.X = draws[0][0].Min.X, draws[0][0].Max.X
		bottom.Min.X, bottom.Max.X = draws[1][0].Min.X, draws[1][0].Max.X
		cost.Draw(top)
		reach.Draw(bottom)
	}
	_, err = vgimg.PngCanvas{Canvas: canvas}.WriteTo(w)
	return err
}

// costPanel draws the costs.
func (c *LearningCurve) costPanel() (*plot.Plot, error) {
	p := newPanel("cost of a sample")
	p.Title.Text = c.Title
	p.X.Label.Text = "iteration"
	var mean, lower, upper, reference plotter.XYs
	lo, hi := math.Inf(1), math.Inf(-1)
	add := func(list *plotter.XYs, x, y float64) {
		if finite(y) {
			*list = append(*list, plotter.XY{X: x, Y: y})
			lo, hi = min(lo, y), max(hi, y)
		}
	}
	for _, q := range c.Points {
		x := float64(q.Iteration)
		add(&mean, x, q.Mean)
		if finite(q.Best) && finite(q.Worst) {
			add(&lower, x, q.Best)
			add(&upper, x, q.Worst)
		}
	}
	if len(mean) == 0 {
		return nil, fmt.Errorf("%w: %d iterations, none with a finite mean cost", ErrNothing, len(c.Points))
	}
	for i, y := range c.Reference {
		add(&reference, float64(i+1), y)
	}
	if lo > 0 && hi > 10*lo {
		// plot.LogScale misplaces the axis label and leaves a gap above the data, so
		// the panel shows the logarithms on a linear axis.
		for _, list := range []plotter.XYs{mean, lower, upper, reference} {
			for i := range list {
				list[i].Y = math.Log10(list[i].Y)
			}
		}
		lo, hi = math.Log10(lo), math.Log10(hi)
		p.Y.Tick.Marker = logTicks{}
		p.Y.Label.Text += " (logarithmic)"
	}
	if len(lower) > 1 {
		outline := upper
		for i := range lower {
			outline = append(outline, lower[len(lower)-1-i])
		}
		polygon, err := plotter.NewPolygon(outline)
		if err != nil {
			return nil, err
		}
		polygon.Color = band
		polygon.LineStyle.Width = 0
		p.Add(polygon)
		p.Legend.Add("best to worst sample", polygon)
	}
	if len(reference) > 0 {
		line, err := plotter.NewLine(reference)
		if err != nil {
			return nil, err
		}
		line.LineStyle = draw.LineStyle{Color: grey, Width: vg.Points(1.5), Dashes: []vg.Length{vg.Points(6), vg.Points(4)}}
		p.Add(line)
		name := c.ReferenceName
		if name == "" {
			name = "reference"
		}
		p.Legend.Add(name, line)
	}
	line, points, err := curve(mean, blue)
	if err != nil {
		return nil, err
	}
	p.Add(line, points)
	p.Legend.Add("mean", line, points)
	setRange(p, lo, hi)
	return p, nil
}

// errorPanel draws the end-effector error; nil if it is not known.
func (c *LearningCurve) errorPanel() (*plot.Plot, error) {
	var list plotter.XYs
	hi := 0.0
	for _, q := range c.Points {
		if finite(q.Error) {
			list = append(list, plotter.XY{X: float64(q.Iteration), Y: 100 * q.Error})
			hi = max(hi, 100*q.Error)
		}
	}
	if len(list) == 0 {
		return nil, nil
	}
	line, points, err := curve(list, green)
	if err != nil {
		return nil, err
	}
	p := newPanel("end-effector error (cm)")
	p.X.Label.Text = "iteration"
	p.Add(line, points)
	p.Y.Min, p.Y.Max = 0, 1.1*max(hi, 1e-3)
	p.Y.Tick.Marker = plot.DefaultTicks{}
	return p, nil
}

func curve(list plotter.XYs, c color.Color) (*plotter.Line, *plotter.Scatter, error) {
	line, points, err := plotter.NewLinePoints(list)
	if err != nil {
		return nil, nil, err
	}
	line.LineStyle = draw.LineStyle{Color: c, Width: vg.Points(2)}
	points.GlyphStyle = draw.GlyphStyle{Color: c, Radius: vg.Points(3.5), Shape: draw.CircleGlyph{}}
	return line, points, nil
}

// newPanel returns an empty plot with a grid and sans-serif fonts.
func newPanel(label string) *plot.Plot {
	p := plot.New()
	sans := func(size float64) font.Font {
		return font.Font{Typeface: "Liberation", Variant: "Sans", Size: vg.Points(size)}
	}
	p.Title.TextStyle.Font = sans(15)
	p.Title.Padding = vg.Points(6)
	p.Legend.TextStyle.Font = sans(11)
	p.Legend.Top = true
	p.Legend.Padding = vg.Points(3)
	p.Legend.ThumbnailWidth = vg.Points(28)
	p.Legend.XOffs, p.Legend.YOffs = -vg.Points(8), -vg.Points(6)
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.Label.TextStyle.Font = sans(12)
		axis.Tick.Label.Font = sans(11)
		axis.Padding = 0
	}
	p.Y.Label.Text = label
	grid := plotter.NewGrid()
	grid.Horizontal.Color, grid.Vertical.Color = pale, pale
	p.Add(grid)
	return p
}

// setRange sets the range of the cost axis, with a margin.
func setRange(p *plot.Plot, lo, hi float64) {
	margin := 0.06 * (hi - lo)
	if margin == 0 {
		margin = max(0.1*math.Abs(hi), 1e-9)
	}
	p.Y.Min, p.Y.Max = lo-margin, hi+margin
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
