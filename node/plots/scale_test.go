package plots

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Places solved by hand: sign(v) log10(1 + |v|/unit).
func TestSymLogPlaces(t *testing.T) {
	s := scale{unit: 10}
	for v, want := range map[float64]float64{0: 0, 90: 1, -90: -1, 990: 2, -9990: -3, 10: math.Log10(2)} {
		if got := s.at(v); math.Abs(got-want) > 1e-12 {
			t.Errorf("%v is at %v, want %v", v, got, want)
		}
	}
	if slope := s.at(0.01) / 0.01 * 10 * math.Ln10; math.Abs(slope-1) > 1e-3 {
		t.Errorf("near 0 the axis has %v of the slope of a line", slope)
	}
	before := math.Inf(-1)
	for v := -1e6; v < 1e6; v += 313 {
		at := s.at(v)
		if !(at > before) || at != -s.at(-v) {
			t.Fatalf("%v is at %v, -%v at %v, the number below %v at %v", v, at, v, s.at(-v), v, before)
		}
		before = at
	}
}

// A symmetric logarithmic axis is for values that a linear one does not show.
func TestSymLogOnlyWhereNeeded(t *testing.T) {
	axis := func(c *Chart) (lo, hi float64, label string) {
		p, err := c.plot()
		if err != nil {
			t.Fatal(err)
		}
		return p.Y.Min, p.Y.Max, p.Y.Label.Text
	}
	line := func(values ...float64) []ChartLine {
		return []ChartLine{{X: make([]float64, len(values)), Y: values}}
	}
	for _, c := range []struct {
		name   string
		values []float64
		unit   string
	}{
		{"one scale", []float64{-30, -4, 1, 5, 60}, ""},
		{"a hundred times the quartile", []float64{5, 5, 5, 500}, ""},
		{"more than that", []float64{5, 5, 5, 501}, "±1"},
		{"one far below", []float64{3, 30, 40, -2e9}, "±1"},
		{"small numbers", []float64{0.02, -0.03, 0.02, 0.05, 9000}, "±0.01"},
		{"large numbers", []float64{4e7, 5e7, 5e7, 5e7, -1e12}, "±10^7"},
		{"zeros do not count", []float64{0, 0, 0, 0, 0, 5, 6, 7, 8}, ""},
		{"nor do infinite ones", []float64{5, 6, 7, math.Inf(1), math.NaN()}, ""},
		{"only zeros", []float64{0, 0}, ""},
		{"next to nothing", []float64{1e-300, 1e-300, 1e-300, 1000}, "±10^-9"},
		{"one sign", []float64{20, 20, 30, 1e6}, "±10"},
	} {
		lo, hi, label := axis(&Chart{Y: "y", SymLog: true, Lines: line(c.values...)})
		if want := "y"; c.unit != "" {
			want += ", log beyond " + c.unit
			if label != want {
				t.Errorf("%s: label is %q, want %q", c.name, label, want)
			}
			if lo > 0 || hi < 0 {
				t.Errorf("%s: the axis from %v to %v does not have 0", c.name, lo, hi)
			}
			if hi-lo > 30 {
				t.Errorf("%s: the axis has %v decades", c.name, hi-lo)
			}
		} else if label != want {
			t.Errorf("%s: label is %q, want a linear axis", c.name, label)
		}
		if _, _, label := axis(&Chart{Y: "y", Lines: line(c.values...)}); label != "y" {
			t.Errorf("%s: label is %q without SymLog", c.name, label)
		}
	}
	if _, _, label := axis(&Chart{Y: "y", Log: true, SymLog: true, Lines: line(1, 1, 1, 1e6)}); label != "y" {
		t.Errorf("label is %q where a logarithmic axis will do", label)
	}
}

// Equal values are on a straight line through the origin, also where the axes alone would differ.
func TestSymLogBothAxes(t *testing.T) {
	c := &Chart{SymLog: true, SymLogX: true, Points: []ChartPoints{{X: []float64{1, 2, 3, 4}, Y: []float64{1, 50, -60, -1e8}}}}
	x, y := c.ranges()
	sx, sy := c.scales(x, y)
	if sx != sy || sx.unit != 1 {
		t.Errorf("scales are %+v and %+v, want both with unit 1", sx, sy)
	}
	if sx, sy := (&Chart{SymLogX: true, Points: c.Points}).scales(x, y); sx.unit != 0 || sy.unit != 0 {
		t.Errorf("scales are %+v and %+v, want linear ones", sx, sy)
	}
}

