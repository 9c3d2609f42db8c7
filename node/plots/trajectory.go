package plots

import (
	"fmt"
	"image/color"
	"io"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// Series is one line over time.
type Series struct {
	Name   string
	Values []float64 // one per time step
	// Limit of the magnitude, drawn dashed on both sides; 0 or infinite for none.
	Limit float64
	// Held draws steps: a value holds until the next.
	Held bool
}

// Trajectory is a picture of panels one above the other, over the same time.
type Trajectory struct {
	Title string
	// TimeStep in s.
	TimeStep float64
	Panels   []TrajectoryPanel
}

// TrajectoryPanel is one of them.
type TrajectoryPanel struct {
	Label  string
	Series []Series
}

var lineColors = []color.Color{blue, green, color.NRGBA{R: 0xb8, G: 0x4a, B: 0x1f, A: 0xff}, color.NRGBA{R: 0x7a, G: 0x3f, B: 0x9d, A: 0xff}, grey}

// Save writes the picture as a PNG file of 1200 x 800 pixels, as LearningCurve.Save does.
func (t *Trajectory) Save(path string) error { return save(path, t.WritePNG) }

// WritePNG writes the picture; an error wraps ErrNothing if a panel has nothing to show.
func (t *Trajectory) WritePNG(w io.Writer) error {
	var panels []*plot.Plot
	end := 0.0
	for _, panel := range t.Panels {
		p := newPanel(panel.Label)
		for i, s := range panel.Series {
			last, err := t.add(p, s, lineColors[i%len(lineColors)], len(panel.Series) > 1)
			if err != nil {
				return err
			}
			end = max(end, last)
		}
		panels = append(panels, p)
	}
	if len(panels) == 0 {
		return fmt.Errorf("%w: a trajectory without panels", ErrNothing)
	}
	panels[0].Title.Text = t.Title
	for _, p := range panels {
		p.X.Min, p.X.Max = 0, end
	}
	panels[len(panels)-1].X.Label.Text = "time (s)"
	return writePanels(w, panels)
}

// add draws a series and its limit, and returns the time of its end.
func (t *Trajectory) add(p *plot.Plot, s Series, c color.Color, named bool) (end float64, err error) {
	var list plotter.XYs
	for i, v := range s.Values {
		if finite(v) {
			list = append(list, plotter.XY{X: float64(i) * t.TimeStep, Y: v})
		}
	}
	if s.Held && len(list) > 0 {
		last := list[len(list)-1]
		list = append(list, plotter.XY{X: last.X + t.TimeStep, Y: last.Y})
	}
	line, err := newLine(list, draw.LineStyle{Color: c, Width: vg.Points(2)})
	if err != nil {
		return 0, err
	}
	if line == nil {
		return 0, fmt.Errorf("%w: %s has %d values, want at least 2 finite ones", ErrNothing, s.Name, len(s.Values))
	}
	if s.Held {
		line.StepStyle = plotter.PostStep
	}
	p.Add(line)
	if named {
		p.Legend.Add(s.Name, line)
	}
	end = list[len(list)-1].X
	if s.Limit > 0 && !math.IsInf(s.Limit, 1) {
		for _, y := range []float64{-s.Limit, s.Limit} {
			bound, err := newLine(plotter.XYs{{X: 0, Y: y}, {X: end, Y: y}}, draw.LineStyle{Color: grey, Width: vg.Points(1.2), Dashes: []vg.Length{vg.Points(5), vg.Points(4)}})
			if err != nil {
				return 0, err
			}
			p.Add(bound)
		}
	}
	return end, nil
}

// writePanels draws panels one above the other, of equal height.
func writePanels(w io.Writer, panels []*plot.Plot) error {
	canvas := vgimg.NewWith(vgimg.UseWH(vg.Length(width)/dpi*vg.Inch, vg.Length(height)/dpi*vg.Inch), vgimg.UseDPI(dpi))
	area := draw.Crop(draw.New(canvas), vg.Points(10), -vg.Points(14), vg.Points(8), -vg.Points(8))
	var rows [][]*plot.Plot
	for _, p := range panels {
		rows = append(rows, []*plot.Plot{p})
	}
	for i, row := range plot.Align(rows, draw.Tiles{Rows: len(rows), Cols: 1, PadY: vg.Points(10)}, area) {
		panels[i].Draw(row[0])
	}
	_, err := vgimg.PngCanvas{Canvas: canvas}.WriteTo(w)
	return err
}
