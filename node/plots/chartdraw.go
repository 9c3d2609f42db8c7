package plots

import (
	"fmt"
	"image"
	"image/color"
	"io"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// Size of a chart in points; a PNG has two pixels to a point.
const (
	chartWidth  = 360
	chartHeight = 250
)

// Save writes the chart as a PNG file of 720 x 560 pixels, as LearningCurve.Save does.
func (c *Chart) Save(path string) error { return save(path, c.WritePNG) }

// WritePNG writes the chart with title and legend; an error wraps ErrNothing if no value is finite.
func (c *Chart) WritePNG(w io.Writer) error {
	p, err := c.plot()
	if err != nil {
		return err
	}
	p.BackgroundColor = color.White
	p.Title.Text = c.Title
	p.Title.TextStyle.Font.Size = vg.Points(11)
	p.Legend.TextStyle.Font.Size = vg.Points(8)
	p.Legend.ThumbnailWidth = vg.Points(16)
	canvas := vgimg.NewWith(vgimg.UseWH(vg.Points(chartWidth), vg.Points(chartHeight+30)), vgimg.UseDPI(144))
	c.draw(p, draw.New(canvas))
	_, err = vgimg.PngCanvas{Canvas: canvas}.WriteTo(w)
	return err
}

// plot returns what is drawn, without title and background.
func (c *Chart) plot() (*plot.Plot, error) {
	x, y := c.ranges()
	if x.empty() || y.empty() {
		return nil, fmt.Errorf("%w: %q has no finite value", ErrNothing, c.Title)
	}
	p := newPanel(c.Y)
	p.BackgroundColor = nil
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.Label.TextStyle.Font.Size, axis.Tick.Label.Font.Size = vg.Points(10), vg.Points(9.5)
	}
	sx, sy := c.scales(x, y)
	x, y = sx.extent(x), sy.extent(y)
	p.X.Label.Text, p.Y.Label.Text = sx.label(c.X), sy.label(c.Y)
	p.X.Tick.Marker, p.Y.Tick.Marker = fewTicks{6}, fewTicks{6}
	switch {
	case sy.log:
		p.Y.Tick.Marker = logTicks{}
	case sy.unit > 0:
		p.Y.Tick.Marker = symLogTicks{sy, 8}
	}
	switch {
	case sx.log:
		p.X.Tick.Marker = decadeTicks{}
	case sx.unit > 0:
		p.X.Tick.Marker = symLogTicks{sx, 6}
	case c.Whole:
		p.X.Tick.Marker = wholeTicks{8}
	}
	if c.Ticks != nil {
		p.Y.Tick.Marker = namedTicks(c.Ticks)
	}
	if c.Heat == nil && !asked(c.YRange) {
		y = y.widened(0.05)
	}
	if c.Heat == nil && !asked(c.XRange) && (c.Equal || c.Whole || sx.unit > 0 || x.lo == x.hi) {
		x = x.widened(0.03)
	}
	if err := c.fill(p, sx, sy); err != nil {
		return nil, err
	}
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = x.lo, x.hi, y.lo, y.hi // after fill, which widens them to all there is
	return p, nil
}

// points returns the finite pairs.
func points(xs, ys []float64, sx, sy scale) plotter.XYs {
	list := make(plotter.XYs, 0, len(xs))
	for i, x := range xs {
		if drawable(x) && drawable(ys[i]) {
			list = append(list, plotter.XY{X: sx.at(x), Y: sy.at(ys[i])})
		}
	}
	return list
}