func TestSymLogTicks(t *testing.T) {
	for _, c := range []struct {
		unit, low, top float64
		most           int
		want           string
	}{
		{1, -2e9, 3e6, 8, "-10^8 -10^6 -10000 -100 0 100 10000 10^6"},
		{10, -2e5, 50, 8, "-10^5 -10000 -1000 -100 0"},
		{10, -5, 5000, 8, "0 100 1000"},
		{0.01, -100, 100, 9, "-100 -10 -1 -0.1 0 0.1 1 10 100"},
		{0.01, -100, 100, 8, "-10 -0.1 0 0.1 10"},
		{0.01, -100, 100, 6, "-100 -1 0 1 100"},
		{1e-9, 0, 1000, 8, "0 10^-7 10^-5 0.001 0.1 10 1000"},
	} {
		s := scale{unit: c.unit}
		var list []string
		before := math.Inf(-1)
		for _, tick := range (symLogTicks{s, c.most}).Ticks(s.at(c.low), s.at(c.top)) {
			if !(tick.Value > before) || tick.Value < s.at(c.low) || tick.Value > s.at(c.top) {
				t.Errorf("unit %v: a mark at %v after %v, axis from %v to %v", c.unit, tick.Value, before, s.at(c.low), s.at(c.top))
			}
			before = tick.Value
			if tick.Label == "" {
				continue
			}
			list = append(list, tick.Label)
			if want := s.at(parsed(t, tick.Label)); math.Abs(tick.Value-want) > 1e-9 {
				t.Errorf("unit %v: %s is marked at %v, want %v", c.unit, tick.Label, tick.Value, want)
			}
		}
		if got := strings.Join(list, " "); got != c.want {
			t.Errorf("unit %v from %v to %v: ticks are %q, want %q", c.unit, c.low, c.top, got, c.want)
		}
	}
	for _, ends := range [][2]float64{{1, 1}, {2, 1}, {math.NaN(), 1}} {
		if got := (symLogTicks{scale{unit: 1}, 8}).Ticks(ends[0], ends[1]); got != nil {
			t.Errorf("an axis from %v to %v has marks %v", ends[0], ends[1], got)
		}
	}
}

