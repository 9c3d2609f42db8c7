package console

import (
	"fmt"
	"io"
	"os"

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
	return ok && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb"
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
// not wrap, and whether there is room for the time that is left too; 0 if there is no room for a
// bar. A line that wraps cannot be redrawn.
func (c Config) barWidth(columns int) (width int, timed bool) {
	room := columns - barMargin - len(c.description(c.Iterations, c.Trials))
	if timed = room-longestLeft >= minBarWidth; timed {
		room -= longestLeft
	}
	if columns < minColumns || room < minBarWidth {
		return 0, false
	}
	return min(maxBarWidth, room), timed
}

// fit gives the bar the width that the terminal has room for now.
func (p *Printer) fit() error {
	width, timed := p.config.barWidth(p.columns())
	p.timed = timed
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
		p.bar = newBar(p.w, width, p.config.Iterations*p.config.Trials)
	}
	return nil
}

// newBar returns a bar of a width, in columns, for so many parts.
func newBar(w io.Writer, width, parts int) *progressbar.ProgressBar {
	return progressbar.NewOptions(max(1, parts),
		progressbar.OptionSetWriter(w), progressbar.OptionSetWidth(width), progressbar.OptionUseANSICodes(true),
		// progressbar predicts from the first part on, also of work that somebody began before; remaining does not.
		progressbar.OptionSetElapsedTime(false), progressbar.OptionSetPredictTime(false),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionSetTheme(progressbar.Theme{Saucer: "█", SaucerPadding: "░", BarStart: "", BarEnd: ""}))
}
