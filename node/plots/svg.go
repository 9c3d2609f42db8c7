package plots

import (
	"bytes"
	"fmt"
	"html"
	"image/color"
	"io"
	"regexp"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// WriteSVG writes the chart as an svg element for a page of HTML: as wide as what it stands in, in the
// colours of StyleSheet, without title and legend, and with a text for those who do not see it. An
// error wraps ErrNothing if no value is finite.
func (c *Chart) WriteSVG(w io.Writer, text string) error {
	p, err := c.plot()
	if err != nil {
		return err
	}
	p.Legend = newPanel("").Legend // the page has it in words
	canvas := vgsvg.NewWith(vgsvg.UseWH(vg.Points(chartWidth), vg.Points(chartHeight)))
	c.draw(p, draw.New(canvas))
	var b bytes.Buffer
	if _, err := canvas.WriteTo(&b); err != nil {
		return fmt.Errorf("plots: %w", err)
	}
	_, body, found := strings.Cut(b.String(), "xmlns:xlink=\"http://www.w3.org/1999/xlink\">")
	if !found {
		return fmt.Errorf("plots: the SVG of %q does not begin as expected", c.Title)
	}
	_, err = fmt.Fprintf(w, `<svg viewBox="0 0 %d %d" role="img" aria-label="%s">%s`, chartWidth, chartHeight, html.EscapeString(text), forPage(body))
	return err
}

var (
	fontStyle = regexp.MustCompile(`\n\t?style="font-family:[^"]*?font-size:([0-9.]+)px`)
)

// colors replaces the tones' colours by the style sheet's variables.
var colors = func() *strings.Replacer {
	var pairs []string
	schemes(func(class string, s scheme) {
		for _, alpha := range []uint8{0xff, faint, strong} {
			s.light.A = alpha
			pairs = append(pairs, svgCode(s.light), "var(--"+class+")")
		}
	})
	return strings.NewReplacer(pairs...)
}()

// svgCode returns a colour as vgsvg writes it, which loses a little of one that is not opaque.
func svgCode(c color.NRGBA) string {
	r, g, b, a := c.RGBA()
	scale := 255 / float64(a)
	return fmt.Sprintf("#%02X%02X%02X", int(float64(r)*scale), int(float64(g)*scale), int(float64(b)*scale))
}

// forPage replaces what a file needs by what a page has in its style sheet.
func forPage(svg string) string {
	svg = fontStyle.ReplaceAllString(svg, ` style="font-size:${1}px`)
	svg = strings.ReplaceAll(svg, "data:image/jpg;", "data:image/png;")
	svg = strings.ReplaceAll(svg, "xlink:href", `preserveAspectRatio="none" href`)
	return colors.Replace(svg)
}