// fill adds all that the chart holds, what is to be seen best last.
func (c *Chart) fill(p *plot.Plot, sx, sy scale) error {
	if c.Heat != nil {
		p.Add(heatPlotter{c.Heat})
	}
	legend := map[string]bool{"": true}
	name := func(name string, thumb plot.Thumbnailer) {
		if !legend[name] {
			legend[name] = true
			p.Legend.Add(name, thumb)
		}
	}
	for _, b := range c.Bands {
		low, top := points(b.X, b.Low, sx, sy), points(b.X, b.Top, sx, sy)
		if len(low) < 2 || len(low) != len(top) {
			continue
		}
		for i := range low {
			top = append(top, low[len(low)-1-i])
		}
		polygon, err := plotter.NewPolygon(top)
		if err != nil {
			return err
		}
		area := b.Tone.color()
		area.A = b.alpha()
		polygon.Color, polygon.LineStyle.Width = area, 0
		p.Add(polygon)
		name(b.Name, polygon)
	}
	for _, b := range c.Bars {
		b.Left, b.Right, b.Low, b.Top = sx.all(b.Left), sx.all(b.Right), sy.all(b.Low), sy.all(b.Top)
		bars := barPlotter{b}
		p.Add(bars)
		name(b.Name, bars)
	}
	if err := c.marks(p, false, sx, sy, name); err != nil {
		return err
	}
	for _, l := range c.Lines {
		if err := c.line(p, l, points(l.X, l.Y, sx, sy), name); err != nil {
			return err
		}
	}
	return c.marks(p, true, sx, sy, name)
}

// fewPoints is up to how many points of a chart are drawn larger.
const fewPoints = 300

// marks adds points: dots below the lines, crosses above.
func (c *Chart) marks(p *plot.Plot, crosses bool, sx, sy scale, name func(string, plot.Thumbnailer)) error {
	total := 0
	for _, q := range c.Points {
		total += len(q.X)
	}
	for _, q := range c.Points {
		list := points(q.X, q.Y, sx, sy)
		if len(list) == 0 || q.Cross != crosses {
			continue
		}
		scatter, err := plotter.NewScatter(list)
		if err != nil {
			return err
		}
		tone, radius := q.Tone.color(), 1.4
		if total <= fewPoints {
			radius = 2
		}
		if q.Pale {
			tone.A = strong
		}
		if q.Cross {
			scatter.GlyphStyle = draw.GlyphStyle{Color: tone, Radius: vg.Points(5), Shape: boldCross{}}
			p.Add(scatter)
		} else {
			scatter.GlyphStyle = draw.GlyphStyle{Color: tone, Radius: vg.Points(radius), Shape: draw.CircleGlyph{}}
			p.Add(dots{scatter})
		}
		name(q.Name, scatter)
	}
	return nil
}

// dots draws points as one path, which makes pages smaller than a path for each.
type dots struct{ *plotter.Scatter }

// Plot implements plot.Plotter.
func (d dots) Plot(c draw.Canvas, p *plot.Plot) {
	tx, ty := p.Transforms(&c)
	var path vg.Path
	for _, xy := range d.XYs {
		at := vg.Point{X: tx(xy.X), Y: ty(xy.Y)}
		if c.Contains(at) {
			path.Move(vg.Point{X: at.X + d.Radius, Y: at.Y})
			path.Arc(at, d.Radius, 0, 2*math.Pi)
		}
	}
	if path != nil {
		c.SetColor(d.Color)
		c.Fill(path)
	}
}

// line adds a line, or a dot where it is a single point.
func (c *Chart) line(p *plot.Plot, l ChartLine, list plotter.XYs, name func(string, plot.Thumbnailer)) error {
	style := draw.LineStyle{Color: l.Tone.color(), Width: vg.Points(1.4)}
	if l.Strong {
		style.Width = vg.Points(2.1)
	}
	if l.Dashed {
		style.Dashes, style.Width = []vg.Length{vg.Points(4), vg.Points(3)}, vg.Points(1.1)
	}
	line, err := newLine(list, style)
	if err != nil {
		return err
	}
	if line != nil {
		if l.Held {
			line.StepStyle = plotter.PostStep
		}
		p.Add(line)
		name(l.Name, line)
	}
	if line == nil && len(list) == 0 || line != nil && !l.Dots {
		return nil
	}
	scatter, err := plotter.NewScatter(list)
	if err != nil {
		return err
	}
	scatter.GlyphStyle = draw.GlyphStyle{Color: l.Tone.color(), Radius: vg.Points(2), Shape: draw.CircleGlyph{}}
	p.Add(dots{scatter})
	name(l.Name, scatter)
	return nil
}