// parsed reads a label.
func parsed(t *testing.T, label string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(strings.Replace(label, "10^", "1e", 1), 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

var (
	fills   = regexp.MustCompile(`<path d="([^"]*)" style="fill:var\(--(\w+)\)`)
	strokes = regexp.MustCompile(`<path d="([^"]*)" style="fill:none;stroke:var\(--(\w+)\);stroke-width:([0-9.]+)`)
	corner  = regexp.MustCompile(`[ML]([-0-9.e]+),([-0-9.e]+)`)
)

// Bars of equal ratios are equally wide on a logarithmic axis.
func TestBarsOnLogarithmicAxis(t *testing.T) {
	c := &Chart{LogX: true, Bars: []ChartBar{{Left: []float64{0.01, 0.1, 1}, Right: []float64{0.1, 1, 10}, Low: []float64{0, 0, 0}, Top: []float64{1, 2, 3}, Tone: 3}}}
	var ends [][2]float64
	for _, m := range fills.FindAllStringSubmatch(svgOf(t, c), -1) {
		if m[2] != "c3" {
			continue
		}
		lo, hi := math.Inf(1), math.Inf(-1)
		for _, at := range corner.FindAllStringSubmatch(m[1], -1) {
			x, err := strconv.ParseFloat(at[1], 64)
			if err != nil {
				t.Fatal(err)
			}
			lo, hi = min(lo, x), max(hi, x)
		}
		ends = append(ends, [2]float64{lo, hi})
	}
	if len(ends) != 3 {
		t.Fatalf("%d bars, want 3", len(ends))
	}
	for i, e := range ends {
		if width := e[1] - e[0]; math.Abs(width-(ends[0][1]-ends[0][0])) > 0.1 || width < 80 || i > 0 && math.Abs(e[0]-ends[i-1][1]) > 0.1 {
			t.Errorf("bars reach over %v, want thirds of the axis side by side", ends)
		}
	}
}

// What is outside of the ranges is not drawn, and does not widen them.
func TestRanges(t *testing.T) {
	c := &Chart{XRange: [2]float64{0, 10}, YRange: [2]float64{-1, 1},
		Points: []ChartPoints{{X: []float64{1, 2, 50, 3}, Y: []float64{0, 0.5, 0, -7}, Tone: 2}},
		Lines:  []ChartLine{{X: []float64{-5, 20}, Y: []float64{0, 0}, Tone: 1}}}
	p, err := c.plot()
	if err != nil {
		t.Fatal(err)
	}
	if p.X.Min != 0 || p.X.Max != 10 || p.Y.Min != -1 || p.Y.Max != 1 {
		t.Errorf("axes from %v to %v and %v to %v, want 0 to 10 and -1 to 1", p.X.Min, p.X.Max, p.Y.Min, p.Y.Max)
	}
	svg := svgOf(t, c)
	for _, m := range fills.FindAllStringSubmatch(svg, -1) {
		if n := strings.Count(m[1], "M"); m[2] == "c2" && n != 2 {
			t.Errorf("%d points are drawn, want 2", n)
		}
	}
	for _, m := range strokes.FindAllStringSubmatch(svg, -1) {
		for _, at := range corner.FindAllStringSubmatch(m[1], -1) {
			if x, _ := strconv.ParseFloat(at[1], 64); x < 0 || x > chartWidth {
				t.Errorf("a line reaches x = %v of %v", x, chartWidth)
			}
		}
	}
	for _, none := range [][2]float64{{}, {1, 1}, {2, 1}, {math.NaN(), 1}, {0, math.Inf(1)}} {
		c.XRange, c.YRange = none, none
		if p, err := c.plot(); err != nil || p.X.Min > -5 || p.X.Max < 50 || p.Y.Min > -7 {
			t.Errorf("range %v: axes from %v to %v, and above %v, want all; %v", none, p.X.Min, p.X.Max, p.Y.Min, err)
		}
	}
}

// A target is drawn last, on a rim of the ground's colour; thick lines are thicker.
func TestTargetAboveLines(t *testing.T) {
	c := &Chart{Points: []ChartPoints{{Name: "target", X: []float64{1}, Y: []float64{1}, Tone: Limit, Cross: true}, {Name: "trials", X: []float64{1}, Y: []float64{2}, Tone: 4}},
		Lines: []ChartLine{{Name: "thin", X: []float64{0, 2}, Y: []float64{0, 2}, Tone: 0}, {Name: "thick", X: []float64{0, 2}, Y: []float64{2, 0}, Tone: 1, Strong: true}}}
	var order []string
	widths := map[string]float64{}
	for _, m := range strokes.FindAllStringSubmatch(svgOf(t, c), -1) {
		if m[2] == "ink" || m[2] == "grid" {
			continue
		}
		order = append(order, m[2])
		widths[m[2]], _ = strconv.ParseFloat(m[3], 64)
	}
	if got := strings.Join(order, " "); got != "c0 c1 ground ground limit limit" {
		t.Errorf("drawn are %q, want the target last, with its rim below it", got)
	}
	if widths["c1"] < 1.4*widths["c0"] || widths["ground"] < 1.5*widths["limit"] {
		t.Errorf("lines are %v wide", widths)
	}
	marks := map[string]Mark{}
	for _, e := range c.Legend() {
		marks[e.Name] = e.Mark
		if e.Strong != (e.Name == "thick") {
			t.Errorf("entry %+v", e)
		}
	}
	if marks["target"] != Cross || marks["trials"] != Dot || marks["thin"] != NoMark {
		t.Errorf("marks are %v", marks)
	}
}

// Neighbours in an order differ in what eyes see (CIE 1976 L*a*b*, where about 2 can be seen at all),
// the last ones also in lightness, for those who do not see hues, and all stand out from the ground.
func TestRampIsToldApart(t *testing.T) {
	for scheme := range 2 {
		pick := func(s inBoth) [3]float64 { return cieLab(s[scheme]) }
		ground := pick(inBoth{code(groundScheme.light), code(groundScheme.dark)})
		var lab [ramps][3]float64
		for i, s := range rampSchemes {
			lab[i] = pick(inBoth{code(s.light), code(s.dark)})
			if math.Abs(lab[i][0]-ground[0]) < 20 {
				t.Errorf("scheme %d: r%d has lightness %.0f on a ground of %.0f", scheme, i, lab[i][0], ground[0])
			}
		}
		for n := 2; n <= ramps; n++ {
			var shown []int
			for i := range n {
				shown = append(shown, int(Ramp(i, n)-firstRamp))
			}
			if !slices.IsSorted(shown) || shown[n-1] != ramps-1 {
				t.Errorf("%d items have colours %v", n, shown)
			}
			for i := 1; i < n; i++ {
				a, b := lab[shown[i-1]], lab[shown[i]]
				if d := math.Sqrt((a[0]-b[0])*(a[0]-b[0]) + (a[1]-b[1])*(a[1]-b[1]) + (a[2]-b[2])*(a[2]-b[2])); d < 20 {
					t.Errorf("scheme %d: %d and %d of %d are %.0f apart, want 20", scheme, i-1, i, n, d)
				}
			}
			if d := math.Abs(lab[shown[n-1]][0] - lab[shown[n-2]][0]); d < 15 {
				t.Errorf("scheme %d: the last two of %d differ by %.0f in lightness, want 15", scheme, n, d)
			}
		}
	}
}

// inBoth is a colour in the light and in the dark scheme, as CSS writes it.
type inBoth [2]string

// cieLab returns the coordinates of a colour of sRGB (IEC 61966-2-1) in CIE L*a*b* with white D65.
func cieLab(css string) [3]float64 {
	var bytes [3]int
	if _, err := fmt.Sscanf(css, "#%02X%02X%02X", &bytes[0], &bytes[1], &bytes[2]); err != nil {
		panic(err)
	}
	var rgb [3]float64
	for i, b := range bytes {
		v := float64(b) / 255
		if rgb[i] = v / 12.92; v > 0.04045 {
			rgb[i] = math.Pow((v+0.055)/1.055, 2.4)
		}
	}
	f := func(white float64, r, g, b float64) float64 {
		v := (r*rgb[0] + g*rgb[1] + b*rgb[2]) / white
		if v > 216.0/24389 {
			return math.Cbrt(v)
		}
		return (24389.0/27*v + 16) / 116
	}
	x, y, z := f(0.95047, 0.4124, 0.3576, 0.1805), f(1, 0.2126, 0.7152, 0.0722), f(1.08883, 0.0193, 0.1192, 0.9505)
	return [3]float64{116*y - 16, 500 * (x - y), 200 * (y - z)}
}
