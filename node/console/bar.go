package console

import (
	"fmt"
	"io"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

const (
	maxBarWidth = 30 // columns of the bar without its text
	minBarWidth = 5
	minColumns  = 50 // of a terminal that gets a bar
	// barMargin is what stands beside the description and the bar: the percentage,
	// blanks, and the last column, where some terminals already begin a new line.
	barMargin = len(" 100%  ") + len(" ") + 1
	// usualColumns are those of a terminal that does not tell.
	usualColumns = 80
)

// IsTerminal reports whether w is a terminal, where a line can be redrawn.
func IsTerminal(w io.Writer) bool {
	f, ok := w.(interface{ Fd() uintptr })
	return ok && term.IsTerminal(int(f.Fd()))
}

// columns returns the width of the terminal that w writes to.
func columns(w io.Writer) int {
	if f, ok := w.(interface{ Fd() uintptr }); ok {
		if n, _, err := term.GetSize(int(f.Fd())); err == nil && n > 0 {
			return n
		}
	}
	return usualColumns
}

func (c Config) description(iteration, trial int) string {
	return fmt.Sprintf("iteration %d of %d, trial %d of %d", iteration, c.Iterations, trial, c.Trials)
}

// barWidth returns how wide a bar may be whose line, with the longest description, must
// not wrap; 0 if there is no room for one. A line that wraps cannot be redrawn.
func (c Config) barWidth(columns int) int {
	width := min(maxBarWidth, columns-barMargin-len(c.description(c.Iterations, c.Trials)))
	if columns < minColumns || width < minBarWidth {
		return 0
	}
	return width
}

// fit gives the bar the width that the terminal has room for now.
func (p *Printer) fit() error {
	width := p.config.barWidth(p.columns())
	if width == p.width {
		return nil
	}
	if p.bar != nil {
		if err := p.bar.Clear(); err != nil {
			return err
		}
		p.bar = nil
	}
	if p.width = width; width > 0 {
		p.bar = progressbar.NewOptions(max(1, p.config.Iterations*p.config.Trials),
			progressbar.OptionSetWriter(p.w), progressbar.OptionSetWidth(width), progressbar.OptionUseANSICodes(true),
			progressbar.OptionSetElapsedTime(false), progressbar.OptionSetPredictTime(false),
			progressbar.OptionClearOnFinish(),
			progressbar.OptionSetTheme(progressbar.Theme{Saucer: "█", SaucerPadding: "░", BarStart: "", BarEnd: ""}))
	}
	return nil
}
