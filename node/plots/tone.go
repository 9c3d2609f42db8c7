package plots

import (
	"fmt"
	"image/color"
	"math"
	"strings"
)

// scheme is a tone in the light and in the dark scheme.
type scheme struct{ light, dark color.NRGBA }

func hex(v uint32) color.NRGBA {
	return color.NRGBA{R: uint8(v >> 16), G: uint8(v >> 8), B: uint8(v), A: 0xff}
}

// No two have the same light colour: it stands for the tone in an SVG.
var (
	toneSchemes = [Tones]scheme{
		{hex(0x1f5fa8), hex(0x6aa9ec)}, {hex(0xc2571a), hex(0xf0955c)}, {hex(0x2b834a), hex(0x62c285)}, {hex(0x8e4fa8), hex(0xc795de)},
		{hex(0xa87b0a), hex(0xe0b84a)}, {hex(0x0e8a9b), hex(0x55cbdc)}, {hex(0xc2386b), hex(0xf283ac)}, {hex(0x6b6b2a), hex(0xb9b96d)},
	}
	// From light to dark on a light page and the other way round on a dark one, each with a hue of its own.
	rampSchemes = [ramps]scheme{
		{hex(0xd9b13c), hex(0x8a7030)}, {hex(0xe07b28), hex(0xb0642a)}, {hex(0xd0519b), hex(0xc0609f)}, {hex(0x8f5fd4), hex(0x9c84e8)},
		{hex(0x2a6fc9), hex(0x5fa8f5)}, {hex(0x0b6b60), hex(0x5fdcc0)}, {hex(0x14143c), hex(0xf6f7fb)},
	}
	mutedScheme = scheme{hex(0x767676), hex(0x9a9a9a)}
	limitScheme = scheme{hex(0xb3261e), hex(0xff8a80)}
	gridScheme  = scheme{pale, hex(0x3a3f46)}
	// groundScheme is what charts are drawn on.
	groundScheme = scheme{hex(0xffffff), hex(0x1e2227)}
	inkScheme    = scheme{hex(0x000000), hex(0xe4e6ea)}
)

// schemes calls visit for every tone by its class.
func schemes(visit func(class string, s scheme)) {
	for i, s := range toneSchemes {
		visit(Tone(i).Class(), s)
	}
	for i, s := range rampSchemes {
		visit(Tone(firstRamp+i).Class(), s)
	}
	visit("muted", mutedScheme)
	visit("limit", limitScheme)
	visit("grid", gridScheme)
	visit("ink", inkScheme)
	visit("ground", groundScheme)
}

// color returns the tone in the light scheme.
func (t Tone) color() color.NRGBA {
	switch {
	case t == Muted:
		return mutedScheme.light
	case t == Limit:
		return limitScheme.light
	case t >= firstRamp:
		return rampSchemes[(t-firstRamp)%ramps].light
	}
	return toneSchemes[t%Tones].light
}

// StyleSheet returns the CSS that charts of WriteSVG need: a variable --CLASS for each tone, and for
// ink, grid and the ground that charts expect, in both schemes.
func StyleSheet() string {
	var light, dark strings.Builder
	schemes(func(class string, s scheme) {
		fmt.Fprintf(&light, "--%s:%s;", class, code(s.light))
		fmt.Fprintf(&dark, "--%s:%s;", class, code(s.dark))
	})
	return ":root{" + light.String() + "}\n@media(prefers-color-scheme:dark){:root{" + dark.String() + "}}\n"
}

// code returns a colour as CSS writes it.
func code(c color.NRGBA) string { return fmt.Sprintf("#%02X%02X%02X", c.R, c.G, c.B) }

const heatColors = 64

// heatAnchors are from dark violet over teal to yellow, rising in lightness.
var heatAnchors = []color.NRGBA{hex(0x2d1152), hex(0x2f5d8c), hex(0x27938a), hex(0x7cc35a), hex(0xf7e34a)}

// heatColor returns the colour of a part in [0, 1].
func heatColor(part float64) color.NRGBA {
	at := part * float64(len(heatAnchors)-1)
	i := min(int(at), len(heatAnchors)-2)
	mix := func(a, b uint8) uint8 {
		f := at - float64(i)
		return uint8(math.Round((1-f)*float64(a) + f*float64(b)))
	}
	a, b := heatAnchors[i], heatAnchors[i+1]
	return color.NRGBA{R: mix(a.R, b.R), G: mix(a.G, b.G), B: mix(a.B, b.B), A: 0xff}
}

// HeatGradient returns the colours of heat maps, the least first, as a CSS gradient to the right.
func HeatGradient() string {
	var list []string
	for _, c := range heatAnchors {
		list = append(list, code(c))
	}
	return "linear-gradient(to right," + strings.Join(list, ",") + ")"
}