// draw draws the plot; paths in space with one scale for both axes.
func (c *Chart) draw(p *plot.Plot, canvas draw.Canvas) {
	area := draw.Crop(canvas, vg.Points(4), -vg.Points(10), vg.Points(3), -vg.Points(7))
	if c.Equal {
		size := p.DataCanvas(area).Size()
		perPoint := max((p.X.Max-p.X.Min)/float64(size.X), (p.Y.Max-p.Y.Min)/float64(size.Y))
		widen := func(a *plot.Axis, length vg.Length) {
			more := (perPoint*float64(length) - (a.Max - a.Min)) / 2
			a.Min, a.Max = a.Min-more, a.Max+more
		}
		widen(&p.X, size.X)
		widen(&p.Y, size.Y)
	}
	p.Draw(area)
}

// boldCross is a cross that is seen on top of lines: it has a rim in the colour of the ground.
type boldCross struct{}

// DrawGlyph implements draw.GlyphDrawer.
func (boldCross) DrawGlyph(c *draw.Canvas, style draw.GlyphStyle, at vg.Point) {
	for _, stroke := range []struct {
		style draw.LineStyle
		arm   vg.Length
	}{
		{draw.LineStyle{Color: groundScheme.light, Width: vg.Points(5)}, style.Radius + vg.Points(1.5)},
		{draw.LineStyle{Color: style.Color, Width: vg.Points(2.2)}, style.Radius},
	} {
		c.SetLineStyle(stroke.style)
		for _, up := range []vg.Length{-1, 1} {
			var p vg.Path
			p.Move(vg.Point{X: at.X - stroke.arm, Y: at.Y - up*stroke.arm})
			p.Line(vg.Point{X: at.X + stroke.arm, Y: at.Y + up*stroke.arm})
			c.Stroke(p)
		}
	}
}

// barPlotter draws bars.
type barPlotter struct{ ChartBar }

// Plot implements plot.Plotter.
func (b barPlotter) Plot(c draw.Canvas, p *plot.Plot) {
	tx, ty := p.Transforms(&c)
	for i := range b.Left {
		if x0, x1, y0, y1 := b.Left[i], b.Right[i], b.Low[i], b.Top[i]; drawable(x0) && drawable(x1) && drawable(y0) && drawable(y1) && y1 != y0 {
			c.FillPolygon(b.Tone.color(), []vg.Point{{X: tx(x0), Y: ty(y0)}, {X: tx(x1), Y: ty(y0)}, {X: tx(x1), Y: ty(y1)}, {X: tx(x0), Y: ty(y1)}})
		}
	}
}

// Thumbnail implements plot.Thumbnailer.
func (b barPlotter) Thumbnail(c *draw.Canvas) {
	c.FillPolygon(b.Tone.color(), []vg.Point{c.Min, {X: c.Max.X, Y: c.Min.Y}, c.Max, {X: c.Min.X, Y: c.Max.Y}})
}

// heatPlotter draws a heat map as one image.
type heatPlotter struct{ *ChartHeat }

// Plot implements plot.Plotter.
func (h heatPlotter) Plot(c draw.Canvas, p *plot.Plot) {
	if h.Rows == 0 || h.Columns == 0 {
		return
	}
	tx, ty := p.Transforms(&c)
	lo, hi := h.span()
	rect := vg.Rectangle{Min: vg.Point{X: tx(h.X0), Y: ty(lo)}, Max: vg.Point{X: tx(h.X1), Y: ty(hi)}}
	c.DrawImage(rect, h.picture())
}

// picture returns the map with so many pixels to a cell that no drawing blurs it much.
func (h *ChartHeat) picture() image.Image {
	kx, ky := max(1, 400/h.Columns), max(1, 240/h.Rows)
	list := color.Palette{color.NRGBA{}}
	for i := range heatColors {
		list = append(list, heatColor(float64(i)/(heatColors-1)))
	}
	m := image.NewPaletted(image.Rect(0, 0, kx*h.Columns, ky*h.Rows), list)
	for y := range ky * h.Rows {
		row := h.Rows - 1 - y/ky
		for x := range kx * h.Columns {
			v := h.Values[row*h.Columns+x/kx]
			if !finite(v) {
				continue
			}
			part := 0.5
			if h.Most > h.Least {
				part = min(1, max(0, (v-h.Least)/(h.Most-h.Least)))
			}
			m.SetColorIndex(x, y, uint8(1+math.Round(part*(heatColors-1))))
		}
	}
	return m
}
