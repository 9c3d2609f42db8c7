package plots

import (
	"bytes"
	"encoding/xml"
	"errors"
	"image/png"
	"io"
	"math"
	"strings"
	"testing"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// everything is a chart with all that a chart may hold.
func everything() *Chart {
	nan := math.NaN()
	return &Chart{Title: "all", X: "time (s)", Y: "value", Lines: []ChartLine{
		{Name: "a", X: []float64{0, 1, 2, 3}, Y: []float64{1, nan, 2, math.Inf(1)}, Tone: 0, Dots: true},
		{Name: "a", X: []float64{0, 1}, Y: []float64{2, 3}, Tone: 0},
		{Name: "limit", X: []float64{0, 3}, Y: []float64{4, 4}, Tone: Limit, Dashed: true},
		{Name: "nothing", X: []float64{0}, Y: []float64{nan}, Tone: 5},
		{Name: "one", X: []float64{2}, Y: []float64{2.5}, Tone: Ramp(0, 3), Held: true},
	}, Bands: []ChartBand{{Name: "range", X: []float64{0, 1, 2}, Low: []float64{0.5, 1, 1}, Top: []float64{2, 2, 3}, Tone: 1, Strong: true}},
		Points: []ChartPoints{{Name: "dots", X: []float64{1, 2}, Y: []float64{1, 1}, Tone: 2}, {Name: "target", X: []float64{2.5}, Y: []float64{3}, Tone: Limit, Cross: true}},
		Bars:   []ChartBar{{Name: "bars", Left: []float64{0, 1}, Right: []float64{0.5, 1.5}, Low: []float64{0, 0}, Top: []float64{1, 0.5}, Tone: 3}}}
}

func svgOf(t *testing.T, c *Chart) string {
	t.Helper()
	var b bytes.Buffer
	if err := c.WriteSVG(&b, `falls from "10" to <1>`); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestChartSVG(t *testing.T) {
	heat := &Chart{Title: "heat", X: "time (s)", Ticks: []string{"p", "q"}, Heat: &ChartHeat{Rows: 2, Columns: 3, Values: []float64{0, 1, 2, 3, math.NaN(), 5}, X1: 3, Most: 5}}
	huge := &Chart{Title: "huge", Lines: []ChartLine{{X: []float64{0, 1, 2}, Y: []float64{-math.MaxFloat64, math.MaxFloat64, 1e99}}, {X: []float64{0, 1}, Y: []float64{5e-324, -1e99}}}}
	for _, c := range []*Chart{everything(), heat, huge} {
		svg := svgOf(t, c)
		if svg != svgOf(t, c) {
			t.Errorf("%s: one chart gives two pictures", c.Title)
		}
		depth := 0
		for d := xml.NewDecoder(strings.NewReader(svg)); ; {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", c.Title, err)
			}
			e, is := token.(xml.StartElement)
			if !is {
				continue
			}
			if depth++; depth > 1 {
				continue
			}
			attributes := map[string]string{}
			for _, a := range e.Attr {
				attributes[a.Name.Local] = a.Value
			}
			if e.Name.Local != "svg" || attributes["viewBox"] != "0 0 360 250" || attributes["width"] != "" || attributes["role"] != "img" || attributes["aria-label"] != `falls from "10" to <1>` {
				t.Errorf("%s begins with %v", c.Title, e)
			}
		}
		for _, bad := range []string{"xlink", "font-family", "image/jpg", ":#", "NaN", "Inf"} {
			if strings.Contains(svg, bad) {
				t.Errorf("%s: the picture has %q: %.200s", c.Title, bad, svg[strings.Index(svg, bad)-20:])
			}
		}
	}
	for _, class := range []string{"c0", "c1", "c2", "c3", "r0", "limit", "ink", "grid"} {
		if !strings.Contains(svgOf(t, everything()), "var(--"+class+")") {
			t.Errorf("nothing has the tone %s", class)
		}
	}
}

func TestChartPNG(t *testing.T) {
	var b bytes.Buffer
	if err := everything().WritePNG(&b); err != nil {
		t.Fatal(err)
	}
	m, err := png.Decode(&b)
	if err != nil {
		t.Fatal(err)
	}
	if size := m.Bounds().Size(); size.X != 720 || size.Y != 560 {
		t.Errorf("picture of %v, want 720 x 560", size)
	}
	for _, tone := range []Tone{0, Limit, 3} {
		n := 0
		for y := range 560 {
			for x := range 720 {
				r, g, b, _ := m.At(x, y).RGBA()
				if c := tone.color(); near(uint8(r>>8), c.R) && near(uint8(g>>8), c.G) && near(uint8(b>>8), c.B) {
					n++
				}
			}
		}
		if n < 40 {
			t.Errorf("%d pixels of tone %s, want some", n, tone.Class())
		}
	}
}

func TestChartOfNothing(t *testing.T) {
	for _, c := range []*Chart{{}, {Lines: []ChartLine{{X: []float64{1}, Y: []float64{math.NaN()}}}}, {Heat: &ChartHeat{}}} {
		if err := c.WriteSVG(io.Discard, ""); !errors.Is(err, ErrNothing) {
			t.Errorf("SVG: error is %v, want ErrNothing", err)
		}
		if err := c.WritePNG(io.Discard); !errors.Is(err, ErrNothing) {
			t.Errorf("PNG: error is %v, want ErrNothing", err)
		}
	}
}

func TestChartLegend(t *testing.T) {
	var names []string
	for _, e := range everything().Legend() {
		names = append(names, e.Name)
		if (e.Name == "limit") != e.Dashed || (e.Name == "range") != (e.Area > 0 && e.Area < 1) {
			t.Errorf("entry %+v", e)
		}
	}
	if got := strings.Join(names, " "); got != "a limit one range dots target bars" {
		t.Errorf("legend is %q", got)
	}
}

func TestChartScales(t *testing.T) {
	of := func(c *Chart) (x0, x1, y0, y1 float64) {
		p, err := c.plot()
		if err != nil {
			t.Fatal(err)
		}
		return p.X.Min, p.X.Max, p.Y.Min, p.Y.Max
	}
	line := func(x, y []float64) []ChartLine { return []ChartLine{{X: x, Y: y}} }
	if _, _, lo, hi := of(&Chart{Log: true, Lines: line([]float64{0, 1}, []float64{0.1, 100})}); math.Abs(lo+1.15) > 1e-12 || math.Abs(hi-2.15) > 1e-12 {
		t.Errorf("logarithmic axis from %v to %v, want -1 to 2 and a margin", lo, hi)
	}
	for name, y := range map[string][]float64{"narrow": {5, 20}, "negative": {-1, 100}, "zero": {0, 100}} {
		if _, _, _, hi := of(&Chart{Log: true, Lines: line([]float64{0, 1}, y)}); hi < y[1] {
			t.Errorf("%s: axis ends at %v, want a linear one beyond %v", name, hi, y[1])
		}
	}
	if lo, hi, _, _ := of(&Chart{LogX: true, Lines: line([]float64{0.01, 10}, []float64{1, 2})}); math.Abs(lo+2) > 1e-12 || math.Abs(hi-1) > 1e-12 {
		t.Errorf("logarithmic x axis from %v to %v, want -2 to 1", lo, hi)
	}
	if _, _, lo, hi := of(&Chart{Lines: line([]float64{0, 1}, []float64{0, 0})}); lo != -1 || hi != 1 {
		t.Errorf("axis of zeros from %v to %v, want -1 to 1", lo, hi)
	}
}

// A millimetre is as long across as up.
func TestChartEqual(t *testing.T) {
	c := &Chart{Equal: true, X: "x (m)", Y: "y (m)", Lines: []ChartLine{{X: []float64{0, 1}, Y: []float64{0, 5}}}}
	p, err := c.plot()
	if err != nil {
		t.Fatal(err)
	}
	canvas := draw.New(vgimg.NewWith(vgimg.UseWH(vg.Points(chartWidth), vg.Points(chartHeight)), vgimg.UseDPI(72)))
	c.draw(p, canvas)
	size := p.DataCanvas(draw.Crop(canvas, vg.Points(4), -vg.Points(10), vg.Points(3), -vg.Points(7))).Size()
	across, up := (p.X.Max-p.X.Min)/float64(size.X), (p.Y.Max-p.Y.Min)/float64(size.Y)
	if math.Abs(across/up-1) > 0.03 || p.X.Min > 0 || p.X.Max < 1 || p.Y.Min > 0 || p.Y.Max < 5 {
		t.Errorf("a point is %v across and %v up; axes %v to %v and %v to %v", across, up, p.X.Min, p.X.Max, p.Y.Min, p.Y.Max)
	}
}

// Row 0 is at the bottom, as on the axis.
func TestHeatPicture(t *testing.T) {
	h := &ChartHeat{Rows: 2, Columns: 2, Values: []float64{0, 1, 2, math.NaN()}, Most: 2}
	m := h.picture()
	b := m.Bounds()
	for _, c := range []struct {
		x, y int
		want float64
	}{{0, b.Max.Y - 1, 0}, {b.Max.X - 1, b.Max.Y - 1, 0.5}, {0, 0, 1}} {
		want := heatColor(c.want)
		r, g, bl, a := m.At(c.x, c.y).RGBA()
		if a == 0 || math.Abs(float64(r>>8)-float64(want.R)) > 4 || math.Abs(float64(g>>8)-float64(want.G)) > 4 || math.Abs(float64(bl>>8)-float64(want.B)) > 4 {
			t.Errorf("pixel %d, %d has colour %d %d %d, want %v", c.x, c.y, r>>8, g>>8, bl>>8, want)
		}
	}
	if _, _, _, a := m.At(b.Max.X-1, 0).RGBA(); a != 0 {
		t.Error("what is not a number has a colour")
	}
}

func TestTones(t *testing.T) {
	if Ramp(0, 5).Class() != "r0" || Ramp(4, 5).Class() != "r6" || Ramp(0, 1).Class() != "r6" || Tone(9).Class() != "c1" || Muted.Class() != "muted" || Limit.Class() != "limit" {
		t.Error("classes are not those of the tones")
	}
	light := map[string]string{}
	schemes(func(class string, s scheme) {
		if other, there := light[code(s.light)]; there {
			t.Errorf("%s and %s have the same light colour, which stands for one of them", class, other)
		}
		light[code(s.light)] = class
		for _, alpha := range []uint8{faint, strong} {
			s.light.A = alpha
			if c := svgCode(s.light); colors.Replace(c) != "var(--"+class+")" {
				t.Errorf("%s at %d of 255 is written as %s, which stands for %s", class, alpha, c, colors.Replace(c))
			}
		}
		s.light.A = 0xff
		for _, c := range []string{code(s.light), code(s.dark)} {
			if !strings.Contains(StyleSheet(), "--"+class+":"+c+";") {
				t.Errorf("the style sheet has no %s of %s", class, c)
			}
		}
	})
}

func TestChartTicks(t *testing.T) {
	text := func(ticks interface {
		Ticks(lo, hi float64) []plot.Tick
	}, lo, hi float64) string {
		var list []string
		for _, m := range ticks.Ticks(lo, hi) {
			list = append(list, m.Label)
		}
		return strings.Join(list, " ")
	}
	for _, c := range []struct{ got, want string }{
		{text(fewTicks{6}, -0.31, 0.85), "-0.2 0 0.2 0.4 0.6 0.8"},
		{text(fewTicks{6}, -26000, 100), "-25000 -20000 -15000 -10000 -5000 0"},
		{text(fewTicks{6}, 1, 1), ""},
		{text(wholeTicks{8}, 0.97, 3.03), "1 2 3"},
		{text(wholeTicks{8}, -0.5, 51.5), "0 10 20 30 40 50"},
		{text(decadeTicks{}, -2.5, 1.2), "0.01 0.1 1 10"},
		{text(namedTicks{"a", "b", "c"}, -0.5, 1.5), "a b"},
	} {
		if c.got != c.want {
			t.Errorf("ticks are %q, want %q", c.got, c.want)
		}
	}
}
